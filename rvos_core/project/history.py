"""Undo and redo: putting rows back as the history has them, and keeping the history within its budget.

Undo exchanges each row of an edit with its kept image, redo exchanges them again; so one image a row suffices. Both are
one transaction, so the history survives a crash at any instant.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import apsw

from rvos_core.project.codec import DamagedRow, checksum, pack, require_kinds, unpack
from rvos_core.project.records import EditRecord
from rvos_core.project.rows import Row, Rows, image_bytes, table_of
from rvos_core.project.schema import EXPRESSION, LOOK, MASK, OBJECT, TRIMAP, Table
from rvos_core.project.sql import fetch

_BLOCK = 2048
BUDGET_BYTES = 512 * 1024 * 1024
KEPT_AT_LEAST = 50


@dataclass
class Touched:
    """Which rows an undo, redo or revert changed.

    Attributes:
        frames: object_id -> frames of masks that came, went or changed.
        painted: objects on whose trimaps other things are painted.
        tables: names of the other tables that changed.
    """

    frames: dict[int, array[int]] = field(default_factory=dict)
    painted: set[int] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)

    def add(self, table: Table, key: Row) -> None:
        if table.name == "mask":
            object_id, frame = cast("tuple[int, int]", key)
            self.frames.setdefault(object_id, array("q")).append(frame)
        else:
            self.tables.add(table.name)
            if table.name == "trimap":
                self.painted.add(cast("int", key[0]))


def begin(connection: apsw.Connection, name: str, now: float) -> int:
    """A new edit at the end of the history; what was undone cannot be redone any more. Returns: its id."""
    if first_undone(connection) is not None:
        connection.execute("DELETE FROM change WHERE edit_id IN (SELECT edit_id FROM edit WHERE undone)")
        connection.execute("DELETE FROM edit WHERE undone")
    connection.execute("INSERT INTO edit(name, created, bytes, parts, undone) VALUES(?, ?, 0, 0, 0)", (name, now))
    return connection.last_insert_rowid()


def extend(connection: apsw.Connection, edit_id: int, rows: Rows) -> None:
    """Book what the rows kept under this edit."""
    connection.execute("UPDATE edit SET bytes=bytes+?, parts=parts+1 WHERE edit_id=?", (rows.kept_bytes, edit_id))


def last_done(connection: apsw.Connection) -> EditRecord | None:
    """What undo would take back."""
    return _one(connection, "WHERE NOT undone ORDER BY edit_id DESC LIMIT 1")


def first_undone(connection: apsw.Connection) -> EditRecord | None:
    """What redo would do again. Undone entries are always the last ones."""
    newest = _one(connection, "ORDER BY edit_id DESC LIMIT 1")
    if newest is None or not newest.undone:
        return None
    return _one(connection, "WHERE undone ORDER BY edit_id LIMIT 1")


def edits(connection: apsw.Connection, limit: int) -> list[EditRecord]:
    """The latest entries, oldest first."""
    found = fetch(connection, _EDITS + "ORDER BY edit_id DESC LIMIT ?", (limit,))
    return [_record(row) for row in reversed(found)]


def toggle(connection: apsw.Connection, edit: EditRecord, *, snapshot_id: int | None) -> Touched:
    """Exchange the rows of an edit with their images: undo where it is done, redo where it is undone.

    Raises:
        DamagedRow: an image is broken; the transaction is to be rolled back.
    """
    rows = Rows(connection, snapshot_id=snapshot_id)
    touched = Touched()
    total = 0
    gone: list[int] = []
    for target, key, image, crc in _changes(connection, edit.edit_id):
        table, unpacked = table_of(target), unpack(key)
        if image is not None and checksum(image) != crc:
            raise DamagedRow("an entry of the history is not what was written")
        before, before_crc = rows.restore(table, unpacked, image, crc)
        connection.execute(
            "UPDATE change SET image=?, crc=? WHERE edit_id=? AND target=? AND key=?",
            (before, before_crc, edit.edit_id, target, key),
        )
        total += image_bytes(key, before)
        touched.add(table, unpacked)
        if table is OBJECT and image is None:
            gone.append(int(unpacked[0]))  # type: ignore[arg-type]
    for object_id in gone:
        total += _take_along(rows, edit.edit_id, object_id, touched)
    connection.execute("UPDATE edit SET undone=?, bytes=? WHERE edit_id=?", (not edit.undone, total, edit.edit_id))
    return touched


def _take_along(rows: Rows, edit_id: int, object_id: int, touched: Touched) -> int:
    """An object goes: so does what a run wrote for it while the edit was undone. Returns: bytes of the images kept."""
    kept = 0
    for table in (MASK, EXPRESSION, LOOK, TRIMAP):
        columns = ", ".join(table.key_columns)
        for key in fetch(rows.connection, f"SELECT {columns} FROM {table.name} WHERE object_id=?", (object_id,)):
            before, crc = rows.restore(table, key, None, 0)
            packed = pack(key)
            rows.connection.execute(
                "INSERT INTO change VALUES(?, ?, ?, ?, ?)", (edit_id, table.name, packed, before, crc)
            )
            kept += image_bytes(packed, before)
            touched.add(table, key)
    return kept


def prune(connection: apsw.Connection, *, budget_bytes: int) -> int:
    """Forget the oldest edits beyond the budget; at least 50 stay, and all that redo can bring back.

    So do the entry of a run that is still at work, as it writes into it, and all after that: undo is in order.

    Returns:
        What the history takes now, bytes.
    """
    total, number = fetch(connection, "SELECT coalesce(sum(bytes), 0), count(*) FROM edit")[0]
    if total > budget_bytes and number > KEPT_AT_LEAST:
        oldest = fetch(
            connection,
            "SELECT edit_id, bytes FROM edit WHERE NOT undone AND edit_id<coalesce((SELECT min(edit_id) FROM run"
            " WHERE status IN ('waiting', 'running')), edit_id+1) ORDER BY edit_id LIMIT ?",
            (number - KEPT_AT_LEAST,),
        )
        for edit_id, size in oldest:
            forget(connection, edit_id)
            total -= size
            if total <= budget_bytes:
                break
    return int(total)


def forget(connection: apsw.Connection, edit_id: int) -> None:
    """Take an edit out of the history; what it did stays."""
    connection.execute("DELETE FROM change WHERE edit_id=?", (edit_id,))
    connection.execute("DELETE FROM edit WHERE edit_id=?", (edit_id,))


_EDITS = "SELECT edit_id, name, created, bytes, undone FROM edit "


def _one(connection: apsw.Connection, rest: str) -> EditRecord | None:
    found = fetch(connection, _EDITS + rest)
    return _record(found[0]) if found else None


def find(connection: apsw.Connection, edit_id: int) -> EditRecord | None:
    """The entry of that id, or None where it was forgotten."""
    found = fetch(connection, _EDITS + "WHERE edit_id=?", (edit_id,))
    return _record(found[0]) if found else None


def _record(row: Any) -> EditRecord:
    require_kinds(row, "ITFII", "an entry of the history")
    edit_id, name, created, size, undone = row
    return EditRecord(edit_id, name, created, size, bool(undone))


def _changes(connection: apsw.Connection, edit_id: int) -> Iterator[tuple[str, bytes, bytes | None, int]]:
    """An edit's images in blocks, as they are written to while they are read."""
    last: tuple[str, bytes] = ("", b"")
    while True:
        block = fetch(
            connection,
            "SELECT target, key, image, crc FROM change WHERE edit_id=? AND (target, key)>(?, ?)"
            " ORDER BY target, key LIMIT ?",
            (edit_id, *last, _BLOCK),
        )
        if not block:
            return
        for row in block:
            require_kinds(row, "TBbI", "a kept row")
            yield row
        last = (block[-1][0], block[-1][1])
