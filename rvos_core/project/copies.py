"""Copies of a project: *Save a copy*, *Save as*, and backups that rotate.

A copy is made by `VACUUM INTO` a hidden name, checked, synced and renamed (`atomic_file`); copying the bare file could
miss what still lies in the log beside it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import apsw

from rvos_core.errors import UserError
from rvos_core.files import atomic_file, require_free_space, writing
from rvos_core.project.database import LOGS, check_name, connect, look, quick_check, require_own_schema
from rvos_core.project.errors import project_error, project_errors, shown
from rvos_core.project.schema import SUFFIX
from rvos_core.project.sql import fetch

_log = logging.getLogger("rvos.project")

_HOUR, _DAY, _WEEK = 3600.0, 86400.0, 7 * 86400.0
_RULE = ((_HOUR, 4), (_DAY, 8), (_WEEK, 7), (float("inf"), 4))  # of the last hour, day, week, and older
_STEM_BYTES = 80  # a whole path may have 512 bytes (SQLite), and the folder has the name already
_SHRUNK = 0.1  # a backup with less than this share of the masks never drives out a fuller one


def write_copy(connection: apsw.Connection, source: Path, target: Path) -> None:
    """A whole, compact copy of what is committed. Raises: UserError: it cannot be written; an old file then stays."""
    try:
        size = source.stat().st_size
    except OSError as error:
        raise project_error(source, apsw.CantOpenError(str(error))) from error
    require_free_space(target.parent, size)

    def verify(part: Path) -> None:
        look(part)
        with project_errors(target):
            copy = connect(part, "read")
        try:
            require_own_schema(copy, target)
            quick_check(copy, target)
        finally:
            copy.close()

    with atomic_file(target, verify=verify) as part, project_errors(target):
        connection.execute("VACUUM INTO ?", (str(part),))
        _mark_closed(part)


def _mark_closed(copy: Path) -> None:
    """Nobody has the copy open; its open sessions are those of its source."""
    connection = connect(copy, "write")
    try:
        connection.execute("UPDATE session SET closed=opened WHERE closed IS NULL")
    finally:
        connection.close()


@dataclass(frozen=True)
class Backup:
    """One backup. `masks`: how many it holds."""

    path: Path
    made: float
    masks: int


def backup_folder(project: Path) -> Path:
    """Where the backups of a project lie."""
    return project.with_name(f"{project.stem}-backups")


def write_backup(connection: apsw.Connection, project: Path, *, folder: Path | None = None) -> Backup:
    """Make a backup and rotate the older ones out. Raises: UserError: it cannot be written."""
    place = folder or backup_folder(project)
    (masks,) = fetch(connection, "SELECT count(*) FROM mask INDEXED BY mask_lane")[0]
    now = time.time()
    stamp = time.strftime("%Y-%m-%d_%H-%M-%S", time.localtime(now)) + f"-{int(now % 1 * 1000):03d}"
    target = place / f"{_short(project.stem)}_{stamp}_{masks}{project.suffix}"
    write_copy(connection, project, target)
    rotate(backups_in(place, project.stem))
    return Backup(target, now, int(masks))


def backups_in(folder: Path, stem: str) -> list[Backup]:
    """The backups of a project, oldest first. Raises: UserError: the folder cannot be read."""
    found = []
    try:
        for path in folder.iterdir():
            masks = path.stem.rpartition("_")[2]
            if path.suffix == SUFFIX and path.name.startswith((f"{_short(stem)}_", f"{stem}_")) and masks.isdigit():
                with contextlib.suppress(FileNotFoundError):  # rotated out at this moment
                    found.append(Backup(path, path.stat().st_mtime, int(masks)))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(
            f"The backups in {shown(folder)} cannot be read: {(error.strerror or str(error)).lower()}.",
            hint="Check that it is a folder, and that you may read and write it.",
            code="files.cannot_read",
        ) from error
    return sorted(found, key=lambda each: (each.made, each.path.name))


def _short(stem: str) -> str:
    """As much of a project's name as leaves room for time and number in that of a backup."""
    return os.fsencode(stem)[:_STEM_BYTES].decode("utf-8", "ignore")


def rotate(backups: Sequence[Backup], *, now: float | None = None) -> list[Backup]:
    """Delete what the rule does not keep. Returns: what went."""
    kept = set(to_keep(backups, now=time.time() if now is None else now))
    gone = [each for each in backups if each not in kept]
    for each in gone:
        try:
            each.path.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("%s cannot be removed: %s", each.path, error)
    return gone


def to_keep(backups: Sequence[Backup], *, now: float) -> list[Backup]:
    """Which backups stay: 4 of the last hour, 8 of the day, 7 of the week, 4 older ones, spread evenly in time.

    The fullest one stays beside them where the newest lost nearly all masks: an empty project drives no good one out.
    """
    if not backups:
        return []
    kept: list[Backup] = []
    younger = 0.0
    for limit, number in _RULE:
        inside = [each for each in backups if younger <= now - each.made < limit or (younger == 0 and each.made > now)]
        kept += _spread(inside, number)
        younger = limit
    fullest = max(backups, key=lambda each: (each.masks, each.made))
    newest = max(backups, key=lambda each: each.made)
    if newest.masks < fullest.masks * _SHRUNK and fullest not in kept:
        kept.append(fullest)
    return kept


def _spread(backups: Sequence[Backup], number: int) -> list[Backup]:
    """The newest, the oldest, and some between."""
    ordered = sorted(backups, key=lambda each: each.made)
    if len(ordered) <= number:
        return list(ordered)
    step = (len(ordered) - 1) / (number - 1)
    return [ordered[round(index * step)] for index in range(number)]


def save_as(connection: apsw.Connection, source: Path, target: Path) -> None:
    """As `write_copy`, but never over a project that another program has open. Raises: UserError."""
    from rvos_core.project.lock import LockHeld, WriterLock

    check_name(target)
    with writing(target):
        same = target.exists() and target.samefile(source)
    if same:
        raise UserError(f"{target.name} is the project itself.", hint="Choose another name.", code="project.same_file")
    try:
        lock = WriterLock(target)
    except LockHeld:
        raise UserError(
            f"{target} is open in another program.", hint="Choose another name.", code="project.in_use"
        ) from None
    try:
        _fold_log(target)
        write_copy(connection, source, target)
    finally:
        lock.release()


def is_free(target: Path) -> bool:
    """True where nothing is at `target`, or an empty file, as a killed program leaves it.

    Logs beside it belong to nothing any more and are removed. Raises: UserError: it cannot be told.
    """
    with writing(target):
        if target.exists() and (not target.is_file() or target.stat().st_size):
            return False
        for log in LOGS:
            target.with_name(target.name + log).unlink(missing_ok=True)
    return True


def _fold_log(target: Path) -> None:
    """An old project at `target` takes its log in, so that the log is never read into the file that replaces it."""
    if is_free(target) or not any(target.with_name(target.name + log).exists() for log in LOGS):
        return
    with project_errors(target):
        look(target)
        old = connect(target, "write")
        try:
            fetch(old, "SELECT count(*) FROM sqlite_schema")  # takes back what an older journal holds
            fetch(old, "PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            old.close()
