"""Polygon and lasso: a closed line whose inside is added to the mask, or with Alt taken off it.

Where the line crosses itself, all that it goes round is inside (the non-zero rule): a loop drawn twice has no holes.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF

from rvos_app.canvas.tools.shapes import Point, polygon
from rvos_app.canvas.tools.sheet import Sheet
from rvos_app.canvas.tools.tool import Drawn, Outcome, Pointer, Refused, RestingTool, cosmetic_pens
from rvos_app.i18n import tr

_CLOSING_PX = 9.0  # of the screen: a click this near to the first corner closes
_CORNER_PX = 3.0
_WHITE = QColor(255, 255, 255)


class _OutlineTool(RestingTool):
    """What polygon and lasso share: corners, and what becomes of them."""

    history = ""

    def __init__(self) -> None:
        super().__init__()
        self._corners: list[Point] = []
        self._adds = True

    def finish(self) -> Outcome | None:
        """Close the line."""
        sheet, corners, adds = self._sheet, self._corners, self._adds
        self.cancel()
        if sheet is None:
            return None
        patch = polygon(corners, size=sheet.size)
        if patch is None:
            outside = all(not sheet.contains(*corner) for corner in corners)
            return Refused(
                tr("That is outside the picture.")
                if outside
                else tr("That line has nothing inside: it needs three corners that are not in one line.")
            )
        sheet.apply(patch, adds=adds)
        return Drawn(sheet, self.history if adds else f"{self.history} cut")

    def cancel(self) -> None:
        self._spoil(self._area())
        self._sheet, self._corners = None, []

    def _begin(self, at: Pointer, sheet: Sheet) -> None:
        self._sheet, self._adds, self._corners = sheet, not at.inverts, [(at.x, at.y)]
        self._spoil(self._area())

    def _area(self) -> QRectF:
        return QPolygonF([QPointF(x, y) for x, y in self._corners]).boundingRect().adjusted(-1, -1, 1, 1)

    def _paint_line(self, painter: QPainter, points: list[Point]) -> None:
        line = QPolygonF([QPointF(x, y) for x, y in points])
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in cosmetic_pens(_WHITE, dashed=not self._adds):
            painter.setPen(pen)
            painter.drawPolyline(line)

    def _paint_closing(self, painter: QPainter, last: Point) -> None:
        """The line that closing would add."""
        painter.setPen(cosmetic_pens(_WHITE, dashed=True, width_px=0.8)[1])
        painter.drawLine(QLineF(QPointF(*last), QPointF(*self._corners[0])))


class LassoTool(_OutlineTool):
    """Drawn in one drag; letting go closes it."""

    name, history = "lasso", "Lasso"

    def press(self, at: Pointer, sheet: Sheet) -> Outcome | None:
        self._begin(at, sheet)
        return None

    def move(self, at: Pointer) -> None:
        last, first, here = QPointF(*self._corners[-1]), QPointF(*self._corners[0]), QPointF(at.x, at.y)
        self._spoil(QPolygonF([last, first, here]).boundingRect().adjusted(-1, -1, 1, 1))
        if here != last:
            self._corners.append((at.x, at.y))

    def release(self, at: Pointer) -> Outcome | None:
        if self._sheet is not None:
            self.move(at)
        return self.finish()

    def paint(self, painter: QPainter, scale: float) -> None:
        if self._sheet is None:
            return
        self._paint_line(painter, self._corners)
        self._paint_closing(painter, self._corners[-1])


class PolygonTool(_OutlineTool):
    """Corner by corner. Enter, a double click or a click on the first corner closes it; Backspace takes one back."""

    name, history = "polygon", "Polygon"
    _CLOSE = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
    _BACK = (Qt.Key.Key_Backspace, Qt.Key.Key_Delete, Qt.Key.Key_Z)

    def __init__(self) -> None:
        super().__init__()
        self._hand: Point = (0.0, 0.0)

    def press(self, at: Pointer, sheet: Sheet) -> Outcome | None:
        self._hand = (at.x, at.y)
        if self._sheet is None:
            self._begin(at, sheet)
            return None
        if len(self._corners) > 2 and self._is_near_first(at):
            return self.finish()
        if (at.x, at.y) != self._corners[-1]:
            self._corners.append((at.x, at.y))
        self._spoil(self._area())
        return None

    def double_press(self, at: Pointer, sheet: Sheet) -> Outcome | None:
        done = self.press(at, sheet)
        return done if done is not None or len(self._corners) < 3 else self.finish()

    def release(self, at: Pointer) -> Outcome | None:
        return None

    def move(self, at: Pointer) -> None:
        self.hover(at)

    def hover(self, at: Pointer | None) -> None:
        if at is not None and self._sheet is not None:
            self._spoil(self._area())
            self._hand = (at.x, at.y)
            self._spoil(self._area())

    def wants(self, key: Qt.Key) -> bool:
        return self._sheet is not None and (key == Qt.Key.Key_Escape or key in self._CLOSE or key in self._BACK)

    def key(self, key: Qt.Key) -> Outcome | None:
        if key in self._CLOSE:
            return self.finish()
        if key in self._BACK and len(self._corners) > 1:
            self._spoil(self._area())
            self._corners.pop()
        else:
            self.cancel()
        return None

    def _is_near_first(self, at: Pointer) -> bool:
        x, y = self._corners[0]
        return math.hypot(at.x - x, at.y - y) * at.scale <= _CLOSING_PX

    def _area(self) -> QRectF:
        if not self._corners:
            return QRectF()
        points = [*self._corners, self._hand]
        return QPolygonF([QPointF(x, y) for x, y in points]).boundingRect().adjusted(-1, -1, 1, 1)

    def paint(self, painter: QPainter, scale: float) -> None:
        if self._sheet is None:
            return
        self._paint_line(painter, [*self._corners, self._hand])
        self._paint_closing(painter, self._hand)
        painter.setPen(cosmetic_pens(QColor(0, 0, 0), width_px=1)[1])
        painter.setBrush(QColor(*self._sheet.colour))
        for number, (x, y) in enumerate(self._corners):
            reach = (_CORNER_PX + 2 * (number == 0)) / scale
            painter.drawRect(QRectF(x - reach, y - reach, 2 * reach, 2 * reach))
