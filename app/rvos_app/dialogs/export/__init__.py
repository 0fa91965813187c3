"""The export dialog: what can be made on the left, a live preview on the right, what it comes to at the foot."""

from rvos_app.dialogs.export.dialog import ExportDialog

__all__ = ["ExportDialog"]
