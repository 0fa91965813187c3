"""One place where every error ends: the log file, and one dialog with details that can be copied.

An exception in a worker thread reaches `sys.excepthook` in that thread; a queued signal tells it to the GUI thread.
"""

from __future__ import annotations

import faulthandler
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler

from rvos_app.i18n import tr
from rvos_core.errors import UserError

_log = logging.getLogger("rvos.app")
_qt_log = logging.getLogger("rvos.qt")

_QUIET_S = 30.0
_QUIET_EXPECTED_S = 2.0  # a person who tries again wants to be told again
_QT_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


@dataclass(frozen=True)
class ErrorReport:
    """What a person is told. `message`: what and where; `hint`: what to do; `details`: for a bug report, plain text."""

    message: str
    hint: str = ""
    code: str = "error"
    details: str = ""
    expected: bool = False  # True for a `UserError`: the program is well, the input is not


def describe(error: BaseException) -> ErrorReport:
    """Turn an exception into a report that holds only text, so that nothing of the failed work is kept alive."""
    details = "".join(traceback.format_exception(error))
    cause = _user_error(error)
    if cause is not None:
        return ErrorReport(cause.message, cause.hint, cause.code, details, expected=True)
    if isinstance(error, MemoryError):
        hint = tr("Close other programs, or choose a smaller window, and run again.")
        return ErrorReport(tr("There is not enough memory for this."), hint, "memory", details)
    message = tr("Something went wrong inside the program: {kind}.", kind=type(error).__name__)
    hint = tr("Your masks are kept. Please copy the details and report them; restart if anything looks odd.")
    return ErrorReport(message, hint, "internal", details)


def _user_error(error: BaseException | None) -> UserError | None:
    """The `UserError` in the chain of causes, if there is one (signal libraries wrap what a callback raises)."""
    while error is not None:
        if isinstance(error, UserError):
            return error
        error = error.__cause__
    return None


class ErrorReporter(QObject):
    """Logs every error and tells it once to whoever shows it; the same error within 30 s is only logged.

    Args:
        clock: seconds, monotonic; tests give their own.
    """

    reported = Signal(object)  # ErrorReport; connect a method of a GUI-thread object

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self._lock = threading.Lock()
        self._last_told: dict[tuple[str, str], float] = {}
        self._crash_file: IO[str] | None = None
        self._previous: tuple[Any, Any, Any] | None = None

    def report(self, report: ErrorReport) -> None:
        """Log `report` and tell it, from any thread."""
        if report.expected:
            _log.warning("%s [%s] %s", report.message, report.code, report.hint)
        else:
            _log.error("%s [%s]\n%s", report.message, report.code, report.details)
        if self._is_news(report):
            self.reported.emit(report)

    def report_error(self, error: BaseException) -> None:
        """Log an exception and tell it, from any thread."""
        self.report(describe(error))

    def _is_news(self, report: ErrorReport) -> bool:
        key = (report.message, "" if report.expected else report.details)
        now = self._clock()
        with self._lock:
            last = self._last_told.get(key)
            if last is not None and now - last < (_QUIET_EXPECTED_S if report.expected else _QUIET_S):
                return False
            self._last_told[key] = now
        return True

    # -- hooks ---------------------------------------------------------------------------------------------------

    def install(self, crash_file: Path) -> None:
        """Catch what nothing else catches: exceptions of all threads, Qt's messages, and crashes (to `crash_file`)."""
        self._previous = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception
        sys.unraisablehook = self._on_unraisable
        qInstallMessageHandler(_on_qt_message)
        try:
            self._crash_file = crash_file.open("a", encoding="utf-8")
        except OSError as error:
            _log.warning("no crash file at %s: %s", crash_file, error)
        else:
            faulthandler.enable(self._crash_file)

    def uninstall(self) -> None:
        """Give the hooks back."""
        if self._previous is not None:
            sys.excepthook, threading.excepthook, sys.unraisablehook = self._previous
            self._previous = None
            qInstallMessageHandler(None)
        if self._crash_file is not None:
            faulthandler.disable()
            self._crash_file.close()
            self._crash_file = None

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        self.report_error(error.with_traceback(trace))

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
            self.report_error(args.exc_value)

    def _on_unraisable(self, args: sys.UnraisableHookArgs) -> None:
        # Raised where nobody can catch it (a destructor): worth a log line, not a dialog.
        _log.error("unraisable in %r", args.object, exc_info=args.exc_value)


def _on_qt_message(kind: QtMsgType, context: QMessageLogContext, message: str | None) -> None:
    _qt_log.log(_QT_LEVELS.get(kind, logging.INFO), "%s %s", message, context.category or "")
