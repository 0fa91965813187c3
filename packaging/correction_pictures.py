"""The pictures of docs/howto/correct.md: `python packaging/correction_pictures.py CLIP OUT`, by real clicks and keys.

CLIP is `05_default_juggle.mp4` of the SAM 2 demo gallery (1280x720, a man with a football); the places below are in its
pixels. The sentence is run, three frames are corrected by clicks, each correction spreads both ways, and the window is
grabbed on the way. Needs no display.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from rvos_app.bootstrap import Studio
from rvos_app.screenshots import Camera
from rvos_app.settings import Settings
from rvos_core.types import FrameSpan

_SENTENCE = "the man"
_SPAN = FrameSpan(0, 49)
_LEFT, _RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
_PLAIN, _CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
_CLICKS = (  # frame, places on the man, places beside him
    (0, ((699, 240), (707, 500), (701, 85)), ((648, 325),)),
    (24, ((725, 240), (690, 560), (741, 93)), ((722, 435),)),
    (48, ((760, 213), (790, 480), (760, 95)), ((700, 490),)),
)


def main() -> int:
    """Returns: the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path, metavar="CLIP")
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder for the pictures")
    chosen = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as home:
        os.environ["RVOS_LOG_DIR"] = os.environ["RVOS_DATA_DIR"] = home
        app = QApplication(sys.argv[:1])
        app.setCursorFlashTime(0)
        chosen.out.mkdir(parents=True, exist_ok=True)
        studio, camera = Studio(app, settings=Settings()), Camera(app, chosen.out)
        try:
            studio.start(chosen.clip)
            studio.window.resize(1360, 860)
            _correct(studio, camera)
        finally:
            studio.window.close()
    return 0


def _correct(studio: Studio, camera: Camera) -> None:
    camera.wait(lambda: studio.shown.picture is not None and studio.runs.engine is not None)
    studio.state.set_span(_SPAN)
    studio.field.setText(_SENTENCE)
    studio.hub.trigger("run.start")
    camera.wait(lambda: not studio.state.run.active)
    _go(studio, camera, 24)
    camera.take(studio.window, "correct-found")
    studio.canvas.setFocus()
    for number, (frame, inside, outside) in enumerate(_CLICKS):
        _go(studio, camera, frame)
        QTest.keyClick(studio.canvas, Qt.Key.Key_Q)
        for place, button in [(each, _LEFT) for each in inside] + [(each, _RIGHT) for each in outside]:
            _click(studio, camera, place, button=button)
        if number == 0:
            camera.take(studio.window, "correct-clicks")
        QTest.keyClick(studio.canvas, Qt.Key.Key_F, _CTRL)
        camera.wait(lambda: not studio.spread.status.active)
        camera.rest(0.5)
        if number == 1:
            _go(studio, camera, 30)
            camera.take(studio.window, "correct-proposal")
        QTest.keyClick(studio.canvas, Qt.Key.Key_Return)
        camera.rest(1.0)
    QTest.keyClick(studio.canvas, Qt.Key.Key_V)
    QTest.keyClick(studio.canvas, Qt.Key.Key_R, _CTRL)
    camera.rest(1.0)
    camera.take(studio.window, "correct-review")


def _go(studio: Studio, camera: Camera, frame: int) -> None:
    studio.playback.seek(frame)
    camera.wait(lambda: studio.shown.index == frame)
    camera.rest(0.5)


def _click(studio: Studio, camera: Camera, place: tuple[int, int], *, button: Qt.MouseButton) -> None:
    at = studio.canvas.viewportTransform().map(QPointF(*place)).toPoint()
    QTest.mouseClick(studio.canvas.viewport(), button, _PLAIN, at)
    camera.wait(lambda: not studio.queues.gpu.tickets)
    camera.rest(0.5)


if __name__ == "__main__":
    sys.exit(main())
