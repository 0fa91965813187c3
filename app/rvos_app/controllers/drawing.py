"""The tool in hand: which one it is, what it draws on, and what its gestures do to the document."""

from __future__ import annotations

from typing import Protocol

from app_model.expressions import Context
from PySide6.QtCore import QObject, Signal, Slot

from rvos_app.canvas.drawing_canvas import DrawingCanvas
from rvos_app.canvas.tools.box import BoxTool
from rvos_app.canvas.tools.brush import BrushOptions, BrushTool
from rvos_app.canvas.tools.move import MoveTool
from rvos_app.canvas.tools.outline import LassoTool, PolygonTool
from rvos_app.canvas.tools.points import PointsTool
from rvos_app.canvas.tools.select import SelectTool
from rvos_app.canvas.tools.sheet import Sheet
from rvos_app.canvas.tools.tool import Boxed, Drawn, Outcome, Picked, Pointed, Refused, Tool, TrimapDrawn
from rvos_app.controllers.clicking import Clicking
from rvos_app.controllers.mask_editor import MaskEditor
from rvos_app.controllers.shown import ShownFrame
from rvos_app.i18n import tr
from rvos_app.playback.controller import PlaybackController
from rvos_app.settings import Settings
from rvos_app.state import StudioState
from rvos_core.errors import UsageError
from rvos_core.masks import area, decode, encode, object_colour
from rvos_core.types import MediaInfo


class Lender(Protocol):
    """Lends a tool that draws on something else than a mask."""

    tool: Tool

    def sheet(self) -> Sheet:
        """What a gesture that begins is drawn on. Raises: UsageError: nothing, and why."""
        ...

    def take(self, done: TrimapDrawn) -> None:
        """A gesture has ended. Raises: UsageError: it counts for nothing, and why."""
        ...


class Drawing(QObject):
    """Tools, their options, and their gestures as edits.

    Signals:
        said(str): a sentence for the status bar.
        tool_changed(name): another tool is in hand.
        options_changed(): size or hardness of the brush are others.
    """

    said = Signal(str)
    tool_changed = Signal(str)
    options_changed = Signal()

    def __init__(
        self,
        state: StudioState,
        *,
        canvas: DrawingCanvas,
        playback: PlaybackController,
        shown: ShownFrame,
        editor: MaskEditor,
        clicking: Clicking,
        settings: Settings,
        context: Context,
    ) -> None:
        super().__init__()
        self._state = state
        self._canvas = canvas
        self._playback = playback
        self._shown = shown
        self._editor = editor
        self._clicking = clicking
        self._settings = settings
        self._context = context
        self.options = BrushOptions(settings.brush_size, settings.brush_hardness)
        self._tools = _make_tools(self.options)
        self._lender: Lender | None = None
        canvas.prepare = self._prepare
        canvas.gestured.connect(self._on_gesture)
        canvas.sizing.connect(self.scale_size)
        shown.leaving.connect(canvas.finish_gesture)
        state.clip_changed.connect(self._on_clip)
        state.selection_changed.connect(self._on_selection, max_args=0)
        state.results_changed.connect(self._on_results)
        clicking.said.connect(self.said)
        self.choose("select")

    # -- the tool and its options ------------------------------------------------------------------------------------

    @property
    def tool(self) -> str:
        """The name of the tool in hand."""
        return self._canvas.tool.name

    def lend(self, lender: Lender) -> None:
        """There is one more tool, on whose gestures its lender decides."""
        self._lender = lender
        self._tools[lender.tool.name] = lender.tool

    def choose(self, name: str) -> None:
        """Take a tool in hand."""
        self._canvas.set_tool(self._tools[name])
        self._context["tool"] = name
        self.tool_changed.emit(name)

    def set_size(self, size: float) -> None:
        """Diameter of the brush, frame pixels."""
        self._settings.brush_size = self.options.resized(size)
        self._tell_options()

    def set_hardness(self, hardness: float) -> None:
        """Share of the brush that takes whatever lies there, 0..1."""
        self.options.hardness = self._settings.brush_hardness = min(max(hardness, 0.0), 1.0)
        self._tell_options()

    def change_size(self, step: int) -> None:
        """Some pixels more, or less."""
        self.set_size(round(self.options.size) + step)

    @Slot(float)
    def scale_size(self, factor: float) -> None:
        """So many times as large."""
        self.set_size(self.options.size * factor)

    def _tell_options(self) -> None:
        self._canvas.refresh_tool()
        self.options_changed.emit()

    # -- gestures ----------------------------------------------------------------------------------------------------

    def _prepare(self) -> Sheet | None:
        """A gesture begins: what it is drawn on, or None with a word why it cannot."""
        if self._playback.playing:
            self._playback.pause()
        try:
            if self._lender is not None and self.tool == self._lender.tool.name:
                return self._lender.sheet()
            thing = self._editor.target()
            picture = self._shown.required_picture()
        except UsageError as error:
            self.said.emit(str(error))
            return None
        object_id = None if thing is None else thing.object_id
        return Sheet(
            self._shown.index,
            object_id,
            picture,
            self._editor.mask(object_id, self._shown.index),
            self._next_colour() if thing is None else thing.colour,
            self._settings.overlay_opacity,
        )

    def _next_colour(self) -> tuple[int, int, int]:
        used = {each.colour for each in self._state.objects}
        return next(colour for n in range(len(used) + 1) if (colour := object_colour(n)) not in used)

    @Slot(object)
    def _on_gesture(self, done: Outcome) -> None:
        match done:
            case Drawn():
                self._draw(done)
            case TrimapDrawn():
                self._hand_over(done)
            case Pointed():
                self._clicking.point(done)
            case Boxed():
                self._clicking.box(done)
            case Picked(pixel):
                self._pick(*pixel)
            case Refused(why):
                self.said.emit(why)

    def _hand_over(self, done: TrimapDrawn) -> None:
        assert self._lender is not None
        try:
            self._lender.take(done)
        except UsageError as error:
            self.said.emit(str(error))

    def _draw(self, done: Drawn) -> None:
        sheet = done.sheet
        mask = encode(sheet.result())
        unchanged = mask == sheet.before if sheet.before is not None else not area(mask)
        if unchanged:
            self.said.emit(tr("Nothing changed: the mask is as it was."))
            return
        try:
            self._editor.draw(sheet.object_id, sheet.frame_index, mask, what=done.what)
        except UsageError as error:
            self.said.emit(str(error))

    def _pick(self, x: int, y: int) -> None:
        """Select the topmost object that is seen there; a click beside all objects selects none."""
        for thing in reversed(self._state.objects):
            mask = self._editor.mask(thing.object_id, self._shown.index)
            if thing.visible and mask is not None and decode(mask)[y, x]:
                self._state.select(thing.object_id)
                return
        self._state.select(None)

    # -- what else changes -------------------------------------------------------------------------------------------

    def _on_clip(self, _clip: MediaInfo | None) -> None:
        self._canvas.cancel_gesture()

    def _on_selection(self) -> None:
        """A gesture that is under way ends on the object that it began on."""
        self._canvas.finish_gesture()

    def _on_results(self, object_id: int, frames: tuple[int, ...]) -> None:
        """A polygon that is still open goes onto the mask as it is when it closes."""
        sheet = self._canvas.tool.sheet
        if sheet is not None and sheet.object_id == object_id and sheet.frame_index in frames:
            sheet.renew(self._editor.mask(object_id, sheet.frame_index))


def _make_tools(options: BrushOptions) -> dict[str, Tool]:
    tools: tuple[Tool, ...] = (
        SelectTool(),
        PointsTool(),
        BoxTool(),
        BrushTool(options),
        BrushTool(options, erases=True),
        PolygonTool(),
        LassoTool(),
        MoveTool(),
    )
    return {tool.name: tool for tool in tools}
