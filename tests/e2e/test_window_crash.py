"""The window is killed in the middle of a run, started again, and goes on as if nothing had been."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from helpers_cli import write_clip, write_tiny_model
from helpers_studio import masks, running_studio, settled
from rvos_app.dialogs.recovery import Decision, RecoveryDialog
from rvos_core.project.reading import ProjectReader

pytestmark = [pytest.mark.kill, pytest.mark.qt_log_ignore("This plugin does not support", extend=True)]

_FRAMES = 300

_WINDOW = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from rvos_app.bootstrap import Studio
from rvos_app.settings import Settings
from rvos_core.project.library import Library

app = QApplication([])
studio = Studio(app, settings=Settings(model=sys.argv[1]), library=Library(Path(sys.argv[3])))
studio.start(Path(sys.argv[2]), expression="the red car")

def look():
    if studio.state.clip and not studio.state.objects:
        studio.hub.trigger("run.start")
    if studio.state.run.windows_done >= 3:
        print(studio.state.run.windows_done, flush=True)

timer = QTimer()
timer.timeout.connect(look)
timer.start(20)
app.exec()
"""


def test_killed_in_a_run_recovered_undone_redone_and_resumed(qtbot: QtBot, tmp_path: Path) -> None:
    model = str(write_tiny_model(tmp_path / "tiny"))
    clip = write_clip(tmp_path / "street.mp4", frames=_FRAMES)
    data = tmp_path / "data"
    window = subprocess.Popen(
        [sys.executable, "-c", _WINDOW, model, str(clip), str(data)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "QT_QPA_PLATFORM": "offscreen"},
    )
    assert window.stdout is not None
    assert int(window.stdout.readline()) >= 3
    os.kill(window.pid, signal.SIGKILL)
    window.wait()
    window.stdout.close()

    with running_studio(tmp_path, model=model) as studio:
        qtbot.waitUntil(lambda: studio.window.findChild(RecoveryDialog) is not None, timeout=30_000)
        dialog = studio.window.findChild(RecoveryDialog)
        assert Decision.OPEN in dialog.buttons
        dialog.buttons[Decision.OPEN].click()
        qtbot.waitUntil(lambda: studio.state.has_results, timeout=20_000)
        settled(qtbot, studio)
        (thing,) = studio.state.objects
        kept = masks(studio, thing.object_id)
        assert 10 <= len(kept) < _FRAMES
        assert sorted(kept) == list(range(len(kept))), "whole windows from the first frame on"
        studio.hub.trigger("edit.undo")
        qtbot.waitUntil(lambda: studio.state.objects == ())
        settled(qtbot, studio)
        studio.hub.trigger("edit.redo")
        qtbot.waitUntil(lambda: len(studio.state.results(thing.object_id)) == len(kept))
        assert masks(studio, thing.object_id) == kept
        settled(qtbot, studio)
        assert studio.hub.action("run.resume").isEnabled()
        studio.hub.trigger("run.resume")
        qtbot.waitUntil(lambda: len(studio.state.results(thing.object_id)) == _FRAMES, timeout=60_000)
        qtbot.waitUntil(lambda: not studio.state.run.active, timeout=20_000)
        assert QApplication.instance() is not None


@pytest.mark.parametrize("moments", [6, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])])
def test_cancel_is_heard_at_once_and_leaves_whole_windows(qtbot: QtBot, tmp_path: Path, moments: int) -> None:
    dice = random.Random(moments)
    model = str(write_tiny_model(tmp_path / "tiny"))
    clip = write_clip(tmp_path / "street.mp4", frames=60)
    with running_studio(tmp_path, model=model) as studio:
        studio.clips.open(clip)
        qtbot.waitUntil(lambda: studio.runs.engine is not None, timeout=30_000)
        for _ in range(moments):
            studio.field.setText("the red car")
            studio.hub.trigger("run.start")
            qtbot.wait(dice.randrange(0, 250))
            began = time.perf_counter()
            studio.hub.trigger("run.cancel")
            assert time.perf_counter() - began < 0.1
            qtbot.waitUntil(lambda: not studio.state.run.active, timeout=20_000)
            settled(qtbot, studio)
            for thing in studio.state.objects:
                shown = masks(studio, thing.object_id)
                assert studio.documents.path is not None
                with ProjectReader(studio.documents.path) as reader:
                    assert {each.frame: each.mask for each in reader.masks(thing.object_id)} == shown
