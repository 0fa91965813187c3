"""When a span's frames are shown in a new file: at the source's own times, or evenly where those cannot be kept."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from rvos_core.types import FrameSpan, MediaInfo

_MAX_TICKS = 2**31 - 1  # a sample's duration, and MP4's time scale, have 31 bits
_LONGEST_STRETCH = 20  # times the nominal duration; beyond it the timestamps are broken, not variable


@dataclass(frozen=True)
class FrameTimes:
    """Presentation times of a span's frames, the first at 0.

    Attributes:
        pts: one a frame, strictly increasing, in `time_base` seconds.
        durations: of each frame, same unit.
        time_base: seconds per tick.
        rate: nominal frames per second.
        kept: whether these are the source's times; False: an even rate replaces them.
    """

    pts: tuple[int, ...]
    durations: tuple[int, ...]
    time_base: Fraction
    rate: Fraction
    kept: bool


def frame_times(info: MediaInfo, span: FrameSpan) -> FrameTimes:
    """Times of the frames of `span` (not empty) of a clip; variable rates are kept tick for tick."""
    base = info.pts[span.start]
    pts = [value - base for value in info.pts[span.start : span.stop]]
    nominal = max(1, round(1 / (info.rate * info.time_base)))
    end = info.pts[span.stop] - base if span.stop < len(info.pts) else pts[-1] + nominal
    if end <= pts[-1]:
        end = pts[-1] + nominal
    durations = [after - before for before, after in zip(pts, [*pts[1:], end], strict=True)]
    if min(durations) > 0 and end < nominal * len(pts) * _LONGEST_STRETCH and _fits_mp4(durations, info.time_base):
        return FrameTimes(tuple(pts), tuple(durations), info.time_base, info.rate, kept=True)
    even = tuple(range(len(pts)))
    return FrameTimes(even, (1,) * len(even), 1 / info.rate, info.rate, kept=False)


def _fits_mp4(durations: list[int], time_base: Fraction) -> bool:
    return time_base.denominator <= _MAX_TICKS and max(durations) * time_base.numerator <= _MAX_TICKS
