"""What padding of frames means on a feature level. None everywhere stands for "nothing is padded"."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def padding_at(padding: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize a padding mask (n, H, W) bool to a level (n, h, w) by nearest cell."""
    return F.interpolate(padding[:, None].float(), size=size, mode="nearest")[:, 0].bool()


def valid_ratios(paddings: Sequence[Tensor | None], *, batch: int, device: torch.device) -> Tensor:
    """Share of each level's width and height that is not padded.

    Args:
        paddings: per level (n, h, w) bool or None.
        batch: n.
        device: where the result is wanted.

    Returns:
        (n, levels, 2) float32, (x, y).
    """
    ratios = []
    for padding in paddings:
        if padding is None:
            ratios.append(torch.ones((batch, 2), device=device))
        else:
            valid = ~padding
            ratios.append(torch.stack([valid[:, 0, :].float().mean(1), valid[:, :, 0].float().mean(1)], dim=-1))
    return torch.stack(ratios, dim=1)


def unpadded_size(padding: Tensor | None, size: tuple[int, int], *, batch: int, device: torch.device) -> Tensor:
    """(n, 2) float32 (width, height) in pixels of each frame without its padding; `padding` is (n, H, W) or None."""
    if padding is None:
        return torch.tensor([size[1], size[0]], dtype=torch.float32, device=device).expand(batch, 2)
    valid = ~padding
    return torch.stack([valid[:, 0, :].sum(1), valid[:, :, 0].sum(1)], dim=-1).float()
