"""Is the object in sight in this frame, and how sure are we? Both from the class probability of the tracks."""

from __future__ import annotations

import numpy as np


class Hysteresis:
    """Two thresholds, so that a probability that trembles round one value does not make the mask flicker.

    A track goes out of sight where its class probability falls below `off`, and comes back where it rises above `on`.
    It starts in sight.
    """

    def __init__(self, tracks: int, *, on: float, off: float) -> None:
        if off > on:
            raise ValueError(f"visibility thresholds are the wrong way round: on {on}, off {off}")
        self._on = on
        self._off = off
        self._state = np.ones(tracks, dtype=bool)

    def reset(self) -> None:
        """A new shot begins: every track starts in sight again."""
        self._state = np.ones_like(self._state)

    def push(self, probability: np.ndarray) -> np.ndarray:
        """Visibility (t, q) bool of the next frames, in order; `probability` (t, q) in [0, 1]."""
        visible, self._state = self._follow(probability)
        return visible

    def peek(self, probability: np.ndarray) -> np.ndarray:
        """As `push`, without remembering: for frames that a later window may still change."""
        return self._follow(probability)[0]

    def _follow(self, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        visible = np.empty(probability.shape, dtype=bool)
        state = self._state
        for row, values in enumerate(probability):
            state = np.where(state, values >= self._off, values > self._on)
            visible[row] = state
        return visible, state


def mask_certainty(logits: np.ndarray) -> np.ndarray:
    """How far from undecided the pixels inside each mask are: the mean of |2p - 1| over its cells, 0 for an empty mask.

    Args:
        logits: (t, q, h, w) float32; p = sigmoid(logits), and the mask is where p > 0.5.

    Returns:
        (t, q) float32 in [0, 1].
    """
    inside = logits > 0
    decided = np.abs(np.tanh(logits * 0.5), where=inside, out=np.zeros_like(logits, dtype=np.float32))
    cells = inside.sum(axis=(2, 3))
    certainty: np.ndarray = (decided.sum(axis=(2, 3), dtype=np.float32) / np.maximum(cells, 1)).astype(np.float32)
    return certainty


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Logistic function without overflow, in the dtype of `logits`."""
    values: np.ndarray = 0.5 * (1.0 + np.tanh(0.5 * logits))
    return values
