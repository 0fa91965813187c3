"""*Save* under a name and *Revert to* it: a snapshot costs nothing when it is taken.

From then on the first change of each row leaves how it was under the latest snapshot (see `Rows`). A row's state at
snapshot k is the image of the first snapshot from k on that has one, or the row itself where none has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw

from rvos_core.errors import UserError
from rvos_core.project.codec import DamagedRow, checksum, require_kinds, unpack
from rvos_core.project.history import Touched
from rvos_core.project.records import SnapshotRecord
from rvos_core.project.rows import Rows, table_of
from rvos_core.project.sql import fetch

_BLOCK = 2048


def take(connection: apsw.Connection, name: str, now: float) -> SnapshotRecord:
    """Name the state as it is."""
    head, parts = _head(connection)
    connection.execute(
        "INSERT INTO snapshot(name, created, head, head_parts) VALUES(?, ?, ?, ?)", (name, now, head, parts)
    )
    return SnapshotRecord(connection.last_insert_rowid(), name, now)


def latest(connection: apsw.Connection) -> SnapshotRecord | None:
    """The newest snapshot."""
    found = fetch(connection, "SELECT snapshot_id, name, created FROM snapshot ORDER BY snapshot_id DESC LIMIT 1")
    return _record(found[0]) if found else None


def everything(connection: apsw.Connection) -> list[SnapshotRecord]:
    """All snapshots, oldest first."""
    found = connection.execute("SELECT snapshot_id, name, created FROM snapshot ORDER BY snapshot_id")
    return [_record(row) for row in found]


def is_current(connection: apsw.Connection) -> bool:
    """True where nothing changed since the latest snapshot, or what changed was taken back."""
    found = fetch(connection, "SELECT snapshot_id, head, head_parts FROM snapshot ORDER BY snapshot_id DESC LIMIT 1")
    if not found:
        return False
    snapshot_id, head, parts = found[0]
    if _head(connection) == (head, parts):
        return True
    return not fetch(connection, "SELECT 1 FROM snapshot_row WHERE snapshot_id=? LIMIT 1", (snapshot_id,))


def revert(rows: Rows, snapshot_id: int) -> Touched:
    """Put every row back as it was at a snapshot; an edit like any other. Raises: UserError, DamagedRow."""
    connection = rows.connection
    if not fetch(connection, "SELECT 1 FROM snapshot WHERE snapshot_id=?", (snapshot_id,)):
        raise UserError("That snapshot is not in the project (any more).", code="project.no_snapshot")
    connection.execute("DROP TABLE IF EXISTS temp.wanted")
    connection.execute(
        "CREATE TEMP TABLE wanted AS SELECT target, key, image, crc, min(snapshot_id) FROM snapshot_row"
        " WHERE snapshot_id>=? GROUP BY target, key",
        (snapshot_id,),
    )
    touched = Touched()
    last = 0
    while block := fetch(
        connection,
        "SELECT rowid, target, key, image, crc FROM temp.wanted WHERE rowid>? ORDER BY rowid LIMIT ?",
        (last, _BLOCK),
    ):
        for number, target, key, image, crc in block:
            require_kinds((target, key, image, crc), "TBbI", "a row of the snapshot")
            if image is not None and checksum(image) != crc:
                raise DamagedRow("a row of the snapshot is not what was written")
            table, unpacked = table_of(target), unpack(key)
            rows.restore(table, unpacked, image, crc)
            touched.add(table, unpacked)
            last = number
    connection.execute("DROP TABLE temp.wanted")
    return touched


def delete(connection: apsw.Connection, snapshot_id: int) -> None:
    """Forget a snapshot; what older ones need of it moves to the one before."""
    older = fetch(connection, "SELECT max(snapshot_id) FROM snapshot WHERE snapshot_id<?", (snapshot_id,))[0][0]
    if older is not None:
        connection.execute(
            "INSERT OR IGNORE INTO snapshot_row SELECT ?, target, key, image, crc FROM snapshot_row"
            " WHERE snapshot_id=?",
            (older, snapshot_id),
        )
    connection.execute("DELETE FROM snapshot_row WHERE snapshot_id=?", (snapshot_id,))
    connection.execute("DELETE FROM snapshot WHERE snapshot_id=?", (snapshot_id,))


def _record(row: Sequence[Any]) -> SnapshotRecord:
    require_kinds(row, "ITF", "a snapshot")
    return SnapshotRecord(*row)


def _head(connection: apsw.Connection) -> tuple[int, int]:
    found = fetch(connection, "SELECT edit_id, parts FROM edit WHERE NOT undone ORDER BY edit_id DESC LIMIT 1")
    return (int(found[0][0]), int(found[0][1])) if found else (0, 0)
