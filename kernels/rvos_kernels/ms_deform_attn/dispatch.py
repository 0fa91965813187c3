"""Chooses the form of multi-scale deformable attention for a call; all agree with `reference.py` to 1e-5."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from rvos_kernels.ms_deform_attn.reference import ms_deform_attn_reference


def ms_deform_attn(
    value: Tensor,
    spatial_shapes: Sequence[tuple[int, int]],
    *,
    sampling_locations: Tensor,
    attention_weights: Tensor,
) -> Tensor:
    """Multi-scale deformable attention; arguments and result as `ms_deform_attn_reference`."""
    return ms_deform_attn_reference(
        value, spatial_shapes, sampling_locations=sampling_locations, attention_weights=attention_weights
    )
