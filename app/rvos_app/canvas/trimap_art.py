"""Paints a trimap over the frame, and small pictures of what its brushes paint."""

from __future__ import annotations

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPixmap, qRgba

from rvos_app.canvas.tools.trimap_layer import COLOURS, KINDS, TrimapLayer
from rvos_core.masks.trimap_strokes import UNPAINTED

_TABLE = [qRgba(*colour) for colour in COLOURS]
_SWATCH_PX, _STRIPE_PX = 18, 3


def paint_trimap(painter: QPainter, layer: TrimapLayer) -> None:
    """In frame pixels, from the layer's own."""
    height, width = layer.size
    pixels = QImage(layer.codes.data, width, height, width, QImage.Format.Format_Indexed8)
    pixels.setColorTable(_TABLE)
    painter.drawImage(QPointF(0, 0), pixels)


def swatch(label: int) -> QIcon:
    """What a brush paints, with its pattern; UNPAINTED: the three automatic kinds side by side."""
    picture = QPixmap(_SWATCH_PX, _SWATCH_PX)
    painter = QPainter(picture)
    for y in range(_SWATCH_PX):
        for x in range(_SWATCH_PX):
            painter.fillRect(x, y, 1, 1, _swatch_colour(label, x, y))
    painter.end()
    return QIcon(picture)


def _swatch_colour(label: int, x: int, y: int) -> QColor:
    if label == UNPAINTED:
        return _opaque(x * len(KINDS) // _SWATCH_PX)
    number = KINDS.index(label)
    column, row = x // _STRIPE_PX, y // _STRIPE_PX
    pattern = ((x - y) // _STRIPE_PX % 2, (column + row) % 2, (x + y) // _STRIPE_PX % 2)[number]
    return _opaque(len(KINDS) + 2 * number + pattern)


def _opaque(code: int) -> QColor:
    red, green, blue, _ = COLOURS[code]
    return QColor(red, green, blue)
