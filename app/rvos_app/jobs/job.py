"""What a job is and what it may ask of the queue that runs it. No Qt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rvos_core.types import CancelToken


@dataclass(frozen=True)
class Ticket:
    """Names one submitted job. `generation` is that of the clip it works for; older ones are stale."""

    job_id: int
    generation: int
    title: str


class JobContext:
    """A running job's line to its queue: report values, look at Cancel, wait while paused."""

    def __init__(self, report: Callable[[object], None]) -> None:
        self.cancel = CancelToken()
        self._report = report
        self._go = threading.Event()
        self._go.set()

    def report(self, event: object) -> None:
        """Send an immutable value to the GUI thread."""
        self._report(event)

    def checkpoint(self) -> None:
        """Between two pieces of work: wait while paused, then stop where the person cancelled.

        Raises:
            Cancelled: once Cancel was pressed.
        """
        self._go.wait()
        self.cancel.raise_if_cancelled()

    def pause(self) -> None:
        """Hold the job at its next checkpoint."""
        self._go.clear()

    def resume(self) -> None:
        """Let it go on."""
        self._go.set()

    def stop(self) -> None:
        """Cancel, also where the job is paused."""
        self.cancel.cancel()
        self._go.set()


class Job(Protocol):
    """A piece of work. Runs in the queue's thread and touches nothing of the GUI."""

    @property
    def title(self) -> str:
        """What a person reads while it runs."""
        ...

    def run(self, context: JobContext) -> object:
        """Do it and return a value for the GUI thread.

        Raises:
            Cancelled: at a checkpoint after Cancel.
            UserError: what a person can act on.
        """
        ...
