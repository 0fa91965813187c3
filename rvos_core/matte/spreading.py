"""Values known at some pixels, spread over all others: averaged into ever coarser grids, and drawn back from them.

Push and pull after Gortler, Grzeszczuk, Szeliski, Cohen, "The Lumigraph", SIGGRAPH 1996, section 3.4.
"""

from __future__ import annotations

import cv2
import numpy as np

_LEAST = 1e-6  # weight that still counts as known


def spread(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Known values stay, what lies between is smooth, what lies beyond continues.

    Args:
        values: (H, W, C) float32; read where `weight` is above 0.
        weight: (H, W) float32, 0..1: how well a value is known.

    Returns:
        (H, W, C) float32; zeros where nothing is known anywhere.
    """
    return _drawn(values * weight[..., None], weight)


def _drawn(weighted: np.ndarray, weight: np.ndarray) -> np.ndarray:
    height, width = weight.shape
    if min(height, width) <= 2:
        total = float(weight.sum())
        mean = weighted.sum((0, 1)) / max(total, _LEAST)
        return np.asarray(weighted + (1 - weight)[..., None] * mean, dtype=np.float32)
    size = ((width + 1) // 2, (height + 1) // 2)
    coarse = cv2.resize(weighted, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], -1)
    coarse_weight = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    full = np.minimum(1, 4 * coarse_weight)  # one known pixel of four is enough
    scale = full / np.maximum(coarse_weight, _LEAST)
    below = _drawn(coarse * scale[..., None], full)
    drawn = cv2.resize(below, (width, height), interpolation=cv2.INTER_LINEAR).reshape(weighted.shape)
    return np.asarray(weighted + (1 - weight)[..., None] * drawn)
