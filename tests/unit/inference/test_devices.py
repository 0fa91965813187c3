"""Devices: the CPU is always there, a missing GPU has a reason."""

from __future__ import annotations

import pytest
import torch

from rvos_core.errors import UsageError, UserError
from rvos_core.models.devices import is_built_for, list_devices, pick_device, why_no_cuda


def test_every_device_is_usable_or_has_a_reason() -> None:
    devices = list_devices()
    assert devices[-1].id == "cpu" and devices[-1].available
    assert any(device.id.startswith("cuda") for device in devices)
    for device in devices:
        assert device.available == (device.reason == "")
        assert device.label


def test_auto_is_the_first_usable_one_and_runs() -> None:
    chosen = pick_device("auto")
    assert chosen == next(device.id for device in list_devices() if device.available)
    assert torch.ones(2, device=chosen).sum().item() == 2
    assert pick_device("cpu") == "cpu"


@pytest.mark.parametrize("wanted", ["gpu", "", "cuda:99", "CPU", "cpu0"])
def test_an_unknown_device_is_a_usage_error_that_lists_the_others(wanted: str) -> None:
    with pytest.raises(UsageError, match="There is no device") as caught:
        pick_device(wanted)
    assert "cpu" in caught.value.hint


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_without_cuda_says_why() -> None:
    with pytest.raises(UserError, match=r"NVIDIA GPU \(CUDA\) cannot be used: \w+") as caught:
        pick_device("cuda")
    assert not isinstance(caught.value, UsageError)


@pytest.mark.parametrize(
    ("built_for", "said", "driver", "reason"),
    [
        (None, [], True, "CPU-only build"),
        ("13.0", ["The NVIDIA driver on your system is too old (found version 11040)."], True, "too old"),
        ("13.0", [], False, "no NVIDIA driver"),
        ("13.0", [], True, "no usable GPU"),
    ],
)
def test_reasons(built_for: str | None, said: list[str], driver: bool, reason: str) -> None:
    assert reason in why_no_cuda(built_for, said, driver=driver)


@pytest.mark.parametrize(
    ("capability", "architectures", "expected"),
    [
        ((9, 0), ["sm_80", "sm_90"], True),
        ((8, 6), ["sm_80", "sm_90"], True),
        ((8, 0), ["sm_86"], False),
        ((7, 5), ["sm_80", "sm_90", "compute_90"], False),
        ((12, 0), ["sm_90"], False),
        ((12, 0), ["sm_90", "compute_90"], True),
        ((12, 0), ["sm_120a"], True),
        ((9, 0), [], True),
    ],
)
def test_code_runs_on_the_same_major_version_and_newer(
    capability: tuple[int, int], architectures: list[str], expected: bool
) -> None:
    assert is_built_for(capability, architectures) is expected
