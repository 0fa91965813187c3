"""Thumbnails for the filmstrip, made in a thread of their own with a reader of their own: scrubbing never waits."""

from __future__ import annotations

import logging
import threading

import numpy as np
from PySide6.QtCore import QObject, Qt, QThread, Signal, Slot

from rvos_core.errors import UserError
from rvos_core.media import MediaReader, thumbnail

_log = logging.getLogger("rvos.media")
_STOP_MS = 5000


class FilmstripLoader(QObject):
    """Answers `request` by `thumbnailReady`, newest request first; `close` stops the thread and waits for it.

    Signals:
        thumbnailReady(frame_index, pixels): (h, w, 3) uint8 RGB, or None for a frame that cannot be decoded.
    """

    thumbnailReady = Signal(int, object)

    def __init__(self, parent: QObject | None = None, *, height_px: int = 88) -> None:
        super().__init__(parent)
        self._height_px = height_px
        self._worker: _Worker | None = None

    @property
    def is_open(self) -> bool:
        return self._worker is not None

    def open(self, reader: MediaReader) -> None:
        """Starts on another clip. `reader` itself is only used to open a second one, in the thread."""
        self.close()
        self._worker = _Worker(self, reader, height_px=self._height_px)
        self._worker.made.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._worker.start(QThread.Priority.LowPriority)

    def close(self) -> None:
        """Stops the thread; nothing is delivered any more."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()
            if not worker.wait(_STOP_MS):
                _log.warning("the filmstrip thread is still decoding; waiting for it")
                worker.wait()
            worker.deleteLater()

    @Slot(list)
    def request(self, frame_indices: list[int]) -> None:
        """The frames that are wanted now; what was asked before and is not among them is forgotten."""
        if self._worker is not None:
            self._worker.want(frame_indices)

    @Slot(bool)
    def set_paused(self, paused: bool) -> None:
        """Leaves the processor to playback while it runs."""
        if self._worker is not None:
            self._worker.pause(paused)

    @Slot(object, int, object)
    def _deliver(self, worker: object, frame_index: int, pixels: np.ndarray | None) -> None:
        if worker is self._worker:
            self.thumbnailReady.emit(frame_index, pixels)


class _Worker(QThread):
    made = Signal(object, int, object)  # this thread, frame index, pixels or None

    def __init__(self, parent: QObject, reader: MediaReader, *, height_px: int) -> None:
        super().__init__(parent)
        self.setObjectName("filmstrip")
        self._source = reader
        self._height_px = height_px
        self._changed = threading.Condition()
        self._wanted: list[int] = []
        self._paused = False
        self._stopped = False

    def want(self, frame_indices: list[int]) -> None:
        with self._changed:
            self._wanted = list(frame_indices)
            self._changed.notify()

    def pause(self, paused: bool) -> None:
        with self._changed:
            self._paused = paused
            self._changed.notify()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def run(self) -> None:
        try:
            reader = self._source.reopen()
        except UserError as error:
            _log.warning("no filmstrip: %s", error)
            return
        with reader:
            while (index := self._next()) is not None:
                self.made.emit(self, index, self._thumbnail(reader, index))

    def _next(self) -> int | None:
        """Waits for work; None says stop. In the order asked, which callers make rising: seeks are dear."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or (self._wanted and not self._paused))
            return None if self._stopped else self._wanted.pop(0)

    def _thumbnail(self, reader: MediaReader, index: int) -> np.ndarray | None:
        try:
            frame = reader.frame(index)
        except UserError as error:
            _log.info("no thumbnail of frame %d: %s", index, error)
            return None
        return thumbnail(frame, self._height_px)
