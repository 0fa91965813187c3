"""Reading a space-time memory, and what several objects make of one another (ISVOS section 3.2; STM, STCN)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_EPS = 1e-7  # STM's clip of probabilities before the logit
_AFFINITIES_A_STEP = 16 * 1024 * 1024  # of one step without gradients: 64 MiB whatever the memory holds


def similarity(keys: Tensor, query: Tensor) -> Tensor:
    """d of ISVOS eq. 3: the negative squared L2 distance of a cell's key to each remembered key, over sqrt(C_k).

    Args:
        keys: (b, c, n) of the memory.
        query: (b, c, m) of the current frame.

    Returns:
        (b, m, n) float32.
    """
    with torch.autocast(query.device.type, enabled=False):  # differences of squares do not survive half precision
        keys, query = keys.float(), query.float()
        # -|q - k|^2 = (2 q, -|q|^2, -1) . (k, 1, |k|^2): one product, no further pass over (m, n)
        ours, theirs = query.square().sum(1, keepdim=True), keys.square().sum(1, keepdim=True)
        left = torch.cat([2 * query, -ours, -torch.ones_like(ours)], dim=1) / math.sqrt(keys.shape[1])
        right = torch.cat([keys, torch.ones_like(theirs), theirs], dim=1)
        return left.transpose(1, 2) @ right


def read_memory(keys: Tensor, values: Tensor, query: Tensor, *, top_k: int = 0) -> Tensor:
    """F_mem: each cell's mean of the remembered values, weighted by the softmax over memory (ISVOS eq. 3).

    Args:
        keys: (b, c_k, n) of the memory, shared by all objects.
        values: (b, o, c_v, n) of each object.
        query: (b, c_k, h, w) of the current frame.
        top_k: positions that count for a cell, the nearest ones; 0: all.

    Returns:
        (b, o, c_v, h, w).
    """
    cells = query.flatten(2)
    step = cells.shape[-1]
    if not torch.is_grad_enabled():
        step = max(1, _AFFINITIES_A_STEP // (keys.shape[0] * keys.shape[-1]))
    parts = [_read(keys, values, part, top_k=top_k) for part in torch.split(cells, step, dim=-1)]
    readout = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
    return torch.unflatten(readout, -1, query.shape[-2:])


def _read(keys: Tensor, values: Tensor, cells: Tensor, *, top_k: int) -> Tensor:
    """keys (b, c_k, n), values (b, o, c_v, n), cells (b, c_k, m) -> (b, o, c_v, m)."""
    closeness = similarity(keys, cells)
    if not 0 < top_k < closeness.shape[-1]:
        affinity = closeness.softmax(-1).to(values.dtype)
        return torch.einsum("bmn,bocn->bocm", affinity, values)
    nearest, places = closeness.topk(top_k, dim=-1)
    weights = nearest.softmax(-1).to(values.dtype)
    mixed = [
        F.embedding_bag(where, table.flatten(0, 1).t().contiguous(), per_sample_weights=weight, mode="sum")
        for where, weight, table in zip(places, weights, values, strict=True)
    ]
    return torch.unflatten(torch.stack([m.t() for m in mixed]), 1, values.shape[1:3])


def aggregate(probabilities: Tensor) -> Tensor:
    """Soft aggregation (Oh et al., STM, ICCV 2019, section 3.4): logits of background and objects together.

    Args:
        probabilities: (b, o, ...) of each object on its own, in [0, 1]; an object that is not there has 0.

    Returns:
        (b, 1 + o, ...) logits, the background first; their softmax over axis 1 are the merged probabilities.
    """
    background = (1 - probabilities).prod(1, keepdim=True)
    return torch.cat([background, probabilities], dim=1).clamp(_EPS, 1 - _EPS).logit()
