"""Windows in, one continuous row of tracks out: queries linked over windows, overlapping frames averaged as logits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rvos_core.inference.linking import link_queries
from rvos_core.types import FrameSpan


@dataclass(frozen=True)
class TrackFrames:
    """Consecutive frames; tracks keep their place on the q axis for the whole span.

    Attributes:
        span: the frames.
        mask_logits: (t, q, h, w) float32 at stride 4 of the network input.
        class_logits: (t, q) float32.
    """

    span: FrameSpan
    mask_logits: np.ndarray
    class_logits: np.ndarray


class TrackMerger:
    """Takes predictions window by window, in order, and holds only the frames that a later window may still change."""

    def __init__(self) -> None:
        self._query_of_track: np.ndarray | None = None
        self._start = 0
        self._masks: np.ndarray | None = None  # sums of logits over windows
        self._classes: np.ndarray | None = None
        self._windows = np.zeros(0, dtype=np.float32)  # windows that saw each frame

    def add(self, window: FrameSpan, mask_logits: np.ndarray, class_logits: np.ndarray) -> TrackFrames | None:
        """Links a window to the one before and adds it.

        Args:
            window: its frames; windows come with rising start and leave no gap.
            mask_logits: (t, q, h, w) float32, q in the model's own order.
            class_logits: (t, q) float32.

        Returns:
            The frames before `window`, which nothing changes any more; None if there are none.
        """
        if self._masks is None or self._classes is None:
            self._query_of_track = np.arange(mask_logits.shape[1])
            self._hold(window.start, mask_logits.copy(), class_logits.copy(), np.ones(len(window), dtype=np.float32))
            return None
        common = self._start + len(self._masks) - window.start
        if common < 0 or window.start < self._start:
            raise ValueError(
                f"window {window.start}..{window.stop} does not follow frame {self._start + len(self._masks)}"
            )
        done = window.start - self._start
        order = self._link(self._masks[done:], mask_logits[:common])
        settled = self._averages(0, done)
        masks, classes = mask_logits[:, order], class_logits[:, order]
        masks[:common] += self._masks[done:]
        classes[:common] += self._classes[done:]
        count = np.ones(len(window), dtype=np.float32)
        count[:common] += self._windows[done:]
        self._hold(window.start, masks, classes, count)
        return settled

    def pending(self) -> TrackFrames:
        """The frames of the last window as they stand."""
        return self._averages(0, len(self._windows))

    def _link(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Query of each track in the new window; `before` in track order, `after` in query order, on the common
        frames.
        """
        assert self._query_of_track is not None
        by_query = np.empty_like(before, dtype=bool)
        by_query[:, self._query_of_track] = before > 0
        links = np.asarray(link_queries(by_query, after > 0))
        self._query_of_track = links[self._query_of_track]
        return self._query_of_track

    def _hold(self, start: int, masks: np.ndarray, classes: np.ndarray, windows: np.ndarray) -> None:
        self._start, self._masks, self._classes, self._windows = start, masks, classes, windows

    def _averages(self, first: int, stop: int) -> TrackFrames:
        assert self._masks is not None and self._classes is not None
        windows = self._windows[first:stop]
        return TrackFrames(
            FrameSpan(self._start + first, self._start + stop),
            self._masks[first:stop] / windows[:, None, None, None],
            self._classes[first:stop] / windows[:, None],
        )
