"""Clicks to a mask with what moves on the frame, seen by the flow network between it and its neighbours in the clip.

A still picture, a frame without neighbours and one on which nothing moves are answered as `DeepClicker` answers them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from rvos_core.inference.clicks.deep import DeepClicker
from rvos_core.inference.clicks.movement import Movement
from rvos_core.inference.clicks.scene import Scene
from rvos_core.inference.cuts import CutDetector
from rvos_core.inference.motion.flow import FlowEstimator, motion_input, small_frame
from rvos_core.models.api import Around

if TYPE_CHECKING:
    from rvos_core.inference.motion.moments import MotionSegmenter
    from rvos_core.models.propagators import IsvosPropagator

_GAPS, _SLOW_GAPS = (1, 2), (2, 4)  # frames between which flow is taken; of slow things
_SLOW_PX, _STILL_PX = 0.9, 0.3  # residual flow over the first gaps below which a thing is slow, or nothing moves
_SEEN = 98  # percentile of the residual flow that counts as its size
_MOST_LOGIT = 4.0  # of one gap, so that none outvotes the other


class MovingClicker(DeepClicker):
    """As `DeepClicker`, with what moves as further evidence.

    Args:
        propagator: its backbone sees what places look like.
        segmenter: says what moves.
    """

    name = "motion"
    needs_neighbours = True

    def __init__(self, propagator: IsvosPropagator, segmenter: MotionSegmenter) -> None:
        super().__init__(propagator)
        self._segmenter = segmenter
        self._estimator = FlowEstimator()

    def prepare(self, frame: np.ndarray, around: Around | None) -> Scene:
        """The frame at working size, and what moves on it."""
        scene = super().prepare(frame, around)
        logits = None if around is None else self._moving(frame, around)
        if logits is None:
            return scene
        height, width = scene.shape
        return replace(scene, movement=Movement(cv2.resize(logits, (width, height))))

    def _moving(self, frame: np.ndarray, around: Around) -> np.ndarray | None:
        """(h, w) float32 logits, mean over two gaps; None where nothing moves or there is nothing to compare with."""
        seen = [self._seen(frame, around, gap) for gap in _GAPS]
        size = max((each[1] for each in seen if each is not None), default=0.0)
        if size < _SLOW_PX:
            seen = [seen[_GAPS.index(gap)] if gap in _GAPS else self._seen(frame, around, gap) for gap in _SLOW_GAPS]
            size = max((each[1] for each in seen if each is not None), default=0.0)
        if size < _STILL_PX:
            return None
        logits = [np.clip(each[0], -_MOST_LOGIT, _MOST_LOGIT) for each in seen if each is not None]
        return np.asarray(np.mean(logits, axis=0), dtype=np.float32)

    def _seen(self, frame: np.ndarray, around: Around, gap: int) -> tuple[np.ndarray, float] | None:
        """Logits from the frames so far away, and how far things move there, pixels; None without such frames.

        At an end of a shot the one there is counts twice, as when the network was trained.
        """
        small = small_frame(frame)
        others = [
            small_frame(other)
            for other in (around(-gap), around(gap))
            if other is not None and other.shape == frame.shape and not _is_cut(frame, other)
        ]
        if not others:
            return None
        flows = [self._estimator.flow(small, other) for other in others]
        size = max(float(np.percentile(np.linalg.norm(flow.residual, axis=-1), _SEEN)) for flow in flows)
        view = motion_input(small, others[0], others[-1], (flows[0], flows[-1]))
        return self._segmenter(view)[0], size


def _is_cut(frame: np.ndarray, other: np.ndarray) -> bool:
    """Whether two frames show different scenes."""
    cuts = CutDetector()
    cuts.is_cut(frame)
    return cuts.is_cut(other)
