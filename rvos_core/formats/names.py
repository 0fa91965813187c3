"""Names that any disk can hold: what people call their clips and objects, made into names of files and folders."""

from __future__ import annotations

import re
from collections.abc import Iterable

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\s]+')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_MAX_BYTES = 100


def safe_names(names: Iterable[str], *, instead: str = "clip") -> tuple[str, ...]:
    """One name a file or folder for each of `names`, in order, none twice on disks that ignore capitals.

    `a:b` and `a?b` become `a_b` and `a_b-2`; names that Windows keeps to itself get an underscore.
    """
    taken: set[str] = set()
    found = []
    for name in names:
        base = _safe(name) or instead
        chosen, number = base, 2
        while chosen.casefold() in taken:
            chosen, number = f"{base}-{number}", number + 1
        taken.add(chosen.casefold())
        found.append(chosen)
    return tuple(found)


def _safe(name: str) -> str:
    plain = "".join(each for each in _FORBIDDEN.sub("_", name) if each.isprintable())
    short = plain.encode("utf-8", "replace")[:_MAX_BYTES].decode("utf-8", "ignore").lstrip(".").rstrip("._ ")
    return f"_{short}" if _RESERVED.fullmatch(short) else short
