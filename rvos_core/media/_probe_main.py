"""The child of `probe_media`: `python -m rvos_core.media._probe_main BYTES PATH` answers with one JSON object."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from rvos_core.errors import UserError
from rvos_core.media.opening import open_media
from rvos_core.media.probe import info_to_json
from rvos_core.media.sniff import shown_name


def main(arguments: list[str]) -> int:
    """Open the file under a memory limit and say what came of it."""
    limit_bytes, path = int(arguments[0]), Path(arguments[1])
    _limit_memory(limit_bytes)
    answer: dict[str, Any]
    try:
        with open_media(path) as reader:
            answer = {"info": info_to_json(reader.info)}
    except UserError as error:
        answer = {"error": error.as_dict()}
    except MemoryError:
        answer = {"error": _too_much_memory(path)}
    sys.stdout.write(json.dumps(answer))
    return 0


def _limit_memory(limit_bytes: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # no such limits on Windows; a lower one may be set
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))


def _too_much_memory(path: Path) -> dict[str, str]:
    return UserError(
        f"“{shown_name(path)}” needs more memory than a video should.",
        hint="It is damaged or very large: convert or scale it down first.",
        code="media.too_much_memory",
    ).as_dict()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
