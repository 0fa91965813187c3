"""A backup of the open project every quarter of an hour, where something has changed since the last one."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Slot

from rvos_app.controllers.document import DocumentController
from rvos_app.jobs import project_work as work

_EVERY_MS = 15 * 60 * 1000


class Backups(QObject):
    """Looks at the document by a timer of its own; `tick` is what the timer calls."""

    def __init__(self, documents: DocumentController) -> None:
        super().__init__(documents)
        self._documents = documents
        self._last: tuple[Path, int] | None = None  # project and its latest entry at the last backup
        timer = QTimer(self)
        timer.setInterval(_EVERY_MS)
        timer.timeout.connect(self.tick)
        timer.start()

    @Slot()
    def tick(self) -> None:
        """Write a backup, unless nothing was done since the last one."""
        standing = self._documents.standing
        if standing is None or not standing.edits or self._documents.document is None:
            return
        now = (standing.path, standing.edits[-1].edit_id)
        if now != self._last:
            self._last = now
            self._documents.do(work.back_up, _done)


def _done(_result: object) -> None:
    """A backup that was written needs no word."""
