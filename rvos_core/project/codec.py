"""Rows as bytes: a small tagged form that gives back exactly what went in, and the checksum that every row carries.

Used for the images of rows in the history and in snapshots. It is not a file format of its own: nothing but SQLite's
five kinds of value is known to it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import TypeAlias

from rvos_core.errors import RvosError

Value: TypeAlias = int | float | str | bytes | None

_INT, _FLOAT, _LENGTH = struct.Struct("<cq"), struct.Struct("<cd"), struct.Struct("<cI")


class DamagedRow(RvosError):
    """A row's bytes are not those that were written."""


def pack(values: Iterable[Value]) -> bytes:
    """Bytes of one row. Raises: TypeError: for anything that SQLite does not store."""
    parts: list[bytes] = []
    for value in values:
        if value is None:
            parts.append(b"N")
        elif isinstance(value, int):
            parts.append(_INT.pack(b"I", value))
        elif isinstance(value, float):
            parts.append(_FLOAT.pack(b"F", value))
        elif isinstance(value, str):
            text = value.encode("utf-8")
            parts += (_LENGTH.pack(b"T", len(text)), text)
        elif isinstance(value, bytes):
            parts += (_LENGTH.pack(b"B", len(value)), value)
        else:
            raise TypeError(f"not a value of a row: {type(value).__name__}")
    return b"".join(parts)


def unpack(image: bytes) -> tuple[Value, ...]:
    """The values of `pack`. Raises: DamagedRow: if the bytes are not such a row."""
    values: list[Value] = []
    at = 0
    try:
        while at < len(image):
            kind = image[at : at + 1]
            if kind == b"N":
                values.append(None)
                at += 1
            elif kind == b"I":
                values.append(int(_INT.unpack_from(image, at)[1]))
                at += _INT.size
            elif kind == b"F":
                values.append(float(_FLOAT.unpack_from(image, at)[1]))
                at += _FLOAT.size
            elif kind in (b"T", b"B"):
                length = int(_LENGTH.unpack_from(image, at)[1])
                at += _LENGTH.size
                content = image[at : at + length]
                if len(content) != length:
                    raise DamagedRow("a row ends in the middle of a value")
                values.append(content.decode("utf-8") if kind == b"T" else content)
                at += length
            else:
                raise DamagedRow("a row holds a kind of value that does not exist")
    except (struct.error, UnicodeDecodeError) as error:
        raise DamagedRow(str(error)) from error
    return tuple(values)


def require_kinds(row: Iterable[object], kinds: str, what: str) -> None:
    """Refuse a row whose values are of other kinds than its table's: a forged file may hold any under a right checksum.

    Args:
        row: the values.
        kinds: a letter for each: I (int), F (float), T (text), B (bytes); small where there may be none.
        what: names the row in the error.

    Raises:
        DamagedRow: a value is of another kind, or there are more or fewer of them.
    """
    values = tuple(row)
    if len(values) != len(kinds):
        raise DamagedRow(f"{what} has {len(values)} values, not {len(kinds)}")
    for value, kind in zip(values, kinds, strict=True):
        if value is None and kind.islower():
            continue
        if type(value) is not _KINDS[kind.upper()]:
            raise DamagedRow(f"{what} holds a value of another kind")


_KINDS = {"I": int, "F": float, "T": str, "B": bytes}


def checksum(image: bytes) -> int:
    """CRC-32, 0..2**32 - 1: finds any changed byte, and any burst of up to 32 changed bits."""
    return zlib.crc32(image)
