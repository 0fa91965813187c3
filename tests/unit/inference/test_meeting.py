"""Where two passes meet: what is kept of the first one, and how both are blended."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given as drawn
from hypothesis import strategies as st

from rvos_core.errors import UserError
from rvos_core.inference.propagation.meeting import Answer, MeetingStore, blend


def answer(
    *rows: np.ndarray, ids: tuple[int, ...] = (1,), wanted: frozenset[int] = frozenset({1}), trust: float = 0.9
) -> Answer:
    return Answer(ids, torch.from_numpy(np.stack(rows).astype(np.float32)), wanted, dict.fromkeys(ids, trust))


def some(seed: int, level: float = 0.5) -> np.ndarray:
    return np.random.default_rng(seed).random((5, 7)) * level


@pytest.mark.parametrize("budget", [1, 1 << 20])
def test_what_was_kept_comes_back_in_any_order(budget: int) -> None:
    with MeetingStore(budget_bytes=budget) as store:
        kept = {frame: answer(some(frame), some(frame + 50), ids=(3, 8), wanted=frozenset({8})) for frame in (4, 2, 9)}
        for frame, each in kept.items():
            store.put(frame, each)
        assert 2 in store
        assert 3 not in store
        for frame in (9, 4, 2):
            found = store.get(frame)
            assert (found.object_ids, found.wanted) == ((3, 8), frozenset({8}))
            assert found.trust == {3: 0.9, 8: 0.9}
            assert torch.allclose(found.probabilities, kept[frame].probabilities, atol=0.5 / 255 + 1e-6)


def test_a_full_disk_is_said_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MeetingStore()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store._file, "write", full)
    with pytest.raises(UserError, match="No space left on device") as caught:
        store.put(0, answer(some(1)))
    assert "TMPDIR" in caught.value.hint


chance = st.floats(0.05, 1.0)


@drawn(before=st.integers(1, 40), after=st.integers(1, 40), seed=st.integers(0, 99), one_way=chance, other_way=chance)
def test_the_blend_is_a_mean_by_distance_and_trust(
    before: int, after: int, seed: int, one_way: float, other_way: float
) -> None:
    one, two = some(seed, 1.0), some(seed + 1000, 1.0)
    both = blend(answer(one, trust=one_way), answer(two, trust=other_way), {1: (before, after)})
    share = one_way**4 * after**2 / (one_way**4 * after**2 + other_way**4 * before**2)
    expected = share * one + (1 - share) * two
    assert np.allclose(both.probabilities[0].numpy(), expected, atol=1e-5)
    assert both.trust[1] == pytest.approx(share * one_way + (1 - share) * other_way)
    union = ((one > 0.5) | (two > 0.5)).sum()
    assert both.agreement[1] == pytest.approx(((one > 0.5) & (two > 0.5)).sum() / union)
    mirrored = blend(answer(two, trust=other_way), answer(one, trust=one_way), {1: (after, before)})
    assert torch.allclose(mirrored.probabilities, both.probabilities, atol=1e-6), "time has no direction here"


def test_next_to_a_given_frame_the_far_side_hardly_counts() -> None:
    near, far = np.full((5, 7), 0.95), np.zeros((5, 7))
    both = blend(answer(near), answer(far), {1: (1, 20)})
    assert both.probabilities.min() > 0.94


def test_an_object_that_only_one_pass_knows_keeps_its_answer() -> None:
    first = answer(some(1, 0.3), some(2, 0.3), ids=(1, 2), wanted=frozenset({1, 2}))
    second = answer(some(3, 0.3), some(4, 0.3), ids=(1, 5), wanted=frozenset({1}))
    both = blend(first, second, {1: (2, 2)})
    rows = dict(zip(both.object_ids, both.probabilities, strict=True))
    assert set(rows) == {1, 2, 5}
    assert torch.allclose(rows[2], first.probabilities[1])
    assert both.wanted == {1, 2}
    assert set(both.agreement) == {1}


def test_objects_that_were_blended_apart_never_claim_more_than_a_cell() -> None:
    first = answer(np.full((2, 2), 0.9), np.full((2, 2), 0.1), ids=(1, 2), wanted=frozenset({1, 2}))
    second = answer(np.full((2, 2), 0.1), np.full((2, 2), 0.9), ids=(1, 2), wanted=frozenset({1, 2}))
    both = blend(first, second, {1: (1, 9), 2: (9, 1)})
    assert both.probabilities.sum(0).max() <= 1 + 1e-6


def test_where_one_pass_has_lost_it_the_other_is_believed_more() -> None:
    here, gone = np.full((5, 7), 0.9), np.zeros((5, 7))
    assert blend(answer(here), answer(gone), {1: (4, 4)}).probabilities.min() > 0.88
    assert blend(answer(gone), answer(here), {1: (4, 4)}).probabilities.min() > 0.88


def test_where_neither_sees_it_both_agree() -> None:
    both = blend(answer(np.zeros((3, 3))), answer(np.zeros((3, 3))), {1: (3, 4)})
    assert both.agreement[1] == 1.0
