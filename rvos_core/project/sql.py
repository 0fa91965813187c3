"""Asking SQLite: answers as plain tuples, whose types the schema (STRICT tables) vouches for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw

from rvos_core.project.codec import DamagedRow, Value


def fetch(connection: apsw.Connection, query: str, values: Sequence[Value] = ()) -> list[tuple[Any, ...]]:
    """All rows of an answer. Raises: apsw.Error."""
    return connection.execute(query, tuple(values)).fetchall()


def number(connection: apsw.Connection, query: str, values: Sequence[Value] = ()) -> int:
    """The one number that a query answers. Raises: apsw.Error, DamagedRow: it is none."""
    (found,) = fetch(connection, query, values)[0]
    if not isinstance(found, int):
        raise DamagedRow("a number in it is none")
    return found
