"""Timecode: drop frame against counting one frame after the other, and texts that are none."""

from __future__ import annotations

from fractions import Fraction

import pytest

from rvos_core.delivery.timecode import Timecode

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
