"""The document behind the window: every change goes to its thread at once; what it answers comes back to the views."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from rvos_app.controllers.reading_back import ReadingBack
from rvos_app.errors import ErrorReport, ErrorReporter, describe
from rvos_app.i18n import tr
from rvos_app.jobs import project_work as work
from rvos_app.jobs.project_work import (
    PROGRAM,
    Loaded,
    Standing,
    View,
    load,
    object_record,
    standing_of,
    view,
)
from rvos_app.state import StudioObject, StudioState
from rvos_core.errors import UsageError, UserError
from rvos_core.inference.events import RunRequest
from rvos_core.inference.recording import settings_of
from rvos_core.project.document import Document
from rvos_core.project.edits import Edit
from rvos_core.project.library import Library
from rvos_core.project.records import MediaRecord, RunRecord
from rvos_core.project.store import Project
from rvos_core.types import FrameSpan, MediaInfo

_log = logging.getLogger("rvos.project")


@dataclass(frozen=True)
class _Outcome:
    """What a piece of work in the document's thread came to."""

    generation: int
    then: Callable[[Any], object] | None
    result: object = None
    standing: Standing | None = None
    error: ErrorReport | None = None


class DocumentController(QObject):
    """Owns the open document. Its own thread writes; the GUI thread reads single masks through a reader of its own.

    Signals:
        changed(Standing | None): what title, menus and history show.
        saved(str): a sentence on what was saved, for the status bar.
    """

    changed = Signal(object)
    saved = Signal(str)
    _told = Signal(object)

    def __init__(self, state: StudioState, *, library: Library, reporter: ErrorReporter) -> None:
        super().__init__()
        self._state = state
        self.library = library
        self._reporter = reporter
        self._document: Document | None = None
        self._back = ReadingBack(state, reporter=reporter)
        self._generation = 0
        self._closing: list[Future[None]] = []
        self.standing: Standing | None = None
        self.path: Path | None = None
        self.read_only = False
        self._told.connect(self._on_told)
        state.edited.connect(self._on_edited)

    @property
    def is_untitled(self) -> bool:
        """True where nobody gave the project a name yet."""
        return self.path is not None and self.library.is_untitled(self.path)

    # -- opening and closing -----------------------------------------------------------------------------------------

    def begin(self, info: MediaInfo) -> None:
        """A clip was opened on its own: its project is made with the first edit, in the studio's folder."""
        self.close()
        try:
            path = self.library.new_untitled(info.path.stem)
        except UserError as error:  # a home that cannot be written: better there than nowhere
            self._reporter.report_error(error)
            self.library = Library.in_temporary_folder()
            path = self.library.new_untitled(info.path.stem)
        self._take(Document(partial(work.new_untitled, path, info, self.library)), path)
        self.changed.emit(None)

    def adopt(self, document: Document, loaded: Loaded, info: MediaInfo) -> None:
        """A project was loaded and its clip is open: the state shows it."""
        if document is not self._document:
            self.close()
            self._take(document, loaded.path)
            self.library.mark_open(loaded.path)
        self._state.media_id = loaded.clip.media_id
        self._state.number_from(loaded.next_object_id)
        self._back.start(self.path)
        self._show(loaded.view, info)
        self._submit(work.only_ask)

    def adopt_reader(self, loaded: Loaded, info: MediaInfo) -> None:
        """As `adopt`, for a project that is only looked at."""
        self.close()
        self.path, self.read_only = loaded.path, True
        self._state.media_id = loaded.clip.media_id
        self._back.start(self.path)
        self._show(loaded.view, info)
        if self._back.reader is not None:
            self.standing = standing_of(self._back.reader)
        self.changed.emit(self.standing)

    def _take(self, document: Document, path: Path) -> None:
        self._document, self.path, self.read_only = document, path, False
        self._generation += 1

    def close(self) -> None:
        """Everything that was handed in is written, then the file is closed, in the document's thread."""
        self._generation += 1
        self._back.stop()
        document, path = self._document, self.path
        self._document = self.path = self.standing = None
        self.read_only = False
        if document is None or path is None:
            return
        if path.exists():
            document.submit(partial(work.last_backup, self.library))
        self.let_go(document, partial(work.after_closing, self.library, path))

    def let_go(self, document: Document, then: Callable[[], object] | None = None) -> None:
        """Close a document that is not, or no longer, shown."""
        self._closing = [each for each in self._closing if not each.done()]
        self._closing.append(document.close(then))

    def closing(self) -> list[Future[None]]:
        """Documents that are still writing their last; who opens a file waits for them."""
        return list(self._closing)

    def finish(self) -> None:
        """Close, and wait until everything is on disk."""
        self.close()
        for each in self._closing:
            each.result()

    # -- what a person does ------------------------------------------------------------------------------------------

    def _on_edited(self, edit: Edit, merge: str) -> None:
        """The state shows it already; the document makes it true."""
        if self._document is not None:
            self._submit(partial(work.apply_edit, edit=edit, merge=merge))

    def undo(self) -> None:
        """Take the last entry of the history back."""
        self._submit(partial(work.undo, media_id=self._state.media_id), self.show_view)

    def redo(self) -> None:
        """Do the next undone entry again."""
        self._submit(partial(work.redo, media_id=self._state.media_id), self.show_view)

    def jump(self, edit_id: int) -> None:
        """Go to an entry of the history; 0: before the first."""
        self._submit(partial(work.jump, edit_id=edit_id, media_id=self._state.media_id), self.show_view)

    def save_snapshot(self, name: str) -> None:
        """Name the state as it is."""
        self._submit(partial(work.take_snapshot, name=name), self._on_snapshot)

    def revert_to(self, snapshot_id: int) -> None:
        """Put everything back as it was at a snapshot."""
        self._submit(partial(work.revert, snapshot_id=snapshot_id, media_id=self._state.media_id), self.show_view)

    def save_copy(self, target: Path) -> None:
        """Write a copy; work goes on in this project."""
        if self._document is None and self.path is not None:
            self._copy_of_reader(target)
        else:
            self._submit(partial(work.save_copy, target=target), self._on_copied)

    def save_as(self, target: Path) -> None:
        """Give the project a name: a copy is written there, and work goes on in it."""
        if self._document is not None:
            self._expect(self._document.go_on_in(target, program=PROGRAM), self._on_moved_to)

    def _copy_of_reader(self, target: Path) -> None:
        assert self._back.reader is not None
        try:
            self._on_copied(work.save_copy(self._back.reader, target=target))
        except UserError as error:
            self._reporter.report_error(error)

    def begin_run(self, thing: StudioObject, request: RunRequest, *, model: str) -> tuple[Document, Future[RunRecord]]:
        """A run is put into the line. Raises: UsageError: the project is open for reading only."""
        document = self._writable()
        position = next((i for i, each in enumerate(self._state.objects) if each.object_id == thing.object_id), 0)
        record = object_record(thing, media_id=self._state.media_id, position=position)
        task = partial(
            Project.begin_run,
            target=record,
            expression=request.expression,
            span=request.span,
            settings=settings_of(request),
            model=model,
        )
        return document, self._submit(task)

    def resume_run(self, run: RunRecord) -> tuple[Document, Future[RunRecord]]:
        """A run that was interrupted goes on. Raises: UsageError."""
        future: Future[RunRecord] = Future()
        future.set_result(run)
        return self._writable(), future

    def remaining(self, run: RunRecord) -> FrameSpan:
        """Frames that an interrupted run has still to do."""
        return self._back.reader.remaining(run) if self._back.reader is not None else FrameSpan(0, 0)

    def look_again(self, object_id: int, note: str) -> None:
        """A run of this object ended early: what the document holds of it counts. `note`: what is said of it."""
        if self._document is not None:
            task = partial(work.look_again, object_id=object_id, media_id=self._state.media_id)
            self._submit(task, partial(self._on_looked_at, object_id, note))

    def _on_looked_at(self, object_id: int, note: str, shown: View) -> None:
        self.show_view(shown)
        self._state.note_object(object_id, note)

    def load_clip(self, media_id: int, then: Callable[[Loaded], object]) -> None:
        """Load another clip of the project."""
        self._submit(partial(load, media_id=media_id), then)

    def do(self, work: Callable[[Project], Any], then: Callable[[Any], object]) -> None:
        """Further work on the document, e.g. relinking a clip."""
        self._submit(work, then)

    def show_kept(self, object_id: int, span: FrameSpan) -> None:
        """A run begins: of its span, what the document still holds (locked frames) stays on screen, the rest goes."""
        self._state.clear_results(object_id, span)
        clip = self._state.clip
        if self._back.reader is not None and clip is not None:
            self._show(view(self._back.reader, self._state.media_id, {object_id: span}), clip)

    def forget_if_unbegun(self, run: Future[RunRecord]) -> None:
        """A run was taken out of the line: where it has not begun, it leaves no trace in the history."""
        if self._document is not None:
            self._document.submit(partial(work.abandon_if_waiting, run))

    def refresh(self) -> None:
        """Ask how the document stands."""
        self._submit(work.only_ask)

    @property
    def document(self) -> Document | None:
        """The open document; None: there is none, or it is open for reading only."""
        return self._document

    @property
    def clips(self) -> tuple[MediaRecord, ...]:
        """The clips of the project."""
        return self.standing.clips if self.standing is not None else ()

    def require_writable(self) -> None:
        """Raises: UsageError: the project is open for reading only."""
        self._writable()

    def _writable(self) -> Document:
        if self._document is None:
            raise UsageError(
                tr("The project is open for reading only."),
                hint=tr("File > Save a Copy makes one that you can change."),
                code="project.read_only",
            )
        return self._document

    # -- to the document's thread and back ---------------------------------------------------------------------------

    def _submit(self, work: Callable[[Project], Any], then: Callable[[Any], object] | None = None) -> Future[Any]:
        if self._document is None:
            failed: Future[Any] = Future()
            failed.set_exception(CancelledError())
            return failed
        future = self._document.submit(work)
        self._expect(future, then)
        return future

    def _expect(self, future: Future[Any], then: Callable[[Any], object] | None) -> None:
        """Hear what comes of work that was handed in, and how the document stands after it."""
        if self._document is not None:
            standing = self._document.submit(standing_of)
            standing.add_done_callback(partial(self._tell, self._generation, then, future))

    def _tell(
        self,
        generation: int,
        then: Callable[[Any], object] | None,
        done: Future[Any],
        standing: Future[Standing],
    ) -> None:
        """In the document's thread: only text and plain values go on."""
        error = done.exception() or standing.exception()
        if error is not None:
            outcome = _Outcome(generation, None, error=describe(error))
        else:
            outcome = _Outcome(generation, then, done.result(), standing.result())
        self._told.emit(outcome)

    @Slot(object)
    def _on_told(self, outcome: _Outcome) -> None:
        if outcome.error is not None:
            self._reporter.report(outcome.error)
        if outcome.generation != self._generation:
            return
        if outcome.error is not None:
            self._show_what_is_kept()
            return
        self.standing = outcome.standing
        self._back.start(self.path)
        if outcome.then is not None:
            outcome.then(outcome.result)
        self.changed.emit(self.standing)

    def _show_what_is_kept(self) -> None:
        """A change was refused: the window goes back to what the document holds."""
        clip = self._state.clip
        if self._back.reader is None or clip is None:
            return
        try:
            self._show(view(self._back.reader, self._state.media_id), clip)
        except UserError as error:
            _log.error("%s", error)

    # -- what it answers ---------------------------------------------------------------------------------------------

    def show_view(self, shown: View | None) -> None:
        """The state shows what the document answered; None: nothing has changed."""
        if shown is not None and self._state.clip is not None:
            self._show(shown, self._state.clip)

    def _show(self, shown: View, info: MediaInfo) -> None:
        self._state.show_objects(shown.objects)
        self._state.trimaps.load(shown.trimaps)
        self._state.show_span(shown.in_and_out(info))
        for object_id, lane in shown.lanes.items():
            shelf = self._state.results(object_id)
            covered = shown.frames[object_id]
            gone = shelf.clear(FrameSpan(covered.start, min(covered.stop, info.frame_count)))
            inside = lane.frames < info.frame_count
            shelf.load(lane.frames[inside], lane.visible[inside], lane.confidence[inside], lane.locked[inside])
            frames = np.union1d(np.asarray(gone, np.int64), lane.frames[inside])
            self._state.told_results(object_id, tuple(frames.tolist()))

    def _on_snapshot(self, name: str) -> None:
        self.saved.emit(tr("Saved as “{name}”. File > Revert To brings it back.", name=name))

    def _on_copied(self, target: Path) -> None:
        self.saved.emit(tr("A copy was written to {path}", path=target))

    def _on_moved_to(self, target: Path) -> None:
        """Work goes on in the copy already; a project that had no name is not needed any more."""
        former = self.path
        self._back.stop()
        self.path = target
        self.library.mark_open(target)
        if former is not None:
            self.library.mark_closed(former)
            self.library.forget_untitled(former)
        self._back.start(target)
        self.saved.emit(tr("Saved as {path}", path=target))
