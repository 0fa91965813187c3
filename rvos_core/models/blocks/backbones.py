"""Image encoders: ResNets with frozen batch norm (torchvision's names), a small residual network with GroupNorm, and
Swin and Video-Swin from files of their own.

Each returns four maps at strides 4, 8, 16, 32, fine to coarse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from rvos_core.models.blocks.swin import Swin
from rvos_core.models.blocks.video_swin import VideoSwin
from rvos_core.models.configs import BackboneConfig, BackboneKind

_BOTTLENECK_EXPANSION = 4


class FrozenBatchNorm2d(nn.Module):
    """Batch norm whose statistics and affine parameters are buffers: a fixed scale and shift a channel."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, *, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, c, h, w)."""
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        return torch.addcmul(shift[:, None, None], x, scale[:, None, None])


class Bottleneck(nn.Module):
    """ResNet bottleneck: 1x1, 3x3 (stride here), 1x1 times four, with a shortcut."""

    def __init__(self, in_channels: int, width: int, *, stride: int) -> None:
        super().__init__()
        out_channels = width * _BOTTLENECK_EXPANSION
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = FrozenBatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = FrozenBatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = FrozenBatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False), FrozenBatchNorm2d(out_channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, c, h, w)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.bn3(self.conv3(x)) + shortcut)  # type: ignore[no-any-return]


class ResNet(nn.Module):
    """He et al., "Deep Residual Learning" (CVPR 2016), table 1, without the classifier."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, config.stem_width, 7, stride=2, padding=3, bias=False)
        self.bn1 = FrozenBatchNorm2d(config.stem_width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        stages = []
        channels = config.stem_width
        for index, (out_channels, depth) in enumerate(zip(config.widths, config.blocks, strict=True), start=1):
            blocks = []
            for block in range(depth):
                stride = 2 if block == 0 and index > 1 else 1
                blocks.append(Bottleneck(channels, out_channels // _BOTTLENECK_EXPANSION, stride=stride))
                channels = out_channels
            stages.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        for part in [self.conv1, *stages][: config.frozen_stages]:
            part.requires_grad_(False)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        """frames: (n, 3, H, W) normalised -> four maps (n, c, h, w)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(frames))))
        maps = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            maps.append(x)
        return tuple(maps)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with GroupNorm and a shortcut."""

    def __init__(self, in_channels: int, channels: int, *, stride: int, groups: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.GroupNorm(groups, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.GroupNorm(groups, channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or in_channels != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, channels, 1, stride=stride, bias=False), nn.GroupNorm(groups, channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, c, h, w)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.norm1(self.conv1(x)))
        return self.relu(self.norm2(self.conv2(x)) + shortcut)  # type: ignore[no-any-return]


class ResidualGroupNorm(nn.Module):
    """The mini model's image encoder: two stride-2 convolutions, then four stages of basic blocks."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        groups = config.norm_groups
        self.stem = nn.Sequential(
            nn.Conv2d(3, config.stem_width, 3, stride=2, padding=1, bias=False),
            nn.GroupNorm(groups, config.stem_width),
            nn.ReLU(inplace=True),
            nn.Conv2d(config.stem_width, config.widths[0], 3, stride=2, padding=1, bias=False),
            nn.GroupNorm(groups, config.widths[0]),
            nn.ReLU(inplace=True),
        )
        channels = config.widths[0]
        stages = []
        for index, (width, depth) in enumerate(zip(config.widths, config.blocks, strict=True)):
            blocks = []
            for block in range(depth):
                stride = 2 if block == 0 and index > 0 else 1
                blocks.append(BasicBlock(channels, width, stride=stride, groups=groups))
                channels = width
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        for part in [self.stem, *self.stages][: config.frozen_stages]:
            part.requires_grad_(False)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        """frames: (n, 3, H, W) normalised -> four maps (n, c, h, w)."""
        x = self.stem(frames)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return tuple(maps)


# Each kind's network: frames (n, 3, H, W) normalised -> maps (n, c, h, w) at strides 4, 8, 16, 32. Networks whose
# frames are not on their own (`BackboneConfig.frames_on_their_own`) take t as second argument; n = b * t.
_BODIES: Mapping[BackboneKind, Callable[[BackboneConfig], nn.Module]] = {
    "resnet50": ResNet,
    "resnet101": ResNet,
    "residual": ResidualGroupNorm,
    "swin": Swin,
    "video_swin": VideoSwin,
}


class ImageEncoder(nn.Module):
    """Holds the network under `body`, the name it has in released checkpoints (`backbone.0.body.*`)."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self._frames_on_their_own = config.frames_on_their_own
        self.body = _BODIES[config.kind](config)

    def forward(self, frames: Tensor, *, clip_length: int = 1) -> tuple[Tensor, ...]:
        """Maps (n, c, h, w) at strides 4, 8, 16, 32.

        Args:
            frames: (n, 3, H, W) normalised, clip after clip; n = b * t.
            clip_length: t. Only networks that look at several frames at once need it.
        """
        maps: tuple[Tensor, ...] = self.body(frames) if self._frames_on_their_own else self.body(frames, clip_length)
        return maps
