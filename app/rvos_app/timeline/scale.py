"""Where frames lie on the timeline's x axis. Plain arithmetic, no Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from rvos_core.types import FrameSpan

_CLOSEST_PX = 64.0  # a frame is never drawn wider than this, unless the whole clip fits so
_SMALL_STEPS = (1, 2, 5, 10)
_SECOND_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000, 36000)


@dataclass(frozen=True)
class TimeScale:
    """A view on `frame_count` frames, each `frame_px` wide; content pixel `offset_px` is at the view's left edge.

    Frame `i` covers x in [i * frame_px - offset_px, (i + 1) * frame_px - offset_px).
    """

    frame_count: int
    width_px: int
    frame_px: float
    offset_px: int = 0

    @classmethod
    def fitted(cls, frame_count: int, width_px: int) -> TimeScale:
        """All frames across the whole width."""
        return cls(frame_count, max(width_px, 1), max(width_px, 1) / max(frame_count, 1))

    @property
    def content_px(self) -> int:
        """Width of all frames."""
        return math.ceil(self.frame_count * self.frame_px)

    @property
    def max_offset_px(self) -> int:
        return max(0, self.content_px - self.width_px)

    @property
    def fits(self) -> bool:
        """True where all frames are in view."""
        return self.frame_count * self.frame_px <= self.width_px + 0.5

    @property
    def visible(self) -> FrameSpan:
        """Frames that are in view, wholly or in part."""
        if self.frame_count == 0:
            return FrameSpan(0, 0)
        first = math.floor(self.offset_px / self.frame_px)
        stop = math.ceil((self.offset_px + self.width_px) / self.frame_px)
        return FrameSpan(min(first, self.frame_count), min(max(stop, first), self.frame_count))

    def x_of(self, frame_index: float) -> float:
        """Left edge of a frame, in view pixels."""
        return frame_index * self.frame_px - self.offset_px

    def frame_at(self, x: float) -> int:
        """The frame under `x`, clamped to the clip."""
        return min(max(math.floor((x + self.offset_px) / self.frame_px), 0), max(self.frame_count - 1, 0))

    def edge_at(self, x: float) -> int:
        """The boundary between two frames nearest to `x`: 0..frame_count."""
        return min(max(round((x + self.offset_px) / self.frame_px), 0), self.frame_count)

    def scrolled_to(self, offset_px: float) -> TimeScale:
        return replace(self, offset_px=min(max(round(offset_px), 0), self.max_offset_px))

    def zoomed(self, factor: float, anchor_x: float) -> TimeScale:
        """Wider (factor > 1) or narrower frames; the moment under `anchor_x` stays there."""
        whole = self.width_px / max(self.frame_count, 1)
        frame_px = min(max(self.frame_px * factor, whole), max(_CLOSEST_PX, whole))
        moment = (anchor_x + self.offset_px) / self.frame_px
        return replace(self, frame_px=frame_px).scrolled_to(moment * frame_px - anchor_x)

    def resized(self, width_px: int) -> TimeScale:
        """The same view in another width; one that showed everything still does."""
        if self.fits:
            return TimeScale.fitted(self.frame_count, width_px)
        whole = width_px / max(self.frame_count, 1)
        wider = replace(self, width_px=max(width_px, 1), frame_px=max(self.frame_px, whole))
        return wider.scrolled_to(self.offset_px)

    def column_edges(self, columns: int) -> np.ndarray:
        """First frame of each of `columns` equal parts of the view, and one more edge.

        Returns: (columns + 1,) int64, not falling, within 0..frame_count.
        """
        x = np.arange(columns + 1) * (self.width_px / columns) + self.offset_px
        frames = np.floor(x / self.frame_px + 1e-9).astype(np.int64)
        return np.asarray(np.clip(frames, 0, self.frame_count))


def tick_step(frame_px: float, rate: int, *, room_px: float) -> int:
    """Frames between labelled ticks: the smallest round step that leaves `room_px` for a label."""
    ladder = [step for step in _SMALL_STEPS if step < rate] + [seconds * rate for seconds in _SECOND_STEPS]
    for step in ladder:
        if step * frame_px >= room_px:
            return step
    days = math.ceil(room_px / (frame_px * ladder[-1]))
    return ladder[-1] * days


def minor_step(step: int, frame_px: float, rate: int) -> int:
    """Frames between the small ticks inside one labelled step: the finest that stays 6 px apart."""
    for parts in (10, 5, 4, 2):
        if step % parts == 0 and step // parts * frame_px >= 6:
            return step // parts
    if step == rate and frame_px >= 6:
        return 1
    return step
