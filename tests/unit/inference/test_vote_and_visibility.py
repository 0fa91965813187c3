"""The vote over a span, hysteresis of visibility, certainty of masks."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rvos_core.inference.visibility import Hysteresis, mask_certainty, sigmoid
from rvos_core.inference.vote import SpanVote, mask_likeness

PROBABILITIES = hnp.arrays(np.float32, st.tuples(st.integers(1, 30), st.just(4)), elements=st.floats(0, 1, width=32))


def apart(frames: int, tracks: int) -> np.ndarray:
    """Likeness (t, q, q) of masks that never meet."""
    return np.zeros((frames, tracks, tracks), dtype=np.float32)


def vote_of(probability: np.ndarray, likeness: np.ndarray) -> SpanVote:
    vote = SpanVote(probability.shape[1], frames=len(probability))
    vote.add(probability, likeness)
    return vote


@given(st.integers(1, 11), st.integers(0, 2**32 - 1))
def test_tracks_that_never_meet_are_voted_by_their_mean_as_in_the_papers(frames: int, seed: int) -> None:
    probability = np.random.default_rng(seed).random((frames, 4))  # too short for a jump to pay
    path = vote_of(probability, apart(frames, 4)).path()
    assert path.tolist() == [int(probability.mean(axis=0).argmax())] * frames


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_the_path_is_the_best_of_all_paths(frames: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    probability, likeness = 10 * rng.random((frames, 3)), rng.random((frames, 3, 3)).astype(np.float32)

    def worth(path: tuple[int, ...]) -> float:
        gains = sum(probability[row, track] for row, track in enumerate(path))
        changes = [(row, a, b) for row, (a, b) in enumerate(pairwise(path), start=1) if a != b]
        return float(gains - sum(0.5 + 12.0 * (1.0 - likeness[row, a, b]) for row, a, b in changes))

    found = tuple(vote_of(probability, likeness).path().tolist())
    assert worth(found) == pytest.approx(max(worth(path) for path in product(range(3), repeat=frames)))


def test_the_path_changes_tracks_where_their_masks_agree() -> None:
    probability = np.array([[0.9, 0.1]] * 20 + [[0.1, 0.9]] * 20)
    likeness = apart(40, 2)
    assert len(set(vote_of(probability, likeness).path().tolist())) == 2  # 16 frames of gain pay for a jump
    short = np.concatenate([probability[:20], probability[20:30]])
    assert set(vote_of(short, likeness[:30]).path().tolist()) == {0}
    likeness[18] = 0.9
    assert vote_of(short, likeness[:30]).path().tolist() == [0] * 18 + [1] * 12


def test_a_scene_cut_makes_a_change_free() -> None:
    vote = SpanVote(2, frames=6)
    vote.add(np.array([[0.9, 0.1]] * 3), apart(3, 2))
    vote.begin_shot()
    vote.add(np.array([[0.1, 0.6]] * 3), apart(3, 2))
    assert vote.path().tolist() == [0, 0, 0, 1, 1, 1]


@given(PROBABILITIES, st.integers(0, 30), st.integers(0, 2**32 - 1))
def test_counting_in_parts_and_peeking_change_nothing(probability: np.ndarray, split: int, seed: int) -> None:
    likeness = np.random.default_rng(seed).random((len(probability), 4, 4)).astype(np.float32)
    whole = vote_of(probability, likeness).path()
    parts = SpanVote(4, frames=len(probability))
    parts.add(probability[:split], likeness[:split])
    assert parts.peek(probability[split:], likeness[split:]).tolist() == whole[split:].tolist()
    parts.add(probability[split:], likeness[split:])
    assert parts.path().tolist() == whole.tolist() and parts.frames == len(probability)


def test_likeness_is_the_iou_of_every_two_masks() -> None:
    masks = np.zeros((1, 3, 4, 8), dtype=bool)
    masks[0, 0, :, :4] = masks[0, 1, :, 2:6] = True
    expected = [[1, 8 / 24, 0], [8 / 24, 1, 0], [0, 0, 0]]
    assert mask_likeness(masks)[0] == pytest.approx(np.array(expected))


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
