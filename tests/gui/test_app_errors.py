"""Every error ends in the log and, once, in one dialog; wherever it was raised."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from rvos_app.dialogs.error import ErrorPresenter
from rvos_app.errors import ErrorReport, ErrorReporter, describe
from rvos_core.errors import UserError


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:  # noqa: BLE001
        return caught


def test_a_user_error_is_shown_as_it_was_said() -> None:
    report = describe(raised(UserError("x.mp4 is empty.", hint="Copy it again.", code="media.empty_file")))
    assert (report.message, report.hint, report.code, report.expected) == (
        "x.mp4 is empty.",
        "Copy it again.",
        "media.empty_file",
        True,
    )


def test_a_user_error_inside_another_error_is_found() -> None:
    try:
        try:
            raise UserError("x.mp4 is empty.")
        except UserError as cause:
            raise RuntimeError("while emitting") from cause
    except RuntimeError as error:
        assert describe(error).message == "x.mp4 is empty."


def test_a_report_keeps_nothing_of_the_failed_work_alive() -> None:
    class Tensor:
        pass

    def work(tensor: Tensor) -> None:
        raise ValueError(repr(type(tensor)))

    tensor = Tensor()
    gone = weakref.ref(tensor)
    try:
        work(tensor)
    except ValueError as error:
        report = describe(error)
    del tensor
    gc.collect()
    assert gone() is None
    assert "work(tensor)" in report.details


def test_the_same_error_is_told_once_in_a_while(qtbot: QtBot) -> None:
    now = [0.0]
    reporter = ErrorReporter(clock=lambda: now[0])
    told: list[ErrorReport] = []
    reporter.reported.connect(told.append)
    report = ErrorReport("It broke.", details="trace")
    for _ in range(5):
        reporter.report(report)
    reporter.report(ErrorReport("It broke.", details="another place"))
    assert len(told) == 2
    now[0] = 31.0
    reporter.report(report)
    assert len(told) == 3


def test_an_error_of_a_worker_thread_reaches_the_gui_thread(qtbot: QtBot) -> None:
    reporter = ErrorReporter()
    window = QWidget()
    qtbot.addWidget(window)
    presenter = ErrorPresenter(window)
    reporter.reported.connect(presenter.show)
    worker = threading.Thread(target=lambda: reporter.report_error(raised(ValueError("in a thread"))))
    worker.start()
    worker.join()
    assert presenter.dialog is None
    qtbot.waitUntil(lambda: presenter.dialog is not None)
    assert presenter.dialog.thread() is window.thread()
    presenter.dialog.reject()


def test_one_dialog_at_a_time_and_its_details_can_be_copied(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    presenter = ErrorPresenter(window)
    first, second = ErrorReport("First.", details="trace one"), ErrorReport("Second.")
    for report in (first, second, first, second):
        presenter.show(report)
    dialog = presenter.dialog
    assert dialog is not None
    assert dialog.report == first
    dialog.more.click()
    dialog.copy.click()
    assert "trace one" in QGuiApplication.clipboard().text()
    assert "PySide6" in QGuiApplication.clipboard().text()
    dialog.reject()
    assert presenter.dialog is not None
    assert presenter.dialog.report == second
    presenter.dialog.reject()
    assert presenter.dialog is None


_HOOKS = """
import sys, threading
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QObject, QThread, QTimer, Signal, qWarning
from rvos_core.logging import set_up_logging
from rvos_app.errors import ErrorReporter

log = set_up_logging("studio")
app = QCoreApplication([])
reporter = ErrorReporter()
reporter.install(log.with_name("crash.log"))
told = []
reporter.reported.connect(lambda report: told.append(report.details.strip().splitlines()[-1]))

def slot():
    raise ValueError("from a slot")

def thread():
    raise ValueError("from a thread")

class Worker(QThread):
    def run(self):
        raise ValueError("from a QThread")

class Unraisable:
    def __del__(self):
        raise ValueError("from a destructor")

worker = Worker()
QTimer.singleShot(0, slot)
QTimer.singleShot(0, lambda: threading.Thread(target=thread).start())
QTimer.singleShot(0, worker.start)
QTimer.singleShot(0, lambda: Unraisable() and None)
QTimer.singleShot(0, lambda: qWarning("from Qt"))
QTimer.singleShot(500, app.quit)
app.exec()
worker.wait()
for line in sorted(told):
    print(line)
reporter.uninstall()
"""


def test_the_hooks_catch_slots_threads_destructors_and_qt(tmp_path: Path) -> None:
    environment = {"RVOS_LOG_DIR": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", _HOOKS],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**_clean(), **environment},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "ValueError: from a QThread",
        "ValueError: from a slot",
        "ValueError: from a thread",
    ]
    log = (tmp_path / "studio.log").read_text(encoding="utf-8")
    for text in ("from a slot", "from a thread", "from a QThread", "from a destructor", "from Qt"):
        assert text in log


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("RVOS_")}


@pytest.mark.parametrize("error", [MemoryError(), KeyError("frame")])
def test_every_other_error_has_a_sentence_and_a_hint(error: Exception) -> None:
    report = describe(raised(error))
    assert report.message
    assert report.hint
    assert "Traceback" in report.details
    assert "Traceback" not in report.message
