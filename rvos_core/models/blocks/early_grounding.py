"""R2-VOS's early grounding: pixels and words attend to each other, then kernels made of the words filter the pixels.

Li et al., "Robust Referring Video Object Segmentation via Relational Cycle Consistency", section 4.2, as the authors'
code has it: a self-attention of the pixels comes first, each kernel multiplies all channels (not the scalar map of
equation 6), and GroupNorm stands where the paper writes batch norm.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rvos_core.models.blocks.consensus import read_sentence, sentence_decoder
from rvos_core.models.blocks.feed_forward import feed_forward
from rvos_core.models.blocks.layout import as_clips, clip_maps, clip_tokens
from rvos_core.models.blocks.pyramid import STRIDES, FeaturePyramid, NormedConv2d, Scene
from rvos_core.models.configs import R2vosConfig


class DualBlock(nn.Module):
    """Equations 4 and 5: vision attends to language and language to vision, each with its feed-forward network."""

    def __init__(self, hidden: int, *, heads: int, ffn: int, dropout: float) -> None:
        super().__init__()
        self.v2v_attn = nn.MultiheadAttention(hidden, heads, dropout=dropout, batch_first=True)
        self.norm1 = nn.LayerNorm(hidden)
        self.l2v_attn = nn.MultiheadAttention(hidden, heads, dropout=dropout, batch_first=True)
        self.norm2 = nn.LayerNorm(hidden)
        self.linear1 = nn.Linear(hidden, ffn)
        self.linear2 = nn.Linear(ffn, hidden)
        self.norm3 = nn.LayerNorm(hidden)
        self.proj_l_q = nn.Linear(hidden, hidden)
        self.proj_v_kv = nn.Linear(hidden, 2 * hidden)
        self.v2l_attn = nn.MultiheadAttention(hidden, heads, dropout=dropout, batch_first=True)
        self.norm_v2l_1 = nn.LayerNorm(hidden)
        self.linear_v2l_1 = nn.Linear(hidden, ffn)
        self.linear_v2l_2 = nn.Linear(ffn, hidden)
        self.norm_v2l_2 = nn.LayerNorm(hidden)
        self.dropout = nn.Dropout(dropout)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(
        self,
        x: Tensor,
        codes: Tensor,
        *,
        padding: Tensor | None,
        words: Tensor,
        word_codes: Tensor,
        word_padding: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Let all cells of a clip and the words meet.

        Args:
            x: (b, m, c) the cells of all frames.
            codes: (b or 1, m, c) their 2-D codes.
            padding: (b, m) bool, or None.
            words: (b, l, c).
            word_codes: (b or 1, l, c) their 1-D codes.
            word_padding: (b, l) bool, or None.

        Returns:
            The grounded cells (b, m, c) and words (b, l, c).
        """
        placed = x + codes
        mixed = self.v2v_attn(placed, placed, x, key_padding_mask=padding, need_weights=False)[0]
        x = self.norm1(x + self.dropout(mixed))
        found = self.l2v_attn(x + codes, words + word_codes, words, key_padding_mask=word_padding, need_weights=False)[
            0
        ]
        grounded = self.norm2(x + self.dropout(found))
        grounded = self.norm3(grounded + feed_forward(grounded, self.linear1, self.linear2, dropout=self.dropout))
        keys, values = self.proj_v_kv(x).chunk(2, dim=-1)
        seen = self.v2l_attn(
            self.proj_l_q(words) + word_codes, keys + codes, values, key_padding_mask=padding, need_weights=False
        )[0]
        words = self.norm_v2l_1(words + self.dropout(seen))
        words = self.norm_v2l_2(words + feed_forward(words, self.linear_v2l_1, self.linear_v2l_2, dropout=self.dropout))
        return grounded, words


def pool_words(words: Tensor, bins: int, *, padding: Tensor | None) -> Tensor:
    """Average the words of each expression in `bins` parts of equal length, which may share a word: (b, bins, c).

    The authors' code pools over the batch's longest text, padding included; it only ever runs one clip. Here every
    expression is pooled over its own words, which is the same for one clip. words: (b, l, c); padding: (b, l) or None.
    """
    b, length, _ = words.shape
    device = words.device
    count = torch.full((b, 1), length, device=device) if padding is None else (~padding).sum(1, keepdim=True)
    index = torch.arange(bins, device=device)
    begin = index * count // bins  # (b, bins), rounded down
    end = -(-(index + 1) * count // bins)  # rounded up
    place = torch.arange(length, device=device)
    inside = (place >= begin[..., None]) & (place < end[..., None])
    weights = inside / inside.sum(-1, keepdim=True)
    return weights.to(words.dtype) @ words


class EarlyGroundingFpn(FeaturePyramid):
    """A pyramid that meets the words at stride 32 only; from there the sentence is read back, too.

    Modules carry the names of released checkpoints.
    """

    def __init__(self, config: R2vosConfig) -> None:
        super().__init__(config)
        c, groups = config.hidden, config.fpn_norm_groups
        self.kernels = config.text_kernels
        self.grounds = config.early_grounding
        if self.grounds:
            self.cross_attn = DualBlock(c, heads=config.heads, ffn=config.ffn, dropout=config.dropout)
            self.dyn_filter = nn.Linear(c, c)
            self.dyn_conv = NormedConv2d(c, c, 1, groups=groups)
            self.pool_conv = NormedConv2d(self.kernels * c, c, 1, groups=groups)
        if config.reconstruct:
            self.text_decoder = sentence_decoder(config)
            self.text_query = nn.Embedding(1, c)

    def enhance(self, x: Tensor, scene: Scene, *, index: int) -> Tensor:
        if index < len(STRIDES) or not self.grounds:
            return x
        t, size = scene.frames, x.shape[-2:]
        padding = scene.paddings[-1]
        cells, words = self.cross_attn(
            clip_tokens(as_clips(x, t)),
            clip_tokens(as_clips(scene.codes[-1], t).expand(-1, t, -1, -1, -1)),
            padding=None if padding is None else as_clips(padding, t).flatten(1),
            words=scene.words,
            word_codes=scene.word_codes,
            word_padding=scene.word_padding,
        )
        grounded = clip_maps(cells, (t, *size)).flatten(0, 1)
        return grounded + self._filter(grounded, words, scene)

    def read_back(self, grounded: Tensor, scene: Scene) -> Tensor:
        """Section 4.3: the sentence (b, c) as the grounded map (n, c, h, w) has it."""
        return read_sentence(
            self.text_decoder,
            self.text_query.weight,
            grounded,
            codes=scene.codes[-1],
            padding=scene.paddings[-1],
            frames=scene.frames,
        )

    def _filter(self, grounded: Tensor, words: Tensor, scene: Scene) -> Tensor:
        """Equation 6 without its sum: (n, c, h, w) -> the same, through K kernels made of the words (b, l, c)."""
        kernels = self.dyn_filter(pool_words(words, self.kernels, padding=scene.word_padding))  # (b, k, c)
        kernels = kernels.repeat_interleave(scene.frames, dim=0)[..., None, None]
        features = self.dyn_conv(grounded).relu()
        return self.pool_conv((features[:, None] * kernels).flatten(1, 2)).relu()  # type: ignore[no-any-return]
