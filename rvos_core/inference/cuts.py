"""Finds scene cuts while frames stream by. Hard cuts only: fades and dissolves are left to the model's own judgement.

A cut is claimed where three things agree: the small picture changes a lot, its colours are distributed differently,
and the change stands out from that of the frames just before. The first two leave out camera shake and pans, the last
one leaves out fast motion and the second edge of a flash. A missed cut costs a blurred link between two windows, a
false one costs a link: so the limits lean towards missing.
"""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np

_SMALL = (64, 36)
_MIN_CHANGE = 0.12  # mean absolute difference of the small pictures, 1 = black to white
_MIN_RECOLOUR = 0.25  # share of the colour histogram that moved to other bins
_MIN_PROMINENCE = 2.0  # times the largest change of the frames before
_HISTORY = 4


class CutDetector:
    """Feed frames in order; `is_cut` says whether a frame begins a new shot."""

    def __init__(self) -> None:
        self._picture: np.ndarray | None = None
        self._colours: np.ndarray | None = None
        self._changes: deque[float] = deque(maxlen=_HISTORY)

    def is_cut(self, frame: np.ndarray) -> bool:
        """True where `frame` (H, W, 3) uint8 RGB does not continue the frame before it.

        The first frame is never a cut.
        """
        picture = cv2.resize(frame, _SMALL, interpolation=cv2.INTER_AREA)
        colours = _colour_histogram(picture)
        before, colours_before = self._picture, self._colours
        self._picture, self._colours = picture, colours
        if before is None or colours_before is None:
            return False
        change = float(cv2.absdiff(picture, before).mean()) / 255.0
        recolour = 1.0 - float(np.minimum(colours, colours_before).sum())
        usual = max(self._changes, default=0.0)
        self._changes.append(change)
        return change >= _MIN_CHANGE and recolour >= _MIN_RECOLOUR and change >= _MIN_PROMINENCE * usual


def _colour_histogram(picture: np.ndarray) -> np.ndarray:
    """Hue x saturation and brightness bins of a small RGB picture, summing to 1."""
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    hue_saturation = cv2.calcHist([hsv], [0, 1], None, [16, 4], [0, 180, 0, 256])
    brightness = cv2.calcHist([hsv], [2], None, [16], [0, 256])
    bins: np.ndarray = np.concatenate([hue_saturation.ravel(), brightness.ravel()]) / (
        2.0 * picture.shape[0] * picture.shape[1]
    )
    return bins
