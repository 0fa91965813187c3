"""Time in playback: when each frame is due, and what time it is."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from rvos_core.types import MediaInfo

_SLACK_S = 1e-6  # far below any frame's duration; a clock that stands exactly on a frame's time must show that frame


class FrameTimes:
    """The clip's time stamps in seconds from its first frame. Nothing is computed from a rate, which may vary."""

    def __init__(self, info: MediaInfo) -> None:
        pts = np.asarray(info.pts, np.float64)
        self._starts = (pts - pts[0]) * float(info.time_base)
        self._end = max(info.duration_s, float(self._starts[-1]))

    def __len__(self) -> int:
        return len(self._starts)

    def start(self, index: int) -> float:
        """When frame `index` appears."""
        return float(self._starts[index])

    def end(self, index: int) -> float:
        """When frame `index` gives way to the next one."""
        return float(self._starts[index + 1]) if index + 1 < len(self._starts) else self._end

    def index_at(self, seconds: float) -> int:
        """The frame on screen at a time: the last one whose time stamp is not later; the first one before the start."""
        return max(int(np.searchsorted(self._starts, seconds + _SLACK_S, side="right")) - 1, 0)


class PlaybackClock:
    """Media seconds that run with the monotonic clock at a rate, negative for backwards."""

    def __init__(self, real_time: Callable[[], float] = time.monotonic) -> None:
        self._real_time = real_time
        self._media_s = 0.0
        self._real_s = real_time()
        self._rate = 0.0

    def run(self, media_s: float, *, rate: float) -> None:
        """Says that it is `media_s` now and that time passes at `rate`; 0 stands still."""
        self._media_s, self._real_s, self._rate = media_s, self._real_time(), rate

    def now(self) -> float:
        return self._media_s + (self._real_time() - self._real_s) * self._rate
