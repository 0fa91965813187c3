"""A propagation run: walks a clip as planned, shows the propagator what was given, hands out masks frame by frame."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from rvos_core.inference.cuts import CutDetector
from rvos_core.inference.propagation.meeting import KEPT_BYTES, Answer, MeetingStore, blend
from rvos_core.inference.propagation.plan import Direction, FollowPlan, Pass, plan_passes
from rvos_core.masks import Rle, encode
from rvos_core.models.api import Propagator
from rvos_core.types import CancelToken, FrameSpan

if TYPE_CHECKING:
    from torch import Tensor

    from rvos_core.models.api import FramePrediction

_BACKWARD_BYTES = 128 * 1024 * 1024  # of pictures held at once: going back, they are read forward in stretches
_BACKWARD_FRAMES = 32
_SHARE_OF_WAY = 0.75  # of a confidence: how far its way can be trusted; the rest is the frame's own

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
        confidence: the IoU with the truth that the probabilities let one expect, in [0, 1], here and, with more weight,
            where it was lowest on the way from the given frame; 0 for an empty mask.
        agreement: IoU of what the two passes said, in [0, 1]; None where only one of them has come here.
    """

    object_id: int
    mask: Rle
    confidence: float
    agreement: float | None = None


@dataclass(frozen=True)
class FollowedFrame:
    """What was found in one frame; going both ways, a frame may come twice, and what comes later counts.

    Attributes:
        objects: those that were wanted there.
        settled: False: the other pass will come here too.
    """

    frame_index: int
    objects: tuple[FollowedObject, ...]
    settled: bool = True


def follow(
    propagator: Propagator,
    source: PictureSource,
    given: Given,
    *,
    span: FrameSpan,
    direction: Direction = "both",
    elsewhere: Given | None = None,
    beyond_cut: Callable[[int], bool] | None = None,
    cancel: CancelToken | None = None,
    store_bytes: int = KEPT_BYTES,
) -> Iterator[FollowedFrame]:
    """Masks of the given objects in the other frames of the span; given masks stay as they are and are not repeated.

    An object appears at the first of its given frames that a pass meets; from there on the propagator knows all of its
    given frames, also those that lie ahead. At a given frame it forgets what it had found on the way: that was another
    guess, and here a person has spoken. What the propagator followed before is forgotten.

    Going `both` ways, the frames between two given ones come twice: as the forward pass finds them, then blended with
    what the backward pass says (see `meeting`).

    Args:
        propagator: follows.
        source: of the pictures.
        given: the masks that are known.
        span: frames of the run.
        direction: where to go from the given frames.
        elsewhere: masks of frames outside the span: they are remembered, and nothing is followed from there.
        beyond_cut: asked once for every scene cut that is met, with the first frame of the later shot; False: what is
            followed ends there, until an object's next given frame. None: cuts are not looked for.
        cancel: looked at in every frame.
        store_bytes: of the first pass's answers, beyond which they lie in a temporary file.

    Raises:
        UserError: nothing is given, a given frame lies outside the span, or a mask has another size than the clip.
        Cancelled: `cancel` was set; every frame that was handed out is complete.
    """
    plan = plan_passes(span, {index: tuple(masks) for index, masks in given.items()}, direction)
    known = _Known(source, given, elsewhere or {})
    ask = None if beyond_cut is None else functools.cache(beyond_cut)
    with MeetingStore(budget_bytes=store_bytes) as kept:
        for each in plan.passes:
            shots = None if ask is None else _Shots(ask, backward=each.backward)
            meeting = _Meeting(plan, kept, backward=each.backward)
            yield from _walk(
                propagator, known, planned=each, meeting=meeting, shots=shots, cancel=cancel or CancelToken()
            )


def _walk(
    propagator: Propagator,
    known: _Known,
    *,
    planned: Pass,
    meeting: _Meeting,
    shots: _Shots | None,
    cancel: CancelToken,
) -> Iterator[FollowedFrame]:
    for object_id in propagator.object_ids:
        propagator.forget(object_id)
    propagator.restart()
    given, source = known.given, known.source
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
        prediction: FramePrediction | None = None
        if picture is not None and wanted_here:
            prediction = propagator.step(picture)
            yield meeting.found(index, prediction, wanted_here, picture=picture)
        if index in given:
            meeting.begin(given[index])
            _begin_again(propagator, picture, prediction, given[index].keys())
            known.show(propagator, given[index].keys() - set(propagator.object_ids))
            if shots is not None:
                shots.begin(given[index])
        if wanted_here or index in given:
            last = index


@dataclass(frozen=True)
class _Known:
    """The masks that a person gave."""

    source: PictureSource
    given: Given
    elsewhere: Given

    def show(self, propagator: Propagator, new: set[int]) -> None:
        """Show objects that were not followed yet, in every frame in which they are given."""
        for index, shown in sorted([*self.given.items(), *self.elsewhere.items()]) if new else ():
            masks = {object_id: mask for object_id, mask in shown.items() if object_id in new}
            if masks:
                propagator.remember(self.source.frame(index), masks, permanent=True)


class _Meeting:
    """What one pass says of a frame, joined with what the other one said before."""

    def __init__(self, plan: FollowPlan, kept: MeetingStore, *, backward: bool) -> None:
        self._plan = plan
        self._met = plan.met_twice
        self._kept = kept
        self._backward = backward
        self._trust: dict[int, float] = {}

    def begin(self, objects: Iterable[int]) -> None:
        """These objects are given in the frame that was met: their way begins here."""
        for object_id in objects:
            self._trust.pop(object_id, None)

    def found(
        self, index: int, prediction: FramePrediction, wanted: frozenset[int], *, picture: np.ndarray
    ) -> FollowedFrame:
        """The masks of the objects that are wanted in a frame, whose picture is (H, W, 3) uint8 RGB."""
        for object_id, probability in zip(prediction.object_ids, prediction.probabilities, strict=True):
            expected = expected_iou(probability)
            if expected:  # what is out of sight is neither sure nor doubtful
                self._trust[object_id] = min(self._trust.get(object_id, 1.0), expected)
        trust = {each: self._trust.get(each, 1.0) for each in prediction.object_ids}
        answer = Answer(prediction.object_ids, prediction.probabilities, wanted, trust)
        shared = self._met.get(index, frozenset())
        if shared and not self._backward:
            self._kept.put(index, answer)
        elif shared and index in self._kept:
            first = self._kept.get(index)
            both = shared & wanted & first.wanted
            answer = blend(first, answer, {each: self._plan.distances(each, index) for each in both})
        return _frame(index, answer, picture=picture, settled=self._backward or not shared)


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


def _begin_again(
    propagator: Propagator, picture: np.ndarray | None, prediction: FramePrediction | None, given: Collection[int]
) -> None:
    """A frame in which some of the followed objects are given: of them only what a person said is remembered.

    The others are remembered as they were found in this frame, so that their way is not broken.
    """
    from rvos_core.models.object_rows import labels_along_edges

    if not set(propagator.object_ids) & set(given):
        return
    propagator.restart()
    if picture is None or prediction is None:
        return
    labels = labels_along_edges(prediction.object_ids, prediction.probabilities, picture)
    others = {each: labels == each for each in prediction.object_ids if each not in given}
    if others:
        propagator.remember(picture, others, permanent=False)


def expected_iou(probability: Tensor) -> float:
    """The IoU to be expected of the mask p > 0.5 if every cell of (h, w) belongs to the object with probability p.

    Expected intersection over expected union; 0 for an empty mask.
    """
    inside = probability > 0.5
    hit = float(probability[inside].sum())
    union = float(inside.sum()) + float(probability.sum()) - hit
    return hit / union if hit else 0.0


def _frame(index: int, answer: Answer, *, picture: np.ndarray, settled: bool) -> FollowedFrame:
    from rvos_core.models.object_rows import labels_along_edges

    labels = labels_along_edges(answer.object_ids, answer.probabilities, picture)
    objects = []
    for object_id, probability in zip(answer.object_ids, answer.probabilities, strict=True):
        if object_id in answer.wanted:
            trust = answer.trust[object_id]
            confidence = expected_iou(probability) ** (1 - _SHARE_OF_WAY) * trust**_SHARE_OF_WAY
            agreement = answer.agreement.get(object_id)
            objects.append(FollowedObject(object_id, encode(labels == object_id), confidence, agreement))
    return FollowedFrame(index, tuple(objects), settled)


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
