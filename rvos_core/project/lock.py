"""One writer a project, over all programs: an operating system's lock on a file beside it.

The system itself lets go of it when its holder ends, however it ends; so no lock is ever stale. Who holds it is read
from the project (`session`). QLockFile does the same in Qt programs; the command line has no Qt (docs/decisions/0013).
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

from filelock import FileLock, Timeout

from rvos_core.errors import UserError
from rvos_core.files import write_error

_log = logging.getLogger("rvos.project")

_WAIT_S = 0.1


class WriterLock:
    """Held by whoever may write. Raises on making: `LockHeld` where another program has it, UserError: no lock file."""

    def __init__(self, project: Path) -> None:
        self._path = lock_path(project)
        self._lock = FileLock(self._path, thread_local=False)
        try:
            self._lock.acquire(timeout=_WAIT_S)
        except Timeout:
            raise LockHeld from None
        except OSError as error:
            raise write_error(self._path, error) from error

    def release(self) -> None:
        """Let go. The file is removed while it is still held: whoever opened it meanwhile finds it gone and retries."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        self._lock.release()


class LockHeld(UserError):
    """Another program has the project open for writing."""

    def __init__(self) -> None:
        super().__init__("Another program has this project open.", code="project.in_use")


def lock_path(project: Path) -> Path:
    """Where the lock file of a project lies; a link and its target share one."""
    real = Path(os.path.realpath(project))
    return real.with_name(f".{real.name}.lock")
