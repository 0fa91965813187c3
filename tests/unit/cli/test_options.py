"""Options that are more than a number."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvos_core.cli.options import Format, read_formats, read_rate, read_window
from rvos_core.errors import UsageError


@given(st.integers(min_value=1, max_value=10**6))
def test_a_window_is_a_number_of_frames(frames: int):
    assert read_window(str(frames)) == frames


def test_a_window_of_all_is_the_span_and_none_is_the_cards():
    assert read_window("all") == read_window(" ALL ") == 0
    assert read_window(None) is None


@pytest.mark.parametrize("text", ["0", "-3", "3.5", "", "many"])
def test_a_window_of_something_else_is_refused(text: str):
    with pytest.raises(UsageError, match="--window"):
        read_window(text)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("24", Fraction(24)),
        ("30000/1001", Fraction(30000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        ("12.5", Fraction(25, 2)),
        ("0.5", Fraction(1, 2)),
    ],
)
def test_a_rate_is_exact(text: str, rate: Fraction):
    assert read_rate(text) == rate


@given(st.integers(min_value=1, max_value=1000))
def test_a_whole_rate_stays_what_it_is(frames: int):
    assert read_rate(str(frames)) == frames


@pytest.mark.parametrize("text", ["0", "-24", "1/0", "fast", "nan", "inf", "1e9"])
def test_a_rate_of_something_else_is_refused(text: str):
    with pytest.raises(UsageError, match="--fps"):
        read_rate(text)


def test_formats_may_be_repeated_or_listed_and_masks_are_always_written():
    assert read_formats(None) == {Format.PNG}
    assert read_formats(["overlay", "davis"]) == read_formats(["overlay, davis"]) == set(Format)
    with pytest.raises(UsageError, match="gif"):
        read_formats(["gif"])
