"""Who opened the project for writing and whether they closed it: the marker that a crash leaves behind."""

from __future__ import annotations

import os
import platform
import socket
from pathlib import Path

import apsw

from rvos_core.project.codec import require_kinds
from rvos_core.project.records import SessionRecord
from rvos_core.project.sql import fetch

_KEPT = 20


def begin(connection: apsw.Connection, program: str, now: float) -> int:
    """Mark the project as open. Returns: the session's id."""
    connection.execute("DELETE FROM session WHERE session_id <= (SELECT max(session_id) FROM session) - ?", (_KEPT,))
    connection.execute(
        "INSERT INTO session(pid, host, boot, program, opened) VALUES(?, ?, ?, ?, ?)",
        (os.getpid(), socket.gethostname(), boot_id(), program, now),
    )
    return connection.last_insert_rowid()


def end(connection: apsw.Connection, session_id: int, now: float) -> None:
    """Mark the project as closed."""
    connection.execute("UPDATE session SET closed=? WHERE session_id=?", (now, session_id))


def last(connection: apsw.Connection) -> SessionRecord | None:
    """The latest session, or None where the project was never opened for writing."""
    found = fetch(
        connection,
        "SELECT session_id, pid, host, boot, program, opened, closed FROM session ORDER BY session_id DESC LIMIT 1",
    )
    if not found:
        return None
    require_kinds(found[0], "IITTTFf", "a session")
    return SessionRecord(*found[0])


def holder(session: SessionRecord | None) -> str:
    """Who has it open, for a person. `session`: the latest; where it was closed, somebody else is only just opening."""
    if session is None or session.closed is not None:
        return "another program"
    where = "" if session.host == socket.gethostname() else f" on {session.host}"
    return f"{session.program} (process {session.pid}{where})"


def boot_id() -> str:
    """Changes when the machine starts anew, where the system tells."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return platform.node()
