"""Frame times of a span: the source's own to the tick, or even ones where the source's make no sense."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from rvos_core.delivery.timing import frame_times
from rvos_core.types import FrameSpan, MediaInfo

MakeInfo = Callable[..., MediaInfo]
MILLISECOND = Fraction(1, 1000)


def test_an_even_rate(make_info: MakeInfo) -> None:
    times = frame_times(make_info(frames=10, rate=Fraction(30000, 1001)), FrameSpan(2, 6))
    assert (times.pts, times.durations, times.time_base) == ((0, 1, 2, 3), (1, 1, 1, 1), Fraction(1001, 30000))
    assert times.kept


def test_a_variable_rate_and_the_next_frame_ends_the_last_one(make_info: MakeInfo) -> None:
    info = make_info(pts=(0, 40, 100, 300, 310), time_base=MILLISECOND, frames=5)
    assert frame_times(info, FrameSpan(1, 4)).durations == (60, 200, 10)
    assert frame_times(info, FrameSpan(1, 5)).durations == (60, 200, 10, 40)
    assert frame_times(info, FrameSpan(4, 5)).pts == (0,)


def test_negative_timestamps_are_as_good_as_others(make_info: MakeInfo) -> None:
    times = frame_times(make_info(pts=(-80, -40, 0), time_base=MILLISECOND, frames=3), FrameSpan(0, 3))
    assert (times.pts, times.kept) == ((0, 40, 80), True)


@pytest.mark.parametrize(
    ("pts", "time_base"),
    [
        ((0, 40, 40, 80), MILLISECOND),
        ((0, 40, 20, 80), MILLISECOND),
        ((0, 40, 80, 2**33), MILLISECOND),
        ((0, 1, 2, 3), Fraction(1, 2**40)),
    ],
)
def test_what_cannot_be_kept_becomes_even(make_info: MakeInfo, pts: tuple[int, ...], time_base: Fraction) -> None:
    times = frame_times(make_info(pts=pts, time_base=time_base, frames=4), FrameSpan(0, 4))
    assert (times.pts, times.time_base, times.kept) == ((0, 1, 2, 3), Fraction(1, 25), False)
