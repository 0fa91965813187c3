"""Which frame of a clip a frame of an annotation is, by its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from rvos_core.errors import UserError
from rvos_core.formats.annotations import AnnotatedClip

_TRAILING_NUMBER = re.compile(r"(\d{1,12})$")


# By the names of the frames; one for one; by the number in each name, counted from 0 or from 1.
Way: TypeAlias = Literal["name", "order", "number", "number from 1"]


@dataclass(frozen=True)
class FrameMatch:
    """Which frames of a clip those of an annotation are.

    Attributes:
        frames: for each frame of the annotation the index of the frame that it is; None: the clip has none there.
        way: how that was found out.
        shift: frames that were added to it, as a person said.
    """

    frames: tuple[int | None, ...] = field(repr=False)
    way: Way
    shift: int = 0

    @property
    def ends(self) -> tuple[int, int] | None:
        """The first and the last frame of the clip that an annotated one is; None: there is none."""
        inside = [each for each in self.frames if each is not None]
        return (min(inside), max(inside)) if inside else None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        first, last = self.ends or (None, None)
        return {
            "matched_by": self.way,
            "shift": self.shift,
            "first": first,
            "last": last,
            "beyond": self.frames.count(None),
        }


def match_frames(clip: AnnotatedClip, names: Sequence[str], frame_count: int, *, shift: int = 0) -> FrameMatch:
    """Find the frames of `clip` in the clip of the project.

    By the names of the clip's own frames; else one for one, where there are as many; else by the numbers in the names,
    from 0, or from 1 where that alone fits.

    Args:
        names: of the frames of the clip in the project.
        frame_count: how many it has.
        shift: frames to add where the annotation counts otherwise than the clip.

    Raises:
        UserError: the frames cannot be told.
    """
    found, way = _matched(clip, names, frame_count)
    moved = (None if each is None else each + shift for each in found)
    kept = (each if each is not None and 0 <= each < frame_count else None for each in moved)
    return FrameMatch(tuple(kept), way, shift)


def _matched(clip: AnnotatedClip, names: Sequence[str], frame_count: int) -> tuple[tuple[int | None, ...], Way]:
    index_of = {name: index for index, name in enumerate(names)}
    if all(name in index_of for name in clip.frames):
        return tuple(index_of[name] for name in clip.frames), "name"
    if len(clip.frames) == frame_count:
        return tuple(range(frame_count)), "order"
    numbers = [int(found[1]) if (found := _TRAILING_NUMBER.search(name)) else None for name in clip.frames]
    known = [each for each in numbers if each is not None]
    if len(known) != len(numbers) or len(set(known)) != len(known):
        raise UserError(
            f"The frames of {clip.name} ({clip.frames[0]!r:.40} ...) cannot be matched with the {frame_count} frames "
            "of its clip.",
            hint="Name them by the number of the frame, from 0, or annotate every frame.",
            code="formats.frames",
        )
    first = 1 if min(known, default=0) >= 1 and max(known, default=0) == frame_count else 0
    return tuple(each - first for each in known), "number from 1" if first else "number"
