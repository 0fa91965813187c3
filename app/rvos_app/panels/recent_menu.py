"""The menu of the latest clips, filled when it opens."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from rvos_app.i18n import tr
from rvos_app.settings import Settings


class RecentMenu(QMenu):
    """Signals: chosen(Path)."""

    chosen = Signal(object)

    def __init__(self, settings: Settings) -> None:
        super().__init__(tr("Open &Recent"))
        self._settings = settings
        self.aboutToShow.connect(self.refill)
        self.triggered.connect(self._on_triggered)
        self.refill()

    def refill(self) -> None:
        """List the clips that are still there."""
        self.clear()
        for text in self._settings.recent_files:
            if Path(text).exists():
                action = self.addAction(Path(text).name.replace("&", "&&"))
                action.setData(text)
                action.setToolTip(text)
        self.setEnabled(not self.isEmpty())

    def _on_triggered(self, action: QAction) -> None:
        self.chosen.emit(Path(action.data()))
