"""Reading a space-time memory, and what several objects make of one another (ISVOS section 3.2; STM, STCN)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_EPS = 1e-7  # STM's clip of probabilities before the logit
_AFFINITIES_A_STEP = 2 * 1024 * 1024  # of one step without gradients: 8 MiB, which caches hold
_COLUMN = 16  # affinities of which only the largest is looked at first


def key_columns(keys: Tensor) -> Tensor:
    """Remembered keys (b, c, n) as the right factor of d, (b, c + 2, n) float32; see `query_rows`."""
    keys = keys.float()
    length = keys.square().sum(1, keepdim=True)
    return torch.cat([keys, torch.ones_like(length), length], dim=1)


def query_rows(query: Tensor) -> Tensor:
    """Keys of the current frame (b, c, m) as the left factor of d, (b, m, c + 2) float32.

    d of ISVOS eq. 3 is the negative squared L2 distance of a cell's key to each remembered key, over sqrt(C_k):
    -|q - k|^2 = (2 q, -|q|^2, -1) . (k, 1, |k|^2). So d (b, m, n) is one product, with no further pass over it; in
    float32, since differences of squares do not survive half precision.
    """
    query = query.float()
    length = query.square().sum(1, keepdim=True)
    rows = torch.cat([2 * query, -length, -torch.ones_like(length)], dim=1) / math.sqrt(query.shape[1])
    return rows.transpose(1, 2)


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
    with torch.autocast(query.device.type, enabled=False):
        rows, columns = query_rows(query.flatten(2)), key_columns(keys)
        step = rows.shape[1]
        if not torch.is_grad_enabled():
            step = max(1, _AFFINITIES_A_STEP // (keys.shape[0] * keys.shape[-1]))
        if not 0 < top_k < keys.shape[-1]:
            parts = [
                torch.einsum("bmn,bocn->bocm", (part @ columns).softmax(-1).to(values.dtype), values)
                for part in torch.split(rows, step, dim=1)
            ]
        else:
            tables = [each.flatten(0, 1).t().contiguous() for each in values]
            nearest = [largest(part @ columns, top_k) for part in torch.split(rows, step, dim=1)]
            parts = [_mixed(tables, *each) for each in nearest]
            parts = [torch.unflatten(part, 1, values.shape[1:3]) for part in parts]
    readout = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
    return torch.unflatten(readout, -1, query.shape[-2:])


def largest(rows: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest numbers of each row and where they are, as `torch.topk`, which of many takes far longer.

    A row is laid out in columns. One whose largest number is not among the `count` largest of such has none to give,
    so that the rest need not be looked at. Which of several equal numbers is taken may differ from `torch.topk`.

    Args:
        rows: (..., n).

    Returns:
        Two (..., count), the largest first: values and int64 places.
    """
    length = rows.shape[-1]
    columns = length // _COLUMN
    if columns <= count:
        values, places = rows.topk(count, dim=-1)
        return values, places
    laid_out = torch.unflatten(rows[..., : columns * _COLUMN], -1, (_COLUMN, columns))
    worth = laid_out.amax(-2).topk(count, dim=-1).indices
    below = torch.arange(0, columns * _COLUMN, columns, device=rows.device)
    places = (worth[..., None] + below).flatten(-2)
    left_over = torch.arange(columns * _COLUMN, length, device=rows.device)
    places = torch.cat([places, left_over.expand(*places.shape[:-1], -1)], dim=-1)
    values, chosen = rows.gather(-1, places).topk(count, dim=-1)
    return values, places.gather(-1, chosen)


def _mixed(tables: list[Tensor], nearest: Tensor, places: Tensor) -> Tensor:
    """tables: b of (n, o * c_v); nearest, places (b, m, k) -> (b, o * c_v, m)."""
    weights = nearest.softmax(-1)
    mixed = [
        F.embedding_bag(where, table, per_sample_weights=weight.to(table.dtype), mode="sum")
        for where, weight, table in zip(places, weights, tables, strict=True)
    ]
    return torch.stack([each.t() for each in mixed])


def aggregate(probabilities: Tensor) -> Tensor:
    """Soft aggregation (Oh et al., STM, ICCV 2019, section 3.4): logits of background and objects together.

    Args:
        probabilities: (b, o, ...) of each object on its own, in [0, 1]; an object that is not there has 0.

    Returns:
        (b, 1 + o, ...) logits, the background first; their softmax over axis 1 are the merged probabilities.
    """
    background = (1 - probabilities).prod(1, keepdim=True)
    return torch.cat([background, probabilities], dim=1).clamp(_EPS, 1 - _EPS).logit()
