"""The queue: in order, one at a time, results on the GUI thread, cancel and pause at checkpoints, no thread left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from PySide6.QtCore import QObject, QThread, Slot
from pytestqt.qtbot import QtBot

from rvos_app.errors import ErrorReport
from rvos_app.jobs.job import JobContext, Ticket
from rvos_app.jobs.queue import JobQueue
from rvos_core.errors import UserError


@dataclass
class Work:
    do: Callable[[JobContext], object]
    title: str = "work"

    def run(self, context: JobContext) -> object:
        return self.do(context)


class Listener(QObject):
    """Writes down what the queue tells, and on which thread."""

    def __init__(self, queue: JobQueue) -> None:
        super().__init__()
        self.told: list[tuple[str, int, object]] = []
        self.elsewhere = 0
        queue.started.connect(self._started)
        queue.progressed.connect(self._progressed)
        queue.finished.connect(self._finished)
        queue.failed.connect(self._failed)
        queue.cancelled.connect(self._cancelled)

    def of(self, ticket: Ticket) -> list[tuple[str, object]]:
        return [(kind, value) for kind, job_id, value in self.told if job_id == ticket.job_id]

    def _note(self, kind: str, ticket: Ticket, value: object = None) -> None:
        self.elsewhere += QThread.currentThread() is not self.thread()
        self.told.append((kind, ticket.job_id, value))

    @Slot(object)
    def _started(self, ticket: Ticket) -> None:
        self._note("started", ticket)

    @Slot(object, object)
    def _progressed(self, ticket: Ticket, event: object) -> None:
        self._note("progressed", ticket, event)

    @Slot(object, object)
    def _finished(self, ticket: Ticket, result: object) -> None:
        self._note("finished", ticket, result)

    @Slot(object, object)
    def _failed(self, ticket: Ticket, report: ErrorReport) -> None:
        self._note("failed", ticket, report)

    @Slot(object)
    def _cancelled(self, ticket: Ticket) -> None:
        self._note("cancelled", ticket)


@pytest.fixture
def queue() -> Iterator[JobQueue]:
    made = JobQueue("test")
    yield made
    made.begin_shutdown()
    assert made.finish_shutdown(5.0)


def endless(context: JobContext) -> None:
    while True:
        context.checkpoint()
        context.report("tick")
        time.sleep(0.002)


def test_jobs_run_in_order_off_the_gui_thread_and_tell_on_it(qtbot: QtBot, queue: JobQueue) -> None:
    listener = Listener(queue)
    threads: set[int] = set()

    def work(context: JobContext, number: int) -> int:
        threads.add(threading.get_ident())
        context.report(number * 10)
        return number

    tickets = [queue.submit(Work(lambda context, n=n: work(context, n))) for n in range(5)]  # type: ignore[misc]
    qtbot.waitUntil(lambda: len(listener.told) == 15)
    assert [entry[1] for entry in listener.told] == [t.job_id for t in tickets for _ in range(3)]
    assert listener.of(tickets[3]) == [("started", None), ("progressed", 30), ("finished", 3)]
    assert threads != {threading.get_ident()}
    assert len(threads) == 1
    assert listener.elsewhere == 0


def test_a_failing_job_becomes_a_report_and_the_next_one_runs(qtbot: QtBot, queue: JobQueue) -> None:
    listener = Listener(queue)

    def fail(_context: JobContext) -> None:
        raise UserError("disk.png cannot be written.", hint="Free some space.", code="files.disk_full")

    first = queue.submit(Work(fail))
    second = queue.submit(Work(lambda _context: 1 / 0))
    third = queue.submit(Work(lambda _context: "fine"))
    qtbot.waitUntil(lambda: len(listener.told) == 6)
    report = listener.of(first)[-1][1]
    assert isinstance(report, ErrorReport)
    assert (report.code, report.expected) == ("files.disk_full", True)
    assert "ZeroDivisionError" in listener.of(second)[-1][1].details  # type: ignore[union-attr]
    assert listener.of(third)[-1] == ("finished", "fine")


def test_cancel_stops_a_running_job_and_takes_out_a_waiting_one(qtbot: QtBot, queue: JobQueue) -> None:
    listener = Listener(queue)
    running = queue.submit(Work(endless))
    waiting = queue.submit(Work(lambda _context: "never"))
    last = queue.submit(Work(lambda _context: "last"))
    qtbot.waitUntil(lambda: ("progressed", "tick") in listener.of(running))
    queue.cancel(waiting)
    began = time.perf_counter()
    queue.cancel(running)
    qtbot.waitUntil(lambda: listener.of(last)[-1:] == [("finished", "last")])
    assert time.perf_counter() - began < 0.5
    assert listener.of(running)[-1] == ("cancelled", None)
    assert listener.of(waiting) == [("cancelled", None)]


def test_a_paused_job_makes_no_progress_until_it_is_resumed(qtbot: QtBot, queue: JobQueue) -> None:
    listener = Listener(queue)
    ticket = queue.submit(Work(endless))
    qtbot.waitUntil(lambda: len(listener.told) > 3)
    queue.pause(ticket)
    qtbot.wait(50)
    held = len(listener.told)
    qtbot.wait(100)
    assert len(listener.told) == held
    queue.resume(ticket)
    qtbot.waitUntil(lambda: len(listener.told) > held + 3)
    queue.pause(ticket)
    queue.cancel(ticket)
    qtbot.waitUntil(lambda: listener.of(ticket)[-1][0] == "cancelled")


def test_shutdown_ends_running_and_waiting_jobs_at_any_moment(qtbot: QtBot) -> None:
    for delay_ms in (0, 1, 5, 20):
        queue = JobQueue("test")
        listener = Listener(queue)
        queue.submit(Work(endless))
        waiting = queue.submit(Work(lambda _context: "never"))
        qtbot.wait(delay_ms)
        queue.begin_shutdown()
        assert queue.finish_shutdown(5.0)
        assert listener.of(waiting) == []
        queue.submit(Work(lambda _context: "too late"))
        qtbot.wait(5)
        assert not any(kind == "finished" for kind, _, _ in listener.told)
