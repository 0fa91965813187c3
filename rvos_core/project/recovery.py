"""After a crash, and for damaged files: what a project holds, said by a process of its own; and what can be saved.

Nothing here writes to the project. It is examined as a copy, in a subprocess with a time limit, so that a file that
makes SQLite (or us) fail takes nothing else down.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import apsw

from rvos_core.errors import UserError
from rvos_core.files import atomic_file, require_free_space, writing
from rvos_core.project.codec import DamagedRow
from rvos_core.project.database import LOGS, check_name, connect, create, version_of
from rvos_core.project.errors import damaged, project_errors, shown
from rvos_core.project.reading import ProjectReader
from rvos_core.project.records import MediaRecord, ObjectRecord
from rvos_core.project.rows import Row, Rows, verified
from rvos_core.project.schema import JOURNALED, MEDIA, OBJECT, SUFFIX, Table
from rvos_core.project.sql import fetch, number

_log = logging.getLogger("rvos.project")

_TIMEOUT_S = 60.0
_STEM_BYTES = 200  # leaves room for the time
_LOST_COLOUR = (79, 195, 247)


@dataclass(frozen=True)
class Examination:
    """What a project holds. `problem`: the sentence for a person where something is wrong, else empty."""

    problem: str
    clips: tuple[str, ...] = ()
    objects: int = 0
    masks: int = 0
    last_edit: str = ""
    last_edit_at: float = 0.0
    snapshot: str = ""
    interrupted: tuple[str, ...] = ()  # expressions of runs that can go on


@dataclass(frozen=True)
class RecoveryReport:
    """What was saved from a damaged project, by table: rows that were written, rows that were lost for sure."""

    kept: dict[str, int]
    lost: dict[str, int]
    notes: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return not any(self.lost.values()) and not self.notes


def examine(path: Path, *, timeout_s: float = _TIMEOUT_S) -> Examination:
    """Look at a copy of the project in a subprocess. Never raises for what is wrong with the project itself."""
    with tempfile.TemporaryDirectory(prefix="rvos-recovery-") as folder:
        try:
            copy = copy_with_log(path, Path(folder))
            done = subprocess.run(
                [sys.executable, "-m", "rvos_core.project.examine", str(copy), str(path)],
                capture_output=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Examination(f"{shown(path)} could not be read within {timeout_s:.0f} s.")
        except UserError as error:
            return Examination(str(error))
    try:
        found: dict[str, Any] = json.loads(done.stdout)
        return Examination(**{**found, "clips": tuple(found["clips"]), "interrupted": tuple(found["interrupted"])})
    except (ValueError, TypeError, KeyError):
        return Examination(f"{shown(path)} could not be read: the attempt ended with code {done.returncode}.")


def examine_here(path: Path, name: Path) -> Examination:
    """As `examine`, in this process. `name`: the path that sentences speak of."""
    try:
        with ProjectReader(path) as reader:
            reader.check()
            done = [each for each in reader.edits() if not each.undone]
            names = reader.snapshots()
            return Examination(
                "",
                tuple(shown(Path(each.absolute_path.name)) for each in reader.media()),
                len(reader.objects()),
                reader.mask_count(),
                done[-1].name if done else "",
                done[-1].created if done else 0.0,
                names[-1].name if names else "",
                tuple(run.expression for run in reader.interrupted()),
            )
    except UserError as error:
        return Examination(str(error).replace(str(path), str(name)))


def copy_with_log(path: Path, folder: Path) -> Path:
    """Copy a project with the log beside it, as they lie. Raises: UserError."""
    require_free_space(folder, path.stat().st_size if path.exists() else 0)
    target = folder / "copy.rvos"
    with writing(target):
        shutil.copyfile(path, target)
        for helper in LOGS:
            beside = path.with_name(path.name + helper)
            if beside.exists():
                shutil.copyfile(beside, target.with_name(target.name + helper))
    return target


def save_for_support(path: Path, target: Path) -> None:
    """The project and its log, as they lie, in a zip file. Raises: UserError."""
    with atomic_file(target) as part, writing(target), zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in (path.name, *(path.name + helper for helper in LOGS)):
            if path.with_name(name).exists():
                archive.write(path.with_name(name), name)


def recovered_path(path: Path) -> Path:
    """Where what is saved of a damaged project goes, if nobody says otherwise: beside it."""
    stem = os.fsencode(path.stem)[:_STEM_BYTES].decode("utf-8", "ignore")
    return path.with_name(f"{stem} recovered {time.strftime('%Y-%m-%d %H-%M-%S')}{SUFFIX}")


def recover(path: Path, target: Path) -> RecoveryReport:
    """Write every row that can be read and whose checksum fits into a new project. History and runs stay behind.

    Raises:
        UserError: nothing can be read, or the target cannot be written.
    """
    check_name(target)
    with writing(target):
        exists = target.exists()
    if exists:
        raise UserError(f"{shown(target)} exists already.", hint="Choose another name.", code="project.exists")
    kept: dict[str, int] = {}
    lost: dict[str, int] = {}
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="rvos-recovery-") as folder:
        copy = copy_with_log(path, Path(folder))
        with project_errors(path):
            source = connect(copy, "read")
        try:
            with atomic_file(target) as part, project_errors(target):
                create(part)
                connection = connect(part, "write")
                try:
                    connection.execute("PRAGMA foreign_keys=OFF")  # parents may come after their children, or be lost
                    found = version_of(source)
                    for table in (each for each in JOURNALED.values() if each.since <= found):
                        kept[table.name], lost[table.name] = _save_table(table, source, connection, notes)
                    _give_parents(connection, notes)
                finally:
                    connection.close()
                if not any(kept.values()):
                    raise damaged(path, "nothing in it can be read")
        finally:
            source.close()
    return RecoveryReport(kept, lost, tuple(notes))


def _save_table(table: Table, source: apsw.Connection, target: apsw.Connection, notes: list[str]) -> tuple[int, int]:
    rows = Rows(target)
    kept = lost = 0
    with target:
        for stored in _readable(table, source, notes):
            try:
                rows.put(table, verified(table, stored))
                kept += 1
            except (DamagedRow, apsw.Error, TypeError):
                lost += 1
    return kept, lost


def _readable(table: Table, source: apsw.Connection, notes: list[str]) -> Iterator[Row]:
    """Rows from the front until a broken page, then from the back until it."""
    columns = ", ".join((*table.columns, "crc"))
    seen: set[Row] = set()
    for direction in ("ASC", "DESC"):
        order = ", ".join(f"{name} {direction}" for name in table.key_columns)
        try:
            for row in source.execute(f"SELECT {columns} FROM {table.name} ORDER BY {order}"):
                key = row[: table.key_length]
                if key in seen:
                    return
                seen.add(key)
                yield row
            if direction == "ASC":
                return
        except (apsw.Error, UnicodeDecodeError) as error:
            if direction == "ASC":
                notes.append(f"“{table.name}” has a broken place ({error}).")


def _give_parents(connection: apsw.Connection, notes: list[str]) -> None:
    """Masks and expressions whose object was lost get a new one, objects whose clip was lost a clip to be relinked."""
    rows = Rows(connection)
    with connection:
        for (object_id,) in fetch(
            connection,
            "SELECT object_id FROM (SELECT object_id FROM mask UNION SELECT object_id FROM expression)"
            " WHERE object_id NOT IN (SELECT object_id FROM object)",
        ):
            media = number(connection, "SELECT coalesce(min(media_id), 1) FROM media")
            rows.put(OBJECT, ObjectRecord(object_id, media, object_id, f"object {object_id}", _LOST_COLOUR).row())
            notes.append(f"Object {object_id} itself was lost; its masks have a new one of that number.")
        for (media_id,) in fetch(
            connection, "SELECT DISTINCT media_id FROM object WHERE media_id NOT IN (SELECT media_id FROM media)"
        ):
            height, width = (fetch(connection, "SELECT height, width FROM mask LIMIT 1") or [(1, 1)])[0]
            frames = number(connection, "SELECT coalesce(max(frame), 0) + 1 FROM mask")
            rows.put(MEDIA, _lost_clip(media_id, height, width, frames).row())
            notes.append(f"Clip {media_id} itself was lost; choose its file again.")
        for table in ("look", "trimap"):
            connection.execute(f"DELETE FROM {table} WHERE object_id NOT IN (SELECT object_id FROM object)")


def _lost_clip(media_id: int, height: int, width: int, frames: int) -> MediaRecord:
    """A clip of which only the masks are left: it lies nowhere, at 24 frames a second."""
    return MediaRecord(
        media_id,
        media_id,
        "video",
        None,
        Path("lost clip"),
        0,
        "",
        width,
        height,
        frames,
        Fraction(24),
        Fraction(1, 24),
        "",
    )


def as_json(found: Examination) -> str:
    """For the process that asked."""
    return json.dumps(asdict(found))
