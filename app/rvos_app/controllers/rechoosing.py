"""Another candidate for the selected object: shown after a run and after a correction, taken with one click.

Nothing is ever taken by itself. What is taken is one entry of the history, and no model runs for it.
"""

from __future__ import annotations

import logging
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from rvos_app.controllers.clip import ClipController
from rvos_app.controllers.document import DocumentController
from rvos_app.errors import ErrorReport, ErrorReporter
from rvos_app.i18n import count, tr
from rvos_app.jobs.job import Ticket
from rvos_app.jobs.project_work import apply_edit
from rvos_app.jobs.query_jobs import LookAtQueries, ProposeQuery, QueriesFound
from rvos_app.jobs.queue import JobQueue
from rvos_app.state import StudioState
from rvos_core.inference.rechoosing import Proposal

_log = logging.getLogger("rvos.jobs")

_LOOK_AFTER_MS = 250


class RechooseController(QObject):
    """Looks what else the selected object could be, and takes it.

    Signals:
        noticed(str): a sentence on what came of it.
    """

    noticed = Signal(str)

    def __init__(
        self,
        state: StudioState,
        *,
        queue: JobQueue,
        clips: ClipController,
        documents: DocumentController,
        reporter: ErrorReporter,
    ) -> None:
        super().__init__()
        self._state = state
        self._queue = queue
        self._clips = clips
        self._documents = documents
        self._reporter = reporter
        self._look: Ticket | None = None
        self._take: tuple[Ticket, int] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_LOOK_AFTER_MS)
        self._timer.timeout.connect(self._look_now)
        queue.finished.connect(self._on_finished)
        queue.failed.connect(self._on_failed)
        queue.cancelled.connect(self._on_cancelled)
        documents.changed.connect(self._look_soon)
        state.selection_changed.connect(self._look_soon, max_args=0)
        state.run_changed.connect(self._look_soon, max_args=0)
        state.frame_changed.connect(self._on_frame, max_args=0)

    # -- what a person does ------------------------------------------------------------------------------------------

    @Slot(int, int, int)
    def take_query(self, object_id: int, frame: int, query: int) -> None:
        """The object is what this query of its run shows on this frame, on all of its unlocked frames."""
        self._propose(object_id, frame, query)

    @Slot(int)
    def use_correction(self, object_id: int) -> None:
        """The object is what its locked frames say."""
        self._propose(object_id, 0, None)

    def _propose(self, object_id: int, frame: int, query: int | None) -> None:
        reader, path = self._clips.reader, self._documents.path
        if reader is None or path is None or self._documents.document is None:
            return
        if self._state.run.object_id == object_id:
            self.noticed.emit(tr("The object's run is at work; choose when it is done."))
            return
        if self._take is not None:
            self._queue.cancel(self._take[0])
        job = ProposeQuery(path, object_id, frame, query, reader)
        self._take = self._queue.submit(job, generation=self._state.generation), object_id

    # -- looking -----------------------------------------------------------------------------------------------------

    @Slot()
    def _look_soon(self) -> None:
        self._timer.start()

    def _on_frame(self) -> None:
        """The strip follows the playhead where it shows queries."""
        selected = self._state.selected
        if selected is not None and any(each.kind == "query" for each in self._state.candidates(selected)):
            self._timer.start()

    @Slot()
    def _look_now(self) -> None:
        object_id, reader, path = self._state.selected, self._clips.reader, self._documents.path
        if object_id is None or reader is None or self._documents.document is None or path is None:
            return
        if not path.exists() or self._state.run.object_id == object_id:
            return
        if self._look is not None:
            self._queue.cancel(self._look)
        job = LookAtQueries(path, object_id, self._state.frame_index, reader)
        self._look = self._queue.submit(job, generation=self._state.generation)

    # -- what the queue tells ----------------------------------------------------------------------------------------

    @Slot(object, object)
    def _on_finished(self, ticket: Ticket, result: object) -> None:
        if ticket == self._look and isinstance(result, QueriesFound):
            self._look = None
            if ticket.generation == self._state.generation:
                self._show(result)
        elif self._take is not None and ticket == self._take[0] and isinstance(result, Proposal):
            object_id, self._take = self._take[1], None
            if ticket.generation == self._state.generation:
                self._apply(object_id, result)

    def _show(self, found: QueriesFound) -> None:
        """Queries replace queries; what moves (another engine found it) stays."""
        known = self._state.candidates(found.object_id)
        if found.pictures or any(each.kind == "query" for each in known):
            self._state.put_candidates(found.object_id, found.pictures, fits_another=found.fits_another)

    def _apply(self, object_id: int, proposal: Proposal) -> None:
        if not proposal.agrees:
            self.noticed.emit(tr("No candidate of the run fits your correction; nothing was changed."))
            self._timer.start()
        elif not proposal.changes:
            self.noticed.emit(tr("These frames show that candidate already."))
            self._timer.start()
        else:
            task = partial(apply_edit, edit=proposal.edit, merge="")
            self._documents.do(task, lambda _: self._on_applied(object_id, proposal))

    def _on_applied(self, object_id: int, proposal: Proposal) -> None:
        self._documents.show_kept(object_id, proposal.run.span)
        frames = count(len(proposal.changes), "frame", "frames")
        self.noticed.emit(tr("Another candidate was taken on {frames}; Undo brings the former back.", frames=frames))

    @Slot(object, object)
    def _on_failed(self, ticket: Ticket, report: ErrorReport) -> None:
        if ticket == self._look:
            self._look = None
            _log.warning("no candidates: %s", report.message)
        elif self._take is not None and ticket == self._take[0]:
            self._take = None
            self._reporter.report(report)

    @Slot(object)
    def _on_cancelled(self, ticket: Ticket) -> None:
        if ticket == self._look:
            self._look = None
        elif self._take is not None and ticket == self._take[0]:
            self._take = None
