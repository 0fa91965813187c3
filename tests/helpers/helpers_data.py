"""Where test material lies that is too large, or not ours, to be tracked; tests that need it skip without it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def shared_data() -> Path:
    """Folder of real clips and odd files: `$RVOS_TEST_DATA`, or `../shared/data` beside the checkout; else skips."""
    return _folder("RVOS_TEST_DATA", REPOSITORY.parent / "shared" / "data")


def shared_goldens() -> Path:
    """Folder of golden arrays: `$RVOS_TEST_GOLDENS`, or `../shared/goldens` beside the checkout; else skips."""
    return _folder("RVOS_TEST_GOLDENS", REPOSITORY.parent / "shared" / "goldens")


def _folder(variable: str, default: Path) -> Path:
    folder = Path(os.environ.get(variable, default))
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here (set {variable} to the folder that holds it)")
    return folder
