"""How objects look: mattes, painted trimaps, effects and their preview. A part of the composition root."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from app_model.expressions import Context
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from rvos_app.actions.hub import ActionHub
from rvos_app.actions.matte import matte_actions
from rvos_app.canvas.drawing_canvas import DrawingCanvas
from rvos_app.canvas.eyedropper import Eyedropper
from rvos_app.controllers.clip import ClipController
from rvos_app.controllers.document import DocumentController
from rvos_app.controllers.look_preview import LookPreview
from rvos_app.controllers.looks import Looks
from rvos_app.controllers.matte_commands import MatteCommands
from rvos_app.controllers.matte_marks import MatteMarks
from rvos_app.controllers.trimap_painting import TrimapPainting
from rvos_app.hand import Hand
from rvos_app.jobs.queue import JobQueue
from rvos_app.panels.matte import MattePanel
from rvos_app.playback.controller import PlaybackController
from rvos_app.state import StudioState
from rvos_app.timeline.widget import TimelineWidget


class Looking(QObject):
    """Makes them and joins them.

    Signals:
        said(str): a sentence for the status bar.
    """

    said = Signal(str)

    def __init__(
        self,
        state: StudioState,
        *,
        canvas: DrawingCanvas,
        hand: Hand,
        playback: PlaybackController,
        queue: JobQueue,
        clips: ClipController,
        documents: DocumentController,
        context: Context,
    ) -> None:
        super().__init__()
        self._state = state
        self.looks = Looks(state, documents=documents)
        self.preview = LookPreview(
            state,
            looks=self.looks,
            queue=queue,
            clips=clips,
            canvas=canvas,
            frame=hand.shown,
            spread=hand.spread,
            playback=playback,
        )
        self.painting = TrimapPainting(
            state,
            drawing=hand.drawing,
            editor=hand.editor,
            canvas=canvas,
            shown=hand.shown,
            looks=self.looks,
            queue=queue,
            playback=playback,
            context=context,
        )
        self.eyedropper = Eyedropper(canvas, lambda: hand.shown.picture)
        self.eyedropper.began.connect(playback.pause)
        state.clip_changed.connect(self.eyedropper.end, max_args=0)
        state.selection_changed.connect(self.eyedropper.end, max_args=0)
        self.commands = MatteCommands(
            state, looks=self.looks, painting=self.painting, playback=playback, context=context
        )
        for said in (self.looks.said, self.preview.failed, self.painting.said, self.eyedropper.said):
            said.connect(self.said)

    def register(self, hub: ActionHub) -> None:
        """Their commands; panels show them."""
        hub.register(matte_actions(self.commands))

    def make_panel(self, hub: ActionHub, bring_forward: Callable[[QWidget], object]) -> MattePanel:
        """The panel. `bring_forward`: shows it over others."""
        panel = MattePanel(self._state, self.looks, hub, self.eyedropper)
        panel.frame_chosen.connect(self.commands.go_to)
        self.commands.open_panel = partial(_open, panel, bring_forward)
        return panel

    def show_on(self, timeline: TimelineWidget) -> None:
        """Keyframes and painted trimaps, on the lanes that there are from now on."""
        self._marks = MatteMarks(self._state, looks=self.looks, timeline=timeline)

    def close(self) -> None:
        """The program ends; its queues have."""
        self.preview.close()


def _open(panel: MattePanel, bring_forward: Callable[[QWidget], object]) -> None:
    bring_forward(panel)
    panel.take_focus()
