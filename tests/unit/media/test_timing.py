"""Time stamps: repaired ones always increase, good ones are never touched, rates are what the distances say."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvos_core.media.timing import is_increasing, is_variable, nominal_rate, repair_times

TIMES = st.lists(st.one_of(st.none(), st.integers(-(2**62), 2**62)), min_size=1, max_size=40)


@given(pts=TIMES, data=st.data(), step=st.integers(1, 5000))
def test_repaired_times_increase_and_keep_their_number(pts: list[int | None], data: st.DataObject, step: int) -> None:
    dts = data.draw(st.lists(st.one_of(st.none(), st.integers(-100, 100)), min_size=len(pts), max_size=len(pts)))
    repaired = repair_times(pts, dts, step=step)
    assert len(repaired) == len(pts)
    assert is_increasing(repaired)


@given(st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=40, unique=True).map(sorted))
def test_increasing_times_are_kept(pts: list[int]) -> None:
    assert repair_times(pts, [None] * len(pts), step=1) == tuple(pts)


def test_packed_b_frames_take_the_decoding_times() -> None:
    assert repair_times([1, 2, 4, 3, 5], [1, 2, 3, 4, None], step=1) == (1, 2, 3, 4, 5)


def test_missing_and_double_times_move_only_themselves() -> None:
    none = [None] * 5
    assert repair_times([0, None, 200, 300, 400], none, step=100) == (0, 100, 200, 300, 400)
    assert repair_times([0, 100, 100, 300, 400], none, step=100) == (0, 100, 101, 300, 400)


def test_a_clock_that_starts_again_goes_on() -> None:
    pts = [90000, 93600, 97200, 0, 3600, 7200]
    assert repair_times(pts, [None] * 6, step=3600)[-1] == 90000 + 5 * 3600 - 0
    assert repair_times([2**33 - 3600, 0, 3600], [None] * 3, step=3600) == (2**33 - 3600, 2**33, 2**33 + 3600)


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)])
def test_rate_survives_millisecond_stamps(rate: Fraction) -> None:
    tick = Fraction(1, 1000)
    times = [round(i / rate / tick) for i in range(200)]
    assert nominal_rate(times, tick, [rate]) == (rate, False)
    found, is_assumed = nominal_rate(times, tick, [None, Fraction(1000)])
    assert abs(found - rate) / rate < Fraction(1, 500)
    assert not is_assumed
    assert not is_variable(times, tick, rate)


def test_rate_is_assumed_only_where_nothing_says_it() -> None:
    assert nominal_rate([7], Fraction(1, 90000), [Fraction(50)]) == (Fraction(50), False)
    assert nominal_rate([7], Fraction(1, 90000), [None, Fraction(10**6)]) == (Fraction(25), True)
    assert nominal_rate([0, 1], Fraction(1, 10**6), []) == (Fraction(25), True)


def test_variable_rate_is_seen() -> None:
    tick = Fraction(1, 1000)
    assert is_variable([0, 40, 80, 200, 240], tick, Fraction(25))
    assert is_variable([i * 40 for i in range(100)], tick, Fraction(24))  # the claim drifts away
    assert not is_variable([5], tick, Fraction(25))


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=50, unique=True).map(sorted), st.integers(1, 90000))
def test_rate_is_always_usable(times: list[int], ticks: int) -> None:
    rate, _ = nominal_rate(times, Fraction(1, ticks), [Fraction(0), Fraction(-1), None])
    assert 0 < rate <= 1000
    assert all(b > a for a, b in pairwise(times))
