"""Where the files that ship with RVOS Studio lie on disk."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path(__file__).resolve().parent


def weights_dir() -> Path:
    """Folder with one sub-folder per bundled model."""
    return _ROOT / "weights"


def demo_dir() -> Path:
    """Folder of the demo clip: `street.mp4`, `masks/`, `expressions.json`."""
    return _ROOT / "demo"


def icons_dir() -> Path:
    """Folder of the program's own icons."""
    return _ROOT / "icons"


def photographs_dir() -> Path:
    """Folder of the public-domain photographs that the street world uses as backgrounds."""
    return _ROOT / "photographs"
