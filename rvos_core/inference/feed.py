"""Frames in, features of windows out.

Reads each frame once, encodes it once, and lets go of it when no later window can need it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from rvos_core.errors import UserError
from rvos_core.inference.cuts import CutDetector
from rvos_core.inference.windows import WindowRule, next_window
from rvos_core.masks import guide_of
from rvos_core.models.api import FrameFeatures
from rvos_core.models.engine import Engine
from rvos_core.types import CancelToken, FrameSpan

_ENCODE_AT_ONCE = 8  # frames
_SKIPPED = 24  # frames that are rather read over than searched for


class FrameSource(Protocol):
    """The part of a `MediaReader` that a run needs."""

    def frames(self, span: FrameSpan | None = None) -> Iterator[np.ndarray]:
        """Frames of `span`, in order."""
        ...


class FrameFeed:
    """The frames of a span as windows, shot by shot.

    Where the image encoder sees one frame at a time, what it found serves every window that the frame is in; where it
    looks at several (Video-Swin), every window is encoded as a whole. All methods can be called again after they failed
    for lack of memory: nothing that was read or encoded is lost.

    A small copy of each frame, along whose edges its mask is drawn, is kept as long as the frame's features.

    Args:
        referrer: encodes the frames.
        source: gives the frames, (H, W, 3) uint8 RGB, in order.
        span: the frames of the run.
        size: short side of the network input; None: the card's.
        guides: keep those copies.
        cancel: asked before each frame.
    """

    def __init__(
        self,
        referrer: Engine,
        source: FrameSource,
        *,
        span: FrameSpan,
        size: int | None,
        guides: bool = True,
        cancel: CancelToken,
    ) -> None:
        self._referrer = referrer
        self._source = source
        self._frames: Iterator[np.ndarray] | None = None
        self._again = _Rereading(source, span)
        self._keep_guides = guides
        self._guides: dict[int, np.ndarray] = {}
        self._span = span
        self._size = size
        self._cancel = cancel
        self._detector = CutDetector()
        self._shot_start = span.start
        self._cut: int | None = None  # first frame of the next shot, once it has been read
        self._read = span.start  # frames before this one have been read
        self._raw: dict[int, np.ndarray] = {}  # read, not yet encoded
        self._features: dict[int, FrameFeatures] = {}  # encoded, one frame each
        self.cuts: list[int] = []
        self.read_s = 0.0
        self.encode_s = 0.0

    def next_window(self, rule: WindowRule, *, previous: FrameSpan | None) -> FrameSpan | None:
        """The window after `previous`, its frames read; None at the end of the span.

        A window that opens a shot starts at `shot_start`.

        Raises:
            Cancelled: the person stopped the run.
            UserError: the clip has fewer frames than it claims.
        """
        if previous is not None and previous.start < self._shot_start:
            previous = None  # a window of an earlier shot
        window = self._plan(rule, previous)
        while window is not None and self._cut is None and self._read < window.stop:
            self._read_frame()
            self._encode_waiting(at_least=_ENCODE_AT_ONCE, block=min(rule.size, _ENCODE_AT_ONCE))
            window = self._plan(rule, previous)
        if window is None and self._cut is not None:
            self._shot_start, self._cut = self._cut, None
            return self.next_window(rule, previous=None)
        return window

    @property
    def shot_start(self) -> int:
        """First frame of the shot that the latest window lies in."""
        return self._shot_start

    def features(self, window: FrameSpan, *, block: int) -> FrameFeatures:
        """Features of a window's frames, encoded `block` frames at a time where they are not yet."""
        for index in [index for index in self._features if index < window.start]:
            del self._features[index]
        for held in (self._raw, self._guides):
            for index in [index for index in held if index < window.start]:
                del held[index]
        if not self._referrer.frames_on_their_own:
            return self._timed([self._raw[index] for index in window])
        self._encode_waiting(at_least=1, block=max(1, min(block, _ENCODE_AT_ONCE)), stop=window.stop)
        return joined_features([self._features[index] for index in window])

    def guide(self, index: int) -> np.ndarray:
        """The small copy of a frame (see `masks.guide_of`); the frame is read again where it is kept no longer."""
        kept = self._guides.get(index)
        return guide_of(self._again.frame(index)) if kept is None else kept

    def close(self) -> None:
        """Let go of everything, the reader's iterators included."""
        self._raw.clear()
        self._features.clear()
        self._guides.clear()
        self._stop_reading()
        self._again.stop()

    def _plan(self, rule: WindowRule, previous: FrameSpan | None) -> FrameSpan | None:
        shot = FrameSpan(self._shot_start, self._span.stop if self._cut is None else self._cut)
        return next_window(shot, rule, previous=previous)

    def _read_frame(self) -> None:
        self._cancel.raise_if_cancelled()
        began = time.perf_counter()
        frame = self._next_frame()
        if frame is None:
            raise UserError(
                f"The clip ends after {self._read} frames, although it claims at least {self._span.stop}.",
                hint=f"End the span at frame {self._read}.",
                code="media.short_clip",
            )
        if self._detector.is_cut(frame):
            self._cut = self._read
            self.cuts.append(self._read)
        self._raw[self._read] = frame
        self._read += 1
        if self._keep_guides:  # last: where memory runs out here, the frame itself is not lost
            self._guides[self._read - 1] = guide_of(frame)
        self.read_s += time.perf_counter() - began

    def _next_frame(self) -> np.ndarray | None:
        if self._frames is None:
            self._frames = iter(self._source.frames(FrameSpan(self._read, self._span.stop)))
        try:
            return next(self._frames, None)
        except MemoryError:
            self._stop_reading()  # an iterator that raised is finished: the next attempt starts another one
            raise

    def _stop_reading(self) -> None:
        _close(self._frames)
        self._frames = None

    def _encode_waiting(self, *, at_least: int, block: int, stop: int | None = None) -> None:
        """Encodes what was read, up to frame `stop`, once `at_least` frames wait: raw frames do not pile up in long
        windows. Frames that are not on their own wait for their window.
        """
        if not self._referrer.frames_on_their_own:
            return
        waiting = [index for index in self._raw if stop is None or index < stop]
        if len(waiting) < at_least:
            return
        for first in range(0, len(waiting), block):
            indices = waiting[first : first + block]
            encoded = self._timed([self._raw[index] for index in indices])
            for row, index in enumerate(indices):
                self._features[index] = encoded.only(row)
            for index in indices:
                del self._raw[index]

    def _timed(self, frames: list[np.ndarray]) -> FrameFeatures:
        began = time.perf_counter()
        encoded = self._referrer.encode_frames(frames, size=self._size)
        self.encode_s += time.perf_counter() - began
        return encoded


class _Rereading:
    """Frames that were read before, once more; neighbours in order cost no new search in the file."""

    def __init__(self, source: FrameSource, span: FrameSpan) -> None:
        self._source = source
        self._span = span
        self._frames: Iterator[np.ndarray] | None = None
        self._next = span.stop

    def frame(self, index: int) -> np.ndarray:
        """Frame `index` of the clip. Raises: UserError: the clip has changed and ends before it."""
        if self._frames is None or not self._next <= index <= self._next + _SKIPPED:
            self.stop()
            self._frames = iter(self._source.frames(FrameSpan(index, self._span.stop)))
            self._next = index
        for frame in self._frames:
            self._next += 1
            if self._next > index:
                return frame
        raise UserError(
            f"The clip ends before frame {index}, which was read before.",
            hint="Is the file still being written? Run again when it is whole.",
            code="media.short_clip",
        )

    def stop(self) -> None:
        """Let go of the file."""
        _close(self._frames)
        self._frames = None


def _close(frames: Iterator[np.ndarray] | None) -> None:
    """End an iterator's work where it can be ended."""
    close = getattr(frames, "close", None)
    if close is not None:
        close()


def joined_features(parts: list[FrameFeatures]) -> FrameFeatures:
    """One after the other in time: features of all frames from those of some each."""
    import torch

    levels = tuple(torch.cat(level) for level in zip(*(part.levels for part in parts), strict=True))
    paddings = [part.padding for part in parts if part.padding is not None]
    return FrameFeatures(levels, parts[0].input_size, torch.cat(paddings) if paddings else None)
