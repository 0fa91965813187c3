"""Following given masks, in the GPU queue: what a person left in some frames spreads to the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rvos_app.i18n import tr
from rvos_app.jobs.job import JobContext
from rvos_core.inference.events import FrameResult
from rvos_core.inference.propagation import FollowedFrame, follow, plan_passes
from rvos_core.inference.suspicion import trusted
from rvos_core.masks import Rle, bbox, decode
from rvos_core.media import MediaReader
from rvos_core.project.reading import ProjectReader
from rvos_core.types import FrameSpan

if TYPE_CHECKING:
    from rvos_core.models.propagators import IsvosPropagator

_MOST_ELSEWHERE = 8  # locked frames outside the span that are remembered, the nearest ones


class PropagatorSlot:
    """Holds the loaded propagator. Touched by jobs of the GPU queue only."""

    def __init__(self) -> None:
        self._device: str | None = None
        self._propagator: IsvosPropagator | None = None

    def get(self, device: str) -> IsvosPropagator:
        """The bundled propagator on a device. Raises: UserError: damaged weights, no such device."""
        if self._propagator is None or self._device != device:
            from rvos_core.models.registry import load_propagator

            self._propagator = load_propagator(device=device)
            self._device = device
        return self._propagator


@dataclass(frozen=True)
class Spreading:
    """What is to be followed.

    Attributes:
        object_ids: of the objects, which are followed together.
        span: frames of the run, the given ones among them: they are followed both ways, up to its ends.
        start: object id -> (frame, mask) that is given although it is not locked: the frame a person looks at.
        through_cuts: go on behind scene cuts; else objects end there.
    """

    object_ids: tuple[int, ...]
    span: FrameSpan
    start: dict[int, tuple[int, Rle]]
    through_cuts: bool = False


@dataclass(frozen=True)
class SpreadFrame:
    """Masks of one frame, by object id. `done` of `steps` frames were followed; a frame may come twice."""

    frame_index: int
    results: dict[int, FrameResult]
    done: int
    steps: int


@dataclass(frozen=True)
class SpreadEnd:
    """All is followed. `cuts`: first frames of later shots, at which objects ended."""

    cuts: tuple[int, ...]


@dataclass(frozen=True)
class SpreadMasks:
    """Read the locked masks of a project and follow them; reports each frame as it is found."""

    slot: PropagatorSlot
    device: str
    project: Path
    reader: MediaReader
    spreading: Spreading

    @property
    def title(self) -> str:
        return tr("Following masks")

    def run(self, context: JobContext) -> SpreadEnd:
        """The clip and the project are read through readers of their own, as one reader belongs to one thread."""
        wanted = self.spreading
        given, elsewhere = self._given()
        steps = plan_passes(wanted.span, {at: tuple(masks) for at, masks in given.items()}, "both").steps
        propagator = self.slot.get(self.device)
        context.checkpoint()
        cuts: set[int] = set()
        with self.reader.reopen() as pictures:
            found = follow(
                propagator,
                pictures,
                given,
                span=wanted.span,
                elsewhere=elsewhere,
                beyond_cut=_remember_cuts(cuts, go_on=wanted.through_cuts),
                cancel=context.cancel,
            )
            for done, frame in enumerate(found, start=1):
                context.report(SpreadFrame(frame.frame_index, _results(frame), done, steps))
                context.checkpoint()
        return SpreadEnd(() if wanted.through_cuts else tuple(sorted(cuts)))

    def _given(self) -> tuple[dict[int, dict[int, np.ndarray]], dict[int, dict[int, np.ndarray]]]:
        """Locked masks, and the frame that a person looks at: inside the span, and the nearest ones outside it."""
        inside: dict[int, dict[int, np.ndarray]] = {}
        outside: dict[int, dict[int, np.ndarray]] = {}
        span = self.spreading.span
        with ProjectReader(self.project) as project:
            for object_id in self.spreading.object_ids:
                lane = project.lane(object_id)
                locked = lane.frames[lane.locked]
                far = np.where(locked < span.start, span.start - locked, locked - span.stop + 1)
                near = set(locked[np.argsort(far, kind="stable")][: (far <= 0).sum() + _MOST_ELSEWHERE].tolist())
                for frame in sorted(near):
                    record = project.mask(object_id, frame)
                    if record is not None:
                        place = inside if frame in span else outside
                        place.setdefault(frame, {})[object_id] = decode(record.mask)
        for object_id, (frame, mask) in self.spreading.start.items():
            inside.setdefault(frame, {}).setdefault(object_id, decode(mask))
        return inside, outside


def _remember_cuts(cuts: set[int], *, go_on: bool) -> Callable[[int], bool]:
    def beyond(frame: int) -> bool:
        cuts.add(frame)
        return go_on

    return beyond


def _results(frame: FollowedFrame) -> dict[int, FrameResult]:
    return {
        each.object_id: FrameResult(
            frame.frame_index,
            each.mask,
            trusted(each.confidence, each.agreement),
            _floats(bbox(each.mask)),
            visible=bbox(each.mask) is not None,
        )
        for each in frame.objects
    }


def _floats(box: tuple[int, int, int, int] | None) -> tuple[float, float, float, float] | None:
    return None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
