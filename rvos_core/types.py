"""Values that every part of the core shares. Plain frozen data; no torch, no Qt."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from rvos_core.errors import Cancelled


@dataclass(frozen=True)
class FrameSpan:
    """Frames `start <= index < stop` of one clip (half open)."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if self.start < 0 or self.stop < self.start:
            raise ValueError(f"not a frame span: {self.start}..{self.stop}")

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, self.stop))

    def __contains__(self, index: object) -> bool:
        return isinstance(index, int) and self.start <= index < self.stop


@dataclass(frozen=True)
class MediaInfo:
    """What a clip is, in display geometry (rotation and pixel aspect already applied).

    `pts` of frame i is `pts[i] * time_base` seconds; `frame_index` is a row of that table and never `round(t * rate)`.
    """

    path: Path
    kind: str  # "video" or "images"
    width: int
    height: int
    frame_count: int
    rate: Fraction  # nominal frames per second
    rate_is_assumed: bool
    is_variable_rate: bool
    pts: tuple[int, ...]
    time_base: Fraction
    codec: str
    pixel_format: str
    coded_width: int
    coded_height: int
    rotation_deg: int  # clockwise turn that display applies: 0, 90, 180, 270
    sample_aspect: Fraction
    has_audio: bool
    damaged: tuple[FrameSpan, ...] = ()
    warnings: tuple[str, ...] = ()
    timecode: str = ""  # of the first frame, as the file has it; empty: it has none

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame to the end of the last one."""
        return float(self.time_s(self.frame_count - 1) + 1 / self.rate) if self.frame_count else 0.0

    def time_s(self, index: int) -> Fraction:
        """Seconds from the first frame to frame `index`, exact."""
        return (self.pts[index] - self.pts[0]) * self.time_base


class CancelToken:
    """A flag a person's Cancel sets and a job checks between windows; safe over threads."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the job to stop at its next check."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def raise_if_cancelled(self) -> None:
        """Raises: Cancelled: once `cancel()` was called."""
        if self._event.is_set():
            raise Cancelled("cancelled")
