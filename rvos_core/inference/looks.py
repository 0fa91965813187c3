"""How much a picture looks like the street world, from simple statistics of its edges, colours and light.

A linear score: above 0 the bundled referring model is at home there. The numbers lie in the resources;
`packaging/fit_looks.py` finds them, from the world's own clips on one side and photographs on the other.
"""

from __future__ import annotations

import json
from functools import cache

import cv2
import numpy as np

from rvos_resources.paths import weights_dir

LOOKS_FILE = "looks.json"
_SHORT_SIDE = 192
_BLURS = (0.0, 1.0, 2.0)
_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.98)


def looks(frame: np.ndarray) -> float:
    """The score of (H, W, 3) uint8 RGB."""
    weights, shift = _numbers()
    return float(statistics(frame) @ weights + shift)


def statistics(frame: np.ndarray) -> np.ndarray:
    """(58,) of (H, W, 3) uint8 RGB, at 192 pixels: quantiles of the Laplacian and the gradient at three blurs, of
    chroma, lightness and local contrast, and the lightness of four bands from top to bottom.
    """
    height, width = frame.shape[:2]
    size = (
        max(16, round(width * _SHORT_SIDE / min(height, width))),
        max(16, round(height * _SHORT_SIDE / min(height, width))),
    )
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    light, a, b = cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2LAB))
    found: list[np.ndarray] = []
    for sigma in _BLURS:
        blurred = cv2.GaussianBlur(light, (0, 0), sigma) if sigma else light
        bends = np.abs(cv2.Laplacian(blurred, cv2.CV_32F))
        slopes = np.hypot(cv2.Sobel(blurred, cv2.CV_32F, 1, 0), cv2.Sobel(blurred, cv2.CV_32F, 0, 1))
        found += [np.log(np.quantile(each, _QUANTILES) + 0.05) for each in (bends, slopes)]
    found.append(np.quantile(np.hypot(a, b), _QUANTILES) / 30)
    found.append(np.quantile(light, (0.02, *_QUANTILES)) / 50)
    mean = cv2.blur(light, (7, 7))
    contrast = np.sqrt(np.maximum(cv2.blur(light * light, (7, 7)) - mean * mean, 0))
    found.append(np.log(np.quantile(contrast, _QUANTILES[:-1]) + 0.05))
    found.append(np.array([band.mean() / 50 for band in np.array_split(light, 4)]))
    return np.concatenate(found)


@cache
def _numbers() -> tuple[np.ndarray, float]:
    values = json.loads((weights_dir() / LOOKS_FILE).read_text(encoding="utf-8"))
    return np.array(values["weights"]), float(values["shift"])
