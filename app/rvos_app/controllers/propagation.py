"""Corrections spread: locked masks are followed to the frames around them, and a person accepts what would change.

Frames that had no mask are written as they are found. Where masks would be replaced, they are a proposal first: the
canvas shows it, a bar says how much it changes, and nothing is lost by looking. Locked frames never change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from rvos_app.controllers.clip import ClipController
from rvos_app.controllers.document import DocumentController
from rvos_app.errors import ErrorReport, ErrorReporter
from rvos_app.i18n import count, tr
from rvos_app.jobs.job import Ticket
from rvos_app.jobs.project_work import only_ask
from rvos_app.jobs.propagation_jobs import PropagatorSlot, SpreadEnd, SpreadFrame, Spreading, SpreadMasks
from rvos_app.jobs.queue import JobQueue
from rvos_app.proposal import Proposal
from rvos_app.settings import Settings
from rvos_app.state import StudioState
from rvos_core.errors import UsageError
from rvos_core.inference.events import FrameResult
from rvos_core.masks import Rle
from rvos_core.project.mask_edits import PutMasks
from rvos_core.project.records import MaskRecord
from rvos_core.types import FrameSpan

_BATCH = 8  # frames that are written together


@dataclass(frozen=True)
class SpreadStatus:
    """What is under way. `steps`: frames to follow, 0 while it waits for its turn."""

    active: bool = False
    done: int = 0
    steps: int = 0
    cuts: tuple[int, ...] = ()


@dataclass
class _Run:
    ticket: Ticket | None
    spreading: Spreading
    own: set[tuple[int, int]] = field(default_factory=set)  # objects and frames that this run has written
    waiting: dict[int, list[FrameResult]] = field(default_factory=dict)


class PropagationController(QObject):
    """Starts and cancels propagation, and holds what waits to be accepted.

    Signals:
        changed(): status or proposal are others now.
        said(str): a sentence for the status bar.
    """

    changed = Signal()
    said = Signal(str)

    def __init__(
        self,
        state: StudioState,
        *,
        queue: JobQueue,
        clips: ClipController,
        documents: DocumentController,
        settings: Settings,
        reporter: ErrorReporter,
    ) -> None:
        super().__init__()
        self._state = state
        self._queue = queue
        self._clips = clips
        self._documents = documents
        self._settings = settings
        self._reporter = reporter
        self._slot = PropagatorSlot()
        self._run: _Run | None = None
        self._last: Spreading | None = None
        self._number = 0
        self.status = SpreadStatus()
        self.proposal = Proposal()
        queue.progressed.connect(self._on_progressed)
        queue.finished.connect(self._on_finished)
        queue.failed.connect(self._on_failed)
        queue.cancelled.connect(self._on_cancelled)
        state.clip_changed.connect(self._on_clip, max_args=0)
        state.results_changed.connect(self._on_results)

    # -- what a person asks ------------------------------------------------------------------------------------------

    def forward(self) -> None:
        """From the frame on screen to the object's next locked frame, or to the out point."""
        self._to_next_lock(ahead=True, back=False)

    def backward(self) -> None:
        """The other way, to the last locked frame before this one, or to the in point."""
        self._to_next_lock(ahead=False, back=True)

    def both_ways(self) -> None:
        """From the frame on screen in both directions, up to locked frames or in and out."""
        self._to_next_lock(ahead=True, back=True)

    def in_span(self) -> None:
        """The selected object between in and out, from all its locked frames there."""
        self._in_span([self._selected()])

    def all_objects(self) -> None:
        """All visible objects that have locked frames between in and out, together."""
        span = self._state.span
        known = [
            each.object_id
            for each in self._state.objects
            if each.visible and not each.locked and self._locked(each.object_id, span)
        ]
        if not known:
            raise UsageError(
                tr("No object has a locked frame between in and out."),
                hint=tr("Draw or accept a mask on some frame first."),
                code="propagate.no_object",
            )
        self._in_span(known)

    def through_cuts(self) -> None:
        """Go on behind the scene cuts at which the last propagation ended."""
        if self._run is None and self._last is not None and self.status.cuts:
            self._start(replace(self._last, through_cuts=True))

    def cancel(self) -> None:
        """Stop; finished frames stay, written or proposed."""
        if self._run is None:
            return
        if self._run.ticket is None:  # the document is still busy
            self._end(tr("Propagation was stopped; finished frames are kept."))
        else:
            self._queue.cancel(self._run.ticket)

    def accept(self) -> None:
        """Take the proposal: one step of the history."""
        results = self.proposal.results()
        self.proposal = Proposal()
        if results:
            frames = self._write(results, merge="")
            self.said.emit(tr("{frames} changed.", frames=count(frames, "frame", "frames")))
        self.changed.emit()

    def discard(self) -> None:
        """Leave everything as it is."""
        self.proposal = Proposal()
        self.changed.emit()

    def toggle_before(self) -> None:
        """Look at the masks as they are, and back at the proposal."""
        self.proposal.shows_before = not self.proposal.shows_before
        self.changed.emit()

    def shown(self, object_id: int, frame: int) -> FrameResult | None:
        """What the canvas shows of an object instead of its mask, or None."""
        return None if self.proposal.shows_before else self.proposal.get(object_id, frame)

    # -- which frames ------------------------------------------------------------------------------------------------

    def _to_next_lock(self, *, ahead: bool, back: bool) -> None:
        object_id, here, span = self._selected(), self._state.frame_index, self._state.span
        if here not in span:
            span = FrameSpan(0, self._state.clip.frame_count if self._state.clip else 0)
        locked = self._state.results(object_id).locked_frames()
        before = locked[(locked < here) & (locked >= span.start)]
        after = locked[(locked > here) & (locked < span.stop)]
        first = (int(before[-1]) if before.size else span.start) if back else here
        last = (int(after[0]) if after.size else span.stop - 1) if ahead else here
        if first == last:
            raise UsageError(tr("There is no frame to go to in that direction."), code="propagate.no_frame")
        mask = self._mask_here(object_id, here)
        self._start(Spreading((object_id,), FrameSpan(first, last + 1), {object_id: (here, mask)}))

    def _in_span(self, object_ids: list[int]) -> None:
        span, here = self._state.span, self._state.frame_index
        start: dict[int, tuple[int, Rle]] = {}
        for object_id in object_ids:
            if not self._locked(object_id, span):
                if here not in span:
                    raise UsageError(
                        tr("There is no locked frame between in and out, and this frame lies outside."),
                        hint=tr("Go to a frame between them, or lock one there."),
                        code="propagate.outside_span",
                    )
                start[object_id] = (here, self._mask_here(object_id, here))
        self._start(Spreading(tuple(object_ids), span, start))

    def _locked(self, object_id: int, span: FrameSpan) -> bool:
        locked = self._state.results(object_id).locked_frames()
        return bool(np.any((locked >= span.start) & (locked < span.stop)))

    def _selected(self) -> int:
        thing = self._state.object(self._state.selected) if self._state.selected is not None else None
        if thing is None:
            raise UsageError(tr("Select an object first."), code="object.none_selected")
        if thing.locked:
            raise UsageError(
                tr("“{name}” is locked as a whole; unlock it first.", name=thing.name), code="object.locked"
            )
        return thing.object_id

    def _mask_here(self, object_id: int, frame: int) -> Rle:
        found = self._state.results(object_id).get(frame)
        if found is None or not (found.visible or self._state.results(object_id).is_locked(frame)):
            raise UsageError(
                tr("The object has no mask on this frame to start from."),
                hint=tr("Draw one here, or go to a frame that has one."),
                code="propagate.no_object",
            )
        return found.mask

    # -- the run -----------------------------------------------------------------------------------------------------

    def _start(self, spreading: Spreading) -> None:
        self._documents.require_writable()
        if self._clips.reader is None:
            raise UsageError(tr("No clip is open."), code="media.none")
        if self._run is not None:
            raise UsageError(tr("A propagation is at work already; Escape stops it."), code="propagate.busy")
        if self.proposal:
            raise UsageError(
                tr("Accept or discard what the last propagation proposes first."), code="propagate.undecided"
            )
        self._number += 1
        self._last = spreading
        self._run = _Run(None, spreading)
        self.status = SpreadStatus(active=True)
        self.changed.emit()
        # The document's thread first writes what was drawn just now; then the job reads the file.
        self._documents.do(only_ask, partial(self._submit, self._run))

    def _submit(self, run: _Run, _nothing: object) -> None:
        reader, path = self._clips.reader, self._documents.path
        if run is not self._run or reader is None or path is None:
            return
        job = SpreadMasks(self._slot, self._settings.device, path, reader, run.spreading)
        run.ticket = self._queue.submit(job, generation=self._state.generation)

    def _is_ours(self, ticket: Ticket) -> bool:
        return self._run is not None and ticket == self._run.ticket

    @Slot(object, object)
    def _on_progressed(self, ticket: Ticket, event: object) -> None:
        if not self._is_ours(ticket) or not isinstance(event, SpreadFrame) or self._run is None:
            return
        for object_id, result in event.results.items():
            shelf = self._state.results(object_id)
            place = object_id, result.frame_index
            if shelf.is_locked(result.frame_index) or self._state.object(object_id) is None:
                continue
            old = None if place in self._run.own else shelf.get(result.frame_index)
            if old is None:
                self._run.own.add(place)
                self._run.waiting.setdefault(object_id, []).append(result)
            else:
                self.proposal.put(object_id, result, old.mask)
        if sum(map(len, self._run.waiting.values())) >= _BATCH:
            self._write_waiting()
        self.status = replace(self.status, done=event.done, steps=event.steps)
        self.changed.emit()

    def _write_waiting(self) -> None:
        if self._run is not None and self._run.waiting:
            self._write(self._run.waiting, merge=f"follow:{self._number}")
            self._run.waiting = {}

    def _write(self, results: Mapping[int, list[FrameResult]], *, merge: str) -> int:
        """Into the document, and on screen. Returns: in how many frames.

        What a person did meanwhile counts: frames that were locked, and objects that were locked or removed, stay.
        """
        records: list[MaskRecord] = []
        for object_id, found in results.items():
            thing, shelf = self._state.object(object_id), self._state.results(object_id)
            if thing is None or thing.locked:
                continue
            free = [each for each in found if not shelf.is_locked(each.frame_index)]
            records += [_record(object_id, each) for each in free]
            self._state.put_results(object_id, free)
        if records:
            self._state.edited.emit(PutMasks(tuple(records), tr("Propagate")), merge)
        return len({each.frame for each in records})

    def _end(self, sentence: str, cuts: tuple[int, ...] = ()) -> None:
        self._write_waiting()
        self._run = None
        self.status = SpreadStatus(cuts=cuts)
        self.said.emit(sentence)
        self.changed.emit()

    @Slot(object, object)
    def _on_finished(self, ticket: Ticket, result: object) -> None:
        if self._is_ours(ticket) and isinstance(result, SpreadEnd):
            where = ", ".join(map(str, result.cuts))
            ended = tr("It ended at the scene cut at frame {where}.", where=where) if where else ""
            self._end(f"{tr('Propagation is done.')} {ended}".rstrip(), result.cuts)

    @Slot(object, object)
    def _on_failed(self, ticket: Ticket, report: ErrorReport) -> None:
        if self._is_ours(ticket):
            self._end(tr("Propagation failed; finished frames are kept."))
            self._reporter.report(report)

    @Slot(object)
    def _on_cancelled(self, ticket: Ticket) -> None:
        if self._is_ours(ticket):
            self._end(tr("Propagation was stopped; finished frames are kept."))

    def _on_clip(self) -> None:
        self.cancel()
        self._run = None
        self.status = SpreadStatus()
        self.discard()

    def _on_results(self, object_id: int, frames: Iterable[int]) -> None:
        """A person corrected a frame meanwhile: the proposal has no say there."""
        shelf = self._state.results(object_id)
        locked = [frame for frame in frames if shelf.is_locked(frame) and self.proposal.get(object_id, frame)]
        for frame in locked:
            self.proposal.drop(object_id, frame)
        if locked:
            self.changed.emit()


def _record(object_id: int, result: FrameResult) -> MaskRecord:
    return MaskRecord(
        object_id, result.frame_index, result.mask, "propagated", result.confidence, result.visible, locked=False
    )
