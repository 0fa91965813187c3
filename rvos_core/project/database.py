"""Opening the file: what it is, whether it can be trusted, and the settings that every connection has.

Nothing is executed from a file that is not exactly one of ours: its tables are compared with those of its version, and
triggers, views and further tables are refused, before anything is read or written (sqlite.org/security.html).
"""

from __future__ import annotations

import logging
import os
import stat
import struct
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import apsw

from rvos_core.errors import UserError
from rvos_core.project.errors import damaged, not_a_project, project_errors, shown
from rvos_core.project.schema import APPLICATION_ID, STEPS, SUFFIX, VERSION, expected_objects, schema_objects
from rvos_core.project.sql import fetch

_log = logging.getLogger("rvos.project")

Mode = Literal["write", "read"]
LOGS = ("-wal", "-journal")  # what lies beside a project that was not closed, and holds a part of it

_MAGIC = b"SQLite format 3\0"
_APPLICATION_ID_AT = 68
_HEADER_BYTES = 100
_BUSY_MS = 5000
_MAX_NAME_BYTES = 240  # of 255: the lock, the log and the copies add to it
_CACHE_KIB = 16 * 1024
_NETWORK_KINDS = ("nfs", "cifs", "smb", "9p", "afp", "davfs", "fuse", "ncpfs", "ceph", "glusterfs")


def check_name(path: Path) -> None:
    """Raises: UserError: no project can have that name."""
    if path.suffix != SUFFIX:
        raise UserError(
            f"{shown(path)} does not end in {SUFFIX}.",
            hint=f"Give the project a name like clip{SUFFIX}.",
            code="project.bad_name",
        )
    if len(os.fsencode(path.name)) > _MAX_NAME_BYTES:
        raise UserError(
            f"The name of {shown(path)[:80]}… is too long for the files that lie beside a project.",
            hint=f"Choose a name of at most {_MAX_NAME_BYTES} bytes.",
            code="files.name_too_long",
        )


def look(path: Path) -> None:
    """Find out from the outside whether `path` can be a project, without SQLite. Raises: UserError: it cannot."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        raise UserError(
            f"The path {shown(path)} holds characters that are not UTF-8.",
            hint="Rename the file or its folder.",
            code="project.bad_path",
        ) from None
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise not_a_project(path, "it is a folder")
        if not stat.S_ISREG(status.st_mode):
            raise not_a_project(path, "it is not a regular file")
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        raise UserError(f"{shown(path)} does not exist.", hint="Check the name.", code="project.missing") from None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UserError(
            f"{shown(path)} cannot be read: {why}.",
            hint="Check the name, that the disk is connected, and that you may read the file.",
            code="project.cannot_open",
        ) from error
    if not header:
        raise not_a_project(path, "it is empty (0 bytes)")
    if not header.startswith(_MAGIC):
        raise not_a_project(path, "its content is something else")
    if len(header) < _HEADER_BYTES or struct.unpack_from(">I", header, _APPLICATION_ID_AT)[0] != APPLICATION_ID:
        raise not_a_project(path, "it is a database of another program")


def connect(path: Path, mode: Mode) -> apsw.Connection:
    """A connection with our settings; the schema is not looked at. Raises: apsw.Error."""
    if mode == "write":
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    else:
        connection = _connect_to_read(path)
    connection.set_busy_timeout(_BUSY_MS)
    for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0", f"cache_size=-{_CACHE_KIB}"):
        connection.execute(f"PRAGMA {pragma}")
    if mode == "write":
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=FULL")
    return connection


def _connect_to_read(path: Path) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    uri = f"file:{quote(str(path))}"
    connection = apsw.Connection(f"{uri}?mode=ro", flags=flags)
    try:
        fetch(connection, "SELECT count(*) FROM sqlite_schema")
    except (apsw.CantOpenError, apsw.ReadOnlyError):
        connection.close()  # a folder where not even the helper files can be made: nobody writes there
        if _roll_back(path):
            return apsw.Connection(f"{uri}?mode=ro", flags=flags)
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            raise UserError(
                f"{shown(path)} has changes in the log beside it, which cannot be read in a read-only folder.",
                hint=f"Copy {path.name} and {log.name} together into a folder of your own, and open the copy.",
                code="project.cannot_open",
            ) from None
        return apsw.Connection(f"{uri}?mode=ro&immutable=1", flags=flags)
    except apsw.Error:
        connection.close()
        raise
    return connection


def _roll_back(path: Path) -> bool:
    """Let SQLite take back what a killed program had begun in the older journal. Returns: whether there was any."""
    journal = path.with_name(f"{path.name}-journal")
    if not journal.exists() or not journal.stat().st_size:
        return False
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    finally:
        connection.close()
    return True


def create(path: Path) -> None:
    """Make an empty project of the newest version; nothing may be there yet. Raises: apsw.Error."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
    try:
        fetch(connection, "PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA synchronous=FULL")
        with connection:
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={VERSION}")
            for step in STEPS:
                connection.execute(step)
    finally:
        connection.close()


def use_journal(connection: apsw.Connection, path: Path) -> str:
    """Take the write-ahead log, or on network disks and where it is refused the slower journal. Returns: its name."""
    wanted = "delete" if on_network(path) else "wal"
    (found,) = fetch(connection, f"PRAGMA journal_mode={wanted}")[0]
    if found != wanted:
        _log.warning("%s: the journal is %s, not %s", path, found, wanted)
    return str(found)


def on_network(path: Path) -> bool:
    """True where the folder lies on a disk of another machine (or a FUSE one), as far as the system tells."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return str(path).startswith("\\\\")
    real = os.path.realpath(path.parent)
    best, kind = -1, ""
    for line in mounts:
        fields = line.split()
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ")
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= best:
            best, kind = len(point), fields[2]
    return kind.startswith(_NETWORK_KINDS)


def version_of(connection: apsw.Connection) -> int:
    """The version of the file's tables. Raises: apsw.Error."""
    return int(fetch(connection, "PRAGMA user_version")[0][0])


def require_own_schema(connection: apsw.Connection, path: Path) -> int:
    """Compare the file's tables with ours. Returns: its version. Raises: UserError: it is not a project we trust."""
    with project_errors(path):
        version = version_of(connection)
        found = schema_objects(connection)
        if version < 1:
            raise not_a_project(path, "it has no version")
        expected = expected_objects(min(version, VERSION))
    foreign = [(kind, name) for kind, name in found if (kind, name) not in expected]
    active = [pair for pair in foreign if pair[0] in ("trigger", "view")]
    if active or (foreign and version <= VERSION):
        kind, name = (active or foreign)[0]
        raise UserError(
            f"{shown(path)} holds a {kind} that no project has (“{name[:60]}”); it was not opened.",
            hint="Ask where the file comes from. “rvos project recover” copies its masks into a new project.",
            code="project.foreign_schema",
        )
    for pair, sql in expected.items():
        if pair not in found:
            raise damaged(path, f"the {pair[0]} “{pair[1]}” is missing")
        if found[pair] != sql and version <= VERSION:
            raise damaged(path, f"the {pair[0]} “{pair[1]}” is not as it should be")
    return version


def quick_check(connection: apsw.Connection, path: Path) -> None:
    """SQLite's own check of the file's structure. Raises: UserError: it is damaged."""
    with project_errors(path):
        found = fetch(connection, "PRAGMA quick_check(1)")
    if found != [("ok",)]:
        raise damaged(path, str(found[0][0]) if found else "its structure is broken")
