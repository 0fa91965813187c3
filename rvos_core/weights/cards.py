"""The card of a bundle: what the model is, and the SHA-256 of each file beside it. Plain JSON; read without torch."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rvos_core.errors import UserError
from rvos_core.models.api import ModelCard

CARD_FILE = "card.json"
CONFIG_FILE = "config.json"
TOKENIZER_FILE = "tokenizer.json"
WEIGHTS_FILE = "model.safetensors"
# A model that follows masks reads no text and has no tokeniser.
CONTENT_FILES = (WEIGHTS_FILE, CONFIG_FILE, TOKENIZER_FILE)
BUNDLE_FILES = re.compile("|".join(re.escape(name) for name in (CARD_FILE, *CONTENT_FILES)))

_FORMAT = 1
_REMEDY = "Install RVOS Studio again, or take the model's folder from where it came from."


def damaged(path: Path, what: str, *, code: str = "model.damaged") -> UserError:
    """The error for a file of a bundle that is not what it should be."""
    return UserError(f"{path} {what}.", hint=_REMEDY, code=code)


def read_card(folder: Path) -> ModelCard:
    """The card in `folder`.

    Raises:
        UserError: the folder or its card is missing or damaged.
    """
    return _card_of(folder / CARD_FILE, _document(folder))


def read_checksums(folder: Path) -> Mapping[str, str]:
    """File name -> SHA-256 (hex) of the bundle in `folder`. Raises: UserError: as `read_card`."""
    sums = _document(folder).get("sha256")
    if not isinstance(sums, dict) or not {WEIGHTS_FILE, CONFIG_FILE} <= set(sums) <= set(CONTENT_FILES):
        raise damaged(folder / CARD_FILE, "does not list the checksums of the model's files")
    return sums


def check_files(folder: Path) -> None:
    """Compares every file of the bundle with the card.

    Raises:
        UserError: a file is missing, empty or not the one that the card describes.
    """
    for name, expected in read_checksums(folder).items():
        path = folder / name
        if not path.is_file():
            raise damaged(path, "is missing", code="model.missing_file")
        if path.stat().st_size == 0:
            raise damaged(path, "is empty (0 bytes)")
        if sha256(path) != expected:
            raise damaged(path, "is damaged or not the file that the model card describes (its checksum differs)")


def write_card(folder: Path, card: ModelCard) -> None:
    """Writes the card of the other files in `folder`, which are there already.

    Whether a model is bundled depends on where it lies.
    """
    fields = dataclasses.asdict(dataclasses.replace(card, bundled=False))
    del fields["bundled"]
    sums = {name: sha256(folder / name) for name in CONTENT_FILES if (folder / name).exists()}
    document = {"format": _FORMAT, "card": fields, "sha256": sums}
    (folder / CARD_FILE).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def sha256(path: Path) -> str:
    """Hex digest of a file. Raises: UserError: it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise damaged(path, f"cannot be read: {error.strerror or error}", code="model.unreadable") from error


def _document(folder: Path) -> dict[str, Any]:
    path = folder / CARD_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        if folder.is_dir():
            raise damaged(path, "is missing", code="model.missing_file") from error
        raise UserError(
            f"There is no model in {folder}.", hint="Give the folder that holds card.json.", code="model.missing_folder"
        ) from error
    except OSError as error:
        raise damaged(path, f"cannot be read: {error.strerror or error}", code="model.unreadable") from error
    except ValueError as error:
        raise damaged(path, "is not a model card") from error
    if not isinstance(document, dict) or not isinstance(document.get("format"), int):
        raise damaged(path, "is not a model card")
    if document["format"] > _FORMAT:
        raise UserError(
            f"{path} was made by a newer version of RVOS Studio.",
            hint="Update RVOS Studio to use it.",
            code="model.newer_format",
        )
    return document


def _card_of(path: Path, document: dict[str, Any]) -> ModelCard:
    values = document.get("card")
    kinds = {
        "str": str,
        "int": int,
        "float": (int, float),
        "float | None": (int, float, type(None)),
        "bool": bool,
        "dict[str, Any]": dict,
    }
    if not isinstance(values, dict):
        raise damaged(path, "is not a model card")
    for entry in dataclasses.fields(ModelCard):
        required = entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
        if entry.name not in values:
            if required:
                raise damaged(path, f"has no {entry.name!r}")
        elif not isinstance(values[entry.name], kinds[str(entry.type)]):  # type: ignore[arg-type]
            raise damaged(path, f"has {values[entry.name]!r} for {entry.name!r}")
    unknown = set(values) - {entry.name for entry in dataclasses.fields(ModelCard)}
    if unknown:
        raise damaged(path, f"has entries this version does not know: {', '.join(sorted(unknown))}")
    card = ModelCard(**values)
    if not (1 <= card.stride <= card.window and card.size >= 1 and card.visible_off <= card.visible_on):
        raise damaged(path, "has settings that contradict each other (window, stride, size or visibility thresholds)")
    return card
