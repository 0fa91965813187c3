"""Multi-scale deformable attention compiled by numba for float32 on CPU; import it only where numba may be loaded.

Inference only. The kernel releases the interpreter lock and takes a range of queries, so plain threads share the work
(numba's own thread pool must not be entered by two threads at once).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numba
import numpy as np
import torch
from numba.core.errors import NumbaError
from torch import Tensor

# Below this many (query, head) pairs a thread costs more than it saves.
_PAIRS_A_THREAD = 4096

Kernel = Callable[..., None]


def ms_deform_attn_numba(
    value: Tensor,
    spatial_shapes: Sequence[tuple[int, int]],
    *,
    sampling_locations: Tensor,
    attention_weights: Tensor,
) -> Tensor:
    """Arguments and result as `ms_deform_attn_reference`; float32 on CPU, without gradients.

    Raises:
        ValueError: the levels do not have as many cells as `value`, which the kernel itself would not notice.
    """
    n, cells, heads, channels = value.shape
    if cells != sum(h * w for h, w in spatial_shapes):
        raise ValueError(f"{cells} cells for levels of {list(spatial_shapes)}")
    queries = sampling_locations.shape[1]
    output = torch.empty((n, queries, heads, channels), dtype=torch.float32)
    shapes = np.array(spatial_shapes, dtype=np.int64).reshape(-1, 2)
    arrays = [x.detach().contiguous().numpy() for x in (value, sampling_locations, attention_weights, output)]
    threads = n * queries * heads // _PAIRS_A_THREAD
    share_out(compiled_kernel(), (*arrays, shapes), total=n * queries, threads=threads)
    return output.view(n, queries, heads * channels)


def share_out(kernel: Kernel, arguments: Sequence[np.ndarray], *, total: int, threads: int) -> None:
    """Call `kernel(*arguments, first, last)` so that 0 to `total` is covered, on at most `threads` threads.

    The calling thread works too; torch's own number of threads is the limit.
    """
    threads = max(1, min(torch.get_num_threads(), threads))
    bounds = [round(i * total / threads) for i in range(threads + 1)]
    workers = [threading.Thread(target=kernel, args=(*arguments, bounds[i], bounds[i + 1])) for i in range(1, threads)]
    for worker in workers:
        worker.start()
    kernel(*arguments, bounds[0], bounds[1])
    for worker in workers:
        worker.join()


@cache
def compiled_kernel() -> Kernel:
    """The kernel, compiled ahead of its first call; kept on disk where a cache folder can be written.

    Raises:
        RuntimeError: this numba cannot compile it.
    """
    signature = numba.void(
        numba.float32[:, :, :, ::1],
        numba.float32[:, :, :, :, :, ::1],
        numba.float32[:, :, :, :, ::1],
        numba.float32[:, :, :, ::1],
        numba.int64[:, ::1],
        numba.int64,
        numba.int64,
    )
    options: dict[str, Any] = {"nogil": True, "boundscheck": False, "fastmath": {"contract"}}
    try:
        try:
            kernel: Kernel = numba.njit(signature, cache=True, **options)(_attend)
        except (RuntimeError, OSError):  # no folder for the cache can be written
            kernel = numba.njit(signature, **options)(_attend)
    except NumbaError as error:
        raise RuntimeError(f"numba {numba.__version__} cannot compile the kernel: {error}") from error
    return kernel


def _attend(value: Any, locations: Any, weights: Any, output: Any, shapes: Any, first: int, last: int) -> None:
    """Queries `first` <= i < `last` of all samples, counted sample by sample."""
    half, one = np.float32(0.5), np.float32(1)
    heads, channels = value.shape[2], value.shape[3]
    queries, points = locations.shape[1], locations.shape[4]
    for pair in range(first, last):
        n, q = pair // queries, pair % queries
        for m in range(heads):
            total = output[n, q, m]
            total[:] = 0.0
            start = 0
            for level in range(shapes.shape[0]):
                h, w = shapes[level, 0], shapes[level, 1]
                for p in range(points):
                    x = locations[n, q, m, level, p, 0] * np.float32(w) - half
                    y = locations[n, q, m, level, p, 1] * np.float32(h) - half
                    # Written so that a NaN is outside, too.
                    if not (x > -1 and y > -1 and x < w and y < h):
                        continue
                    left, top = int(np.floor(x)), int(np.floor(y))
                    fx, fy = x - np.float32(left), y - np.float32(top)
                    attention = weights[n, q, m, level, p]
                    upper, lower = attention * (one - fy), attention * fy
                    cell = start + top * w + left
                    if left >= 0 and top >= 0 and left + 1 < w and top + 1 < h:
                        a, b, c, d = upper * (one - fx), upper * fx, lower * (one - fx), lower * fx
                        v00, v01 = value[n, cell, m], value[n, cell + 1, m]
                        v10, v11 = value[n, cell + w, m], value[n, cell + w + 1, m]
                        for k in range(channels):
                            total[k] += a * v00[k] + b * v01[k] + c * v10[k] + d * v11[k]
                        continue
                    for dy in range(2):
                        row_share = lower if dy else upper
                        for dx in range(2):
                            if 0 <= top + dy < h and 0 <= left + dx < w:
                                share = row_share * (fx if dx else one - fx)
                                tap = value[n, cell + dy * w + dx, m]
                                for k in range(channels):
                                    total[k] += share * tap[k]
                start += h * w
