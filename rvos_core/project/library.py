"""The studio's own folder: projects never saved, what was open when a program ended, and a trash of 30 days."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import secrets
import shutil
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from rvos_core.errors import UserError
from rvos_core.files import write_file, writing
from rvos_core.project.copies import backup_folder
from rvos_core.project.lock import LockHeld, WriterLock
from rvos_core.project.schema import SUFFIX

_log = logging.getLogger("rvos.project")

_TRASH_DAYS = 30
_TRIES = 2
_HELPERS = ("-wal", "-shm", "-journal")


@dataclass(frozen=True)
class LeftOpen:
    """A project that a program had open when it ended.

    Attributes:
        opened: seconds since 1970.
        tries: how often its recovery was begun without ending; from 2 on it is left alone.
    """

    path: Path
    opened: float
    tries: int

    @property
    def quarantined(self) -> bool:
        return self.tries >= _TRIES


class Library:
    """Args: folder: None takes `$RVOS_DATA_DIR` or the person's data folder."""

    def __init__(self, folder: Path | None = None) -> None:
        chosen = os.environ.get("RVOS_DATA_DIR")
        default = Path(chosen) if chosen else user_data_path("rvos-studio", appauthor=False)
        self.folder = folder or default
        self._untitled = self.folder / "projects"
        self._open = self.folder / "open"
        self._trash = self.folder / "trash"

    @staticmethod
    def in_temporary_folder() -> Library:
        """A folder for where the person's own cannot be written. It lasts as long as the system keeps such things."""
        return Library(Path(tempfile.mkdtemp(prefix="rvos-studio-")))

    # -- projects without a name -------------------------------------------------------------------------------------

    def new_untitled(self, clip: str) -> Path:
        """A path for the project of a clip that nobody has saved yet. Raises: UserError: the folder cannot be made."""
        with writing(self._untitled):
            self._untitled.mkdir(parents=True, exist_ok=True)
        stem = "".join(each if each.isalnum() or each in "-_ " else "_" for each in clip)[:60].strip() or "clip"
        return self._untitled / f"{stem} {time.strftime('%Y-%m-%d %H-%M')} {secrets.token_hex(2)}{SUFFIX}"

    def is_untitled(self, path: Path) -> bool:
        """True for a project that lies here because it was never saved."""
        return path.parent == self._untitled

    def untitled(self) -> list[Path]:
        """Projects that were never saved, the latest first."""
        found = list(self._untitled.glob(f"*{SUFFIX}")) if self._untitled.is_dir() else []
        return sorted(found, key=lambda each: each.stat().st_mtime, reverse=True)

    def thumbnail(self, path: Path) -> Path:
        """Where the small picture of a project or clip lies, if there is one."""
        return self.folder / "thumbnails" / f"{_digest(path)}.png"

    def forget_untitled(self, path: Path) -> None:
        """A project here is not needed any more: nobody worked on it, or it has a name elsewhere. Never fails."""
        if self.is_untitled(path):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            shutil.rmtree(backup_folder(path), ignore_errors=True)

    # -- what was open -----------------------------------------------------------------------------------------------

    def mark_open(self, path: Path) -> None:
        """Note that a project is open here, so that the next start can ask about it. Never fails."""
        self._write_mark(LeftOpen(path, time.time(), 0))

    def mark_closed(self, path: Path) -> None:
        """It was closed in order, or the person decided about it."""
        with contextlib.suppress(OSError):
            self._mark(path).unlink(missing_ok=True)

    def left_open(self) -> list[LeftOpen]:
        """Projects whose program ended without closing them, the latest first; those still open elsewhere are not."""
        found = []
        for mark in self._open.glob("*.json") if self._open.is_dir() else ():
            entry = _read_mark(mark)
            if entry is None or not entry.path.exists():
                with contextlib.suppress(OSError):
                    mark.unlink()
                continue
            if not _held(entry.path):
                found.append(entry)
        return sorted(found, key=lambda each: each.opened, reverse=True)

    def begin_try(self, entry: LeftOpen) -> None:
        """Its recovery begins; where that never ends twice, the project is left alone at the next start."""
        self._write_mark(LeftOpen(entry.path, entry.opened, entry.tries + 1))

    def _write_mark(self, entry: LeftOpen) -> None:
        content = {
            "path": os.fsencode(entry.path).hex(),
            "opened": entry.opened,
            "tries": entry.tries,
            "host": socket.gethostname(),
        }
        try:
            write_file(self._mark(entry.path), json.dumps(content).encode())
        except UserError as error:
            _log.warning("it cannot be noted that %s is open: %s", entry.path, error)

    def _mark(self, path: Path) -> Path:
        return self._open / f"{_digest(path)}.json"

    # -- trash -------------------------------------------------------------------------------------------------------

    def discard(self, path: Path) -> Path:
        """Move a project (with what lies beside it) to the trash. Returns: where it lies now. Raises: UserError."""
        place = self._trash / f"{int(time.time())}-{secrets.token_hex(3)}"
        with writing(place):
            place.mkdir(parents=True)
            for name in (path.name, *(path.name + helper for helper in _HELPERS)):
                source = path.with_name(name)
                if source.exists():
                    shutil.move(source, place / name)
        self.mark_closed(path)
        return place / path.name

    def sweep(self, *, now: float | None = None) -> None:
        """Delete what has been in the trash for 30 days. Never fails."""
        limit = (time.time() if now is None else now) - _TRASH_DAYS * 86400
        for place in self._trash.glob("*-*") if self._trash.is_dir() else ():
            began = place.name.partition("-")[0]
            if began.isdigit() and int(began) < limit:
                shutil.rmtree(place, ignore_errors=True)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:24]


def _read_mark(mark: Path) -> LeftOpen | None:
    try:
        content = json.loads(mark.read_text(encoding="utf-8"))
        path = Path(os.fsdecode(bytes.fromhex(content["path"])))
        return LeftOpen(path, float(content["opened"]), int(content["tries"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.warning("%s cannot be read: %s", mark, error)
        return None


def _held(path: Path) -> bool:
    """True where a program has the project open now."""
    try:
        WriterLock(path).release()
    except LockHeld:
        return True
    except UserError:
        return False
    return False
