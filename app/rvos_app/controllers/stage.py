"""Keeps picture, timeline and transport showing what the state says, and the state told what the person does there."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Slot

from rvos_app.canvas.view import Overlay, VideoCanvas
from rvos_app.controllers.propagation import PropagationController
from rvos_app.controllers.suspicion import SuspicionKeeper
from rvos_app.i18n import tr
from rvos_app.panels.transport import TransportBar
from rvos_app.playback.controller import PlaybackController
from rvos_app.settings import Settings
from rvos_app.state import RunStatus, StudioState
from rvos_app.timeline.widget import Lane, TimelineWidget
from rvos_core.errors import UserError
from rvos_core.types import FrameSpan, MediaInfo


class Stage(QObject):
    """Joins state, playback, canvas, timeline and transport bar."""

    def __init__(
        self,
        state: StudioState,
        *,
        playback: PlaybackController,
        canvas: VideoCanvas,
        timeline: TimelineWidget,
        transport: TransportBar,
        settings: Settings,
        spread: PropagationController,
        doubts: SuspicionKeeper,
    ) -> None:
        super().__init__()
        self._state = state
        self._playback = playback
        self._canvas = canvas
        self._timeline = timeline
        self._transport = transport
        self._settings = settings
        self._spread = spread
        self._shown = 0
        self._doubts = doubts
        spread.changed.connect(self._show_overlays)
        doubts.changed.connect(self._on_doubts)
        playback.frameReady.connect(self._on_frame)
        playback.indexChanged.connect(self._on_index)
        playback.speedChanged.connect(transport.set_speed)
        playback.frameFailed.connect(self._on_frame_failed)
        playback.thumbnailReady.connect(timeline.set_thumbnail)
        timeline.thumbnailsWanted.connect(playback.request_thumbnails)
        timeline.seekRequested.connect(playback.seek)
        timeline.spanChanged.connect(state.set_span)
        timeline.laneSelected.connect(state.select)
        canvas.zoomChanged.connect(transport.set_zoom)
        transport.opacity.valueChanged.connect(self._on_opacity)
        state.clip_changed.connect(self._on_clip)
        state.span_changed.connect(timeline.set_span)
        state.objects_changed.connect(self._on_objects, max_args=0)
        state.results_changed.connect(self._on_results)
        state.selection_changed.connect(timeline.set_selected)
        state.run_changed.connect(self._on_run)
        transport.opacity.setValue(round(settings.overlay_opacity * 100))

    # -- what the state says ---------------------------------------------------------------------------------------

    def _on_clip(self, clip: MediaInfo | None) -> None:
        self._shown = 0
        self._timeline.set_clip(clip)
        self._transport.set_clip(clip)
        self._canvas.set_message("")
        if clip is None:
            self._canvas.set_frame(None)
        self._show_overlays()

    def _on_objects(self) -> None:
        self._timeline.set_lanes([Lane(o.object_id, o.name, o.colour) for o in self._state.objects])
        self._show_overlays()

    def _on_results(self, object_id: int, frames: tuple[int, ...]) -> None:
        places = np.asarray(frames, np.int64)
        shelf = self._state.results(object_id)
        states, confidence = shelf.states(places)
        self._timeline.set_lane_values(object_id, places, states, confidence, shelf.locks(places))
        if self._shown in frames:
            self._show_overlays()

    @Slot(int)
    def _on_doubts(self, object_id: int) -> None:
        self._timeline.set_suspects(object_id, self._doubts.worth_a_look(object_id))

    def _on_run(self, run: RunStatus) -> None:
        self._timeline.set_run_progress(self._run_span(run))

    def _run_span(self, run: RunStatus) -> FrameSpan | None:
        """The frames that the run has still to do, seen from its object's results."""
        if run.object_id is None or not run.windows:
            return None
        first = self._state.results(run.object_id).first_missing(self._state.span)
        return None if first is None else FrameSpan(first, self._state.span.stop)

    def _show_overlays(self) -> None:
        overlays = []
        for thing in self._state.objects:
            proposed = self._spread.shown(thing.object_id, self._shown)
            result = proposed or self._state.results(thing.object_id).get(self._shown)
            if thing.visible and result is not None and result.visible:
                opacity = self._settings.overlay_opacity
                overlays.append(Overlay(thing.object_id, result.mask, thing.colour, opacity, result.box, thing.name))
        self._canvas.set_overlays(overlays)

    # -- what playback and the person say --------------------------------------------------------------------------

    @Slot(int, object)
    def _on_frame(self, index: int, image: np.ndarray) -> None:
        clip = self._state.clip
        if clip is None:
            return
        self._shown = index
        self._canvas.set_frame(image)
        damaged = any(index in span for span in clip.damaged)
        self._canvas.set_message(tr("This frame of the file is damaged.") if damaged else "")
        self._show_overlays()

    @Slot(int, object)
    def _on_frame_failed(self, index: int, error: UserError) -> None:
        """What was on screen stays there, under a note; no mask is shown over the wrong frame."""
        self._canvas.set_message(tr("Frame {index} cannot be read: {why}", index=index, why=error.message))
        self._shown = index
        self._canvas.set_overlays([])

    @Slot(int)
    def _on_index(self, index: int) -> None:
        self._state.set_frame(index)
        self._timeline.set_playhead(index)

    @Slot(int)
    def _on_opacity(self, percent: int) -> None:
        self._settings.overlay_opacity = percent / 100
        self._show_overlays()
