"""Running out of memory without falling over: how it is recognised, how memory is given back, how much there is."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")
_MIB = 1024 * 1024
_SIGNS = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "alloc_failed",
    "failed to allocate",
    "unable to find a valid cudnn algorithm",  # what cuDNN says when none fits into the memory that is left
)


def is_out_of_memory(error: BaseException) -> bool:
    """True for every form in which Python, numpy and torch (CPU, CUDA, MPS) say that memory ran out."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)


def unless_out_of_memory(step: Callable[[], _T]) -> _T | None:
    """What `step` returns, or None if memory ran out in it; then everything that it held has been given back.

    The exception keeps the frames alive that hold the tensors, so memory is given back only after the except block is
    left (pytorch issue 18853).
    """
    try:
        return step()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
    release_memory()
    return None


def release_memory() -> None:
    """Collect what nobody refers to and hand the device's cached blocks back."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is None:
        return
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def free_memory_mib(device: str) -> float | None:
    """Memory that a run on `device` could still take, MiB; None where the system does not say.

    On the CPU: what the kernel would give without swapping, within the limit of the container.
    """
    if device.startswith("cuda"):
        import torch

        free, _ = torch.cuda.mem_get_info(torch.device(device))
        return (free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)) / _MIB
    found = [mib for mib in (_kernel_free_mib(), _container_free_mib()) if mib is not None]
    return min(found, default=None)


def _kernel_free_mib() -> float | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) / 1024
    return None


def _container_free_mib() -> float | None:
    root = Path("/sys/fs/cgroup")
    try:
        limit = (root / "memory.max").read_text(encoding="ascii").strip()
        used = int((root / "memory.current").read_text(encoding="ascii"))
        reclaimable = dict(line.split() for line in (root / "memory.stat").read_text(encoding="ascii").splitlines())
    except (OSError, ValueError):
        return None
    if limit == "max":
        return None
    return (int(limit) - used + int(reclaimable.get("inactive_file", 0))) / _MIB
