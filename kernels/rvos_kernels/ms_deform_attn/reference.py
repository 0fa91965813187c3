"""Multi-scale deformable attention in plain torch: the specification that every faster form is tested against.

Zhu et al., Deformable DETR (ICLR 2021), equation 3, between the linear projections. Differentiable.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def ms_deform_attn_reference(
    value: Tensor,
    spatial_shapes: Sequence[tuple[int, int]],
    *,
    sampling_locations: Tensor,
    attention_weights: Tensor,
) -> Tensor:
    """Weighted sum of bilinear samples over all levels and points.

    Shape letters: n batch, s cells of all levels (row-major, levels concatenated), m heads, d channels a head,
    q queries, l levels, p points.

    Args:
        value: (n, s, m, d) float.
        spatial_shapes: (h, w) of each level; the products sum to s.
        sampling_locations: (n, q, m, l, p, 2), (x, y) in [0, 1] of a level; a sample lies at pixel (x w - 0.5,
            y h - 0.5), and cells outside the level count as zero.
        attention_weights: (n, q, m, l, p).

    Returns:
        (n, q, m * d).
    """
    n, _, heads, channels = value.shape
    queries = sampling_locations.shape[1]
    grids = 2 * sampling_locations - 1
    sampled = []
    for level, (part, (h, w)) in enumerate(
        zip(torch.split(value, [h * w for h, w in spatial_shapes], dim=1), spatial_shapes, strict=True)
    ):
        maps = part.permute(0, 2, 3, 1).reshape(n * heads, channels, h, w)
        grid = grids[:, :, :, level].transpose(1, 2).flatten(0, 1)
        sampled.append(F.grid_sample(maps, grid, mode="bilinear", padding_mode="zeros", align_corners=False))
    weights = attention_weights.transpose(1, 2).reshape(n * heads, 1, queries, -1)
    mixed = (torch.cat(sampled, dim=-1) * weights).sum(-1)
    return mixed.view(n, heads * channels, queries).transpose(1, 2).contiguous()
