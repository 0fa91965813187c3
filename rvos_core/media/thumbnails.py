"""Small pictures for the filmstrip."""

from __future__ import annotations

import cv2
import numpy as np


def thumbnail(frame: np.ndarray, height: int) -> np.ndarray:
    """`frame` scaled to `height` pixels, its shape kept.

    Args:
        frame: (h, w, 3) uint8 RGB.
        height: pixels, at least 1.

    Returns:
        (height, max(1, w * height / h), 3) uint8 RGB; averaged where it shrinks, so that thin things do not flicker.
    """
    if height < 1:
        raise ValueError(f"not a height: {height}")
    width = max(1, round(frame.shape[1] * height / frame.shape[0]))
    shrinks = height < frame.shape[0]
    return np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))
