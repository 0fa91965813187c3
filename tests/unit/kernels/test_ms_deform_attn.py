"""Every form of multi-scale deformable attention against a naive formulation and against the reference."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rvos_kernels.ms_deform_attn import available_forms, dispatch, ms_deform_attn, warm_up
from rvos_kernels.ms_deform_attn.bag import ms_deform_attn_bag
from rvos_kernels.ms_deform_attn.reference import ms_deform_attn_reference

Shapes = list[tuple[int, int]]
FORMS = [name for name in ("reference", "bag", "numba", "dispatch") if name in available_forms()]


def _inputs(
    shapes: Shapes, *, n: int = 2, heads: int = 3, channels: int = 5, queries: int = 7, points: int = 2, seed: int = 0
) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    levels = len(shapes)
    logits = torch.randn(n, queries, heads, levels * points, generator=generator)
    return {
        "value": torch.randn(n, sum(h * w for h, w in shapes), heads, channels, generator=generator),
        "sampling_locations": torch.rand(n, queries, heads, levels, points, 2, generator=generator) * 1.6 - 0.3,
        "attention_weights": logits.softmax(-1).view(n, queries, heads, levels, points),
    }


def _run(form: str, inputs: dict[str, Tensor], shapes: Shapes) -> Tensor:
    with torch.no_grad():
        return available_forms()[form](
            inputs["value"],
            shapes,
            sampling_locations=inputs["sampling_locations"],
            attention_weights=inputs["attention_weights"],
        )


def _naive(inputs: dict[str, Tensor], shapes: Shapes) -> np.ndarray:
    """Equation 3 of the paper, one number after the other, in float64."""
    value, locations, weights = (x.double().numpy() for x in inputs.values())
    n, queries, heads, levels, points, _ = locations.shape
    output = np.zeros((n, queries, heads, value.shape[3]))
    for index in np.ndindex(n, queries, heads, levels, points):
        b, q, m, level, _ = index
        h, w = shapes[level]
        cells = value[b, sum(a * c for a, c in shapes[:level]) :][: h * w, m].reshape(h, w, -1)
        x, y = locations[index][0] * w - 0.5, locations[index][1] * h - 0.5
        for i in (math.floor(y), math.floor(y) + 1):
            for j in (math.floor(x), math.floor(x) + 1):
                if 0 <= i < h and 0 <= j < w:
                    output[b, q, m] += weights[index] * (1 - abs(y - i)) * (1 - abs(x - j)) * cells[i, j]
    return output.reshape(n, queries, -1)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shapes", [[(1, 1)], [(5, 3)], [(1, 9), (9, 1)], [(7, 11), (4, 6), (2, 3), (1, 2)]])
def test_equals_the_naive_sum(form: str, shapes: Shapes) -> None:
    inputs = _inputs(shapes)
    np.testing.assert_allclose(_run(form, inputs, shapes).numpy(), _naive(inputs, shapes), atol=1e-5)


@pytest.mark.parametrize("form", [form for form in FORMS if form != "bag"])
def test_levels_that_do_not_fit_the_values_are_refused(form: str) -> None:
    with pytest.raises((ValueError, RuntimeError), match=r"cells|split"):
        _run(form, _inputs([(5, 3)]), [(50, 30)])


@settings(max_examples=40, deadline=None)
@given(
    shapes=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=4),
    n=st.integers(1, 3),
    heads=st.integers(1, 4),
    channels=st.sampled_from([1, 3, 16, 33]),
    queries=st.integers(1, 9),
    points=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_all_forms_agree_on_odd_shapes(
    shapes: Shapes, n: int, heads: int, channels: int, queries: int, points: int, seed: int
) -> None:
    inputs = _inputs(shapes, n=n, heads=heads, channels=channels, queries=queries, points=points, seed=seed)
    expected = _run("reference", inputs, shapes)
    for form in FORMS:
        torch.testing.assert_close(_run(form, inputs, shapes), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("form", FORMS)
def test_far_outside_is_zero_and_borders_are_exact(form: str) -> None:
    shapes = [(2, 2)]
    inputs = _inputs(shapes, n=1, heads=1, channels=1, queries=3, points=1)
    inputs["attention_weights"].fill_(1.0)
    inputs["sampling_locations"][:] = torch.tensor([[1e6, -1e6], [0.25, 0.75], [0.0, 0.0]]).view(1, 3, 1, 1, 1, 2)
    corner, lower_left = inputs["value"][0, 0, 0, 0], inputs["value"][0, 2, 0, 0]
    assert _run(form, inputs, shapes).flatten().tolist() == pytest.approx([0.0, float(lower_left), float(corner) / 4])


@pytest.mark.parametrize("form", FORMS)
def test_inputs_may_be_strided(form: str) -> None:
    shapes = [(4, 3), (2, 2)]
    inputs = _inputs(shapes)
    strided = {name: x.transpose(0, -1).contiguous().transpose(0, -1) for name, x in inputs.items()}
    torch.testing.assert_close(_run(form, strided, shapes), _run("reference", inputs, shapes), atol=1e-5, rtol=0)


def test_the_reference_has_true_gradients() -> None:
    shapes = [(3, 4), (2, 2)]
    inputs = {k: x.double().requires_grad_() for k, x in _inputs(shapes, n=1, heads=2, channels=2, queries=2).items()}

    def attend(value: Tensor, locations: Tensor, weights: Tensor) -> Tensor:
        return ms_deform_attn(value, shapes, sampling_locations=locations, attention_weights=weights)

    assert torch.autograd.gradcheck(attend, tuple(inputs.values()))


def test_dispatch_keeps_gradients_and_uses_them_only_where_wanted() -> None:
    shapes = [(3, 4)]
    inputs = _inputs(shapes)
    inputs["sampling_locations"].requires_grad_()
    arguments = {k: inputs[k] for k in ("sampling_locations", "attention_weights")}
    assert ms_deform_attn(inputs["value"], shapes, **arguments).requires_grad
    with torch.no_grad():
        quiet = ms_deform_attn(inputs["value"], shapes, **arguments)
    assert not quiet.requires_grad
    torch.testing.assert_close(quiet, _run("reference", inputs, shapes), atol=1e-5, rtol=0)


@pytest.mark.parametrize("gradient", [True, False])
def test_values_may_be_coarser_than_the_locations(gradient: bool) -> None:
    shapes = [(3, 4)]
    inputs = _inputs(shapes)
    coarse = inputs["value"].bfloat16()
    arguments = {k: inputs[k] for k in ("sampling_locations", "attention_weights")}
    with torch.set_grad_enabled(gradient):
        output = ms_deform_attn(coarse.requires_grad_(gradient), shapes, **arguments)
    expected = _run("reference", inputs | {"value": coarse.detach().float()}, shapes)
    assert output.dtype == torch.bfloat16
    torch.testing.assert_close(output.detach(), expected.bfloat16(), atol=1e-5, rtol=0.01)


def test_dispatch_runs_other_types_through_the_bag() -> None:
    shapes = [(3, 4)]
    inputs = {k: x.double() for k, x in _inputs(shapes).items()}
    np.testing.assert_allclose(_run("dispatch", inputs, shapes).numpy(), _naive(inputs, shapes), atol=1e-12)


def test_values_in_half_precision_may_have_float32_locations() -> None:
    shapes = [(3, 4), (5, 2)]
    inputs = _inputs(shapes)
    half = inputs | {"value": inputs["value"].bfloat16()}
    got, expected = _run("dispatch", half, shapes), _run("reference", inputs, shapes)
    assert got.dtype == torch.bfloat16
    torch.testing.assert_close(got.float(), expected, atol=0.05, rtol=0.02)


@pytest.fixture
def without_numba(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "rvos_kernels.ms_deform_attn.cpu_numba", raising=False)
    dispatch._numba_form.cache_clear()
    yield
    dispatch._numba_form.cache_clear()


@pytest.mark.usefixtures("without_numba")
def test_works_without_numba() -> None:
    warm_up()
    tensor = torch.zeros(1)
    assert dispatch._form_for(tensor) is ms_deform_attn_bag
    assert dispatch._form_for(tensor.requires_grad_()) is ms_deform_attn_reference
    assert "numba" not in available_forms()


@pytest.mark.skipif("numba" not in FORMS, reason="numba is not installed")
def test_several_callers_and_worker_threads_do_not_disturb_each_other() -> None:
    shapes = [(20, 30), (10, 15)]
    inputs = _inputs(shapes, heads=8, channels=16, queries=1000)
    expected = _run("reference", inputs, shapes)
    results: dict[int, Tensor] = {}
    threads_before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        callers = [
            threading.Thread(target=lambda i=i: results.update({i: _run("numba", inputs, shapes)})) for i in range(4)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    finally:
        torch.set_num_threads(threads_before)
    assert len(results) == 4
    for result in results.values():
        torch.testing.assert_close(result, expected, atol=1e-5, rtol=0)
