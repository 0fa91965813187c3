"""Small pictures of frames for the filmstrip: which ones a view wants, and those that have come."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import OrderedDict

import numpy as np
from PySide6.QtGui import QImage

from rvos_app.timeline.scale import TimeScale

_CAPACITY = 800


class ThumbnailStore:
    """The thumbnails of one clip by frame, the least recently painted dropped first."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._images: OrderedDict[int, QImage | None] = OrderedDict()
        self._known: list[int] = []

    def put(self, frame_index: int, pixels: np.ndarray | None) -> None:
        """Keeps a thumbnail, (h, w, 3) uint8 RGB; None says that the frame cannot be shown."""
        if frame_index not in self._images:
            insort(self._known, frame_index)
        self._images[frame_index] = None if pixels is None else _own_image(pixels)
        self._images.move_to_end(frame_index)
        while len(self._images) > self._capacity:
            dropped, _ = self._images.popitem(last=False)
            del self._known[bisect_left(self._known, dropped)]

    def __contains__(self, frame_index: int) -> bool:
        return frame_index in self._images

    def nearest(self, frame_index: int) -> QImage | None:
        """The thumbnail of this frame, or of the nearest frame that has one, so that zooming never shows holes."""
        place = bisect_left(self._known, frame_index)
        around = self._known[max(place - 1, 0) : place + 1]
        if not around:
            return None
        best = min(around, key=lambda known: abs(known - frame_index))
        if best == frame_index:
            self._images.move_to_end(best)
        return self._images[best]


def filmstrip_slots(scale: TimeScale, slot_px: float) -> list[tuple[float, int]]:
    """The places of the filmstrip in view: (x, frame), `slot_px` apart and fixed to the clip while it scrolls."""
    if scale.frame_count == 0 or slot_px < 1:
        return []
    first = math.floor(scale.offset_px / slot_px)
    stop = math.ceil(min(scale.offset_px + scale.width_px, scale.content_px) / slot_px)
    frames = ((slot, math.floor(slot * slot_px / scale.frame_px)) for slot in range(first, stop))
    return [(slot * slot_px - scale.offset_px, frame) for slot, frame in frames if frame < scale.frame_count]


def _own_image(pixels: np.ndarray) -> QImage:
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape[:2]
    wrapped = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_RGB888)
    return wrapped.convertToFormat(QImage.Format.Format_RGB32)
