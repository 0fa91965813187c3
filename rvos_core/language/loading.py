"""Reads a tokeniser of either kind: the word lists of the small models, the subwords of RoBERTa."""

from __future__ import annotations

from pathlib import Path

from tokenizers.models import BPE, WordLevel

from rvos_core.errors import UserError
from rvos_core.language.subwords import SubwordTokenizer
from rvos_core.language.tokenizer import Tokenizer, WordTokenizer, parse_tokenizer

_JSON, _VOCABULARY, _MERGES = "tokenizer.json", "vocab.json", "merges.txt"


def load_tokenizer(path: str | Path) -> Tokenizer:
    """The tokeniser in a `tokenizer.json`, in a `vocab.json` with its `merges.txt` beside it, or in a folder of these.

    Raises:
        UserError: nothing of that kind is there, or it is damaged, or of a kind that no model here reads.
    """
    path = Path(path)
    if path.is_dir():
        found = find_tokenizer(path)
        if found is None:
            raise UserError(
                f"{path} holds no tokeniser.",
                hint=f"It needs {_JSON}, or {_VOCABULARY} and {_MERGES}.",
                code="model.no_tokenizer",
            )
        path = found
    if path.name in (_VOCABULARY, _MERGES):
        return SubwordTokenizer.from_vocabulary(path.with_name(_VOCABULARY), path.with_name(_MERGES))
    tokenizer = parse_tokenizer(path)
    if isinstance(tokenizer.model, WordLevel):
        return WordTokenizer(tokenizer)
    if isinstance(tokenizer.model, BPE):
        return SubwordTokenizer(tokenizer)
    raise UserError(
        f"{path} is a tokeniser of the kind {type(tokenizer.model).__name__}, which no model here reads.",
        hint="Take the tokenizer.json of roberta-base, or the one that came with the weights.",
        code="model.bad_tokenizer",
    )


def find_tokenizer(folder: Path) -> Path | None:
    """The file of `folder` that `load_tokenizer` would read, or None."""
    if (folder / _JSON).is_file():
        return folder / _JSON
    if (folder / _VOCABULARY).is_file() and (folder / _MERGES).is_file():
        return folder / _VOCABULARY
    return None
