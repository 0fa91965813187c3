"""A small network that sees which pixels move by themselves, and of which thing each is a part.

It looks at flow more than at the picture (`inference/motion/flow.py` makes its input), because flow hardly tells
whether a scene is drawn or real. Votes for the middle of one's own thing separate movers that touch, as in
Panoptic-DeepLab (Cheng et al., 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from rvos_core.models.configs import FlowSegmenterConfig

OFFSET_CELLS = 16.0  # an offset of 1 in the network's output, in cells


@dataclass(frozen=True)
class FlowSegmentation:
    """moving: (b, h, w) float32 logits; offsets: (b, 2, h, w) float32, (x, y) in cells, to one's own thing's middle.

    Cells have stride 2 of the network's input.
    """

    moving: Tensor
    offsets: Tensor


class FlowSegmenter(nn.Module):
    """A U-Net of four levels with one layer of attention at the bottom."""

    def __init__(self, config: FlowSegmenterConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths
        self.stem = nn.Conv2d(config.channels, widths[0], 5, stride=2, padding=2)
        self.down = nn.ModuleList(nn.Conv2d(wide, wider, 3, stride=2, padding=1) for wide, wider in pairwise(widths))
        self.encode = nn.ModuleList(_Residual(width) for width in widths)
        self.attend = nn.MultiheadAttention(widths[-1], config.heads, batch_first=True)
        self.attend_norm = nn.LayerNorm(widths[-1])
        self.bottom = _Residual(widths[-1])
        self.up = nn.ModuleList(nn.Conv2d(wider, wide, 1) for wide, wider in pairwise(widths))
        self.decode = nn.ModuleList(_Residual(width) for width in widths[:-1])
        self.head = nn.Conv2d(widths[0], 3, 3, padding=1)

    def forward(self, views: Tensor) -> FlowSegmentation:
        """views: (b, 17, h, w) float32, sides multiples of 16; see `motion_input`."""
        level = self.encode[0](self.stem(views))
        passed = []
        for down, encode in zip(self.down, self.encode[1:], strict=True):
            passed.append(level)
            level = encode(down(level))
        cells = self.attend_norm(level.flatten(2).transpose(1, 2))
        seen = self.attend(cells, cells, cells, need_weights=False)[0]
        level = self.bottom(level + seen.transpose(1, 2).reshape(level.shape))
        for up, decode, finer in zip(reversed(self.up), reversed(self.decode), reversed(passed), strict=True):
            level = decode(finer + F.interpolate(up(level), scale_factor=2, mode="bilinear", align_corners=False))
        answer = self.head(level).float()
        return FlowSegmentation(answer[:, 0], answer[:, 1:] * OFFSET_CELLS)


class _Residual(nn.Module):
    """Two 3 x 3 convolutions beside a straight way, each normalised first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.GroupNorm(4, width) for _ in range(2))
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, maps: Tensor) -> Tensor:
        found = maps
        for norm, conv in zip(self.norms, self.convs, strict=True):
            found = conv(F.silu(norm(found)))
        return maps + found
