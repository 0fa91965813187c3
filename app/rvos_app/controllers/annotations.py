"""Keeps true what the canvas shows besides the masks: clicks, the lock of this frame, the neighbours' outlines."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from rvos_app.canvas.decorations import Decorations
from rvos_app.canvas.drawing_canvas import DrawingCanvas
from rvos_app.controllers.clicking import Clicking
from rvos_app.controllers.mask_editor import MaskEditor
from rvos_app.controllers.shown import ShownFrame
from rvos_app.i18n import tr
from rvos_app.state import StudioState
from rvos_core.masks import Rle


class Annotations(QObject):
    """Follows the frame on screen, the selected object and its results."""

    def __init__(
        self,
        state: StudioState,
        *,
        canvas: DrawingCanvas,
        shown: ShownFrame,
        editor: MaskEditor,
        clicking: Clicking,
    ) -> None:
        super().__init__()
        self._state = state
        self._canvas = canvas
        self._shown = shown
        self._editor = editor
        self._clicking = clicking
        self._onion_skin = False
        shown.changed.connect(self.refresh)
        clicking.changed.connect(self.refresh)
        state.selection_changed.connect(self.refresh, max_args=0)
        state.objects_changed.connect(self.refresh, max_args=0)
        state.results_changed.connect(self._on_results)

    def set_onion_skin(self, shown: bool) -> None:
        """Show or hide the outlines of the selected object on the frames before and after."""
        self._onion_skin = shown
        self.refresh()

    def _on_results(self, object_id: int, frames: tuple[int, ...]) -> None:
        here = self._shown.index
        if object_id == self._state.selected and not {here - 1, here, here + 1}.isdisjoint(frames):
            self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Tell the canvas."""
        here, selected = self._shown.index, self._state.selected
        thing = self._state.object(selected) if selected is not None else None
        if thing is None or self._shown.picture is None:
            self._canvas.set_decorations(Decorations(clicks=self._clicking.clicks))
            return
        self._canvas.set_decorations(
            Decorations(
                before=self._neighbour(thing.object_id, here - 1),
                after=self._neighbour(thing.object_id, here + 1),
                clicks=self._clicking.clicks,
                badge=tr("Locked") if self._state.results(thing.object_id).is_locked(here) else "",
            )
        )

    def _neighbour(self, object_id: int, frame: int) -> Rle | None:
        return self._editor.mask(object_id, frame) if self._onion_skin else None
