"""Is the referred object in this clip at all? Each window answers (R2-VOS, section 4.6), here the span does.

The published code lets the last window decide for the whole video. An object that comes late or leaves early would be
lost, so the span's answer rests on the windows that are surest of it: `span_consensus`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rvos_core.types import FrameSpan

_SUREST_SHARE = 0.5


def span_consensus(windows: Sequence[float]) -> float:
    """P(the object is in the span), from P(it is in the window) of every window.

    The mean of the surer half of the windows (at least one): one window with a doubtful answer neither invents an
    object nor loses one. docs/benchmarks.md compares it with other rules.

    Args:
        windows: probabilities in [0, 1], one a window, not empty.
    """
    surest = sorted(windows, reverse=True)[: math.ceil(len(windows) * _SUREST_SHARE)]
    return float(np.mean(surest))


class Presence:
    """Collects what the windows of one run say.

    Args:
        span: frames of the run.
        threshold: below this probability the object is not there; None: the model does not say, it is there.
    """

    def __init__(self, span: FrameSpan, *, threshold: float | None) -> None:
        self._start = span.start
        self._threshold = threshold
        self._windows: list[float] = []
        self._sums = np.zeros(len(span), dtype=np.float32)
        self._counts = np.zeros(len(span), dtype=np.float32)

    def hear(self, window: FrameSpan, probability: float) -> None:
        """Take over one window's P(the object is there)."""
        rows = slice(window.start - self._start, window.stop - self._start)
        self._windows.append(probability)
        self._sums[rows] += probability
        self._counts[rows] += 1

    @property
    def probability(self) -> float | None:
        """P(the object is in the span), or None where no window said anything."""
        return span_consensus(self._windows) if self._windows else None

    @property
    def absent(self) -> bool:
        """Whether the object is nowhere in the span."""
        probability = self.probability
        return self._threshold is not None and probability is not None and probability < self._threshold

    def in_windows(self, rows: slice) -> np.ndarray:
        """(t,) bool for rows of the span: whether the windows that saw a frame think that the object is there."""
        if self._threshold is None:
            return np.ones(self._counts[rows].shape, dtype=bool)
        here: np.ndarray = self._sums[rows] >= self._threshold * self._counts[rows]
        return here
