"""Masks as outlines, for formats without pixels: exact for parts without holes, and holes are filled.

An outline runs through the middles of its pixels, so that drawing and filling it on the same grid gives the same part
back. Written coordinates are those middles (x + 0.5), so that readers that cut off, as most do, find the pixel.
"""

from __future__ import annotations

import cv2
import numpy as np

_CENTRE = 0.5


def outlines(mask: np.ndarray) -> list[np.ndarray]:
    """The outer outlines of `mask` (H, W) bool, one a part: (n, 2) float64 of x, y in pixels, n >= 3."""
    bytes_ = np.ascontiguousarray(mask, dtype=bool).view(np.uint8)
    found, _ = cv2.findContours(bytes_, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    parts = [np.asarray(each, dtype=np.float64).reshape(-1, 2) for each in found]
    return [np.concatenate([each, each[-1:].repeat(max(0, 3 - len(each)), axis=0)]) + _CENTRE for each in parts]


def filled(polygons: list[np.ndarray], *, height: int, width: int) -> np.ndarray:
    """The pixels of polygons ((n, 2) of x, y in pixels), outlines included: (H, W) bool; parts outside are cut."""
    mask = np.zeros((height, width), dtype=np.uint8)
    for each in polygons:
        corners = np.floor(each).clip((-width, -height), (2 * width, 2 * height)).astype(np.int32)
        if len(each) and corners[:, 0].max() == width and each[:, 0].max() == width:  # the very edge of the picture
            corners[:, 0] = np.minimum(corners[:, 0], width - 1)
        if len(each) and corners[:, 1].max() == height and each[:, 1].max() == height:
            corners[:, 1] = np.minimum(corners[:, 1], height - 1)
        cv2.fillPoly(mask, [corners], 1)
    return mask.astype(bool)
