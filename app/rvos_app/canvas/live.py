"""What is under the person's hand, painted from the very pixels that the hand changes, without a copy of them."""

from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage, QPainter, qRgba

from rvos_app.canvas.mode import ViewMode
from rvos_app.canvas.tools.sheet import Sheet
from rvos_app.canvas.tools.trimap_layer import TrimapLayer
from rvos_app.canvas.trimap_art import paint_trimap

_OVER_THE_FRAME = (ViewMode.OVERLAY, ViewMode.OUTLINE, ViewMode.ORIGINAL)


def paint_live(
    painter: QPainter, sheet: Sheet | None, trimap: TrimapLayer | None, mode: ViewMode, *, smooth: bool
) -> None:
    """The trimap that is shown, and the mask that is being drawn, in frame pixels.

    Args:
        sheet: of the gesture under way; None: there is none.
        trimap: over a rendered picture it is to be seen during gestures only.
        smooth: pixels are not to be seen as squares.
    """
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
    if trimap is not None and (sheet is not None or mode in _OVER_THE_FRAME):
        paint_trimap(painter, trimap)
    if sheet is None or not sheet.touched or not sheet.draws_mask:
        return
    height, width = sheet.size
    pixels = QImage(sheet.live.data, width, height, width, QImage.Format.Format_Indexed8)
    is_matte = mode is ViewMode.MATTE
    pixels.setColorTable([qRgba(0, 0, 0, 0), qRgba(*((255, 255, 255) if is_matte else sheet.colour), 255)])
    painter.setOpacity(1.0 if is_matte else sheet.opacity)
    offset = QPoint(*sheet.offset)
    inside = pixels.rect().translated(offset) & pixels.rect()
    painter.drawImage(inside, pixels, inside.translated(-offset))
    painter.setOpacity(1.0)
