"""A finished run's masks, followed from its surest frames: what ISVOS's authors do with a referring model's masks.

The referring model says which object is meant and where it sees it best; the propagator takes these frames for given
and finds the others anew. An option, as it does not always gain (docs/benchmarks.md); no torch here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rvos_core.inference.events import FrameResult
from rvos_core.inference.propagation import follow
from rvos_core.masks import Rle, area, bbox, decode
from rvos_core.types import CancelToken, FrameSpan

if TYPE_CHECKING:
    from rvos_core.inference.propagation.session import PictureSource
    from rvos_core.models.api import Propagator

BEST_FRAMES = 3
_OBJECT = 1  # the only one that is followed


def best_frames(frames: Sequence[FrameResult], *, most: int = BEST_FRAMES) -> tuple[int, ...]:
    """The frames that a run is surest of, apart from one another, in order; none where it found nothing.

    The surest comes first; each further one is the surest of those that lie at least half an equal share of the span
    away from all that were taken.

    Args:
        frames: of a run, in order.
        most: at most so many.
    """
    apart = max(1, len(frames) // (2 * most))
    chosen: list[int] = []
    seen = [each for each in frames if each.visible and area(each.mask)]
    for each in sorted(seen, key=lambda frame: (-frame.confidence, frame.frame_index)):
        if len(chosen) < most and all(abs(each.frame_index - other) >= apart for other in chosen):
            chosen.append(each.frame_index)
    return tuple(sorted(chosen))


def refined(
    frames: Sequence[FrameResult],
    propagator: Propagator,
    source: PictureSource,
    *,
    most: int = BEST_FRAMES,
    cancel: CancelToken | None = None,
) -> tuple[FrameResult, ...]:
    """The run's masks, followed both ways from its best frames.

    These stay as they are, and so do frames that a scene cut parts from all of them, and a run that found nothing.

    Args:
        frames: of a run, in order, without gaps.
        propagator: what it followed before is forgotten.
        source: of the pictures.
        most: best frames to follow from.
        cancel: looked at in every frame.

    Raises:
        UserError: a frame cannot be read.
        Cancelled: `cancel` was set.
    """
    found = {each.frame_index: each for each in frames}
    given = {index: {_OBJECT: decode(found[index].mask)} for index in best_frames(frames, most=most)}
    if not given:
        return tuple(frames)
    span = FrameSpan(frames[0].frame_index, frames[-1].frame_index + 1)
    followed = follow(propagator, source, given, span=span, beyond_cut=lambda _: False, cancel=cancel)
    for frame in followed:
        for each in frame.objects:
            found[frame.frame_index] = _result(frame.frame_index, each.mask, each.confidence)
    return tuple(found[index] for index in span)


def _result(index: int, mask: Rle, confidence: float) -> FrameResult:
    box = bbox(mask)
    floats = None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
    return FrameResult(index, mask, confidence, floats, visible=box is not None)
