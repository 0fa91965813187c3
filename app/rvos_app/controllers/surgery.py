"""What the Object menu does to the selected object and its track, and the words for it in the status bar."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMainWindow

from rvos_app.controllers.document import DocumentController
from rvos_app.controllers.run import RunController
from rvos_app.dialogs.objects import GapDialog, ObjectChooser, RenameDialog
from rvos_app.i18n import count, tr
from rvos_app.jobs import project_work as work
from rvos_app.jobs.project_work import Changed, object_record
from rvos_app.state import StudioObject, StudioState
from rvos_core.project.edits import Edit
from rvos_core.project.records import Absence
from rvos_core.project.track_edits import (
    MAX_GAP,
    TO_THE_END,
    ClearAbsence,
    FillGaps,
    MarkAbsent,
    MergeObjects,
    SplitObject,
    SwapObjects,
    TrimObject,
)
from rvos_core.types import FrameSpan

_Sentence = Callable[[int], str]  # of how many masks were changed


class Surgery(QObject):
    """Commands on the selected object.

    Signals:
        noticed(str): what was done, or why nothing was, for the status bar.
        standing_changed(str): why the selected object is not to be seen on this frame, where a person said so.
    """

    noticed = Signal(str)
    standing_changed = Signal(str)

    def __init__(
        self, state: StudioState, *, documents: DocumentController, runs: RunController, window: QMainWindow
    ) -> None:
        super().__init__()
        self._state = state
        self._documents = documents
        self._runs = runs
        self._window = window
        self._longest_gap = MAX_GAP
        self._standing = ""
        for signal in (state.frame_changed, state.selection_changed, state.results_changed, state.objects_changed):
            signal.connect(self._tell_standing, max_args=0)

    # -- the name ----------------------------------------------------------------------------------------------------

    def rename(self) -> None:
        """Ask for another name of the selected object."""
        thing = self._selected()
        if thing is not None:
            dialog = RenameDialog(thing, self._window)
            dialog.chosen.connect(partial(self._rename, thing.object_id))
            dialog.open()

    def _rename(self, object_id: int, name: str) -> None:
        self._state.change_object(object_id, name=name)

    # -- tracks ------------------------------------------------------------------------------------------------------

    def split(self) -> None:
        """From this frame on the masks belong to a new object, which is selected."""
        thing, frame = self._selected(), self._state.frame_index
        if thing is None:
            return
        made = self._state.new_object("", name=self._free_name(thing.name))
        record = object_record(made, media_id=self._state.media_id, position=self._last_position())
        said = tr("From frame {frame} on it is “{name}”.", frame=frame, name=made.name)
        edit = SplitObject(thing.object_id, frame, record, name=tr("Split “{name}”", name=thing.name))
        self._change(edit, (thing.object_id, made.object_id), _always(said), then_select=made.object_id)

    def merge(self) -> None:
        """Ask for the object that the selected one is joined with."""
        thing = self._selected()
        if thing is None:
            return
        chooser = ObjectChooser(
            self._others(thing),
            title=tr("Merge Into"),
            sentence=tr(
                "“{name}” becomes a part of the object that you choose. Of two masks the locked one counts.",
                name=thing.name,
            ),
            button=tr("Merge"),
            parent=self._window,
        )
        chooser.chosen.connect(partial(self._merge, thing))
        chooser.open()

    def _merge(self, thing: StudioObject, other: int, _limited: bool) -> None:
        into = self._state.object(other)
        if into is not None:
            self._runs.forget_object(thing.object_id)
            edit = MergeObjects(other, thing.object_id, name=tr("Merge “{name}”", name=thing.name))
            said = tr("“{name}” is a part of “{other}” now.", name=thing.name, other=into.name)
            self._change(edit, (other,), _always(said), then_select=other)

    def swap(self) -> None:
        """Ask for the object that the selected one was taken for."""
        thing, frame, span = self._selected(), self._state.frame_index, self._state.span
        if thing is None:
            return
        last = self._last_frame()
        chooser = ObjectChooser(
            self._others(thing),
            title=tr("Swap With"),
            sentence=tr(
                "From frame {frame} on “{name}” and the object that you choose exchange their masks, with their locks.",
                frame=frame,
                name=thing.name,
            ),
            button=tr("Swap"),
            limit=tr("Only up to out (frame {last})", last=span.stop - 1) if frame < span.stop <= last else "",
            parent=self._window,
        )
        chooser.chosen.connect(partial(self._swap, thing, frame, span.stop))
        chooser.open()

    def _swap(self, thing: StudioObject, frame: int, stop: int, other: int, limited: bool) -> None:
        second = self._state.object(other)
        if second is not None:
            span = FrameSpan(frame, stop if limited else TO_THE_END)
            until = tr("frames {first} to {last}", first=frame, last=stop - 1)
            said = tr(
                "“{name}” and “{other}” are swapped: {where}.",
                name=thing.name,
                other=second.name,
                where=until if limited else tr("from frame {frame} on", frame=frame),
            )
            self._change(SwapObjects(thing.object_id, other, span), (thing.object_id, other), _always(said))

    def trim(self) -> None:
        """Take the selected object's masks out of all frames outside in and out."""
        thing = self._selected()
        if thing is not None:
            self._change(
                TrimObject(thing.object_id, self._state.span),
                (thing.object_id,),
                _counted(tr("Taken out of {frames} outside in and out; locked frames stay.")),
            )

    def fill_gaps(self) -> None:
        """Ask how long a gap may be that is filled."""
        thing = self._selected()
        if thing is None:
            return
        span = self._state.span if len(self._state.span) <= self._last_frame() else None
        where = tr("All of the clip is looked at.")
        if span is not None:
            where = tr("Looked at are frames {first} to {last}, in to out.", first=span.start, last=span.stop - 1)
        dialog = GapDialog(self._longest_gap, where=where, parent=self._window)
        dialog.chosen.connect(partial(self._fill_gaps, thing.object_id, span))
        dialog.open()

    def _fill_gaps(self, object_id: int, span: FrameSpan | None, longest: int) -> None:
        self._longest_gap = longest
        self._change(FillGaps(object_id, longest, span), (object_id,), _counted(tr("Filled: {frames}.")))

    # -- marks -------------------------------------------------------------------------------------------------------

    def mark_occluded(self) -> None:
        """The selected object is hidden on this frame."""
        self._mark("occluded", self._this_frame(), locked_too=True)

    def mark_outside(self) -> None:
        """The selected object is out of the picture on this frame."""
        self._mark("out_of_frame", self._this_frame(), locked_too=True)

    def mark_span_occluded(self) -> None:
        """The selected object is hidden from in to out."""
        self._mark("occluded", self._state.span, locked_too=False)

    def mark_span_outside(self) -> None:
        """The selected object is out of the picture from in to out."""
        self._mark("out_of_frame", self._state.span, locked_too=False)

    def clear_mark(self) -> None:
        """Take back what was said of this frame."""
        self._clear(self._this_frame())

    def clear_span_marks(self) -> None:
        """Take back what was said from in to out."""
        self._clear(self._state.span)

    def _mark(self, absence: Absence, span: FrameSpan, *, locked_too: bool) -> None:
        thing = self._selected()
        if thing is not None:
            said = tr("Occluded on {frames}.") if absence == "occluded" else tr("Out of the frame on {frames}.")
            edit = MarkAbsent(thing.object_id, span, absence, locked_too)
            self._change(edit, (thing.object_id,), _counted(said))

    def _clear(self, span: FrameSpan) -> None:
        thing = self._selected()
        if thing is not None:
            self._change(
                ClearAbsence(thing.object_id, span),
                (thing.object_id,),
                _counted(tr("Marks taken off {frames}.")),
            )

    def _tell_standing(self) -> None:
        """Why the selected object is not to be seen on this frame."""
        thing, frame = self._selected(), self._state.frame_index
        found = self._state.results(thing.object_id).get(frame) if thing is not None else None
        words = {"occluded": tr("“{name}” is occluded"), "out_of_frame": tr("“{name}” is out of the frame")}
        absence = found.absence if found is not None else None
        said = words[absence].format(name=thing.name) if thing is not None and absence in words else ""
        if said != self._standing:
            self._standing = said
            self.standing_changed.emit(said)

    # -- what they share ---------------------------------------------------------------------------------------------

    def _change(
        self, edit: Edit, objects: Iterable[int], sentence: _Sentence, *, then_select: int | None = None
    ) -> None:
        """Hand an edit to the document; its answer, which takes seconds for a long track, is shown and said."""
        self.noticed.emit(f"{edit.name} …")
        task = partial(work.change_tracks, edit=edit, objects=tuple(objects), media_id=self._state.media_id)
        self._documents.do(task, partial(self._on_changed, sentence, then_select))

    def _on_changed(self, sentence: _Sentence, then_select: int | None, changed: Changed) -> None:
        if changed.view is None:
            self.noticed.emit(changed.why)
            return
        self._documents.show_view(changed.view)
        if then_select is not None and self._state.object(then_select) is not None:
            self._state.select(then_select)
        self.noticed.emit(sentence(changed.masks))

    def _selected(self) -> StudioObject | None:
        return self._state.object(self._state.selected) if self._state.selected is not None else None

    def _others(self, thing: StudioObject) -> list[StudioObject]:
        return [each for each in self._state.objects if each.object_id != thing.object_id]

    def _this_frame(self) -> FrameSpan:
        return FrameSpan(self._state.frame_index, self._state.frame_index + 1)

    def _last_frame(self) -> int:
        return self._state.clip.frame_count - 1 if self._state.clip is not None else 0

    def _last_position(self) -> int:
        return len(self._state.objects)

    def _free_name(self, name: str) -> str:
        """`name 2`, or the next number that no object has."""
        used = {each.name for each in self._state.objects}
        number = 2
        while f"{name} {number}" in used:
            number += 1
        return f"{name} {number}"


def _always(sentence: str) -> _Sentence:
    return lambda _masks: sentence


def _counted(sentence: str) -> _Sentence:
    return lambda masks: sentence.format(frames=count(masks, "frame", "frames"))
