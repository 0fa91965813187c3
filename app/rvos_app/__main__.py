"""`rvos-studio`: the arguments, the log, the window."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from rvos_core import __version__
from rvos_core.logging import environment, set_up_logging

_log = logging.getLogger("rvos.app")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; exits with 2 where it is wrong."""
    parser = argparse.ArgumentParser(
        prog="rvos-studio", description="Describe an object in a clip, get its mask on every frame."
    )
    parser.add_argument(
        "video", nargs="?", type=Path, metavar="VIDEO", help="a video file, a folder of numbered images, or a project"
    )
    parser.add_argument("--expression", default="", metavar="TEXT", help="put this sentence into the field")
    parser.add_argument("--model", metavar="NAME|PATH", help="the model to use, by name or as a folder")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:1, mps")
    parser.add_argument(
        "--safe", action="store_true", help="start with default settings, save none, and log everything"
    )
    parser.add_argument("--version", action="version", version=f"rvos-studio {__version__}")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the studio until its window closes. Returns: the exit code."""
    chosen = parse(sys.argv[1:] if arguments is None else arguments)
    log_path = set_up_logging("studio", debug=chosen.safe)
    _log.info("%s", environment())
    app = QApplication(sys.argv[:1])
    app.setApplicationName("RVOS Studio")
    app.setDesktopFileName("rvos-studio")

    from rvos_app.bootstrap import Studio
    from rvos_app.errors import ErrorReporter
    from rvos_app.settings import Settings, SettingsStore

    reporter = ErrorReporter()
    reporter.install(log_path.with_name("studio-crash.log"))
    store = None if chosen.safe else SettingsStore()
    settings = store.load() if store else Settings()
    settings.model = chosen.model or settings.model
    settings.device = chosen.device or settings.device
    studio = Studio(app, settings=settings, store=store, reporter=reporter)
    signal.signal(signal.SIGINT, lambda _number, _frame: QTimer.singleShot(0, studio.window.close))
    studio.start(chosen.video.absolute() if chosen.video else None, expression=chosen.expression)
    code = app.exec()
    studio.shut_down()
    reporter.uninstall()
    return code


if __name__ == "__main__":
    sys.exit(main())
