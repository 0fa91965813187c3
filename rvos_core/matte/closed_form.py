"""Alpha of the unknown pixels of a trimap by closed-form matting: Levin, Lischinski, Weiss, "A Closed-Form Solution to
Natural Image Matting", PAMI 2008, equations 10 to 13.

Only unknown pixels are variables. The matting Laplacian couples each with its 24 neighbours, so that a table of
(n, 25) coefficients holds it; conjugate gradients solve it. Why not a library: docs/decisions/0016-own-closed-form.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import cv2
import numpy as np

from rvos_core.matte.spreading import spread
from rvos_core.matte.trimap import INSIDE, OUTSIDE, UNKNOWN
from rvos_core.types import CancelToken

MAX_UNKNOWN = 150_000  # unknown pixels that are solved at once: 120 MB; more are solved in tiles
TILE_MARGIN = 48  # pixels that neighbouring tiles share on either side of their seam

_EPSILON = 1e-7  # equation 12: how far alpha may leave the line through a window's colours
_TOLERANCE = 1e-5  # of the residual; alpha is then right to a grey level
_MOST_STEPS = 2000
_CHECK_EVERY = 25  # steps between reports and looks at the flag
_PULL = 1e-9  # towards the start, for what nothing known is near to
_FEW = 3000  # unknown pixels that need no guess from half the size
_SURE = 0.99  # share of a coarse pixel that has to be known
_WINDOWS_AT_ONCE = 20_000
_STEPS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]

Progress = Callable[[int, int], None]


def closed_form_alpha(
    frame: np.ndarray, trimap: np.ndarray, *, progress: Progress | None = None, cancel: CancelToken | None = None
) -> np.ndarray:
    """Alpha of one frame.

    Args:
        frame: (H, W, 3) uint8 RGB.
        trimap: (H, W) uint8: 0 outside, 255 inside, anything else unknown.
        progress: called with finished and all unknown pixels; within a tile from how far the solver has come.
        cancel: looked at every few dozen of the solver's steps.

    Returns:
        (H, W) float32, 0..1; exactly 0 and 1 where the trimap says so. Where it knows only one side, everything
        unknown is of that side; where it knows neither, 0.5.

    Raises:
        Cancelled: once `cancel` is set.
    """
    alpha = np.where(trimap == INSIDE, np.float32(1), np.where(trimap == OUTSIDE, np.float32(0), np.float32(0.5)))
    unknown = (trimap != INSIDE) & (trimap != OUTSIDE)
    total = int(np.count_nonzero(unknown))
    inside, outside = bool((trimap == INSIDE).any()), bool((trimap == OUTSIDE).any())
    if not total or not (inside and outside):
        alpha[unknown] = 0.5 if inside == outside else float(inside)
        return alpha
    start = _start(frame, trimap, total, cancel)
    solved, weights = np.zeros(trimap.shape, dtype=np.float32), np.zeros(trimap.shape, dtype=np.float32)
    watch = _Watch(total, progress, cancel)
    for place, weight in _tiles(unknown):
        here = unknown[place]
        watch.begin(int(np.count_nonzero(here & (weights[place] == 0))))
        values = _solve(frame[place], alpha[place], here, start[place], watch)
        solved[place][here] += weight[here] * values
        weights[place][here] += weight[here]
        watch.step(1.0)
    alpha[unknown] = (solved[unknown] / weights[unknown]).clip(0, 1)
    return alpha


class _Watch:
    """Between the solver and whoever waits for it: how far it is, and whether it shall stop."""

    def __init__(self, total: int, progress: Progress | None, cancel: CancelToken | None) -> None:
        self._total = total
        self._progress = progress
        self._cancel = cancel
        self._done = 0
        self._count = 0

    def begin(self, count: int) -> None:
        """A tile with `count` new pixels begins."""
        self._done += self._count
        self._count = count

    def step(self, share: float) -> None:
        """That much of the tile is done, 0..1. Raises: Cancelled."""
        if self._cancel is not None:
            self._cancel.raise_if_cancelled()
        if self._progress is not None:
            self._progress(self._done + round(share * self._count), self._total)


def _tiles(unknown: np.ndarray) -> Iterator[tuple[tuple[slice, slice], np.ndarray]]:
    """Places that together hold all unknown pixels, and the (h, w) weights of each place's answer.

    One place around them all where they are few enough; else halves, which overlap and fade into each other.
    """
    x, y, across, down = cv2.boundingRect(unknown.view(np.uint8))
    height, width = unknown.shape
    box = (max(0, y - 2), min(height, y + down + 2), max(0, x - 2), min(width, x + across + 2))
    pending = [(box, (0, 0, 0, 0))]  # top, bottom, left, right; and which of these sides are seams
    while pending:
        (top, bottom, left, right), seams = pending.pop()
        here = unknown[top:bottom, left:right]
        if not here.any():
            continue
        high = bottom - top >= right - left
        side = bottom - top if high else right - left
        if np.count_nonzero(here) <= MAX_UNKNOWN or side < 4 * TILE_MARGIN:
            yield np.s_[top:bottom, left:right], _fading(here.shape, seams)
            continue
        first, second = side // 2 + TILE_MARGIN, side // 2 - TILE_MARGIN
        if high:
            pending.append(((top + second, bottom, left, right), (1, *seams[1:])))
            pending.append(((top, top + first, left, right), (seams[0], 1, *seams[2:])))
        else:
            pending.append(((top, bottom, left + second, right), (*seams[:2], 1, seams[3])))
            pending.append(((top, bottom, left, left + first), (*seams[:3], 1)))


def _fading(shape: tuple[int, ...], seams: tuple[int, ...]) -> np.ndarray:
    """Weights (h, w) float32 that rise from 0 to 1 over the width that two tiles share, along each seam."""
    profiles = []
    for size, before, after in ((shape[0], *seams[:2]), (shape[1], *seams[2:])):
        places = np.arange(size) + 0.5
        rising = np.minimum(1, places / (2 * TILE_MARGIN)) if before else np.ones(size)
        falling = np.minimum(1, places[::-1] / (2 * TILE_MARGIN)) if after else np.ones(size)
        profiles.append(rising * falling)
    return np.asarray(np.outer(*profiles), dtype=np.float32)


def _start(frame: np.ndarray, trimap: np.ndarray, count: int, cancel: CancelToken | None) -> np.ndarray:
    """A first guess (H, W) float32: where many pixels are unknown, the answer at half the size."""
    if count <= _FEW:
        sure = (trimap == INSIDE) | (trimap == OUTSIDE)
        values = (trimap == INSIDE).astype(np.float32)
        return spread(values[..., None], sure.astype(np.float32))[..., 0]
    height, width = trimap.shape
    size = ((width + 1) // 2, (height + 1) // 2)
    half = np.full((size[1], size[0]), UNKNOWN, dtype=np.uint8)
    for side in (INSIDE, OUTSIDE):
        share = cv2.resize((trimap == side).astype(np.float32), size, interpolation=cv2.INTER_AREA)
        half[share > _SURE] = side
    coarse = closed_form_alpha(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), half, cancel=cancel)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR))


def _solve(frame: np.ndarray, known: np.ndarray, unknown: np.ndarray, start: np.ndarray, watch: _Watch) -> np.ndarray:
    """Alpha (n,) of the unknown pixels of one place, in reading order, not yet clipped."""
    numbers = np.full((unknown.shape[0] + 4, unknown.shape[1] + 4), -1, dtype=np.int64)
    count = int(np.count_nonzero(unknown))
    numbers[2:-2, 2:-2][unknown] = np.arange(count)
    table = _laplacian(frame, unknown, numbers)
    rows, columns = np.nonzero(unknown)
    neighbours = np.empty((count, 25), dtype=np.int64)
    right_side = np.zeros(count)
    framed = cv2.copyMakeBorder(known.astype(np.float64), 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=0.0)
    for slot in range(25):
        place = (rows + slot // 5, columns + slot % 5)
        neighbours[:, slot] = numbers[place]
        outside = neighbours[:, slot] < 0
        right_side[outside] -= (table[:, slot] * framed[place])[outside]
        table[outside, slot] = 0
    neighbours[neighbours < 0] = 0
    guess = start[unknown].astype(np.float64)
    table[:, 12] += _PULL
    right_side += _PULL * guess
    return _conjugate_gradients(table, neighbours, right_side, start=guess, watch=watch)


def _laplacian(frame: np.ndarray, unknown: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Rows of the matting Laplacian that belong to unknown pixels: (n, 25), columns the 5x5 around each, in order."""
    table = np.zeros((int(np.count_nonzero(unknown)), 25))
    height, width = unknown.shape
    if height < 3 or width < 3:
        return table
    touched = cv2.dilate(unknown.view(np.uint8), np.ones((3, 3), dtype=np.uint8))[1:-1, 1:-1]
    middles = np.argwhere(touched) + 1
    for begin in range(0, len(middles), _WINDOWS_AT_ONCE):
        y, x = middles[begin : begin + _WINDOWS_AT_ONCE].T
        colours = np.stack([frame[y + dy, x + dx] for dy, dx in _STEPS], axis=1) / 255.0
        pixels = np.stack([numbers[y + 2 + dy, x + 2 + dx] for dy, dx in _STEPS], axis=1)
        centred = colours - colours.mean(1, keepdims=True)
        variance = np.einsum("kij,kil->kjl", centred, centred) / 9 + _EPSILON / 9 * np.eye(3)
        affinity = (1 + centred @ np.linalg.solve(variance, centred.transpose(0, 2, 1))) / 9
        for i, (dy, dx) in enumerate(_STEPS):
            variable = pixels[:, i] >= 0
            rows = pixels[variable, i]
            for j, (ey, ex) in enumerate(_STEPS):
                slot = (ey - dy + 2) * 5 + ex - dx + 2
                table[rows, slot] += float(i == j) - affinity[variable, i, j]
    return table


def _conjugate_gradients(
    table: np.ndarray, neighbours: np.ndarray, right_side: np.ndarray, *, start: np.ndarray, watch: _Watch
) -> np.ndarray:
    """Solve for the unknown pixels, preconditioned by the diagonal."""

    gathered = np.empty_like(table)

    def applied(values: np.ndarray) -> np.ndarray:
        np.take(values, neighbours, out=gathered, mode="clip")  # `clip`: the indices need no look
        return np.asarray(np.einsum("ij,ij->i", table, gathered))

    inverse = 1 / np.maximum(table[:, 12], 1e-12)
    solution = start.copy()
    residual = right_side - applied(solution)
    enough = _TOLERANCE * max(float(np.linalg.norm(right_side)), 1e-12)
    direction = inverse * residual
    strength = float(residual @ direction)
    first = max(float(np.linalg.norm(residual)), 2 * enough)
    share = 0.0
    for step in range(_MOST_STEPS):
        left = float(np.linalg.norm(residual))
        if left <= enough:
            break
        if step % _CHECK_EVERY == 0:  # the residual falls by a like factor at each step, by and large
            share = max(share, math.log(first / left) / math.log(first / enough))
            watch.step(share)
        image = applied(direction)
        length = strength / float(direction @ image)
        solution += length * direction
        residual -= length * image
        smoothed = inverse * residual
        strength, before = float(residual @ smoothed), strength
        direction = smoothed + (strength / before) * direction
    return solution
