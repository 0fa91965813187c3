"""What all layouts share in reading: JSON that is not trusted, names that become paths, lists of what is missing."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rvos_core.errors import UserError

_MAX_JSON_BYTES = 4 * 2**30
_NAMED = 8  # of the missing pieces
_RESERVED = frozenset('/\\:*?"<>|')


def read_json(path: Path) -> Any:
    """The value in a JSON file.

    Raises:
        UserError: if the file cannot be read, is too large, is no JSON, has a key twice, or a number that is none.
    """
    try:
        if path.stat().st_size > _MAX_JSON_BYTES:
            raise _bad(path, f"is larger than {_MAX_JSON_BYTES // 2**30} GiB")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}.",
            hint="Check the name and its permissions.",
            code="evaluation.unreadable",
        ) from error
    except UnicodeDecodeError as error:
        raise _bad(path, "is not text in UTF-8") from error
    return json_value(text, path)


def json_value(text: str | bytes, path: Path) -> Any:
    """The value that `text`, a file's content or a part of it, says. Raises: UserError: as `read_json`."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_no_number)
    except RecursionError:
        raise _bad(path, "is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise _bad(path, "is not text in UTF-8") from error
    except ValueError as error:  # JSONDecodeError is one
        raise _bad(path, f"is not valid JSON ({error})") from None


def mapping_in(value: Any, path: Path, *, where: str) -> Mapping[str, Any]:
    """`value`, which must be a JSON object. Raises: UserError: it is something else; `where` says which part."""
    if not isinstance(value, dict):
        raise _bad(path, f"has {_kind(value)} where an object is expected ({where})")
    return value


def list_in(value: Any, path: Path, *, where: str) -> list[Any]:
    """`value`, which must be a JSON list. Raises: UserError."""
    if not isinstance(value, list):
        raise _bad(path, f"has {_kind(value)} where a list is expected ({where})")
    return value


def text_in(value: Any, path: Path, *, where: str) -> str:
    """`value`, which must be a JSON string. Raises: UserError."""
    if not isinstance(value, str):
        raise _bad(path, f"has {_kind(value)} where a text is expected ({where})")
    return value


def whole_number_in(value: Any, path: Path, *, where: str) -> int:
    """`value`, a whole number from 0 on, or such a number as text (Ref-YouTube-VOS writes "1"). Raises: UserError."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise _bad(path, f"has {value!r:.40} where a whole number is expected ({where})")


def name_in(value: Any, path: Path, *, where: str) -> str:
    """`value`, a name of one file or folder: it becomes part of a path, so nothing may lead out of the data set.

    Raises: UserError.
    """
    name = text_in(value, path, where=where)
    if not name or name.startswith(".") or _RESERVED & set(name) or not name.isprintable() or len(name) > 200:
        raise _bad(path, f"has {name!r:.60} where the name of a file or folder is expected ({where})")
    return name


def require_pieces(root: Path, pieces: Iterable[Path], *, of: str, hint: str = "") -> None:
    """Refuse a data set from which any of `pieces` is missing; all are named in one error.

    Args:
        root: folder of the data set.
        pieces: files and folders that must be there.
        of: name of the data set.
        hint: what to do, if there is more to say than to complete the folder.

    Raises:
        UserError: with the missing pieces by name, below `root`.
    """
    if not root.is_dir():
        what = "is a file, not the folder of a data set" if root.is_file() else "does not exist"
        raise UserError(f"{root} {what}.", hint=f"Give the folder of {of}.", code="evaluation.no_folder")
    refuse_missing(root, [piece for piece in pieces if not piece.exists()], of=of, hint=hint)


def refuse_missing(root: Path, missing: Iterable[Path], *, of: str, hint: str = "") -> None:
    """Raise the error that lists `missing` (nothing if there are none). Raises: UserError."""
    names = [_below(root, path) for path in missing]
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        raise UserError(
            f"{root} is not a complete {of}: {', '.join(names[:_NAMED])}{more} {'are' if names[1:] else 'is'} missing.",
            hint=hint or "Complete the folder as its authors lay it out (docs/howto/evaluation.md).",
            code="evaluation.incomplete",
        )


def names_with_suffix(folder: Path, suffix: str) -> frozenset[str]:
    """Names without suffix of the files of `folder` that end in `suffix`; empty where there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            return frozenset(
                entry.name[: -len(suffix)]
                for entry in entries
                if entry.name.lower().endswith(suffix) and not entry.name.startswith(".")
            )
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except OSError as error:
        raise UserError(
            f"{folder} cannot be read: {error.strerror}.", hint="Check its permissions.", code="evaluation.unreadable"
        ) from error


def bad_content(path: Path, what: str) -> UserError:
    """The error for a file whose content is not what the layout says; `what` is a verb phrase."""
    return _bad(path, what)


def _bad(path: Path, what: str) -> UserError:
    return UserError(
        f"{path} {what}.", hint="Take the file as the data set's authors publish it.", code="evaluation.bad_file"
    )


def _below(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"the key {twice!r:.60} stands twice")
    return values


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a number")
