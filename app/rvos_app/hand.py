"""What a person corrects with: tools on the canvas, propagation, doubts. A part of the composition root."""

from __future__ import annotations

from app_model.expressions import Context
from PySide6.QtCore import QObject, Signal

from rvos_app.canvas.drawing_canvas import DrawingCanvas
from rvos_app.controllers.annotations import Annotations
from rvos_app.controllers.clicking import Clicking
from rvos_app.controllers.clip import ClipController
from rvos_app.controllers.correction import Correction
from rvos_app.controllers.document import DocumentController
from rvos_app.controllers.drawing import Drawing
from rvos_app.controllers.mask_commands import MaskCommands
from rvos_app.controllers.mask_editor import MaskEditor
from rvos_app.controllers.propagation import PropagationController
from rvos_app.controllers.shown import ShownFrame
from rvos_app.controllers.suspicion import SuspicionKeeper
from rvos_app.errors import ErrorReporter
from rvos_app.jobs.click_jobs import ClickAnswerer, InstalledClickers
from rvos_app.jobs.queue import JobQueue
from rvos_app.playback.controller import PlaybackController
from rvos_app.settings import Settings
from rvos_app.state import StudioState


class Hand(QObject):
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
        playback: PlaybackController,
        queue: JobQueue,
        clips: ClipController,
        documents: DocumentController,
        settings: Settings,
        reporter: ErrorReporter,
        context: Context,
        answer_clicks: ClickAnswerer | None,
    ) -> None:
        super().__init__()
        self.shown = ShownFrame(state, playback)
        self.editor = MaskEditor(state, documents=documents, shown=self.shown)
        answer = answer_clicks or InstalledClickers(settings)
        self.clicking = Clicking(state, queue=queue, editor=self.editor, answer=answer, shown=self.shown, clips=clips)
        self.drawing = Drawing(
            state,
            canvas=canvas,
            playback=playback,
            shown=self.shown,
            editor=self.editor,
            clicking=self.clicking,
            settings=settings,
            context=context,
        )
        annotations = Annotations(state, canvas=canvas, shown=self.shown, editor=self.editor, clicking=self.clicking)
        self.masks = MaskCommands(
            state,
            drawing=self.drawing,
            editor=self.editor,
            shown=self.shown,
            playback=playback,
            canvas=canvas,
            annotations=annotations,
            context=context,
        )
        self.spread = PropagationController(
            state, queue=queue, clips=clips, documents=documents, settings=settings, reporter=reporter
        )
        self.doubts = SuspicionKeeper(state)
        self.correction = Correction(state, spread=self.spread, doubts=self.doubts, playback=playback, context=context)
        for each in (self.drawing, self.masks, self.correction):
            each.said.connect(self.said)
