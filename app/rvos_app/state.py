"""What the studio knows now: clip, objects, masks, span, playhead, run. No Qt; views subscribe to its signals."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from psygnal import Signal

from rvos_core.masks import object_colour
from rvos_core.types import FrameSpan, MediaInfo

if TYPE_CHECKING:
    from rvos_app.jobs.candidate_pictures import CandidatePicture
    from rvos_core.inference.events import FrameResult

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class StudioObject:
    """One thing in the clip that a person named. `object_id` never changes and is never used again."""

    object_id: int
    expression: str
    colour: Colour
    visible: bool = True
    note: str = ""  # one sentence on its last run, e.g. which words were unknown

    @property
    def name(self) -> str:
        return self.expression


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
    results_changed = Signal(int, object)  # object_id, tuple of frame indices
    selection_changed = Signal(object)  # object_id | None
    run_changed = Signal(object)  # RunStatus
    candidates_changed = Signal(int)  # object_id

    def __init__(self) -> None:
        self.generation = 0
        self.clip: MediaInfo | None = None
        self.span = FrameSpan(0, 0)
        self.frame_index = 0
        self.selected: int | None = None
        self.run = RunStatus()
        self.unsaved = False  # masks were made since the last export
        self._objects: dict[int, StudioObject] = {}
        self._results: dict[int, dict[int, FrameResult]] = {}
        self._candidates: dict[int, tuple[CandidatePicture, ...]] = {}
        self._next_id = 1

    # -- clip and playhead ---------------------------------------------------------------------------------------

    def set_clip(self, clip: MediaInfo | None) -> None:
        """Take another clip (or none): objects and masks of the former one go."""
        self.generation += 1
        self._objects.clear()
        self._results.clear()
        self._candidates.clear()
        self.unsaved = False
        self.selected = None
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
        """All objects in order of making."""
        return tuple(self._objects.values())

    def object(self, object_id: int) -> StudioObject | None:
        """The object of that id, or None where it was removed."""
        return self._objects.get(object_id)

    def find_object(self, expression: str) -> StudioObject | None:
        """The object that `expression` already names, or None."""
        return next((o for o in self._objects.values() if o.expression == expression), None)

    def add_object(self, expression: str) -> StudioObject:
        """Make an object for `expression`, in the first colour that no other has, and select it."""
        used = {o.colour for o in self._objects.values()}
        colour = next(c for c in map(object_colour, itertools.count()) if c not in used)
        made = StudioObject(self._next_id, expression, colour)
        self._next_id += 1
        self._objects[made.object_id] = made
        self._results[made.object_id] = {}
        self.objects_changed.emit()
        self.select(made.object_id)
        return made

    def change_object(
        self,
        object_id: int,
        *,
        expression: str | None = None,
        visible: bool | None = None,
        colour: Colour | None = None,
        note: str | None = None,
    ) -> None:
        """Change what is given; nothing happens where the object is gone."""
        old = self._objects.get(object_id)
        if old is None:
            return
        new = replace(
            old,
            expression=old.expression if expression is None else expression,
            visible=old.visible if visible is None else visible,
            colour=old.colour if colour is None else colour,
            note=old.note if note is None else note,
        )
        if new != old:
            self._objects[object_id] = new
            self.objects_changed.emit()

    def remove_object(self, object_id: int) -> None:
        """Take the object and its masks out."""
        if self._objects.pop(object_id, None) is None:
            return
        self._results.pop(object_id)
        self._candidates.pop(object_id, None)
        self.unsaved = self.unsaved and any(self._results.values())
        self.objects_changed.emit()
        if self.selected == object_id:
            self.select(next(reversed(self._objects), None))

    def select(self, object_id: int | None) -> None:
        """Select an object, or none."""
        if object_id != self.selected:
            self.selected = object_id
            self.selection_changed.emit(object_id)

    # -- masks ---------------------------------------------------------------------------------------------------

    def results(self, object_id: int) -> Mapping[int, FrameResult]:
        """Frame index -> result of one object; empty where the object is gone."""
        return MappingProxyType(self._results.get(object_id, {}))

    @property
    def has_results(self) -> bool:
        return any(self._results.values())

    def put_results(self, object_id: int, frames: Iterable[FrameResult]) -> None:
        """Take results of finished frames in; later ones replace earlier ones."""
        kept = self._results.get(object_id)
        if kept is None:
            return
        new = {frame.frame_index: frame for frame in frames}
        if new:
            kept.update(new)
            self.unsaved = True
            self.results_changed.emit(object_id, tuple(new))

    def clear_results(self, object_id: int, span: FrameSpan) -> None:
        """Forget one object's results inside `span`."""
        kept = self._results.get(object_id, {})
        gone = tuple(index for index in kept if index in span)
        for index in gone:
            del kept[index]
        if gone:
            self.results_changed.emit(object_id, gone)

    def candidates(self, object_id: int) -> tuple[CandidatePicture, ...]:
        """What else an object's expression could mean, as its last run found it."""
        return self._candidates.get(object_id, ())

    def put_candidates(self, object_id: int, pictures: tuple[CandidatePicture, ...]) -> None:
        """Take in what a run found; nothing happens where the object is gone."""
        if object_id in self._objects:
            self._candidates[object_id] = pictures
            self.candidates_changed.emit(object_id)

    # -- run -----------------------------------------------------------------------------------------------------

    def set_run(self, status: RunStatus) -> None:
        """Tell what the model is doing."""
        if status != self.run:
            self.run = status
            self.run_changed.emit(status)
