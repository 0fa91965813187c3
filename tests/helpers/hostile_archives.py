"""ZIP archives that are not as PyTorch writes them. See hostile_checkpoints.py."""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hostile_pickles import Maker, Trap, archive_around, saved


def rezipped(trap: Trap, change: Callable[[str, bytes], tuple[Any, bytes] | None], extra: Any = ()) -> Path:
    """A good checkpoint packed again: `change(name, content)` gives the new member, None leaves it out."""
    good = io.BytesIO()
    torch.save(dict(trap.state), good)
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(trap.path, "w", zipfile.ZIP_STORED) as target:
        for info in source.infolist():
            changed = change(info.filename, source.read(info))
            if changed is not None:
                target.writestr(*changed)
        for name, content in extra:
            target.writestr(name, content)
    return trap.path


def same(name: str, content: bytes) -> tuple[str, bytes]:
    return name, content


def with_member(name: str, content: bytes = b"x") -> Maker:
    return lambda trap: rezipped(trap, same, [(name, content)])


def wrong_checksum(trap: Trap) -> Path:
    path = saved(trap, dict(trap.state))
    with zipfile.ZipFile(path) as archive:
        member = next(each for each in archive.infolist() if each.filename.endswith("data/5"))
    content = bytearray(path.read_bytes())
    begin = member.header_offset + 30 + struct.unpack_from("<H", content, member.header_offset + 26)[0]
    begin += struct.unpack_from("<H", content, member.header_offset + 28)[0]
    content[begin] ^= 0xFF
    path.write_bytes(content)
    return path


def duplicate_member(trap: Trap) -> Path:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return rezipped(trap, same, [("archive/data/0", b"x" * 8)])


def packed_members(trap: Trap) -> Path:
    good = io.BytesIO()
    torch.save({"a": torch.zeros(4 * 1024 * 1024)}, good)
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(trap.path, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            target.writestr(info.filename, source.read(info))
    return trap.path


def two_names(trap: Trap) -> Path:
    """The directory says `archive/data/0`, the member itself says something else."""
    path = saved(trap, dict(trap.state))
    content = path.read_bytes()
    name = b"model/data/0"
    at = content.index(name)
    path.write_bytes(content[:at] + b"model/data/Z" + content[at + len(name) :])
    return path


def overlapping(trap: Trap) -> Path:
    """Two entries of the directory point to the same member."""
    path = saved(trap, dict(trap.state))
    content = bytearray(path.read_bytes())
    directory = content.rindex(b"PK\x01\x02" + content[content.rindex(b"PK\x01\x02") + 4 :][:2])
    first = content.index(b"PK\x01\x02")
    content[directory + 42 : directory + 46] = content[first + 42 : first + 46]
    path.write_bytes(content)
    return path


def encrypted_member(trap: Trap) -> Path:
    path = saved(trap, dict(trap.state))
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    path.write_bytes(content)
    return path


def linked_member(trap: Trap) -> Path:
    info = zipfile.ZipInfo("archive/data/999")
    info.external_attr = 0o120777 << 16
    return rezipped(trap, same, [(info, b"/etc/passwd")])


def torchscript(trap: Trap) -> Path:
    code = b"def forward(self, x: Tensor) -> Tensor:\n  return x\n"
    members = {"archive/code/__torch__/net.py": code, "archive/constants.pkl": pickle.dumps(())}
    return archive_around(trap.path, pickle.dumps({}, protocol=2), members=members)


def torch_package(trap: Trap) -> Path:
    members = {"archive/.data/extern_modules": b"os\n", "archive/net.py": b"import os\n"}
    return archive_around(trap.path, pickle.dumps({}, protocol=2), members=members)


def numpy_archive(trap: Trap) -> Path:
    with trap.path.open("wb") as file:
        np.savez(file, **{name: np.zeros(3) for name in list(trap.state)[:3]})
    return trap.path


def zip_of_a_checkpoint(trap: Trap) -> Path:
    with zipfile.ZipFile(trap.path, "w") as archive:
        archive.writestr("weights/model.pth", b"weights")
    return trap.path


def tar_archive(trap: Trap) -> Path:
    with tarfile.open(trap.path, "w") as archive:
        info = tarfile.TarInfo("model.pth")
        info.size = 7
        archive.addfile(info, io.BytesIO(b"weights"))
    return trap.path
