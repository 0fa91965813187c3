"""The trimap brush: what the hand goes over is labelled inside, outside or unknown, or made automatic again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from rvos_app.canvas.tools.brush import BrushOptions, SweepingTool
from rvos_app.canvas.tools.shapes import capsule
from rvos_app.canvas.tools.sheet import Sheet
from rvos_app.canvas.tools.tool import Outcome, Pointer, Refused, TrimapDrawn, cosmetic_pens
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


class TrimapTool(SweepingTool):
    """One stroke a gesture. Alt and the other end of a pen make any brush the eraser; pressure scales it."""

    name = "trimap"

    def __init__(self, size: BrushOptions, options: TrimapOptions) -> None:
        super().__init__(size)
        self._in_hand = options
        self._label = UNPAINTED

    def _begin(self, at: Pointer) -> None:
        self._label = self._meant(at)

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

    def _meant(self, at: Pointer) -> int:
        return UNPAINTED if at.inverts else self._in_hand.label

    def _sweep(self, start: Pointer, stop: Pointer) -> None:
        self.hover(stop)
        sheet = self._sheet
        if not isinstance(sheet, TrimapSheet):
            return
        radius = self._radius(stop)
        patch = capsule((start.x, start.y), (stop.x, stop.y), radius, size=sheet.size)
        if patch is not None:
            sheet.layer.paint(patch, self._label)
            sheet.touched = True
            rows, columns = patch.pixels.shape
            self._spoil(QRectF(patch.left, patch.top, columns, rows))

    def paint(self, painter: QPainter, scale: float) -> None:
        """The rim, dashed for the eraser; in it the colour that is painted."""
        if self._at is None:
            return
        label = self._meant(self._at) if self._sheet is None else self._label
        centre, radius = QPointF(self._at.x, self._at.y), self._radius(self._at)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in cosmetic_pens(_RIM, dashed=label == UNPAINTED):
            painter.setPen(pen)
            painter.drawEllipse(centre, radius, radius)
        if label != UNPAINTED and radius * scale > 5:
            red, green, blue, _ = COLOURS[len(KINDS) + 2 * KINDS.index(label)]
            painter.setPen(cosmetic_pens(QColor(red, green, blue), width_px=3)[1])
            inner = radius - 3 / scale
            painter.drawEllipse(centre, inner, inner)
