"""The two layouts of features: maps of single frames, and one sequence of tokens a clip."""

from __future__ import annotations

import torch
from torch import Tensor


def as_clips(maps: Tensor, frames: int) -> Tensor:
    """(b * t, ...) -> (b, t, ...) with t = `frames`; one entry that stands for all frames -> (1, 1, ...)."""
    return torch.unflatten(maps, 0, (-1, min(frames, maps.shape[0])))


def clip_tokens(clips: Tensor) -> Tensor:
    """(b, t, c, h, w) -> (b, t h w, c), in the order t, y, x."""
    return clips.permute(0, 1, 3, 4, 2).flatten(1, 3)


def clip_maps(tokens: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """(b, t h w, c) -> (b, t, c, h, w); `shape` is (t, h, w)."""
    return torch.unflatten(tokens, 1, shape).permute(0, 1, 4, 2, 3)
