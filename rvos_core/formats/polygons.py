"""Masks as outlines, for formats without pixels: exact, but for holes, which are filled.

Outlines run along the edges of pixels, so that they enclose as much as the mask has. A pixel belongs to an outline that
goes round its middle (even-odd). That is the convention of COCO's and CVAT's polygons.
"""

from __future__ import annotations

import numpy as np

from rvos_core.errors import UserError
from rvos_core.masks.ops import fill_holes

_MAX_CROSSINGS = 20_000_000
_LOOKED_AT = 1000  # corners of an outline, where two are joined
_STEPS = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])  # right, down, left, up in x, y


def outlines(mask: np.ndarray) -> list[np.ndarray]:
    """The outlines of the parts of `mask` (H, W) bool: (n, 2) float64 of x, y in pixels, its corners only.

    Pixels that touch at a corner are one part.
    """
    starts, turns = _edges(fill_holes(mask))
    if not len(starts):
        return []
    following = _following(starts, turns, width=mask.shape[1] + 1).tolist()
    kinds = turns.tolist()
    left = [True] * len(kinds)
    found = []
    for first in range(len(kinds)):
        ring, edge = [], first
        while left[edge]:
            left[edge] = False
            if kinds[following[edge]] != kinds[edge]:
                ring.append(following[edge])
            edge = following[edge]
        if ring:
            found.append(starts[ring].astype(np.float64))
    return found


def joined(parts: list[np.ndarray]) -> np.ndarray:
    """One outline of several, (n, 2) each, for formats with one outline an object: `filled` gives the same pixels.

    A bridge without width leads to each further part and back, near where it is nearest. YOLO's own converter of COCO's
    annotations joins parts in the same way.
    """
    ring, *others = sorted(parts, key=len, reverse=True)
    for part in others:
        from_step, to_step = (-(-len(points) // _LOOKED_AT) for points in (ring, part))
        distances = np.abs(ring[::from_step, None] - part[None, ::to_step]).sum(axis=2)
        nearest, its_nearest = divmod(int(distances.argmin()), distances.shape[1])
        here = nearest * from_step
        round_trip = np.roll(part, -its_nearest * to_step, axis=0)
        ring = np.concatenate([ring[: here + 1], round_trip, round_trip[:1], ring[here:]])
    return ring


def filled(polygons: list[np.ndarray], *, height: int, width: int) -> np.ndarray:
    """The pixels whose middles lie in any of the polygons ((n, 2) of x, y in pixels, finite): (H, W) bool.

    Raises:
        UserError: outlines so long that they are made to keep the program busy.
    """
    mask = np.zeros((height, width), dtype=bool)
    for corners in polygons:
        top = int(np.clip(np.ceil(corners[:, 1].min() - 0.5), 0, height))
        stop = int(np.clip(np.ceil(corners[:, 1].max() - 0.5), top, height))
        rows, columns = _crossings(corners, top=top, stop=stop, width=width)
        changes = np.zeros((stop - top, width + 1), dtype=np.uint8)
        np.bitwise_xor.at(changes, (rows - top, columns), 1)
        np.bitwise_xor.accumulate(changes, axis=1, out=changes)
        mask[top:stop] |= changes[:, :width].view(bool)
    return mask


def _crossings(corners: np.ndarray, *, top: int, stop: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the sides cross the middles of rows `top` to `stop`: row, and the first column to the right of it.

    A side crosses at the same places whichever way it is gone, to the bit: so bridges there and back leave no trace.
    """
    ends = np.stack([corners, np.roll(corners, -1, axis=0)])
    (x0, low), (x1, high) = (
        np.where(ends[0, :, 1] <= ends[1, :, 1], ends[a].T, ends[b].T) for a, b in ((0, 1), (1, 0))
    )
    first = np.clip(np.ceil(low - 0.5), top, stop).astype(np.int64)
    count = np.clip(np.ceil(high - 0.5), first, stop).astype(np.int64) - first
    total = int(count.sum())
    if total > _MAX_CROSSINGS:
        raise UserError(
            f"An outline of {len(corners)} points goes up and down too often.",
            hint="It is damaged; export it again.",
            code="formats.bad_outline",
        )
    side = np.repeat(np.arange(len(corners)), count)
    rows = np.arange(total) - np.repeat(np.cumsum(count) - count, count) + first[side]
    share = (rows + 0.5 - low[side]) / (high - low)[side]
    columns = np.ceil(x0[side] + share * (x1 - x0)[side] - 0.5)
    return rows, np.clip(columns, 0, width).astype(np.int64)


def _edges(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sides of pixels between object and background, the object on the right hand: start (n, 2) x, y; direction."""
    height, width = mask.shape
    ringed = np.zeros((height + 2, width + 2), dtype=bool)
    ringed[1:-1, 1:-1] = mask
    beyond = (ringed[:-2, 1:-1], ringed[1:-1, 2:], ringed[2:, 1:-1], ringed[1:-1, :-2])  # above, right, below, left
    corners = ((0, 0), (1, 0), (1, 1), (0, 1))  # of the pixel, where its top, right, bottom, left side begins
    starts, turns = [], []
    for turn, (neighbour, (dx, dy)) in enumerate(zip(beyond, corners, strict=True)):
        y, x = np.nonzero(mask & ~neighbour)
        starts.append(np.stack([x + dx, y + dy], axis=1))
        turns.append(np.full(len(x), turn))
    return np.concatenate(starts), np.concatenate(turns)


def _following(starts: np.ndarray, turns: np.ndarray, *, width: int) -> np.ndarray:
    """For each edge the one that goes on from its end: the leftmost, which keeps pixels that touch together."""
    at = np.full((int(starts[:, 1].max()) + 2) * (width + 1) * 4, -1, dtype=np.int64)
    place = (starts[:, 1] * (width + 1) + starts[:, 0]) * 4
    at[place + turns] = np.arange(len(starts))
    ends = starts + _STEPS[turns]
    place = (ends[:, 1] * (width + 1) + ends[:, 0]) * 4
    left, ahead, right = (at[place + (turns + change) % 4] for change in (-1, 0, 1))
    return np.asarray(np.where(left >= 0, left, np.where(ahead >= 0, ahead, right)))
