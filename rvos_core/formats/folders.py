"""What writers write to: a folder or a file that appears whole or not at all, and JSON that is written as it comes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from rvos_core.files import atomic_file, atomic_folder, writing
from rvos_core.formats.format import WriteOptions


@contextmanager
def writing_folder(target: Path, options: WriteOptions, *names: str) -> Iterator[Path]:
    """A part that becomes `target`; an old folder may hold nothing but `names` (full patterns). Raises: UserError."""
    owned = re.compile("|".join(names))
    with atomic_folder(target, owned=owned, verify=options.verify) as part, writing(target):
        yield part


@contextmanager
def writing_text(target: Path, options: WriteOptions, *, newline: str = "\n") -> Iterator[IO[str]]:
    """A text file in UTF-8 that takes the name `target` when it is complete. Raises: UserError."""
    with (
        atomic_file(target, verify=options.verify) as part,
        writing(target),
        part.open("w", encoding="utf-8", newline=newline) as part_file,
    ):
        yield part_file


@contextmanager
def text_in_part(part: Path, *, encoding: str = "utf-8") -> Iterator[IO[str]]:
    """A text file below the part of a folder, its folders made."""
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("w", encoding=encoding, newline="\n") as part_file:
        yield part_file


def put_in_part(part: Path, content: bytes) -> None:
    """A file below the part of a folder, whose own folder is there."""
    part.write_bytes(content)


def dumped(value: Any) -> str:
    """JSON on one line, texts as they are. Raises: ValueError: NaN."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def listed(values: Iterable[Any]) -> Iterator[str]:
    """Pieces of a JSON list whose values come one after another."""
    yield "["
    for number, value in enumerate(values):
        yield f"{',' if number else ''}\n{dumped(value)}"
    yield "]"


def keyed(values: Iterable[tuple[str, Any]]) -> Iterator[str]:
    """Pieces of a JSON object whose members come one after another; a value that is an iterator is a list."""
    yield "{"
    for number, (key, value) in enumerate(values):
        yield f"{',' if number else ''}\n{dumped(key)}: "
        if isinstance(value, Iterator):
            yield from listed(value)
        else:
            yield dumped(value)
    yield "}\n"
