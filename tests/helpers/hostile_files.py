"""Files and state dicts that are no model of ours, or a damaged one. See hostile_checkpoints.py."""

from __future__ import annotations

import gzip
import json
import struct
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from hostile_pickles import Maker, Trap, saved


def written(content: bytes) -> Maker:
    def make(trap: Trap) -> Path:
        trap.path.write_bytes(content)
        return trap.path

    return make


def gzip_archive(trap: Trap) -> Path:
    trap.path.write_bytes(gzip.compress(b"weights"))
    return trap.path


def cut_off(trap: Trap, *, legacy: bool = False, keep: float = 0.5) -> Path:
    torch.save(dict(trap.state), trap.path, _use_new_zipfile_serialization=not legacy)
    content = trap.path.read_bytes()
    trap.path.write_bytes(content[: int(keep * len(content))])
    return trap.path


def changed_state(change: Callable[[dict[str, Any]], Any]) -> Maker:
    """A good state dict after `change`, which returns the new one or changes it in place."""

    def make(trap: Trap) -> Path:
        state: dict[str, Any] = OrderedDict((name, value.clone()) for name, value in trap.state.items())
        return saved(trap, change(state) or state)

    return make


EMBEDDING = "query_embed.weight"


def stride_bomb(state: dict[str, Any]) -> None:
    state["text_encoder.embeddings.word_embeddings.weight"] = torch.zeros(1).expand(1 << 20, 4096)


def stride_bomb_that_fits(state: dict[str, Any]) -> None:
    state[EMBEDDING] = torch.zeros(1).expand(state[EMBEDDING].shape)


def every_second_entry(state: dict[str, Any]) -> dict[str, Any]:
    return {name: state[name] for name in list(state)[::2]}


def without_entries(part: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda state: {name: value for name, value in state.items() if part not in name}


def with_entry(name: str, value: Callable[[Tensor], Any]) -> Callable[[dict[str, Any]], None]:
    def change(state: dict[str, Any]) -> None:
        state[name] = value(state[name])

    return change


def poisoned(value: float, dtype: torch.dtype = torch.float32) -> Callable[[Tensor], Tensor]:
    def change(tensor: Tensor) -> Tensor:
        changed = tensor.to(dtype)
        changed.view(-1)[-1] = value
        return changed

    return change


def deformable_detr(trap: Trap) -> Path:
    names = ("transformer.encoder.layers.0.self_attn.sampling_offsets.weight", "query_embed.weight", "bbox_embed.0.x")
    return saved(trap, {"model": {name: torch.zeros(2) for name in names}})


def roberta_alone(trap: Trap) -> Path:
    return saved(
        trap, {f"roberta.{name}": torch.zeros(2) for name in ("embeddings.word_embeddings.weight", "pooler.x")}
    )


def safetensors(change: Callable[[bytes], bytes]) -> Maker:
    def make(trap: Trap) -> Path:
        path = trap.folder / "model.safetensors"
        save_file({name: value.clone().contiguous() for name, value in trap.state.items()}, str(path))
        path.write_bytes(change(path.read_bytes()))
        return path

    return make


def with_header(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    """Change the JSON header of a safetensors file."""

    def apply(content: bytes) -> bytes:
        length = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8 : 8 + length])
        change(header)
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + content[8 + length :]

    return apply


def offsets(first: int, last: int) -> Callable[[dict[str, Any]], None]:
    def change(header: dict[str, Any]) -> None:
        header[EMBEDDING]["data_offsets"] = [first, last]

    return change


def overflow(header: dict[str, Any]) -> None:
    header[EMBEDDING]["shape"] = [1 << 62, 1 << 62]


def huge_header(trap: Trap) -> Path:
    path = trap.folder / "model.safetensors"
    length = 200_000_000
    with path.open("wb") as file:
        file.write(struct.pack("<Q", length) + b'{"a":"')
        file.truncate(8 + length + 64)  # no block of the disk is used for the rest
    return path
