"""Points: a left click says "this belongs to it", a right click or Alt and a left click "this does not"."""

from __future__ import annotations

from rvos_app.canvas.tools.sheet import Sheet
from rvos_app.canvas.tools.tool import Outcome, Pointed, Pointer, Refused, RestingTool
from rvos_app.i18n import tr


class PointsTool(RestingTool):
    """One outcome per click, at the place where the button went down."""

    name = "points"
    uses_right = True

    def __init__(self) -> None:
        super().__init__()
        self._at = Pointer(0, 0)

    def press(self, at: Pointer, sheet: Sheet) -> Outcome | None:
        self._sheet, self._at = sheet, at
        return None

    def finish(self) -> Outcome | None:
        sheet, at = self._sheet, self._at
        self._sheet = None
        if sheet is None:
            return None
        if not sheet.contains(at.x, at.y):
            return Refused(tr("That is outside the picture."))
        return Pointed(sheet, at.pixel, positive=not (at.right or at.inverts))
