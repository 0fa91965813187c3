"""Which source frame an output frame shows, against looking at every moment of the film."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers_delivery import picture_clip
from rvos_core.delivery.timing import frame_map
from rvos_core.types import FrameSpan, MediaInfo

MakeInfo = Callable[..., MediaInfo]
RATES = [Fraction(24), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001), Fraction(12)]


def varying(tmp_path, steps: list[int]) -> MediaInfo:
    pts = tuple(sum(steps[:n]) for n in range(len(steps)))
    times = {"pts": pts, "time_base": Fraction(1, 1000), "rate": Fraction(25), "is_variable_rate": True}
    return picture_clip(tmp_path, frames=len(steps), **times)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(5, 200), min_size=2, max_size=25), st.sampled_from(RATES))
def test_a_constant_rate_shows_what_is_on_screen_in_the_middle(
    tmp_path_factory, steps: list[int], rate: Fraction
) -> None:
    info = varying(tmp_path_factory.getbasetemp(), steps)
    found = frame_map(info, FrameSpan(0, len(steps)), rate=rate)
    ends = [Fraction(pts, 1000) for pts in info.pts[1:]]
    for index, source in enumerate(found.sources):
        middle = (index + Fraction(1, 2)) / rate
        assert source == sum(end <= middle for end in ends)
    assert set(found.dropped) == set(range(len(steps))) - set(found.sources)
    assert set(found.duplicated) == {s for s in found.sources if found.sources.count(s) > 1}
    assert found.times.is_even and found.times.rate == rate


def test_jitter_below_half_a_frame_moves_nothing(tmp_path) -> None:
    info = varying(tmp_path, [38, 55, 25, 42, 50, 30, 40])
    found = frame_map(info, FrameSpan(0, 7), constant=True)
    assert found.sources == tuple(range(7))
    assert found.is_one_to_one


@pytest.mark.parametrize("rate", RATES)
def test_an_even_source_stays_frame_by_frame_at_its_exact_rate(tmp_path, rate: Fraction) -> None:
    ticks = tuple(round(n / rate * 1000) for n in range(50))  # as Matroska has them
    info = picture_clip(tmp_path, frames=50, rate=rate, pts=ticks, time_base=Fraction(1, 1000))
    found = frame_map(info, FrameSpan(3, 40))
    assert found.sources == tuple(range(3, 40))
    assert found.times.time_base == 1 / rate
    assert found.times.pts == tuple(range(37))


def test_twice_the_rate_shows_each_frame_twice(tmp_path) -> None:
    found = frame_map(picture_clip(tmp_path, frames=4), FrameSpan(0, 4), rate=Fraction(48))
    assert found.sources == (0, 0, 1, 1, 2, 2, 3, 3)
    assert found.duplicated == (0, 1, 2, 3)
    with pytest.raises(ValueError, match="frames per second"):
        frame_map(picture_clip(tmp_path, frames=4), FrameSpan(0, 4), rate=Fraction(0))
