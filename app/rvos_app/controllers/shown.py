"""The frame that is on screen now: what a person draws on, whatever the playhead is on its way to."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from rvos_app.i18n import tr
from rvos_app.playback.controller import PlaybackController
from rvos_app.state import StudioState
from rvos_core.errors import UsageError, UserError
from rvos_core.types import MediaInfo


class ShownFrame(QObject):
    """Index and picture of the frame on screen.

    Signals:
        leaving(): another frame, or none, takes its place: gestures on it end now.
        changed(): it has.
    """

    leaving = Signal()
    changed = Signal()

    def __init__(self, state: StudioState, playback: PlaybackController) -> None:
        super().__init__()
        self.index = 0
        self.picture: np.ndarray | None = None
        self._problem = ""
        playback.frameReady.connect(self._on_frame)
        playback.frameFailed.connect(self._on_failed)
        state.clip_changed.connect(self._on_clip)

    def required_picture(self) -> np.ndarray:
        """(H, W, 3) uint8 RGB. Raises: UsageError: the frame cannot be read, or there is none."""
        if self.picture is None:
            raise UsageError(self._problem or tr("No frame is on screen yet."), code="frame.unreadable")
        return self.picture

    def _on_clip(self, _clip: MediaInfo | None) -> None:
        self._take(0, None, "")

    @Slot(int, object)
    def _on_frame(self, index: int, picture: np.ndarray) -> None:
        self._take(index, picture, "")

    @Slot(int, object)
    def _on_failed(self, index: int, _error: UserError) -> None:
        why = tr("Frame {index} cannot be read, so nothing can be drawn on it.", index=index)
        self._take(index, None, why)

    def _take(self, index: int, picture: np.ndarray | None, problem: str) -> None:
        if index != self.index or picture is None:
            self.leaving.emit()
        self.index, self.picture, self._problem = index, picture, problem
        self.changed.emit()
