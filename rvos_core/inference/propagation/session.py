"""A propagation run: walks a clip as planned, shows the propagator what was given, hands out masks frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from rvos_core.inference.cuts import CutDetector
from rvos_core.inference.propagation.plan import Direction, Pass, plan_passes
from rvos_core.masks import Rle, encode
from rvos_core.models.api import Propagator
from rvos_core.types import CancelToken, FrameSpan

if TYPE_CHECKING:
    from rvos_core.models.api import FramePrediction

_BACKWARD_BYTES = 128 * 1024 * 1024  # of pictures held at once: going back, they are read forward in stretches
_BACKWARD_FRAMES = 32

Given = Mapping[int, Mapping[int, np.ndarray]]  # frame -> object id -> (H, W) bool


class PictureSource(Protocol):
    """The part of a `MediaReader` that a run needs."""

    def frame(self, index: int) -> np.ndarray:
        """Frame `index`, (H, W, 3) uint8 RGB."""
        ...


@dataclass(frozen=True)
class FollowedObject:
    """One object in one frame.

    Attributes:
        mask: display size; empty where the object is not seen.
        confidence: mean of 2p - 1 over the mask's cells, in [0, 1]; 0 for an empty mask.
    """

    object_id: int
    mask: Rle
    confidence: float


@dataclass(frozen=True)
class FollowedFrame:
    """What was found in one frame; going both ways, a frame may come twice, each time with other objects."""

    frame_index: int
    objects: tuple[FollowedObject, ...]


def follow(
    propagator: Propagator,
    source: PictureSource,
    given: Given,
    *,
    span: FrameSpan,
    direction: Direction = "both",
    beyond_cut: Callable[[int], bool] | None = None,
    cancel: CancelToken | None = None,
) -> Iterator[FollowedFrame]:
    """Masks of the given objects in the other frames of the span; given masks stay as they are and are not repeated.

    An object appears at the first of its given frames that a pass meets; from there on the propagator knows all of its
    given frames, also those that lie ahead. What the propagator followed before is forgotten.

    Args:
        propagator: follows.
        source: of the pictures.
        given: the masks that are known.
        span: frames of the run.
        direction: where to go from the given frames.
        beyond_cut: asked at every scene cut that a pass meets, with the first frame of the later shot; False: what is
            followed ends there, until an object's next given frame. None: cuts are not looked for.
        cancel: looked at in every frame.

    Raises:
        UserError: nothing is given, a given frame lies outside the span, or a mask has another size than the clip.
        Cancelled: `cancel` was set; every frame that was handed out is complete.
    """
    plan = plan_passes(span, {index: tuple(masks) for index, masks in given.items()}, direction)
    for each in plan.passes:
        shots = None if beyond_cut is None else _Shots(beyond_cut, backward=each.backward)
        yield from _walk(propagator, source, given, planned=each, shots=shots, cancel=cancel or CancelToken())


def _walk(
    propagator: Propagator,
    source: PictureSource,
    given: Given,
    *,
    planned: Pass,
    shots: _Shots | None,
    cancel: CancelToken,
) -> Iterator[FollowedFrame]:
    for object_id in propagator.object_ids:
        propagator.forget(object_id)
    propagator.restart()
    stops = sorted(planned.wanted.keys() | given.keys(), reverse=planned.backward)
    wanted = [index for index in stops if index in planned.wanted]
    pictures = _pictures(source, wanted, backward=planned.backward, cancel=cancel)
    last: int | None = None
    for index in stops:
        cancel.raise_if_cancelled()
        if last is not None and abs(index - last) > 1:
            propagator.restart()
        wanted_here = planned.wanted.get(index, frozenset())
        picture = next(pictures) if wanted_here else None
        if shots is not None:
            shots.meet(index, source.frame(index) if picture is None else picture, propagator.object_ids)
            wanted_here -= shots.ended
        if picture is not None and wanted_here:
            yield _found(index, propagator.step(picture), wanted_here, size=_size(given))
        if index in given:
            _meet(propagator, source, given, given[index].keys() - set(propagator.object_ids))
            if shots is not None:
                shots.begin(given[index])
        if wanted_here or index in given:
            last = index


class _Shots:
    """Which objects a scene cut has ended, on the way of one pass."""

    def __init__(self, beyond_cut: Callable[[int], bool], *, backward: bool) -> None:
        self._beyond_cut = beyond_cut
        self._backward = backward
        self._detector = CutDetector()
        self._last: int | None = None
        self.ended: frozenset[int] = frozenset()

    def meet(self, index: int, picture: np.ndarray, followed: Iterable[int]) -> None:
        """The pass comes to this frame; `followed`: the objects that it carries with it."""
        if self._last is None or abs(index - self._last) > 1:
            self._detector = CutDetector()  # frames that are apart differ without a cut
        self._last = index
        if self._detector.is_cut(picture) and not self._beyond_cut(index + self._backward):
            self.ended |= frozenset(followed)

    def begin(self, objects: Iterable[int]) -> None:
        """These objects are given in the frame that was met."""
        self.ended -= frozenset(objects)


def _meet(propagator: Propagator, source: PictureSource, given: Given, new: set[int]) -> None:
    """Show objects that were not followed yet, in every frame in which they are given."""
    for index in sorted(given) if new else ():
        masks = {object_id: mask for object_id, mask in given[index].items() if object_id in new}
        if masks:
            propagator.remember(source.frame(index), masks, permanent=True)


def _found(index: int, prediction: FramePrediction, wanted: frozenset[int], *, size: tuple[int, int]) -> FollowedFrame:
    from rvos_core.models.object_rows import label_map

    labels = label_map(prediction.object_ids, prediction.probabilities, size)
    objects = []
    for object_id, probability in zip(prediction.object_ids, prediction.probabilities, strict=True):
        if object_id in wanted:
            inside = probability[probability > 0.5]
            confidence = float((2 * inside - 1).mean()) if len(inside) else 0.0
            objects.append(FollowedObject(object_id, encode(labels == object_id), confidence))
    return FollowedFrame(index, tuple(objects))


def _size(given: Given) -> tuple[int, int]:
    """(height, width) of the clip as displayed: that of any given mask."""
    mask = next(mask for masks in given.values() for mask in masks.values())
    return int(mask.shape[0]), int(mask.shape[1])


def _pictures(
    source: PictureSource, indices: Sequence[int], *, backward: bool, cancel: CancelToken
) -> Iterator[np.ndarray]:
    """The frames `indices`, in their order; descending ones are read in ascending stretches, as decoders like it."""
    if not backward:
        for index in indices:
            yield source.frame(index)
        return
    position, stretch = 0, 1
    while position < len(indices):
        held = []
        for index in reversed(indices[position : position + stretch]):
            cancel.raise_if_cancelled()
            held.append(source.frame(index))
        position += stretch
        stretch = max(1, min(_BACKWARD_FRAMES, _BACKWARD_BYTES // held[0].nbytes))
        yield from reversed(held)
