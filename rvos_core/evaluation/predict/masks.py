"""Folders of predicted masks: written at once or not at all, and known again when they are complete."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from rvos_core.datasets.reading import names_with_suffix
from rvos_core.files import atomic_folder, require_free_space, writing

_MASKS = re.compile(r".*\.png", re.DOTALL)
_BYTES_A_MASK = 2500  # of 480p, generously


def write_folder(folder: Path, names: Sequence[str], contents: Iterable[bytes]) -> None:
    """Write the PNG file `{name}.png` for each of `names`; an older folder of masks is replaced.

    Raises:
        UserError: the disk refuses; nothing of it is left then.
    """
    with atomic_folder(folder, owned=_MASKS) as part:
        for name, content in zip(names, contents, strict=True):
            with writing(folder):
                (part / f"{name}.png").write_bytes(content)


def require_room(folder: Path, masks: int) -> None:
    """Refuse to begin where the disk has no room for so many masks. Raises: UserError: with both figures."""
    require_free_space(folder, masks * _BYTES_A_MASK)


def is_finished(folder: Path, names: Sequence[str]) -> bool:
    """Whether `folder` has a mask for each of `names` and no other. Raises: UserError: it cannot be read."""
    return names_with_suffix(folder, ".png") == frozenset(names)
