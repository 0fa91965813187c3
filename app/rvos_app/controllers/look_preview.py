"""Keeps a rendered picture on the canvas where its view mode wants one: asks for it, drops what has become stale."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from rvos_app.canvas.mode import ViewMode
from rvos_app.canvas.view import VideoCanvas
from rvos_app.controllers.clip import ClipController
from rvos_app.controllers.looks import Looks
from rvos_app.controllers.propagation import PropagationController
from rvos_app.controllers.shown import ShownFrame
from rvos_app.errors import ErrorReport
from rvos_app.jobs.job import Ticket
from rvos_app.jobs.look_jobs import (
    ClosePreviewRoom,
    PreviewObject,
    PreviewRoom,
    RenderedPreview,
    RenderPreview,
)
from rvos_app.jobs.queue import JobQueue
from rvos_app.playback.controller import PlaybackController
from rvos_app.state import StudioState
from rvos_core.masks import Rle
from rvos_core.matte.steady import LOOK_BACK

_RENDERED = (ViewMode.MATTE, ViewMode.CUT_OUT, ViewMode.EFFECTS)


class LookPreview(QObject):
    """Renders in the preview queue what the canvas is to show of the objects' looks.

    While the clip plays nothing is rendered: masks stand for mattes.

    Signals:
        shown(RenderedPreview): it is on the canvas now.
        failed(str): why a frame could not be rendered.
    """

    shown = Signal(object)
    failed = Signal(str)

    def __init__(
        self,
        state: StudioState,
        *,
        looks: Looks,
        queue: JobQueue,
        clips: ClipController,
        canvas: VideoCanvas,
        frame: ShownFrame,
        spread: PropagationController,
        playback: PlaybackController,
    ) -> None:
        super().__init__()
        self._state = state
        self._looks = looks
        self._queue = queue
        self._clips = clips
        self._canvas = canvas
        self._frame = frame
        self._spread = spread
        self._playback = playback
        self._room: PreviewRoom | None = None
        self._tickets: list[Ticket] = []
        self._number = 0
        self._last: RenderPreview | None = None
        self._on_canvas = 0  # number of what is shown
        self._valid_from = 0  # what was asked for before shows other masks
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._ask)
        state.clip_changed.connect(self._on_clip, max_args=0)
        state.objects_changed.connect(self._on_masks, max_args=0)
        state.results_changed.connect(self._on_masks, max_args=0)
        state.trimaps.changed.connect(self._on_masks, max_args=0)
        spread.changed.connect(self._on_masks)
        looks.changed.connect(self._on_look)
        canvas.viewModeChanged.connect(self._soon.start)
        canvas.previewDropped.connect(self._soon.start)
        frame.changed.connect(self._soon.start)
        playback.playingChanged.connect(self._on_playing)
        queue.progressed.connect(self._on_rendered)
        queue.finished.connect(self._on_finished)
        queue.failed.connect(self._on_failed)
        queue.cancelled.connect(self._forget)

    @property
    def busy(self) -> bool:
        """Something is being rendered, or will be at once."""
        return bool(self._tickets) or self._soon.isActive()

    def close(self) -> None:
        """The program ends, and with it the queue has."""
        if self._room is not None:
            self._room.close()
            self._room = None

    # -- asking ------------------------------------------------------------------------------------------------------

    def _on_clip(self) -> None:
        self._cancel()
        self._last = None
        if self._room is not None:
            self._queue.submit(ClosePreviewRoom(self._room))
            self._room = None

    def _on_masks(self) -> None:
        self._valid_from = self._number + 1
        self._soon.start()

    @Slot(int)
    def _on_look(self, _object_id: int) -> None:
        self._soon.start()

    @Slot(bool)
    def _on_playing(self, _playing: bool) -> None:
        self._soon.start()

    @Slot()
    def _ask(self) -> None:
        mode, reader = self._canvas.view_mode, self._clips.reader
        if mode not in _RENDERED or reader is None or self._frame.picture is None or self._playback.playing:
            self._cancel()
            self._last = None
            return
        objects = self._objects(mode)
        if self._room is None:
            self._room = PreviewRoom(reader)
        job = RenderPreview(self._number + 1, self._room, mode, self._frame.index, objects)
        if self._last is not None and self._canvas.preview is not None and _same(self._last, job):
            return
        self._cancel()
        self._number += 1
        self._last = job
        if objects or mode is ViewMode.CUT_OUT:
            self._tickets.append(self._queue.submit(job, generation=self._state.generation))
        else:
            self._canvas.set_preview(None)

    def _objects(self, mode: ViewMode) -> tuple[PreviewObject, ...]:
        """Visible objects with what is to be seen of them; for the effects those that have any."""
        found = []
        for thing in self._state.objects:
            look = self._looks.shown(thing.object_id)
            if thing.visible and (mode is not ViewMode.EFFECTS or look.effects.effects):
                masks = self._masks(thing.object_id)
                strokes = {index: self._state.trimaps.at(thing.object_id, index) for index in masks}
                found.append(PreviewObject(thing.object_id, look, masks, strokes))
        return tuple(found)

    def _masks(self, object_id: int) -> dict[int, Rle | None]:
        results = self._state.results(object_id)
        masks: dict[int, Rle | None] = {}
        for index in range(max(0, self._frame.index - LOOK_BACK), self._frame.index + 1):
            found = self._spread.shown(object_id, index) or results.get(index)
            masks[index] = found.mask if found is not None and found.visible else None
        return masks

    def _cancel(self) -> None:
        for ticket in tuple(self._tickets):
            self._queue.cancel(ticket)

    # -- what comes --------------------------------------------------------------------------------------------------

    @Slot(object, object)
    def _on_rendered(self, ticket: Ticket, event: object) -> None:
        """A draft or the whole. What a newer request has overtaken is shown as long as it is of this frame: while a
        slider moves the picture follows."""
        if not isinstance(event, RenderedPreview) or ticket.generation != self._state.generation:
            return
        newer = event.number > self._on_canvas or (event.number == self._on_canvas and not event.is_draft)
        fresh = event.number >= self._valid_from and event.frame_index == self._frame.index and newer
        if fresh and event.preview.mode is self._canvas.view_mode and not self._playback.playing:
            self._on_canvas = event.number
            self._canvas.set_preview(event.preview)
            self.shown.emit(event)

    @Slot(object, object)
    def _on_finished(self, ticket: Ticket, result: object) -> None:
        self._on_rendered(ticket, result)
        self._forget(ticket)

    @Slot(object, object)
    def _on_failed(self, ticket: Ticket, report: ErrorReport) -> None:
        if ticket in self._tickets and ticket.generation == self._state.generation:
            self.failed.emit(report.message)
        self._forget(ticket)

    @Slot(object)
    def _forget(self, ticket: Ticket) -> None:
        if ticket in self._tickets:
            self._tickets.remove(ticket)


def _same(before: RenderPreview, now: RenderPreview) -> bool:
    """Whether both ask for the same picture."""
    return replace(before, number=now.number) == now
