"""The devices a model can run on, and why one that a person would expect is missing.

Torch is imported when asked, not before.
"""

from __future__ import annotations

import shutil
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

from rvos_core.errors import UsageError, UserError
from rvos_core.models.openmp import let_waiting_threads_sleep


@dataclass(frozen=True)
class DeviceInfo:
    """A device: `id` as torch names it, `label` for a person, and where it is not available the `reason`."""

    id: str
    label: str
    available: bool
    reason: str = ""


def list_devices() -> tuple[DeviceInfo, ...]:
    """Every device of this machine, fastest first; a missing CUDA or MPS is listed with the reason.

    The CPU is always there.
    """
    let_waiting_threads_sleep()
    import torch

    mps = torch.backends.mps
    found = list(_cuda_devices())
    if sys.platform == "darwin":
        reason = "" if mps.is_available() else "it needs an Apple silicon Mac with macOS 14 or newer"
        found.append(DeviceInfo("mps", "Apple GPU (MPS)", mps.is_available(), reason))
    threads = torch.get_num_threads()
    found.append(DeviceInfo("cpu", f"CPU, {threads} thread{'s' if threads != 1 else ''}", available=True))
    return tuple(found)


def pick_device(wanted: str = "auto") -> str:
    """The device to use.

    Args:
        wanted: `auto` (the fastest available), `cuda` (the first GPU), or an id of `list_devices`.

    Raises:
        UserError: it is known but cannot be used here; the message says why.
        UsageError: there is no such device.
    """
    devices = list_devices()
    usable = [device.id for device in devices if device.available]
    if wanted == "auto":
        return usable[0]
    named = [device for device in devices if wanted in (device.id, device.id.partition(":")[0])]
    hint = f"Available here: {', '.join(usable)}."
    if not named:
        raise UsageError(f"There is no device {wanted!r} on this machine.", hint=hint, code="device.unknown")
    for device in named:
        if device.available:
            return device.id
    raise UserError(f"{named[0].label} cannot be used: {named[0].reason}.", hint=hint, code="device.unavailable")


def _cuda_devices() -> tuple[DeviceInfo, ...]:
    import torch

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        available = torch.cuda.is_available()
    if not available:
        reason = why_no_cuda(
            torch.version.cuda, [str(warning.message) for warning in said], driver=_has_nvidia_driver()
        )
        return (DeviceInfo("cuda", "NVIDIA GPU (CUDA)", available=False, reason=reason),)
    built_for = torch.cuda.get_arch_list()
    found = []
    for index in range(torch.cuda.device_count()):
        capability = torch.cuda.get_device_capability(index)
        usable = is_built_for(capability, built_for)
        reason = (
            "" if usable else f"this PyTorch is not built for its compute capability {capability[0]}.{capability[1]}"
        )
        found.append(DeviceInfo(f"cuda:{index}", torch.cuda.get_device_name(index), usable, reason))
    return tuple(found)


def why_no_cuda(built_for: str | None, warnings_said: list[str], *, driver: bool) -> str:
    """One clause for a person.

    Args:
        built_for: CUDA version of this PyTorch; None for a CPU-only build.
        warnings_said: what PyTorch said when it was asked for CUDA.
        driver: whether an NVIDIA driver is installed.
    """
    if built_for is None:
        return "this PyTorch is the CPU-only build; install the CUDA build from pytorch.org"
    if any("driver" in text and "old" in text for text in warnings_said):
        return f"the NVIDIA driver is too old for CUDA {built_for}; update the driver"
    if not driver:
        return "no NVIDIA driver was found"
    return "the NVIDIA driver reports no usable GPU (CUDA_VISIBLE_DEVICES may hide it)"


def is_built_for(capability: tuple[int, int], architectures: list[str]) -> bool:
    """Whether code for one of `architectures` (`sm_80`, `compute_90`) runs on `capability`.

    Machine code runs on the same major version from its minor version on; a `compute_` entry is compiled for anything
    newer.
    """
    if not architectures:
        return True
    for name in architectures:
        kind, _, digits = name.partition("_")
        digits = digits.rstrip("af")
        if not digits.isdigit() or len(digits) < 2:
            continue
        built = (int(digits[:-1]), int(digits[-1]))
        if kind == "compute" and capability >= built:
            return True
        if kind == "sm" and capability[0] == built[0] and capability[1] >= built[1]:
            return True
    return False


def _has_nvidia_driver() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None
