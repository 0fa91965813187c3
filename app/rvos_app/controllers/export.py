"""Exports: what the dialog asks becomes a job of the export queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from rvos_app.controllers.clip import ClipController
from rvos_app.controllers.document import DocumentController
from rvos_app.errors import ErrorReport
from rvos_app.i18n import tr
from rvos_app.jobs.export_jobs import ExportMasks, ExportOverlay, ExportProgress, ExportTrack
from rvos_app.jobs.job import Job, Ticket
from rvos_app.jobs.queue import JobQueue
from rvos_app.jobs.stored_results import results_of
from rvos_app.settings import Settings
from rvos_app.state import StudioState
from rvos_app.timeline.lanes import NO_RESULT
from rvos_core.errors import UsageError
from rvos_core.types import FrameSpan


@dataclass(frozen=True)
class ExportWish:
    """What a person chose in the dialog. `target`: a folder for masks, a file for the overlay video."""

    kind: str  # "masks" or "overlay"
    target: Path
    span: FrameSpan
    object_ids: tuple[int, ...]
    with_audio: bool = True


class ExportController(QObject):
    """Runs one export at a time.

    Signals:
        progressed(int, int): frames done, frames in all.
        finished(ExportDone), failed(ErrorReport), cancelled(): how it ended.
    """

    progressed = Signal(int, int)
    finished = Signal(object)
    failed = Signal(object)
    cancelled = Signal()

    def __init__(
        self,
        state: StudioState,
        *,
        queue: JobQueue,
        clips: ClipController,
        documents: DocumentController,
        settings: Settings,
    ) -> None:
        super().__init__()
        self._state = state
        self._queue = queue
        self._clips = clips
        self._documents = documents
        self._settings = settings
        self._ticket: Ticket | None = None
        queue.progressed.connect(self._on_progressed)
        queue.finished.connect(self._on_finished)
        queue.failed.connect(self._on_failed)
        queue.cancelled.connect(self._on_cancelled)

    @property
    def active(self) -> bool:
        return self._ticket is not None

    def start(self, wish: ExportWish) -> None:
        """Begin an export.

        Raises:
            UsageError: there is nothing to write.
        """
        reader = self._clips.reader
        tracks = self._tracks(wish.object_ids)
        if reader is None or not tracks or not len(wish.span):
            raise UsageError(
                tr("There is nothing to export."), hint=tr("Choose at least one object."), code="export.nothing"
            )
        self._settings.export_folder = str(wish.target.parent)
        job: Job
        if wish.kind == "masks":
            job = ExportMasks(wish.target, reader.info, wish.span, tracks)
        else:
            opacity = self._settings.overlay_opacity
            job = ExportOverlay(wish.target, reader, wish.span, tracks, opacity, wish.with_audio)
        self._ticket = self._queue.submit(job, generation=self._state.generation)

    def cancel(self) -> None:
        """Stop; nothing of the unfinished part stays."""
        if self._ticket is not None:
            self._queue.cancel(self._ticket)

    def missing_frames(self, object_ids: Sequence[int], span: FrameSpan) -> int:
        """How many frames of `span` at least one of the objects has no result for."""
        frames = np.arange(span.start, span.stop)
        missing = np.zeros(len(frames), dtype=bool)
        for object_id in object_ids:
            states, _ = self._state.results(object_id).states(frames)
            missing |= states == NO_RESULT
        return int(missing.sum())

    def _tracks(self, object_ids: Sequence[int]) -> tuple[ExportTrack, ...]:
        return tuple(
            ExportTrack(
                number,
                thing.name,
                thing.colour,
                results_of(self._state.results(thing.object_id), thing.object_id, self._documents.path),
            )
            for number, thing in enumerate(self._state.objects, start=1)
            if thing.object_id in object_ids
        )

    @Slot(object, object)
    def _on_progressed(self, ticket: Ticket, event: object) -> None:
        if ticket == self._ticket and isinstance(event, ExportProgress):
            self.progressed.emit(event.done, event.total)

    @Slot(object, object)
    def _on_finished(self, ticket: Ticket, result: object) -> None:
        if ticket == self._ticket:
            self._ticket = None
            self.finished.emit(result)

    @Slot(object, object)
    def _on_failed(self, ticket: Ticket, report: ErrorReport) -> None:
        if ticket == self._ticket:
            self._ticket = None
            self.failed.emit(report)

    @Slot(object)
    def _on_cancelled(self, ticket: Ticket) -> None:
        if ticket == self._ticket:
            self._ticket = None
            self.cancelled.emit()
