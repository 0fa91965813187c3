"""A box round the object, dragged from corner to corner."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from rvos_app.canvas.tools.sheet import Sheet
from rvos_app.canvas.tools.tool import Boxed, Outcome, Pointer, Refused, RestingTool, cosmetic_pens
from rvos_app.i18n import tr

_LEAST_PX = 2


class BoxTool(RestingTool):
    """The box is cut at the frame's edges; one without a size is refused."""

    name = "box"

    def __init__(self) -> None:
        super().__init__()
        self._from, self._to = Pointer(0, 0), Pointer(0, 0)

    def press(self, at: Pointer, sheet: Sheet) -> Outcome | None:
        self._sheet, self._from, self._to = sheet, at, at
        return None

    def move(self, at: Pointer) -> None:
        self._spoil(self._area())
        self._to = at
        self._spoil(self._area())

    def release(self, at: Pointer) -> Outcome | None:
        self.move(at)
        return self.finish()

    def finish(self) -> Outcome | None:
        sheet = self._sheet
        self.cancel()
        if sheet is None:
            return None
        height, width = sheet.size
        area = self._area()
        left, top = max(math.floor(area.left()), 0), max(math.floor(area.top()), 0)
        right, bottom = min(math.ceil(area.right()), width), min(math.ceil(area.bottom()), height)
        if right <= 0 or bottom <= 0 or left >= width or top >= height:
            return Refused(tr("That is outside the picture."))
        if right - left < _LEAST_PX or bottom - top < _LEAST_PX:
            return Refused(tr("That box has no size: drag it from one corner to the other."))
        return Boxed(sheet, (left, top, right, bottom))

    def cancel(self) -> None:
        self._spoil(self._area())
        self._sheet = None

    def paint(self, painter: QPainter, scale: float) -> None:
        if self._sheet is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for pen in cosmetic_pens(QColor(*self._sheet.colour)):
                painter.setPen(pen)
                painter.drawRect(self._area())

    def _area(self) -> QRectF:
        start, stop = self._from, self._to
        return QRectF(start.x, start.y, stop.x - start.x, stop.y - start.y).normalized()
