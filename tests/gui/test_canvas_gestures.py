"""The video view under a person's hands: wheel, drag, keys, drop."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent, QKeySequence, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow
from pytestqt.qtbot import QtBot

from helpers_qt import drag, mouse, painted, wheel
from rvos_app.canvas.view import MAX_ZOOM, MIN_ZOOM, VideoCanvas

FRAME = np.random.default_rng(3).integers(0, 256, (480, 854, 3), np.uint8)


@pytest.fixture
def canvas(qtbot: QtBot) -> VideoCanvas:
    view = VideoCanvas()
    qtbot.addWidget(view)
    view.resize(700, 400)
    view.show()
    view.set_frame(FRAME)
    return view


def _frame_point(view: VideoCanvas, at: QPointF) -> QPointF:
    inverse, _ = view.viewportTransform().inverted()
    return inverse.map(at)


def test_a_new_clip_is_fitted(canvas: VideoCanvas) -> None:
    assert canvas.zoom == pytest.approx(min(700 / 854, 400 / 480))
    centre = _frame_point(canvas, QPointF(350, 200))
    assert (centre.x(), centre.y()) == pytest.approx((427, 240), abs=1.5)


def test_the_view_stays_fitted_until_it_is_zoomed(canvas: VideoCanvas) -> None:
    canvas.resize(350, 400)
    assert canvas.zoom == pytest.approx(350 / 854)
    canvas.zoom_to(1.0)
    canvas.resize(500, 300)
    assert canvas.zoom == 1.0
    canvas.fit()
    canvas.resize(700, 400)
    assert canvas.zoom == pytest.approx(700 / 854)


def test_the_next_frame_of_the_clip_keeps_the_view(canvas: VideoCanvas) -> None:
    wheel(canvas.viewport(), QPointF(100, 100), 5)
    zoom, corner = canvas.zoom, _frame_point(canvas, QPointF(0, 0))
    canvas.set_frame(FRAME[::-1])
    assert canvas.zoom == zoom
    assert _frame_point(canvas, QPointF(0, 0)) == corner


@pytest.mark.parametrize("at", [(350, 200), (20, 390), (600, 30), (0, 0), (699, 399)])
def test_the_wheel_zooms_at_the_cursor(canvas: VideoCanvas, at: tuple[int, int]) -> None:
    cursor = QPointF(*at)
    target = _frame_point(canvas, cursor)
    for notches in (1, 1, 3, -2, 4, 0.5, -6):
        wheel(canvas.viewport(), cursor, notches)
        now = canvas.viewportTransform().map(target) - cursor
        assert max(abs(now.x()), abs(now.y())) <= 0.51, "it may round to a whole pixel, never drift away"


def test_zoom_is_bounded_and_reported(canvas: VideoCanvas, qtbot: QtBot) -> None:
    reported: list[float] = []
    canvas.zoomChanged.connect(reported.append)
    wheel(canvas.viewport(), QPointF(350, 200), 60)
    assert canvas.zoom == MAX_ZOOM
    wheel(canvas.viewport(), QPointF(350, 200), -120)
    assert canvas.zoom == MIN_ZOOM
    canvas.zoom_to(1.0)
    canvas.zoom_in()
    canvas.zoom_out()
    assert reported[:3] == [MAX_ZOOM, MIN_ZOOM, 1.0]
    assert canvas.zoom == pytest.approx(1.0)


@pytest.mark.parametrize("zoom", [0.3, 1.0, 4.0])
def test_middle_drag_moves_the_picture_with_the_pointer(canvas: VideoCanvas, zoom: float) -> None:
    canvas.zoom_to(zoom)
    grabbed = _frame_point(canvas, QPointF(300, 150))
    drag(canvas.viewport(), QPointF(300, 150), QPointF(380, 110), button=Qt.MouseButton.MiddleButton)
    now = canvas.viewportTransform().map(grabbed)
    assert (now.x(), now.y()) == pytest.approx((380, 110), abs=1.5)


def test_space_and_drag_pans_and_does_not_play(canvas: VideoCanvas, qtbot: QtBot) -> None:
    canvas.zoom_to(2.0)
    canvas.setFocus()
    taps: list[bool] = []
    canvas.playPauseRequested.connect(lambda: taps.append(True))
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    grabbed = _frame_point(canvas, QPointF(300, 150))
    drag(canvas.viewport(), QPointF(300, 150), QPointF(250, 180))
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    now = canvas.viewportTransform().map(grabbed)
    assert (now.x(), now.y()) == pytest.approx((250, 180), abs=1.5)
    assert taps == []
    QTest.keyClick(canvas, Qt.Key.Key_Space)
    assert taps == [True]


@pytest.mark.parametrize("connected", [True, False])
def test_space_belongs_to_the_window_until_the_canvas_is_asked_to_report_it(qtbot: QtBot, connected: bool) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    view = VideoCanvas()
    window.setCentralWidget(view)
    triggered: list[str] = []
    action = QAction("play", window)
    action.setShortcut(QKeySequence(Qt.Key.Key_Space))
    action.triggered.connect(lambda: triggered.append("shortcut"))
    window.addAction(action)
    if connected:
        view.playPauseRequested.connect(lambda: triggered.append("tap"))
    window.show()
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    view.setFocus()
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Space)
    assert triggered == (["tap"] if connected else ["shortcut"])


def test_the_pixel_under_the_pointer_is_reported(canvas: VideoCanvas) -> None:
    canvas.zoom_to(8.0)
    pixels: list[tuple[int, int]] = []
    canvas.pixelHovered.connect(lambda x, y: pixels.append((x, y)))
    view = canvas.viewport()
    for x in (351, 354, 361):
        mouse(view, QMouseEvent.Type.MouseMove, QPointF(x, 201), button=Qt.MouseButton.NoButton)
    image = painted(canvas)
    assert len(pixels) == 2, "the same pixel is reported once"
    for (x, y), at in zip(pixels, (351, 361), strict=True):
        assert np.array_equal(image[201, at], FRAME[y, x]), "what is read out is what is painted there"
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    assert pixels[-1] == (-1, -1)


def test_files_are_dropped_and_other_things_refused(canvas: VideoCanvas, tmp_path: Path) -> None:
    dropped: list[list[Path]] = []
    canvas.filesDropped.connect(dropped.append)
    clip = tmp_path / "Прогулка 1.mp4"
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(clip)), QUrl("https://example.org/x.mp4")])
    assert _drop(canvas, data)
    assert dropped == [[clip]]
    text = QMimeData()
    text.setText("hello")
    assert not _drop(canvas, text)
    assert len(dropped) == 1


def _drop(view: VideoCanvas, data: QMimeData) -> bool:
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    enter = QDragEnterEvent(QPoint(50, 50), copy, data, left, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view.viewport(), enter)
    if enter.isAccepted():
        drop = QDropEvent(QPointF(50, 50), copy, data, left, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(view.viewport(), drop)
    return enter.isAccepted()


def test_without_a_frame_nothing_can_go_wrong(qtbot: QtBot) -> None:
    view = VideoCanvas()
    qtbot.addWidget(view)
    view.show()
    view.fit()
    view.zoom_in()
    wheel(view.viewport(), QPointF(10, 10), 3)
    drag(view.viewport(), QPointF(5, 5), QPointF(9, 9), button=Qt.MouseButton.MiddleButton)
    assert view.zoom == 1.0


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (3000, 20), (20, 3000)])
def test_tiny_and_thin_frames_are_shown(canvas: VideoCanvas, size: tuple[int, int]) -> None:
    frame = np.full((*size, 3), 200, np.uint8)
    canvas.set_frame(frame)
    assert 0 < canvas.zoom <= MAX_ZOOM
    assert (painted(canvas) == 200).any()


_HIGH_DPI = """
import numpy as np
from PySide6.QtWidgets import QApplication
from rvos_app.canvas.view import VideoCanvas
app = QApplication([])
view = VideoCanvas(); view.resize(300, 200); view.show()
frame = np.random.default_rng(0).integers(0, 256, (100, 200, 3), np.uint8)
view.set_frame(frame); view.zoom_to(1.0)
image = view.grab().toImage()
assert image.devicePixelRatio() == 2 and image.width() == 600, image.size()
colour = image.pixelColor(300 + 7, 200 - 3)
assert (colour.red(), colour.green(), colour.blue()) == tuple(int(v) for v in frame[50 - 3, 100 + 7])
"""


def test_on_a_high_dpi_screen_100_percent_is_one_screen_pixel() -> None:
    environment = os.environ | {"QT_SCALE_FACTOR": "2", "QT_QPA_PLATFORM": "offscreen"}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", _HIGH_DPI], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
