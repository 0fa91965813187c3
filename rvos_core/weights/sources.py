"""What a person gave to be imported: a checkpoint's file, a folder that holds one, or a model's own folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rvos_core.language.loading import find_tokenizer
from rvos_core.models.api import ModelCard
from rvos_core.weights.cards import CARD_FILE, CONFIG_FILE, WEIGHTS_FILE, check_files, damaged, read_card
from rvos_core.weights.sniff import refused

_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".tar")
_INDEX = ".index.json"


@dataclass(frozen=True)
class Source:
    """A checkpoint on disk and what lies beside it.

    Attributes:
        file: the checkpoint.
        config: configuration with the key `arch`, where the folder is one of ours; else None.
        card: its card, where the folder is one of ours.
        tokenizer: a tokeniser's file beside it, or None.
    """

    file: Path
    config: dict[str, Any] | None = None
    card: ModelCard | None = None
    tokenizer: Path | None = None


def find_source(path: Path) -> Source:
    """The checkpoint at `path`.

    Raises:
        UserError: a folder has none or several, or is one of our models and damaged.
    """
    if not path.is_dir():
        return Source(path)
    if (path / CARD_FILE).is_file():
        return _own(path)
    names = sorted(entry.name for entry in path.iterdir() if entry.is_file())
    if any(name.endswith(_INDEX) for name in names):
        hint = "Join its parts into one file first (`save_pretrained` with a large max_shard_size)."
        raise refused(path, "holds a model in several parts", hint, code="sharded")
    found = [name for name in names if name.lower().endswith(_SUFFIXES)]
    safe = [name for name in found if name.endswith(".safetensors")]
    chosen = safe if len(safe) == 1 else found
    if not chosen:
        hint = "Give a folder with one .safetensors or .pth, or the file itself."
        raise refused(path, "holds no checkpoint", hint, code="no_checkpoint")
    if len(chosen) > 1:
        listed = ", ".join(chosen[:5])
        raise refused(path, f"holds {len(chosen)} checkpoints", f"Give one of them: {listed}.", code="several")
    return Source(path / chosen[0], tokenizer=find_tokenizer(path))


def _own(folder: Path) -> Source:
    card = read_card(folder)
    check_files(folder)
    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise damaged(folder / CONFIG_FILE, "is not a model configuration") from error
    if not isinstance(config, dict):
        raise damaged(folder / CONFIG_FILE, "is not a model configuration")
    return Source(folder / WEIGHTS_FILE, {"arch": card.arch, **config}, card, find_tokenizer(folder))
