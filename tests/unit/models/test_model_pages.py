"""What the models' pages name exists: files, classes, functions, tests."""

from __future__ import annotations

import ast
import fnmatch
import importlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers_data import REPOSITORY

PAGES = [REPOSITORY / "docs" / "models.md", *sorted((REPOSITORY / "docs" / "models").glob("*.md"))]
SHORT_FOR = (REPOSITORY, REPOSITORY / "rvos_core" / "models", REPOSITORY / "tests" / "unit")
_CODE = re.compile(r"`([^`\n]+)`")
_SYMBOL = re.compile(r"[A-Za-z_]\w*(\.\w+)*")
_BETWEEN = re.compile(r"(,| and)? ")


def named_in(text: str) -> list[tuple[str, str]]:
    """(file, symbol) of every file named in backticks, and of every symbol in backticks right behind it.

    `a.py` `F`, `G` and `H.i` are three symbols of a.py; a file alone has the symbol "".
    """
    found: list[tuple[str, str]] = []
    file, end = "", 0
    for code in _CODE.finditer(text):
        follows = _BETWEEN.fullmatch(text, end, code.start()) is not None
        if code[1].endswith(".py") and " " not in code[1]:
            file = code[1]
            found.append((file, ""))
        elif file and follows and _SYMBOL.fullmatch(code[1]):
            found.append((file, code[1]))
        else:
            file = ""
        end = code.end()
    return found


def file_of(name: str) -> Path | None:
    """Names are short for files of the models and of the unit tests, else they begin at the repository's root."""
    return next((folder / name for folder in SHORT_FOR if (folder / name).is_file()), None)


@cache
def _defined(path: Path) -> frozenset[str]:
    return frozenset(n.name for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef))


def _has(path: Path, symbol: str) -> bool:
    if "tests" in path.relative_to(REPOSITORY).parts:
        return symbol in _defined(path)
    parts = list(path.relative_to(REPOSITORY).with_suffix("").parts)
    thing: Any = importlib.import_module(".".join(parts[1:] if parts[0] == "kernels" else parts))
    for name in symbol.split("."):
        fields = getattr(thing, "__dataclass_fields__", {}) | getattr(thing, "__annotations__", {})
        if not hasattr(thing, name):
            return name in fields
        thing = getattr(thing, name)
    return True


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_file_and_symbol_named_exists(page: Path) -> None:
    named = named_in(page.read_text(encoding="utf-8"))
    assert len(named) >= (3 if page.stem == "models" else 40)
    missing = [name for name in dict.fromkeys(named) if (path := file_of(name[0])) is None or not _is_there(path, name)]
    assert missing == []


def _is_there(path: Path, name: tuple[str, str]) -> bool:
    return not name[1] or _has(path, name[1])


def test_a_wrong_name_would_be_found() -> None:
    text = "| x | `referring.py` `Levels`, `ReferringNetwork.interact` and `gone`, then `tests`. `nowhere.py` |"
    assert named_in(text) == [
        ("referring.py", ""),
        ("referring.py", "Levels"),
        ("referring.py", "ReferringNetwork.interact"),
        ("referring.py", "gone"),
        ("nowhere.py", ""),
    ]
    path = file_of("referring.py")
    assert path is not None
    assert [_has(path, symbol) for symbol in ("Levels", "ReferringNetwork.interact", "gone", "Levels.gone")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert _has(file_of("configs.py") or path, "IfirvosConfig.backbone"), "a field without a plain default"
    assert file_of("nowhere.py") is None


GOLDEN = REPOSITORY / "tests" / "golden"
_GOLDEN_NAMES = re.compile(r"golden ((?:`[^`]+`(?:, )?)+)")


@pytest.mark.parametrize("page", PAGES[1:], ids=lambda path: path.stem)
def test_every_golden_array_named_is_kept(page: Path) -> None:
    arrays: set[str] = set()
    if (GOLDEN / f"{page.stem}.npz").exists():
        with np.load(GOLDEN / f"{page.stem}.npz") as archive:
            arrays = {name.partition(".")[2] for name in archive.files}
    named = [n for found in _GOLDEN_NAMES.findall(page.read_text(encoding="utf-8")) for n in _CODE.findall(found)]
    assert bool(named) == bool(arrays)
    for name in named:
        kept = [path.name for path in GOLDEN.iterdir()] if name.endswith(".npz") else arrays
        assert fnmatch.filter(kept, name), name


def test_the_index_links_every_page_and_pages_stay_short() -> None:
    index = PAGES[0].read_text(encoding="utf-8")
    for page in PAGES[1:]:
        assert f"(models/{page.name})" in index
        assert len(page.read_text(encoding="utf-8").splitlines()) <= 200
