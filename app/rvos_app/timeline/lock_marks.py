"""Marks of locked frames on a lane: a diamond each; where they stand too close, a bar with two ends."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

_REACH_PX = 4.5  # from a diamond's middle to its corners
_APART_PX = 8.0  # closer marks become one bar
_FILL, _RIM = QColor(255, 255, 255), QColor(20, 20, 24)


def lock_bars(frames: np.ndarray, frame_px: float) -> list[tuple[int, int]]:
    """First and last frame of each mark.

    Args:
        frames: (n,) int64, the locked frames in order.
        frame_px: width of a frame, pixels.
    """
    if not frames.size:
        return []
    breaks = np.flatnonzero(np.diff(frames) * frame_px >= _APART_PX)
    first = frames[np.concatenate(([0], breaks + 1))]
    last = frames[np.concatenate((breaks, [frames.size - 1]))]
    return list(zip(first.tolist(), last.tolist(), strict=True))


def paint_locks(image: QImage, marks: list[tuple[float, float]], *, middle: float) -> None:
    """Paints marks onto a lane's picture. `marks`: x of the middle of the first and the last frame of each."""
    if not marks:
        return
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for first, last in (_inside(mark, image.width() / image.devicePixelRatio()) for mark in marks):
        if last - first > 1:
            for colour, width in ((_RIM, 5.0), (_FILL, 2.5)):
                painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
                painter.drawLine(QLineF(first, middle, last, middle))
        painter.setPen(QPen(_RIM, 1.2))
        painter.setBrush(_FILL)
        for x in {first, last}:
            corners = ((-_REACH_PX, 0), (0, -_REACH_PX), (_REACH_PX, 0), (0, _REACH_PX))
            painter.drawPolygon(QPolygonF([QPointF(x + dx, middle + dy) for dx, dy in corners]))
    painter.end()


def _inside(mark: tuple[float, float], width: float) -> tuple[float, float]:
    """The ends of a mark that are in view, in whole: the first and last frame of a long clip are half a pixel wide."""
    least, most = _REACH_PX + 1, width - _REACH_PX - 1
    first, last = (min(max(x, least), most) if 0 <= x < width else x for x in mark)
    return first, last
