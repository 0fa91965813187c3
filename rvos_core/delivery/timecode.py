"""Timecode: frame numbers as editing programs write them, hours, minutes, seconds and frames; drop frame included."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from rvos_core.errors import UserError

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
        """Read a file's tag, `HH:MM:SS:FF` (`;` before FF: drop frame where the rate has one); None: it is none."""
        try:
            return cls._read(text, rate, lenient=True)
        except UserError:
            return None

    @classmethod
    def read(cls, text: str, rate: Fraction) -> Timecode:
        """Read what a person typed, `HH:MM:SS:FF`, or with `;` before FF for drop frame.

        Raises:
            UserError: it is no timecode at this rate; says which part is wrong.
        """
        return cls._read(text, rate, lenient=False)

    @classmethod
    def at(cls, frame: int, rate: Fraction, *, drop: bool = False) -> Timecode:
        """The place of a frame number, 0 at 00:00:00:00; days are wrapped.

        Raises:
            UserError: drop frame at a rate that has none.
        """
        if drop and not has_drop_frame(rate):
            raise _refused(f"frame {frame}", f"there is no drop frame at {_shown(rate)} frames/s")
        return cls(0, clock_base(rate), drop).plus(frame)

    @property
    def day(self) -> int:
        """Frames of 24 hours of this clock."""
        day = _MINUTES_A_DAY * 60 * self.base
        if self.drop:
            day -= _dropped_a_minute(self.base) * (_MINUTES_A_DAY - _MINUTES_A_DAY // 10)
        return day

    @classmethod
    def _read(cls, text: str, rate: Fraction, *, lenient: bool) -> Timecode:
        found = _PATTERN.fullmatch(text.strip())
        base = clock_base(rate)
        if found is None:
            raise _refused(text, "it does not have the form HH:MM:SS:FF, or HH:MM:SS;FF in drop frame")
        hours, minutes, seconds, frames = (int(found[group]) for group in (1, 2, 3, 5))
        for name, value, count in (
            ("hour", hours, 24),
            ("minute", minutes, 60),
            ("second", seconds, 60),
            ("frame", frames, base),
        ):
            if value >= count:
                raise _refused(text, f"{name} {value} is beyond {count - 1} (at {_shown(rate)} frames/s)")
        drop = found[4] != ":" and has_drop_frame(rate)
        if found[4] != ":" and not drop and not lenient:
            raise _refused(text, f"“{found[4]}” means drop frame, which {_shown(rate)} frames/s does not have")
        dropped = _dropped_a_minute(base) if drop else 0
        if minutes % 10 and seconds == 0 and frames < dropped:
            raise _refused(text, f"drop frame leaves out the frames 0 to {dropped - 1} of this minute")
        total_minutes = 60 * hours + minutes
        frame = (total_minutes * 60 + seconds) * base + frames
        return cls(frame - dropped * (total_minutes - total_minutes // 10), base, drop)

    def plus(self, frames: int) -> Timecode:
        """The place `frames` later (earlier where negative); the clock begins anew after a day."""
        return Timecode((self.frame + frames) % self.day, self.base, self.drop)

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


def _shown(rate: Fraction) -> str:
    return f"{float(rate):.6g}"


def _refused(text: str, why: str) -> UserError:
    return UserError(
        f"“{text}” is not a timecode: {why}.",
        hint="Write it like 01:00:00:00, or 01:00:00;00 in drop frame (29.97 and 59.94 only).",
        code="delivery.timecode",
    )
