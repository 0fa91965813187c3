"""What moves on a frame, as evidence about what was clicked at. It counts as far as it agrees with the clicks.

The object may move or stand still among things that move: which of them it is, nobody says. So two things are learned
with every click: how far the clicks themselves lie on what moves and beside it, and, as colours are, what the object's
cells have in common. Where the clicks contradict the movement, nothing is left of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_MOST_LOGIT = 4.0
_BINS = 12
_SMOOTHING = 200.0  # pixels a bin must have seen before it says much
_MOST_ODDS = 2.5
_AGREED, _AGREED_MOST = 0.6, 2.0  # weight of what the network says, and the most it can say, where all clicks agree
_LEARNED = 0.5  # weight of what was learned from the object's own cells


@dataclass(frozen=True)
class Movement:
    """Of one frame at a clicker's working size; `logits`: (h, w) float32, above 0 where something moves by itself."""

    logits: np.ndarray

    def evidence(
        self,
        positive: Sequence[tuple[int, int]],
        negative: Sequence[tuple[int, int]],
        inside: np.ndarray,
        outside: np.ndarray,
    ) -> np.ndarray:
        """(h, w) float32, above 0 for the object.

        Args:
            positive, negative: (x, y) of the clicks.
            inside, outside: (h, w) weights of the object and of the rest as they are believed now.
        """
        agreed = _AGREED * self.agreement(positive, negative) * np.clip(self.logits, -_AGREED_MOST, _AGREED_MOST)
        return np.asarray(agreed + _LEARNED * self._learned(inside, outside), dtype=np.float32)

    def agreement(self, positive: Sequence[tuple[int, int]], negative: Sequence[tuple[int, int]]) -> float:
        """0 to 1: how far positive clicks lie on what moves, and negative ones beside it; 1 / 2 without a positive."""
        on = [self._probability(point) for point in positive] or [0.5]
        beside = [1 - self._probability(point) for point in negative] or [1.0]
        return float(np.mean(on) * np.mean(beside))

    def _probability(self, point: tuple[int, int]) -> float:
        x, y = point
        return float(1 / (1 + np.exp(-np.clip(self.logits[y, x], -_MOST_LOGIT, _MOST_LOGIT))))

    def _learned(self, inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
        """(h, w): log odds of the object by how sure the movement is."""
        share = np.clip(self.logits / (2 * _MOST_LOGIT) + 0.5, 0, 1)
        bins = np.minimum((share * _BINS).astype(np.int64), _BINS - 1)
        counts = [_soft(np.bincount(bins.ravel(), each.ravel(), _BINS)) for each in (inside, outside)]
        total = [max(float(each.sum()), 1.0) for each in counts]
        usual = [_SMOOTHING * each / sum(total) for each in total]
        shares = [np.log((count + few) / whole) for count, few, whole in zip(counts, usual, total, strict=True)]
        odds = np.clip(shares[0] - shares[1], -_MOST_ODDS, _MOST_ODDS)
        return np.asarray(odds[bins])


def _soft(counts: np.ndarray) -> np.ndarray:
    """Counts shared with neighbouring bins."""
    padded = np.pad(counts, 1, mode="edge")
    return np.asarray(0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:])
