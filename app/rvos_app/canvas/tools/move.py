"""Move: the mask follows the hand by whole pixels; what leaves the frame is cut off."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt

from rvos_app.canvas.tools.sheet import Sheet
from rvos_app.canvas.tools.tool import Drawn, Outcome, Pointer, Refused, RestingTool
from rvos_app.i18n import tr
from rvos_core.masks import bbox


class MoveTool(RestingTool):
    """A drag anywhere on the frame moves the mask of the selected object."""

    name = "move"
    cursor = Qt.CursorShape.SizeAllCursor

    def __init__(self) -> None:
        super().__init__()
        self._from = Pointer(0, 0)
        self._box = QRectF()

    def press(self, at: Pointer, sheet: Sheet) -> Outcome | None:
        box = bbox(sheet.before) if sheet.before is not None else None
        if box is None:
            return Refused(tr("There is no mask to move on this frame."))
        self._sheet, self._from = sheet, at
        self._box = QRectF(box[0], box[1], box[2] - box[0], box[3] - box[1])
        return None

    def move(self, at: Pointer) -> None:
        if self._sheet is not None:
            self._spoil(self._box.translated(*self._sheet.offset))
            self._sheet.offset = (round(at.x - self._from.x), round(at.y - self._from.y))
            self._sheet.touched = self._sheet.touched or self._sheet.offset != (0, 0)
            self._spoil(self._box.translated(*self._sheet.offset))

    def release(self, at: Pointer) -> Outcome | None:
        self.move(at)
        return self.finish()

    def finish(self) -> Outcome | None:
        sheet = self._sheet
        self.cancel()
        return None if sheet is None or sheet.offset == (0, 0) else Drawn(sheet, "Move")

    def cancel(self) -> None:
        if self._sheet is not None:
            self._spoil(self._box.translated(*self._sheet.offset).united(self._box))
        self._sheet = None
