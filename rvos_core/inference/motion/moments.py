"""The first look at a clip: at a few frames of it, which cells move by themselves and how.

Frames stream by once. Of each frame that is looked at a small record stays; a clip of thousands of frames has no more
of these than one of 720.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from rvos_core.inference.cuts import CutDetector
from rvos_core.inference.motion.flow import Flow, FlowEstimator, motion_input, small_frame
from rvos_core.types import FrameSpan

MOST_MOMENTS = 240  # of a run
_USUAL_STEP = 3  # frames from one moment to the next
_GAPS = (1, 2, 4)  # frames between which flow is taken, the middle one first
_FAST_PX, _SLOW_PX = 12.0, 0.9  # residual flow over the usual gap at which a shorter or a longer one is taken


@dataclass(frozen=True)
class Moment:
    """A frame that was looked at; cells have stride 2 of the small frame.

    Attributes:
        frame_index: row of the clip's frame table.
        shot: how many scene cuts lie before it in the run.
        picture: (h, w, 3) uint8 RGB.
        moving: (h, w) float32 logits.
        offsets: (h, w, 2) float16, (x, y) in cells: to the middle of the cell's own thing.
        drift: (h, w, 2) float16, (x, y): motion without the camera's, cells a frame.
        pan: (2,) where the camera's motion takes the middle of the picture, cells a frame.
    """

    frame_index: int
    shot: int
    picture: np.ndarray
    moving: np.ndarray
    offsets: np.ndarray
    drift: np.ndarray
    pan: np.ndarray


class MotionSegmenter(Protocol):
    """Says which cells move: the flow network, or the classic form."""

    def __call__(self, view: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(17, h, w) of `motion_input` -> logits (h / 2, w / 2) and offsets (h / 2, w / 2, 2) in cells."""
        ...


class FirstLook:
    """Takes the frames of a span in order and hands out moments, a few frames late."""

    def __init__(self, segmenter: MotionSegmenter, span: FrameSpan) -> None:
        self._segmenter = segmenter
        self._span = span
        self._step = max(_USUAL_STEP if len(span) > 12 else 1, -(-len(span) // MOST_MOMENTS))
        self._estimator = FlowEstimator()
        self._cuts = CutDetector()
        self._near: deque[tuple[int, np.ndarray]] = deque(maxlen=2 * _GAPS[-1] + 1)  # of this shot
        self._next = span.start  # frame of the next moment
        self._shot = 0
        self.cuts: list[int] = []

    def see(self, index: int, frame: np.ndarray) -> Iterator[Moment]:
        """The next frame, (H, W, 3) uint8 RGB."""
        if self._cuts.is_cut(frame):
            yield from self._finish_shot()
            self.cuts.append(index)
            self._near.clear()
            self._shot += 1
            self._next = index
        self._near.append((index, small_frame(frame)))
        while self._next <= index - _GAPS[-1]:
            yield self._look()

    def finish(self) -> Iterator[Moment]:
        """No frame comes any more."""
        yield from self._finish_shot()

    def _finish_shot(self) -> Iterator[Moment]:
        while self._near and self._next <= self._near[-1][0]:
            yield self._look()

    def _look(self) -> Moment:
        index = self._next
        frames = dict(self._near)
        gap = _GAPS[1]
        flows = self._flows(frames, index, gap)
        size = max(float(np.percentile(np.linalg.norm(flow.residual, axis=-1), 98)) for _, flow in flows)
        if size > _FAST_PX or size < _SLOW_PX:
            gap = _GAPS[0] if size > _FAST_PX else _GAPS[2]
            flows = self._flows(frames, index, gap)
        (before, back), (after, ahead) = flows
        view = motion_input(frames[index], frames[before], frames[after], (back, ahead))
        moving, offsets = self._segmenter(view)
        self._next = index + self._step
        return Moment(
            frame_index=index,
            shot=self._shot,
            picture=cv2.resize(frames[index], moving.shape[::-1], interpolation=cv2.INTER_AREA),
            moving=moving,
            offsets=offsets.astype(np.float16),
            drift=_drift(index, flows, moving.shape).astype(np.float16),
            pan=_pan(index, flows),
        )

    def _flows(self, frames: dict[int, np.ndarray], index: int, gap: int) -> tuple[tuple[int, Flow], tuple[int, Flow]]:
        """The frames before and after, and the flow to them; at a shot's end the one there is counts twice."""
        before = max(
            (each for each in frames if index - gap <= each < index),
            key=lambda each: -abs(index - gap - each),
            default=None,
        )
        after = min(
            (each for each in frames if index < each <= index + gap),
            key=lambda each: abs(index + gap - each),
            default=None,
        )
        ends = [each for each in (before, after) if each is not None] or [index]
        found = {other: (other, self._estimator.flow(frames[index], frames[other])) for other in ends}
        return found[ends[0]], found[ends[-1]]


def _drift(index: int, flows: tuple[tuple[int, Flow], tuple[int, Flow]], size: tuple[int, ...]) -> np.ndarray:
    """Residual flow forward in time, cells a frame."""
    parts = [flow.residual / (2.0 * (other - index)) for other, flow in flows if other != index]
    mean = np.mean(parts, axis=0) if parts else np.zeros_like(flows[0][1].residual)
    return cv2.resize(mean.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_AREA)


def _pan(index: int, flows: tuple[tuple[int, Flow], tuple[int, Flow]]) -> np.ndarray:
    shifts = []
    for other, flow in flows:
        if other != index:
            rows, columns = flow.whole.shape[:2]
            moved = flow.camera @ np.array([columns / 2, rows / 2, 1.0])
            shifts.append((moved[:2] / moved[2] - (columns / 2, rows / 2)) / (2.0 * (other - index)))
    return np.mean(shifts, axis=0) if shifts else np.zeros(2)
