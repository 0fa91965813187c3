"""AdamW with a rate for each part of a network, and how the rates change over a stage."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class RateRule:
    """Parameters whose names begin with `prefix` learn at `factor` times the stage's rate; 0 holds them still."""

    prefix: str
    factor: float


@dataclass(frozen=True)
class Schedule:
    """The learning rate over a stage's steps.

    Attributes:
        rate: the peak.
        steps: of the stage.
        warmup: steps of linear rise.
        tail: last share of the steps, over which the rate falls along a cosine to 2 %.
        drops: steps from which on the rate is multiplied by `drop_factor` once more.
    """

    rate: float
    steps: int
    warmup: int = 0
    tail: float = 0.0
    drops: tuple[int, ...] = ()
    drop_factor: float = 0.1

    def at(self, step: int) -> float:
        """Learning rate of a step, the first one being 0."""
        warm = min(1.0, (step + 1) / max(1, self.warmup))
        tail_from = self.steps * (1 - self.tail)
        late = max(0.0, (step - tail_from) / max(1.0, self.steps - tail_from))
        dropped = self.drop_factor ** sum(step >= drop for drop in self.drops)
        return self.rate * warm * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * late))) * dropped


class GroupedAdamW:
    """AdamW over the parameters that are trained.

    Args:
        model: names decide which rule a parameter falls under: the longest prefix that fits.
        extra: further parameters, at the stage's rate.
        rules: of the rates. A rule whose prefix names nothing is an error of the caller.

    Attributes:
        trained, still: parameters that the optimiser moves, and those of the model that rules hold.
    """

    def __init__(
        self, model: nn.Module, extra: Iterable[nn.Parameter], *, rules: Iterable[RateRule], weight_decay: float
    ) -> None:
        by_factor: dict[float, list[nn.Parameter]] = {1.0: []}
        self.still: list[nn.Parameter] = []
        ordered = sorted(rules, key=lambda rule: -len(rule.prefix))
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            factor = next((rule.factor for rule in ordered if name.startswith(rule.prefix)), 1.0)
            (by_factor.setdefault(factor, []) if factor > 0 else self.still).append(parameter)
        by_factor[1.0] += extra
        groups = {factor: members for factor, members in by_factor.items() if members}
        self._factors = list(groups)
        self.trained = [parameter for members in groups.values() for parameter in members]
        self.adamw = torch.optim.AdamW(
            [{"params": members} for members in groups.values()], lr=1.0, weight_decay=weight_decay
        )

    def set_rate(self, rate: float) -> None:
        """Set the stage's rate; each group learns at its factor times it."""
        for group, factor in zip(self.adamw.param_groups, self._factors, strict=True):
            group["lr"] = rate * factor

    def rates(self) -> Mapping[float, float]:
        """Factor of a group -> the rate that is set."""
        return dict(zip(self._factors, (group["lr"] for group in self.adamw.param_groups), strict=True))
