"""Decoded frames for the GUI thread: asks the decode thread, hands over what it makes, drops what has become stale."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal, Slot

from rvos_core.errors import UserError
from rvos_core.media import FrameCache, MediaReader, Prefetcher

CACHE_BYTES = 768 << 20  # about 250 frames of 1920 x 1080


class FrameSource(QObject):
    """The frames of one clip. Requests are numbered: a frame older than one already taken is never delivered.

    Signals:
        arrived(frame_index, picture): a requested frame, (H, W, 3) uint8 RGB.
        failed(frame_index, UserError): a requested frame that cannot be read.
    """

    arrived = Signal(int, object)
    failed = Signal(int, object)
    _decoded = Signal(int, object)  # emitted in the decode thread
    _broken = Signal(int, object)

    def __init__(self, reader: MediaReader, *, parent: QObject | None = None, cache_bytes: int = CACHE_BYTES) -> None:
        super().__init__(parent)
        self._cache = FrameCache(cache_bytes)
        self._asked: dict[int, int] = {}
        self._serial = 0
        self._taken = 0
        self._closed = False
        self._decoded.connect(self._on_decoded, Qt.ConnectionType.QueuedConnection)
        self._broken.connect(self._on_broken, Qt.ConnectionType.QueuedConnection)
        self._prefetcher = Prefetcher(reader, self._cache, on_frame=self._decoded.emit, on_error=self._broken.emit)

    def close(self) -> None:
        """Ends the decode thread; nothing is delivered any more."""
        self._closed = True
        self._prefetcher.stop()
        self._cache.clear()

    def take(self, frame_index: int) -> np.ndarray | None:
        """A frame that is in memory, at once; what was requested before it is stale from now on."""
        picture = self._cache.get(frame_index)
        if picture is not None:
            self.forget()
        return picture

    def request(self, frame_index: int, *, direction: int = 1) -> None:
        """Asks for a frame, answered by `arrived` or `failed` unless a newer request comes before it is begun."""
        self._serial += 1
        self._asked[frame_index] = self._serial
        self._prefetcher.request(frame_index, direction=direction)

    def look_at(self, frame_index: int, *, direction: int = 1) -> None:
        """Has the frames round this one decoded, without asking for any."""
        self._prefetcher.request(frame_index, direction=direction)

    def forget(self) -> None:
        """What was requested until now is stale."""
        self._taken = self._serial

    @Slot(int, object)
    def _on_decoded(self, frame_index: int, picture: np.ndarray) -> None:
        if self._is_fresh(frame_index):
            self.arrived.emit(frame_index, picture)

    @Slot(int, object)
    def _on_broken(self, frame_index: int, error: UserError) -> None:
        if self._is_fresh(frame_index):
            self.failed.emit(frame_index, error)

    def _is_fresh(self, frame_index: int) -> bool:
        serial = self._asked.get(frame_index, 0)
        if self._closed or serial <= self._taken:
            return False
        self._taken = serial
        self._asked = {index: asked for index, asked in self._asked.items() if asked > serial}
        return True
