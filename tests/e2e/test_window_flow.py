"""The real window, driven by events from opening a clip to closing: the line that everything else hangs on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QLineEdit
from pytestqt.qtbot import QtBot

from helpers_cli import write_tiny_model
from helpers_studio import Heartbeat, running_studio
from rvos_app.bootstrap import Studio
from rvos_app.dialogs.export import ExportDialog
from rvos_app.state import RunPhase
from rvos_core.masks import decode
from rvos_core.media import open_media
from rvos_resources.paths import demo_dir, weights_dir

_CTRL = Qt.KeyboardModifier.ControlModifier
_LEFT = Qt.MouseButton.LeftButton
_BLOCKED_S = 0.1
_BUNDLED = "ifirvos-mini"
_HEAVY = ("torch", "transformers", "onnxruntime", "numba")


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_model(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(params=["tiny", pytest.param("bundled", marks=pytest.mark.slow)])
def studio(request: pytest.FixtureRequest, tmp_path: Path, qtbot: QtBot, tiny_model: str) -> Iterator[Studio]:
    if request.param == "bundled" and not (weights_dir() / _BUNDLED).is_dir():
        pytest.skip("this checkout has no bundled weights")
    with running_studio(tmp_path, model=tiny_model if request.param == "tiny" else _BUNDLED) as made:
        yield made


def open_by_dialog(qtbot: QtBot, studio: Studio, clip: Path) -> None:
    qtbot.keyClick(studio.window, Qt.Key.Key_O, _CTRL)
    qtbot.waitUntil(lambda: studio.window.findChild(QFileDialog) is not None)
    dialog = studio.window.findChild(QFileDialog)
    QApplication.clipboard().setText(str(clip))
    qtbot.keyClick(dialog.findChild(QLineEdit, "fileNameEdit"), Qt.Key.Key_V, _CTRL)
    opens = dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Open)
    while dialog.isVisible():  # the first click only closes what the field offers to complete
        qtbot.mouseClick(opens, _LEFT)
    qtbot.waitUntil(lambda: studio.state.clip is not None, timeout=20_000)


def type_and_run(qtbot: QtBot, studio: Studio, sentence: str) -> int:
    field = studio.field
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, sentence)
    qtbot.keyClick(field, Qt.Key.Key_Return)
    thing = studio.state.find_object(sentence)
    assert thing is not None
    return thing.object_id


def export(qtbot: QtBot, studio: Studio, target: Path, *, overlay: bool = False) -> str:
    studio.window.activateWindow()
    QTest.qWaitForWindowActive(studio.window)
    qtbot.keyClick(studio.window, Qt.Key.Key_E, _CTRL)
    dialog = studio.window.findChild(ExportDialog)
    if overlay:
        qtbot.keyClick(dialog.list, Qt.Key.Key_Down)  # what was made last is chosen, masks
    dialog.target.selectAll()
    qtbot.keyClicks(dialog.target, str(target))
    qtbot.waitUntil(lambda: "frames" in dialog.status)
    with qtbot.waitSignal(studio.exports.finished, timeout=30_000):
        qtbot.mouseClick(dialog.export_button, _LEFT)
    qtbot.waitUntil(lambda: studio.window.findChild(ExportDialog) is None)
    return studio.window.statusBar().currentMessage()


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_open_type_run_step_cancel_export_close(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    clip = demo_dir() / "street.mp4"
    state, window = studio.state, studio.window
    threads_before = set(threading.enumerate())
    reports: list[object] = []
    studio.reporter.reported.connect(reports.append)
    open_by_dialog(qtbot, studio, clip)
    assert state.clip is not None
    frames = state.clip.frame_count
    qtbot.waitUntil(lambda: studio.runs.engine is not None, timeout=60_000)
    qtbot.waitUntil(lambda: "windows" in studio.parts.expression.line_text)

    heart = Heartbeat()
    heart.start()
    first = type_and_run(qtbot, studio, "the man in red riding a bike")
    qtbot.waitUntil(lambda: state.run.windows_done >= 1, timeout=60_000)
    assert 0 < len(state.results(first)) < frames  # masks stream in
    qtbot.waitUntil(lambda: not state.run.active, timeout=180_000)
    heart.stop()
    assert sorted(state.results(first)) == list(range(frames))
    assert heart.worst_s < _BLOCKED_S

    studio.canvas.setFocus()
    for _ in range(3):
        qtbot.keyClick(studio.canvas, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: studio.playback.current_index == 3)
    qtbot.waitUntil(lambda: state.frame_index == 3)

    heart.start()
    second = type_and_run(qtbot, studio, "the man in blue riding a bike")
    qtbot.waitUntil(lambda: state.run.windows_done >= 3, timeout=60_000)
    kept = dict(state.results(second))
    qtbot.keyClick(studio.field, Qt.Key.Key_Escape)
    assert state.run.phase in (RunPhase.STOPPING, RunPhase.IDLE)
    qtbot.waitUntil(lambda: not state.run.active, timeout=30_000)
    heart.stop()
    assert heart.worst_s < _BLOCKED_S
    assert kept
    assert len(state.results(second)) < frames
    assert kept.keys() <= state.results(second).keys()
    assert sorted(state.results(first)) == list(range(frames))  # the first object is untouched

    said = export(qtbot, studio, tmp_path / "masks")
    assert str(tmp_path / "masks") in said
    check_masks(studio, tmp_path / "masks", frames)
    export(qtbot, studio, tmp_path / "overlay.mp4", overlay=True)
    check_video(tmp_path / "overlay.mp4", state.clip.width, state.clip.height, frames)
    assert not [path for path in tmp_path.rglob(".*") if "part" in path.name]

    assert reports == []
    window.close()
    assert not window.isVisible()
    left = [t for t in threading.enumerate() if t not in threads_before and not isinstance(t, threading._DummyThread)]
    assert left == []
    stored = json.loads((tmp_path / "settings.json").read_text(encoding="utf-8"))
    assert stored["expressions"] == ["the man in blue riding a bike", "the man in red riding a bike"]
    project, last_clip = stored["recent_files"]
    assert last_clip == str(clip)
    assert Path(project).suffix == ".rvos"


def check_masks(studio: Studio, folder: Path, frames: int) -> None:
    """A folder per object; every frame a file of 0 and 255, equal to the window's mask, empty where there is none."""
    objects = studio.state.objects
    assert sorted(path.name for path in folder.iterdir()) == [
        "1_the_man_in_red_riding_a_bike",
        "2_the_man_in_blue_riding_a_bike",
    ]
    for thing, sub in zip(objects, sorted(folder.iterdir()), strict=True):
        results = studio.state.results(thing.object_id)
        assert sorted(path.name for path in sub.iterdir()) == [f"{index:05d}.png" for index in range(frames)]
        for index in range(frames):
            with Image.open(sub / f"{index:05d}.png") as picture:
                assert picture.mode == "L"
                pixels = np.asarray(picture)
            assert set(np.unique(pixels)) <= {0, 255}
            expected = decode(results[index].mask) if index in results else np.zeros_like(pixels, dtype=bool)
            assert np.array_equal(pixels > 0, expected)


def check_video(path: Path, width: int, height: int, frames: int) -> None:
    with open_media(path) as reader:
        assert (reader.info.width, reader.info.height, reader.info.frame_count) == (width, height, frames)


_FIRST_PAINT = """
import sys
import rvos_app.main_window
heavy = [name for name in {heavy} if name in sys.modules]
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication
from rvos_app.bootstrap import Studio
from rvos_app.settings import Settings

app = QApplication([])
studio = Studio(app, settings=Settings())

class Paint(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and watched is studio.parts.welcome:
            heavy.extend(name for name in {heavy} if name in sys.modules)
            print("painted", heavy)
            QTimer.singleShot(0, studio.window.close)
        return False

paint = Paint()
studio.parts.welcome.installEventFilter(paint)
QTimer.singleShot(0, studio.start)
app.exec()
"""


def test_no_torch_before_the_first_paint(tmp_path: Path) -> None:
    done = run_python(_FIRST_PAINT.format(heavy=_HEAVY), tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "painted []"


_CYCLES = """
import random, sys, threading
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from rvos_app.bootstrap import Studio
from rvos_app.settings import Settings

dice = random.Random(5)
app = QApplication([])
app.setQuitOnLastWindowClosed(False)
for cycle in range(6):
    studio = Studio(app, settings=Settings(model=sys.argv[1]))
    studio.start(Path(sys.argv[2]), expression="the man in red")
    timer = QTimer()
    timer.timeout.connect(lambda: studio.state.clip and not studio.state.objects and studio.hub.trigger("run.start"))
    timer.start(5)
    QTimer.singleShot(dice.randrange(1200), lambda: app.exit(0))
    app.exec()
    timer.stop()
    studio.window.close()
    print("closed", [q._thread.isRunning() for q in studio.queues.all()])
"""


def test_closing_at_any_moment_ends_every_thread_and_the_process(tmp_path: Path, tiny_model: str) -> None:
    done = run_python(_CYCLES, tmp_path, tiny_model, str(demo_dir() / "street.mp4"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["closed [False, False, False, False]"] * 6
    assert "QThread" not in done.stderr
    assert "Traceback" not in done.stderr


def run_python(code: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RVOS_LOG_DIR": str(folder), "RVOS_CONFIG_DIR": str(folder)}
    environment["QT_QPA_PLATFORM"] = "offscreen"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
