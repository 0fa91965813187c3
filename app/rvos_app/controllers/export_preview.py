"""What the export dialog shows of an order before it is given: its plan, and a frame of it. Computed in the background.

Both follow what is chosen after a short rest; answers to questions that nobody asks any more are dropped.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from rvos_app.controllers.clip import ClipController
from rvos_app.controllers.document import DocumentController
from rvos_app.errors import ErrorReport
from rvos_app.jobs.job import Job, Ticket
from rvos_app.jobs.order_jobs import PlanOrder, PreviewOrder
from rvos_app.jobs.queue import JobQueue
from rvos_core.orders import Order

_REST_MS = 120
LOOKED_AT_PX = 80  # of the clip, side of the part that is shown at 400 %


class ExportPreview(QObject):
    """Answers one dialog at a time.

    Args:
        plans, previews: queues, so that a plan does not wait for a picture that takes long.

    Signals:
        computing(): a frame is on its way.
        planned(OrderPlan), unplanned(ErrorReport): what the order would do, or why nothing can be said.
        previewed(OrderPreview), unpreviewed(ErrorReport): the same for a frame.
    """

    computing = Signal()
    planned = Signal(object)
    unplanned = Signal(object)
    previewed = Signal(object)
    unpreviewed = Signal(object)

    def __init__(
        self, *, plans: JobQueue, previews: JobQueue, clips: ClipController, documents: DocumentController
    ) -> None:
        super().__init__()
        self._plans = plans
        self._previews = previews
        self._clips = clips
        self._documents = documents
        self._order: Order | None = None
        self._frame = 0
        self._shown: tuple[object, ...] | None = None
        self._plan: Ticket | None = None
        self._preview: Ticket | None = None
        self._waits = False  # for the document
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST_MS)
        self._timer.timeout.connect(self._ask_soon)
        for queue in (plans, previews):
            queue.finished.connect(self._on_finished)
            queue.failed.connect(self._on_failed)

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way."""
        return self._timer.isActive() or self._waits or self._plan is not None or self._preview is not None

    def ask(self, order: Order, *, frame: int) -> None:
        """What would this order do, and how does this frame look?"""
        self._order, self._frame = order, frame
        self._timer.start()

    def stop(self) -> None:
        """Nobody asks any more."""
        self._timer.stop()
        self._order = self._shown = None
        for queue, ticket in ((self._plans, self._plan), (self._previews, self._preview)):
            if ticket is not None:
                queue.cancel(ticket)
        self._plan = self._preview = None

    @Slot()
    def _ask_soon(self) -> None:
        """Once everything that was drawn before is in the project's file."""
        if self._documents.document is not None:
            self._waits = True
            self._documents.do(_nothing, lambda _none: self._ask_now())
        else:
            self._ask_now()

    def _ask_now(self) -> None:
        self._waits = False
        reader, order = self._clips.reader, self._order
        if reader is None or order is None:
            return
        self._plan = _instead_of(self._plans, self._plan, PlanOrder(order, reader))
        looks = (order.kind, order.object_ids, order.specs, order.opacity, self._frame)
        if looks != self._shown:
            self._shown = looks
            job = PreviewOrder(order, reader, self._frame, LOOKED_AT_PX)
            self._preview = _instead_of(self._previews, self._preview, job)
            self.computing.emit()

    @Slot(object, object)
    def _on_finished(self, ticket: Ticket, result: object) -> None:
        if ticket == self._plan:
            self._plan = None
            self.planned.emit(result)
        elif ticket == self._preview:
            self._preview = None
            self.previewed.emit(result)

    @Slot(object, object)
    def _on_failed(self, ticket: Ticket, report: ErrorReport) -> None:
        if ticket == self._plan:
            self._plan = None
            self.unplanned.emit(report)
        elif ticket == self._preview:
            self._preview = None
            self._shown = None
            self.unpreviewed.emit(report)


def _nothing(_project: object) -> None:
    """Work that is done when all before it is."""


def _instead_of(queue: JobQueue, former: Ticket | None, job: Job) -> Ticket:
    if former is not None:
        queue.cancel(former)
    return queue.submit(job)
