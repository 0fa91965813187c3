"""The feature pyramid that makes the mask features, without its words (Lin et al., FPN, CVPR 2017, section 3).

What each system does on a level before it is passed down is its own (`enhance`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from rvos_core.models.configs import ReferringConfig

STRIDES = (4, 8, 16, 32)
_COARSEST = len(STRIDES)


@dataclass(frozen=True)
class Scene:
    """Clips and their expressions as the pyramid reads them; n = b * t.

    Attributes:
        levels: maps (n, c, h, w) at strides 4 (backbone), 8, 16, 32 (encoder).
        codes: their 2-D codes (n or 1, hidden, h, w).
        paddings: their padding (n, h, w) bool, or None.
        frames: t.
        words: (b, l, hidden) raw words.
        word_codes: (b or 1, l, hidden) their 1-D codes.
        word_padding: (b, l) bool, or None.
    """

    levels: tuple[Tensor, ...]
    codes: tuple[Tensor, ...]
    paddings: tuple[Tensor | None, ...]
    frames: int
    words: Tensor
    word_codes: Tensor
    word_padding: Tensor | None


class NormedConv2d(nn.Conv2d):
    """Convolution without bias, then GroupNorm kept under `norm` (the names of released checkpoints)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, *, groups: int) -> None:
        super().__init__(in_channels, out_channels, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.GroupNorm(groups, out_channels)
        nn.init.kaiming_uniform_(self.weight, a=1)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, c, h, w)."""
        return self.norm(super().forward(x))  # type: ignore[no-any-return]


class FeaturePyramid(nn.Module):
    """Encoder levels at strides 32, 16, 8 and the backbone's stride-4 map -> one map at stride 4.

    `ground`, then `descend`: what the coarsest level says can be asked for without the cost of the finer ones.
    """

    def __init__(self, config: ReferringConfig, make_block: Callable[[int], nn.Module] | None = None) -> None:
        """`make_block`: stride -> a module, for `fpn_block_strides`; `cross_attn_1` (stride 4) .. `cross_attn_4`."""
        super().__init__()
        c, groups = config.hidden, config.fpn_norm_groups
        for index, stride in enumerate(STRIDES, start=1):
            in_channels = config.backbone.widths[0] if stride == STRIDES[0] else c
            self.add_module(f"adapter_{index}", NormedConv2d(in_channels, c, 1, groups=groups))
            if make_block and stride in config.fpn_block_strides:
                self.add_module(f"cross_attn_{index}", make_block(stride))
            self.add_module(f"layer_{index}", NormedConv2d(c, c, 3, groups=groups))
        self.mask_features = nn.Conv2d(c, config.mask_dim, 3, padding=1)
        nn.init.kaiming_uniform_(self.mask_features.weight, a=1)
        nn.init.zeros_(self.mask_features.get_parameter("bias"))

    def enhance(self, x: Tensor, scene: Scene, *, index: int) -> Tensor:
        """What happens to level `index` (1: stride 4 .. 4: stride 32) after its adapter; x: (n, hidden, h, w)."""
        return x

    def ground(self, scene: Scene) -> Tensor:
        """The coarsest step: (n, hidden, h, w) at stride 32."""
        return self._step(_COARSEST, scene, None)

    def descend(self, grounded: Tensor, scene: Scene) -> Tensor:
        """The finer steps from what `ground` gave: mask features (n, mask_dim, h, w) at stride 4."""
        for index in range(_COARSEST - 1, 0, -1):
            grounded = self._step(index, scene, grounded)
        return self.mask_features(grounded)  # type: ignore[no-any-return]

    def _step(self, index: int, scene: Scene, coarser: Tensor | None) -> Tensor:
        x = self.get_submodule(f"adapter_{index}")(scene.levels[index - 1])
        x = self.enhance(x, scene, index=index)
        if coarser is not None:
            x = x + F.interpolate(coarser, size=x.shape[-2:], mode="nearest")
        return self.get_submodule(f"layer_{index}")(x).relu()  # type: ignore[no-any-return]
