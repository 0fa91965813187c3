"""The person's own models: one folder each, in the place for the program's data. No torch.

`$RVOS_MODELS` names another place.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from pathlib import Path

import platformdirs

from rvos_core.errors import UsageError, UserError
from rvos_core.files import writing
from rvos_core.weights.cards import BUNDLE_FILES, CARD_FILE

_APP = "rvos-studio"
_VARIABLE = "RVOS_MODELS"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")  # no names of files on Windows


def store_dir() -> Path:
    """The folder of the person's models; it may not exist yet."""
    chosen = os.environ.get(_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_data_dir(_APP, appauthor=False)) / "models"


def downloads_dir() -> Path:
    """Where unfinished and finished downloads wait for their import."""
    return store_dir() / ".downloads"


def stored_names() -> list[str]:
    """Names of the person's models, in order."""
    try:
        names = [path.parent.name for path in store_dir().glob(f"*/{CARD_FILE}")]
        return sorted(name for name in names if not name.startswith("."))
    except OSError:
        return []


def stored_folder(name: str) -> Path:
    """The folder for a model called `name`, whether it is there or not.

    Raises:
        UsageError: it can be no name.
    """
    if not _NAME.fullmatch(name) or _RESERVED.fullmatch(name):
        raise UsageError(
            f"{name!r} can be no name of a model.",
            hint="Use up to 64 small letters, digits, dots, dashes and underscores, beginning with a letter or digit.",
            code="usage.model_name",
        )
    return store_dir() / name


def name_for(text: str) -> str:
    """A name made of any text, e.g. a file's: `YTVOS R50.pth` -> `ytvos-r50`."""
    stem = re.sub(r"\.(pth|pt|bin|safetensors|tar|ckpt)$", "", text.lower())
    name = re.sub(r"[^a-z0-9._]+", "-", stem).strip("-._")[:64].rstrip("-._")
    return name if _NAME.fullmatch(name) and not _RESERVED.fullmatch(name) else "imported-model"


def remove_model(name: str) -> int:
    """Delete one of the person's models. Returns the bytes that are free again.

    Raises:
        UsageError: there is none of that name.
        UserError: its folder holds other files too, or the disk refuses.
    """
    folder = stored_folder(name)
    if name not in stored_names():
        known = ", ".join(stored_names()) or "none"
        raise UsageError(
            f"There is no imported model named {name!r}.", hint=f"Imported models: {known}.", code="model.unknown"
        )
    with writing(folder):
        if folder.is_symlink():
            folder.unlink()
            return 0
        foreign = sorted(path.name for path in folder.iterdir() if not BUNDLE_FILES.fullmatch(path.name))
        if foreign:
            raise UserError(
                f"{folder} holds other files too, for example {foreign[0]}.",
                hint="Move them away, or delete the folder yourself.",
                code="files.foreign_files",
            )
        freed = sum(path.stat().st_size for path in folder.iterdir())
        going = folder.with_name(f".{name}.removed-{secrets.token_hex(4)}")
        folder.rename(going)  # gone at once, whatever happens while its files are deleted
        shutil.rmtree(going)
    return freed
