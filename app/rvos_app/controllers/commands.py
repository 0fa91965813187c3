"""What the menus call that is more than one call: transport, view, and the objects that runs make."""

from __future__ import annotations

from typing import get_args

from app_model.expressions import Context
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QMainWindow

from rvos_app.actions.hub import ActionHub
from rvos_app.canvas.view import VideoCanvas, ViewMode
from rvos_app.controllers.propagation import PropagationController
from rvos_app.controllers.run import RunController
from rvos_app.panels.expression_bar import ExpressionField
from rvos_app.playback.controller import PlaybackController
from rvos_app.settings import Settings
from rvos_app.state import StudioState
from rvos_app.theme import ThemeName, apply_theme
from rvos_core.errors import UsageError


class TransportCommands:
    """Plays, steps, and sets in and out at the playhead."""

    def __init__(
        self, state: StudioState, *, playback: PlaybackController, settings: Settings, context: Context
    ) -> None:
        self._state = state
        self._playback = playback
        self._settings = settings
        self._context = context
        self._loops = False
        self.toggle = playback.toggle
        self.step = playback.step
        self.shuttle = playback.shuttle
        self.clear_span = state.clear_span
        playback.playingChanged.connect(self._tell_playing)
        state.span_changed.connect(self._apply_loop, max_args=0)
        playback.set_muted(settings.muted)
        context["muted"] = settings.muted

    def go_first(self) -> None:
        self._playback.seek(0)

    def go_last(self) -> None:
        if self._state.clip is not None:
            self._playback.seek(self._state.clip.frame_count - 1)

    def set_in(self) -> None:
        self._state.set_in(self._state.frame_index)

    def set_out(self) -> None:
        self._state.set_out(self._state.frame_index)

    def toggle_loop(self) -> None:
        self._loops = not self._loops
        self._context["loop"] = self._loops
        self._apply_loop()

    def toggle_mute(self) -> None:
        self._settings.muted = not self._settings.muted
        self._context["muted"] = self._settings.muted
        self._playback.set_muted(self._settings.muted)

    def _apply_loop(self) -> None:
        self._playback.set_loop(self._state.span if self._loops and len(self._state.span) else None)

    def _tell_playing(self, playing: bool) -> None:
        self._context["playing"] = playing


class ViewCommands:
    """View mode, boxes, zoom, theme, full screen."""

    def __init__(
        self, canvas: VideoCanvas, *, window: QMainWindow, hub: ActionHub, settings: Settings, context: Context
    ) -> None:
        self._window = window
        self._hub = hub
        self._settings = settings
        self._context = context
        self.fit = canvas.fit
        self.zoom_in = canvas.zoom_in
        self.zoom_out = canvas.zoom_out
        self._canvas = canvas
        context["theme"] = settings.theme
        self._show()

    def set_view_mode(self, mode: str) -> None:
        self._settings.view_mode = mode  # type: ignore[assignment]  # pydantic checks it
        self._show()

    def toggle_boxes(self) -> None:
        self._settings.show_boxes = not self._settings.show_boxes
        self._show()

    def _show(self) -> None:
        settings = self._settings
        self._context["view_mode"] = settings.view_mode
        self._context["show_boxes"] = settings.show_boxes
        self._canvas.set_view_mode(ViewMode[settings.view_mode.upper()])
        self._canvas.set_show_boxes(settings.show_boxes)

    def zoom_actual(self) -> None:
        self._canvas.zoom_to(1.0)

    def set_theme(self, theme: str) -> None:
        app = QApplication.instance()
        chosen = next(name for name in get_args(ThemeName) if name == theme)
        self._settings.theme = chosen
        self._context["theme"] = theme
        if isinstance(app, QApplication):
            apply_theme(app, chosen)
            self._hub.repaint_icons()

    def toggle_full_screen(self) -> None:
        full = not self._window.isFullScreen()
        self._window.showFullScreen() if full else self._window.showNormal()
        self._context["full_screen"] = full


class ObjectCommands(QObject):
    """Runs from the expression field, and what can be done to the selected object.

    Signals:
        noticed(str): a sentence about the field, e.g. that it is empty.
    """

    noticed = Signal(str)

    def __init__(
        self, state: StudioState, *, runs: RunController, spread: PropagationController, field: ExpressionField
    ) -> None:
        super().__init__()
        self._state = state
        self._runs = runs
        self._field = field
        self.toggle_pause = runs.toggle_pause
        self._spread = spread

    def cancel(self) -> None:
        """The run, else the propagation, else what the propagation proposes."""
        if self._state.run.active:
            self._runs.cancel()
        elif self._spread.status.active:
            self._spread.cancel()
        else:
            self._spread.discard()

    def start(self) -> None:
        """Run what the field says."""
        self._run(None)

    def run_again(self) -> None:
        """Run the selected object with what the field says, or with its own sentence."""
        self._run(self._state.selected)

    def run_believing(self) -> None:
        """As `run_again`, and the sentence is taken for true."""
        self._run(self._state.selected, believe=True)

    def resume(self) -> None:
        """Go on with the run that was interrupted."""
        try:
            self._runs.resume()
        except UsageError as error:
            self.noticed.emit(str(error))

    def _run(self, object_id: int | None, *, believe: bool = False) -> None:
        chosen = self._state.object(object_id) if object_id is not None else None
        text = self._field.text().strip() or (chosen.expression if chosen else "")
        try:
            self._runs.start(text, object_id=object_id, believe=believe)
        except UsageError as error:
            self.noticed.emit(str(error))
            self._field.setFocus()

    def focus_expression(self) -> None:
        self._field.setFocus()
        self._field.selectAll()

    def toggle_visible(self) -> None:
        thing = self._state.object(self._state.selected) if self._state.selected is not None else None
        if thing is not None:
            self._state.change_object(thing.object_id, visible=not thing.visible)

    def select_number(self, number: int) -> None:
        """Select the object that stands at `number` in the list, from 1."""
        objects = self._state.objects
        if number <= len(objects):
            self._state.select(objects[number - 1].object_id)

    def remove_object(self) -> None:
        """Remove the selected object; undo brings it back with its masks."""
        if self._state.selected is not None:
            self._runs.forget_object(self._state.selected)
            self._state.remove_object(self._state.selected)
