"""When a span's frames are shown in a new file: at the source's own times, or evenly where those cannot be kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
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

    @property
    def is_even(self) -> bool:
        """Whether every frame has the same duration."""
        return len(set(self.durations)) == 1

    @property
    def end_s(self) -> Fraction:
        """End of the last frame, seconds."""
        return (self.pts[-1] + self.durations[-1]) * self.time_base


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
    return replace(_even(len(pts), info.rate), kept=False)


def _fits_mp4(durations: list[int], time_base: Fraction) -> bool:
    return time_base.denominator <= _MAX_TICKS and max(durations) * time_base.numerator <= _MAX_TICKS


@dataclass(frozen=True)
class FrameMap:
    """Which source frame each output frame shows, and when.

    Attributes:
        sources: source frame of every output frame, never going back.
        times: of the output frames.
        duplicated: source frames that are shown more than once.
        dropped: source frames of the span that are not shown at all.
    """

    sources: tuple[int, ...]
    times: FrameTimes
    duplicated: tuple[int, ...] = ()
    dropped: tuple[int, ...] = ()

    @property
    def is_one_to_one(self) -> bool:
        """Whether every frame of the span is there, once."""
        return not self.duplicated and not self.dropped


def frame_map(info: MediaInfo, span: FrameSpan, *, rate: Fraction | None = None, constant: bool = False) -> FrameMap:
    """How the frames of `span` (not empty) become those of a new file.

    Without `rate` and `constant` every frame of the source is one of the output: evenly at the source's rate, or, where
    that varies, at the source's own times. Else there are `rate` frames per second (the source's nominal one without
    it), each showing what is on screen in the middle of its time: jitter of less than half a frame moves nothing.

    Raises:
        ValueError: a rate that is not positive.
    """
    if rate is not None and rate <= 0:
        raise ValueError(f"{rate} frames per second")
    if not info.is_variable_rate and (rate is None or rate == info.rate):
        return FrameMap(tuple(span), _even(len(span), info.rate))
    own = frame_times(info, span)
    if (rate is None and not constant) or not own.kept:
        return FrameMap(tuple(span), own)
    wanted = rate or info.rate
    ends = [(pts + duration) * own.time_base for pts, duration in zip(own.pts, own.durations, strict=True)]
    count = max(1, round(ends[-1] * wanted))
    sources: list[int] = []
    shown = 0
    for index in range(count):
        middle_s = (index + Fraction(1, 2)) / wanted
        while shown + 1 < len(span) and ends[shown] <= middle_s:
            shown += 1
        sources.append(span.start + shown)
    times = Counter(sources)
    duplicated = tuple(source for source, number in times.items() if number > 1)
    dropped = tuple(source for source in span if source not in times)
    return FrameMap(tuple(sources), _even(count, wanted), duplicated, dropped)


def _even(count: int, rate: Fraction) -> FrameTimes:
    return FrameTimes(tuple(range(count)), (1,) * count, 1 / rate, rate, kept=True)
