"""The multi-layer perceptron of DETR's prediction heads."""

from __future__ import annotations

import itertools

from torch import Tensor, nn


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
