"""An annotation set into a project: first a plan that can be shown, then one entry of the history.

What a person has locked stays as it is. A cancelled or failed import leaves the project as it was.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np

from rvos_core.errors import UserError
from rvos_core.formats.annotations import (
    AnnotatedClip,
    AnnotatedObject,
    AnnotationSet,
    Expression,
    Sights,
    default_name,
)
from rvos_core.formats.clip_matching import clip_pairs
from rvos_core.formats.format import ReadOptions
from rvos_core.formats.frame_matching import FrameMatch, match_frames
from rvos_core.formats.project_export import clip_name, frame_names
from rvos_core.masks import area, object_colour
from rvos_core.project.edits import AddObject, Edit, PutExpression
from rvos_core.project.mask_edits import put_unlocked
from rvos_core.project.reading import ProjectReader
from rvos_core.project.records import Absence, EditRecord, ExpressionRecord, MaskRecord, MediaRecord, ObjectRecord
from rvos_core.project.rows import Rows
from rvos_core.project.store import Project

# What a person wants of an object of the source: an object of the project, a new one, or nothing.
Goal: TypeAlias = int | Literal["new", "left out"]
_LEFT_OUT: Goal = "left out"
_LONGEST_NAME = 200  # letters


@dataclass(frozen=True)
class ObjectPlan:
    """What becomes of one object of the source.

    Attributes:
        source: as it is in the annotations.
        target: the object of the project; a new one where `is_new`.
        masks: how many are put, empty ones (out of sight) too.
        kept: how many of them meet a locked frame, which stays.
        expressions: sentences that the object gets.
        frames: of the project's clip, where a mask is put: (masks,) int64.
        in_sight: which of these masks have a pixel: (masks,) bool.
    """

    source: AnnotatedObject
    target: ObjectRecord
    is_new: bool
    masks: int
    kept: int
    expressions: tuple[Expression, ...]
    frames: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64), repr=False, compare=False)
    in_sight: np.ndarray = field(default_factory=lambda: np.zeros(0, bool), repr=False, compare=False)


@dataclass(frozen=True)
class ClipPlan:
    """One clip of the source and the clip of the project that it is. `match`: which frame is which."""

    clip: AnnotatedClip = field(repr=False)
    media: MediaRecord
    match: FrameMatch
    objects: tuple[ObjectPlan, ...]

    @property
    def frame_of(self) -> tuple[int | None, ...]:
        """Index in the source -> frame of the project's clip."""
        return self.match.frames


@dataclass(frozen=True)
class ImportPlan:
    """Everything that an import would do. `notes`: what is left out, and why."""

    clips: tuple[ClipPlan, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ImportMasks:
    """The masks of a plan, read as they are written."""

    plan: ImportPlan = field(repr=False)
    options: ReadOptions = field(repr=False)
    name: str = "Import masks"

    def apply(self, rows: Rows) -> None:
        """Raises: UserError: a mask is damaged. Cancelled."""
        done, total = 0, _frames(self.plan)
        for clip in self.plan.clips:
            targets = {each.source.object_id: each.target.object_id for each in clip.objects}
            for frame, sights in _frames_of(clip):
                put_unlocked(rows, mask_records(sights, targets, frame))
                done += 1
                self.options.step(done, total)


def plan_import(
    project: ProjectReader,
    annotations: AnnotationSet,
    *,
    clip_of: Mapping[str, int] | None = None,
    object_of: Mapping[tuple[str, int], Goal] | None = None,
    shift: int = 0,
    options: ReadOptions | None = None,
) -> ImportPlan:
    """Work out what an import would do; every mask is read and checked, nothing is changed.

    Clips are those of the same name, or the only one where both sides have one. An object is the project's object of
    the same name, else a new one.

    Args:
        clip_of: name of a clip in the source -> clip of the project.
        object_of: (name of the clip in the source, object id there) -> object of the project, or else.
        shift: frames to add, where the source counts its frames otherwise than the clips.

    Raises:
        UserError: no clip fits, a size or a number of frames differs, a mask is damaged.
        Cancelled: a person stopped it.
    """
    options = options or ReadOptions()
    pairs, notes = clip_pairs(project, annotations, clip_of or {})
    plans = []
    next_object_id = _next_object_id(project)
    done, total = 0, sum(len(clip.frames) for clip, _ in pairs)
    for clip, media in pairs:
        match = match_frames(clip, frame_names(media, project.path), media.frame_count, shift=shift)
        if clip.width and (clip.width, clip.height) != (media.width, media.height):
            raise UserError(
                f"The masks of {clip.name} are {clip.width}x{clip.height}, the clip {clip_name(media)} is "
                f"{media.width}x{media.height}.",
                hint="They belong to another video, or to one of another size; masks are never resized silently.",
                code="formats.size",
            )
        targets, next_object_id = _targets(project, clip, media, object_of or {}, next_object_id)
        plan, left_out = _clip_plan(project, clip, media, match, targets)
        notes += left_out
        counted, done = _counted(project, plan, options, done, total)
        plans.append(counted)
    return ImportPlan(tuple(plans), tuple(notes))


def redirected(project: ProjectReader, plan: ImportPlan, object_of: Mapping[tuple[str, int], Goal]) -> ImportPlan:
    """The plan with other goals of its objects; no mask is read again. What it leaves out stays left out.

    Args:
        object_of: as that of `plan_import`.

    Raises:
        UserError: a goal is not there.
    """
    plans, notes = [], list(plan.notes)
    next_object_id = _next_object_id(project)
    for former in plan.clips:
        clip, known = former.clip, {each.source.object_id: each for each in former.objects}
        goals = {(clip.name, each.object_id): _LEFT_OUT for each in clip.objects if each.object_id not in known}
        targets, next_object_id = _targets(project, clip, former.media, {**object_of, **goals}, next_object_id)
        made, left_out = _clip_plan(project, clip, former.media, former.match, targets)
        counted = ((each, known[each.source.object_id]) for each in made.objects)
        objects = (_judged(project, each, same.frames, same.in_sight) for each, same in counted)
        plans.append(replace(made, objects=tuple(objects)))
        notes += [each for each in left_out if each not in notes]
    return ImportPlan(tuple(plans), tuple(notes))


def _next_object_id(project: ProjectReader) -> int:
    """That of a project open for writing; of one that is only read, what it is unless an object was removed."""
    if isinstance(project, Project):
        return project.next_object_id()
    return max((each.object_id for each in project.objects()), default=0) + 1


def apply_import(project: Project, plan: ImportPlan, *, title: str, options: ReadOptions | None = None) -> EditRecord:
    """Do what the plan says, as one entry of the history. Raises: UserError, Cancelled: the project is as before."""
    edits: list[Edit] = []
    expression_id = project.next_expression_id()
    groups = _group_numbers(project)
    for clip in plan.clips:
        edits += [AddObject(each.target) for each in clip.objects if each.is_new]
        group_of = {id(each): next(groups) for each in clip.clip.expressions if len(each.object_ids or ()) > 1}
        for each in clip.objects:
            for said in each.expressions:
                edits.append(PutExpression(_record(said, expression_id, each.target, group_of.get(id(said), 0))))
                expression_id += 1
    edits.append(ImportMasks(plan, options or ReadOptions()))
    return project.apply(*edits, name=f"Import {title}")


def mask_records(sights: Sights, targets: Mapping[int, int], frame: int) -> list[MaskRecord]:
    """The project's records of one frame; an object that is not among `targets` is left out."""
    found = []
    for object_id, sight in sights.items():
        if object_id not in targets:
            continue
        visible = area(sight.mask) > 0
        absence: Absence | None = None
        if not visible and (sight.occluded or sight.outside):
            absence = "out_of_frame" if sight.outside else "occluded"
        record = MaskRecord(targets[object_id], frame, sight.mask, "imported", 1.0, visible, absence=absence)
        found.append(record)
    return found


def _targets(
    project: ProjectReader,
    clip: AnnotatedClip,
    media: MediaRecord,
    object_of: Mapping[tuple[str, int], Goal],
    next_object_id: int,
) -> tuple[dict[int, tuple[ObjectRecord, bool]], int]:
    """Source's object id -> (object of the project, whether it is new), but for those left out; the next free id."""
    there = project.objects(media.media_id)
    by_id = {each.object_id: each for each in there}
    by_name = {each.name: each for each in reversed(there)}
    colours = {each.colour for each in there}
    found: dict[int, tuple[ObjectRecord, bool]] = {}
    for each in clip.objects:
        wanted = object_of.get((clip.name, each.object_id))
        if wanted == _LEFT_OUT:
            continue
        if isinstance(wanted, int) and wanted not in by_id:
            raise UserError(
                f"The clip {clip_name(media)} has no object {wanted}.",
                hint="`rvos project info` lists its objects; leave the number out for a new one.",
                code="project.no_object",
            )
        known = by_id[wanted] if isinstance(wanted, int) else by_name.get(_name(each, clip))
        if (
            wanted != "new"
            and known is not None
            and known.object_id not in {one.object_id for one, _ in found.values()}
        ):
            found[each.object_id] = (known, False)
            continue
        colour = next(c for c in map(object_colour, range(len(colours) + 1)) if c not in colours)
        colours.add(colour)
        position = len(there) + sum(is_new for _, is_new in found.values())
        made = ObjectRecord(next_object_id, media.media_id, position, _name(each, clip), colour)
        found[each.object_id] = (made, True)
        next_object_id += 1
    return found, next_object_id


def _name(thing: AnnotatedObject, clip: AnnotatedClip) -> str:
    """Its own name; its first sentence where it has none; category and number. On one line, and not endless."""
    if thing.name.strip() and thing.name not in (default_name(thing.object_id), thing.category):
        return _short(thing.name)
    said = (each.text for each in clip.expressions if each.object_ids == (thing.object_id,) and each.positive)
    label = f"{thing.category} {thing.object_id}" if thing.category.strip() else default_name(thing.object_id)
    return _short(next((text for text in said if text.strip()), label))


def _short(name: str) -> str:
    name = " ".join(name.split()) if "\n" in name or "\r" in name else name
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _clip_plan(
    project: ProjectReader,
    clip: AnnotatedClip,
    media: MediaRecord,
    match: FrameMatch,
    targets: Mapping[int, tuple[ObjectRecord, bool]],
) -> tuple[ClipPlan, list[str]]:
    objects = []
    missing = {each.object_id for each in clip.objects} - targets.keys()
    said_of_it = [one for one in clip.expressions if one.text.strip()]
    kept = [one for one in said_of_it if missing.isdisjoint(one.object_ids or ())]
    for each in clip.objects:
        if each.object_id in missing:
            continue
        target, is_new = targets[each.object_id]
        known = set() if is_new else {(one.text, one.kind) for one in project.expressions(target.object_id)}
        said = [one for one in kept if each.object_id in (one.object_ids or ())]
        new = tuple(one for one in said if (one.text, one.kind) not in known)
        objects.append(ObjectPlan(each, target, is_new, 0, 0, new))
    about_nothing = sum(1 for each in said_of_it if not each.object_ids)
    notes = []
    if about_nothing:
        notes.append(f"{about_nothing} sentences of {clip.name} mean no object and are left out.")
    if len(said_of_it) < len(clip.expressions):
        blank = len(clip.expressions) - len(said_of_it)
        notes.append(f"{blank} sentences of {clip.name} are empty and are left out.")
    if len(kept) < len(said_of_it):
        about = len(said_of_it) - len(kept)
        notes.append(f"{about} sentences of {clip.name} mean an object that is left out, and are left out with it.")
    beyond = match.frames.count(None)
    if beyond:
        notes.append(f"{beyond} frames of {clip.name} lie beyond the clip and are left out.")
    return ClipPlan(clip, media, match, tuple(objects)), notes


def _counted(
    project: ProjectReader, plan: ClipPlan, options: ReadOptions, done: int, total: int
) -> tuple[ClipPlan, int]:
    """The plan with the frames of every object; reads all masks."""
    found = {each.source.object_id: (array("q"), array("b")) for each in plan.objects}
    for frame, sights in _frames_of(plan):
        for object_id, sight in sights.items():
            if object_id in found:
                frames, in_sight = found[object_id]
                frames.append(frame)
                in_sight.append(area(sight.mask) > 0)
        done += 1
        options.step(done, total)
    objects = []
    for each in plan.objects:
        frames, in_sight = found[each.source.object_id]
        objects.append(_judged(project, each, np.array(frames, np.int64), np.array(in_sight, bool)))
    return replace(plan, objects=tuple(objects)), done


def _judged(project: ProjectReader, plan: ObjectPlan, frames: np.ndarray, in_sight: np.ndarray) -> ObjectPlan:
    """The plan of an object whose masks lie on `frames`, and how many of them meet a lock."""
    kept = 0
    if not plan.is_new:
        lane = project.lane(plan.target.object_id)
        met = np.isin(frames, lane.frames[lane.locked])
        kept = len(frames) if plan.target.locked else int(met.sum())
    return replace(plan, frames=frames, in_sight=in_sight, masks=len(frames), kept=kept)


def _frames_of(plan: ClipPlan) -> Iterator[tuple[int, Sights]]:
    for index, frame in enumerate(plan.frame_of):
        if frame is not None:
            yield frame, plan.clip.sights(index)


def _frames(plan: ImportPlan) -> int:
    return sum(frame is not None for clip in plan.clips for frame in clip.frame_of)


def _group_numbers(project: ProjectReader) -> Iterator[int]:
    used = max(
        (one.paraphrase_group for each in project.objects() for one in project.expressions(each.object_id)), default=0
    )
    while True:
        used += 1
        yield used


def _record(said: Expression, number: int, target: ObjectRecord, group: int) -> ExpressionRecord:
    return ExpressionRecord(
        number,
        target.object_id,
        said.text,
        kind=said.kind,
        positive=said.positive,
        annotator=said.annotator,
        paraphrase_group=group,
    )
