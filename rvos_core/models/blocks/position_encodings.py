"""Fixed sine codes of places in a map (2-D) and of words (1-D), after Carion et al., DETR (ECCV 2020)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_TEMPERATURE = 10000.0
_EPS = 1e-6


def sine_2d(
    size: tuple[int, int], features: int, *, padding: Tensor | None = None, device: torch.device, offset: float = 0.5
) -> Tensor:
    """Code of every cell's centre within the valid part of its map.

    Args:
        size: (h, w) of the map.
        features: channels of the code; the first half codes y, the second x.
        padding: (n, h, w) bool, True where the map is padded; None where nothing is.
        device: where the code is wanted.
        offset: taken from the cell's number, which begins at 1: 0.5 is its centre (Deformable DETR), 0 its far edge
            (DETR, Mask2Former).

    Returns:
        (n, features, h, w) float32; n is 1 without padding.
    """
    valid = torch.ones((1, *size), device=device) if padding is None else (~padding).float()
    rows, columns = valid.cumsum(1), valid.cumsum(2)
    # This order of operations in float32 is what the released models were run with; cells of fully padded rows and
    # columns (count 0) depend on it.
    y = (rows - offset) / (rows[:, -1:, :] + _EPS) * (2 * math.pi)
    x = (columns - offset) / (columns[:, :, -1:] + _EPS) * (2 * math.pi)
    return torch.cat([_interleave(y, features // 2), _interleave(x, features // 2)], dim=-1).permute(0, 3, 1, 2)


def sine_1d(length: int, features: int, *, padding: Tensor | None = None, device: torch.device) -> Tensor:
    """Code of every word's place in its expression.

    Args:
        length: l, number of tokens.
        features: channels of the code.
        padding: (b, l) bool, True where a token only fills up; None where nothing is padded.
        device: where the code is wanted.

    Returns:
        (b, l, features) float32; b is 1 without padding.
    """
    valid = torch.ones((1, length), device=device) if padding is None else (~padding).float()
    count = valid.cumsum(1)
    return _interleave(count / (count[:, -1:] + _EPS) * (2 * math.pi), features)


def _interleave(coordinate: Tensor, features: int) -> Tensor:
    """(...) angles -> (..., features): sin on even, cos on odd channels, frequencies falling in pairs."""
    exponents = 2 * torch.div(torch.arange(features, device=coordinate.device), 2, rounding_mode="floor") / features
    angles = coordinate[..., None] / _TEMPERATURE**exponents
    return torch.stack([angles[..., 0::2].sin(), angles[..., 1::2].cos()], dim=-1).flatten(-2)
