"""Which linked query is the referred object: the papers' rule, applied to the whole span instead of to one window.

ReferFormer and IFIRVOS average the class probability of each query over the frames of a clip and take the best. Here
a track (a query linked over windows) takes the query's place, and the span the clip's.
"""

from __future__ import annotations

import numpy as np


class SpanVote:
    """Adds up class probabilities of the tracks; the order in which frames come does not matter."""

    def __init__(self, tracks: int) -> None:
        self._sum = np.zeros(tracks, dtype=np.float64)
        self._frames = 0

    @property
    def frames(self) -> int:
        return self._frames

    def add(self, probability: np.ndarray) -> None:
        """Counts frames: `probability` (t, q) in [0, 1]."""
        self._sum += probability.sum(axis=0, dtype=np.float64)
        self._frames += len(probability)

    def means(self, also: np.ndarray | None = None) -> np.ndarray:
        """Mean class probability (q,) over all counted frames, and over those of `also` (t, q) as if they were
        counted.
        """
        total, frames = self._sum, self._frames
        if also is not None:
            total, frames = total + also.sum(axis=0, dtype=np.float64), frames + len(also)
        means: np.ndarray = total / max(frames, 1)
        return means

    def best(self, also: np.ndarray | None = None) -> int:
        """The winning track; the lower index where two are equal."""
        return int(np.argmax(self.means(also)))
