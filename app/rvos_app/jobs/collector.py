"""Python's cyclic garbage collection, on the GUI thread only.

Left alone it may start in a worker thread and destroy Qt objects there, which crashes. So automatic collection is off
and a timer does its work; what a large library made at import is frozen out of it, or one collection would take long.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

_EVERY_MS = 1000
_FULL_EVERY = 30  # young generations each time, everything each 30th


class GarbageCollector(QObject):
    """Replaces automatic collection while it lives; `stop()` gives it back."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ticks = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.tick)

    def start(self) -> None:
        """Take over."""
        gc.disable()
        self._timer.start()

    def stop(self) -> None:
        """Give automatic collection back."""
        self._timer.stop()
        gc.enable()

    def tick(self) -> None:
        """Collect the young objects, and now and then all of them."""
        self._ticks += 1
        gc.collect(2 if self._ticks % _FULL_EVERY == 0 else 1)

    @staticmethod
    def freeze() -> None:
        """After a large import: what is alive now stays, and later collections pass it by."""
        gc.freeze()
