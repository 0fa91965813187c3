"""Pickles that ask for more than weights, in the forms in which PyTorch has saved them. See hostile_checkpoints.py."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from helpers_checkpoints import official_wrapper, tiny_family_model


@dataclass(frozen=True)
class Trap:
    """Where a case may write, the state dict of a good model, and what must not happen."""

    folder: Path
    state: Mapping[str, Tensor]
    canary: Path
    port: int

    @property
    def path(self) -> Path:
        return self.folder / "model.pth"


Maker = Callable[[Trap], Path]


def good_state() -> dict[str, Tensor]:
    """The state dict that the cases spoil."""
    return dict(tiny_family_model("referformer").state_dict())


def pickled_call(name: str, arguments: tuple[Any, ...], *, protocol: int = 2) -> bytes:
    """The opcodes of {"model": name(*arguments)}."""
    module, _, attribute = name.rpartition(".")
    body = pickle.dumps(arguments, protocol=protocol)
    start = 2 if protocol >= 2 else 0
    if protocol >= 4:
        start += 9  # of the frame
        names = b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, attribute))
        function = names + b"\x93"
    else:
        function = f"c{module}\n{attribute}\n".encode()
    head = b"\x80" + bytes([protocol]) if protocol >= 2 else b""
    return head + b"}" + b"X\x05\x00\x00\x00model" + function + body[start:-1] + b"R" + b"s."


def archive_around(path: Path, content: bytes, *, members: Mapping[str, bytes] | None = None) -> Path:
    """An archive as torch.save writes it, around any pickle."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/version", b"3\n")
        for name, value in (members or {}).items():
            archive.writestr(name, value)
    return path


def asking_for(name: str, *arguments: Any) -> Maker:
    """A checkpoint that asks for `name`; `CANARY` and `PORT` in the arguments are put in."""

    def make(trap: Trap) -> Path:
        return archive_around(trap.path, pickled_call(name, filled(trap, arguments)))

    return make


def filled(trap: Trap, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("CANARY", str(trap.canary)).replace("PORT", str(trap.port))
        if isinstance(value, tuple | list):
            return type(value)(fill(each) for each in value)
        return trap.port if value is ... else value

    return tuple(fill(each) for each in arguments)


TOUCH = "touch CANARY"
WRITE = "open('CANARY', 'w').close()"


def stack_global(trap: Trap) -> Path:
    content = pickled_call("os.system", filled(trap, (TOUCH,)), protocol=4)
    return archive_around(trap.path, content)


def memoised_name(trap: Trap) -> Path:
    """STACK_GLOBAL whose names come out of the memo, so that no string stands before it."""
    content = (
        b"\x80\x04" + b"\x8c\x02os\x94" + b"0" + b"\x8c\x06system\x94" + b"0" + b"h\x00h\x01\x93"
        + b"X" + struct.pack("<I", len(f"touch {trap.canary}")) + f"touch {trap.canary}".encode() + b"\x85R."
    )  # fmt: skip
    return archive_around(trap.path, content)


def instance_opcode(trap: Trap) -> Path:
    return archive_around(trap.path, b"(S'" + f"touch {trap.canary}".encode() + b"'\nios\nsystem\n.")


def object_opcode(trap: Trap) -> Path:
    return archive_around(trap.path, b"(cos\nsystem\nS'" + f"touch {trap.canary}".encode() + b"'\no.")


def extension_opcode(trap: Trap) -> Path:
    return archive_around(trap.path, b"\x80\x02\x82\x01)R.")


def behind_the_end(trap: Trap) -> Path:
    good = io.BytesIO()
    torch.save({"a": 1}, good)
    with zipfile.ZipFile(good) as archive:
        content = archive.read("archive/data.pkl")
    return archive_around(trap.path, content + pickled_call("os.system", filled(trap, (TOUCH,))))


def old_form(trap: Trap, *, evil: int) -> Path:
    """The form before PyTorch 1.6, with a call in one of its pickles."""
    good = io.BytesIO()
    torch.save(dict(trap.state), good, _use_new_zipfile_serialization=False)
    parts, stream = [], io.BytesIO(good.getvalue())
    for _ in range(3):
        begin = stream.tell()
        pickle.load(stream)
        parts.append(good.getvalue()[begin : stream.tell()])
    rest = good.getvalue()[stream.tell() :]
    call = pickled_call("os.system", filled(trap, (TOUCH,)))
    content = b"".join(call if index == evil else part for index, part in enumerate(parts))
    trap.path.write_bytes(content + (call if evil == 3 else b"") + rest)
    return trap.path


def plain_pickle(trap: Trap) -> Path:
    trap.path.write_bytes(pickled_call("os.system", filled(trap, (TOUCH,)), protocol=2))
    return trap.path


def numpy_pickle(trap: Trap) -> Path:
    """Detectron2's form."""
    content = {"model": dict.fromkeys(trap.state, 1.0), "__author__": "nobody"}
    trap.path.write_bytes(pickle.dumps(content, protocol=2))
    return trap.path


def evil_beside_the_weights(trap: Trap) -> Path:
    class Evil:
        def __reduce__(self) -> Any:
            import os

            return os.system, (f"touch {trap.canary}",)

    torch.save(official_wrapper(dict(trap.state), optimizer=Evil()), trap.path)
    return trap.path


def whole_module(trap: Trap) -> Path:
    torch.save(torch.nn.Linear(2, 2), trap.path)
    return trap.path


def saved(trap: Trap, content: object) -> Path:
    torch.save(content, trap.path)
    return trap.path


def nested(trap: Trap) -> Path:
    """A hundred thousand lists in each other."""
    return archive_around(trap.path, b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".")


def long_integer(trap: Trap) -> Path:
    return archive_around(trap.path, b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"\x01" * 64 + b".")
