"""Frame numbers as people and editing programs read them: HH:MM:SS:FF."""

from __future__ import annotations

import math
from bisect import bisect_left
from fractions import Fraction
from functools import lru_cache

from rvos_core.delivery.timecode import Timecode
from rvos_core.types import MediaInfo


def nominal_rate(info: MediaInfo) -> int:
    """Frames that one second of timecode counts: 24 for 23.976."""
    return max(1, round(info.rate))


def timecode(info: MediaInfo, index: int) -> str:
    """HH:MM:SS:FF of frame `index`: the clip's own timecode (`;` before FF: drop frame), as editing programs show it.

    Counted from 00:00:00:00 where the file has none: at a constant rate frames at the nominal rate, non-drop. At a
    variable rate the seconds are those of the frame's time stamp and FF is its place among the frames of that second.
    """
    start = _start(info.timecode, info.rate) if info.timecode and not info.is_variable_rate else None
    if start is not None:
        return str(start.plus(index))
    if info.is_variable_rate and len(info.pts) == info.frame_count:
        seconds = math.floor(info.time_s(index))
        first_of_second = bisect_left(info.pts, info.pts[0] + seconds / info.time_base)
        frame = index - first_of_second
    else:
        seconds, frame = divmod(index, nominal_rate(info))
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}:{frame:02d}"


@lru_cache(maxsize=64)
def _start(text: str, rate: Fraction) -> Timecode | None:
    return Timecode.parse(text, rate)
