"""Real events for widgets, and what a widget has painted, as arrays."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QEventLoop, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QImage, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

NO_KEY = Qt.KeyboardModifier.NoModifier


def painted(widget: QWidget) -> np.ndarray:
    """What the widget paints: (H, W, 3) uint8 RGB in device pixels."""
    return pixels(widget.grab().toImage())


def pixels(picture: QImage) -> np.ndarray:
    """A picture as (H, W, 3) uint8 RGB, in device pixels."""
    image = picture.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


def wheel(
    widget: QWidget, at: QPointF, notches: float, *, keys: Qt.KeyboardModifier = NO_KEY, sideways: bool = False
) -> None:
    """Turns the wheel over a point of the widget; up is positive."""
    turn = round(120 * notches)
    delta = QPoint(turn, 0) if sideways else QPoint(0, turn)
    everywhere = QPointF(widget.mapToGlobal(at.toPoint()))
    phase = Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(at, everywhere, QPoint(), delta, Qt.MouseButton.NoButton, keys, phase, False)
    QApplication.sendEvent(widget, event)


def mouse(
    widget: QWidget, kind: QMouseEvent.Type, at: QPointF, *, button: Qt.MouseButton, held: Qt.MouseButton | None = None
) -> None:
    """Sends one mouse event; `held` are the buttons that are down (the pressed one if not given)."""
    down = button if held is None else held
    QApplication.sendEvent(widget, QMouseEvent(kind, at, widget.mapToGlobal(at), button, down, NO_KEY))


def drag(
    widget: QWidget,
    start: QPointF,
    stop: QPointF,
    *,
    button: Qt.MouseButton = Qt.MouseButton.LeftButton,
    steps: int = 4,
) -> None:
    """Presses at `start`, moves in equal steps, releases at `stop`."""
    mouse(widget, QMouseEvent.Type.MouseButtonPress, start, button=button)
    for step in range(1, steps + 1):
        here = start + (stop - start) * (step / steps)
        mouse(widget, QMouseEvent.Type.MouseMove, here, button=Qt.MouseButton.NoButton, held=button)
    mouse(widget, QMouseEvent.Type.MouseButtonRelease, stop, button=button, held=Qt.MouseButton.NoButton)


def until(condition: Callable[[], bool], *, timeout_s: float = 60.0) -> None:
    """Lets the program run until something is true. Unlike QTest's waiting it leaves other threads the interpreter.

    Raises: AssertionError: it is not true in time.
    """
    loop, timer = QEventLoop(), QTimer()
    end = time.monotonic() + timeout_s
    timer.timeout.connect(lambda: loop.quit() if condition() or time.monotonic() > end else None)
    timer.start(10)
    loop.exec()
    timer.stop()
    assert condition(), f"not so within {timeout_s:.0f} s"
