"""A queue of jobs with one long-lived thread. Jobs run one after another; results come back by queued signals."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, QThread, Signal, Slot

from rvos_app.errors import describe
from rvos_app.jobs.job import Job, JobContext, Ticket
from rvos_core.errors import Cancelled

_log = logging.getLogger("rvos.jobs")

_STACK_BYTES = 16 * 1024 * 1024  # secondary threads get 512 KiB on some systems, too little for compute libraries


class _Worker(QObject):
    """Lives in the thread. Takes jobs from the shared line until it is empty, then waits for the next wake-up."""

    started = Signal(object)
    progressed = Signal(object, object)
    finished = Signal(object, object)
    failed = Signal(object, object)
    cancelled = Signal(object)

    def __init__(self, line: _Line) -> None:
        super().__init__()
        self._line = line

    @Slot()
    def work(self) -> None:
        """Run what waits in the line."""
        threading.current_thread().name = self.thread().objectName()  # as the log shows it
        while (taken := self._line.take(self._reporter)) is not None:
            ticket, job, context = taken
            self._run(ticket, job, context)
            self._line.done()

    def _reporter(self, ticket: Ticket, event: object) -> None:
        self.progressed.emit(ticket, event)

    def _run(self, ticket: Ticket, job: Job, context: JobContext) -> None:
        _log.info("job %d starts: %s", ticket.job_id, ticket.title)
        self.started.emit(ticket)
        report = None
        try:
            context.checkpoint()
            result = job.run(context)
        except Cancelled:
            _log.info("job %d cancelled", ticket.job_id)
            self.cancelled.emit(ticket)
            return
        except Exception as error:  # noqa: BLE001  the border: whatever a job raises ends here as text
            report = describe(error)
        if report is not None:
            _log.info("job %d failed: %s", ticket.job_id, report.message)
            self.failed.emit(ticket, report)
            return
        _log.info("job %d done", ticket.job_id)
        self.finished.emit(ticket, result)


class _Line:
    """The jobs that wait and the one that runs; safe over threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Ticket, Job]] = deque()
        self._running: tuple[Ticket, JobContext] | None = None
        self._closed = False

    def put(self, ticket: Ticket, job: Job) -> bool:
        with self._lock:
            if not self._closed:
                self._waiting.append((ticket, job))
            return not self._closed

    def take(self, reporter: Callable[[Ticket, object], None]) -> tuple[Ticket, Job, JobContext] | None:
        with self._lock:
            if not self._waiting or self._closed:
                return None
            ticket, job = self._waiting.popleft()
            context = JobContext(lambda event: reporter(ticket, event))
            self._running = (ticket, context)
            return ticket, job, context

    def done(self) -> None:
        with self._lock:
            self._running = None

    def running(self) -> tuple[Ticket, JobContext] | None:
        with self._lock:
            return self._running

    def drop(self, job_id: int | None = None) -> list[Ticket]:
        """Take waiting jobs (one, or all) out of the line."""
        with self._lock:
            dropped = [t for t, _ in self._waiting if job_id in (None, t.job_id)]
            self._waiting = deque(item for item in self._waiting if item[0] not in dropped)
            return dropped

    def close(self) -> None:
        with self._lock:
            self._closed = True

    def tickets(self) -> list[Ticket]:
        with self._lock:
            running = [self._running[0]] if self._running else []
            return running + [ticket for ticket, _ in self._waiting]


class JobQueue(QObject):
    """Owns the thread and the worker. All its signals arrive on the GUI thread, in order.

    Args:
        name: of the thread, for logs.
    """

    started = Signal(object)  # Ticket
    progressed = Signal(object, object)  # Ticket, what the job reported
    finished = Signal(object, object)  # Ticket, what the job returned
    failed = Signal(object, object)  # Ticket, ErrorReport
    cancelled = Signal(object)  # Ticket
    _wake = Signal()

    _numbers = itertools.count(1)

    def __init__(self, name: str, *, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._line = _Line()
        self._thread = QThread()
        self._thread.setObjectName(name)
        self._thread.setStackSize(_STACK_BYTES)
        self._worker = _Worker(self._line)
        self._worker.moveToThread(self._thread)
        self._worker.started.connect(self.started)
        self._worker.progressed.connect(self.progressed)
        self._worker.finished.connect(self.finished)
        self._worker.failed.connect(self.failed)
        self._worker.cancelled.connect(self.cancelled)
        self._wake.connect(self._worker.work)
        self._thread.start()

    def submit(self, job: Job, *, generation: int = 0) -> Ticket:
        """Put a job at the end of the line."""
        ticket = Ticket(next(self._numbers), generation, job.title)
        if self._line.put(ticket, job):
            self._wake.emit()
        return ticket

    def cancel(self, ticket: Ticket) -> None:
        """Take a waiting job out, or ask a running one to stop at its next checkpoint."""
        for dropped in self._line.drop(ticket.job_id):
            self.cancelled.emit(dropped)
        running = self._line.running()
        if running is not None and running[0] == ticket:
            running[1].stop()

    def pause(self, ticket: Ticket) -> None:
        """Hold a running job at its next checkpoint."""
        running = self._line.running()
        if running is not None and running[0] == ticket:
            running[1].pause()

    def resume(self, ticket: Ticket) -> None:
        """Let a paused job go on."""
        running = self._line.running()
        if running is not None and running[0] == ticket:
            running[1].resume()

    @property
    def tickets(self) -> list[Ticket]:
        """The running job, if any, and those that wait."""
        return self._line.tickets()

    def begin_shutdown(self) -> None:
        """Take no more jobs, drop those that wait and ask the running one to stop. Returns at once."""
        self._line.close()
        self._line.drop()
        running = self._line.running()
        if running is not None:
            running[1].stop()
        self._thread.quit()

    def finish_shutdown(self, wait_s: float) -> bool:
        """Wait for the thread to end; False where it still works after `wait_s` (it is never killed)."""
        return self._thread.wait(int(wait_s * 1000))


@dataclass(frozen=True)
class Queues:
    """One queue for the model, one for opening, one for writing, one for looking before it is written, so that none
    waits for another."""

    gpu: JobQueue
    media: JobQueue
    export: JobQueue
    preview: JobQueue

    def all(self) -> tuple[JobQueue, ...]:
        return (self.gpu, self.media, self.export, self.preview)
