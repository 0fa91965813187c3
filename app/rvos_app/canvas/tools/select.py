"""Select and pan: a click picks the object under it, a drag moves the picture."""

from __future__ import annotations

from PySide6.QtCore import Qt

from rvos_app.canvas.tools.tool import RestingTool


class SelectTool(RestingTool):
    """Changes nothing."""

    name = "select"
    cursor = Qt.CursorShape.ArrowCursor
    grabs = True
