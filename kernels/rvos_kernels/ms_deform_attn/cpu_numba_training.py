"""Multi-scale deformable attention with gradients for float32 on CPU: compiled forwards, one fused pass backwards.

About eight times as fast as differentiating the reference, which writes every sampled value to memory several times.
Import it only where numba may be loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor

from rvos_kernels.ms_deform_attn.cpu_numba import Kernel, ms_deform_attn_numba, share_out


def ms_deform_attn_training(
    value: Tensor,
    spatial_shapes: Sequence[tuple[int, int]],
    *,
    sampling_locations: Tensor,
    attention_weights: Tensor,
) -> Tensor:
    """Arguments and result as `ms_deform_attn_reference`; CPU tensors, computed in float32."""
    result: Tensor = _Attention.apply(value, tuple(spatial_shapes), sampling_locations, attention_weights)  # type: ignore[no-untyped-call]
    return result


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, value: Tensor, shapes: tuple[tuple[int, int], ...], locations: Tensor, weights: Tensor
    ) -> Tensor:
        inputs = tuple(x.detach().float().contiguous() for x in (value, locations, weights))
        ctx.save_for_backward(*inputs)
        ctx.shapes = np.array(shapes, dtype=np.int64).reshape(-1, 2)
        ctx.dtypes = (value.dtype, locations.dtype, weights.dtype)
        mixed = ms_deform_attn_numba(inputs[0], shapes, sampling_locations=inputs[1], attention_weights=inputs[2])
        return mixed.to(value.dtype)

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Tensor | None, ...]:
        value, locations, weights = ctx.saved_tensors
        upstream = outputs[0].float().reshape(*weights.shape[:3], value.shape[3]).contiguous()
        gradients = [torch.zeros_like(x) for x in (value, locations, weights)]
        arrays = [x.numpy() for x in (value, locations, weights, upstream, *gradients)]
        samples = value.shape[0]
        share_out(_compiled_gradient(), (*arrays, ctx.shapes), total=samples, threads=samples)
        of_value, of_locations, of_weights = (g.to(d) for g, d in zip(gradients, ctx.dtypes, strict=True))
        return of_value, None, of_locations, of_weights


@cache
def _compiled_gradient() -> Kernel:
    options: dict[str, Any] = {"nogil": True, "boundscheck": False, "fastmath": True}
    try:
        kernel: Kernel = numba.njit(cache=True, **options)(_gradient)
    except (RuntimeError, OSError):  # no folder for the cache can be written
        kernel = numba.njit(**options)(_gradient)
    return kernel


def _gradient(
    value: Any,
    locations: Any,
    weights: Any,
    upstream: Any,
    of_value: Any,
    of_locations: Any,
    of_weights: Any,
    shapes: Any,
    first: int,
    last: int,
) -> None:
    """Gradients of samples `first` <= n < `last`; every sample writes to its own rows only."""
    half, one, zero = np.float32(0.5), np.float32(1), np.float32(0)
    queries, heads, levels, points = weights.shape[1:]
    channels = value.shape[3]
    for n in range(first, last):
        for q in range(queries):
            for m in range(heads):
                grad = upstream[n, q, m]
                start = 0
                for level in range(levels):
                    h, w = shapes[level, 0], shapes[level, 1]
                    for p in range(points):
                        x = locations[n, q, m, level, p, 0] * np.float32(w) - half
                        y = locations[n, q, m, level, p, 1] * np.float32(h) - half
                        if not (x > -1 and y > -1 and x < w and y < h):
                            continue
                        left, top = int(np.floor(x)), int(np.floor(y))
                        fx, fy = x - np.float32(left), y - np.float32(top)
                        attention = weights[n, q, m, level, p]
                        by_weight, by_x, by_y = zero, zero, zero
                        for dy in range(2):
                            share_y, slope_y = (fy, one) if dy else (one - fy, -one)
                            for dx in range(2):
                                if not (0 <= top + dy < h and 0 <= left + dx < w):
                                    continue
                                share_x, slope_x = (fx, one) if dx else (one - fx, -one)
                                cell = start + (top + dy) * w + left + dx
                                tap, gain = value[n, cell, m], of_value[n, cell, m]
                                share = attention * share_y * share_x
                                dot = zero
                                for k in range(channels):
                                    dot += grad[k] * tap[k]
                                    gain[k] += share * grad[k]
                                by_weight += share_y * share_x * dot
                                by_x += slope_x * share_y * dot
                                by_y += slope_y * share_x * dot
                        of_weights[n, q, m, level, p] = by_weight
                        of_locations[n, q, m, level, p, 0] = attention * by_x * np.float32(w)
                        of_locations[n, q, m, level, p, 1] = attention * by_y * np.float32(h)
                    start += h * w
