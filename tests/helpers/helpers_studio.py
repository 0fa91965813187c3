"""The whole studio for a test: started on settings of its own, closed behind the test, its heart watched."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from rvos_app.bootstrap import Studio
from rvos_app.jobs.click_jobs import ClickAnswerer
from rvos_app.settings import Settings, SettingsStore
from rvos_core.masks import Rle
from rvos_core.project.library import Library


@contextmanager
def running_studio(
    folder: Path, *, clip: Path | None = None, answer_clicks: ClickAnswerer | None = None, **settings: object
) -> Iterator[Studio]:
    """A window on the screen; after the block it is closed, whatever was unsaved.

    Args:
        folder: for its settings and exports.
        clip: opened at the start.
        answer_clicks: finds objects from clicks.
        settings: fields of `Settings`.
    """
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    given = Settings(export_folder=str(folder), **settings)  # type: ignore[arg-type]
    studio = Studio(
        app,
        settings=given,
        store=SettingsStore(folder / "settings.json"),
        library=Library(folder / "data"),
        answer_clicks=answer_clicks,
    )
    studio.start(clip)
    QTest.qWaitForWindowActive(studio.window)
    try:
        yield studio
    finally:
        studio.window.close()
        app.processEvents()
        studio.window.deleteLater()
        studio.deleteLater()
        app.processEvents()


class Heartbeat(QObject):
    """Beats on the GUI thread; `worst_s` is the longest time between two beats that the program is to blame for.

    On a machine with other work a thread may stand ready and get no processor. The kernel counts that per thread; such
    waits of our threads (whichever of them held the interpreter) are taken off. Without other work there are none.
    """

    _EVERY_MS = 10

    def __init__(self) -> None:
        super().__init__()
        self.worst_s = 0.0
        self._last = 0.0
        self._waited: dict[str, int] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(self._EVERY_MS)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        self.worst_s = 0.0
        self._waited = _processor_waits_ns()
        self._last = time.perf_counter()
        self._timer.start()

    def stop(self) -> None:
        self._beat()
        self._timer.stop()

    def _beat(self) -> None:
        waited = _processor_waits_ns()
        now = time.perf_counter()
        excused_ns = sum(max(total - self._waited.get(thread, total), 0) for thread, total in waited.items())
        self.worst_s = max(self.worst_s, now - self._last - excused_ns / 1e9)
        self._last, self._waited = now, waited


def _processor_waits_ns() -> dict[str, int]:
    """Per thread of this process: nanoseconds it stood ready without a processor. Empty where no one counts."""
    waits = {}
    for task in Path("/proc/self/task").glob("*/schedstat"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            waits[task.parent.name] = int(task.read_text(encoding="ascii").split()[1])
    return waits


def run(qtbot: QtBot, studio: Studio, sentence: str) -> int:
    """Run a sentence to its end; the id of its object."""
    studio.field.setText(sentence)
    studio.hub.trigger("run.start")
    qtbot.waitUntil(lambda: not studio.state.run.active, timeout=20_000)
    thing = studio.state.find_object(sentence)
    assert thing is not None
    return thing.object_id


def error_said(qtbot: QtBot, studio: Studio) -> str:
    """The sentence of the error dialog, which is closed."""
    qtbot.waitUntil(lambda: studio.presenter.dialog is not None, timeout=25_000)
    dialog = studio.presenter.dialog
    assert dialog is not None
    said = dialog.report.message
    dialog.reject()
    return said


def masks(studio: Studio, object_id: int) -> dict[int, Rle]:
    return {index: result.mask for index, result in studio.state.results(object_id).items()}


def settled(qtbot: QtBot, studio: Studio) -> None:
    """Wait until the document has done everything, and the window knows."""
    done: list[object] = []
    studio.documents.do(lambda _project: None, done.append)
    qtbot.waitUntil(lambda: bool(done), timeout=10_000)


def open_project(qtbot: QtBot, studio: Studio, path: Path) -> None:
    studio.projects.open(path)
    qtbot.waitUntil(lambda: studio.documents.path == path and studio.documents.standing is not None, timeout=20_000)
    qtbot.waitUntil(lambda: not studio.queues.gpu.tickets, timeout=30_000)
