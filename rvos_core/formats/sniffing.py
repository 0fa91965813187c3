"""The beginning of a file, which is all that is looked at to tell formats apart."""

from __future__ import annotations

from pathlib import Path

_BYTES = 65_536


def beginning(path: Path) -> str:
    """The first 64 KiB as text, wrong bytes replaced; empty where it cannot be read, or is no file."""
    try:
        if not path.is_file():  # a pipe might never answer
            return ""
        with path.open("rb") as file:
            return file.read(_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return ""
