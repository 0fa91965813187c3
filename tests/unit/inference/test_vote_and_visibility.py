"""The vote over a span, hysteresis of visibility, certainty of masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rvos_core.inference.visibility import Hysteresis, mask_certainty, sigmoid
from rvos_core.inference.vote import SpanVote

PROBABILITIES = hnp.arrays(np.float32, st.tuples(st.integers(1, 30), st.just(4)), elements=st.floats(0, 1, width=32))


@given(PROBABILITIES, st.lists(st.integers(1, 29), max_size=4), st.randoms())
def test_the_vote_is_the_mean_over_all_frames_in_any_order_and_grouping(
    probability: np.ndarray, edges: list[int], random: object
) -> None:
    parts = np.split(probability, sorted(edges))
    random.shuffle(parts)  # type: ignore[attr-defined]
    vote = SpanVote(4)
    for part in parts:
        vote.add(part)
    assert vote.frames == len(probability)
    assert vote.means() == pytest.approx(probability.astype(np.float64).mean(axis=0), abs=1e-9)


def test_frames_that_may_still_change_count_without_being_kept() -> None:
    vote = SpanVote(2)
    vote.add(np.array([[0.6, 0.5]]))
    assert vote.best() == 0
    assert vote.best(np.array([[0.0, 0.9]])) == 1
    assert vote.best() == 0 and vote.frames == 1


def state_machine(values: list[float], on: float, off: float) -> list[bool]:
    """Hysteresis of one track, written as the sentence in the docstring reads."""
    visible, states = True, []
    for value in values:
        if visible and value < off:
            visible = False
        elif not visible and value > on:
            visible = True
        states.append(visible)
    return states


@given(PROBABILITIES, st.integers(0, 30), st.floats(0, 0.5, width=32), st.floats(0.5, 1, width=32))
def test_hysteresis_follows_each_track_over_any_split(
    probability: np.ndarray, split: int, off: float, on: float
) -> None:
    whole = Hysteresis(4, on=on, off=off).push(probability)
    for track in range(4):
        assert whole[:, track].tolist() == state_machine(probability[:, track].tolist(), on, off)
    parts = Hysteresis(4, on=on, off=off)
    first = parts.push(probability[:split])
    assert np.array_equal(parts.peek(probability[split:]), whole[split:])
    assert np.array_equal(np.concatenate([first, parts.push(probability[split:])]), whole)


def test_a_trembling_probability_does_not_flicker() -> None:
    trembling = np.array([[0.45], [0.35], [0.45], [0.25], [0.35], [0.55], [0.65], [0.45]])
    visible = Hysteresis(1, on=0.6, off=0.3).push(trembling)[:, 0]
    assert visible.tolist() == [True, True, True, False, False, False, True, True]


def test_a_new_shot_starts_in_sight() -> None:
    hysteresis = Hysteresis(1, on=0.6, off=0.3)
    hysteresis.push(np.array([[0.1]]))
    hysteresis.reset()
    assert hysteresis.push(np.array([[0.4]])).all()


def test_thresholds_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(ValueError, match="wrong way round"):
        Hysteresis(1, on=0.3, off=0.6)


@given(hnp.arrays(np.float32, (2, 3, 4, 5), elements=st.floats(-20, 20, width=32)))
def test_certainty_is_the_mean_distance_from_undecided_inside_the_mask(logits: np.ndarray) -> None:
    certainty = mask_certainty(logits)
    probability = 1 / (1 + np.exp(-logits.astype(np.float64)))
    for frame in range(2):
        for query in range(3):
            inside = logits[frame, query] > 0
            expected = np.abs(2 * probability[frame, query][inside] - 1).mean() if inside.any() else 0.0
            assert certainty[frame, query] == pytest.approx(expected, abs=1e-5)


def test_sigmoid_does_not_overflow() -> None:
    values = sigmoid(np.array([-1e4, -1.0, 0.0, 1.0, 1e4], dtype=np.float32))
    assert values == pytest.approx([0.0, 0.26894142, 0.5, 0.73105858, 1.0])
