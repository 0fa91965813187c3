"""Masks between two masks of one object: it moves, grows and changes shape evenly from the first to the last.

Both are brought to the place and size that the object has in between (centre and root of the area, both linear in
time), there their signed distances are blended, and of the blend as many pixels are taken as the size asks for. The
blend is that of Raya and Udupa, "Shape-based interpolation of multidimensional objects", IEEE TMI 1990.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil, floor, sqrt

import cv2
import numpy as np

from rvos_core.masks.ops import pixel_bbox
from rvos_core.masks.rle import Rle, decode, encode

_MARGIN_PX = 8  # around the object: distances are exact within it, lengthened by the way to it beyond


def between(first: Rle, last: Rle, count: int) -> Iterator[Rle]:
    """Masks at `count` instants that divide the time from `first` to `last` evenly, those two left out.

    Even in time: `between(last, first, count)` gives exactly the same masks, the last one first. None is ever empty,
    also where the shapes at both ends do not overlap; parts may join, part, open and close.

    Raises:
        ValueError: an end is empty, or they are of different sizes.
        UserError: the run lengths of an end are damaged.
    """
    if (first.height, first.width) != (last.height, last.width):
        raise ValueError(f"masks of {first.width}x{first.height} and {last.width}x{last.height} have nothing between")
    begin, end = _Shape.of(decode(first)), _Shape.of(decode(last))
    for number in range(1, count + 1):
        # fractions of whole numbers: the same floats whichever end is called the first
        weights = ((count + 1 - number) / (count + 1), number / (count + 1))
        yield encode(_blend(begin, end, weights, height=first.height, width=first.width))


@dataclass(frozen=True)
class _Shape:
    """A mask as it is blended.

    Attributes:
        centre: (x, y) of its pixels' mean, pixels.
        size: root of its area, pixels.
        box: (x0, y0, x1, y1), right and bottom exclusive.
        distance: (h, w) float32, pixels to the outline, positive inside; of the box and a margin.
        corner: (x, y) of the first pixel of `distance`.
    """

    centre: np.ndarray
    size: float
    box: tuple[int, int, int, int]
    distance: np.ndarray = field(repr=False)
    corner: tuple[int, int]

    @staticmethod
    def of(mask: np.ndarray) -> _Shape:
        """`mask`: (H, W) bool. Raises: ValueError: it is empty."""
        box = pixel_bbox(mask)
        if box is None:
            raise ValueError("nothing lies between an empty mask and another")
        x0, y0, x1, y1 = box
        cut = np.pad(mask[y0:y1, x0:x1], _MARGIN_PX)
        columns, rows = cut.sum(axis=0, dtype=np.float64), cut.sum(axis=1, dtype=np.float64)
        area = columns.sum()
        corner = (x0 - _MARGIN_PX, y0 - _MARGIN_PX)
        centre = np.array([columns @ np.arange(columns.size), rows @ np.arange(rows.size)]) / area + corner
        return _Shape(centre, sqrt(area), box, _signed_distance(cut), corner)

    def placed_box(self, centre: np.ndarray, scale: float) -> np.ndarray:
        """(x0, y0, x1, y1) float of the box where the shape stands at `centre`, `scale` times as large."""
        corners = np.array(self.box, dtype=np.float64).reshape(2, 2)
        return np.asarray(((corners - self.centre) * scale + centre).ravel())

    def placed(self, centre: np.ndarray, scale: float, area: tuple[int, int, int, int]) -> np.ndarray:
        """Distances of the shape at `centre`, `scale` times as large, for the pixels of `area`: (h, w) float32."""
        x0, y0, x1, y1 = area
        offset = self.centre - self.corner
        x = ((np.arange(x0, x1) - centre[0]) / scale + offset[0]).astype(np.float32)
        y = ((np.arange(y0, y1) - centre[1]) / scale + offset[1]).astype(np.float32)
        height, width = self.distance.shape
        inner_x, inner_y = x.clip(0, width - 1), y.clip(0, height - 1)
        grid_x, grid_y = np.meshgrid(inner_x, inner_y)
        near = cv2.remap(self.distance, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        way = np.hypot((x - inner_x)[None, :], (y - inner_y)[:, None])
        return np.asarray((near - way) * np.float32(scale))


def _blend(begin: _Shape, end: _Shape, weights: tuple[float, float], *, height: int, width: int) -> np.ndarray:
    """The mask between two shapes, (height, width) bool. `weights` of the two: they add up to 1."""
    centre = weights[0] * begin.centre + weights[1] * end.centre
    size = weights[0] * begin.size + weights[1] * end.size
    boxes = [shape.placed_box(centre, size / shape.size) for shape in (begin, end)]
    low, high = np.minimum(*boxes)[:2], np.maximum(*boxes)[2:]
    area = (
        max(floor(low[0]) - _MARGIN_PX, 0),
        max(floor(low[1]) - _MARGIN_PX, 0),
        min(ceil(high[0]) + _MARGIN_PX, width),
        min(ceil(high[1]) + _MARGIN_PX, height),
    )
    distances = [shape.placed(centre, size / shape.size, area) for shape in (begin, end)]
    blend = np.float32(weights[0]) * distances[0] + np.float32(weights[1]) * distances[1]
    wanted = min(max(round(size * size), 1), blend.size)
    level = np.partition(blend, blend.size - wanted, axis=None)[blend.size - wanted]
    mask = np.zeros((height, width), dtype=bool)
    mask[area[1] : area[3], area[0] : area[2]] = blend >= level
    return mask


def _signed_distance(mask: np.ndarray) -> np.ndarray:
    """(h, w) float32: pixels to the outline, which runs half way between a pixel inside and one outside."""
    bits = mask.astype(np.uint8)
    inside = cv2.distanceTransform(bits, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform(1 - bits, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(np.where(mask, inside - 0.5, 0.5 - outside), dtype=np.float32)
