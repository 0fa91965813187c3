"""A rendered picture in place of the frame: a soft matte, a cut-out on a checker, the frame with effects."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPixmap

from rvos_app.canvas.mode import ViewMode

_SQUARE_PX = 8
_LIGHT, _DARK = QColor(0x9A, 0x9A, 0x9A), QColor(0x66, 0x66, 0x66)
_FORMATS = {3: QImage.Format.Format_RGB888, 4: QImage.Format.Format_RGBA8888}


@dataclass(frozen=True)
class Preview:
    """What was rendered for a view mode.

    Attributes:
        picture: uint8: (H, W) grey, (H, W, 3) RGB, or (H, W, 4) RGB and straight alpha.
        image: the same, ready to paint.
    """

    mode: ViewMode
    picture: np.ndarray = field(repr=False)
    image: QImage = field(repr=False)

    @property
    def has_alpha(self) -> bool:
        return self.picture.ndim == 3 and self.picture.shape[2] == 4


def preview_of(mode: ViewMode, picture: np.ndarray) -> Preview:
    """`picture` as in `Preview`."""
    picture = np.ascontiguousarray(picture)
    height, width = picture.shape[:2]
    kind = QImage.Format.Format_Grayscale8 if picture.ndim == 2 else _FORMATS[picture.shape[2]]
    wrapped = QImage(picture.data, width, height, picture.strides[0], kind)
    has_alpha = kind is QImage.Format.Format_RGBA8888
    painted = QImage.Format.Format_ARGB32_Premultiplied if has_alpha else QImage.Format.Format_RGB32
    return Preview(mode, picture, wrapped.convertToFormat(painted))


def paint_preview(painter: QPainter, preview: Preview) -> None:
    """Over all of the frame."""
    if preview.has_alpha:
        paint_checker(painter, QRectF(preview.image.rect()))
    painter.drawImage(QPointF(0, 0), preview.image)


def paint_checker(painter: QPainter, area: QRectF) -> None:
    """Squares of a fixed size on the screen, in frame area `area`; they move with the frame."""
    shown = painter.worldTransform().mapRect(area)
    painter.save()
    painter.resetTransform()
    painter.setBrushOrigin(shown.topLeft())
    painter.fillRect(shown, _checker())
    painter.restore()


def _checker() -> QBrush:
    tile = QPixmap(2 * _SQUARE_PX, 2 * _SQUARE_PX)
    tile.fill(_LIGHT)
    painter = QPainter(tile)
    painter.setPen(Qt.PenStyle.NoPen)
    for place in (0, _SQUARE_PX):
        painter.fillRect(place, place, _SQUARE_PX, _SQUARE_PX, _DARK)
    painter.end()
    return QBrush(tile)
