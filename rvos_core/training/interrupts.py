"""Ctrl-C during a training: the running step ends, its checkpoint is written, then the program stops."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class Interrupts:
    """Within the block, the first SIGINT or SIGTERM sets `asked`; a second SIGINT interrupts at once.

    Outside the main thread signals cannot be watched: `asked` stays False there.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {each: signal.signal(each, self._note) for each in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = True


def leave_interrupts_to_the_parent(worker: int) -> None:
    """For processes that load data: Ctrl-C reaches them too, but who asked for data decides when to stop.

    That one may also end them, which the handler they were born with would not let happen.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
