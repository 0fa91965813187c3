"""Which frame is due when: against the plain definition."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvos_app.playback.clock import FrameTimes, PlaybackClock
from rvos_core.types import MediaInfo


def _times(pts: list[int], time_base: Fraction = Fraction(1, 1000)) -> tuple[FrameTimes, MediaInfo]:
    info = MediaInfo(
        path=Path("clip.mkv"),
        kind="video",
        width=16,
        height=16,
        frame_count=len(pts),
        rate=Fraction(25),
        rate_is_assumed=False,
        is_variable_rate=True,
        pts=tuple(pts),
        time_base=time_base,
        codec="",
        pixel_format="",
        coded_width=16,
        coded_height=16,
        rotation_deg=0,
        sample_aspect=Fraction(1),
        has_audio=False,
    )
    return FrameTimes(info), info


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=60), st.integers(-(2**40), 2**40), st.floats(-1, 400))
def test_the_frame_on_screen_is_the_last_whose_time_has_come(gaps: list[int], first: int, seconds: float) -> None:
    pts = [first]
    for gap in gaps:
        pts.append(pts[-1] + gap)
    times, info = _times(pts)
    come = [i for i in range(len(pts)) if info.time_s(i) <= Fraction(seconds)]
    assert times.index_at(seconds) in {come[-1] if come else 0, min((come[-1] if come else 0) + 1, len(pts) - 1)}
    for index in range(len(pts)):
        assert times.index_at(times.start(index)) == index, "at its own time a frame is on screen"
        assert times.index_at(times.end(index) - 1e-5) == index, "and until the next one"


@given(st.integers(1, 10_000_000))
def test_film_rates_are_exact_at_every_length(index: int) -> None:
    times, _ = _times([1001 * i for i in (0, index, index + 1)], Fraction(1, 24000))
    assert times.index_at(index * 1001 / 24000) == 1
    assert times.index_at((index + 1) * 1001 / 24000 - 0.001) == 1


def test_a_clock_runs_at_its_rate_and_stands_at_zero() -> None:
    real = [100.0]
    clock = PlaybackClock(lambda: real[0])
    clock.run(5.0, rate=-2.0)
    real[0] += 1.5
    assert clock.now() == pytest.approx(2.0)
    clock.run(clock.now(), rate=0.0)
    real[0] += 10
    assert clock.now() == pytest.approx(2.0)
