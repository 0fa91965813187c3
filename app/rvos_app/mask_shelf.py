"""The results of one object: which frames have one, for all of a clip; the masks themselves for the latest ones.

Others are read from the project when they are asked for, so that a long clip costs six bytes a frame. No Qt.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from rvos_app.timeline.lanes import EMPTY, MASK, NO_RESULT
from rvos_core.inference.events import FrameResult
from rvos_core.types import FrameSpan

_KEPT = 2048  # masks in memory, where a project has the others
_FIRST_FRAMES = 1024


class MaskShelf(Mapping[int, FrameResult]):
    """Frame index -> result. `read` gives the result of a frame that is not in memory, or None."""

    def __init__(self, read: Callable[[int], FrameResult | None] | None = None) -> None:
        self.read = read
        self._state = np.zeros(_FIRST_FRAMES, dtype=np.uint8)
        self._confidence = np.zeros(_FIRST_FRAMES, dtype=np.float32)
        self._locked = np.zeros(_FIRST_FRAMES, dtype=bool)
        self._masks: OrderedDict[int, FrameResult] = OrderedDict()
        self._count = 0

    # -- a mapping ---------------------------------------------------------------------------------------------------

    def __getitem__(self, index: int) -> FrameResult:
        found = self._masks.get(index)
        if found is None:
            found = self.read(index) if self.read is not None and index in self else None
            if found is None:
                raise KeyError(index)
            self._remember(found)
        return found

    def __contains__(self, index: object) -> bool:
        return isinstance(index, int) and 0 <= index < len(self._state) and self._state[index] != NO_RESULT

    def __iter__(self) -> Iterator[int]:
        return iter(np.flatnonzero(self._state).tolist())

    def __len__(self) -> int:
        return self._count

    # -- without masks -----------------------------------------------------------------------------------------------

    def states(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the timeline shows of (n,) frames: (n,) uint8 of NO_RESULT, EMPTY, MASK; (n,) float32 confidence."""
        if len(frames):
            self._grow(int(frames.max()) + 1)
        return self._state[frames], self._confidence[frames]

    def locks(self, frames: np.ndarray) -> np.ndarray:
        """Which of (n,) frames are locked: (n,) bool."""
        if len(frames):
            self._grow(int(frames.max()) + 1)
        return np.asarray(self._locked[frames])

    def is_locked(self, index: int) -> bool:
        """Whether a person's word stands on a frame."""
        return 0 <= index < len(self._locked) and bool(self._locked[index])

    def locked_frames(self) -> np.ndarray:
        """The locked frames, (n,) int64, in order."""
        return np.flatnonzero(self._locked)

    def seen(self) -> tuple[int, float]:
        """On how many frames the object is in sight, and its mean confidence there."""
        visible = self._state == MASK
        number = int(visible.sum())
        return number, float(self._confidence[visible].mean()) if number else 0.0

    def first_missing(self, span: FrameSpan) -> int | None:
        """The first frame of `span` without a result."""
        known = self._state[span.start : span.stop]
        if known.all():
            beyond = span.start + len(known)
            return beyond if beyond < span.stop else None
        return span.start + int(np.argmin(known != NO_RESULT))

    # -- changes -----------------------------------------------------------------------------------------------------

    def put(self, results: Iterable[FrameResult], *, locked: bool | None = None) -> tuple[int, ...]:
        """Take results in; later ones replace earlier ones. `locked`: None leaves the locks. Returns: their frames."""
        frames = []
        for result in results:
            index = result.frame_index
            self._grow(index + 1)
            self._count += self._state[index] == NO_RESULT
            self._state[index] = MASK if result.visible else EMPTY
            self._confidence[index] = result.confidence
            if locked is not None:
                self._locked[index] = locked
            self._masks.pop(index, None)
            self._remember(result)
            frames.append(index)
        return tuple(frames)

    def lock(self, frames: Iterable[int], *, locked: bool) -> tuple[int, ...]:
        """Lock those of the frames that have a result, or unlock them. Returns: the frames that changed."""
        changed = [index for index in frames if index in self and self._locked[index] != locked]
        self._locked[changed] = locked
        return tuple(changed)

    def clear(self, span: FrameSpan, *, keep_locked: bool = False) -> tuple[int, ...]:
        """Forget the results of a span. Returns: the frames that had one."""
        known = self._state[span.start : span.stop] != NO_RESULT
        if keep_locked:
            known &= ~self._locked[span.start : span.stop]
        gone = span.start + np.flatnonzero(known)
        self._state[gone] = NO_RESULT
        self._locked[gone] = False
        self._count -= len(gone)
        frames = tuple(gone.tolist())
        for index in frames:
            self._masks.pop(index, None)
        return frames

    def load(
        self, frames: np.ndarray, visible: np.ndarray, confidence: np.ndarray, locked: np.ndarray | None = None
    ) -> None:
        """Frames that the project has a mask of, all (n,): replaces what was known of them. `locked` None: no frame."""
        if not len(frames):
            return
        self._grow(int(frames.max()) + 1)
        self._state[frames] = np.where(visible, MASK, EMPTY)
        self._confidence[frames] = confidence
        self._locked[frames] = False if locked is None else locked
        self._count = int(np.count_nonzero(self._state))
        if self._masks:
            for index in frames.tolist():
                self._masks.pop(index, None)

    def _remember(self, result: FrameResult) -> None:
        self._masks[result.frame_index] = result
        if self.read is not None and len(self._masks) > _KEPT:
            self._masks.popitem(last=False)

    def _grow(self, frames: int) -> None:
        if frames > len(self._state):
            room = max(frames, 2 * len(self._state)) - len(self._state)
            self._state = np.pad(self._state, (0, room))
            self._confidence = np.pad(self._confidence, (0, room))
            self._locked = np.pad(self._locked, (0, room))
