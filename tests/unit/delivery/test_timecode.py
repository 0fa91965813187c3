"""Timecode: drop frame against counting one frame after the other, and texts that are none."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rvos_core.delivery.timecode import Timecode
from rvos_core.errors import UserError

NTSC, NTSC_60 = Fraction(30000, 1001), Fraction(60000, 1001)


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(25), Fraction(24000, 1001), NTSC, NTSC_60, Fraction(50)])
@pytest.mark.parametrize("mark", [":", ";"])
def test_text_there_and_back(rate: Fraction, mark: str) -> None:
    code = Timecode.parse(f"10:59:59{mark}23", rate)
    assert code is not None
    assert str(code) == f"10:59:59{';' if code.drop else ':'}23"
    assert code.drop == (mark == ";" and rate in (NTSC, NTSC_60))


@pytest.mark.parametrize("rate", [NTSC, NTSC_60])
def test_drop_frame_leaves_out_the_first_numbers_of_most_minutes(rate: Fraction) -> None:
    base, dropped = round(rate), round(rate) // 15
    shown = [str(Timecode(frame, base, drop=True)) for frame in range(0, 60 * base * 12)]
    counted = [
        f"{0:02d}:{minute:02d}:{second:02d};{frame:02d}"
        for minute in range(13)
        for second in range(60)
        for frame in range(base)
        if not (minute % 10 and second == 0 and frame < dropped)
    ]
    assert shown == counted[: len(shown)]
    assert all(Timecode.parse(text, rate) == Timecode(n, base, True) for n, text in list(enumerate(shown))[::97])


def test_the_clock_begins_anew_after_a_day() -> None:
    last = Timecode.parse("23:59:59:24", Fraction(25))
    assert last is not None
    assert str(last.plus(1)) == "00:00:00:00"
    dropping = Timecode.parse("23:59:59;29", NTSC)
    assert dropping is not None
    assert str(dropping.plus(1)) == "00:00:00;00"
    assert dropping.plus(1).plus(-1) == dropping


@pytest.mark.parametrize("text", ["", "1:2:3", "24:00:00:00", "00:60:00:00", "00:00:00:25", "a:b:c:d", "00:00:00"])
def test_what_is_no_timecode(text: str) -> None:
    assert Timecode.parse(text, Fraction(25)) is None


CLOCKS = [
    *((Fraction(rate), False) for rate in (24, 25, 30, 50, 60)),
    *((Fraction(base * 1000, 1001), False) for base in (24, 30, 60)),
    (NTSC, True),
    (NTSC_60, True),
]


@pytest.mark.parametrize(("rate", "drop"), CLOCKS)
@given(frame=st.integers(0, 3 * 24 * 3600 * 60))
@settings(max_examples=60, deadline=None)
def test_every_frame_of_days_comes_back(rate: Fraction, drop: bool, frame: int) -> None:
    code = Timecode.at(frame, rate, drop=drop)
    assert Timecode.read(str(code), rate) == code
    assert code.frame == frame % code.day
    assert str(code.plus(1).plus(-1)) == str(code)


@pytest.mark.parametrize(("rate", "drop"), CLOCKS)
@given(frame=st.integers(0, 24 * 3600 * 24 - 1))
@settings(max_examples=60, deadline=None)
def test_later_frames_have_later_texts(rate: Fraction, drop: bool, frame: int) -> None:
    code = Timecode.at(frame, rate, drop=drop)
    if code.frame + 1 < code.day:
        assert str(code.plus(1)) > str(code)


@pytest.mark.parametrize(("rate", "drop"), [clock for clock in CLOCKS if clock[1]])
def test_drop_frame_keeps_real_time_over_a_day(rate: Fraction, drop: bool) -> None:
    day = Timecode.at(0, rate, drop=drop).day
    assert abs(day / rate - 24 * 3600) < Fraction(1, 10)
    for hour in range(24):
        code = Timecode.read(f"{hour:02d}:00:00;00", rate)
        assert abs(code.frame / rate - hour * 3600) < Fraction(1, 10)


@pytest.mark.parametrize(
    ("text", "rate", "said"),
    [
        ("soon", 25, "form"),
        ("24:00:00:00", 25, "hour 24"),
        ("00:60:00:00", 25, "minute 60"),
        ("00:00:60:00", 25, "second 60"),
        ("00:00:00:25", 25, "frame 25"),
        ("00:00:00:24", Fraction(24000, 1001), "frame 24"),
        ("00:00:00;00", 25, "drop frame"),
        ("00:01:00;00", NTSC, "leaves out the frames 0 to 1"),
        ("00:09:00;03", NTSC_60, "leaves out the frames 0 to 3"),
    ],
)
def test_an_error_says_what_is_wrong(text: str, rate: Fraction | int, said: str) -> None:
    with pytest.raises(UserError, match=said) as raised:
        Timecode.read(text, Fraction(rate))
    assert text in raised.value.message and raised.value.hint


def test_there_is_no_drop_frame_at_24() -> None:
    with pytest.raises(UserError, match="no drop frame"):
        Timecode.at(0, Fraction(24), drop=True)
