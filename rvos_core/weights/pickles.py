"""What a pickle asks for, read off its opcodes without running one: a gate before `torch.load(weights_only=True)`.

Only the names in `ALLOWED` and `INERT` may be asked for. The list is of what a state dict is made of; a list of what is
bad would always have a hole.
"""

from __future__ import annotations

import pickletools
from io import BytesIO
from pathlib import Path

from rvos_core.errors import UserError
from rvos_core.weights.sniff import refused

MAX_PICKLE_BYTES = 64 * 1024 * 1024  # without tensors' contents; with an optimiser's state it is 1 MB
_MAX_OPCODES = 500_000  # a model of 2,000 tensors with its optimiser has 100,000
_KEEPS_STRINGS = frozenset({"MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"})
_OPENS = frozenset({"EMPTY_LIST", "EMPTY_DICT", "EMPTY_TUPLE", "MARK"})
_MAX_DEPTH = 500  # containers begun one right after the other; in a checkpoint they are three
# Opcodes that name something to call, and those that no state dict needs.
_WATCHED = frozenset(
    {"GLOBAL", "STACK_GLOBAL", "INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID", "NEXT_BUFFER"}
)

_STORAGES = ("Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool", "Untyped", "Typed")

# Tensors, and the containers of Python that a state dict and a training script's notes are made of.
ALLOWED = frozenset(
    {
        "collections.OrderedDict",
        "collections.Counter",
        "torch.Size",
        "torch.device",
        "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_parameter",
        "torch.nn.parameter.Parameter",
        "builtins.set",
        "_codecs.encode",
        *(f"torch.{name}Storage" for name in _STORAGES),
        *(f"torch.storage.{name}Storage" for name in _STORAGES),
        *(f"torch.{name}" for name in ("float64", "float32", "float16", "bfloat16", "int64", "int32", "uint8", "bool")),
    }
)
# Notes of training scripts beside the weights. They are read as objects that do nothing (see `reading.py`).
INERT = frozenset(
    {
        "argparse.Namespace",
        "numpy.core.multiarray.scalar",
        "numpy._core.multiarray.scalar",
        "numpy.dtype",
        "pathlib.PosixPath",
        "pathlib.WindowsPath",
        "pathlib.PurePosixPath",
        "pathlib._local.PosixPath",
    }
)
_PYTHON_2 = {"__builtin__": "builtins", "copy_reg": "copyreg"}


def check_pickle(content: bytes, path: str | Path) -> int:
    """Walk over one pickle at the start of `content`.

    Returns:
        Where it ends, so that the next one can be looked at.

    Raises:
        UserError: it asks for anything but tensors and plain containers (the message names it), uses opcodes that no
            checkpoint needs, or is damaged.
    """
    strings: list[str | None] = [None, None]  # pushed by the last two opcodes, for STACK_GLOBAL
    end, opened = None, 0
    try:
        for count, (opcode, argument, position) in enumerate(pickletools.genops(BytesIO(content))):
            name = opcode.name
            if name in _KEEPS_STRINGS:
                continue
            opened = opened + 1 if name in _OPENS else 0
            if opened > _MAX_DEPTH:
                raise _damaged(path, "has containers in containers without end")
            if name in _WATCHED:
                _check_opcode(name, argument, strings, path)
            if count > _MAX_OPCODES:
                raise _damaged(path, "has far more entries than a checkpoint")
            strings[0], strings[1] = strings[1], argument if isinstance(argument, str) else None
            if name == "STOP":
                end = (position or 0) + 1
    except ValueError as error:
        raise _damaged(path, "is damaged or cut off: its table of contents ends in the middle") from error
    if end is None:
        raise _damaged(path, "is damaged or cut off: its table of contents ends in the middle")
    return end


def _check_opcode(name: str, argument: object, strings: list[str | None], path: str | Path) -> None:
    """One of `_WATCHED`. Raises: UserError: it asks for what is not allowed."""
    if name == "GLOBAL":
        _check_name(".".join(str(argument).split(" ", 1)), path)
    elif name == "STACK_GLOBAL":
        _check_name(".".join(map(str, strings)), path)
    elif name == "INST":
        raise _refusal(f"`{str(argument).replace(' ', '.')}`", path)
    else:
        raise _refusal(f"what no checkpoint needs (pickle's {name})", path)


def _check_name(name: str, path: str | Path) -> None:
    module, _, attribute = name.rpartition(".")
    module = _PYTHON_2.get(module, module)
    if f"{module}.{attribute}" not in ALLOWED | INERT:
        raise _refusal(f"`{name}`", path)


def _refusal(wanted: str, path: str | Path) -> UserError:
    return refused(
        path,
        f"is refused: besides weights it asks to run {wanted[:200]}",
        "It could do anything with your files. Take the weights as safetensors, or from the authors' own page.",
        code="asks_to_run_code",
    )


def _damaged(path: str | Path, what: str) -> UserError:
    return refused(path, what, "Download or copy it again.", code="damaged")
