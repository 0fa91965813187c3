"""Frame numbers as people read them: HH:MM:SS:FF."""

from __future__ import annotations

import math
from bisect import bisect_left

from rvos_core.types import MediaInfo


def nominal_rate(info: MediaInfo) -> int:
    """Frames that one second of timecode counts: 24 for 23.976."""
    return max(1, round(info.rate))


def timecode(info: MediaInfo, index: int) -> str:
    """HH:MM:SS:FF of frame `index`, counted from the clip's first frame.

    At a constant rate this is non-drop timecode: frames counted at the nominal rate. At a variable rate the seconds are
    those of the frame's time stamp and FF is its place among the frames of that second.
    """
    if info.is_variable_rate and len(info.pts) == info.frame_count:
        seconds = math.floor(info.time_s(index))
        first_of_second = bisect_left(info.pts, info.pts[0] + seconds / info.time_base)
        frame = index - first_of_second
    else:
        seconds, frame = divmod(index, nominal_rate(info))
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}:{frame:02d}"
