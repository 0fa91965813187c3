"""The cross-modal feature pyramid that makes the mask features (ReferFormer section 3.4, "CM-FPN")."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from rvos_core.models.blocks.layout import as_clips
from rvos_core.models.blocks.vision_language import VisionLanguageBlock
from rvos_core.models.configs import ReferringConfig

_STRIDES = (4, 8, 16, 32)
# How much the joint self-attention of each stride is thinned out.
_REDUCTIONS = {4: 8, 8: 4, 16: 2, 32: 1}


class NormedConv2d(nn.Conv2d):
    """Convolution without bias, then GroupNorm kept under `norm` (the names of released checkpoints)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, *, groups: int) -> None:
        super().__init__(in_channels, out_channels, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.GroupNorm(groups, out_channels)
        nn.init.kaiming_uniform_(self.weight, a=1)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, c, h, w)."""
        return self.norm(super().forward(x))  # type: ignore[no-any-return]


class CrossModalFpn(nn.Module):
    """Encoder levels at strides 32, 16, 8 and the backbone's stride-4 map -> one map at stride 4."""

    def __init__(self, config: ReferringConfig) -> None:
        super().__init__()
        c, groups = config.hidden, config.fpn_norm_groups
        for index, stride in enumerate(_STRIDES, start=1):
            in_channels = config.backbone.widths[0] if stride == _STRIDES[0] else c
            self.add_module(f"adapter_{index}", NormedConv2d(in_channels, c, 1, groups=groups))
            if stride in config.fpn_block_strides:
                block = VisionLanguageBlock(
                    c, heads=config.heads, ffn=config.ffn, dropout=config.dropout, reduction=_REDUCTIONS[stride]
                )
                for parameter in block.parameters():
                    if parameter.dim() > 1:
                        nn.init.xavier_uniform_(parameter)
                self.add_module(f"cross_attn_{index}", block)
            self.add_module(f"layer_{index}", NormedConv2d(c, c, 3, groups=groups))
        self.mask_features = nn.Conv2d(c, config.mask_dim, 3, padding=1)
        nn.init.kaiming_uniform_(self.mask_features.weight, a=1)
        nn.init.zeros_(self.mask_features.get_parameter("bias"))

    def forward(
        self,
        levels: Sequence[Tensor],
        positions: Sequence[Tensor],
        *,
        paddings: Sequence[Tensor | None],
        frames: int,
        words: Tensor,
        word_positions: Tensor,
        word_padding: Tensor | None,
    ) -> Tensor:
        """Mask features of all frames.

        Args:
            levels: maps (n, c, h, w) at strides 4 (backbone), 8, 16, 32 (encoder); n = b * frames.
            positions: their 2-D codes (n or 1, hidden, h, w).
            paddings: their padding (n, h, w) bool or None.
            frames: t.
            words: (b, l, c) raw words; `word_positions` (b or 1, l, c); `word_padding` (b, l) or None.

        Returns:
            (n, mask_dim, h, w) at stride 4.
        """
        result: Tensor | None = None
        for index in range(len(_STRIDES), 0, -1):
            x = self.get_submodule(f"adapter_{index}")(levels[index - 1])
            block = getattr(self, f"cross_attn_{index}", None)
            if block is not None:
                padding = paddings[index - 1]
                x = block(
                    as_clips(x, frames),
                    as_clips(positions[index - 1], frames),
                    padding=None if padding is None else as_clips(padding, frames),
                    words=words,
                    word_positions=word_positions,
                    word_padding=word_padding,
                ).flatten(0, 1)
            if result is not None:
                x = x + F.interpolate(result, size=x.shape[-2:], mode="nearest")
            result = self.get_submodule(f"layer_{index}")(x).relu()
        return self.mask_features(result)  # type: ignore[no-any-return]
