"""Imports a checkpoint as one of the person's models: converted, given a tokeniser and a card, all or nothing.

The conversion runs in the import worker; whatever fails, a model that was there before under that name stays. No torch.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rvos_core.errors import UserError
from rvos_core.files import atomic_folder, require_free_space, writing
from rvos_core.language import Tokenizer, load_tokenizer
from rvos_core.models.api import ModelCard
from rvos_core.models.architectures import architecture
from rvos_core.types import CancelToken
from rvos_core.weights.cards import BUNDLE_FILES, CONFIG_FILE, TOKENIZER_FILE, WEIGHTS_FILE, check_files, write_card
from rvos_core.weights.job import Job
from rvos_core.weights.known import KNOWN, ROBERTA_TOKENS, KnownCheckpoint
from rvos_core.weights.sniff import refused, sniff
from rvos_core.weights.sources import Source
from rvos_core.weights.store import stored_folder
from rvos_core.weights.worker import ImportWorker

_log = logging.getLogger("rvos.model")

# How the papers' models run: by the short side, as long as the frame is; the code of R2-VOS blanks from 0.5 on.
_SIZE, _LONG_SIDE = {"isvos": 480}, 3600
_FAMILY_SIZE = 360
_WINDOW, _STRIDE = 8, 6
_PRESENT_AT = {"r2vos": 0.5}


@dataclass(frozen=True)
class ImportRequest:
    """What to import, and what a person says about it.

    Attributes:
        source: the checkpoint and what lies beside it.
        name: of the model to be; a model of that name is replaced.
        arch: architecture or published configuration that it should be; None: whatever it is.
        tokenizer: file or folder of the tokeniser; None: the one beside the checkpoint, or `find_roberta`.
        half: store float16.
        licence: SPDX id, where the person states one.
        origin: for the card: where the file came from.
        find_roberta: asked for RoBERTa's tokeniser where none is given and the model needs it; may return None.
    """

    source: Source
    name: str
    arch: str | None = None
    tokenizer: Path | None = None
    half: bool = False
    licence: str = ""
    origin: str = ""
    find_roberta: Callable[[], Path | None] = field(default=lambda: None)


@dataclass(frozen=True)
class Imported:
    """What an import made: `folder` with the model, its `card`, and `notes` for a person, in sentences."""

    folder: Path
    card: ModelCard
    notes: tuple[str, ...]


def import_model(request: ImportRequest, *, worker: ImportWorker, cancel: CancelToken | None = None) -> Imported:
    """Do it.

    Raises:
        UserError: the checkpoint is refused, its tokeniser is missing or does not fit, or the disk refuses.
        UsageError: the name cannot be one, or `arch` is not known.
        Cancelled: the person stopped it. Nothing is left of it.
    """
    folder, file = stored_folder(request.name), request.source.file
    known = KNOWN.get(request.name)
    kind = sniff(file)
    _log.info("importing %s (%s) as %s", file, kind.value, request.name)
    require_free_space(folder, file.stat().st_size)
    with atomic_folder(folder, owned=BUNDLE_FILES, verify=check_files) as part:
        job = Job(
            source=str(file.resolve()),
            output=str(_weights_path(part)),
            arch=known.configuration if known else request.arch,
            config=request.source.config,
            half=request.half,
        )
        result = worker.convert(job, cancel=cancel)
        notes = list(result["notes"])
        with writing(folder):
            (part / CONFIG_FILE).write_text(json.dumps(result["config"], indent=2) + "\n", encoding="utf-8")
        tokenizer = _tokenizer(request, result, notes)
        if tokenizer is not None:
            with writing(folder):
                tokenizer.save(part / TOKENIZER_FILE)
        card = _card(request, result, known)
        with writing(folder):
            write_card(part, card)
        if cancel is not None:
            cancel.raise_if_cancelled()
    return Imported(folder, card, tuple(notes))


def _weights_path(part: Path) -> Path:
    return part / WEIGHTS_FILE


def _tokenizer(request: ImportRequest, result: Mapping[str, Any], notes: list[str]) -> Tokenizer | None:
    """The tokeniser that the network's vocabulary needs; None where it reads no text."""
    text = result["config"].get("text")
    if text is None:
        return None
    tokens = int(text["vocab_size"])
    file = request.tokenizer or request.source.tokenizer
    if file is None and tokens == ROBERTA_TOKENS:
        file = request.find_roberta()
    if file is None:
        kind = "roberta-base's" if tokens == ROBERTA_TOKENS else f"one with {tokens} tokens"
        raise refused(
            request.source.file,
            f"comes without a tokeniser; it needs {kind}",
            "Give it with --tokenizer: a tokenizer.json, or vocab.json with merges.txt beside it.",
            code="no_tokenizer",
        )
    tokenizer = load_tokenizer(file)
    if tokenizer.vocab_size > tokens or (tokens == ROBERTA_TOKENS and tokenizer.vocab_size != tokens):
        message = f"{file} has {tokenizer.vocab_size} tokens, the text encoder of {request.source.file} has {tokens}."
        hint = "Take roberta-base's." if tokens == ROBERTA_TOKENS else "Take the one that the model was trained with."
        raise UserError(message, hint=hint, code="checkpoint.other_tokenizer")
    if tokenizer.vocab_size < tokens:
        notes.append(f"The tokeniser has {tokenizer.vocab_size} tokens, the text encoder room for {tokens}.")
    return tokenizer


def _card(request: ImportRequest, result: Mapping[str, Any], known: KnownCheckpoint | None) -> ModelCard:
    origin = request.origin or request.source.file.name
    if request.source.card is not None:
        before = request.source.card
        return dataclasses.replace(
            before,
            name=request.name,
            parameters=int(result["parameters"]),
            licence=request.licence or before.licence,
            source=before.source or origin,
            source_sha256=before.source_sha256 or str(result["sha256"]),
            bundled=False,
        )
    arch = str(result["arch"])
    title = known.title if known else result["published"] or architecture(arch).title
    where = f" Its page: {known.page}." if known else ""
    return ModelCard(
        name=request.name,
        arch=arch,
        parameters=int(result["parameters"]),
        licence=request.licence or (known.licence if known else "NOASSERTION"),
        description=f"{title}, imported from {Path(origin).name}.{where} Not measured here.",
        trained_on=known.trained_on if known else "not known",
        size=_SIZE.get(arch, _FAMILY_SIZE),
        long_side=_LONG_SIDE,
        window=_WINDOW,
        stride=_STRIDE,
        visible_on=0.0,
        visible_off=0.0,
        present_at=_PRESENT_AT.get(arch),
        claimed={key: dict(value) for key, value in known.claimed.items()} if known else {},
        source=origin,
        source_sha256=str(result["sha256"]),
    )
