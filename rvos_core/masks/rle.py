"""Run-length masks, byte for byte those of COCO: column-major runs, zeros first, five bits to a character.

A mask is kept, compared, measured and combined as runs; `decode` is for painting and for pixel work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from rvos_core.errors import UserError

_MAX_PIXELS = 2**31 - 1
_CHARS_PER_RUN = 7  # 35 bits: more than any run of a mask within _MAX_PIXELS needs
_MANY_RUNS_PER_PIXEL = 1 / 160  # above this share np.repeat fills faster than slices do


@dataclass(frozen=True)
class Rle:
    """One binary mask of `height` x `width` pixels; `counts` are COCO's compressed run lengths (ASCII)."""

    height: int
    width: int
    counts: bytes

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1 or self.height * self.width > _MAX_PIXELS:
            raise ValueError(f"not a mask size: {self.width}x{self.height}")


def encode(mask: np.ndarray) -> Rle:
    """Encode `mask` (H, W), bool or any integers (not zero = object). Equal bytes to `pycocotools.mask.encode`."""
    if mask.ndim != 2:
        raise ValueError(f"a mask has two dimensions, not {mask.ndim}")
    height, width = mask.shape
    starts, stops = _runs_of_pixels(mask)
    return _from_runs(starts, stops, height=height, width=width)


def decode(rle: Rle) -> np.ndarray:
    """Returns: (H, W) bool, C-contiguous. Raises: UserError: if the counts are damaged."""
    mask = np.zeros((rle.height, rle.width), dtype=bool)
    starts, stops = _runs(rle)
    if not starts.size:
        return mask
    height = rle.height
    first, last = int(starts[0]) // height, (int(stops[-1]) - 1) // height + 1
    offset, size = first * height, (last - first) * height
    if starts.size > size * _MANY_RUNS_PER_PIXEL:
        bounds = np.empty(2 * starts.size + 2, dtype=np.int64)
        bounds[0], bounds[1:-1:2], bounds[2:-1:2], bounds[-1] = 0, starts - offset, stops - offset, size
        columns = np.repeat(np.arange(bounds.size - 1) % 2 == 1, np.diff(bounds))
    else:
        columns = np.zeros(size, dtype=bool)
        for start, stop in zip((starts - offset).tolist(), (stops - offset).tolist(), strict=True):
            columns[start:stop] = True
    mask[:, first:last] = cv2.transpose(columns.view(np.uint8).reshape(last - first, height)).view(bool)
    return mask


def empty(height: int, width: int) -> Rle:
    """A mask without a single pixel."""
    nothing = np.zeros(0, dtype=np.int64)
    return _from_runs(nothing, nothing, height=height, width=width)


def area(rle: Rle) -> int:
    """Number of pixels of the object."""
    starts, stops = _runs(rle)
    return int((stops - starts).sum())


def bbox(rle: Rle) -> tuple[int, int, int, int] | None:
    """Tight box (x0, y0, x1, y1) in pixels, right and bottom exclusive; None for an empty mask."""
    starts, stops = _runs(rle)
    if not starts.size:
        return None
    first_columns, last_columns = starts // rle.height, (stops - 1) // rle.height
    if np.any(first_columns != last_columns):  # a run over a column's end touches both top and bottom
        top, bottom = 0, rle.height
    else:
        top, bottom = int((starts % rle.height).min()), int(((stops - 1) % rle.height).max()) + 1
    return int(first_columns[0]), top, int(last_columns[-1]) + 1, bottom


def iou(a: Rle, b: Rle) -> float:
    """Intersection over union, 0..1; 1 where both masks are empty."""
    _check_same_size(a, b)
    runs_a, runs_b = _runs(a), _runs(b)
    both = _intersection_area(runs_a, runs_b)
    either = int((runs_a[1] - runs_a[0]).sum()) + int((runs_b[1] - runs_b[0]).sum()) - both
    return both / either if either else 1.0


def intersection_area(a: Rle, b: Rle) -> int:
    """Number of pixels that both masks have."""
    _check_same_size(a, b)
    return _intersection_area(_runs(a), _runs(b))


def union(a: Rle, b: Rle) -> Rle:
    """Pixels of either mask."""
    return _combine(a, b, np.logical_or)


def intersection(a: Rle, b: Rle) -> Rle:
    """Pixels of both masks."""
    return _combine(a, b, np.logical_and)


def difference(a: Rle, b: Rle) -> Rle:
    """Pixels of `a` that `b` does not have."""
    return _combine(a, b, lambda in_a, in_b: in_a & ~in_b)


def to_coco(rle: Rle) -> dict[str, Any]:
    """COCO's JSON form: `{"size": [height, width], "counts": str}`. Raises: UserError: if the counts are damaged."""
    try:
        return {"size": [rle.height, rle.width], "counts": rle.counts.decode("ascii")}
    except UnicodeDecodeError:
        raise _damaged("its counts are not ASCII") from None


def from_coco(segmentation: Mapping[str, Any]) -> Rle:
    """Read COCO's form with compressed (`str`, `bytes`) or plain (list of int) counts, and make the runs canonical.

    Raises: UserError: if the size or the counts cannot be a mask.
    """
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if not (isinstance(size, list | tuple) and len(size) == 2 and all(_is_positive_int(side) for side in size)):
        raise _damaged(f"its size is {size!r}, not [height, width]")
    height, width = int(size[0]), int(size[1])
    if height * width > _MAX_PIXELS:
        raise _damaged(f"{width}x{height} pixels are too many")
    if isinstance(counts, str | bytes):
        try:
            lengths = _lengths_of(counts.encode("ascii") if isinstance(counts, str) else counts)
        except UnicodeEncodeError:
            raise _damaged("its counts are not ASCII") from None
    elif isinstance(counts, list | tuple) and all(_is_count(count) for count in counts):
        lengths = np.asarray(counts, dtype=np.int64)
    else:
        raise _damaged("its counts are neither text nor a list of whole numbers")
    starts, stops = _runs_of_lengths(lengths, height=height, width=width)
    return _from_runs(*_merge_touching(starts, stops), height=height, width=width)


def _is_positive_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_PIXELS


def _damaged(why: str) -> UserError:
    return UserError(
        f"This run-length mask is damaged: {why}.", hint="Export the mask again from its source.", code="masks.bad_rle"
    )


def _check_same_size(a: Rle, b: Rle) -> None:
    if (a.height, a.width) != (b.height, b.width):
        raise ValueError(f"masks of different size: {a.width}x{a.height} and {b.width}x{b.height}")


def _runs(rle: Rle) -> tuple[np.ndarray, np.ndarray]:
    """Starts and stops (exclusive) of the object's runs, column-major pixel numbers, int64, in order, none empty."""
    return _runs_of_lengths(_lengths_of(rle.counts), height=rle.height, width=rle.width)


def _runs_of_lengths(lengths: np.ndarray, *, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    if lengths.size and (lengths.min() < 0 or lengths.max() > height * width):
        raise _damaged("a run has an impossible length")
    bounds = np.cumsum(lengths)
    total = int(bounds[-1]) if bounds.size else 0
    if total != height * width:
        raise _damaged(f"its runs cover {total} pixels, {width}x{height} has {height * width}")
    starts = bounds[0::2][: lengths.size // 2]
    stops = bounds[1::2]
    solid = stops > starts
    return (starts, stops) if solid.all() else (starts[solid], stops[solid])


def _runs_of_pixels(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    height = mask.shape[0]
    solid = mask if mask.dtype == bool else mask != 0
    rows = np.flatnonzero(solid.any(axis=1))
    if not rows.size:
        return rows, rows
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(solid[top:bottom].any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    # One empty cell before every column keeps each run inside its column; `_merge_touching` joins them again.
    depth = bottom - top + 1
    padded = np.zeros((right - left) * depth + 1, dtype=bool)
    padded[:-1].reshape(right - left, depth)[:, 1:] = cv2.transpose(solid[top:bottom, left:right].view(np.uint8))
    changes = np.flatnonzero(padded[1:] != padded[:-1])
    column, row = np.divmod(changes, depth)
    positions = (column + left) * height + row + top
    # A change found in a column's last cell is the stop of a run that ends at the bottom of the box.
    return _merge_touching(positions[0::2], positions[1::2])


def _merge_touching(starts: np.ndarray, stops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    touching = stops[:-1] == starts[1:]
    if not touching.any():
        return starts, stops
    return starts[np.concatenate(([True], ~touching))], stops[np.concatenate((~touching, [True]))]


def _from_runs(starts: np.ndarray, stops: np.ndarray, *, height: int, width: int) -> Rle:
    total = height * width
    bounds = np.empty(2 * starts.size + 2, dtype=np.int64)
    bounds[0], bounds[1:-1:2], bounds[2:-1:2], bounds[-1] = 0, starts, stops, total
    lengths = np.diff(bounds)
    if lengths.size > 1 and lengths[-1] == 0:
        lengths = lengths[:-1]
    return Rle(height=height, width=width, counts=_counts_of(lengths))


def _counts_of(lengths: np.ndarray) -> bytes:
    """COCO's text: from the fourth on a length is stored as the difference to the one two before it."""
    values = lengths.astype(np.int32)
    values[3:] -= values[1:-2].copy()
    longest = max(int(values.max()), -int(values.min()))
    places = np.arange(longest.bit_length() // 5 + 1, dtype=np.int32)
    chunks = (values[:, None] >> (5 * places)) & 0x1F
    # The last chunk is the first after which only copies of its sign bit (0x10) follow.
    done = (values[:, None] >> np.minimum(5 * places + 5, 31)) == -(chunks >> 4)
    last = done.argmax(axis=1)
    used = places <= last[:, None]
    more = places < last[:, None]
    return bytes((chunks + 0x20 * more + 48).astype(np.uint8)[used])


def _lengths_of(counts: bytes) -> np.ndarray:
    codes = np.frombuffer(counts, dtype=np.uint8).astype(np.int64) - 48
    if not codes.size:
        raise _damaged("it has no runs")
    if codes.min() < 0 or codes.max() > 0x3F:
        raise _damaged("its counts hold a character that COCO does not use")
    ends = np.flatnonzero(codes < 0x20)
    if not ends.size or ends[-1] != codes.size - 1:
        raise _damaged("its counts stop in the middle of a run")
    begins = np.concatenate(([0], ends[:-1] + 1))
    used = ends - begins + 1
    if used.max() > _CHARS_PER_RUN:
        raise _damaged("a run is longer than any mask")
    places = np.arange(codes.size) - np.repeat(begins, used)
    values = np.add.reduceat((codes & 0x1F) << (5 * places), begins)
    values -= ((codes[ends] >> 4) & 1) << (5 * used)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def _intersection_area(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> int:
    if not a[0].size or not b[0].size:
        return 0
    return int((_covered_before(a[1], b) - _covered_before(a[0], b)).sum())


def _covered_before(points: np.ndarray, runs: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Pixels of `runs` that lie before each of `points`."""
    starts, stops = runs
    index = np.searchsorted(starts, points, side="right")
    full = np.concatenate(([0], np.cumsum(stops - starts)))[index]
    beyond = np.where(index > 0, stops[np.maximum(index, 1) - 1] - points, 0)
    return np.asarray(full - np.maximum(beyond, 0))


def _combine(a: Rle, b: Rle, operation: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Rle:
    _check_same_size(a, b)
    bounds_a, bounds_b = np.stack(_runs(a), axis=1).ravel(), np.stack(_runs(b), axis=1).ravel()
    points = np.unique(np.concatenate((bounds_a, bounds_b)))
    inside_a = np.searchsorted(bounds_a, points, side="right") % 2 == 1
    inside_b = np.searchsorted(bounds_b, points, side="right") % 2 == 1
    solid = np.concatenate(([False], operation(inside_a, inside_b), [False]))
    changes = np.flatnonzero(solid[1:] != solid[:-1])
    return _from_runs(points[changes[0::2]], points[changes[1::2]], height=a.height, width=a.width)
