"""What the windows say of the whole span."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvos_core.inference.consensus import Presence, span_consensus
from rvos_core.types import FrameSpan

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(PROBABILITIES)
def test_the_span_is_as_sure_as_its_surer_half_on_average(windows: list[float]) -> None:
    value = span_consensus(windows)
    median = float(np.median(windows))
    assert min(median, max(windows)) - 1e-9 <= value <= max(windows) + 1e-9
    assert value == pytest.approx(span_consensus(windows[::-1]))


@given(PROBABILITIES, st.integers(0, 29), st.floats(0, 1))
def test_more_evidence_never_lowers_the_answer(windows: list[float], at: int, raised: float) -> None:
    at %= len(windows)
    more = [max(value, raised) if index == at else value for index, value in enumerate(windows)]
    assert span_consensus(more) >= span_consensus(windows) - 1e-12


def test_one_window_in_many_does_not_invent_an_object_and_half_of_them_keep_one() -> None:
    assert span_consensus([0.9] + [0.05] * 9) < 0.5
    assert span_consensus([0.9] * 5 + [0.0] * 5) == pytest.approx(0.9)
    assert span_consensus([0.4]) == 0.4


def test_a_frame_hears_all_windows_that_saw_it() -> None:
    presence = Presence(FrameSpan(10, 20), threshold=0.5)
    presence.hear(FrameSpan(10, 16), 0.9)
    presence.hear(FrameSpan(14, 20), 0.3)
    assert presence.in_windows(slice(0, 10)).tolist() == [True] * 6 + [False] * 4
    assert presence.probability == pytest.approx(0.9) and not presence.absent


def test_without_a_threshold_everything_is_there() -> None:
    presence = Presence(FrameSpan(0, 4), threshold=None)
    assert presence.probability is None and not presence.absent
    presence.hear(FrameSpan(0, 4), 0.01)
    assert not presence.absent and presence.in_windows(slice(0, 4)).all()
