"""Which frames are followed from which given frame, and in which direction. Nothing here looks at a picture."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rvos_core.errors import UserError
from rvos_core.types import FrameSpan

Direction = Literal["forward", "backward", "both", "nearest"]
"""`both`: frames between two given ones are reached from either side, and the two answers are blended. `nearest`: they
belong to the nearer given frame alone, at half the work."""


@dataclass(frozen=True)
class Pass:
    """One walk over the clip.

    Attributes:
        backward: from the span's end to its start.
        wanted: frame -> the objects whose masks this pass is to give there; frames in the order of the walk.
    """

    backward: bool
    wanted: Mapping[int, frozenset[int]]


@dataclass(frozen=True)
class FollowPlan:
    """The passes of a run.

    Attributes:
        passes: no object is wanted where it is given; going `both` ways, between two given frames both passes want it.
        given: object id -> the frames in which it is given, ascending.
    """

    passes: tuple[Pass, ...]
    given: Mapping[int, Sequence[int]]

    @property
    def met_twice(self) -> Mapping[int, frozenset[int]]:
        """Frame -> the objects that both passes want there."""
        if len(self.passes) < 2:
            return {}
        forward, backward = (each.wanted for each in self.passes)
        shared = {frame: forward[frame] & backward[frame] for frame in forward.keys() & backward.keys()}
        return {frame: objects for frame, objects in shared.items() if objects}

    def distances(self, object_id: int, frame: int) -> tuple[int, int]:
        """Frames from `frame` back to the object's last given one, and on to its next; there must be both."""
        frames = self.given[object_id]
        after = bisect_left(frames, frame)
        return frame - frames[after - 1], frames[after] - frame

    @property
    def steps(self) -> int:
        """Frames that will be predicted, over all passes: what progress counts."""
        return sum(len(each.wanted) for each in self.passes)


def plan_passes(span: FrameSpan, given: Mapping[int, Collection[int]], direction: Direction) -> FollowPlan:
    """Divide the frames among the passes.

    An object is followed from each of its given frames to the next one, or to the end of the span. With `nearest`, a
    frame between two given ones belongs to the nearer (the earlier of two that are as near); with `both`, to either.

    Args:
        span: the frames of the run.
        given: frame -> ids of the objects whose masks a person gave there.
        direction: where to go from the given frames.

    Raises:
        UserError: nothing is given, or in a frame outside the span.
    """
    if not any(given.values()):
        raise UserError(
            "There is nothing to follow yet.",
            hint="Give a mask of at least one object in one frame.",
            code="propagate.no_object",
        )
    for index in given:
        if index not in span:
            raise UserError(
                f"A mask is given in frame {index}, outside the frames {span.start} to {span.stop - 1} of this run.",
                hint="Choose a span that holds every given frame.",
                code="propagate.outside_span",
            )
    objects = sorted({object_id for ids in given.values() for object_id in ids})
    forward: dict[int, set[int]] = {}
    backward: dict[int, set[int]] = {}
    frames_of = {each: sorted(index for index, ids in given.items() if each in ids) for each in objects}
    for object_id, frames in frames_of.items():
        for frame in _ahead(span, frames, direction):
            forward.setdefault(frame, set()).add(object_id)
        for frame in _behind(span, frames, direction):
            backward.setdefault(frame, set()).add(object_id)
    alike: dict[frozenset[int], frozenset[int]] = {}  # most frames want the same objects: one set for all of them

    def ordered(wanted: Mapping[int, set[int]], *, backward: bool) -> dict[int, frozenset[int]]:
        sets = ((frame, frozenset(wanted[frame])) for frame in sorted(wanted, reverse=backward))
        return {frame: alike.setdefault(objects, objects) for frame, objects in sets}

    passes = (Pass(False, ordered(forward, backward=False)), Pass(True, ordered(backward, backward=True)))
    return FollowPlan(tuple(each for each in passes if each.wanted), frames_of)


def _ahead(span: FrameSpan, frames: list[int], direction: Direction) -> Iterable[int]:
    """Frames that are followed forward from one of the given `frames` (ascending)."""
    if direction == "backward":
        return
    for frame, following in zip(frames, [*frames[1:], None], strict=True):
        if following is None:
            yield from range(frame + 1, span.stop)
        else:
            last = (frame + following) // 2 if direction == "nearest" else following - 1
            yield from range(frame + 1, last + 1)


def _behind(span: FrameSpan, frames: list[int], direction: Direction) -> Iterable[int]:
    """Frames that are followed backward from one of the given `frames` (ascending)."""
    if direction == "forward":
        return
    for before, frame in zip([None, *frames[:-1]], frames, strict=True):
        if before is None:
            yield from range(span.start, frame)
        else:
            first = (before + frame) // 2 + 1 if direction == "nearest" else before + 1
            yield from range(first, frame)
