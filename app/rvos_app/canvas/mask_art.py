"""What a mask looks like, ready to paint: a cropped image and an outline path, kept for the masks painted lately."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import cv2
import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage, QPainterPath, QPolygonF

from rvos_core.masks import Rle, bbox, contours, decode

Colour = tuple[int, int, int]

_OPAQUE = 0xFF000000
_TOLERANCE_PX = 0.5
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class MaskArt:
    """A mask cut to its bounding box: `image` (premultiplied ARGB, opaque in the mask) lies at (`left`, `top`)."""

    image: QImage
    left: int
    top: int
    pixels: np.ndarray = field(repr=False)  # (h, w) uint32, which the image shows without a copy


class MaskArtCache:
    """Paintable forms of the masks used lately; the least recently used go first.

    Args:
        capacity: masks kept; a 1080p mask costs about its bounding box in 4-byte pixels.
    """

    def __init__(self, capacity: int = 48) -> None:
        self._fills: _Lru[tuple[Rle, Colour], MaskArt | None] = _Lru(capacity)
        self._outlines: _Lru[tuple[Rle, bool], QPainterPath] = _Lru(capacity)

    def fill(self, mask: Rle, colour: Colour) -> MaskArt | None:
        """The mask in one colour; None for an empty mask."""
        key = (mask, colour)
        if key not in self._fills:
            self._fills.put(key, _paint_fill(mask, colour))
        return self._fills.get(key)

    def outline(self, mask: Rle, *, exact: bool) -> QPainterPath:
        """The mask's contours through the centres of its boundary pixels, in frame coordinates.

        Args:
            mask: what to outline.
            exact: every corner; otherwise corners within half a pixel are left out, which paints twice as fast and
                cannot be told apart while a frame pixel is not much larger than a screen pixel.
        """
        key = (mask, exact)
        if key not in self._outlines:
            self._outlines.put(key, _trace(mask, exact=exact))
        return self._outlines.get(key)


class _Lru(Generic[_Key, _Value]):
    def __init__(self, capacity: int) -> None:
        self._items: OrderedDict[_Key, _Value] = OrderedDict()
        self._capacity = capacity

    def __contains__(self, key: _Key) -> bool:
        return key in self._items

    def get(self, key: _Key) -> _Value:
        self._items.move_to_end(key)
        return self._items[key]

    def put(self, key: _Key, value: _Value) -> None:
        self._items[key] = value
        while len(self._items) > self._capacity:
            self._items.popitem(last=False)


def _paint_fill(mask: Rle, colour: Colour) -> MaskArt | None:
    box = bbox(mask)
    if box is None:
        return None
    left, top, right, bottom = (int(edge) for edge in box)
    crop = decode(mask)[top:bottom, left:right]
    red, green, blue = colour
    pixels = np.multiply(crop, np.uint32(_OPAQUE | red << 16 | green << 8 | blue), dtype=np.uint32)
    height, width = pixels.shape
    wrapped = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_ARGB32_Premultiplied)
    return MaskArt(wrapped, left, top, pixels)


def _trace(mask: Rle, *, exact: bool) -> QPainterPath:
    path = QPainterPath()
    box = bbox(mask)
    if box is None:
        return path
    left, top, right, bottom = (int(edge) for edge in box)
    for contour in contours(decode(mask)[top:bottom, left:right]):
        corners = contour if exact else cv2.approxPolyDP(contour[:, None], _TOLERANCE_PX, closed=True)[:, 0]
        points = corners + np.array([left + 0.5, top + 0.5])
        path.addPolygon(QPolygonF([QPointF(x, y) for x, y in points.tolist()]))
        path.closeSubpath()
    return path
