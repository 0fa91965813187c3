"""The Qt binding keeps Python's reference counts: PySide6 6.12.0 on Python 3.11 does not, and aborts the process."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from PySide6.QtCore import QObject, QTimer, Signal


class _Bell(QObject):
    rung = Signal(int)


@pytest.mark.parametrize("call", ["returns nothing", "emits"])
def test_calls_into_qt_keep_the_counts_of_none_and_true(call: str) -> None:
    timer, bell = QTimer(), _Bell()
    calls: dict[str, Callable[[], object]] = {
        "returns nothing": lambda: timer.setSingleShot(True),
        "emits": lambda: bell.rung.emit(3),
    }
    rounds, ring = 500, calls[call]
    ring()
    before = sys.getrefcount(None), sys.getrefcount(True)
    for _ in range(rounds):
        ring()
    lost = before[0] - sys.getrefcount(None), before[1] - sys.getrefcount(True)
    assert max(lost) < rounds / 2, f"references lost in {rounds} calls (None, True): {lost}"
