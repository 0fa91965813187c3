"""J and F are those of the DAVIS benchmark to 1e-9, and agree with the definitions written out pixel by pixel."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers_data import shared_goldens
from rvos_core.evaluation.metrics import (
    boundary_f,
    boundary_map,
    boundary_reach_px,
    jaccard,
    sequence_scores,
    statistics,
)

EXACT = {"rel": 0, "abs": 1e-9}
SMALL = Path(__file__).parent / "data" / "davis_jf_small.npz"


@pytest.fixture(scope="module", params=["tracked", "shared"])
def golden(request: pytest.FixtureRequest) -> dict[str, np.ndarray]:
    path = SMALL if request.param == "tracked" else shared_goldens() / "davis_jf.npz"
    with np.load(path) as arrays:
        return dict(arrays)


def test_published_program_single_frames(golden: dict[str, np.ndarray]) -> None:
    for index, (j, f) in enumerate(zip(golden["J"], golden["F"], strict=True)):
        truth, prediction = golden[f"gt{index}"], golden[f"pred{index}"]
        np.testing.assert_array_equal(boundary_map(truth), golden[f"gt_boundary{index}"].astype(bool))
        assert jaccard(truth, prediction) == pytest.approx(j, **EXACT), golden["tags"][index]
        assert boundary_f(truth, prediction) == pytest.approx(f, **EXACT), golden["tags"][index]


def test_published_program_sequence_and_statistics(golden: dict[str, np.ndarray]) -> None:
    scores = sequence_scores(golden["stack_gt"], golden["stack_pred"])
    for ours, name in ((scores.j, "J"), (scores.f, "F")):
        assert ours == pytest.approx(golden[f"stack_{name}"], **EXACT)
        figures = statistics(ours)
        assert (figures.mean, figures.recall, figures.decay) == pytest.approx(
            golden[f"stack_{name}_stats_MRD"], **EXACT
        )
    assert scores.j_and_f == pytest.approx((np.mean(scores.j) + np.mean(scores.f)) / 2)


def test_published_program_void(golden: dict[str, np.ndarray]) -> None:
    truth, prediction = golden["stack_gt"][0], golden["stack_pred"][0]
    assert jaccard(truth, prediction, void=golden["void"]) == pytest.approx(float(golden["void_J"]), **EXACT)
    assert boundary_f(truth, prediction, void=golden["void"]) == pytest.approx(float(golden["void_F"]), **EXACT)


def plain_f(truth: np.ndarray, prediction: np.ndarray) -> float:
    """F from the distances between all pairs of boundary pixels."""
    reach = math.ceil(0.008 * math.sqrt(truth.shape[0] ** 2 + truth.shape[1] ** 2))
    a, b = np.argwhere(boundary_map(truth)), np.argwhere(boundary_map(prediction))
    if not len(a) or not len(b):
        return float(len(a) == len(b))
    near = ((a[:, None] - b[None]) ** 2).sum(-1) <= reach * reach
    precision, recall = near.any(axis=0).mean(), near.any(axis=1).mean()
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_f_is_that_of_all_pairs_of_boundary_pixels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 30), rng.integers(1, 130)
    a, b = (rng.random((height, width)) < rng.choice([0.0, 0.01, 0.1, 0.9, 1.0]) for _ in range(2))
    assert boundary_f(a, b) == pytest.approx(plain_f(a, b), abs=1e-12)
    assert boundary_f(a, b) == pytest.approx(boundary_f(b, a), abs=1e-12)
    assert jaccard(a, b) == jaccard(b, a)
    assert boundary_f(a, a) == jaccard(a, a) == 1.0


def test_reach_of_common_sizes() -> None:
    assert [boundary_reach_px(h, w) for h, w in ((480, 854), (1080, 1920), (256, 448), (1, 1))] == [8, 18, 5, 1]


def test_decay_of_long_sequences_does_not_wrap_around() -> None:
    falling = np.linspace(1, 0, 1001)
    figures = statistics(falling)
    assert figures.decay == pytest.approx(falling[:251].mean() - falling[750:].mean())
    assert figures.recall == 500 / 1001


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_statistics_of_short_sequences(count: int) -> None:
    figures = statistics([0.25] * count)
    assert (figures.mean, figures.recall, figures.decay) == (0.25, 0.0, 0.0)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="different size"):
        jaccard(np.zeros((3, 4)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match="different size"):
        boundary_f(np.zeros((3, 4)), np.zeros((3, 4)), void=np.zeros((3, 3)))
    with pytest.raises(ValueError, match="at least one frame"):
        statistics([])
    with pytest.raises(ValueError, match="shorter"):
        sequence_scores(np.zeros((2, 3, 4)), np.zeros((1, 3, 4)))
