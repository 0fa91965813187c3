"""Watches a network run: which part's output reaches which part, with what shapes.

Every torch function that runs marks its results with the origins of its arguments: the parts, inputs and learned values
that they were last computed from. A part's own outputs have that part as origin. So an arrow is drawn also where no
gradient flows (refined boxes, attention masks), which a walk back through autograd's graph would miss.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from rvos_core.models.figures.parts import FunctionPart, Plan

_T = TypeVar("_T")


class _Origin(NamedTuple):
    box: str
    parameter: str = ""  # of the box, where another part reads it by itself


@dataclasses.dataclass
class Box:
    """What was seen of one part.

    Attributes:
        key: stable name.
        group: frame around it; empty for what goes in and comes out.
        caption: what the papers call it.
        names: the modules, or the function, or what goes in or comes out, in the order in which they first ran.
        kinds: classes of the modules.
        parameters: those that other parts read by themselves.
        calls: how often any of them ran.
        in_a_row: one of the runs read what another one gave.
        shapes: of what came out, each once, in order; with a name where it has one.
    """

    key: str
    group: str
    caption: str
    names: list[str] = dataclasses.field(default_factory=list)
    kinds: list[str] = dataclasses.field(default_factory=list)
    parameters: list[str] = dataclasses.field(default_factory=list)
    calls: int = 0
    in_a_row: bool = False
    shapes: list[tuple[str, tuple[int, ...]]] = dataclasses.field(default_factory=list)

    def ran(self, name: str, kind: str, shapes: Iterable[tuple[int, ...]]) -> None:
        """Note one run of a module or function."""
        _add(self.names, name)
        _add(self.kinds, kind)
        for shape in shapes:
            _add(self.shapes, ("", shape))
        self.calls += 1


class Trace(TorchFunctionMode):
    """Use as a context around the run, after `watch`.

    Attributes:
        boxes: by key, in the order in which they first ran.
        arrows: (from, to) keys, in the order in which they were first seen.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.boxes: dict[str, Box] = {}
        self.arrows: dict[tuple[str, str], None] = {}
        self._plan = plan
        self._inside: list[str] = []
        # Tensors are kept, so that no other one takes an id; without storage (meta) they cost nothing.
        self._origins: dict[int, tuple[Tensor, frozenset[_Origin]]] = {}
        self._parameters: dict[str, Tensor] = {}

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        origins = self._origins_of((args, kwargs))
        if origins:
            self._mark(result, origins)
        return result

    @contextmanager
    def watch(self, network: nn.Module) -> Iterator[None]:
        """Hook the plan's modules and functions for the time of the block."""
        handles = []
        for name, (part, module) in self._plan.modules(network).items():
            box = Box(part.pattern, part.group, part.caption)
            handles.append(module.register_forward_pre_hook(self._enter(box.key), with_kwargs=True))
            handles.append(module.register_forward_hook(self._leave(box, name, kind_of(module))))
        self._parameters = dict(network.named_parameters())
        for name, parameter in self._parameters.items():
            owner = self._plan.part_of(name)
            if owner is not None:
                self._mark(parameter, frozenset({_Origin(owner.pattern, name)}))
        replaced = []
        try:
            for step in self._plan.functions:
                owning = importlib.import_module(step.module)
                function = getattr(owning, step.name)
                replaced.append((owning, step.name, function))
                setattr(owning, step.name, self._drawn(step, function))
            yield
        finally:
            for owning, name, function in replaced:
                setattr(owning, name, function)
            for handle in handles:
                handle.remove()

    def enters(self, name: str, value: Tensor) -> Tensor:
        """Draw an input; returns it."""
        self.boxes[name] = Box(name, "", "", names=[name], shapes=[("", tuple(value.shape))])
        self._mark(value, frozenset({_Origin(name)}))
        return value

    def leaves(self, name: str, values: Mapping[str, Tensor]) -> None:
        """Draw what comes out: one box with a shape for each name."""
        self._arrows_into(name, values)
        shapes = [(each, tuple(value.shape)) for each, value in values.items()]
        self.boxes[name] = Box(name, "", "", names=[name], shapes=shapes)

    def _enter(self, key: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
            if not self._inside:
                self._arrows_into(key, (args, kwargs))
            self._inside.append(key)

        return hook

    def _leave(self, blank: Box, name: str, kind: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any, result: Any) -> None:
            self._inside.pop()
            if not self._inside:
                box = self.boxes.setdefault(blank.key, blank)
                box.ran(name, kind, (tuple(t.shape) for t in tensors_in(result)))
                self._mark(result, frozenset({_Origin(blank.key)}))

        return hook

    def _drawn(self, part: FunctionPart, function: Callable[..., Any]) -> Callable[..., Any]:
        enter = self._enter(part.name)
        leave = self._leave(Box(part.name, part.group, part.caption), part.name, "function")

        def drawn(*args: Any, **kwargs: Any) -> Any:
            enter(None, args, kwargs)
            result = function(*args, **kwargs)
            leave(None, args, result)
            return result

        return drawn

    def _arrows_into(self, key: str, values: Any) -> None:
        for origin in sorted(self._origins_of(values)):
            if origin.box != key:
                if origin.parameter:
                    self._draw_parameter(origin)
                self.arrows[origin.box, key] = None
            elif not origin.parameter and key in self.boxes:
                self.boxes[key].in_a_row = True

    def _draw_parameter(self, origin: _Origin) -> None:
        """A parameter that another part reads by itself makes its own part a box, or stands in it."""
        part = next(part for part in self._plan.parts if part.pattern == origin.box)
        box = self.boxes.setdefault(origin.box, Box(origin.box, part.group, part.caption))
        _add(box.parameters, origin.parameter)
        _add(box.shapes, ("", tuple(self._parameters[origin.parameter].shape)))

    def _origins_of(self, values: Any) -> frozenset[_Origin]:
        known = (self._origins.get(id(t)) for t in tensors_in(values))
        return frozenset().union(*(each[1] for each in known if each is not None))

    def _mark(self, values: Any, origins: frozenset[_Origin]) -> None:
        for tensor in tensors_in(values):
            self._origins[id(tensor)] = (tensor, origins)


def _add(things: list[_T], thing: _T) -> None:
    """Append what is not there yet."""
    if thing not in things:
        things.append(thing)


def tensors_in(value: Any) -> Iterator[Tensor]:
    """All tensors of nested sequences, mappings and dataclasses."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from tensors_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from tensors_in(each)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from tensors_in(getattr(value, field.name))


def kind_of(module: nn.Module) -> str:
    """Its class; of a sequence the classes of its members."""
    if isinstance(module, nn.Sequential):
        return " + ".join(kind_of(each) for each in module)
    return type(module).__name__


def meta_tensor(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """A tensor of this shape without values."""
    return torch.empty(shape, dtype=dtype, device="meta")
