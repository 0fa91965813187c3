"""Painting on trimaps: what the trimap brush finds under it, what its strokes become, and what the canvas shows of it.

The trimap of the selected object is shown while its brush is in hand, made in the preview queue. What is painted counts
only where the edge is refined: so the first stroke switches that on, in the same step of undo, and says so.
"""

from __future__ import annotations

from dataclasses import replace

from app_model.expressions import Context
from PySide6.QtCore import QObject, Signal, Slot

from rvos_app.canvas.drawing_canvas import DrawingCanvas
from rvos_app.canvas.tools.tool import Tool, TrimapDrawn
from rvos_app.canvas.tools.trimap import TrimapOptions, TrimapSheet, TrimapTool
from rvos_app.canvas.tools.trimap_layer import TrimapLayer
from rvos_app.controllers.drawing import Drawing
from rvos_app.controllers.looks import Looks
from rvos_app.controllers.mask_editor import MaskEditor
from rvos_app.controllers.shown import ShownFrame
from rvos_app.errors import ErrorReport
from rvos_app.i18n import tr
from rvos_app.jobs.job import Ticket
from rvos_app.jobs.queue import JobQueue
from rvos_app.jobs.trimap_jobs import MakeTrimapLayer
from rvos_app.playback.controller import PlaybackController
from rvos_app.state import StudioObject, StudioState
from rvos_core.errors import UsageError
from rvos_core.masks import TrimapStrokes, area
from rvos_core.masks.trimap_strokes import INSIDE, OUTSIDE, UNKNOWN, UNPAINTED
from rvos_core.matte.settings import MatteSettings, Refine
from rvos_core.project.trimaps import PaintTrimap

TOOL = "trimap"
BRUSHES = {"inside": INSIDE, "unknown": UNKNOWN, "outside": OUTSIDE, "automatic": UNPAINTED}
_NAMES = {
    INSIDE: "Trimap inside",
    UNKNOWN: "Trimap unknown",
    OUTSIDE: "Trimap outside",
    UNPAINTED: "Trimap automatic",
}


class TrimapPainting(QObject):
    """Lends its tool to `Drawing`.

    Signals:
        said(str): a sentence for the status bar.
    """

    said = Signal(str)

    def __init__(
        self,
        state: StudioState,
        *,
        drawing: Drawing,
        editor: MaskEditor,
        canvas: DrawingCanvas,
        shown: ShownFrame,
        looks: Looks,
        queue: JobQueue,
        playback: PlaybackController,
        context: Context,
    ) -> None:
        super().__init__()
        self._state = state
        self._drawing = drawing
        self._editor = editor
        self._canvas = canvas
        self._shown = shown
        self._looks = looks
        self._queue = queue
        self._playback = playback
        self._context = context
        self._options = TrimapOptions(UNKNOWN)
        self._ticket: Ticket | None = None
        self._wanted: MakeTrimapLayer | None = None
        self.tool: Tool = TrimapTool(drawing.options, self._options)
        drawing.lend(self)
        drawing.tool_changed.connect(self._refresh)
        shown.changed.connect(self._refresh)
        playback.playingChanged.connect(self._refresh)
        state.selection_changed.connect(self._refresh, max_args=0)
        state.objects_changed.connect(self._refresh, max_args=0)
        state.results_changed.connect(self._refresh, max_args=0)
        state.trimaps.changed.connect(self._refresh, max_args=0)
        looks.changed.connect(self._on_look)
        queue.finished.connect(self._on_finished)
        queue.failed.connect(self._on_failed)
        queue.cancelled.connect(self._forget)
        self.choose_brush("unknown", take_up=False)

    @property
    def busy(self) -> bool:
        """A trimap is being made."""
        return self._ticket is not None

    # -- the brush ---------------------------------------------------------------------------------------------------

    def choose_brush(self, name: str, *, take_up: bool = True) -> None:
        """Take up the brush of that name, a key of `BRUSHES`."""
        self._canvas.finish_gesture()
        self._options.label = BRUSHES[name]
        self._context["trimap_brush"] = name
        if take_up and self._drawing.tool != TOOL:
            self._drawing.choose(TOOL)
        self._canvas.refresh_tool()

    def clear(self) -> None:
        """What is painted on the frame on screen goes."""
        try:
            thing = self._editor.required_target()
            before = self._state.trimaps.at(thing.object_id, self._shown.index)
            if before is None:
                raise UsageError(
                    tr("Nothing is painted on the trimap of frame {frame}.", frame=self._shown.index),
                    code="trimap.none",
                )
        except UsageError as error:
            self.said.emit(str(error))
            return
        self._canvas.cancel_gesture()
        nothing = TrimapStrokes.nothing(*before.size)
        edit = PaintTrimap(thing.object_id, self._shown.index, nothing, what="Clear trimap")
        self._state.paint_trimap(edit, thing.look)

    # -- what `Drawing` asks -----------------------------------------------------------------------------------------

    def sheet(self) -> TrimapSheet:
        """A stroke begins. Raises: UsageError: it cannot, and why."""
        thing = self._editor.required_target()
        picture = self._shown.required_picture()
        wanted = self._job(thing)
        if wanted is None:
            raise UsageError(
                tr(
                    "“{name}” has no mask on frame {frame}, so there is no edge to refine: make a mask first.",
                    name=thing.name,
                    frame=self._shown.index,
                ),
                code="trimap.no_mask",
            )
        if self._canvas.trimap is None or wanted != self._wanted or self.busy:
            self._show(wanted.layer(), wanted)
        layer = self._canvas.trimap
        assert layer is not None
        return TrimapSheet(
            self._shown.index,
            thing.object_id,
            picture,
            None,
            thing.colour,
            1.0,
            layer=layer,
            painted=wanted.strokes,
        )

    def take(self, done: TrimapDrawn) -> None:
        """A stroke has ended. Raises: UsageError: it counts for nothing, and why."""
        layer = done.layer
        height, width = layer.size
        strokes = TrimapStrokes.of(layer.labels)
        if strokes == (done.before or TrimapStrokes.nothing(height, width)):
            raise UsageError(tr("Nothing changed: that was painted so already."), code="trimap.unchanged")
        try:
            thing = self._editor.open_object(layer.object_id)
        except UsageError:
            layer.show(done.before)
            self._canvas.refresh_tool()
            raise
        edit = PaintTrimap(thing.object_id, layer.frame_index, strokes, _NAMES[done.label])
        look, says = thing.look, ""
        if self._looks.kept(thing.object_id).matte.at(layer.frame_index).refine is not Refine.EDGE:
            refined = self._looks.with_knob(thing.object_id, "refine", Refine.EDGE, frame=layer.frame_index)
            look = refined.to_json()
            says = tr("“Refine edge” was switched on, as painted trimaps count with it only. Undo takes both back.")
        if self._wanted is not None and self._wanted.frame_index == layer.frame_index:  # what is shown is this already
            self._wanted = replace(self._wanted, strokes=None if strokes.is_empty else strokes)
        self._state.paint_trimap(edit, look)
        if says:
            self.said.emit(says)

    # -- what is shown -----------------------------------------------------------------------------------------------

    def _job(self, thing: StudioObject) -> MakeTrimapLayer | None:
        """What makes the trimap of the frame on screen; None: there is no mask."""
        frame = self._shown.index
        result = self._state.results(thing.object_id).get(frame)
        if result is None or not result.visible or not area(result.mask):
            return None
        settings = _of_band(self._looks.shown(thing.object_id).matte.at(frame))
        return MakeTrimapLayer(
            thing.object_id, frame, result.mask, settings, self._state.trimaps.at(thing.object_id, frame)
        )

    @Slot()
    def _refresh(self) -> None:
        """Show the trimap of what is selected now, and no other."""
        thing = self._state.object(self._state.selected) if self._state.selected is not None else None
        shows = self._drawing.tool == TOOL and self._shown.picture is not None and not self._playback.playing
        wanted = self._job(thing) if shows and thing is not None and thing.visible else None
        if wanted == self._wanted:
            return
        before, self._wanted = self._wanted, wanted
        if self._ticket is not None:
            self._queue.cancel(self._ticket)
            self._ticket = None
        if wanted is None or before is None or _place(before) != _place(wanted):
            self._canvas.finish_gesture()
            self._canvas.set_trimap(None)
        if wanted is not None:
            self._ticket = self._queue.submit(wanted, generation=self._state.generation)

    @Slot(int)
    def _on_look(self, object_id: int) -> None:
        if object_id == self._state.selected:
            self._refresh()

    @Slot(object, object)
    def _on_finished(self, ticket: Ticket, layer: object) -> None:
        if ticket == self._ticket and isinstance(layer, TrimapLayer):
            self._ticket = None
            self._canvas.finish_gesture()
            self._canvas.set_trimap(layer)

    @Slot(object, object)
    def _on_failed(self, ticket: Ticket, report: ErrorReport) -> None:
        if ticket == self._ticket:
            self._ticket = None
            self.said.emit(report.message)

    @Slot(object)
    def _forget(self, ticket: Ticket) -> None:
        if ticket == self._ticket:
            self._ticket = None

    def _show(self, layer: TrimapLayer, made_by: MakeTrimapLayer) -> None:
        """A stroke cannot wait for the queue."""
        if self._ticket is not None:
            self._queue.cancel(self._ticket)
            self._ticket = None
        self._wanted = made_by
        self._canvas.set_trimap(layer)


def _place(job: MakeTrimapLayer) -> tuple[int, int]:
    return job.object_id, job.frame_index


def _of_band(settings: MatteSettings) -> MatteSettings:
    """Only what the automatic trimap depends on: other knobs do not make it anew."""
    return MatteSettings(
        fill_holes=settings.fill_holes,
        despeckle_px=settings.despeckle_px,
        border_fix_px=settings.border_fix_px,
        inside_px=settings.inside_px,
        outside_px=settings.outside_px,
    )
