"""After a crash: every project that was left open is looked at, and the person says what is to be done with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog, QMainWindow

from rvos_app.dialogs.recovery import Decision, RecoveryDialog
from rvos_app.errors import ErrorReporter
from rvos_app.i18n import tr
from rvos_app.jobs.job import Ticket
from rvos_app.jobs.project_jobs import ExamineProject
from rvos_app.jobs.queue import JobQueue
from rvos_core.errors import UserError
from rvos_core.project.library import LeftOpen, Library
from rvos_core.project.recovery import Examination, save_for_support


class Recovery(QObject):
    """Asks about one project after the other. `open_project` opens the one that the person takes."""

    def __init__(
        self,
        library: Library,
        *,
        queue: JobQueue,
        reporter: ErrorReporter,
        window: QMainWindow,
        open_project: Callable[..., object],
    ) -> None:
        super().__init__()
        self._library = library
        self._queue = queue
        self._reporter = reporter
        self._window = window
        self._open = open_project
        self._to_recover: list[LeftOpen] = []
        self._examining: tuple[Ticket, LeftOpen] | None = None
        self.dialog: RecoveryDialog | QFileDialog | None = None
        queue.finished.connect(self._on_finished)

    def begin(self) -> None:
        """Ask about every project that was left open, one after another."""
        self._library.sweep()
        found = self._library.left_open()
        self._to_recover = [each for each in found if not each.quarantined]
        for each in found:
            if each.quarantined:
                self._window.statusBar().showMessage(
                    tr(
                        "{name} could not be recovered twice and was left alone; try “rvos project recover”.",
                        name=each.path.name,
                    )
                )
        self._ask_about_next()

    def _ask_about_next(self) -> None:
        if self._to_recover:
            entry = self._to_recover.pop(0)
            self._library.begin_try(entry)
            self._examining = (self._queue.submit(ExamineProject(entry.path)), entry)

    @Slot(object, object)
    def _on_finished(self, ticket: Ticket, found: object) -> None:
        if self._examining is None or self._examining[0] != ticket or not isinstance(found, Examination):
            return
        entry, self._examining = self._examining[1], None
        dialog = RecoveryDialog(entry, found, picture=self._library.thumbnail(entry.path), parent=self._window)
        dialog.decided.connect(partial(self._on_decided, entry))
        self.dialog = dialog
        dialog.open()

    def _on_decided(self, entry: LeftOpen, decision: Decision) -> None:
        if decision in (Decision.OPEN, Decision.SNAPSHOT):
            self._open(entry.path, snapshot=decision is Decision.SNAPSHOT)
            return
        if decision is Decision.SUPPORT:
            self._ask_for_support_copy(entry)
            return
        if decision is Decision.DISCARD:
            try:
                where = self._library.discard(entry.path)
                self._window.statusBar().showMessage(tr("Moved to {path}; it stays for 30 days.", path=where), 12000)
            except UserError as error:
                self._reporter.report_error(error)
        self._library.mark_closed(entry.path)
        self._ask_about_next()

    def _ask_for_support_copy(self, entry: LeftOpen) -> None:
        dialog = QFileDialog(self._window, tr("Copy for Support"), str(Path.home() / f"{entry.path.stem}.zip"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("zip")
        dialog.fileSelected.connect(partial(self._write_support_copy, entry))
        self.dialog = dialog
        dialog.open()

    def _write_support_copy(self, entry: LeftOpen, path: str) -> None:
        try:
            save_for_support(entry.path, Path(path))
        except UserError as error:
            self._reporter.report_error(error)
        self._to_recover.insert(0, entry)
        self._ask_about_next()
