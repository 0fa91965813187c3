"""Masks at display size out of a network's coarse logits, whose outlines follow the picture's edges.

A cell of a small network is ten pixels wide; enlarging its logits alone gives outlines that cut corners and lose limbs.
The guided filter lets the picture itself say where between two cells the outline is: He, Sun, Tang, "Guided Image
Filtering", PAMI 2013, section 3.5 (colour guide), on a coarse grid as in He and Sun, "Fast Guided Filter", 2015.
Why, and what it brings: docs/decisions/0011-outlines-follow-the-picture.md.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from rvos_core.masks.ops import logits_to_mask

GUIDE_SIDE = 480  # short side of the picture that guides, pixels

_GRID = 2  # cells of the filter's grid in one of the network's, along each axis
_RADIUS = 2  # of the filter's box, cells of its grid
_EPSILON = 1e-4  # variance of colour (in 0..1) that counts as an edge
_INSIDE = 0.4  # the filter takes away from what is thin: less than half is enough
_SOMETHING = 0.02  # probability below which there is nothing to filter
# The family learns masks of which every fourth pixel is kept, the third first: a cell speaks of a place an eighth of
# its side right of and below its middle.
_OFFSET = 0.125


def guide_of(frame: np.ndarray) -> np.ndarray:
    """What is kept of a frame, (H, W, 3) uint8, to guide its mask: the same, reduced where it is large."""
    height, width = frame.shape[:2]
    scale = GUIDE_SIDE / min(height, width)
    if scale >= 1:
        return frame
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))


def guide_bytes(height: int, width: int) -> int:
    """Size of `guide_of` a frame of this size."""
    scale = min(1.0, GUIDE_SIDE / min(height, width))
    return 3 * round(height * scale) * round(width * scale)


def mask_along_edges(logits: np.ndarray, guide: np.ndarray, height: int, width: int) -> np.ndarray:
    """The mask of one frame.

    Args:
        logits: (h, w) floats of a network of the referring family.
        guide: (gh, gw, 3) uint8, as `guide_of` gives it. Where its cells are hardly larger than its pixels, the logits
            are enlarged alone.
        height, width: display size, pixels.

    Returns:
        (height, width) bool.
    """
    h, w = logits.shape
    gh, gw = guide.shape[:2]
    rows, columns = _GRID * h, _GRID * w
    if gh < rows or gw < columns:
        return logits_to_mask(logits, height, width)
    clipped = np.clip(logits, -20, 20).astype(np.float32)
    enlarged = _weights(rows, h, -_OFFSET) @ clipped @ _weights(columns, w, -_OFFSET).T
    field = probability_along_edges(1 / (1 + np.exp(-enlarged)), guide, radius=_RADIUS)
    mask = logits_to_mask(field, height, width, threshold=_INSIDE)
    return mask if mask.any() else logits_to_mask(logits, height, width)  # the filter may lose what is very small


def probability_along_edges(probability: np.ndarray, guide: np.ndarray, *, radius: int) -> np.ndarray:
    """A coarse map of probabilities, enlarged so that it changes where the picture does.

    Args:
        probability: (h, w) float32 in 0..1.
        guide: (gh, gw, 3) uint8, as `guide_of` gives it.
        radius: of the filter's box, cells of `probability`.

    Returns:
        (gh, gw) float32, about 0..1; 0 far from everything. Enlarged alone where the guide is smaller than the map.
    """
    rows, columns = probability.shape
    gh, gw = guide.shape[:2]
    if gh < rows or gw < columns:
        return np.asarray(cv2.resize(probability, (gw, gh), interpolation=cv2.INTER_LINEAR))
    field = np.zeros((gh, gw), dtype=np.float32)
    x, y, across, down = cv2.boundingRect((probability > _SOMETHING).view(np.uint8))
    if not across:
        return field
    margin = 2 * radius + 1  # the filter reaches twice its radius
    top, bottom = max(0, y - margin), min(rows, y + down + margin)
    left, right = max(0, x - margin), min(columns, x + across + margin)
    picture = cv2.resize(guide, (columns, rows), interpolation=cv2.INTER_AREA)
    slopes, shift = filter_coefficients(
        picture[top:bottom, left:right].astype(np.float32) / 255, probability[top:bottom, left:right], radius=radius
    )
    place = np.s_[top * gh // rows : -(-bottom * gh // rows), left * gw // columns : -(-right * gw // columns)]
    down_ = _weights(gh, rows, 0.0)[place[0], top:bottom]
    across_ = _weights(gw, columns, 0.0)[place[1], left:right]
    inside = down_ @ shift @ across_.T
    for channel in range(3):
        inside += (down_ @ slopes[..., channel] @ across_.T) * (guide[(*place, channel)].astype(np.float32) / 255)
    field[place] = inside
    return field


def filter_coefficients(
    picture: np.ndarray, probability: np.ndarray, *, radius: int = _RADIUS
) -> tuple[np.ndarray, np.ndarray]:
    """The linear function of colour that gives the probability around each cell (equations 19 to 21 there).

    Args:
        picture: (h, w, 3) float32 in 0..1.
        probability: (h, w) float32.
        radius: of the box, cells.

    Returns:
        Means over all boxes that a cell lies in: slopes (h, w, 3) and shift (h, w), float32.
    """
    side = 2 * radius + 1
    mean_colour, mean = _box(picture, side), _box(probability, side)
    products = _box(picture * probability[..., None], side) - mean_colour * mean[..., None]
    pairs = (picture[..., :, None] * picture[..., None, :]).reshape(*picture.shape[:2], 9)
    parts = [_box(pairs[..., :4], side), _box(pairs[..., 4:8], side), _box(pairs[..., 8:], side)[..., None]]
    variance = np.concatenate(parts, axis=-1)
    covariance = variance.reshape(*variance.shape[:2], 3, 3) - mean_colour[..., :, None] * mean_colour[..., None, :]
    slopes = np.linalg.solve(covariance + _EPSILON * np.eye(3, dtype=np.float32), products[..., None])[..., 0]
    shift = mean - (slopes * mean_colour).sum(-1)
    return _box(slopes.astype(np.float32), side), _box(shift.astype(np.float32), side)


def _box(values: np.ndarray, side: int) -> np.ndarray:
    """Mean over the box of `side` x `side` around each cell; at most four channels."""
    return np.asarray(cv2.blur(np.ascontiguousarray(values), (side, side), borderType=cv2.BORDER_REFLECT_101))


@lru_cache(maxsize=16)
def _weights(target: int, source: int, offset: float) -> np.ndarray:
    """(target, source) float32: rows of weights that interpolate `source` cells linearly at `target` places.

    Half-pixel centres, as `logits_to_mask`; places are moved by `offset` cells, and held inside.
    """
    places = ((np.arange(target) + 0.5) * source / target - 0.5 + offset).clip(0, source - 1)
    low = np.minimum(places.astype(np.int64), max(0, source - 2))
    share = places - low
    table = np.zeros((target, source), dtype=np.float32)
    table[np.arange(target), low] = 1 - share
    table[np.arange(target), np.minimum(low + 1, source - 1)] += share
    return table
