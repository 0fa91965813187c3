"""Fields over a picture's pixels: distances that edges lengthen, and the smoothest field that respects edges.

Distances: the raster scan of Criminisi, Sharp and Blake, "GeoS" (ECCV 2008), a row at a time. The field: Grady,
"Multilabel random walker image segmentation using prior models" (CVPR 2005), two labels, by conjugate gradients.
"""

from __future__ import annotations

import cv2
import numpy as np

FAR = 9.0  # a distance no path has, in sides of the picture
_SCANS = 2
_STEPS, _ENOUGH = 60, 1e-3  # of conjugate gradients; the residual, against the first
_LEAST_WEIGHT = 0.02  # of neighbours on both sides of the strongest edge


def edge_lengths(lab: np.ndarray) -> np.ndarray:
    """(h, w, 3) float32 Lab -> (h, w) float32: length of the gradient, Lab units a pixel."""
    smooth = cv2.GaussianBlur(lab, (0, 0), 1.0)
    across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(smooth, cv2.CV_32F, 0, 1) / 8
    lengths: np.ndarray = np.sqrt(np.square(across).sum(-1) + np.square(down).sum(-1))
    return lengths


def walking_cost(edges: np.ndarray) -> np.ndarray:
    """(h, w) float32: what a step of one pixel costs; 1 on the picture's mean edge."""
    cost: np.ndarray = (0.5 + 0.5 * edges / (float(edges.mean()) + 1e-3)).astype(np.float32)
    return cost


def geodesic(cost: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Length of the cheapest path to a seed.

    Args:
        cost: (h, w) float32, of a step of one pixel.
        seeds: (h, w) bool.

    Returns:
        (h, w) float32 in sides of a square as large as the picture; `FAR` everywhere where there is no seed.
    """
    side = float(np.sqrt(cost.size))
    if not seeds.any():
        return np.full(cost.shape, FAR, np.float32)
    found = np.where(seeds, 0.0, FAR * side).astype(np.float32)
    along = np.zeros_like(cost)
    along[:, 1:] = 0.5 * (cost[:, 1:] + cost[:, :-1])
    along = np.cumsum(along, axis=1)
    straight = 0.5 * (cost[1:] + cost[:-1])
    falling = np.sqrt(0.5) * (cost[1:, 1:] + cost[:-1, :-1])
    rising = np.sqrt(0.5) * (cost[1:, :-1] + cost[:-1, 1:])
    down = list(range(1, cost.shape[0]))
    for _ in range(_SCANS):
        _spread_row(found[0], along[0])
        for row in down:
            _from_neighbour(found[row], found[row - 1], straight[row - 1], falling[row - 1], rising[row - 1])
            _spread_row(found[row], along[row])
        for row in reversed(down):
            _from_neighbour(found[row - 1], found[row], straight[row - 1], rising[row - 1], falling[row - 1])
            _spread_row(found[row - 1], along[row - 1])
    return np.asarray(np.minimum(found / side, FAR))


def _from_neighbour(
    row: np.ndarray, other: np.ndarray, straight: np.ndarray, from_left: np.ndarray, from_right: np.ndarray
) -> None:
    """Paths into `row` from the row beside it, in place."""
    np.minimum(row, other + straight, out=row)
    np.minimum(row[1:], other[:-1] + from_left, out=row[1:])
    np.minimum(row[:-1], other[1:] + from_right, out=row[:-1])


def _spread_row(row: np.ndarray, along: np.ndarray) -> None:
    """Paths inside a row, in place; `along`: cost from the row's beginning."""
    np.minimum(row, along + np.minimum.accumulate(row - along), out=row)
    np.minimum(row, np.minimum.accumulate((row + along)[::-1])[::-1] - along, out=row)


def neighbour_weights(lab: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much neighbours hold together: (h, w - 1) and (h - 1, w) float32, 1 where they look the same."""
    across, down = np.square(lab[:, 1:] - lab[:, :-1]).sum(-1), np.square(lab[1:] - lab[:-1]).sum(-1)
    usual = sum(float(each.sum()) / max(1, each.size) for each in (across, down)) + 2e-3
    return np.exp(-across / usual) + _LEAST_WEIGHT, np.exp(-down / usual) + _LEAST_WEIGHT


def smoothest_field(
    weights: tuple[np.ndarray, np.ndarray], *, belief: np.ndarray, target: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """The field x that makes sum of w_ij (x_i - x_j)^2 + sum of belief_i (x_i - target_i)^2 least.

    Args:
        weights: as `neighbour_weights` gives them.
        belief, target, start: (h, w) float32; belief above 0.

    Returns:
        (h, w) float32.
    """
    across, down = weights
    diagonal = belief.copy()
    diagonal[:, 1:] += across
    diagonal[:, :-1] += across
    diagonal[1:] += down
    diagonal[:-1] += down

    def applied(field: np.ndarray) -> np.ndarray:
        product = diagonal * field
        product[:, 1:] -= across * field[:, :-1]
        product[:, :-1] -= across * field[:, 1:]
        product[1:] -= down * field[:-1]
        product[:-1] -= down * field[1:]
        return np.asarray(product)

    found = start.astype(np.float32)
    rest = belief * target - applied(found)
    scaled = rest / diagonal
    way = scaled.copy()
    size = float(np.vdot(rest, scaled))
    least = _ENOUGH**2 * (float(np.square(belief * target).sum()) + 1e-9)
    for _ in range(_STEPS):
        if size < least:
            break
        changed = applied(way)
        step = np.float32(size / (float(np.vdot(way, changed)) + 1e-12))
        found += step * way
        rest -= step * changed
        scaled = rest / diagonal
        former, size = size, float(np.vdot(rest, scaled))
        way = scaled + np.float32(size / former) * way
    return np.asarray(found)
