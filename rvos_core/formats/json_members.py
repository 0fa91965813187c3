"""A JSON file that is one large object, whose members are found first and read one at a time.

MeViS's `mask_dict.json` is such a file: hundreds of megabytes, of which an import needs a few members at once.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rvos_core.datasets.reading import bad_content, json_value
from rvos_core.errors import UserError
from rvos_core.formats.content import refuse_needing

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]', re.DOTALL)
_OPENING, _CLOSING = b"{[", b"}]"
_BLANK = b" \t\r\n"
_MAX_MEMBERS = 10_000_000
_MAX_REST = 65_536  # blanks after the end
_HELD = 64  # values, the latest


class JsonMembers(Mapping[str, Any]):
    """The members of the object in `path`. Values are read when they are asked for; the latest few are held.

    Raises: UserError: it cannot be read, is no JSON object, or has a key twice; a value, when it is asked for: it is no
    JSON, or made to fill the memory.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                self._places = _members(content, path)
        except ValueError:  # mmap of nothing
            raise bad_content(path, "is empty") from None
        except OSError as error:
            raise UserError(
                f"{path} cannot be read: {error.strerror}.", hint="Check its permissions.", code="formats.unreadable"
            ) from error
        self._held: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:
        if key not in self._held:
            start, stop = self._places[key]
            with self._path.open("rb") as file:
                file.seek(start)
                content = file.read(stop - start)
            refuse_needing(content, self._path)
            value = json_value(content, self._path)
            while len(self._held) >= _HELD:
                del self._held[next(iter(self._held))]
            self._held[key] = value
        return self._held[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _members(content: mmap.mmap, path: Path) -> dict[str, tuple[int, int]]:
    """Key -> first byte and the byte after the last of its value."""
    first = 3 if content[:3] == b"\xef\xbb\xbf" else 0
    while content[first : first + 1].strip(_BLANK) == b"" and first < len(content):
        first += 1
    if content[first : first + 1] != b"{":
        raise bad_content(path, "is not one JSON object")
    found: dict[str, tuple[int, int]] = {}
    depth, begin, key, text = 0, 0, None, b""
    for match in _TOKEN.finditer(content, first):
        token = match[0]
        if token[:1] in _OPENING and len(token) == 1:
            depth += 1
        elif token in (b"}", b"]"):
            depth -= 1
        elif depth != 1:
            continue
        elif token == b":" and key is None:
            key, begin = str(json_value(text, path)), match.end()
        elif key is None:
            text = token
        if key is not None and ((depth == 1 and token == b",") or depth == 0):
            if key in found or len(found) >= _MAX_MEMBERS:
                raise bad_content(path, f"has the key {key!r:.60} twice, or too many")
            found[key] = (begin, match.start())
            key = None
        if depth <= 0:
            rest = content[match.end() : match.end() + _MAX_REST]
            if rest.strip(_BLANK) or len(content) - match.end() > _MAX_REST:
                raise bad_content(path, "goes on after its end")
            return found
    raise bad_content(path, "ends in the middle")
