"""The deformable transformer with language queries (Deformable DETR; Wu et al., ReferFormer, CVPR 2022, section 3.2).

Parameter names are those of released checkpoints. Layers are post-norm with ReLU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rvos_core.models.blocks.deformable_attention import DeformableAttention
from rvos_core.models.blocks.feed_forward import feed_forward
from rvos_core.models.configs import ReferringConfig


@dataclass(frozen=True)
class Memory:
    """Encoded levels of all frames. n = b * t frames, s cells of all levels.

    Attributes:
        tokens: (n, s, c).
        shapes: (h, w) of each level.
        padding: (n, s) bool or None.
        valid_ratios: (n, levels, 2), (x, y) share that is not padded.
    """

    tokens: Tensor
    shapes: tuple[tuple[int, int], ...]
    padding: Tensor | None
    valid_ratios: Tensor

    def maps(self) -> tuple[Tensor, ...]:
        """The levels as maps (n, c, h, w)."""
        parts = torch.split(self.tokens, [h * w for h, w in self.shapes], dim=1)
        return tuple(
            torch.unflatten(part.transpose(1, 2), 2, shape) for part, shape in zip(parts, self.shapes, strict=True)
        )


@dataclass(frozen=True)
class DecodedLayer:
    """What one decoder layer says.

    Attributes:
        embeddings: (n, q, c).
        boxes: (n, q, 4) cxcywh in [0, 1] of the unpadded frame.
        centres: (n, q, 2) where the mask head places its coordinates: the refined boxes' centres, without gradient;
            without refinement the queries' own reference points.
    """

    embeddings: Tensor
    boxes: Tensor
    centres: Tensor


class EncoderLayer(nn.Module):
    """Deformable self-attention and a feed-forward network."""

    def __init__(self, config: ReferringConfig) -> None:
        super().__init__()
        c = config.hidden
        self.self_attn = DeformableAttention(c, levels=config.levels, heads=config.heads, points=config.points)
        self.norm1 = nn.LayerNorm(c)
        self.linear1 = nn.Linear(c, config.ffn)
        self.linear2 = nn.Linear(config.ffn, c)
        self.norm2 = nn.LayerNorm(c)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        x: Tensor,
        positions: Tensor,
        *,
        references: Tensor,
        shapes: Sequence[tuple[int, int]],
        padding: Tensor | None,
    ) -> Tensor:
        """x, positions: (n, s, c); references: (n, s, levels, 2); padding: (n, s) -> (n, s, c)."""
        mixed = self.self_attn(x + positions, references, memory=x, shapes=shapes, padding=padding)
        x = self.norm1(x + self.dropout(mixed))
        x = self.norm2(x + feed_forward(x, self.linear1, self.linear2, dropout=self.dropout))
        return x


class Encoder(nn.Module):
    """Encoder layers over all levels of each frame on its own."""

    def __init__(self, config: ReferringConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))

    def forward(
        self,
        x: Tensor,
        positions: Tensor,
        *,
        shapes: Sequence[tuple[int, int]],
        padding: Tensor | None,
        valid_ratios: Tensor,
    ) -> Tensor:
        """x: (n, s, c); positions: (n or 1, s, c); valid_ratios: (n, levels, 2) -> (n, s, c)."""
        references = _cell_references(shapes, valid_ratios)
        for layer in self.layers:
            x = layer(x, positions, references=references, shapes=shapes, padding=padding)
        return x


class DecoderLayer(nn.Module):
    """Self-attention of one frame's queries, deformable cross-attention to that frame, a feed-forward network."""

    def __init__(self, config: ReferringConfig) -> None:
        super().__init__()
        c = config.hidden
        self.cross_attn = DeformableAttention(c, levels=config.levels, heads=config.heads, points=config.points)
        self.norm1 = nn.LayerNorm(c)
        self.self_attn = nn.MultiheadAttention(c, config.heads, dropout=config.dropout, batch_first=True)
        self.norm2 = nn.LayerNorm(c)
        self.linear1 = nn.Linear(c, config.ffn)
        self.linear2 = nn.Linear(config.ffn, c)
        self.norm3 = nn.LayerNorm(c)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, positions: Tensor, *, references: Tensor, memory: Memory) -> Tensor:
        """x: (n, q, c); positions: (q, c); references: (n, q, levels, 2 or 4) -> (n, q, c)."""
        placed = x + positions
        x = self.norm2(x + self.dropout(self.self_attn(placed, placed, x, need_weights=False)[0]))
        mixed = self.cross_attn(
            x + positions, references, memory=memory.tokens, shapes=memory.shapes, padding=memory.padding
        )
        x = self.norm1(x + self.dropout(mixed))
        x = self.norm3(x + feed_forward(x, self.linear1, self.linear2, dropout=self.dropout))
        return x


class Decoder(nn.Module):
    """Decoder layers, each followed by a prediction of boxes that the next one starts from."""

    layers_name = "layers"

    def __init__(self, config: ReferringConfig, bbox_embed: nn.ModuleList) -> None:
        super().__init__()
        self.refines = config.box_refinement
        self.add_module(self.layers_name, nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers)))
        if self.refines:  # the model's box heads: released checkpoints name the same tensors twice
            self.bbox_embed = bbox_embed

    def between(self, x: Tensor, *, layer: int, frames: int) -> Tensor:
        """What happens to the embeddings (n, q, c) behind decoder layer `layer`; n = b * frames."""
        return x

    def forward(
        self,
        queries: Tensor,
        positions: Tensor,
        *,
        references: Tensor,
        memory: Memory,
        frames: int,
        bbox_embed: nn.ModuleList,
    ) -> tuple[DecodedLayer, ...]:
        """Decode the frames' objects.

        Args:
            queries: (n, q, c) the decoder's input.
            positions: (q, c) learned codes of the queries.
            references: (n, q, 2) first points (x, y) in [0, 1].
            memory: the encoded frames.
            frames: t; n = b * t.
            bbox_embed: the box head of each layer.

        Returns:
            One `DecodedLayer` for each layer. Gradients flow through a layer's boxes to that layer only.
        """
        decoded = []
        x = queries
        for index, layer in enumerate(self.get_submodule(self.layers_name).children()):
            ratios = memory.valid_ratios[:, None].repeat(1, 1, 1, references.shape[-1] // 2)
            x = layer(x, positions, references=references[:, :, None] * ratios, memory=memory)
            x = self.between(x, layer=index, frames=frames)
            boxes = _refine(bbox_embed[index](x), references)
            if self.refines:
                references = boxes.detach()
            decoded.append(DecodedLayer(x, boxes, references[..., :2]))
        return tuple(decoded)


class DeformableTransformer(nn.Module):
    """Encoder and decoder with the level codes and the queries' reference points."""

    def __init__(self, config: ReferringConfig, make_decoder: Callable[[], Decoder]) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        self.decoder = make_decoder()
        self.level_embed = nn.Parameter(torch.empty(config.levels, config.hidden))
        self.reference_points = nn.Linear(config.hidden, 2)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1 and "bbox_embed" not in name:
                nn.init.xavier_uniform_(parameter)
        for module in self.modules():
            if isinstance(module, DeformableAttention):
                module.reset_parameters()
        nn.init.zeros_(self.reference_points.bias)
        nn.init.normal_(self.level_embed)

    def encode(
        self,
        levels: Sequence[Tensor],
        positions: Sequence[Tensor],
        *,
        paddings: Sequence[Tensor | None],
        valid_ratios: Tensor,
    ) -> Memory:
        """Encode every frame on its own.

        Args:
            levels: maps (n, c, h, w), fine to coarse.
            positions: their 2-D codes (n or 1, c, h, w).
            paddings: their padding (n, h, w) bool, or None throughout.
            valid_ratios: (n, levels, 2).
        """
        shapes = tuple((int(m.shape[2]), int(m.shape[3])) for m in levels)
        tokens = torch.cat([m.flatten(2).transpose(1, 2) for m in levels], dim=1)
        codes = torch.cat([p.flatten(2).transpose(1, 2) + self.level_embed[i] for i, p in enumerate(positions)], dim=1)
        known = [p.flatten(1) for p in paddings if p is not None]
        padding = torch.cat(known, dim=1) if known else None
        tokens = self.encoder(tokens, codes, shapes=shapes, padding=padding, valid_ratios=valid_ratios)
        return Memory(tokens, shapes, padding, valid_ratios)

    def decode(
        self, sentence: Tensor, query_embed: Tensor, *, memory: Memory, frames: int, bbox_embed: nn.ModuleList
    ) -> tuple[DecodedLayer, ...]:
        """sentence: (b, c); query_embed: (q, c); memory of n = b * frames frames -> one result a decoder layer."""
        queries = sentence.repeat_interleave(frames, dim=0)[:, None].expand(-1, query_embed.shape[0], -1)
        references = self.reference_points(query_embed).sigmoid().expand(queries.shape[0], -1, -1)
        decoded: tuple[DecodedLayer, ...] = self.decoder(
            queries, query_embed, references=references, memory=memory, frames=frames, bbox_embed=bbox_embed
        )
        return decoded


def _cell_references(shapes: Sequence[tuple[int, int]], valid_ratios: Tensor) -> Tensor:
    """Centres of all cells as each level sees them: (n, s, levels, 2), (x, y) in [0, 1] of the padded level."""
    device = valid_ratios.device
    centres = []
    for level, (h, w) in enumerate(shapes):
        y, x = torch.meshgrid(torch.arange(h, device=device) + 0.5, torch.arange(w, device=device) + 0.5, indexing="ij")
        extent = valid_ratios[:, level] * torch.tensor([w, h], dtype=torch.float32, device=device)
        centres.append(torch.stack([x, y], dim=-1).reshape(1, -1, 2) / extent[:, None])
    return torch.cat(centres, dim=1)[:, :, None] * valid_ratios[:, None]


def _refine(delta: Tensor, references: Tensor) -> Tensor:
    """Boxes (n, q, 4) float32 from the head's output and the references (2-d: only the centre) it corrects."""
    start = inverse_sigmoid(references.float())
    if references.shape[-1] == 2:
        start = torch.cat([start, torch.zeros_like(start)], dim=-1)
    return (delta.float() + start).sigmoid()


def inverse_sigmoid(probability: Tensor, *, eps: float = 1e-5) -> Tensor:
    """logit(probability), with both sides clipped at `eps`."""
    probability = probability.clamp(0, 1)
    return (probability.clamp(min=eps) / (1 - probability).clamp(min=eps)).log()
