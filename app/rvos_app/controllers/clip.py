"""Opening and closing a clip."""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from rvos_app.errors import ErrorReport, ErrorReporter
from rvos_app.jobs.job import Ticket
from rvos_app.jobs.media_jobs import OpenClip, OpenedClip
from rvos_app.jobs.queue import JobQueue
from rvos_app.playback.controller import PlaybackController
from rvos_app.settings import Settings
from rvos_app.state import StudioState
from rvos_core.media import MediaReader
from rvos_resources.paths import demo_dir

_log = logging.getLogger("rvos.media")


class ClipController(QObject):
    """Opens clips in the background; the clip on screen stays until the next one is ready.

    Signals:
        opening(path): a clip is being opened; None: it is done, or failed.
        opened(OpenedClip): the state holds the new clip.
        failed(): it could not be opened, or was given up.
    """

    opening = Signal(object)
    opened = Signal(object)
    failed = Signal()

    def __init__(
        self,
        state: StudioState,
        *,
        queue: JobQueue,
        playback: PlaybackController,
        settings: Settings,
        reporter: ErrorReporter,
    ) -> None:
        super().__init__()
        self._state = state
        self._queue = queue
        self._playback = playback
        self._settings = settings
        self._reporter = reporter
        self._pending: Ticket | None = None
        self.reader: MediaReader | None = None
        queue.finished.connect(self._on_finished)
        queue.failed.connect(self._on_failed)
        queue.cancelled.connect(self._on_cancelled)

    def open(self, path: Path) -> None:
        """Open a video or a folder of images; a clip still being opened is given up."""
        if self._pending is not None:
            self._queue.cancel(self._pending)
        self._pending = self._queue.submit(OpenClip(path))
        self.opening.emit(path)

    def close(self) -> None:
        """Back to the empty window."""
        self.close_reader()
        self._state.set_clip(None)

    def give_up(self) -> None:
        """The program ends: a clip that is still being opened is let go when it comes, and no thread begins for it."""
        self._pending = None
        self.close_reader()

    def close_reader(self) -> None:
        """End what reads the clip here; runs and exports have readers of their own."""
        self._playback.close()
        if self.reader is not None:
            self.reader.close()
            self.reader = None

    @Slot(object, object)
    def _on_finished(self, ticket: Ticket, result: object) -> None:
        if not isinstance(result, OpenedClip):
            return
        if ticket != self._pending:
            result.reader.close()
            return
        self._pending = None
        self.close_reader()
        self.reader = result.reader
        info = result.reader.info
        _log.info("opened %dx%d, %d frames, %s", info.width, info.height, info.frame_count, info.codec)
        self._state.set_clip(info)
        self._playback.open(result.reader)
        self._settings.remember_file(info.path)
        self.opening.emit(None)
        self.opened.emit(result)

    @Slot(object, object)
    def _on_failed(self, ticket: Ticket, report: ErrorReport) -> None:
        if ticket == self._pending:
            self._pending = None
            self.opening.emit(None)
            self.failed.emit()
            self._reporter.report(report)

    @Slot(object)
    def _on_cancelled(self, ticket: Ticket) -> None:
        if ticket == self._pending:
            self._pending = None
            self.opening.emit(None)
            self.failed.emit()


def demo_clip() -> Path:
    """Where the demo clip lies."""
    return demo_dir() / "street.mp4"
