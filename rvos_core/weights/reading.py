"""Reads the tensors of a checkpoint, whatever its form, without running anything of it. Made for the import worker.

Tensors are mapped from the file where its form allows that, so that a model's gigabytes are not read twice.
"""

from __future__ import annotations

import contextlib
import json
import pickle
import struct
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from rvos_core.weights.archive import check_archive
from rvos_core.weights.pickles import INERT, MAX_PICKLE_BYTES, check_pickle
from rvos_core.weights.sniff import FileKind, refused, sniff

_LEGACY_MAGIC = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")
_LEGACY_PICKLES = 5  # magic, protocol, system, the object, the order of the storages
# Where training scripts keep the weights, the averaged ones first.
_WRAPPERS = (
    "model_ema",
    "ema_state_dict",
    "state_dict_ema",
    "ema",
    "model",
    "state_dict",
    "model_state_dict",
    "module",
)
_AVERAGED = frozenset({"model_ema", "ema_state_dict", "state_dict_ema", "ema"})
# What `torch.load` raises on damaged files.
_TORCH_FAILS = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ValueError,
    AssertionError,
    ArithmeticError,
    OSError,
    struct.error,
    zipfile.BadZipFile,
)
_PREFIXES = ("module.", "_orig_mod.", "model.")


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a file, by their names there without wrappers' prefixes.

    Attributes:
        kind: the file's form.
        tensors: name -> tensor on the CPU, of any dtype, perhaps mapped from the file.
        arguments: numbers, words and truth values of the training script's options, where it saved them.
        notes: what a person should know about the reading, in sentences.
    """

    kind: FileKind
    tensors: Mapping[str, Tensor]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class _Note:
    """Stands for an object of a training script: keeps what was said about it, does nothing."""

    def __new__(cls, *arguments: object, **named: object) -> _Note:
        del arguments, named
        return super().__new__(cls)

    def __init__(self, *arguments: object, **named: object) -> None:
        del arguments
        self.values: dict[str, Any] = dict(named)

    def __setstate__(self, state: object) -> None:
        self.values = dict(state) if isinstance(state, dict) else {}


def read_checkpoint(path: Path) -> Checkpoint:
    """Read `path`.

    Raises:
        UserError: it is no checkpoint, damaged, asks to run code, or holds no state dict.
    """
    kind = sniff(path)
    if kind is FileKind.SAFETENSORS:
        return _unwrapped(_read_safetensors(path), path, kind)
    if kind is FileKind.TORCH_ZIP:
        check_archive(path)
    else:
        _check_legacy(path)
    return _unwrapped(_load(path, mapped=kind is FileKind.TORCH_ZIP), path, kind)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(str(path), framework="pt") as file:
            names = file.keys()
            return {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        what = f"is a damaged safetensors file ({_first_line(error)})"
        raise refused(path, what, "Download or copy it again.", code="damaged") from error


def _check_legacy(path: Path) -> None:
    """Walk over the pickles of the form before PyTorch 1.6, which lie one after another before the numbers."""
    with path.open("rb") as file:
        head = file.read(MAX_PICKLE_BYTES)
    begin = check_pickle(head, path)
    if _LEGACY_MAGIC not in head[:begin]:
        raise refused(
            path,
            "is a plain Python pickle, not a checkpoint of PyTorch",
            "Take the model's .safetensors or .pth; models of Detectron2 are also published on the Hugging Face hub.",
            code="plain_pickle",
        )
    for _ in range(_LEGACY_PICKLES - 1):
        begin += check_pickle(head[begin:], path)


def _load(path: Path, *, mapped: bool) -> object:
    try:
        with _inert_notes(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickle's version and old storages
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped or None)
    except _TORCH_FAILS as error:
        # What torch says here often advises to switch the protection off, so it is not passed on.
        if "memory" in str(error).lower():
            raise MemoryError from error
        raise refused(
            path, "cannot be read as a checkpoint of PyTorch; it is damaged", "Download it again.", code="damaged"
        ) from error


@contextlib.contextmanager
def _inert_notes() -> Iterator[None]:
    """`torch.load` makes a `_Note` of everything in `INERT`, in this block only."""
    with torch.serialization.safe_globals([(_Note, name) for name in sorted(INERT)]):
        yield


def _unwrapped(content: object, path: Path, kind: FileKind) -> Checkpoint:
    """The state dict inside what a training script saved."""
    notes: list[str] = []
    arguments = _plain_arguments(content)
    for _ in range(4):  # a wrapper in a wrapper, and no more
        if not isinstance(content, dict):
            break
        key = next((key for key in _WRAPPERS if _has_tensors(content.get(key))), None)
        if key is None:
            break
        if key in _AVERAGED:
            notes.append(f"The averaged weights ({key!r}) are taken.")
        content = content[key]
    if not isinstance(content, dict) or not _has_tensors(content):
        what = f"is a checkpoint of PyTorch, but holds no state dict (a {type(content).__name__} instead)"
        hint = "Give a checkpoint with the weights of a model by name."
        raise refused(path, what, hint, code="no_state_dict")
    tensors: dict[str, Tensor] = {}
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            if isinstance(name, str) and isinstance(value, int | float | str | bool | None | _Note):
                continue  # a note beside the weights
            what = f"has {str(name)[:80]!r} among its weights, which is no tensor but {type(value).__name__}"
            raise refused(path, what, "It is no state dict.", code="no_state_dict")
        tensors[name] = value.detach()
    return Checkpoint(kind, _without_prefix(tensors, path), arguments, tuple(notes))


def _has_tensors(value: object) -> bool:
    return isinstance(value, dict) and any(isinstance(item, Tensor) for item in value.values())


def _without_prefix(tensors: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Take off what DataParallel, `torch.compile` and wrappers put before every name."""
    while True:
        prefix = next((p for p in _PREFIXES if tensors and all(name.startswith(p) for name in tensors)), None)
        if prefix is None:
            return tensors
        tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}


def _plain_arguments(content: object) -> dict[str, Any]:
    """Options of the training script that are plain values."""
    note = content.get("args") if isinstance(content, dict) else None
    values = note.values if isinstance(note, _Note) else note
    if not isinstance(values, dict):
        return {}
    plain = {str(key): value for key, value in values.items() if isinstance(value, str | int | float | bool)}
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        json.dumps(plain)
        return plain
    return {}


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:160]
