"""Writes and reads the folder of a model: float16 safetensors, configuration, tokeniser, card.

All of it is checked on the way in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from rvos_core.errors import UserError
from rvos_core.files import atomic_folder
from rvos_core.language import Tokenizer, load_tokenizer
from rvos_core.models.api import ModelCard
from rvos_core.models.architectures import ARCHITECTURES
from rvos_core.models.config_values import Serialisable
from rvos_core.models.configs import TextConfig
from rvos_core.models.flow_segmenter import FlowSegmenter
from rvos_core.models.isvos import Isvos
from rvos_core.models.referring import ReferringNetwork
from rvos_core.weights.cards import (
    BUNDLE_FILES,
    CONFIG_FILE,
    TOKENIZER_FILE,
    WEIGHTS_FILE,
    check_files,
    damaged,
    read_card,
    write_card,
)


@dataclass(frozen=True)
class Bundle:
    """A model as it lies on disk. The network is float32, on the CPU, in evaluation mode.

    Attributes:
        tokenizer: None where the network reads no text.
    """

    model: nn.Module
    config: Any
    tokenizer: Tokenizer | None
    card: ModelCard

    def referring(self) -> tuple[ReferringNetwork, Tokenizer]:
        """The network and its tokeniser, for what finds objects by an expression.

        Raises:
            UserError: this network does not read text.
        """
        if not isinstance(self.model, ReferringNetwork) or self.tokenizer is None:
            raise UserError(
                f"{self.card.name} follows objects from mask to mask; it does not read expressions.",
                hint="Choose a model that does: `rvos models list` shows the systems.",
                code="model.reads_no_text",
            )
        return self.model, self.tokenizer

    def following(self) -> Isvos:
        """The network, for what follows given masks.

        Raises:
            UserError: this network does something else.
        """
        if not isinstance(self.model, Isvos):
            raise UserError(
                f"{self.card.name} finds objects by an expression; it does not follow given masks.",
                hint="Choose a model that does: `rvos models list` shows the systems; isvos does.",
                code="model.follows_no_masks",
            )
        return self.model

    def seeing_motion(self) -> FlowSegmenter:
        """The network, for what sees which pixels move by themselves.

        Raises:
            UserError: this network does something else.
        """
        if not isinstance(self.model, FlowSegmenter):
            raise UserError(
                f"{self.card.name} does not look at motion.",
                hint="Choose flow-mini, or a model of the same system.",
                code="model.sees_no_motion",
            )
        return self.model


def save_bundle(folder: Path, model: nn.Module, *, tokenizer: Tokenizer | None, card: ModelCard) -> None:
    """Writes the model's folder at once or not at all; an older bundle there is replaced.

    `card.parameters` is set from the model.

    Args:
        model: of the architecture that the card names, with its configuration as `config`.
        tokenizer: None where the network reads no text.

    Raises:
        UserError: a weight is not finite or too large for float16, the card contradicts itself, or the disk refuses.
    """
    state = {name: _as_stored(name, value) for name, value in model.state_dict().items()}
    counted = ModelCard(**{**vars(card), "parameters": sum(p.numel() for p in model.parameters())})
    with atomic_folder(folder, owned=BUNDLE_FILES, verify=lambda part: _verify(part)) as part:
        save_file(state, str(part / WEIGHTS_FILE), metadata={"format": "pt"})
        config: Serialisable = model.config  # type: ignore[assignment]  # a module's attribute
        (part / CONFIG_FILE).write_text(json.dumps(config.to_dict(), indent=2) + "\n", encoding="utf-8")
        if tokenizer is not None:
            tokenizer.save(part / TOKENIZER_FILE)
        write_card(part, counted)


def load_bundle(folder: Path) -> Bundle:
    """Reads a model's folder and checks that its files belong together.

    Raises:
        UserError: a file is missing, damaged, or does not fit the others; the message names it.
    """
    card = read_card(folder)
    check_files(folder)
    if card.arch not in ARCHITECTURES:
        raise UserError(
            f"{folder} is a model of the system {card.arch!r}, which this version does not know.",
            hint=f"Update RVOS Studio; this version knows {', '.join(ARCHITECTURES)}.",
            code="model.unknown_arch",
        )
    entry = ARCHITECTURES[card.arch]
    config = _read_config(folder / CONFIG_FILE, entry.config)
    tokenizer = _read_tokenizer(folder / TOKENIZER_FILE, getattr(config, "text", None))
    with torch.random.fork_rng(devices=[]):  # a random start that is overwritten must not move the caller's dice
        model = entry.build(config)
    model.load_state_dict(_read_weights(folder / WEIGHTS_FILE, model.state_dict()))
    return Bundle(model.eval(), config, tokenizer, card)


def _verify(part: Path) -> None:
    load_bundle(part)


def _as_stored(name: str, value: Tensor) -> Tensor:
    stored = value.detach().cpu()
    stored = stored.half() if stored.is_floating_point() else stored.clone()
    if not bool(torch.isfinite(stored).all()):
        raise UserError(
            f"The weights of {name} are not finite, or too large for float16.",
            hint="Take an earlier checkpoint.",
            code="model.not_finite",
        )
    return stored.contiguous()


def _read_config(path: Path, kind: type[Any]) -> Any:
    try:
        values: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise damaged(path, "is not a model configuration") from error
    if not isinstance(values, dict):
        raise damaged(path, "is not a model configuration")
    try:
        return kind.from_dict(values)
    except ValueError as error:
        raise damaged(path, f"contradicts itself: {error}") from error


def _read_tokenizer(path: Path, text: TextConfig | None) -> Tokenizer | None:
    if text is None:
        return None
    tokenizer = load_tokenizer(path)
    if tokenizer.vocab_size > text.vocab_size:
        raise damaged(path, f"has {tokenizer.vocab_size} tokens, the network {text.vocab_size}")
    return tokenizer


def _read_weights(path: Path, expected: dict[str, Tensor]) -> dict[str, Tensor]:
    """Every tensor that the network has and no other, of its shape, finite; as float32."""
    try:
        found = load_file(str(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise damaged(path, "is not a readable safetensors file") from error
    missing, surplus = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    if missing or surplus:
        what = f"lacks {missing[0]}" if missing else f"has {surplus[0]}, which the network does not have"
        raise damaged(
            path, f"does not fit its config.json: it {what} ({len(missing)} missing, {len(surplus)} too many)"
        )
    for name, value in found.items():
        if value.shape != expected[name].shape:
            shapes = f"{tuple(value.shape)} instead of {tuple(expected[name].shape)}"
            raise damaged(path, f"does not fit its config.json: {name} is {shapes}")
        if not bool(torch.isfinite(value).all()):
            raise damaged(path, f"holds numbers that are not finite in {name}", code="model.not_finite")
    return {name: value.to(expected[name].dtype) for name, value in found.items()}
