"""Perceptrons: the feed-forward half of a transformer layer, and DETR's prediction heads."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

# Tokens a step in inference: bounds the hidden layer's memory (2048 wide: 128 MiB) whatever the clip.
_TOKENS_A_STEP = 16384


def feed_forward(x: Tensor, first: nn.Linear, second: nn.Linear, *, dropout: nn.Dropout) -> Tensor:
    """Linear, ReLU, dropout, linear, dropout on tokens (b, m, c), in steps where no gradient is wanted."""
    if torch.is_grad_enabled():
        return dropout(second(dropout(first(x).relu_())))  # type: ignore[no-any-return]
    step = max(1, _TOKENS_A_STEP // x.shape[0])
    parts = [second(dropout(first(part).relu_())) for part in torch.split(x, step, dim=1)]
    return dropout(parts[0] if len(parts) == 1 else torch.cat(parts, dim=1))  # type: ignore[no-any-return]


class Perceptron(nn.Module):
    """Linear layers with ReLU between them."""

    def __init__(self, in_features: int, hidden: int, *, out_features: int, layers: int) -> None:
        super().__init__()
        widths = [in_features, *[hidden] * (layers - 1), out_features]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., in_features) -> (..., out_features)."""
        for layer in self.layers[:-1]:
            x = layer(x).relu()
        return self.layers[-1](x)  # type: ignore[no-any-return]
