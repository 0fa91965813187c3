"""Chooses the form of multi-scale deformable attention for a call; all agree with `reference.py` to 1e-5."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Sequence
from functools import cache
from typing import Protocol, cast

import torch
from torch import Tensor

from rvos_kernels.ms_deform_attn.bag import ms_deform_attn_bag
from rvos_kernels.ms_deform_attn.reference import ms_deform_attn_reference

_log = logging.getLogger("rvos.model")


class MsDeformAttn(Protocol):
    """One form; `ms_deform_attn_reference` says what arguments and result are."""

    def __call__(
        self,
        value: Tensor,
        spatial_shapes: Sequence[tuple[int, int]],
        *,
        sampling_locations: Tensor,
        attention_weights: Tensor,
    ) -> Tensor: ...


def ms_deform_attn(
    value: Tensor,
    spatial_shapes: Sequence[tuple[int, int]],
    *,
    sampling_locations: Tensor,
    attention_weights: Tensor,
) -> Tensor:
    """Multi-scale deformable attention; arguments and result as `ms_deform_attn_reference`.

    On the CPU, where numba is installed, compiled forms with and without gradients; without numba the embedding bag
    where no gradient is wanted. The reference everywhere else: off the CPU, under tracing, gradients without numba or
    in float64. Values of another precision (autocast) are computed in that of the weights; the result has theirs.
    """
    wide = value.to(attention_weights.dtype)
    form = _form_for(wide, sampling_locations, attention_weights)
    mixed = form(wide, spatial_shapes, sampling_locations=sampling_locations, attention_weights=attention_weights)
    return mixed.to(value.dtype)


def available_forms() -> dict[str, MsDeformAttn]:
    """Every form that can run here on CPU tensors without gradients, by name."""
    forms: dict[str, MsDeformAttn] = {"reference": ms_deform_attn_reference, "bag": ms_deform_attn_bag}
    if (compiled := _numba_form()) is not None:
        forms["numba"] = compiled
    return forms | {"dispatch": ms_deform_attn}


def warm_up() -> None:
    """Load and compile what CPU inference will use (seconds at the first time on a machine)."""
    _numba_form()


def _form_for(*tensors: Tensor) -> MsDeformAttn:
    wants_gradient = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    traced = torch.compiler.is_compiling() or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    if traced or any(tensor.device.type != "cpu" for tensor in tensors):
        return ms_deform_attn_reference
    if wants_gradient:
        exact = any(tensor.dtype == torch.float64 for tensor in tensors)
        return (None if exact else _numba_training_form()) or ms_deform_attn_reference
    if all(tensor.dtype == torch.float32 for tensor in tensors) and (compiled := _numba_form()) is not None:
        return compiled
    return ms_deform_attn_bag


@cache
def _numba_form() -> MsDeformAttn | None:
    try:
        module = importlib.import_module("rvos_kernels.ms_deform_attn.cpu_numba")
        module.compiled_kernel()
    except (ImportError, RuntimeError) as error:
        _log.info("deformable attention runs without numba: %s", error)
        return None
    return cast(MsDeformAttn, module.ms_deform_attn_numba)


def _numba_training_form() -> MsDeformAttn | None:
    if _numba_form() is None:
        return None
    module = importlib.import_module("rvos_kernels.ms_deform_attn.cpu_numba_training")
    return cast(MsDeformAttn, module.ms_deform_attn_training)
