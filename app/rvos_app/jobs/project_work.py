"""What the document's thread does for the window: open, load, refresh. No Qt."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from rvos_app.state import StudioObject, read_span
from rvos_core.errors import UserError
from rvos_core.masks import TrimapStrokes
from rvos_core.project.edits import Edit
from rvos_core.project.history import Touched
from rvos_core.project.library import Library
from rvos_core.project.reading import Lane, ProjectReader
from rvos_core.project.records import EditRecord, MediaRecord, ObjectRecord, RunRecord, SnapshotRecord
from rvos_core.project.relink import Identity, identity_of, locate, take_in
from rvos_core.project.store import Project
from rvos_core.types import FrameSpan, MediaInfo

_log = logging.getLogger("rvos.project")

PROGRAM = "RVOS Studio"
_HISTORY_SHOWN = 300
EVERYTHING = FrameSpan(0, 2**62)


@dataclass(frozen=True)
class Standing:
    """How a document stands, for title, menus and the history panel.

    Attributes:
        edits: the latest entries, oldest first.
        is_current: nothing changed since the latest snapshot.
    """

    path: Path
    edits: tuple[EditRecord, ...]
    snapshots: tuple[SnapshotRecord, ...]
    is_current: bool
    interrupted: tuple[RunRecord, ...]
    clips: tuple[MediaRecord, ...]

    @property
    def can_undo(self) -> bool:
        return any(not each.undone for each in self.edits)

    @property
    def can_redo(self) -> bool:
        return any(each.undone for each in self.edits)


@dataclass(frozen=True)
class Loaded:
    """A project as it was opened, with one of its clips.

    Attributes:
        place: where the clip lies now; None: it is missing.
        same_file: what lies there is what was annotated.
        view: objects and masks of the clip.
    """

    path: Path
    clip: MediaRecord
    clips: tuple[MediaRecord, ...]
    place: Path | None
    same_file: bool
    view: View
    next_object_id: int
    crashed: bool
    notices: tuple[str, ...]


@dataclass(frozen=True)
class Changed:
    """What came of an edit of whole tracks. `why`: where nothing was to be done; else `masks` were changed."""

    view: View | None
    masks: int = 0
    why: str = ""


@dataclass(frozen=True)
class View:
    """What the state is to show of a clip. `lanes`: of the objects whose masks are to be looked at again."""

    objects: tuple[StudioObject, ...]
    span: str | None  # JSON of in and out
    lanes: Mapping[int, Lane] = field(repr=False)
    frames: Mapping[int, FrameSpan] = field(repr=False)  # what each lane covers
    trimaps: Mapping[int, Mapping[int, TrimapStrokes]] = field(repr=False)  # of objects that are to be looked at again

    def in_and_out(self, info: MediaInfo) -> FrameSpan | None:
        return read_span(self.span, info.frame_count)


def standing_of(project: ProjectReader) -> Standing:
    """Ask a project how it stands."""
    return Standing(
        project.path,
        tuple(project.edits(_HISTORY_SHOWN)),
        tuple(project.snapshots()),
        project.is_current_snapshot(),
        tuple(project.interrupted()),
        tuple(project.media()),
    )


def load(project: ProjectReader, media_id: int | None = None) -> Loaded:
    """Everything that the window shows of one clip (the first one), without masks. Raises: UserError."""
    clips = project.media()
    if not clips:
        raise UserError(f"{project.path} holds no clip.", hint="Open a video instead.", code="project.no_media")
    clip = next((each for each in clips if each.media_id == media_id), clips[0])
    place = locate(clip, project.path)
    same = place is not None and identity_of(place) == Identity(clip.size_bytes, clip.identity)
    crashed = isinstance(project, Project) and project.crashed is not None
    notices = tuple(project.notices) if isinstance(project, Project) else ()
    next_id = 1 + max((each.object_id for each in project.objects()), default=0)
    if isinstance(project, Project):
        next_id = project.next_object_id()
    return Loaded(
        project.path, clip, tuple(clips), place, same, view(project, clip.media_id), next_id, crashed, notices
    )


def view(
    project: ProjectReader,
    media_id: int,
    spans: Mapping[int, FrameSpan] | None = None,
    painted: Iterable[int] = (),
) -> View:
    """Objects of a clip and their lanes.

    Args:
        spans: by object id, the frames to look at again; None: all of all.
        painted: further objects on whose trimaps other things may be painted.
    """
    records = project.objects(media_id)
    known = [each.object_id for each in records]
    wanted = dict.fromkeys(known, EVERYTHING) if spans is None else spans
    frames = {object_id: span for object_id, span in wanted.items() if object_id in known}
    lanes = {object_id: project.lane(object_id, span) for object_id, span in frames.items()}
    return View(
        tuple(studio_object(each, project) for each in records),
        project.setting(f"media:{media_id}", "span"),
        lanes,
        frames,
        {
            object_id: {frame: found.strokes for frame, found in project.trimaps(object_id).items()}
            for object_id in {*frames, *painted} & set(known)
        },
    )


def view_after(project: ProjectReader, media_id: int, touched: Touched) -> View:
    """What an undo, redo or revert changed. Raises: UserError."""
    return view(project, media_id, spans_of(touched), touched.painted)


def spans_of(touched: Touched) -> dict[int, FrameSpan]:
    """The frames that an undo, redo or revert changed, by object id."""
    return {object_id: FrameSpan(min(frames), max(frames) + 1) for object_id, frames in touched.frames.items()}


def studio_object(record: ObjectRecord, project: ProjectReader) -> StudioObject:
    """A record as the state has it: its sentence is the last one that it was looked for by, its name may be another.

    An object that was drawn has no sentence.
    """
    sentence = project.sentence(record.object_id)
    given_name = record.name if sentence != record.name else ""
    look = project.look(record.object_id)
    return StudioObject(
        record.object_id, sentence, record.colour, record.visible, record.note, record.locked, given_name, look
    )


def object_record(thing: StudioObject, *, media_id: int, position: int) -> ObjectRecord:
    """The other way round."""
    return ObjectRecord(
        thing.object_id, media_id, position, thing.name, thing.colour, thing.visible, thing.locked, note=""
    )


# -- changes -----------------------------------------------------------------------------------------------------------


def new_untitled(path: Path, info: MediaInfo, library: Library) -> Project:
    """A project of one clip in the studio's folder. Raises: UserError: the disk refuses, or the clip is gone."""
    project = Project.create(path, program=PROGRAM)
    try:
        take_in(project, info)
    except BaseException:
        project.close()
        library.forget_untitled(path)
        raise
    library.mark_open(path)
    return project


def only_ask(_project: Project) -> None:
    """Only how it stands is asked."""


def apply_edit(project: Project, *, edit: Edit, merge: str) -> None:
    project.apply(edit, merge=merge)


def change_tracks(project: Project, *, edit: Edit, objects: Iterable[int], media_id: int) -> Changed:
    """Make an edit that the window does not show yet. `objects`: those whose masks it changes. Raises: UserError."""
    try:
        entry = project.apply(edit)
    except UserError as error:
        if error.code != "project.nothing_to_do":
            raise
        return Changed(None, why=error.message)
    shown = view(project, media_id, dict.fromkeys(objects, EVERYTHING))
    return Changed(shown, project.changed_masks(entry.edit_id))


def undo(project: Project, *, media_id: int) -> View | None:
    found = project.undo()
    return view_after(project, media_id, found[1]) if found is not None else None


def redo(project: Project, *, media_id: int) -> View | None:
    found = project.redo()
    return view_after(project, media_id, found[1]) if found is not None else None


def jump(project: Project, *, edit_id: int, media_id: int) -> View:
    return view_after(project, media_id, project.jump(edit_id))


def revert(project: Project, *, snapshot_id: int, media_id: int) -> View:
    return view_after(project, media_id, project.revert_to(snapshot_id))


def look_again(project: Project, *, object_id: int, media_id: int) -> View:
    return view(project, media_id, {object_id: EVERYTHING})


def abandon_if_waiting(run: Future[RunRecord], project: Project) -> None:
    if run.exception() is None:
        project.abandon_if_waiting(run.result().run_id)


def take_snapshot(project: Project, *, name: str) -> str:
    return project.save(name).name


def save_copy(project: ProjectReader, *, target: Path) -> Path:
    project.save_as(target)
    return target


def back_up(project: Project) -> None:
    project.back_up()


def last_backup(library: Library, project: Project) -> None:
    """At closing: worth it where something changed, there are masks, and the project has a name."""
    if not library.is_untitled(project.path) and project.commits and project.mask_count():
        try:
            project.back_up()
        except UserError as error:
            _log.warning("no backup: %s", error)


def after_closing(library: Library, path: Path) -> None:
    """It was closed in order; a project that nobody named and nobody worked on goes."""
    library.mark_closed(path)
    if library.is_untitled(path) and path.exists() and is_without_work(path):
        library.forget_untitled(path)


def is_without_work(path: Path) -> bool:
    try:
        with ProjectReader(path) as reader:
            return not reader.edits(1)
    except UserError:
        return False
