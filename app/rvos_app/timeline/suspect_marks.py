"""Marks of suspicious frames on a lane: a small triangle below the frame that is worth a look."""

from __future__ import annotations

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

_HALF_PX, _HIGH_PX = 4.0, 6.0
_FILL, _RIM = QColor(255, 176, 32), QColor(20, 20, 24)


def paint_suspects(image: QImage, marks: list[float], *, bottom: float) -> None:
    """Paints marks onto a lane's picture. `marks`: x of the middle of each frame; `bottom`: y of their feet."""
    if not marks:
        return
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(_RIM, 1.0))
    painter.setBrush(_FILL)
    for x in marks:
        feet = (QPointF(x - _HALF_PX, bottom), QPointF(x + _HALF_PX, bottom))
        painter.drawPolygon(QPolygonF([QPointF(x, bottom - _HIGH_PX), *feet]))
    painter.end()
