"""The value encoder of ISVOS (section 3.2, "Memory Update"; after STCN): what is remembered of an object in a frame."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from rvos_core.models.blocks.backbones import BasicBlock, FrozenBatchNorm2d
from rvos_core.models.blocks.cbam import Cbam, ResidualBlock
from rvos_core.models.isvos_configs import IsvosConfig, ValueConfig

_FRAME_CHANNELS = 3


class FrozenBasicBlock(nn.Module):
    """ResNet-18's block: two 3x3 convolutions with frozen batch norm and a shortcut."""

    def __init__(self, in_channels: int, channels: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = FrozenBatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = FrozenBatchNorm2d(channels)
        self.downsample: nn.Module | None = None
        if stride != 1 or in_channels != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, channels, 1, stride=stride, bias=False), FrozenBatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, c, h, w)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.bn1(self.conv1(x)).relu()
        return (self.bn2(self.conv2(x)) + shortcut).relu()  # type: ignore[no-any-return]


class ResNet18Trunk(nn.Module):
    """He et al., "Deep Residual Learning" (CVPR 2016), table 1, up to the keys' stride, on frame and masks."""

    def __init__(self, config: ValueConfig, in_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, config.stem_width, 7, stride=2, padding=3, bias=False)
        self.bn1 = FrozenBatchNorm2d(config.stem_width)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        stages = _stages(config, config.stem_width, lambda c, out, stride: FrozenBasicBlock(c, out, stride=stride))
        for index, stage in enumerate(stages, start=1):
            self.add_module(f"layer{index}", stage)
        self.depth = len(stages)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, in_channels, H, W) -> (n, c, h, w)."""
        x = self.maxpool(self.bn1(self.conv1(x)).relu())
        for index in range(1, self.depth + 1):
            x = self.get_submodule(f"layer{index}")(x)
        return x


class ResidualTrunk(nn.Module):
    """The mini model's trunk: two stride-2 convolutions, then stages of basic blocks with GroupNorm."""

    def __init__(self, config: ValueConfig, in_channels: int) -> None:
        super().__init__()
        groups = config.norm_groups
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, config.stem_width, 3, stride=2, padding=1, bias=False),
            nn.GroupNorm(groups, config.stem_width),
            nn.ReLU(inplace=True),
            nn.Conv2d(config.stem_width, config.widths[0], 3, stride=2, padding=1, bias=False),
            nn.GroupNorm(groups, config.widths[0]),
            nn.ReLU(inplace=True),
        )
        self.stages = nn.ModuleList(
            _stages(config, config.widths[0], lambda c, out, stride: BasicBlock(c, out, stride=stride, groups=groups))
        )

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, in_channels, H, W) -> (n, c, h, w)."""
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return x


class ValueEncoder(nn.Module):
    """Frame, mask and the other objects' masks -> value, fused with F_res4 by two residual blocks and CBAM."""

    def __init__(self, config: IsvosConfig) -> None:
        super().__init__()
        self.other_masks = config.value.other_masks
        trunk = ResNet18Trunk if config.value.kind == "resnet18" else ResidualTrunk
        self.trunk: nn.Module = trunk(config.value, _FRAME_CHANNELS + (2 if self.other_masks else 1))
        for module in self.trunk.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        fused = config.value.widths[-1] + config.backbone.widths[config.key_level]
        groups, shortcut, c = config.block_norm_groups, config.shortcut_kernel, config.value_dim
        self.block1 = ResidualBlock(fused, c, norm_groups=groups, shortcut=shortcut)
        self.block2 = ResidualBlock(c, c, norm_groups=groups, shortcut=shortcut)
        self.attention = Cbam(c, reduction=config.attention_reduction)

    def forward(self, frames: Tensor, features: Tensor, masks: Tensor) -> Tensor:
        """Values of all objects.

        Args:
            frames: (b, 3, H, W) normalised.
            features: F_res4, (b, c, h, w) at the keys' stride.
            masks: (b, o, H, W) in [0, 1].

        Returns:
            (b, o, value_dim, h, w).
        """
        objects = masks.shape[1]
        seen = [frames[:, None].expand(-1, objects, -1, -1, -1), masks[:, :, None]]
        if self.other_masks:
            seen.append((masks.sum(1, keepdim=True) - masks).clamp(0, 1)[:, :, None])
        own = self.trunk(torch.cat(seen, dim=2).flatten(0, 1))
        shared = features.repeat_interleave(objects, dim=0)
        value = self.block2(self.block1(torch.cat([own, shared], dim=1)))
        return torch.unflatten(self.attention(value), 0, (-1, objects))


def _stages(config: ValueConfig, channels: int, block: Callable[[int, int, int], nn.Module]) -> list[nn.Sequential]:
    """Stages of blocks(in_channels, out_channels, stride); all but the first halve the map."""
    stages = []
    for index, (width, depth) in enumerate(zip(config.widths, config.blocks, strict=True)):
        blocks = []
        for position in range(depth):
            blocks.append(block(channels, width, 2 if position == 0 and index > 0 else 1))
            channels = width
        stages.append(nn.Sequential(*blocks))
    return stages
