"""Files that must not become models: each maker writes one and returns its path.

`CASES` names them with the code of the error that each must cause. What would run code touches `Trap.canary` or calls
`Trap.port`; a test looks at both afterwards.
"""

from __future__ import annotations

import gzip
import io
import json
import pickle
import struct
import tarfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
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


def _pickled_call(name: str, arguments: tuple[Any, ...], *, protocol: int = 2) -> bytes:
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


def _zip(path: Path, content: bytes, *, members: Mapping[str, bytes] | None = None, root: str = "archive") -> Path:
    """An archive as torch.save writes it, around any pickle."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"{root}/data.pkl", content)
        archive.writestr(f"{root}/version", b"3\n")
        for name, value in (members or {}).items():
            archive.writestr(name, value)
    return path


def _call(name: str, *arguments: Any) -> Maker:
    """A checkpoint that asks for `name`; `CANARY` and `PORT` in the arguments are put in."""

    def make(trap: Trap) -> Path:
        return _zip(trap.path, _pickled_call(name, _filled(trap, arguments)))

    return make


def _filled(trap: Trap, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("CANARY", str(trap.canary)).replace("PORT", str(trap.port))
        if isinstance(value, tuple | list):
            return type(value)(fill(each) for each in value)
        return trap.port if value is ... else value

    return tuple(fill(each) for each in arguments)


_TOUCH = "touch CANARY"
_WRITE = "open('CANARY', 'w').close()"


def _stack_global(trap: Trap) -> Path:
    content = _pickled_call("os.system", _filled(trap, (_TOUCH,)), protocol=4)
    return _zip(trap.path, content)


def _memoised_name(trap: Trap) -> Path:
    """STACK_GLOBAL whose names come out of the memo, so that no string stands before it."""
    content = (
        b"\x80\x04" + b"\x8c\x02os\x94" + b"0" + b"\x8c\x06system\x94" + b"0" + b"h\x00h\x01\x93"
        + b"X" + struct.pack("<I", len(f"touch {trap.canary}")) + f"touch {trap.canary}".encode() + b"\x85R."
    )  # fmt: skip
    return _zip(trap.path, content)


def _instance(trap: Trap) -> Path:
    return _zip(trap.path, b"(S'" + f"touch {trap.canary}".encode() + b"'\nios\nsystem\n.")


def _object(trap: Trap) -> Path:
    return _zip(trap.path, b"(cos\nsystem\nS'" + f"touch {trap.canary}".encode() + b"'\no.")


def _extension(trap: Trap) -> Path:
    return _zip(trap.path, b"\x80\x02\x82\x01)R.")


def _behind_the_end(trap: Trap) -> Path:
    good = io.BytesIO()
    torch.save({"a": 1}, good)
    with zipfile.ZipFile(good) as archive:
        content = archive.read("archive/data.pkl")
    return _zip(trap.path, content + _pickled_call("os.system", _filled(trap, (_TOUCH,))))


def _legacy(trap: Trap, *, evil: int) -> Path:
    """The form before PyTorch 1.6, with a call in one of its pickles."""
    good = io.BytesIO()
    torch.save(dict(trap.state), good, _use_new_zipfile_serialization=False)
    parts, stream = [], io.BytesIO(good.getvalue())
    for _ in range(3):
        begin = stream.tell()
        pickle.load(stream)
        parts.append(good.getvalue()[begin : stream.tell()])
    rest = good.getvalue()[stream.tell() :]
    call = _pickled_call("os.system", _filled(trap, (_TOUCH,)))
    content = b"".join(call if index == evil else part for index, part in enumerate(parts))
    trap.path.write_bytes(content + (call if evil == 3 else b"") + rest)
    return trap.path


def _plain_pickle(trap: Trap) -> Path:
    trap.path.write_bytes(_pickled_call("os.system", _filled(trap, (_TOUCH,)), protocol=2))
    return trap.path


def _numpy_pickle(trap: Trap) -> Path:
    """Detectron2's form."""
    content = {"model": dict.fromkeys(trap.state, 1.0), "__author__": "nobody"}
    trap.path.write_bytes(pickle.dumps(content, protocol=2))
    return trap.path


def _evil_beside_the_weights(trap: Trap) -> Path:
    class Evil:
        def __reduce__(self) -> Any:
            import os

            return os.system, (f"touch {trap.canary}",)

    torch.save(official_wrapper(dict(trap.state), optimizer=Evil()), trap.path)
    return trap.path


def _whole_module(trap: Trap) -> Path:
    torch.save(torch.nn.Linear(2, 2), trap.path)
    return trap.path


def _saved(trap: Trap, content: object) -> Path:
    torch.save(content, trap.path)
    return trap.path


def _rezipped(trap: Trap, change: Callable[[str, bytes], tuple[Any, bytes] | None], extra: Any = ()) -> Path:
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


def _same(name: str, content: bytes) -> tuple[str, bytes]:
    return name, content


def _extra(name: str, content: bytes = b"x") -> Maker:
    return lambda trap: _rezipped(trap, _same, [(name, content)])


def _wrong_checksum(trap: Trap) -> Path:
    path = _saved(trap, dict(trap.state))
    with zipfile.ZipFile(path) as archive:
        member = next(each for each in archive.infolist() if each.filename.endswith("data/5"))
    content = bytearray(path.read_bytes())
    begin = member.header_offset + 30 + struct.unpack_from("<H", content, member.header_offset + 26)[0]
    begin += struct.unpack_from("<H", content, member.header_offset + 28)[0]
    content[begin] ^= 0xFF
    path.write_bytes(content)
    return path


def _duplicate(trap: Trap) -> Path:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _rezipped(trap, _same, [("archive/data/0", b"x" * 8)])


def _packed(trap: Trap) -> Path:
    good = io.BytesIO()
    torch.save({"a": torch.zeros(4 * 1024 * 1024)}, good)
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(trap.path, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            target.writestr(info.filename, source.read(info))
    return trap.path


def _two_names(trap: Trap) -> Path:
    """The directory says `archive/data/0`, the member itself says something else."""
    path = _saved(trap, dict(trap.state))
    content = path.read_bytes()
    name = b"model/data/0"
    at = content.index(name)
    path.write_bytes(content[:at] + b"model/data/Z" + content[at + len(name) :])
    return path


def _overlapping(trap: Trap) -> Path:
    """Two entries of the directory point to the same member."""
    path = _saved(trap, dict(trap.state))
    content = bytearray(path.read_bytes())
    directory = content.rindex(b"PK\x01\x02" + content[content.rindex(b"PK\x01\x02") + 4 :][:2])
    first = content.index(b"PK\x01\x02")
    content[directory + 42 : directory + 46] = content[first + 42 : first + 46]
    path.write_bytes(content)
    return path


def _encrypted(trap: Trap) -> Path:
    path = _saved(trap, dict(trap.state))
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    path.write_bytes(content)
    return path


def _link(trap: Trap) -> Path:
    info = zipfile.ZipInfo("archive/data/999")
    info.external_attr = 0o120777 << 16
    return _rezipped(trap, _same, [(info, b"/etc/passwd")])


def _torchscript(trap: Trap) -> Path:
    code = b"def forward(self, x: Tensor) -> Tensor:\n  return x\n"
    members = {"archive/code/__torch__/net.py": code, "archive/constants.pkl": pickle.dumps(())}
    return _zip(trap.path, pickle.dumps({}, protocol=2), members=members)


def _package(trap: Trap) -> Path:
    members = {"archive/.data/extern_modules": b"os\n", "archive/net.py": b"import os\n"}
    return _zip(trap.path, pickle.dumps({}, protocol=2), members=members)


def _npz(trap: Trap) -> Path:
    with trap.path.open("wb") as file:
        np.savez(file, **{name: np.zeros(3) for name in list(trap.state)[:3]})
    return trap.path


def _zip_of_a_checkpoint(trap: Trap) -> Path:
    with zipfile.ZipFile(trap.path, "w") as archive:
        archive.writestr("weights/model.pth", b"weights")
    return trap.path


def _tar(trap: Trap) -> Path:
    with tarfile.open(trap.path, "w") as archive:
        info = tarfile.TarInfo("model.pth")
        info.size = 7
        archive.addfile(info, io.BytesIO(b"weights"))
    return trap.path


def _written(content: bytes) -> Maker:
    def make(trap: Trap) -> Path:
        trap.path.write_bytes(content)
        return trap.path

    return make


def _gzip(trap: Trap) -> Path:
    trap.path.write_bytes(gzip.compress(b"weights"))
    return trap.path


def _cut(trap: Trap, *, legacy: bool = False, keep: float = 0.5) -> Path:
    torch.save(dict(trap.state), trap.path, _use_new_zipfile_serialization=not legacy)
    content = trap.path.read_bytes()
    trap.path.write_bytes(content[: int(keep * len(content))])
    return trap.path


def _changed(change: Callable[[dict[str, Any]], Any]) -> Maker:
    """A good state dict after `change`, which returns the new one or changes it in place."""

    def make(trap: Trap) -> Path:
        state: dict[str, Any] = OrderedDict((name, value.clone()) for name, value in trap.state.items())
        return _saved(trap, change(state) or state)

    return make


_EMBEDDING = "query_embed.weight"


def _stride_bomb(state: dict[str, Any]) -> None:
    state["text_encoder.embeddings.word_embeddings.weight"] = torch.zeros(1).expand(1 << 20, 4096)


def _stride_bomb_that_fits(state: dict[str, Any]) -> None:
    state[_EMBEDDING] = torch.zeros(1).expand(state[_EMBEDDING].shape)


def _half(state: dict[str, Any]) -> dict[str, Any]:
    return {name: state[name] for name in list(state)[::2]}


def _without(part: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda state: {name: value for name, value in state.items() if part not in name}


def _set(name: str, value: Callable[[Tensor], Any]) -> Callable[[dict[str, Any]], None]:
    def change(state: dict[str, Any]) -> None:
        state[name] = value(state[name])

    return change


def _poisoned(value: float, dtype: torch.dtype = torch.float32) -> Callable[[Tensor], Tensor]:
    def change(tensor: Tensor) -> Tensor:
        changed = tensor.to(dtype)
        changed.view(-1)[-1] = value
        return changed

    return change


def _deformable_detr(trap: Trap) -> Path:
    names = ("transformer.encoder.layers.0.self_attn.sampling_offsets.weight", "query_embed.weight", "bbox_embed.0.x")
    return _saved(trap, {"model": {name: torch.zeros(2) for name in names}})


def _roberta(trap: Trap) -> Path:
    return _saved(
        trap, {f"roberta.{name}": torch.zeros(2) for name in ("embeddings.word_embeddings.weight", "pooler.x")}
    )


def _safetensors(change: Callable[[bytes], bytes]) -> Maker:
    def make(trap: Trap) -> Path:
        path = trap.folder / "model.safetensors"
        save_file({name: value.clone().contiguous() for name, value in trap.state.items()}, str(path))
        path.write_bytes(change(path.read_bytes()))
        return path

    return make


def _header(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    """Change the JSON header of a safetensors file."""

    def apply(content: bytes) -> bytes:
        length = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8 : 8 + length])
        change(header)
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + content[8 + length :]

    return apply


def _offsets(first: int, last: int) -> Callable[[dict[str, Any]], None]:
    def change(header: dict[str, Any]) -> None:
        header[_EMBEDDING]["data_offsets"] = [first, last]

    return change


def _overflow(header: dict[str, Any]) -> None:
    header[_EMBEDDING]["shape"] = [1 << 62, 1 << 62]


def _huge_header(trap: Trap) -> Path:
    path = trap.folder / "model.safetensors"
    length = 200_000_000
    with path.open("wb") as file:
        file.write(struct.pack("<Q", length) + b'{"a":"')
        file.truncate(8 + length + 64)  # no block of the disk is used for the rest
    return path


def _nested(trap: Trap) -> Path:
    """A hundred thousand lists in each other."""
    return _zip(trap.path, b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".")


def _long_integer(trap: Trap) -> Path:
    return _zip(trap.path, b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"\x01" * 64 + b".")


CODE, TRICKS, DAMAGED = "checkpoint.asks_to_run_code", "checkpoint.odd_archive", "checkpoint.damaged"

CASES: Mapping[str, tuple[Maker, str]] = {
    # what would run code
    "os.system": (_call("os.system", _TOUCH), CODE),
    "posix.system": (_call("posix.system", _TOUCH), CODE),
    "nt.system": (_call("nt.system", _TOUCH), CODE),
    "builtins.eval": (_call("builtins.eval", f"__import__('builtins').{_WRITE}"), CODE),
    "builtins.exec": (_call("builtins.exec", _WRITE), CODE),
    "__builtin__.eval of Python 2": (_call("__builtin__.eval", _WRITE), CODE),
    "builtins.open": (_call("builtins.open", "CANARY", "w"), CODE),
    "builtins.getattr": (_call("builtins.getattr", "CANARY", "upper"), CODE),
    "builtins.bytearray of a terabyte": (_call("builtins.bytearray", 10**12), CODE),
    "subprocess.Popen": (_call("subprocess.Popen", ["touch", "CANARY"]), CODE),
    "subprocess.check_output": (_call("subprocess.check_output", ["touch", "CANARY"]), CODE),
    "pty.spawn": (_call("pty.spawn", ["touch", "CANARY"]), CODE),
    "runpy.run_path": (_call("runpy.run_path", "CANARY"), CODE),
    "importlib.import_module": (_call("importlib.import_module", "antigravity"), CODE),
    "shutil.rmtree": (_call("shutil.rmtree", "CANARY"), CODE),
    "pickle.loads": (_call("pickle.loads", b"cos\nsystem\n(S'id'\ntR."), CODE),
    "torch.load": (_call("torch.serialization.load", "CANARY"), CODE),
    "torch.hub.load": (_call("torch.hub.load", "owner/name", "model"), CODE),
    "torch._utils._rebuild_wrapper_subclass": (_call("torch._utils._rebuild_wrapper_subclass", 1), CODE),
    "numpy runstring": (_call("numpy.testing._private.utils.runstring", _WRITE, {}), CODE),
    "timeit.timeit": (_call("timeit.timeit", _WRITE), CODE),
    "cProfile.run": (_call("cProfile.run", _WRITE), CODE),
    "bdb.Bdb.run": (_call("bdb.Bdb.run", _WRITE), CODE),
    "code.InteractiveInterpreter": (_call("code.InteractiveInterpreter.runcode", _WRITE), CODE),
    "idlelib": (_call("idlelib.pyshell.ModifiedInterpreter.runcode", _WRITE), CODE),
    "asyncio subprocess": (_call("asyncio.unix_events._UnixSubprocessTransport._start", "CANARY"), CODE),
    "operator.attrgetter": (_call("operator.attrgetter", "system"), CODE),
    "functools.partial": (_call("functools.partial", "CANARY"), CODE),
    "types.CodeType": (_call("types.CodeType", 0), CODE),
    "ctypes.CDLL": (_call("ctypes.CDLL", "libc.so.6"), CODE),
    "argparse.FileType": (_call("argparse.FileType", "w"), CODE),
    "socket.create_connection": (_call("socket.create_connection", ("127.0.0.1", ...)), CODE),
    "urllib.request.urlopen": (_call("urllib.request.urlopen", "http://127.0.0.1:PORT/"), CODE),
    "STACK_GLOBAL": (_stack_global, CODE),
    "STACK_GLOBAL out of the memo": (_memoised_name, CODE),
    "INST": (_instance, CODE),
    "OBJ": (_object, CODE),
    "EXT": (_extension, CODE),
    "code beside good weights": (_evil_beside_the_weights, CODE),
    "code behind the end": (_behind_the_end, TRICKS),
    "old form, code instead of the magic number": (lambda trap: _legacy(trap, evil=0), CODE),
    "old form, code in the third pickle": (lambda trap: _legacy(trap, evil=2), CODE),
    "old form, code before the object": (lambda trap: _legacy(trap, evil=3), CODE),
    "plain pickle with code": (_plain_pickle, CODE),
    "plain pickle of Detectron2": (_numpy_pickle, "checkpoint.plain_pickle"),
    "a pickled module": (_whole_module, CODE),
    "TorchScript": (_torchscript, "checkpoint.code"),
    "torch.package": (_package, "checkpoint.code"),
    # tricks with the archive
    "wrong checksum": (_wrong_checksum, DAMAGED),
    "two members of one name": (_duplicate, TRICKS),
    "a name that climbs": (_extra("archive/../../canary"), TRICKS),
    "an absolute name": (_extra("/tmp/canary"), TRICKS),
    "a name with backslashes": (_extra("archive\\data\\0"), TRICKS),
    "a member of another folder": (_extra("other/data/0"), TRICKS),
    "a member that is none of PyTorch's": (_extra("archive/data/notes.txt"), TRICKS),
    "packed members": (_packed, TRICKS),
    "another name inside": (_two_names, TRICKS),
    "members over each other": (_overlapping, TRICKS),
    "encrypted": (_encrypted, TRICKS),
    "a link": (_link, TRICKS),
    "NumPy archive": (_npz, "checkpoint.not_weights"),
    "ZIP of a checkpoint": (_zip_of_a_checkpoint, "checkpoint.archive"),
    "lists in lists": (_nested, "checkpoint.no_state_dict"),
    "an integer of two gigabytes": (_long_integer, DAMAGED),
    # other files
    "7z": (_written(b"7z\xbc\xaf\x27\x1c" + b"\x00" * 64), "checkpoint.archive"),
    "gzip": (_gzip, "checkpoint.archive"),
    "tar": (_tar, "checkpoint.archive"),
    "LFS pointer": (
        _written(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"),
        "checkpoint.lfs_pointer",
    ),
    "web page": (_written(b"\n<!DOCTYPE html><html><title>Google Drive</title></html>"), "checkpoint.web_page"),
    "empty": (_written(b""), "checkpoint.empty"),
    "zeros": (_written(b"\0" * 5000), DAMAGED),
    "JSON": (_written(b'{ "architectures": ["Net"] }'), "checkpoint.not_weights"),
    "picture": (_written(b"\x89PNG\r\n\x1a\n" + b"0" * 64), "checkpoint.not_weights"),
    "script": (_written(b"#!/bin/sh\ntouch canary\n"), "checkpoint.not_weights"),
    "noise": (
        _written(bytes(np.random.default_rng(1).integers(0, 128, 999, dtype=np.uint8))),
        "checkpoint.not_weights",
    ),
    "cut in half": (_cut, DAMAGED),
    "cut at the end": (lambda trap: _cut(trap, keep=0.99), DAMAGED),
    "old form, cut": (lambda trap: _cut(trap, legacy=True), DAMAGED),
    # wrong weights
    "another network": (_deformable_detr, "checkpoint.other_architecture"),
    "text encoder alone": (_roberta, "checkpoint.other_architecture"),
    "half the entries": (_changed(_half), "checkpoint.incomplete"),
    "no decoder": (_changed(_without("transformer.decoder.layers")), "checkpoint.incomplete"),
    "one entry missing": (_changed(_without("controller.layers.1.bias")), "checkpoint.incomplete"),
    "one entry too many": (
        _changed(lambda state: {**state, "extra.weight": torch.zeros(3)}),
        "checkpoint.does_not_fit",
    ),
    "another shape": (_changed(_set("resizer.fc.bias", lambda x: x[:-1])), "checkpoint.does_not_fit"),
    "aliases disagree": (_changed(_set("bbox_embed.1.layers.2.bias", lambda x: x + 1)), "checkpoint.does_not_fit"),
    "NaN": (_changed(_set(_EMBEDDING, _poisoned(float("nan")))), "checkpoint.not_finite"),
    "infinity": (_changed(_set(_EMBEDDING, _poisoned(float("-inf")))), "checkpoint.not_finite"),
    "too large for float32": (_changed(_set(_EMBEDDING, _poisoned(1e300, torch.float64))), "checkpoint.not_finite"),
    "whole numbers": (_changed(_set(_EMBEDDING, lambda x: x.to(torch.int8))), "checkpoint.dtype"),
    "a sparse tensor": (_changed(_set(_EMBEDDING, lambda x: x.to_sparse())), CODE),
    "stride bomb": (_changed(_stride_bomb), "checkpoint.storage"),
    "stride bomb of the right shape": (_changed(_stride_bomb_that_fits), "checkpoint.storage"),
    "a list": (lambda trap: _saved(trap, [torch.zeros(2)]), "checkpoint.no_state_dict"),
    "only notes": (lambda trap: _saved(trap, {"model": {}, "epoch": 3}), "checkpoint.no_state_dict"),
    "weights in a list": (_changed(_set(_EMBEDDING, lambda x: [x])), "checkpoint.no_state_dict"),
    # safetensors
    "header of 200 MB": (_huge_header, "checkpoint.huge_header"),
    "header of 2^63": (_safetensors(lambda content: struct.pack("<Q", 1 << 63) + content[8:]), "checkpoint.truncated"),
    "header is no JSON": (_safetensors(lambda content: content.replace(b'":{', b'"?{', 1)), DAMAGED),
    "entries over each other": (_safetensors(_header(_offsets(0, 384))), DAMAGED),
    "a shape that overflows": (_safetensors(_header(_overflow)), DAMAGED),
    "bytes behind the end": (_safetensors(lambda content: content + b"\0"), DAMAGED),
    "safetensors cut": (_safetensors(lambda content: content[: len(content) // 2]), DAMAGED),
}
