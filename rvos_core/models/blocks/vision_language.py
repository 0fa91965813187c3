"""Where vision and language meet: the fusion modules of LEwV and VEwL, and the block of the cross-modal FPN.

Fusion: IFIRVOS section 3.3, equations 1-4, and Table 5's alternative. Block: ReferFormer section 3.3.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rvos_core.models.blocks.feed_forward import feed_forward
from rvos_core.models.blocks.layout import as_clips, clip_maps, clip_tokens
from rvos_core.models.blocks.padding import padding_at
from rvos_core.models.configs import ReferringConfig


class MultiplyFusion(nn.Module):
    """`x * attention(x, context)`: no residual, no norm (equations 2 and 4)."""

    def __init__(self, hidden: int, *, heads: int, bias_init: float = 0.0) -> None:
        super().__init__()
        self.multihead_attn = nn.MultiheadAttention(hidden, heads, batch_first=True)
        nn.init.constant_(self.multihead_attn.out_proj.bias, bias_init)

    def forward(self, x: Tensor, context: Tensor, *, positions: Tensor, padding: Tensor | None) -> Tensor:
        """Enhance `x` by what it finds in `context`.

        Args:
            x: (b, m, c) tokens to enhance; queries carry no position.
            context: (b, k, c) tokens of the other kind; the values.
            positions: (b or 1, k, c) codes added to the keys.
            padding: (b, k) bool, True where a context token is padded, or None.

        Returns:
            (b, m, c).
        """
        keys = context + positions
        found = self.multihead_attn(x, keys, context, key_padding_mask=padding, need_weights=False)[0]
        return x * found  # type: ignore[no-any-return]


class AttentionFfnFusion(nn.Module):
    """The common alternative of Table 5: pre-norm attention and a QuickGELU perceptron, both residual."""

    def __init__(self, hidden: int, *, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(hidden)
        self.multihead_attn = nn.MultiheadAttention(hidden, heads, batch_first=True)
        self.norm2 = nn.LayerNorm(hidden)
        self.linear1 = nn.Linear(hidden, 4 * hidden)
        self.linear2 = nn.Linear(4 * hidden, hidden)

    def forward(self, x: Tensor, context: Tensor, *, positions: Tensor, padding: Tensor | None) -> Tensor:
        """As `MultiplyFusion.forward`."""
        keys = context + positions
        found = self.multihead_attn(self.norm1(x), keys, context, key_padding_mask=padding, need_weights=False)[0]
        x = x + found
        inner = self.linear1(self.norm2(x))
        return x + self.linear2(inner * torch.sigmoid(1.702 * inner))  # type: ignore[no-any-return]


def fusion(config: ReferringConfig) -> nn.Module:
    """The fusion module that `config.fusion` names."""
    if config.fusion == "multiply":
        return MultiplyFusion(config.hidden, heads=config.heads, bias_init=config.gate_bias_init)
    return AttentionFfnFusion(config.hidden, heads=config.heads)


class VisionLanguageBlock(nn.Module):
    """One level of the cross-modal FPN: joint self-attention of all frames, attention to the words, feed-forward.

    Post-norm. On fine levels queries, keys and values of the self-attention are thinned out by `reduction` along
    both axes (nearest cell) and its result is enlarged again (bilinear).
    """

    def __init__(self, hidden: int, *, heads: int, ffn: int, dropout: float, reduction: int) -> None:
        super().__init__()
        self.reduction = reduction
        self.self_attn = nn.MultiheadAttention(hidden, heads, dropout=dropout, batch_first=True)
        self.multihead_attn = nn.MultiheadAttention(hidden, heads, dropout=dropout, batch_first=True)
        self.linear1 = nn.Linear(hidden, ffn)
        self.linear2 = nn.Linear(ffn, hidden)
        self.norm1 = nn.LayerNorm(hidden)
        self.norm2 = nn.LayerNorm(hidden)
        self.norm3 = nn.LayerNorm(hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        positions: Tensor,
        *,
        padding: Tensor | None,
        words: Tensor,
        word_positions: Tensor,
        word_padding: Tensor | None,
    ) -> Tensor:
        """Let all frames of a clip and the words meet.

        Args:
            x: (b, t, c, h, w) one level of the clip.
            positions: (b or 1, t or 1, c, h, w) its 2-D codes.
            padding: (b, t, h, w) bool or None.
            words: (b, l, c) raw words.
            word_positions: (b or 1, l, c) their 1-D codes.
            word_padding: (b, l) bool or None.

        Returns:
            (b, t, c, h, w).
        """
        tokens = clip_tokens(x)
        codes = clip_tokens(positions.expand(-1, x.shape[1], -1, -1, -1))
        tokens = self.norm1(tokens + self.dropout(self._attend_frames(x, positions, padding)))
        found = self.multihead_attn(
            tokens + codes, words + word_positions, words, key_padding_mask=word_padding, need_weights=False
        )[0]
        tokens = self.norm2(tokens + self.dropout(found))
        tokens = self.norm3(tokens + feed_forward(tokens, self.linear1, self.linear2, dropout=self.dropout))
        return clip_maps(tokens, (x.shape[1], x.shape[3], x.shape[4]))

    def _attend_frames(self, x: Tensor, positions: Tensor, padding: Tensor | None) -> Tensor:
        """Self-attention over all cells of all frames: (b, t h w, c)."""
        _, t, _, h, w = x.shape
        size = (max(h // self.reduction, 1), max(w // self.reduction, 1))
        placed, plain = x + positions, x
        if self.reduction > 1:
            placed, plain = _thin_out(placed, size), _thin_out(plain, size)
            if padding is not None:
                padding = as_clips(padding_at(padding.flatten(0, 1), size), t)
        queries = clip_tokens(placed)
        mixed = self.self_attn(
            queries,
            queries,
            clip_tokens(plain),
            key_padding_mask=None if padding is None else padding.flatten(1),
            need_weights=False,
        )[0]
        if self.reduction == 1:
            return mixed  # type: ignore[no-any-return]
        maps = clip_maps(mixed, (t, *size)).flatten(0, 1)
        return clip_tokens(as_clips(F.interpolate(maps, size=(h, w), mode="bilinear", align_corners=False), t))


def _thin_out(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Keep the nearest cell: (b, t, c, h, w) -> (b, t, c, *size)."""
    return as_clips(F.interpolate(x.flatten(0, 1), size=size, mode="nearest"), x.shape[1])
