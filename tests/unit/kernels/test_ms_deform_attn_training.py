"""The compiled training form against autograd through the reference, values and gradients, on odd shapes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rvos_kernels.ms_deform_attn import ms_deform_attn
from rvos_kernels.ms_deform_attn.reference import ms_deform_attn_reference

training = pytest.importorskip(
    "rvos_kernels.ms_deform_attn.cpu_numba_training", reason="numba is not installed (extra `kernels`)"
)

CASES = [
    ([(3, 5)], 1, 1, 1, 1, 1),
    ([(7, 4), (2, 3)], 2, 3, 4, 2, 5),
    ([(12, 20), (6, 10), (3, 5), (2, 3)], 3, 8, 16, 4, 11),
]


def inputs(case: tuple[list[tuple[int, int]], int, int, int, int, int]) -> list[Tensor]:
    shapes, n, heads, channels, points, queries = case
    generator = torch.Generator().manual_seed(queries)
    cells = sum(h * w for h, w in shapes)
    value = torch.randn(n, cells, heads, channels, generator=generator)
    places = torch.rand(n, queries, heads, len(shapes), points, 2, generator=generator) * 1.6 - 0.3
    weights = torch.randn(n, queries, heads, len(shapes) * points, generator=generator).softmax(-1)
    return [value, places, weights.unflatten(-1, (len(shapes), points))]


def gradients(form: object, case: tuple[list[tuple[int, int]], int, int, int, int, int]) -> list[Tensor]:
    leaves = [x.clone().requires_grad_() for x in inputs(case)]
    output = form(leaves[0], case[0], sampling_locations=leaves[1], attention_weights=leaves[2])  # type: ignore[operator]
    (output * torch.linspace(-1, 2, output.shape[-1])).sum().backward()
    return [output.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)]


@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients_equal_the_reference(case: tuple[list[tuple[int, int]], int, int, int, int, int]) -> None:
    expected, got = gradients(ms_deform_attn_reference, case), gradients(training.ms_deform_attn_training, case)
    assert len(expected) == len(got) == 4
    for name, a, b in zip(("output", "value", "places", "weights"), got, expected, strict=True):
        assert float((a - b).abs().max()) <= 1e-5 * max(1.0, float(b.abs().max())), name


def test_more_threads_give_the_same_bits() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = gradients(training.ms_deform_attn_training, CASES[2])
        torch.set_num_threads(2)
        two = gradients(training.ms_deform_attn_training, CASES[2])
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_half_precision_inputs_get_gradients_of_their_own_type() -> None:
    value, places, weights = inputs(CASES[1])
    value = value.bfloat16().requires_grad_()
    output = ms_deform_attn(value, CASES[1][0], sampling_locations=places, attention_weights=weights)
    assert output.dtype == torch.bfloat16
    output.float().sum().backward()
    assert value.grad is not None and value.grad.dtype == torch.bfloat16
