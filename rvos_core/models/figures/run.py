"""One run of each published network on the meta device: no weights, no arithmetic, but every shape.

The input is that of the papers' tables of cost: 5 frames of 360x640 and 16 tokens; ISVOS: one remembered frame and one
step, 2 objects.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from rvos_core.models import isvos
from rvos_core.models.architectures import configuration
from rvos_core.models.figures.parts import PLANS, Plan
from rvos_core.models.figures.trace import Trace, meta_tensor
from rvos_core.models.isvos import Isvos
from rvos_core.models.referring import ReferringNetwork

FRAMES, TOKENS, OBJECTS = 5, 16, 2
SIZE = (360, 640)


@dataclass(frozen=True)
class Run:
    """A network that ran once.

    Attributes:
        name: of the published configuration.
        title: the system as its paper writes it.
        given: the input in words.
        network: on the meta device.
        plan: what makes a box.
        trace: what was seen.
    """

    name: str
    title: str
    given: str
    network: nn.Module
    plan: Plan
    trace: Trace


def run(name: str) -> Run:
    """Build the published network `name`, e.g. `ifirvos-r50`, and watch it run once.

    Raises:
        UsageError: there is no such network.
    """
    arch, config = configuration(name)
    with torch.device("meta"):
        network = arch.build(config).eval()
    plan = PLANS[arch.name]
    trace = Trace(plan)
    propagates = isinstance(network, Isvos)
    drive: Callable[[Any, Trace], None] = _propagate if propagates else _refer
    height, width = SIZE
    given = f"{FRAMES} frames of {height}x{width} and {TOKENS} tokens"
    if propagates:
        given = f"one remembered frame of {height}x{width} with masks of {OBJECTS} objects, and the frame to predict"
    with torch.no_grad(), _without_autocast(), trace.watch(network), trace:
        drive(network, trace)
    return Run(name, arch.title, given, network, plan, trace)


def _refer(network: ReferringNetwork, trace: Trace) -> None:
    frames = trace.enters("frames", meta_tensor(1, FRAMES, 3, *SIZE))
    tokens = trace.enters("token_ids", meta_tensor(1, TOKENS, dtype=torch.int64))
    output = network(frames, None, tokens, None)
    found = {name: getattr(output, name) for name in ("pred_logits", "pred_boxes", "pred_masks", "consensus_logit")}
    trace.leaves(type(output).__name__, {name: value for name, value in found.items() if value is not None})


def _propagate(network: Isvos, trace: Trace) -> None:
    remembered = network.encode_frames(trace.enters("remembered frame", meta_tensor(1, 3, *SIZE)))
    values = network.encode_value(remembered, trace.enters("its masks", meta_tensor(1, OBJECTS, *SIZE)))
    current = network.encode_frames(trace.enters("current frame", meta_tensor(1, 3, *SIZE)))
    top_k = network.config.memory.top_k
    object_logits = network.read_and_decode(current, remembered.key.flatten(2), values.flatten(3), top_k=top_k)
    merged = isvos.merge(object_logits, SIZE)  # by its module, where the trace finds it
    last: Mapping[str, Any] = vars(current.instances[-1])
    trace.leaves("prediction", {"object_logits": object_logits, "logits": merged, **last})


class _NoAutocast(contextlib.nullcontext[None]):
    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()


@contextlib.contextmanager
def _without_autocast() -> Iterator[None]:
    """Torch refuses autocast on the meta device, even where a network only switches it off."""
    original = torch.autocast
    setattr(torch, "autocast", _NoAutocast)  # noqa: B010 - a class of another kind, on purpose
    try:
        yield
    finally:
        setattr(torch, "autocast", original)  # noqa: B010
