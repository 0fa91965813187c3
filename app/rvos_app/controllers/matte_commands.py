"""What the Matte menu and the buttons of its panel do, and the conditions of both."""

from __future__ import annotations

from collections.abc import Callable

from app_model.expressions import Context

from rvos_app.controllers.looks import Looks
from rvos_app.controllers.trimap_painting import TrimapPainting
from rvos_app.playback.controller import PlaybackController
from rvos_app.state import StudioState
from rvos_core.matte.effects import EFFECTS


class MatteCommands:
    """Args: see `looking`. `open_panel` is set once there is a panel."""

    def __init__(
        self,
        state: StudioState,
        *,
        looks: Looks,
        painting: TrimapPainting,
        playback: PlaybackController,
        context: Context,
    ) -> None:
        self._state = state
        self._looks = looks
        self._playback = playback
        self._context = context
        self.toggle_keyframe = looks.toggle_keyframe
        self.reset = looks.reset
        self.copy_to_others = looks.copy_to_others
        self.choose_brush = painting.choose_brush
        self.clear_trimap = painting.clear
        self.open_panel: Callable[[], object] = _nothing
        state.frame_changed.connect(self._refresh, max_args=0)
        state.selection_changed.connect(self._refresh, max_args=0)
        state.trimaps.changed.connect(self._refresh, max_args=0)
        looks.changed.connect(self._on_look)
        self._refresh()

    def show_panel(self) -> None:
        self.open_panel()

    def add_effect(self, kind: str) -> None:
        self._looks.add_effect(EFFECTS[kind])
        self.open_panel()

    def previous_keyframe(self) -> None:
        before = [each for each in self._keyframes() if each < self._state.frame_index]
        if before:
            self.go_to(before[-1])

    def next_keyframe(self) -> None:
        behind = [each for each in self._keyframes() if each > self._state.frame_index]
        if behind:
            self.go_to(behind[0])

    def go_to(self, frame: int) -> None:
        """Show a frame."""
        self._playback.seek(frame)

    def _keyframes(self) -> tuple[int, ...]:
        return self._looks.keyframes(self._state.selected)

    def _on_look(self, _object_id: int) -> None:
        self._refresh()

    def _refresh(self) -> None:
        found, frame = self._keyframes(), self._state.frame_index
        values = {
            "has_keyframes": bool(found),
            "has_keyframe_here": frame in found,
            "has_painted_here": self._state.trimaps.at(self._state.selected, frame) is not None,
        }
        if any(self._context.get(name) != value for name, value in values.items()):
            self._context.update(values)


def _nothing() -> None:
    return None
