"""Annotations of data sets and other programs into the open project: the dialog, its jobs, and files that are dropped.

A part of the composition root.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow

from rvos_app.controllers.clip import ClipController
from rvos_app.controllers.document import DocumentController
from rvos_app.errors import ErrorReport, describe
from rvos_app.i18n import tr
from rvos_app.jobs import project_work as work
from rvos_app.jobs.import_jobs import (
    ApplyImport,
    DrawImport,
    ImportApplied,
    ImportPicture,
    ImportProgress,
    ImportSource,
    PlanImport,
    ReadAnnotations,
)
from rvos_app.jobs.job import Job, Ticket
from rvos_app.jobs.queue import JobQueue
from rvos_app.state import StudioState
from rvos_core.errors import UserError
from rvos_core.media import MEDIA_SUFFIXES

if TYPE_CHECKING:
    from rvos_core.formats.project_import import ClipPlan, Goal, ImportPlan

_FILES = frozenset({".json", ".xml", ".csv", ".txt", ".yaml", ".yml"})
_LOOKED_AT = 200  # entries of a folder that is dropped


class Importing(QObject):
    """Does one thing at a time, and draws pictures beside it; of those only the last one asked for counts.

    Signals:
        progressed(int, int): pieces done, of all.
        read(ImportSource), planned(ImportPlan), applied(ImportApplied): what a piece of work came to.
        failed(ErrorReport), cancelled(): how it ended else; nothing has changed.
        drawn(ImportPicture), not_drawn(ErrorReport): of the picture asked for last.
    """

    progressed = Signal(int, int)
    read = Signal(object)
    planned = Signal(object)
    applied = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    drawn = Signal(object)
    not_drawn = Signal(object)

    def __init__(
        self, state: StudioState, *, queue: JobQueue, clips: ClipController, documents: DocumentController
    ) -> None:
        super().__init__()
        self._state = state
        self._queue = queue
        self._clips = clips
        self._documents = documents
        self._ticket: Ticket | None = None
        self._drawing: Ticket | None = None
        queue.progressed.connect(self._on_progressed)
        queue.finished.connect(self._on_finished)
        queue.failed.connect(self._on_failed)
        queue.cancelled.connect(self._on_cancelled)

    # -- the dialog --------------------------------------------------------------------------------------------------

    def ask(self, window: QMainWindow, path: Path | None = None) -> None:
        """Open the dialog, and read `path` in it where one is given."""
        from rvos_app.dialogs.importing import ImportDialog

        dialog = ImportDialog(self._state, importing=self, parent=window)
        dialog.imported.connect(window.statusBar().showMessage)
        dialog.open()
        if path is not None:
            dialog.take(path)

    def took(self, path: Path, window: QMainWindow) -> bool:
        """Whether a file or folder that was dropped onto the open clip is annotations; then the dialog shows them."""
        if self._state.clip is None or not _is_annotations(path):
            return False
        command = window.findChild(QAction, "file.import")
        if command is not None and command.isEnabled():
            self.ask(window, path)
        else:
            said = tr("Annotations can be imported when nothing runs and the project may be changed.")
            window.statusBar().showMessage(said, 8000)
        return True

    # -- what it asks for --------------------------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        return self._ticket is not None

    def read_from(self, path: Path, format_id: str, split: str = "", clip: str = "") -> None:
        """Read a source. Empty: the format is to be found out, all splits or the first, the clip called as the open
        one."""
        open_clip = self._state.clip
        if open_clip is not None:
            own = open_clip.path.name if open_clip.path.is_dir() else open_clip.path.stem
            size = (open_clip.width, open_clip.height)
            self._begin(ReadAnnotations(path, format_id, size, own, split, clip))

    def plan(self, source: ImportSource, name: str, shift: int = 0) -> None:
        """Work out what becomes of a clip of the source that was read, with its frames shifted."""
        document, path, clip = self._documents.document, self._documents.path, source.clip(name)
        if document is None or path is None or clip is None:
            self._refuse()
        else:
            self._begin(PlanImport(source, clip, document, path, self._state.media_id, shift))

    def draw(
        self, plan: ClipPlan, object_id: int, frame: int, *, colour: tuple[int, int, int], room: tuple[int, int]
    ) -> None:
        """Draw an object of the source on a frame; a picture that was asked for before is given up."""
        if self._drawing is not None:
            self._queue.cancel(self._drawing)
            self._drawing = None
        if self._clips.reader is not None:
            job = DrawImport(self._clips.reader, plan, object_id, frame, colour, room)
            self._drawing = self._queue.submit(job, generation=self._state.generation)

    def apply(self, source: ImportSource, plan: ImportPlan, goals: Mapping[tuple[str, int], Goal]) -> None:
        """Do what was planned, with these goals, as one entry of the history."""
        document = self._documents.document
        if document is None:
            self._refuse()
        else:
            self._begin(ApplyImport(source, plan, goals, document, self._state.media_id))

    def cancel(self) -> None:
        """Stop; nothing has changed."""
        if self._ticket is not None:
            self._queue.cancel(self._ticket)

    def _begin(self, job: Job) -> None:
        former, self._ticket = self._ticket, self._queue.submit(job, generation=self._state.generation)
        if former is not None:
            self._queue.cancel(former)

    def _refuse(self) -> None:
        try:
            self._documents.require_writable()
        except UserError as error:
            self.failed.emit(describe(error))

    # -- what comes back ---------------------------------------------------------------------------------------------

    @Slot(object, object)
    def _on_progressed(self, ticket: Ticket, event: object) -> None:
        if ticket == self._ticket and isinstance(event, ImportProgress):
            self.progressed.emit(event.done, event.total)

    @Slot(object, object)
    def _on_finished(self, ticket: Ticket, result: object) -> None:
        if ticket == self._drawing and isinstance(result, ImportPicture):
            self._drawing = None
            self.drawn.emit(result)
            return
        if ticket != self._ticket:
            return
        self._ticket = None
        if isinstance(result, ImportSource):
            self.read.emit(result)
        elif isinstance(result, ImportApplied):
            if ticket.generation == self._state.generation:
                self._documents.do(work.only_ask, partial(self._show, result))
            self.applied.emit(result)
        else:
            self.planned.emit(result)

    def _show(self, result: ImportApplied, _asked: None) -> None:
        """By now masks can be read from the project, which may have been made for this import."""
        self._documents.show_view(result.view)
        targets = [each.target.object_id for clip in result.plan.clips for each in clip.objects]
        if targets and self._state.object(targets[0]) is not None:
            self._state.select(targets[0])

    @Slot(object, object)
    def _on_failed(self, ticket: Ticket, report: ErrorReport) -> None:
        if ticket == self._drawing:
            self._drawing = None
            self.not_drawn.emit(report)
        elif ticket == self._ticket:
            self._ticket = None
            self.failed.emit(_in_the_window(report))

    @Slot(object)
    def _on_cancelled(self, ticket: Ticket) -> None:
        if ticket == self._ticket:
            self._ticket = None
            self.cancelled.emit()


def _in_the_window(report: ErrorReport) -> ErrorReport:
    """Where the remedy speaks of the command line: what to do here."""
    hints = {
        "formats.unknown": tr("Choose its format in the list, or another file or folder."),
        "formats.missing": tr("Choose the file or folder again."),
    }
    return replace(report, hint=hints.get(report.code, report.hint.replace("--format", tr("format"))))


def _is_annotations(path: Path) -> bool:
    """A file by its suffix; a folder that has no pictures or video in it itself, else it is taken for a clip."""
    if not path.is_dir():
        return path.suffix.lower() in _FILES
    with suppress(OSError):
        return not any(each.suffix.lower() in MEDIA_SUFFIXES for each in islice(path.iterdir(), _LOOKED_AT))
    return False
