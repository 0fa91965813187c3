"""The trimap brush: what the hand goes over is labelled inside, outside or unknown, or made automatic again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from rvos_app.canvas.tools.brush import BrushOptions, brush_radius
from rvos_app.canvas.tools.shapes import capsule
from rvos_app.canvas.tools.sheet import Sheet
from rvos_app.canvas.tools.tool import Outcome, Pointer, Refused, RestingTool, TrimapDrawn, cosmetic_pens
from rvos_app.canvas.tools.trimap_layer import COLOURS, KINDS, TrimapLayer
from rvos_app.i18n import tr
from rvos_core.masks import TrimapStrokes
from rvos_core.masks.trimap_strokes import UNPAINTED

_RIM = QColor(255, 255, 255)


@dataclass
class TrimapSheet(Sheet):
    """A trimap in place of a mask. `painted`: what was painted when the gesture began."""

    layer: TrimapLayer = field(kw_only=True)
    painted: TrimapStrokes | None = field(kw_only=True)
    draws_mask: ClassVar[bool] = False


@dataclass
class TrimapOptions:
    """What the brush in hand paints: a label of `masks.trimap_strokes`; UNPAINTED: it gives back to the automatic."""

    label: int


class TrimapTool(RestingTool):
    """One stroke a gesture. Alt and the other end of a pen make any brush the eraser; pressure scales it."""

    name = "trimap"

    def __init__(self, size: BrushOptions, options: TrimapOptions) -> None:
        super().__init__()
        self._size = size
        self._options = options
        self._label = UNPAINTED
        self._at: Pointer | None = None

    def press(self, at: Pointer, sheet: Sheet) -> Outcome | None:
        self._sheet = sheet
        self._label = self._meant(at)
        self._sweep(at, at)
        return None

    def move(self, at: Pointer) -> None:
        self._sweep(self._at or at, at)

    def release(self, at: Pointer) -> Outcome | None:
        self._sweep(self._at or at, at)
        return self.finish()

    def finish(self) -> Outcome | None:
        sheet, self._sheet = self._sheet, None
        if not isinstance(sheet, TrimapSheet):
            return None
        if not sheet.touched:
            return Refused(tr("That is outside the picture."))
        return TrimapDrawn(sheet.layer, sheet.painted, self._label)

    def cancel(self) -> None:
        sheet, self._sheet = self._sheet, None
        if isinstance(sheet, TrimapSheet) and sheet.touched:
            sheet.layer.show(sheet.painted)
            height, width = sheet.size
            self._spoil(QRectF(0, 0, width, height))

    def hover(self, at: Pointer | None) -> None:
        self._spoil(self._rim(self._at))
        self._at = at
        self._spoil(self._rim(at))

    def _meant(self, at: Pointer) -> int:
        return UNPAINTED if at.inverts else self._options.label

    def _sweep(self, start: Pointer, stop: Pointer) -> None:
        self.hover(stop)
        sheet = self._sheet
        if not isinstance(sheet, TrimapSheet):
            return
        radius = brush_radius(self._size, stop)
        patch = capsule((start.x, start.y), (stop.x, stop.y), radius, size=sheet.size)
        if patch is not None:
            sheet.layer.paint(patch, self._label)
            sheet.touched = True
            rows, columns = patch.pixels.shape
            self._spoil(QRectF(patch.left, patch.top, columns, rows))

    def _rim(self, at: Pointer | None) -> QRectF:
        if at is None:
            return QRectF()
        radius = brush_radius(self._size, at)
        return QRectF(at.x - radius, at.y - radius, 2 * radius, 2 * radius)

    def paint(self, painter: QPainter, scale: float) -> None:
        """The rim, dashed for the eraser; in it the colour that is painted."""
        if self._at is None:
            return
        label = self._meant(self._at) if self._sheet is None else self._label
        centre, radius = QPointF(self._at.x, self._at.y), brush_radius(self._size, self._at)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in cosmetic_pens(_RIM, dashed=label == UNPAINTED):
            painter.setPen(pen)
            painter.drawEllipse(centre, radius, radius)
        if label != UNPAINTED and radius * scale > 5:
            red, green, blue, _ = COLOURS[len(KINDS) + 2 * KINDS.index(label)]
            painter.setPen(cosmetic_pens(QColor(red, green, blue), width_px=3)[1])
            inner = radius - 3 / scale
            painter.drawEllipse(centre, inner, inner)
