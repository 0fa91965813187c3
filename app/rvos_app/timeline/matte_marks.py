"""Marks of an object's matte on its lane: a dark diamond for each keyframe, a small square for each painted trimap.

They lie below the white diamonds of locked frames, diamonds over squares; marks that stand too close become a bar with
two ends, as there.
"""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

_KEY_PX, _SQUARE_PX = 4.0, 9.0  # from a diamond's middle to its corners; side of a square
_AT = 0.79  # of the lane's height
GRAB_PX = 6.0  # as near is on it
_DARK, _LIGHT, _GREY = QColor(20, 20, 24), QColor(255, 255, 255), QColor(236, 140, 20)

Marks = list[tuple[float, float]]  # x of the middle of the first and the last frame of each


def paint_matte_marks(image: QImage, keyframes: Marks, painted: Marks, *, height: float) -> None:
    """Paints marks onto a lane's picture of `height` pixels (those of the screen's scale)."""
    if not keyframes and not painted:
        return
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    middle = height * _AT
    for first, last in painted:
        _paint_bar(painter, first, last, middle, width=_SQUARE_PX - 4)
        for x in {first, last}:
            _paint_square(painter, QPointF(x, middle))
    for first, last in keyframes:
        _paint_bar(painter, first, last, middle, width=3.0)
        painter.setPen(QPen(_LIGHT, 1.3))
        painter.setBrush(_DARK)
        for x in {first, last}:
            corners = ((-_KEY_PX, 0), (0, -_KEY_PX), (_KEY_PX, 0), (0, _KEY_PX))
            painter.drawPolygon(QPolygonF([QPointF(x + dx, middle + dy) for dx, dy in corners]))
    painter.end()


def is_at_keyframes(y: float, height: float) -> bool:
    """Whether a place of a lane is as low as its keyframes are."""
    return abs(y - height * _AT) <= GRAB_PX


def _paint_bar(painter: QPainter, first: float, last: float, middle: float, *, width: float) -> None:
    if last - first > 1:
        for colour, thickness in ((_LIGHT, width + 2), (_DARK, width)):
            painter.setPen(QPen(colour, thickness, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            painter.drawLine(QLineF(first, middle, last, middle))


def _paint_square(painter: QPainter, centre: QPointF) -> None:
    """A trimap in little: dark, orange, light."""
    box = QRectF(centre.x() - _SQUARE_PX / 2, centre.y() - _SQUARE_PX / 2, _SQUARE_PX, _SQUARE_PX)
    painter.fillRect(box.adjusted(-1, -1, 1, 1), _LIGHT)
    third = _SQUARE_PX / 3
    for number, colour in enumerate((_DARK, _GREY, _LIGHT)):
        painter.fillRect(QRectF(box.left() + number * third, box.top(), third, _SQUARE_PX), colour)
