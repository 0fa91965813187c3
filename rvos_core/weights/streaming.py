"""Writes a safetensors file tensor by tensor, so that a model of gigabytes needs the memory of its largest matrix.

The format: eight bytes with the length of a JSON header, the header, the numbers one after another (little endian).
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

import torch
from safetensors import safe_open

from rvos_core.errors import UserError
from rvos_core.weights.sniff import refused
from rvos_core.weights.strict import Entry, shapes_of

_ALIGN = 8
_CODES = {torch.float32: "F32", torch.float16: "F16"}


def write_safetensors(path: Path, entries: list[Entry], *, dtype: torch.dtype, source: Path) -> None:
    """Write `entries` as `dtype` (float32 or float16) to `path`, read them back and compare.

    Raises:
        UserError: a number is too large for `dtype`, or what is read back differs (a failing disk).
        OSError: the disk refuses.
    """
    code, width = _CODES[dtype], torch.finfo(dtype).bits // 8
    shapes = shapes_of({entry.name: entry for entry in entries})
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for entry in entries:
        size = width * torch.Size(shapes[entry.name]).numel()
        header[entry.name] = {
            "dtype": code,
            "shape": list(shapes[entry.name]),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGN)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for entry in entries:
            value = entry.value(dtype)
            if not bool(torch.isfinite(value).all()):
                raise _too_large(source, entry.name)
            if value.numel():
                file.write(value.reshape(-1).view(torch.uint8).numpy().data)
        file.flush()
    _compare(path, entries, dtype)


def _compare(path: Path, entries: list[Entry], dtype: torch.dtype) -> None:
    with safe_open(str(path), framework="pt") as file:
        for entry in entries:
            if not torch.equal(file.get_tensor(entry.name), entry.value(dtype)):
                raise refused(path, f"reads back differently in {entry.name}", "Check the disk.", code="read_back")


def _too_large(source: Path, name: str) -> UserError:
    what = f"holds numbers in {name} that are too large for half precision"
    return refused(source, what, "Import it without --half.", code="not_finite")
