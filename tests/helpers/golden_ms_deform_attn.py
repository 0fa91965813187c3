"""Golden check of multi-scale deformable attention: every form of the core, and the module round it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from torch import Tensor

from golden_cases import GoldenFolder, fill_weights
from golden_report import Finding, GoldenArrays
from rvos_core.models.blocks.deformable_attention import DeformableAttention
from rvos_kernels.ms_deform_attn import available_forms

_TOLERANCE = 1e-5


@torch.no_grad()
def check(arrays: GoldenArrays, folder: GoldenFolder) -> Iterator[Finding]:
    """Compare ms_deform_attn.npz."""
    for name in arrays.names():
        if match := re.fullmatch(r"(core\d+)\.output", name):
            yield from _core(arrays, match[1])
        elif match := re.fullmatch(r"(module_ref[24])\.output", name):
            yield from _module(arrays, match[1], folder.salt)
        elif match := re.fullmatch(r"init\.sampling_offsets_bias_h(\d+)_l(\d+)_p(\d+)", name):
            heads, levels, points = map(int, match.groups())
            fresh = DeformableAttention(8 * heads, levels=levels, heads=heads, points=points)
            yield arrays.compare(name, fresh.sampling_offsets.bias, tolerance=_TOLERANCE)


def _core(arrays: GoldenArrays, case: str) -> Iterator[Finding]:
    value, locations, weights = (
        torch.from_numpy(arrays.take(f"{case}.{name}")) for name in ("value", "sampling_locations", "attention_weights")
    )
    shapes = _shapes(arrays, case)
    for form, attend in available_forms().items():
        output = attend(value, shapes, sampling_locations=locations, attention_weights=weights)
        yield arrays.compare(f"{case}.output", output, tolerance=_TOLERANCE, label=f" [{form}]")


def _module(arrays: GoldenArrays, case: str, salt: int) -> Iterator[Finding]:
    query, src, references, padding = (
        torch.from_numpy(arrays.take(f"{case}.{name}")) for name in ("query", "src", "reference_points", "padding_mask")
    )
    shapes = _shapes(arrays, case)
    heads, levels, points = arrays.take(f"{case}.sampling_locations").shape[2:5]
    module = DeformableAttention(query.shape[-1], levels=levels, heads=heads, points=points).eval()
    fill_weights(module, salt=salt, prefix="msda.")
    locations, weights = module.sampling(query, references, shapes=shapes)
    output: Tensor = module(query, references, memory=src, shapes=shapes, padding=padding)
    yield arrays.compare(f"{case}.sampling_locations", locations, tolerance=_TOLERANCE, relative=True)
    yield arrays.compare(f"{case}.attention_weights", weights, tolerance=_TOLERANCE)
    yield arrays.compare(f"{case}.output", output, tolerance=_TOLERANCE, relative=True)


def _shapes(arrays: GoldenArrays, case: str) -> tuple[tuple[int, int], ...]:
    return tuple((int(h), int(w)) for h, w in arrays.take(f"{case}.spatial_shapes"))
