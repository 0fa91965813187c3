"""Multi-scale deformable attention with its projections (Zhu et al., Deformable DETR, ICLR 2021, section 4.1)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rvos_kernels.ms_deform_attn import ms_deform_attn


class DeformableAttention(nn.Module):
    """Each query reads `points` places on each level around its reference, per head."""

    def __init__(self, hidden: int, *, levels: int, heads: int, points: int) -> None:
        super().__init__()
        self.levels, self.heads, self.points = levels, heads, points
        self.sampling_offsets = nn.Linear(hidden, heads * levels * points * 2)
        self.attention_weights = nn.Linear(hidden, heads * levels * points)
        self.value_proj = nn.Linear(hidden, hidden)
        self.output_proj = nn.Linear(hidden, hidden)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Offsets begin as a star: head i looks in direction i, point k lies k cells away; weights begin equal."""
        nn.init.zeros_(self.sampling_offsets.weight)
        angles = torch.arange(self.heads, dtype=torch.float32) * (2 * math.pi / self.heads)
        star = torch.stack([angles.cos(), angles.sin()], dim=-1)
        star = star / star.abs().amax(-1, keepdim=True)
        steps = torch.arange(1, self.points + 1, dtype=torch.float32)
        offsets = star[:, None, None, :] * steps[None, None, :, None]
        with torch.no_grad():
            self.sampling_offsets.bias.copy_(offsets.expand(-1, self.levels, -1, -1).flatten())
        nn.init.zeros_(self.attention_weights.weight)
        nn.init.zeros_(self.attention_weights.bias)
        for projection in (self.value_proj, self.output_proj):
            nn.init.xavier_uniform_(projection.weight)
            nn.init.zeros_(projection.bias)

    def forward(
        self,
        query: Tensor,
        references: Tensor,
        *,
        memory: Tensor,
        shapes: Sequence[tuple[int, int]],
        padding: Tensor | None,
    ) -> Tensor:
        """Attend from `query` to `memory`.

        Args:
            query: (n, q, c), positions included.
            references: (n, q, levels, 2) points (x, y) or (n, q, levels, 4) boxes (cx, cy, w, h), in [0, 1] of a level.
            memory: (n, s, c), the levels' cells row-major, one level after the other.
            shapes: (h, w) of each level.
            padding: (n, s) bool, True where a cell is padded, or None.

        Returns:
            (n, q, c).
        """
        locations, weights = self.sampling(query, references, shapes=shapes)
        value = self.value_proj(memory)
        if padding is not None:
            value = value.masked_fill(padding[..., None], 0.0)
        value = value.unflatten(-1, (self.heads, -1))
        mixed = ms_deform_attn(value, shapes, sampling_locations=locations, attention_weights=weights)
        return self.output_proj(mixed)  # type: ignore[no-any-return]

    def sampling(
        self, query: Tensor, references: Tensor, *, shapes: Sequence[tuple[int, int]]
    ) -> tuple[Tensor, Tensor]:
        """Where each query looks and how much each place counts.

        Returns:
            locations (n, q, heads, levels, points, 2) as (x, y), and weights (n, q, heads, levels, points) that sum
            to 1 over levels and points.
        """
        every = (self.heads, self.levels, self.points, 2)
        offsets = self.sampling_offsets(query)
        weights = self.attention_weights(query).unflatten(-1, (self.heads, self.levels * self.points)).softmax(-1)
        if references.shape[-1] == 2:
            # Rows of levels * points * 2 numbers: arithmetic on the last axis of 2 alone would go number by number.
            sizes = torch.tensor([[w, h] for h, w in shapes], dtype=query.dtype, device=query.device)
            sizes = sizes[:, None].expand(every[1:]).flatten()
            centres = references[:, :, :, None].expand(*references.shape[:2], *every[1:]).flatten(2)
            rows = centres[:, :, None] + offsets.unflatten(-1, (self.heads, -1)) / sizes
            locations = rows.unflatten(-1, every[1:])
        else:
            centres, extents = references[:, :, None, :, None, :2], references[:, :, None, :, None, 2:]
            locations = centres + offsets.unflatten(-1, every) / self.points * extents * 0.5
        return locations, weights.unflatten(-1, (self.levels, self.points))
