"""Brush and eraser: what the hand goes over is added to the mask, or taken off it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from rvos_app.canvas.tools.shapes import Patch, alike, capsule
from rvos_app.canvas.tools.sheet import Sheet
from rvos_app.canvas.tools.tool import Drawn, Outcome, Pointer, Refused, RestingTool, cosmetic_pens
from rvos_app.i18n import tr

LARGEST_PX = 1000
_LIGHTEST = 0.15  # of the size, under a pen that hardly touches
_SPACING = 0.35  # of the radius, between the dabs of a soft stroke
_RIM = QColor(255, 255, 255)


@dataclass
class BrushOptions:
    """What brush and eraser share.

    A mask is binary, so a soft brush is not half transparent: hardness says how much of it paints whatever lies there.
    Its core, that share of the radius, is taken whole; from there to the rim only pixels are taken whose colour is
    like what lies under the core. So a soft brush led along an edge stops at the edge.

    Attributes:
        size: diameter in frame pixels.
        hardness: 0..1.
    """

    size: float = 40.0
    hardness: float = 1.0

    def resized(self, size: float) -> float:
        """Take another size, within 1 and `LARGEST_PX`. Returns: the size."""
        self.size = min(max(size, 1.0), float(LARGEST_PX))
        return self.size


class SweepingTool(RestingTool, ABC):
    """A round tool that leaves something wherever the hand leads it; what that is, its kinds say."""

    def __init__(self, options: BrushOptions) -> None:
        super().__init__()
        self._options = options
        self._at: Pointer | None = None

    @abstractmethod
    def _begin(self, at: Pointer) -> None:
        """A gesture begins."""

    @abstractmethod
    def _sweep(self, start: Pointer, stop: Pointer) -> None:
        """The hand went from `start` to `stop`."""

    def press(self, at: Pointer, sheet: Sheet) -> Outcome | None:
        self._sheet = sheet
        self._begin(at)
        self._sweep(at, at)
        return None

    def move(self, at: Pointer) -> None:
        self._sweep(self._at or at, at)

    def release(self, at: Pointer) -> Outcome | None:
        self._sweep(self._at or at, at)
        return self.finish()

    def hover(self, at: Pointer | None) -> None:
        self._spoil(self._rim(self._at))
        self._at = at
        self._spoil(self._rim(at))

    def _radius(self, at: Pointer) -> float:
        """In frame pixels: a pen that presses less makes it smaller."""
        return self._options.size / 2 * (_LIGHTEST + (1 - _LIGHTEST) * at.pressure)

    def _rim(self, at: Pointer | None) -> QRectF:
        if at is None:
            return QRectF()
        radius = self._radius(at)
        return QRectF(at.x - radius, at.y - radius, 2 * radius, 2 * radius)


class BrushTool(SweepingTool):
    """Brush, or with `erases` the eraser. Alt and the other end of a pen make one the other; pressure scales it."""

    def __init__(self, options: BrushOptions, *, erases: bool = False) -> None:
        super().__init__(options)
        self.name = "eraser" if erases else "brush"
        self._erases = erases
        self._adds = True
        self._painted = QRectF()  # by the gesture under way

    def _begin(self, at: Pointer) -> None:
        self._adds = self._erases == at.inverts

    def finish(self) -> Outcome | None:
        sheet = self._sheet
        self._put_down()
        if sheet is None:
            return None
        if not sheet.touched:
            return Refused(tr("That is outside the picture."))
        return Drawn(sheet, "Brush" if self._adds else "Eraser")

    def cancel(self) -> None:
        self._put_down()

    def _put_down(self) -> None:
        """The gesture is over: what it has painted is painted anew, whatever comes of it."""
        self._spoil(self._painted)
        self._sheet, self._painted = None, QRectF()

    def _sweep(self, start: Pointer, stop: Pointer) -> None:
        self.hover(stop)
        if self._sheet is None:
            return
        for patch in self._patches(self._sheet, start, stop):
            self._sheet.apply(patch, adds=self._adds)
            rows, columns = patch.pixels.shape
            area = QRectF(patch.left, patch.top, columns, rows)
            self._painted = self._painted.united(area)
            self._spoil(area)

    def _patches(self, sheet: Sheet, start: Pointer, stop: Pointer) -> list[Patch]:
        radius, hardness = self._radius(stop), self._options.hardness
        if hardness >= 1 or radius < 2:
            found = [capsule((start.x, start.y), (stop.x, stop.y), radius, size=sheet.size)]
        else:
            steps = max(1, math.ceil(math.hypot(stop.x - start.x, stop.y - start.y) / (radius * _SPACING)))
            found = []
            for step in range(1, steps + 1):
                share = step / steps
                centre = start.x + (stop.x - start.x) * share, start.y + (stop.y - start.y) * share
                found.append(alike(sheet.picture, centre, radius, hardness))
        return [patch for patch in found if patch is not None]

    def paint(self, painter: QPainter, scale: float) -> None:
        """The rim, and where it is soft, the core."""
        if self._at is None:
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        centre, radius = QPointF(self._at.x, self._at.y), self._radius(self._at)
        removes = self._erases != self._at.inverts if self._sheet is None else not self._adds
        for pen in cosmetic_pens(_RIM, dashed=removes):
            painter.setPen(pen)
            painter.drawEllipse(centre, radius, radius)
        if self._options.hardness < 1 and radius * scale > 6:
            fine = cosmetic_pens(_RIM, width_px=0.6)[1]
            painter.setPen(fine)
            core = radius * self._options.hardness
            painter.drawEllipse(centre, core, core)
