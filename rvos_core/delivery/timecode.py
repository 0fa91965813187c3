"""Timecode: frame numbers as editing programs write them, hours, minutes, seconds and frames; drop frame included."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

_PATTERN = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})([:;.])(\d{2,3})")
_MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True)
class Timecode:
    """A place on a clock that counts frames.

    Attributes:
        frame: frames since 00:00:00:00.
        base: frames in a second of the clock: 24 for 23.976.
        drop: numbers are left out (two or four a minute, but not every tenth minute), so that the clock keeps real
            time at 29.97 and 59.94.
    """

    frame: int
    base: int
    drop: bool = False

    @classmethod
    def parse(cls, text: str, rate: Fraction) -> Timecode | None:
        """Read `HH:MM:SS:FF` (`;` before FF: drop frame) at `rate` frames per second; None where it is not one."""
        found = _PATTERN.fullmatch(text.strip())
        base = clock_base(rate)
        if found is None:
            return None
        hours, minutes, seconds, frames = (int(found[group]) for group in (1, 2, 3, 5))
        if hours > 23 or minutes > 59 or seconds > 59 or frames >= base:
            return None
        drop = found[4] != ":" and has_drop_frame(rate)
        total_minutes = 60 * hours + minutes
        frame = (total_minutes * 60 + seconds) * base + frames
        if drop:
            frame -= _dropped_a_minute(base) * (total_minutes - total_minutes // 10)
        return cls(frame, base, drop)

    def plus(self, frames: int) -> Timecode:
        """The place `frames` later (earlier where negative); the clock begins anew after a day."""
        day = _MINUTES_A_DAY * 60 * self.base
        if self.drop:
            day -= _dropped_a_minute(self.base) * (_MINUTES_A_DAY - _MINUTES_A_DAY // 10)
        return Timecode((self.frame + frames) % day, self.base, self.drop)

    def __str__(self) -> str:
        frame = self.frame
        if self.drop:
            dropped = _dropped_a_minute(self.base)
            minute, ten_minutes = 60 * self.base - dropped, 600 * self.base - 9 * dropped
            tens, rest = divmod(frame, ten_minutes)
            frame += 9 * dropped * tens
            if rest >= 60 * self.base:
                frame += dropped * (1 + (rest - 60 * self.base) // minute)
        seconds, frames = divmod(frame, self.base)
        mark = ";" if self.drop else ":"
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{mark}{frames:02d}"


def clock_base(rate: Fraction) -> int:
    """Frames in a second of the clock that counts `rate` frames per second."""
    return max(1, round(rate))


def has_drop_frame(rate: Fraction) -> bool:
    """Whether there is a drop-frame form of this rate: 29.97 and its multiples."""
    return rate.denominator == 1001 and clock_base(rate) % 30 == 0


def _dropped_a_minute(base: int) -> int:
    return base // 15
