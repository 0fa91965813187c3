"""Mask2Former's transformer decoder with masked attention (Cheng et al., CVPR 2022, section 3.2; ISVOS eq. 1).

Parameter names are those of `transformers`. Layers are post-norm: masked cross-attention, self-attention, feed-forward.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rvos_core.models.blocks.feed_forward import feed_forward
from rvos_core.models.blocks.mask2former_pixel_decoder import PixelFeatures
from rvos_core.models.blocks.position_encodings import sine_2d
from rvos_core.models.isvos_configs import InstanceConfig

_LEVELS = 3  # strides 32, 16, 8, taken in turn


@dataclass(frozen=True)
class DecodedQueries:
    """The object queries as one layer leaves them.

    Attributes:
        queries: (n, q, c), after the decoder's last norm: what the heads read.
        mask_logits: (n, q, h, w) at stride 4.
    """

    queries: Tensor
    mask_logits: Tensor


class QuerySelfAttention(nn.Module):
    """Multi-head attention among the queries of a frame, with separate projections."""

    def __init__(self, hidden: int, *, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.q_proj = nn.Linear(hidden, hidden)
        self.k_proj = nn.Linear(hidden, hidden)
        self.v_proj = nn.Linear(hidden, hidden)
        self.out_proj = nn.Linear(hidden, hidden)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """x: (n, q, c); positions: (q, c), added to queries and keys -> (n, q, c)."""
        placed = x + positions
        query, key, value = (
            project(source).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for project, source in ((self.q_proj, placed), (self.k_proj, placed), (self.v_proj, x))
        )
        mixed = F.scaled_dot_product_attention(query, key, value, dropout_p=self.dropout if self.training else 0.0)
        return self.out_proj(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class MaskedAttentionLayer(nn.Module):
    """Each query reads one level inside its own mask, then the queries read each other."""

    def __init__(self, config: InstanceConfig) -> None:
        super().__init__()
        c = config.hidden
        self.self_attn = QuerySelfAttention(c, heads=config.heads, dropout=config.dropout)
        self.self_attn_layer_norm = nn.LayerNorm(c)
        self.cross_attn = nn.MultiheadAttention(c, config.heads, dropout=config.dropout, batch_first=True)
        self.cross_attn_layer_norm = nn.LayerNorm(c)
        self.fc1 = nn.Linear(c, config.decoder_ffn)
        self.fc2 = nn.Linear(config.decoder_ffn, c)
        self.final_layer_norm = nn.LayerNorm(c)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, positions: Tensor, *, level: Tensor, codes: Tensor, outside: Tensor) -> Tensor:
        """ISVOS eq. 1: the mask of the layer before decides where a query may look.

        Args:
            x: (n, q, c) queries; `positions` (q, c) their learned codes.
            level: (n, s, c) cells of one level; `codes` (1, s, c) their 2-D codes.
            outside: (n, q, s) bool, True where a query may not look.
        """
        blocked = outside.repeat_interleave(self.cross_attn.num_heads, dim=0)
        mixed, _ = self.cross_attn(x + positions, level + codes, level, attn_mask=blocked, need_weights=False)
        x = self.cross_attn_layer_norm(x + self.dropout(mixed))
        x = self.self_attn_layer_norm(x + self.dropout(self.self_attn(x, positions)))
        return self.final_layer_norm(x + feed_forward(x, self.fc1, self.fc2, dropout=self.dropout))  # type: ignore[no-any-return]


class MaskPredictor(nn.Module):
    """An MLP with two hidden layers turns a query into the kernel of its mask."""

    def __init__(self, config: InstanceConfig) -> None:
        super().__init__()
        c = config.hidden
        self.mask_embedder = nn.Sequential(
            nn.Sequential(nn.Linear(c, c), nn.ReLU()),
            nn.Sequential(nn.Linear(c, c), nn.ReLU()),
            nn.Sequential(nn.Linear(c, config.mask_dim)),
        )

    def forward(self, queries: Tensor, embeddings: Tensor) -> Tensor:
        """queries: (n, q, c); embeddings: (n, mask_dim, h, w) -> logits (n, q, h, w)."""
        return torch.einsum("nqc,nchw->nqhw", self.mask_embedder(queries), embeddings)


class MaskedAttentionDecoder(nn.Module):
    """The layers, the norm before the heads, and the mask head that also steers the attention."""

    def __init__(self, config: InstanceConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(MaskedAttentionLayer(config) for _ in range(config.decoder_layers))
        self.layernorm = nn.LayerNorm(config.hidden)
        self.mask_predictor = MaskPredictor(config)

    def predict(self, x: Tensor, embeddings: Tensor) -> DecodedQueries:
        """x: (n, q, c) as a layer leaves it; embeddings: (n, mask_dim, h, w)."""
        normed = self.layernorm(x)
        return DecodedQueries(normed, self.mask_predictor(normed, embeddings))


class TransformerModule(nn.Module):
    """Learned queries decoded on the pyramid; the levels take turns, coarse to fine."""

    def __init__(self, config: InstanceConfig) -> None:
        super().__init__()
        self.queries_embedder = nn.Embedding(config.queries, config.hidden)
        self.queries_features = nn.Embedding(config.queries, config.hidden)
        self.level_embed = nn.Embedding(_LEVELS, config.hidden)
        self.decoder = MaskedAttentionDecoder(config)
        for name, parameter in self.decoder.layers.named_parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
            elif name.endswith("in_proj_bias"):
                nn.init.zeros_(parameter)

    def forward(self, pixels: PixelFeatures) -> tuple[DecodedQueries, ...]:
        """One result for the queries as learned and one after each layer; the last is the branch's."""
        levels, codes = [], []
        for level, code in zip(pixels.pyramid, self.level_embed.weight, strict=True):
            levels.append(level.flatten(2).transpose(1, 2) + code)
            sine = sine_2d((level.shape[2], level.shape[3]), level.shape[1], device=level.device, offset=0.0)
            codes.append(sine.flatten(2).transpose(1, 2))
        positions = self.queries_embedder.weight
        x = self.queries_features.weight.expand(levels[0].shape[0], -1, -1)
        decoded = [self.decoder.predict(x, pixels.embeddings)]
        for index, layer in enumerate(self.decoder.layers):
            turn = index % _LEVELS
            size = (int(pixels.pyramid[turn].shape[2]), int(pixels.pyramid[turn].shape[3]))
            outside = outside_mask(decoded[-1].mask_logits, size)
            x = layer(x, positions, level=levels[turn], codes=codes[turn], outside=outside)
            decoded.append(self.decoder.predict(x, pixels.embeddings))
        return tuple(decoded)


@torch.no_grad()
def outside_mask(mask_logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Where a query may not look on a level: M of ISVOS eq. 1, binarised at a probability of 0.5.

    Args:
        mask_logits: (n, q, h, w).
        size: (h', w') of the level.

    Returns:
        (n, q, h' w') bool. A query whose mask is empty there looks everywhere.
    """
    resized = F.interpolate(mask_logits, size=size, mode="bilinear", align_corners=False).flatten(2)
    outside = resized.sigmoid() < 0.5
    return outside & ~outside.all(-1, keepdim=True)
