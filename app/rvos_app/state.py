"""What the studio knows now: clip, objects, masks, span, playhead, run. No Qt; views subscribe to its signals."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from psygnal import Signal

from rvos_app.mask_shelf import MaskShelf
from rvos_app.painted import PaintedTrimaps
from rvos_core.masks import object_colour
from rvos_core.project.edits import ChangeObject, DeleteObject, Edit, SetLook, SetSetting, Together
from rvos_core.project.trimaps import PaintTrimap
from rvos_core.types import FrameSpan, MediaInfo

if TYPE_CHECKING:
    from rvos_app.jobs.candidate_pictures import CandidatePicture
    from rvos_core.inference.events import FrameResult

Colour = tuple[int, int, int]
MaskSource = Callable[[int, int], "FrameResult | None"]  # of an object id and a frame


@dataclass(frozen=True)
class StudioObject:
    """One thing in the clip that a person named. `object_id` never changes and is never used again."""

    object_id: int
    expression: str
    colour: Colour
    visible: bool = True
    note: str = ""  # one sentence on its last run, e.g. which words were unknown
    locked: bool = False
    given_name: str = ""  # by a person; empty where its sentence is its name
    look: str = ""  # how its mattes and effects are made, JSON; empty: the defaults

    @property
    def name(self) -> str:
        return self.given_name or self.expression


class RunPhase(Enum):
    """What the model is doing."""

    IDLE = "idle"
    LOADING = "loading"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"


@dataclass(frozen=True)
class RunStatus:
    """The run in progress. `waiting`: further runs in the queue; `eta_s` is None until a window has been timed."""

    phase: RunPhase = RunPhase.IDLE
    object_id: int | None = None
    windows_done: int = 0
    windows: int = 0
    eta_s: float | None = None
    waiting: int = 0

    @property
    def active(self) -> bool:
        """True where a run works, pauses or stops; loading the model alone is not a run."""
        return self.object_id is not None


class StudioState:
    """The one model behind all views. Changed on the GUI thread only; each change is told by one signal.

    `generation` counts the clips: what was computed for a former clip carries a lower number and is dropped.
    """

    clip_changed = Signal(object)  # MediaInfo | None
    span_changed = Signal(object)  # FrameSpan
    frame_changed = Signal(int)
    objects_changed = Signal()  # added, removed, renamed, shown, hidden, noted
    look_changed = Signal(int)  # object_id
    results_changed = Signal(int, object)  # object_id, tuple of frame indices
    selection_changed = Signal(object)  # object_id | None
    run_changed = Signal(object)  # RunStatus
    candidates_changed = Signal(int)  # object_id
    edited = Signal(object, str)  # what a person changed: Edit, and the word under which several become one

    def __init__(self) -> None:
        self.generation = 0
        self.clip: MediaInfo | None = None
        self.span = FrameSpan(0, 0)
        self.frame_index = 0
        self.selected: int | None = None
        self.run = RunStatus()
        self.media_id = 1  # of the clip, in its project
        self._objects: dict[int, StudioObject] = {}
        self._results: dict[int, MaskShelf] = {}
        self._candidates: dict[int, tuple[CandidatePicture, ...]] = {}
        self._fits_another: set[int] = set()
        self._next_id = 1
        self._source: MaskSource | None = None
        self.trimaps = PaintedTrimaps()

    # -- clip and playhead ---------------------------------------------------------------------------------------

    def set_clip(self, clip: MediaInfo | None) -> None:
        """Take another clip (or none): objects and masks of the former one go."""
        self.generation += 1
        self._objects.clear()
        self.trimaps.keep(())
        self._results.clear()
        self._candidates.clear()
        self._fits_another.clear()
        self.selected = None
        self._next_id = 1
        self._source = None
        self.media_id = 1
        self.clip = clip
        self.frame_index = 0
        self.span = FrameSpan(0, clip.frame_count if clip else 0)
        self.set_run(RunStatus())
        self.clip_changed.emit(clip)
        self.span_changed.emit(self.span)
        self.objects_changed.emit()
        self.selection_changed.emit(None)

    def set_frame(self, index: int) -> None:
        """Tell where the playhead is."""
        if index != self.frame_index:
            self.frame_index = index
            self.frame_changed.emit(index)

    def set_span(self, span: FrameSpan) -> None:
        """Set in and out, clipped to the clip; an empty span is refused."""
        count = self.clip.frame_count if self.clip else 0
        clipped = FrameSpan(min(span.start, count), max(min(span.stop, count), min(span.start, count)))
        if len(clipped) and clipped != self.span:
            self.span = clipped
            self.span_changed.emit(clipped)
            self.edited.emit(span_edit(self.media_id, clipped, count), "span")

    def show_span(self, span: FrameSpan | None) -> None:
        """The project says where in and out are; None: nowhere, so the whole clip."""
        span = span or FrameSpan(0, self._frame_count())
        if span != self.span and span.stop <= self._frame_count():
            self.span = span
            self.span_changed.emit(span)

    def set_in(self, index: int) -> None:
        """The span begins at `index`; an out point before it moves to the end."""
        self.set_span(FrameSpan(index, self.span.stop if self.span.stop > index else self._frame_count()))

    def set_out(self, index: int) -> None:
        """The span ends with frame `index`; an in point behind it moves to the start."""
        self.set_span(FrameSpan(self.span.start if self.span.start <= index else 0, index + 1))

    def clear_span(self) -> None:
        """The span is the whole clip again."""
        self.set_span(FrameSpan(0, self._frame_count()))

    def _frame_count(self) -> int:
        return self.clip.frame_count if self.clip else 0

    # -- objects -------------------------------------------------------------------------------------------------

    @property
    def objects(self) -> tuple[StudioObject, ...]:
        """All objects in their order."""
        return tuple(self._objects.values())

    def object(self, object_id: int) -> StudioObject | None:
        """The object of that id, or None where it was removed."""
        return self._objects.get(object_id)

    def find_object(self, expression: str) -> StudioObject | None:
        """The object that `expression` already names, or None."""
        return next((o for o in self._objects.values() if o.expression == expression), None)

    def number_from(self, next_id: int) -> None:
        """The project has used the ids below `next_id`."""
        self._next_id = max(self._next_id, next_id)

    def add_object(self, expression: str, *, name: str = "") -> StudioObject:
        """Make an object for `expression`, or one that is drawn and has a `name` only, and select it.

        What it is made for tells the document.
        """
        made = self.new_object(expression, name=name)
        self._objects[made.object_id] = made
        self._results[made.object_id] = self._shelf(made.object_id)
        self.objects_changed.emit()
        self.select(made.object_id)
        return made

    @property
    def next_object_id(self) -> int:
        """The id that the next new object will have."""
        return self._next_id

    def new_object(self, expression: str, *, name: str = "") -> StudioObject:
        """An object under a number of its own, in the first colour that no other has; it is not in the list yet."""
        used = {o.colour for o in self._objects.values()}
        colour = next(c for c in map(object_colour, itertools.count()) if c not in used)
        self._next_id += 1
        return StudioObject(self._next_id - 1, expression, colour, given_name=name)

    def change_object(
        self, object_id: int, *, visible: bool | None = None, colour: Colour | None = None, name: str | None = None
    ) -> None:
        """A person changes what is given; nothing happens where the object is gone, or with an empty name."""
        old = self._objects.get(object_id)
        words = " ".join((name or "").split())
        if old is None or (name is not None and not words):
            return
        new = replace(
            old,
            visible=old.visible if visible is None else visible,
            colour=old.colour if colour is None else colour,
            given_name=old.given_name if name is None else words if words != old.expression else "",
        )
        if new != old:
            self._objects[object_id] = new
            self.objects_changed.emit()
            new_name = None if name is None else new.name
            self.edited.emit(ChangeObject(object_id, new_name=new_name, visible=visible, colour=colour), "")

    def set_looks(self, looks: Mapping[int, str], *, label: str, merge: str = "") -> None:
        """A person changes how mattes and effects of objects are made: JSON by object id, one entry of the history.

        Args:
            looks: what each is to be; objects that are gone, or look so already, are left out.
            label: what the history shows.
            merge: several of the same word become one entry.
        """
        old = {object_id: self._objects.get(object_id) for object_id in looks}
        changed = [each for each in old.values() if each is not None and each.look != looks[each.object_id]]
        for each in changed:
            self._objects[each.object_id] = replace(each, look=looks[each.object_id])
        for each in changed:
            self.look_changed.emit(each.object_id)
        if changed:
            edits = tuple(SetLook(each.object_id, looks[each.object_id], label) for each in changed)
            self.edited.emit(edits[0] if len(edits) == 1 else Together(edits, label), merge)

    def paint_trimap(self, edit: PaintTrimap, look: str) -> None:
        """A person paints on a trimap; `look`: of its object from now on, within the same entry where it is another."""
        self.trimaps.put(edit.object_id, edit.frame, edit.strokes)
        old = self._objects[edit.object_id]
        if old.look == look:
            self.edited.emit(edit, "")
            return
        self._objects[edit.object_id] = replace(old, look=look)
        self.look_changed.emit(edit.object_id)
        self.edited.emit(Together((edit, SetLook(edit.object_id, look)), edit.name), "")

    def note_object(self, object_id: int, note: str, *, expression: str | None = None) -> None:
        """What a run says of its object; the run tells the document itself."""
        old = self._objects.get(object_id)
        if old is not None:
            new = replace(old, note=note, expression=old.expression if expression is None else expression)
            if new != old:
                self._objects[object_id] = new
                self.objects_changed.emit()

    def remove_object(self, object_id: int) -> None:
        """A person takes the object and its masks out."""
        gone = self._objects.get(object_id)
        if gone is not None:
            self.edited.emit(DeleteObject(object_id, gone.name), "")
            self.drop_object(object_id)

    def drop_object(self, object_id: int) -> None:
        """The object is not in the document any more."""
        if self._objects.pop(object_id, None) is None:
            return
        self._results.pop(object_id)
        self.trimaps.keep(self._objects)
        self._candidates.pop(object_id, None)
        self.objects_changed.emit()
        if self.selected == object_id:
            self.select(next(reversed(self._objects), None))

    def show_objects(self, objects: Iterable[StudioObject]) -> None:
        """The document says which objects there are, in this order; masks of those that stay are kept."""
        wanted = {each.object_id: each for each in objects}
        if wanted == self._objects and list(wanted) == list(self._objects):
            return
        self._objects = wanted
        self.trimaps.keep(wanted)
        for gone in self._results.keys() - wanted.keys():
            del self._results[gone]
            self._candidates.pop(gone, None)
        for object_id in wanted:
            if object_id not in self._results:
                self._results[object_id] = self._shelf(object_id)
            self.number_from(object_id + 1)
        self.objects_changed.emit()
        if self.selected not in wanted:
            self.select(next(reversed(wanted), None))

    def select(self, object_id: int | None) -> None:
        """Select an object, or none."""
        if object_id != self.selected:
            self.selected = object_id
            self.selection_changed.emit(object_id)

    # -- masks ---------------------------------------------------------------------------------------------------

    def read_from(self, source: MaskSource | None) -> None:
        """Where masks are read that are not in memory; None: all are kept in memory."""
        self._source = source
        for object_id, shelf in self._results.items():
            shelf.read = None if source is None else partial(source, object_id)

    def _shelf(self, object_id: int) -> MaskShelf:
        return MaskShelf(None if self._source is None else partial(self._source, object_id))

    def results(self, object_id: int) -> MaskShelf:
        """Frame index -> result of one object; empty where the object is gone. Not to be changed."""
        found = self._results.get(object_id)
        return _NOTHING if found is None else found

    @property
    def has_results(self) -> bool:
        return any(self._results.values())

    def put_results(self, object_id: int, frames: Iterable[FrameResult], *, locked: bool | None = None) -> None:
        """Take results of finished frames in; later ones replace earlier ones. `locked`: as `MaskShelf.put`."""
        kept = self._results.get(object_id)
        new = kept.put(frames, locked=locked) if kept is not None else ()
        if new:
            self.results_changed.emit(object_id, new)

    def clear_results(self, object_id: int, span: FrameSpan, *, keep_locked: bool = False) -> None:
        """Forget one object's results inside `span`."""
        kept = self._results.get(object_id)
        gone = kept.clear(span, keep_locked=keep_locked) if kept is not None else ()
        if gone:
            self.results_changed.emit(object_id, gone)

    def lock_results(self, object_id: int, frames: Iterable[int], *, locked: bool) -> None:
        """Lock frames that have a mask, or unlock them."""
        kept = self._results.get(object_id)
        changed = kept.lock(frames, locked=locked) if kept is not None else ()
        if changed:
            self.results_changed.emit(object_id, changed)

    def told_results(self, object_id: int, frames: tuple[int, ...]) -> None:
        """The shelf of an object was changed from the document: tell the views."""
        if frames and object_id in self._results:
            self.results_changed.emit(object_id, frames)

    def candidates(self, object_id: int) -> tuple[CandidatePicture, ...]:
        """What else an object's expression could mean, as its last run found it."""
        return self._candidates.get(object_id, ())

    def fits_another(self, object_id: int) -> bool:
        """Whether what a person locked is another candidate than the masks show."""
        return object_id in self._fits_another

    def put_candidates(
        self, object_id: int, pictures: tuple[CandidatePicture, ...], *, fits_another: bool = False
    ) -> None:
        """Take in what a run found; nothing happens where the object is gone."""
        if object_id in self._objects:
            self._candidates[object_id] = pictures
            (self._fits_another.add if fits_another else self._fits_another.discard)(object_id)
            self.candidates_changed.emit(object_id)

    # -- run -----------------------------------------------------------------------------------------------------

    def set_run(self, status: RunStatus) -> None:
        """Tell what the model is doing."""
        if status != self.run:
            self.run = status
            self.run_changed.emit(status)


def span_edit(media_id: int, span: FrameSpan, frames: int) -> Edit:
    """In and out as a setting of the clip; none where they span all of it."""
    value = None if span == FrameSpan(0, frames) else json.dumps([span.start, span.stop])
    return SetSetting(f"media:{media_id}", "span", value, label=f"In {span.start}, out {span.stop - 1}")


def read_span(value: str | None, frames: int) -> FrameSpan | None:
    """In and out from such a setting; None where there is none, or it does not fit the clip."""
    try:
        start, stop = json.loads(value) if value else (0, 0)
        span = FrameSpan(start, stop)
    except (ValueError, TypeError):
        return None
    return span if len(span) > 0 and span.stop <= frames else None


_NOTHING = MaskShelf()
