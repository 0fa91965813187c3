"""Basic colour terms of pixels in CIELAB, after Berlin and Kay's eleven (1969), with limits set by eye.

Shares, not a verdict: a white car in shadow is mostly grey, a black swan in the sun partly.
"""

from __future__ import annotations

import cv2
import numpy as np

TERMS = ("black", "grey", "white", "red", "orange", "brown", "yellow", "green", "blue", "purple", "pink")
_INDEX = {term: index for index, term in enumerate(TERMS)}
# Terms that light and shade turn into one another, and how far one may stand for the other.
_NEAR: dict[str, dict[str, float]] = {
    "black": {"grey": 0.2},
    "grey": {"black": 0.3, "white": 0.4},
    "white": {"grey": 0.5},
    "red": {"pink": 0.2, "brown": 0.2, "orange": 0.2},
    "orange": {"brown": 0.2, "red": 0.2, "yellow": 0.2},
    "brown": {"orange": 0.3, "black": 0.15, "yellow": 0.2, "grey": 0.2, "red": 0.2},
    "yellow": {"orange": 0.2, "brown": 0.2},
    "green": {"blue": 0.1},
    "blue": {"purple": 0.2},
    "purple": {"blue": 0.2, "pink": 0.2},
    "pink": {"red": 0.2, "purple": 0.2, "orange": 0.2},
}
_GREY_CHROMA = 13.0


def named(picture: np.ndarray) -> np.ndarray:
    """(..., 3) uint8 RGB -> (...) uint8, index into `TERMS` of each pixel."""
    flat = np.ascontiguousarray(picture.reshape(1, -1, 3)).astype(np.float32) / 255
    light, a, b = np.moveaxis(cv2.cvtColor(flat, cv2.COLOR_RGB2LAB)[0], -1, 0)
    chroma = np.hypot(a, b)
    hue = np.degrees(np.arctan2(b, a)) % 360
    dull = chroma < np.where(light < 30, 9.0, _GREY_CHROMA)
    rules = [
        ("black", (light < 18) | ((chroma < 15) & (light < 34))),
        ("white", dull & (light > 80)),
        ("grey", dull),
        ("brown", (hue > 25) & (hue < 100) & (light < np.where(hue < 50, 48, 58)) & (chroma < 60)),
        ("pink", ((hue > 325) | (hue < 30)) & (light > 62)),
        ("red", (hue > 345) | (hue < 48)),
        ("orange", hue < 74),
        ("yellow", hue < 108),
        ("green", hue < 195),
        ("blue", hue < 302),
        ("purple", hue < 330),
        ("pink", np.ones_like(hue, bool)),
    ]
    terms = np.select([rule for _, rule in rules], [_INDEX[term] for term, _ in rules]).astype(np.uint8)
    return terms.reshape(picture.shape[:-1])


def shares(pixels: np.ndarray) -> np.ndarray:
    """(n, 3) uint8 RGB -> (11,) share of each of `TERMS`."""
    if not len(pixels):
        return np.zeros(len(TERMS))
    counts: np.ndarray = np.bincount(named(pixels), minlength=len(TERMS)) / len(pixels)
    return counts


def share_of(term: str, found: np.ndarray) -> float:
    """How much of something is `term`, 0..1; near terms count in part. `found`: its `shares`.

    Raises:
        KeyError: it is none of `TERMS`.
    """
    own = float(found[_INDEX[term]])
    near = sum(weight * float(found[_INDEX[other]]) for other, weight in _NEAR[term].items())
    return min(1.0, own + near)
