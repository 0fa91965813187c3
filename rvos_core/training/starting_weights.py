"""What a network begins a training with: a whole model, or the image and text weights that the papers begin with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from rvos_core.errors import UserError
from rvos_core.language import WordTokenizer
from rvos_core.models.referring import ReferringNetwork
from rvos_core.training.checkpoint import load_checkpoint

_LEAST = 0.9  # of a part's tensors that a file of its weights must have
_WORD_ROWS = "text_encoder.embeddings.word_embeddings.weight"
_WRAPPERS = ("module.", "roberta.", "backbone.0.body.", "text_encoder.")


def load_whole(model: nn.Module, weights: Mapping[str, Tensor], *, path: str) -> list[str]:
    """Take over every tensor of `weights` that the network has; what it lacks keeps its random start.

    Returns:
        Names of the tensors that begin at random.

    Raises:
        UserError: a tensor has another shape, or none is of this network.
    """
    own = model.state_dict()
    common = {name: value for name, value in weights.items() if name in own}
    for name, value in common.items():
        if value.shape != own[name].shape:
            raise _unfit(path, f"{name} is {tuple(value.shape)} there and {tuple(own[name].shape)} in the network")
    if not common:
        raise _unfit(path, "none of its weights is of this network")
    model.load_state_dict(own | common)
    return [name for name in own if name not in common]


def with_words(
    model: ReferringNetwork, tokenizer: WordTokenizer, words: Iterable[str]
) -> tuple[ReferringNetwork, WordTokenizer]:
    """The same network with a list of words that holds `words` too.

    Known words keep their row of weights, though its number may change; new ones begin at random. Both are the ones
    given where nothing is new.
    """
    old = tokenizer.token_ids
    grown = WordTokenizer.from_words({*words, *(word for word in old if not word.startswith("<"))})
    if grown.token_ids == old:
        return model, tokenizer
    text = replace(model.config.text, vocab_size=grown.vocab_size)
    larger = type(model)(replace(model.config, text=text))
    state = dict(model.state_dict())
    rows = larger.state_dict()[_WORD_ROWS].clone()
    for word, row in old.items():
        rows[grown.token_ids[word]] = state[_WORD_ROWS][row]
    larger.load_state_dict(state | {_WORD_ROWS: rows})
    return larger, grown


def load_part(model: nn.Module, prefix: str, path: Path) -> None:
    """Begin the part of the network whose names begin with `prefix` with the weights of a file.

    Args:
        path: safetensors or .pt, or a Hugging Face folder; names with or without the usual wrappers.

    Raises:
        UserError: the file is missing or damaged, or has less than nine tenths of the part.
    """
    file = path / "model.safetensors" if path.is_dir() else path
    found = {_bare(name): value for name, value in read_tensors(file).items()}
    own = {name: value for name, value in model.state_dict().items() if name.startswith(prefix)}
    fitting = {
        name: found[bare]
        for name, value in own.items()
        if (bare := _bare(name.removeprefix(prefix))) in found and found[bare].shape == value.shape
    }
    if not own or len(fitting) < _LEAST * len(own):
        raise _unfit(str(file), f"{len(fitting)} of the {len(own)} weights of {prefix} are there, in their shape")
    model.load_state_dict(model.state_dict() | fitting)


def read_tensors(file: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file or of a .pt file that holds nothing else. Raises: UserError."""
    if file.suffix == ".safetensors":
        try:
            return load_file(str(file))
        except (SafetensorError, OSError, ValueError) as error:
            raise _unfit(str(file), "it is missing or no safetensors file") from error
    state = load_checkpoint(file, torch.device("cpu"))
    return {name: value for name, value in state.items() if isinstance(value, Tensor)}


def _bare(name: str) -> str:
    for wrapper in _WRAPPERS:
        name = name.removeprefix(wrapper)
    return name


def _unfit(path: str, why: str) -> UserError:
    return UserError(
        f"{path} cannot be what the training begins with: {why}.",
        hint="Choose weights of this network, or another model.name.",
        code="training.start",
    )
