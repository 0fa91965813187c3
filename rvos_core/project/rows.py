"""Reading and writing rows so that every change can be taken back.

One writer for all tables. Before a row changes for the first time within an edit, how it was is kept under that edit;
before it changes for the first time after a snapshot, how it was is kept under that snapshot. Undo, redo and *Revert
to* put those images back (see `history`, `snapshots`); they are bit-exact by construction, as no edit has to know how
to reverse itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import apsw

from rvos_core.project.codec import DamagedRow, Value, checksum, pack, require_kinds, unpack
from rvos_core.project.schema import JOURNALED, Table
from rvos_core.project.sql import fetch

Row = tuple[Value, ...]


class Rows:
    """Rows of one connection.

    Args:
        connection: within a transaction where rows are written.
        edit_id: the edit that what is written belongs to; None: no history is kept (undo itself, recovery).
        snapshot_id: the latest snapshot; None: there is none.
    """

    def __init__(
        self, connection: apsw.Connection, *, edit_id: int | None = None, snapshot_id: int | None = None
    ) -> None:
        newest = 0 if edit_id is None else connection.execute("SELECT max(edit_id) FROM edit").fetchall()[0][0]
        self._is_last = newest == edit_id
        self.connection = connection
        self._edit_id = edit_id
        self._snapshot_id = snapshot_id
        self.kept_bytes = 0  # of images that were kept for undo

    def get(self, table: Table, *key: Value) -> Row | None:
        """One row without its checksum. Raises: DamagedRow: the checksum does not fit, or it is another row."""
        found = self._stored(table, key)
        if found is None:
            return None
        row = verified(table, found)
        if row[: table.key_length] != key:  # broken pages lead to the wrong place
            raise DamagedRow(f"a row of “{table.name}” stands in the place of another")
        return row

    def select(self, table: Table, where: str = "", values: Sequence[Value] = ()) -> Iterator[Row]:
        """Rows in the order of their key. Raises: DamagedRow."""
        order = ", ".join(table.key_columns)
        query = f"SELECT {_columns(table)} FROM {table.name} {where and 'WHERE ' + where} ORDER BY {order}"
        last: Row | None = None
        for stored in self.connection.execute(query, tuple(values)):
            row = verified(table, stored)
            key = row[: table.key_length]
            if last is not None and key <= last:
                raise DamagedRow(f"rows of “{table.name}” are out of order")
            last = key
            yield row

    def put(self, table: Table, row: Row) -> None:
        """Write a row, new or in place of one of the same key."""
        image = pack(row)
        self._keep(table, row[: table.key_length])
        self._write(table, row, checksum(image))

    def delete(self, table: Table, *key: Value) -> None:
        """Take a row out; nothing happens where there is none."""
        self._keep(table, key)
        self.connection.execute(_delete(table), key)

    def restore(self, table: Table, key: Row, image: bytes | None, crc: int) -> tuple[bytes | None, int]:
        """Put a row back as `image` says. Returns: how it was until now. Raises: DamagedRow: it is of no such row."""
        what = f"a kept row of “{table.name}”"
        require_kinds(key, table.kinds[: table.key_length], what)
        row = None if image is None else unpack(image)
        if row is not None:
            require_kinds(row, table.kinds, what)
            if row[: table.key_length] != key:
                raise DamagedRow(f"{what} is that of another")
        before = self._keep(table, key)
        if row is None:
            self.connection.execute(_delete(table), key)
        else:
            self._write(table, row, crc)
        return before

    def insert(self, table: Table, values: Row) -> int:
        """Write a new row under the next number that was never used. Returns: the number."""
        (used,) = fetch(self.connection, "SELECT seq FROM sqlite_sequence WHERE name=?", (table.name,)) or [(0,)]
        number = int(used[0]) + 1
        self.put(table, (number, *values))
        return number

    def _write(self, table: Table, row: Row, crc: int) -> None:
        self.connection.execute(_insert(table), (*row, crc))

    def _stored(self, table: Table, key: Row) -> Row | None:
        found = fetch(self.connection, _select(table), key)
        return found[0] if found else None

    def _keep(self, table: Table, key: Row) -> tuple[bytes | None, int]:
        """Note how a row is before it changes. The stored checksum goes with it, so that damage stays visible."""
        stored = self._stored(table, key)
        image = None if stored is None else pack(stored[:-1])
        crc = stored[-1] if stored is not None else 0
        if not isinstance(crc, int):
            raise DamagedRow(f"a row of “{table.name}” has no checksum")
        packed = pack(key)
        if self._edit_id is not None and (self._is_last or not self._kept_later(table, packed)):
            self.connection.execute(
                "INSERT OR IGNORE INTO change VALUES(?, ?, ?, ?, ?)", (self._edit_id, table.name, packed, image, crc)
            )
            if self.connection.changes():
                self.kept_bytes += image_bytes(packed, image)
        if self._snapshot_id is not None:
            self.connection.execute(
                "INSERT OR IGNORE INTO snapshot_row VALUES(?, ?, ?, ?, ?)",
                (self._snapshot_id, table.name, packed, image, crc),
            )
        return image, crc

    def _kept_later(self, table: Table, key: bytes) -> bool:
        """A run's entry grows behind later ones: where one of them has the row, its image leads back to before both."""
        return bool(
            self.connection.execute(
                "SELECT 1 FROM change JOIN edit USING(edit_id)"
                " WHERE edit_id>? AND target=? AND key=? AND NOT undone LIMIT 1",
                (self._edit_id, table.name, key),
            ).fetchall()
        )


def verified(table: Table, stored: Row) -> Row:
    """A stored row without its checksum. Raises: DamagedRow: the checksum does not fit."""
    row = stored[:-1]
    require_kinds(row, table.kinds, f"a row of “{table.name}”")
    if checksum(pack(row)) != stored[-1]:
        key = ", ".join(f"{name} {value!r}" for name, value in zip(table.key_columns, row, strict=False))
        raise DamagedRow(f"a row of “{table.name}” ({key}) is not what was written")
    return row


def table_of(name: Value) -> Table:
    """The table of a kept image. Raises: DamagedRow: there is no such table."""
    if not isinstance(name, str) or name not in JOURNALED:
        raise DamagedRow(f"the history speaks of a table that does not exist ({name!r:.60})")
    return JOURNALED[name]


def image_bytes(key: bytes, image: bytes | None) -> int:
    """What a kept image costs on disk, about."""
    return len(key) + len(image or b"") + 24


@cache
def _columns(table: Table) -> str:
    return ", ".join((*table.columns, "crc"))


@cache
def _where(table: Table) -> str:
    return " AND ".join(f"{name}=?" for name in table.key_columns)


@cache
def _select(table: Table) -> str:
    return f"SELECT {_columns(table)} FROM {table.name} WHERE {_where(table)}"


@cache
def _insert(table: Table) -> str:
    marks = ", ".join("?" * (len(table.columns) + 1))
    return f"INSERT OR REPLACE INTO {table.name} VALUES({marks})"


@cache
def _delete(table: Table) -> str:
    return f"DELETE FROM {table.name} WHERE {_where(table)}"
