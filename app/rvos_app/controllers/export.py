"""Exports: orders wait in a line, are carried out one after another, and survive the end of the program."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from rvos_app.controllers.clip import ClipController
from rvos_app.controllers.document import DocumentController
from rvos_app.errors import ErrorReport
from rvos_app.i18n import tr
from rvos_app.jobs.job import Ticket
from rvos_app.jobs.order_jobs import ForgetUnfinished, FulfilOrder, OrderPlanned, OrderProgress, OrderReadBack
from rvos_app.jobs.project_work import Standing
from rvos_app.jobs.queue import JobQueue
from rvos_app.state import StudioState
from rvos_core.media import MediaReader
from rvos_core.orders import Entry, Fulfilled, Order, OrderBook, State

_KEEP_EVERY_S = 5.0


@dataclass
class _Work:
    """An order that is in the queue."""

    ticket: Ticket
    job: FulfilOrder
    began_s: float = 0.0  # monotonic; 0: it waits
    began_at: int = 0  # frames that were done already
    read_back: tuple[int, int] | None = None  # frames of the output at work, where that is read back


class ExportController(QObject):
    """The one list of orders behind dialog and panel.

    Signals:
        changed(): an order came or went.
        entry_changed(Entry): one of them stands otherwise.
        finished(Entry), failed(Entry), cancelled(Entry): how one ended.
    """

    changed = Signal()
    entry_changed = Signal(object)
    finished = Signal(object)
    failed = Signal(object)
    cancelled = Signal(object)

    def __init__(
        self,
        state: StudioState,
        *,
        queue: JobQueue,
        clips: ClipController,
        documents: DocumentController,
        book: OrderBook,
    ) -> None:
        super().__init__()
        self._state = state
        self._queue = queue
        self._clips = clips
        self._documents = documents
        self._book = book
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="orders")  # a disk may be slow
        self._kept_s = 0.0
        self._entries: dict[str, Entry] = {}
        self._work: dict[str, _Work] = {}
        self._promised: dict[str, frozenset[Path]] = {}  # outputs of orders whose work has not begun
        self._project = documents.path
        self._closed = False
        queue.started.connect(self._on_started)
        queue.progressed.connect(self._on_progressed)
        queue.finished.connect(self._on_finished)
        queue.failed.connect(self._on_failed)
        queue.cancelled.connect(self._on_cancelled)
        documents.changed.connect(self._on_document)

    # -- the list ----------------------------------------------------------------------------------------------------

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All orders, oldest first."""
        return tuple(self._entries.values())

    @property
    def unfinished(self) -> tuple[Entry, ...]:
        """Orders with something left to do that nothing is done about."""
        return tuple(each for each in self._entries.values() if each.state is State.PAUSED)

    @property
    def active(self) -> bool:
        """Whether an order is at work or waits for it."""
        return any(each.state in (State.WAITING, State.RUNNING) for each in self._entries.values())

    def awaited(self, outputs: Iterable[Path]) -> list[Path]:
        """Those of `outputs` that an order makes which is not finished yet."""
        made: set[Path] = set()
        for order_id, entry in self._entries.items():
            if entry.state.is_open:
                made |= self._promised.get(order_id, frozenset()) | set(entry.outputs)
        return [path for path in outputs if path in made]

    def seconds_left(self, order_id: str) -> float | None:
        """How long an order at work will take yet; None: it cannot be told."""
        entry, work = self._entries.get(order_id), self._work.get(order_id)
        if entry is None or work is None or not work.began_s or entry.state is not State.RUNNING:
            return None
        done = entry.done - work.began_at
        return (time.monotonic() - work.began_s) / done * (entry.total - entry.done) if done > 0 else None

    def read_back(self, order_id: str) -> tuple[int, int] | None:
        """Frames that are read back and how many there are, while an output is; else None."""
        work = self._work.get(order_id)
        return None if work is None else work.read_back

    def open_book(self) -> None:
        """Take in what earlier programs left; nothing of it is begun."""
        for entry in self._book.open():
            self._entries[entry.order.order_id] = entry
        if self._entries:
            self.changed.emit()

    # -- what a person does ------------------------------------------------------------------------------------------

    def start(self, order: Order, outputs: Sequence[Path] = ()) -> None:
        """Put an order at the end of the line; what was drawn just before comes along.

        Args:
            outputs: what it makes, where that is known already.
        """
        self._entries[order.order_id] = Entry(order)
        self._promised[order.order_id] = frozenset(outputs)
        self._keep(order.order_id)
        self.changed.emit()
        if self._documents.document is not None and self._documents.path == order.project:
            self._documents.do(_nothing, lambda _none: self._submit(order.order_id))
        else:
            self._submit(order.order_id)

    def pause(self, order_id: str) -> None:
        """Hold an order at its next frame (those behind it wait, too), or take a waiting one out of the line."""
        entry, work = self._entries.get(order_id), self._work.get(order_id)
        if entry is None or not entry.state.is_open:
            return
        if work is not None and work.began_s:
            self._queue.pause(work.ticket)
        elif work is not None:
            del self._work[order_id]  # first, as the queue tells at once that it was taken out
            self._queue.cancel(work.ticket)
        self._set(order_id, state=State.PAUSED)

    def resume(self, order_id: str) -> None:
        """Let a paused order go on, or try one again that failed or was cancelled."""
        entry, work = self._entries.get(order_id), self._work.get(order_id)
        if entry is None or entry.state in (State.WAITING, State.RUNNING, State.DONE):
            return
        if work is None:
            self._set(order_id, state=State.WAITING, problem="", hint="", findings=())
            self._submit(order_id)
            return
        work.began_s, work.began_at = time.monotonic(), entry.done
        self._set(order_id, state=State.RUNNING)
        self._queue.resume(work.ticket)

    def cancel(self, order_id: str) -> None:
        """Stop an order; nothing of its unfinished part stays."""
        entry, work = self._entries.get(order_id), self._work.get(order_id)
        if entry is None or not entry.state.is_open:
            return
        if work is not None:
            work.job.give_up.cancel()
            self._queue.cancel(work.ticket)
            return
        self._forget_work(entry)
        self._end(order_id, State.CANCELLED)
        self.cancelled.emit(self._entries[order_id])

    def remove(self, order_id: str) -> None:
        """Take an order off the list; one at work is cancelled first."""
        entry = self._entries.get(order_id)
        if entry is None:
            return
        if entry.state.is_open:
            self.cancel(order_id)
        elif entry.state is State.FAILED:
            self._forget_work(entry)
        del self._entries[order_id]
        self._promised.pop(order_id, None)
        self._writer.submit(self._book.remove, order_id)
        self.changed.emit()

    def remove_ended(self) -> None:
        """Take all off the list with which nothing is to be done any more."""
        for entry in self.entries:
            if not entry.state.is_open:
                self.remove(entry.order.order_id)

    def close(self) -> None:
        """The program ends: what is at work stays in the book and is offered at the next start."""
        self._closed = True
        self._writer.shutdown()
        self._book.close()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _submit(self, order_id: str) -> None:
        entry = self._entries.get(order_id)
        if entry is None or entry.state is not State.WAITING or order_id in self._work or self._closed:
            return
        job = FulfilOrder(entry.order, self._reader_for(entry.order))
        # The queue's own thread may tell of it before this returns, but its signals come through the event loop.
        self._work[order_id] = _Work(self._queue.submit(job, generation=self._state.generation), job)

    def _reader_for(self, order: Order) -> MediaReader | None:
        """The open clip where it is the order's."""
        is_shown = self._documents.path == order.project and self._state.media_id == order.media_id
        return self._clips.reader if is_shown else None

    def _forget_work(self, entry: Entry) -> None:
        if entry.outputs:
            self._queue.submit(ForgetUnfinished(entry.outputs))

    def _set(self, order_id: str, **fields: Any) -> None:
        self._entries[order_id] = replace(self._entries[order_id], **fields)
        is_progress = not fields.keys() - {"done", "total"}  # that alone is worth a write now and then
        if not is_progress or time.monotonic() - self._kept_s > _KEEP_EVERY_S:
            self._keep(order_id)
        self.entry_changed.emit(self._entries[order_id])

    def _keep(self, order_id: str) -> None:
        if not self._closed:
            self._kept_s = time.monotonic()
            self._writer.submit(self._book.put, self._entries[order_id])

    def _end(self, order_id: str, state: State, **fields: Any) -> None:
        self._work.pop(order_id, None)
        if order_id in self._entries:
            self._set(order_id, state=state, **fields)

    def _on_document(self, _standing: Standing | None) -> None:
        """A project that had no name got one: orders of it follow."""
        former, self._project = self._project, self._documents.path
        if former is None or self._project in (None, former):
            return
        if self._documents.library.is_untitled(former) and not former.exists():
            for order_id, entry in self._entries.items():
                if entry.order.project == former and entry.state.is_open:
                    self._set(order_id, order=replace(entry.order, project=self._project))

    # -- what the queue tells ----------------------------------------------------------------------------------------

    def _of(self, ticket: Ticket) -> str | None:
        if self._closed:
            return None
        return next((order_id for order_id, work in self._work.items() if work.ticket == ticket), None)

    @Slot(object)
    def _on_started(self, ticket: Ticket) -> None:
        order_id = self._of(ticket)
        if order_id is not None:
            self._work[order_id].began_s = time.monotonic()
            self._set(order_id, state=State.RUNNING)

    @Slot(object, object)
    def _on_progressed(self, ticket: Ticket, event: object) -> None:
        order_id = self._of(ticket)
        if order_id is None:
            return
        if isinstance(event, OrderPlanned):
            self._set(order_id, outputs=event.outputs, done=0, total=0)
        elif isinstance(event, OrderProgress):
            work = self._work[order_id]
            if not self._entries[order_id].total:  # what an interrupted export had done comes at once
                work.began_s, work.began_at = time.monotonic(), event.done
            work.read_back = None
            self._set(order_id, done=event.done, total=event.total)
        elif isinstance(event, OrderReadBack):
            self._work[order_id].read_back = (event.done, event.total)
            self.entry_changed.emit(self._entries[order_id])

    @Slot(object, object)
    def _on_finished(self, ticket: Ticket, result: object) -> None:
        order_id = self._of(ticket)
        if order_id is None or not isinstance(result, Fulfilled):
            return
        findings = [*result.findings, *result.notes]
        if result.resumed:
            findings.append(tr("{count} frames were there from before the interruption.", count=result.resumed))
        outputs = (*result.outputs, *result.beside)
        total = self._entries[order_id].total
        self._end(order_id, State.DONE, outputs=outputs, findings=tuple(findings), done=total)
        self.finished.emit(self._entries[order_id])

    @Slot(object, object)
    def _on_failed(self, ticket: Ticket, report: ErrorReport) -> None:
        order_id = self._of(ticket)
        if order_id is not None:
            self._end(order_id, State.FAILED, problem=report.message, hint=report.hint)
            self.failed.emit(self._entries[order_id])

    @Slot(object)
    def _on_cancelled(self, ticket: Ticket) -> None:
        order_id = self._of(ticket)
        if order_id is not None:
            entry = self._entries.get(order_id)
            self._end(order_id, State.CANCELLED)
            if entry is not None:
                self.cancelled.emit(self._entries[order_id])


def _nothing(_project: object) -> None:
    """Work that is done when all before it is."""
