"""Which frames a person should look at, kept true while masks change: a piece at a time, on the GUI thread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from rvos_app.state import StudioState
from rvos_core.errors import UserError
from rvos_core.inference.suspicion import SuspectFrame, suspicion, worth_a_look

_REACH = 6  # a mask changes the doubt of so many frames on either side
_PIECE = 60  # frames that are judged at once: some milliseconds
_SETTLE_MS = 250


@dataclass(frozen=True)
class Suspect:
    """A frame of an object that may be wrong. `doubt`: 0..1."""

    object_id: int
    frame_index: int
    doubt: float


class SuspicionKeeper(QObject):
    """Doubt of every frame of every object.

    Signals:
        changed(int): of this object.
    """

    changed = Signal(int)

    def __init__(self, state: StudioState) -> None:
        super().__init__()
        self._state = state
        self._doubt: dict[int, np.ndarray] = {}
        self._dirty: dict[int, tuple[int, int]] = {}  # object id -> first frame, frame after the last
        self._suspects: list[Suspect] | None = None  # None: not known since the last change
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._work)
        state.clip_changed.connect(self._on_clip, max_args=0)
        state.objects_changed.connect(self._on_objects, max_args=0)
        state.results_changed.connect(self._on_results)

    def doubt(self, object_id: int) -> np.ndarray:
        """(frames,) float32: NaN where the object has no mask."""
        known = self._doubt.get(object_id)
        if known is None:
            frames = self._state.clip.frame_count if self._state.clip else 0
            known = self._doubt[object_id] = np.full(frames, np.nan, np.float32)
        return known

    @property
    def busy(self) -> bool:
        """Something has still to be judged."""
        return bool(self._dirty)

    def suspects(self) -> list[Suspect]:
        """Frames of visible objects that are worth a look, the worst first."""
        if self._suspects is None:
            self._suspects = self._found()
        return list(self._suspects)

    def _found(self) -> list[Suspect]:
        found = [
            Suspect(thing.object_id, frame, float(self.doubt(thing.object_id)[frame]))
            for thing in self._state.objects
            if thing.visible
            for frame in self.worth_a_look(thing.object_id)
        ]
        return sorted(found, key=lambda each: -each.doubt)

    def worth_a_look(self, object_id: int) -> list[int]:
        """Frames of one object that are worth a look, the worst first."""
        doubt = self._doubt.get(object_id)
        if doubt is None:
            return []
        frames = np.flatnonzero(~np.isnan(doubt))
        return worth_a_look(frames, doubt[frames])

    # -- keeping it true ---------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """The window closes: nothing is judged any more."""
        self._timer.stop()

    def _on_clip(self) -> None:
        self._suspects = None
        self._doubt.clear()
        self._dirty.clear()

    def _on_objects(self) -> None:
        self._suspects = None
        known = {each.object_id for each in self._state.objects}
        for gone in self._doubt.keys() - known:
            del self._doubt[gone]
            self._dirty.pop(gone, None)
            self.changed.emit(gone)

    def _on_results(self, object_id: int, frames: Iterable[int]) -> None:
        places = tuple(frames)
        if not places:
            return
        first, stop = max(0, min(places) - _REACH), max(places) + 1 + _REACH
        old = self._dirty.get(object_id, (first, stop))
        self._dirty[object_id] = min(first, old[0]), max(stop, old[1])
        self._timer.start(_SETTLE_MS)

    @Slot()
    def _work(self) -> None:
        """Judge the next piece; the event loop turns between two of them."""
        if not self._dirty:
            return
        self._suspects = None
        object_id, (first, stop) = next(iter(self._dirty.items()))
        doubt = self.doubt(object_id)
        upto = min(first + _PIECE, stop, len(doubt))
        self._judge(object_id, doubt, first, upto)
        if upto >= min(stop, len(doubt)):
            del self._dirty[object_id]
            self.changed.emit(object_id)
        else:
            self._dirty[object_id] = upto, stop
        self._timer.start(0)

    def _judge(self, object_id: int, doubt: np.ndarray, first: int, stop: int) -> None:
        shelf = self._state.results(object_id)
        around = range(max(0, first - _REACH), min(len(doubt), stop + _REACH))
        frames = []
        for index in around:
            try:
                found = shelf.get(index)
            except UserError:  # a damaged mask was reported where it was read
                found = None
            if found is not None:
                locked = shelf.is_locked(index)
                frames.append(SuspectFrame(index, found.mask, found.confidence, locked=locked))
        doubt[first:stop] = np.nan
        for each, value in zip(frames, suspicion(frames) if frames else (), strict=True):
            if first <= each.frame_index < stop:
                doubt[each.frame_index] = value
