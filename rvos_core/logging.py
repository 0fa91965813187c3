"""One log file per program, by topic: `rvos.media`, `rvos.model`, `rvos.project`, `rvos.jobs`.

The file is made with the first record, so a command that has nothing to say leaves none behind.
"""

from __future__ import annotations

import logging
import os
import platform
import tempfile
from pathlib import Path

from platformdirs import user_log_path

_ROOT = "rvos"
_TOO_LARGE_BYTES = 2 * 1024 * 1024
_FORMAT = "%(asctime)s %(levelname)s %(name)s [%(threadName)s] %(message)s"


def log_file(program: str = "rvos") -> Path:
    """Where `program` logs: in `$RVOS_LOG_DIR`, else the person's log folder, else (not writable) the temporary one."""
    chosen = os.environ.get("RVOS_LOG_DIR")
    folder = Path(chosen) if chosen else user_log_path("rvos-studio", appauthor=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(folder)
    except OSError:
        folder = Path(tempfile.gettempdir())
    return folder / f"{program}.log"


def set_up_logging(program: str = "rvos", *, debug: bool = False, to_stderr: bool = False) -> Path:
    """Send the `rvos.*` loggers to the log file, and with `to_stderr` to the terminal too.

    Calling it again replaces the former set-up. A file above 2 MiB is kept once as `<name>.1` and a new one begun.

    Returns:
        The path of the log file (it may not exist yet).
    """
    path = log_file(program)
    root = logging.getLogger(_ROOT)
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    root.propagate = False
    handlers: list[logging.Handler] = [_file_handler(path)]
    if to_stderr:
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(logging.Formatter(_FORMAT))
        root.addHandler(handler)
    return path


def environment() -> str:
    """One line for the head of a log or a report: program, Python, system."""
    from rvos_core import __version__

    return f"RVOS Studio {__version__}, Python {platform.python_version()}, {platform.platform()}"


def _file_handler(path: Path) -> logging.Handler:
    try:
        if path.stat().st_size > _TOO_LARGE_BYTES:
            path.replace(path.with_name(path.name + ".1"))
    except OSError:
        pass  # no file yet, or another process holds it: append
    return logging.FileHandler(path, encoding="utf-8", delay=True)
