"""What each object does along the clip: mask, empty or unknown per frame, and how sure the model was."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

NO_RESULT, EMPTY, MASK = 0, 1, 2


@dataclass(frozen=True)
class Lane:
    """One object's row: stable id, name, colour (red, green, blue, 0..255)."""

    object_id: int
    name: str
    colour: tuple[int, int, int]


@dataclass(frozen=True)
class LaneColumns:
    """A lane squeezed to pixel columns: the strongest state, the lowest confidence of the masks (NaN without)."""

    state: np.ndarray
    confidence: np.ndarray


@dataclass
class LaneTrack:
    """Per-frame values of one lane; `version` grows with every change."""

    lane: Lane
    frame_count: int
    version: int = 0
    suspects: tuple[int, ...] = ()  # frames that are worth a look
    keyframes: tuple[int, ...] = ()  # of the matte, in order
    painted: tuple[int, ...] = ()  # frames with a trimap painted by hand, in order
    _state: np.ndarray = field(init=False, repr=False)
    _confidence: np.ndarray = field(init=False, repr=False)
    _locked: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._locked = np.zeros(self.frame_count, bool)
        self._state = np.zeros(self.frame_count, np.uint8)
        self._confidence = np.full(self.frame_count, np.inf, np.float32)

    def update(
        self,
        frame_index: np.ndarray,
        state: np.ndarray,
        confidence: np.ndarray,
        locked: np.ndarray | None = None,
    ) -> None:
        """Sets some frames; indices outside the clip are ignored.

        Args:
            frame_index: (n,) int.
            state: (n,) uint8, NO_RESULT, EMPTY or MASK.
            confidence: (n,) float32, 0..1.
            locked: (n,) bool; None: none of them.
        """
        frames = np.asarray(frame_index, np.int64).reshape(-1)
        known = (frames >= 0) & (frames < self.frame_count)
        states = np.asarray(state, np.uint8).reshape(-1)
        values = np.asarray(confidence, np.float32).reshape(-1)
        self._state[frames[known]] = states[known]
        self._confidence[frames[known]] = np.where(states == MASK, values, np.inf)[known]
        self._locked[frames[known]] = False if locked is None else np.asarray(locked, bool).reshape(-1)[known]
        self.version += 1

    def clear(self) -> None:
        """Forgets all values."""
        self._state.fill(NO_RESULT)
        self._confidence.fill(np.inf)
        self._locked.fill(False)
        self.version += 1

    def value(self, frame_index: int) -> tuple[int, float | None]:
        """State of one frame, and its confidence where it has a mask."""
        confidence = float(self._confidence[frame_index])
        return int(self._state[frame_index]), confidence if np.isfinite(confidence) else None

    def is_locked(self, frame_index: int) -> bool:
        """Whether a person's word stands on a frame."""
        return bool(self._locked[frame_index])

    def locked_frames(self, start: int, stop: int) -> np.ndarray:
        """Locked frames with `start <= frame < stop`, (n,) int64, in order."""
        return max(start, 0) + np.flatnonzero(self._locked[max(start, 0) : max(stop, 0)])

    def columns(self, edges: np.ndarray) -> LaneColumns:
        """The lane over columns of frames `edges[i] <= frame < edges[i + 1]` (at least one frame each).

        A column shows a mask if any of its frames has one, and its lowest confidence: a single bad frame in a
        thousand must not vanish in the overview.

        Args:
            edges: (n + 1,) int64, not falling. Columns from `frame_count` on are outside the clip: NO_RESULT, NaN.
        """
        inside = edges[:-1] < self.frame_count
        starts = edges[:-1][inside]
        state = np.zeros(len(edges) - 1, np.uint8)
        confidence = np.full(len(edges) - 1, np.nan, np.float32)
        if starts.size == 0:
            return LaneColumns(state, confidence)
        if (np.diff(edges[: starts.size + 1]) > 1).any():
            state[inside], lowest = self._reduce(starts, stop=int(edges[starts.size]))
        else:
            state[inside], lowest = self._state[starts], self._confidence[starts]
        confidence[inside] = np.where(np.isfinite(lowest), lowest, np.nan)
        return LaneColumns(state, confidence)

    def _reduce(self, starts: np.ndarray, *, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """`reduceat` over the visible slice; a column that starts where the next one does takes that single frame."""
        first, stop = int(starts[0]), max(stop, int(starts[-1]) + 1)
        offsets = starts - first
        state = np.maximum.reduceat(self._state[first:stop], offsets)
        return state, np.minimum.reduceat(self._confidence[first:stop], offsets)
