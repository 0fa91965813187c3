"""Compares a state dict with the network it should fill, entry by entry, before anything is copied.

Nothing is passed over: every entry of the network is there once, with its shape, in real numbers, in a storage that
holds what its shape claims.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from rvos_core.errors import UserError
from rvos_core.models.architectures import architecture
from rvos_core.models.mask2former_weights import instance_weights
from rvos_core.weights.naming import is_derived, joined_name, our_name
from rvos_core.weights.recognise import Recognised
from rvos_core.weights.shape_reader import Shapes
from rvos_core.weights.sniff import refused

_SHOWN = 5
_MADE_OF_SHAPES = ("empty", "zeros", "ones", "randn", "rand")
_DICE = ("normal_", "uniform_", "kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "trunc_normal_")
_FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


@dataclass(frozen=True)
class Entry:
    """One entry of the network: what it is made of, in order of rows (three parts for a joined matrix)."""

    name: str
    parts: tuple[Tensor, ...]

    def value(self, dtype: torch.dtype) -> Tensor:
        """The entry as it is stored: contiguous, of `dtype`, on the CPU."""
        joined = self.parts[0] if len(self.parts) == 1 else torch.cat([part.to(dtype) for part in self.parts])
        return joined.to(dtype).contiguous()


def renamed(tensors: Mapping[str, Tensor], path: Path) -> dict[str, Entry]:
    """Our names -> entries, for a file's names -> tensors. Derived entries are left out.

    Raises:
        UserError: two names mean one entry, or a joined matrix lacks a part.
    """
    entries: dict[str, Entry] = {}
    parts: dict[str, dict[int, Tensor]] = {}
    for name, tensor in _spelled(tensors).items():
        if is_derived(name):
            continue
        ours = our_name(name)
        joined = joined_name(ours)
        if joined is not None:
            parts.setdefault(joined[0], {})[joined[1]] = tensor
        elif ours in entries:
            raise refused(path, f"has two entries for {ours}", "It is damaged.", code="does_not_fit")
        else:
            entries[ours] = Entry(ours, (tensor,))
    for name, found in parts.items():
        if len(found) < 3 or name in entries:
            raise refused(path, f"has only a part of {name}", "It is damaged.", code="incomplete")
        entries[name] = Entry(name, tuple(found[index] for index in range(3)))
    return entries


def _spelled(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Entries of an instance branch that are spelled as Mask2Former's become ours; all others stay."""
    spelled: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        spelled |= instance_weights({name: tensor}) or {name: tensor}
    return spelled


def shapes_of(entries: Mapping[str, Entry]) -> Shapes:
    """Name -> shape; no value is touched."""
    return {name: _joined_shape(entry.parts) for name, entry in entries.items()}


def check_storage(entries: Mapping[str, Entry], path: Path) -> None:
    """Every tensor is a plain one of real numbers whose storage is as large as its shape says.

    A tensor with a stride of zero claims any size for four bytes; copying it would fill the memory.

    Raises:
        UserError: one is not; the message names it.
    """
    for name, entry in entries.items():
        for tensor in entry.parts:
            if tensor.layout is not torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
                raise refused(path, f"has no plain numbers in {name}", "It is no state dict.", code="odd_tensor")
            if tensor.dtype not in _FLOATS:
                kind = str(tensor.dtype).removeprefix("torch.")
                raise refused(path, f"has {kind} numbers in {name}", "Give the unquantised model.", code="dtype")
            if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
                what = f"claims more numbers for {name} than it holds"
                raise refused(path, what, "It is damaged, or made to fill the memory.", code="storage")


def expected_shapes(arch: str, config: Any) -> Shapes:
    """Name -> shape of every entry of the network's state dict."""
    return {name: tuple(value.shape) for name, value in _skeleton(arch, config).state_dict().items()}


def fit(entries: Mapping[str, Entry], recognised: Recognised, path: Path) -> tuple[list[Entry], int]:
    """The entries of the network's state dict in order, and how many parameters it has.

    An entry that is another name of a given one may be missing.

    Raises:
        UserError: entries are missing, surplus, of another shape, not finite, or names of one parameter disagree.
    """
    model = _skeleton(recognised.arch, recognised.config)
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    given = dict(entries)
    for group in _aliases(model):
        source = next((name for name in group if name in given), None)
        for name in group:
            if source is not None and name not in given:
                given[name] = Entry(name, given[source].parts)
    _compare(expected, shapes_of(given), recognised, path)
    for group in _aliases(model):
        _check_equal([given[name] for name in group], path)
    for name in expected:
        _check_finite(given[name], path)
    return [given[name] for name in expected], sum(p.numel() for p in model.parameters())


@functools.lru_cache(maxsize=16)
def _skeleton(arch: str, config: Any) -> nn.Module:
    """The network without memory for its numbers."""
    with _NoNumbers():
        return architecture(arch).build(config)


class _NoNumbers(TorchFunctionMode):
    """What is made to be a parameter has a shape only, and initialisation draws nothing.

    `torch.device("meta")` would do the first, but also make small tables of positions without numbers, and what is then
    done with them loads torch's compiler: two seconds, and files that a worker may not write.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named, name = kwargs or {}, getattr(func, "__name__", "")
        if name in _DICE:
            return args[0] if args else named["tensor"]
        if name in _MADE_OF_SHAPES and (named.get("dtype") or torch.float32).is_floating_point:
            named = {**named, "device": "meta"}
        return func(*args, **named)


def _aliases(model: nn.Module) -> Iterator[list[str]]:
    """Groups of names that are one tensor."""
    groups: dict[int, list[str]] = {}
    for name, value in model.state_dict(keep_vars=True).items():
        groups.setdefault(id(value), []).append(name)
    return (group for group in groups.values() if len(group) > 1)


def _compare(expected: Shapes, found: Shapes, recognised: Recognised, path: Path) -> None:
    missing = sorted(expected.keys() - found.keys())
    surplus = sorted(found.keys() - expected.keys())
    odd = sorted(name for name in expected.keys() & found.keys() if expected[name] != found[name])
    if not (missing or surplus or odd):
        return
    complaints = []
    if missing:
        complaints.append(f"lacks {_listed(missing)}")
    if surplus:
        complaints.append(f"has {_listed(surplus)}, which it should not have")
    if odd:
        shapes = [f"{name} {found[name]} instead of {expected[name]}" for name in odd]
        complaints.append(f"has {_listed(shapes)}")
    network = recognised.published or architecture(recognised.arch).title
    what = f"does not fit {network} ({len(expected)} entries): it {'; it '.join(complaints)}"
    hint = "Is it complete, and of this system? --arch says which network it should be."
    raise refused(path, what, hint, code="incomplete" if missing and not odd else "does_not_fit")


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _check_equal(entries: Sequence[Entry], path: Path) -> None:
    first = entries[0]
    for other in entries[1:]:
        if other.parts is not first.parts and not same_numbers(other, first):
            what = f"has different numbers in {first.name} and {other.name}, which are one and the same"
            raise refused(path, what, "It is damaged or of another version.", code="does_not_fit")


def _check_finite(entry: Entry, path: Path) -> None:
    for part in entry.parts:
        narrow = part.float() if part.dtype == torch.float64 else part
        if not bool(torch.isfinite(narrow).all()):
            raise not_finite(path, entry.name)


def same_numbers(a: Entry, b: Entry) -> bool:
    """Whether two entries are equal, number by number and in their kind of number."""
    one, other = a.parts[0], b.parts[0]
    return one.dtype == other.dtype and torch.equal(one, other)


def not_finite(path: Path, name: str) -> UserError:
    """The error for numbers that are none."""
    what = f"holds numbers that are not finite in {name} (NaN or infinity)"
    return refused(path, what, "That training failed: take an earlier checkpoint.", code="not_finite")


def _joined_shape(parts: Sequence[Tensor]) -> tuple[int, ...]:
    first = tuple(parts[0].shape)
    if len(parts) == 1 or not first:
        return first
    return (sum(int(part.shape[0]) for part in parts if part.dim()), *first[1:])
