"""Decoded frames kept in memory, up to a number of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np

from rvos_core.media.reader import StoredFrame


class FrameCache:
    """Frames of one clip by index, the least recently used dropped first; safe over threads.

    Frames are kept as the reader stores them: for video the decoder's own planes. For 4:2:0 that is half of RGB (3.1
    against 6.2 MB at 1920 x 1080) for 0.6 to 0.9 ms per look, and `get` gives the very array `MediaReader.frame` gives,
    because the same conversion makes both. Twice the frames within reach is worth more to scrubbing than that time.
    """

    def __init__(self, budget_bytes: int) -> None:
        if budget_bytes <= 0:
            raise ValueError(f"not a budget: {budget_bytes} bytes")
        self.budget_bytes = budget_bytes
        self._frames: OrderedDict[int, StoredFrame] = OrderedDict()
        self._nbytes = 0
        self._lock = threading.Lock()

    def put(self, index: int, frame: StoredFrame) -> bool:
        """Keep `frame`; False where it alone is over the budget and is not kept."""
        with self._lock:
            self._drop(index)
            if frame.nbytes > self.budget_bytes:
                return False
            self._frames[index] = frame
            self._nbytes += frame.nbytes
            while self._nbytes > self.budget_bytes:
                self._drop(next(iter(self._frames)))
            return True

    def get(self, index: int) -> np.ndarray | None:
        """The picture of frame `index`, (height, width, 3) uint8 RGB, or None where it is not kept."""
        with self._lock:
            frame = self._frames.get(index)
            if frame is None:
                return None
            self._frames.move_to_end(index)
        return frame.to_rgb()

    def clear(self) -> None:
        """Drop all frames."""
        with self._lock:
            self._frames.clear()
            self._nbytes = 0

    @property
    def nbytes(self) -> int:
        """Bytes kept at present; never over `budget_bytes`."""
        return self._nbytes

    def __contains__(self, index: object) -> bool:
        with self._lock:
            return index in self._frames

    def __len__(self) -> int:
        return len(self._frames)

    def _drop(self, index: int) -> None:
        frame = self._frames.pop(index, None)
        if frame is not None:
            self._nbytes -= frame.nbytes
