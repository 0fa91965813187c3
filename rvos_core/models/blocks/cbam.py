"""The convolutional block attention module (Woo et al., CBAM, ECCV 2018, section 3) and STCN's residual block."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_SPATIAL_KERNEL = 7  # Woo et al., table 3


class ChannelGate(nn.Module):
    """Woo et al. eq. 2: one weight a channel, from its mean and its maximum over the map."""

    def __init__(self, channels: int, *, reduction: int) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.mlp = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, c, h, w) -> (n, c, 1, 1) in [0, 1]."""
        weight: Tensor = (self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3)))).sigmoid()
        return weight[..., None, None]


class SpatialGate(nn.Module):
    """Woo et al. eq. 3: one weight a cell, from the maximum and the mean over its channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, _SPATIAL_KERNEL, padding=_SPATIAL_KERNEL // 2)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, c, h, w) -> (n, 1, h, w) in [0, 1]."""
        weight: Tensor = self.conv(torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], dim=1)).sigmoid()
        return weight


class Cbam(nn.Module):
    """Woo et al. eq. 1: channels are weighted, then cells."""

    def __init__(self, channels: int, *, reduction: int) -> None:
        super().__init__()
        self.channel_gate = ChannelGate(channels, reduction=reduction)
        self.spatial_gate = SpatialGate()

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, c, h, w)."""
        x = self.channel_gate(x) * x
        gated: Tensor = self.spatial_gate(x) * x
        return gated


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, each after (an optional GroupNorm and) a ReLU, beside a shortcut.

    The shortcut is a convolution of side `shortcut` where the widths differ (STCN: 3 and no norm).
    """

    def __init__(self, in_channels: int, out_channels: int, *, norm_groups: int, shortcut: int) -> None:
        super().__init__()
        self.norm1 = _norm(in_channels, norm_groups)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm2 = _norm(out_channels, norm_groups)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.shortcut = nn.Conv2d(in_channels, out_channels, shortcut, padding=shortcut // 2)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, c, h, w)."""
        inner = self.conv1(self.norm1(x).relu())
        return self.conv2(self.norm2(inner).relu()) + self.shortcut(x)  # type: ignore[no-any-return]


def _norm(channels: int, groups: int) -> nn.Module:
    return nn.GroupNorm(groups, channels) if groups else nn.Identity()
