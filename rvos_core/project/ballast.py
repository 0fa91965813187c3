"""A few megabytes kept beside an open project, given up when the disk is full so that the last edit still fits."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from pathlib import Path

_log = logging.getLogger("rvos.project")

_SIZE_BYTES = 8 * 1024 * 1024
_SHARE_OF_FREE = 20  # a disk with less than this many times the ballast keeps none


class Ballast:
    """Made with the project's opening, removed with its closing; a disk that has no room for it goes without."""

    def __init__(self, project: Path) -> None:
        self._path = project.with_name(f".{project.name}.ballast")
        try:
            if shutil.disk_usage(project.parent).free < _SIZE_BYTES * _SHARE_OF_FREE:
                return
            with self._path.open("wb") as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, _SIZE_BYTES)
                else:
                    file.write(b"\0" * _SIZE_BYTES)
        except OSError as error:
            _log.info("no ballast beside %s: %s", project, error)
            self.remove()

    def release(self) -> bool:
        """Give the room up. Returns: whether there was any."""
        existed = self._path.exists()
        self.remove()
        return existed

    def remove(self) -> None:
        """Take the file away, if it is there."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
