"""The processes that train together, one a device: what they tell each other. Gradients are averaged here by hand,
since an objective calls the parts of a network, which a wrapper around `forward` would not see.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from rvos_core.errors import UserError


class Processes(Protocol):
    """All processes of one training.

    Attributes:
        rank: of this process, from 0; the first one writes files.
        count: of all processes.
        device: of this process.
    """

    rank: int
    count: int
    device: torch.device

    def mean(self, value: Tensor) -> Tensor:
        """Mean of a float tensor over the processes; every process must ask."""
        ...

    def gather(self, value: Any) -> list[Any]:
        """What every process holds, by rank."""
        ...

    def spread(self, module: nn.Module) -> None:
        """Give the first process's parameters and buffers to all."""
        ...

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace every gradient by its mean; where no process has one, there is none afterwards."""
        ...


class OneProcess:
    """Nobody else."""

    rank = 0
    count = 1

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def mean(self, value: Tensor) -> Tensor:
        return value

    def gather(self, value: Any) -> list[Any]:
        return [value]

    def spread(self, module: nn.Module) -> None:
        """Nothing to do."""

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Nothing to do."""


class SeveralProcesses:
    """Those that `torchrun` or `accelerate launch` started, joined by accelerate: NCCL on GPUs, gloo on the CPU."""

    def __init__(self, *, cpu: bool) -> None:
        from accelerate import PartialState

        state = PartialState(cpu=cpu)
        self.rank: int = state.process_index
        self.count: int = state.num_processes
        self.device: torch.device = state.device

    def mean(self, value: Tensor) -> Tensor:
        from accelerate.utils import reduce

        mean: Tensor = reduce(value.to(self.device), reduction="mean")
        return mean

    def gather(self, value: Any) -> list[Any]:
        from accelerate.utils import gather_object

        found: list[Any] = gather_object([value])
        return found

    def spread(self, module: nn.Module) -> None:
        from accelerate.utils import broadcast

        for value in module.state_dict().values():
            value.copy_(broadcast(value.detach().clone(), from_process=0))

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        have = self.mean(torch.tensor([float(each.grad is not None) for each in parameters], device=self.device))
        chosen = [each for each, share in zip(parameters, have.tolist(), strict=True) if share > 0]
        if not chosen:
            return
        gradients = [torch.zeros_like(each) if each.grad is None else each.grad for each in chosen]
        sizes = [gradient.numel() for gradient in gradients]
        flat = self.mean(torch.cat([gradient.reshape(-1) for gradient in gradients]))
        for each, part in zip(chosen, torch.split(flat, sizes), strict=True):
            each.grad = part.view_as(each).clone()


def join_processes(device: torch.device) -> Processes:
    """The processes that were started together with this one, or this one alone.

    Args:
        device: where the training runs; with several GPUs each process takes its own.

    Raises:
        UserError: there are several, but accelerate is not installed.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return OneProcess(device)
    try:
        return SeveralProcesses(cpu=device.type == "cpu")
    except ImportError as error:
        raise UserError(
            "Training with several processes needs the package accelerate.",
            hint="Install it with `pip install 'rvos-studio[train]'`.",
            code="training.no_accelerate",
        ) from error
