"""Points and boxes: asks a clicker in the background and puts its mask where the person pointed.

Clicks are kept while the person stays on a frame and an object, so that each one refines the mask. An answer that
comes after the frame, the object or the mask has changed, or after a further click, is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from rvos_app.canvas.tools.tool import Boxed, Pointed
from rvos_app.controllers.clip import ClipController
from rvos_app.controllers.mask_editor import MaskEditor
from rvos_app.controllers.shown import ShownFrame
from rvos_app.errors import ErrorReport
from rvos_app.i18n import tr
from rvos_app.jobs.click_jobs import AnswerClicks, ClickAnswerer, ClickedMask, Neighbours
from rvos_app.jobs.job import Ticket
from rvos_app.jobs.queue import JobQueue
from rvos_app.state import StudioState
from rvos_core.errors import UsageError
from rvos_core.masks import Rle, area
from rvos_core.models.api import Around, Clicks


@dataclass(frozen=True)
class _Place:
    """What is being clicked: an object (None: a new one) on a frame of a clip."""

    generation: int
    frame: int
    object_id: int | None


@dataclass(frozen=True)
class _Step:
    """The mask that some clicks have led to; undo and redo go to and fro between them."""

    mask: Rle | None
    clicks: Clicks


class Clicking(QObject):
    """The clicks on the frame on screen.

    Signals:
        said(str): a sentence for the status bar.
        changed(): `clicks` are others.
    """

    said = Signal(str)
    changed = Signal()

    def __init__(
        self,
        state: StudioState,
        *,
        queue: JobQueue,
        editor: MaskEditor,
        shown: ShownFrame,
        answer: ClickAnswerer,
        clips: ClipController,
    ) -> None:
        super().__init__()
        self._state = state
        self._queue = queue
        self._editor = editor
        self._answer = answer
        self._clips = clips
        self._around: Around = _nothing
        self._place = _Place(0, 0, None)
        self._steps: list[_Step] = []
        self._clicks = Clicks()
        self._settled = Clicks()  # those that the mask on screen comes of
        self._what = ""
        self._ticket: Ticket | None = None
        self._putting = False
        queue.finished.connect(self._on_finished)
        queue.failed.connect(self._on_failed)
        shown.leaving.connect(self.forget)
        state.selection_changed.connect(self._on_selection)
        state.results_changed.connect(self._on_results)

    @property
    def clicks(self) -> Clicks:
        """What was pointed at on the frame on screen."""
        return self._clicks

    @property
    def waits(self) -> bool:
        """An answer is on its way."""
        return self._ticket is not None

    def point(self, gesture: Pointed) -> None:
        """One more click, which refines the mask."""
        self._arrive(gesture.sheet.frame_index, gesture.sheet.object_id)
        clicks, pixel = self._clicks, gesture.pixel
        same, other = clicks.positive, clicks.negative
        if not gesture.positive:
            same, other = other, same
        if pixel in other:
            self.said.emit(tr("That very pixel was marked the other way round; undo that click first."))
            return
        if pixel in same:
            self.said.emit(tr("That pixel is marked already."))
            return
        current = self._editor.mask(self._place.object_id, self._place.frame)
        has_mask = current is not None and area(current) > 0
        if not gesture.positive and not clicks.positive and clicks.box is None and not has_mask:
            self.said.emit(tr("Click on the object first; then a right click takes away from it."))
            return
        added = (*same, pixel)
        new = replace(clicks, positive=added) if gesture.positive else replace(clicks, negative=added)
        self._ask(new, gesture.sheet.picture, what="Click")

    def box(self, gesture: Boxed) -> None:
        """A box begins anew: clicks before it are forgotten, those after it refine it."""
        self._arrive(gesture.sheet.frame_index, gesture.sheet.object_id)
        self._ask(Clicks(box=gesture.box), gesture.sheet.picture, what="Box")

    @Slot()
    def forget(self) -> None:
        """The frame, the object or the mask is another one: the clicks are over, and so is what they wait for."""
        self._steps, self._settled = [], Clicks()
        self._drop()
        self._show(Clicks())

    # -- asking ------------------------------------------------------------------------------------------------------

    def _arrive(self, frame: int, object_id: int | None) -> None:
        place = _Place(self._state.generation, frame, object_id)
        if place != self._place or not self._steps:
            self.forget()
            self._place = place
            self._steps = [_Step(self._editor.mask(object_id, frame), Clicks())]
            reader = self._clips.reader
            self._around = _nothing if reader is None else Neighbours(reader, frame)

    def _ask(self, clicks: Clicks, picture: np.ndarray, *, what: str) -> None:
        self._drop()
        self._what = what
        self._show(clicks)
        current = self._editor.mask(self._place.object_id, self._place.frame) if what == "Click" else None
        job = AnswerClicks(self._answer, picture, clicks, current, self._around)
        waits = bool(self._queue.tickets)
        self._ticket = self._queue.submit(job, generation=self._state.generation)
        self.said.emit(tr("Looking, once what runs has ended …") if waits else tr("Looking …"))

    def _drop(self) -> None:
        ticket, self._ticket = self._ticket, None
        if ticket is not None:
            self._queue.cancel(ticket)

    def _show(self, clicks: Clicks) -> None:
        if clicks != self._clicks:
            self._clicks = clicks
            self.changed.emit()

    # -- answers -----------------------------------------------------------------------------------------------------

    @Slot(object, object)
    def _on_finished(self, ticket: Ticket, found: object) -> None:
        if ticket != self._ticket or not isinstance(found, ClickedMask):
            return
        self._ticket = None
        if not area(found.mask):
            self._show(self._settled)
            self.said.emit(tr("Nothing was found there; click elsewhere, or draw a box."))
            return
        try:
            self._put(found.mask)
        except UsageError as error:
            self._show(self._settled)
            self.said.emit(str(error))
            return
        self._settled = self._clicks
        self.said.emit(
            tr(
                "Found by {clicker}; it fits the clicks to {percent} %.",
                clicker=tr(_CLICKERS.get(found.clicker, found.clicker)),
                percent=round(100 * found.agreement),
            )
        )

    def _put(self, mask: Rle) -> None:
        """The answer takes the mask's place. One that changes nothing is no step of the history. Raises: UsageError."""
        place = self._place
        if mask == self._editor.mask(place.object_id, place.frame) and self._editor.is_locked(
            place.object_id, place.frame
        ):
            self._steps = [step for step in self._steps if step.mask != mask]
        else:
            self._putting = True
            try:
                object_id = self._editor.draw(place.object_id, place.frame, mask, what=self._what)
            finally:
                self._putting = False
            self._place = replace(place, object_id=object_id)
        self._steps.append(_Step(mask, self._clicks))

    @Slot(object, object)
    def _on_failed(self, ticket: Ticket, report: ErrorReport) -> None:
        if ticket == self._ticket:
            self._ticket = None
            self._show(self._settled)
            self.said.emit(report.message)

    # -- what else changes -------------------------------------------------------------------------------------------

    def _on_selection(self, object_id: int | None) -> None:
        if not self._putting and object_id != self._place.object_id:
            self.forget()

    def _on_results(self, object_id: int, frames: tuple[int, ...]) -> None:
        """Undo and redo go back to the clicks of their masks; any other change ends the clicks."""
        place = self._place
        if self._putting or not self._steps or object_id != place.object_id or place.frame not in frames:
            return
        self._drop()
        now = self._editor.mask(place.object_id, place.frame)
        known = next((step for step in reversed(self._steps) if step.mask == now), None)
        if known is None:
            self.forget()
        else:
            self._settled = known.clicks
            self._show(known.clicks)


_CLICKERS = {"plain": "its colour", "deep": "its look", "motion": "its look and movement"}


def _nothing(_away: int) -> None:
    """No neighbours: no clip is open."""
