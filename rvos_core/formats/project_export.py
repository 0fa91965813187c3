"""A project as an annotation set, and its export in a format: the same for the window and the command line."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rvos_core.errors import UserError
from rvos_core.formats.annotations import (
    AnnotatedClip,
    AnnotatedObject,
    AnnotationSet,
    Expression,
    Kind,
    Sight,
    Sights,
)
from rvos_core.formats.format import Format, Loss, WriteOptions, Written
from rvos_core.formats.mask_folders import picture_stems
from rvos_core.formats.registry import write
from rvos_core.masks.rle import empty
from rvos_core.project.reading import ProjectReader
from rvos_core.project.records import ExpressionRecord, MaskRecord, MediaRecord, ObjectRecord
from rvos_core.project.relink import locate
from rvos_core.types import FrameSpan


@dataclass(frozen=True)
class Exported:
    """What was exported. `annotations`: what was meant; its masks are not to be asked for any more."""

    annotations: AnnotationSet
    format: Format
    written: Written

    @property
    def frames(self) -> int:
        """Of all clips together."""
        return sum(len(clip.frames) for clip in self.annotations.clips)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "format": self.format.format_id,
            "outputs": {self.format.format_id: str(self.written.path)},
            "clips": [clip.name for clip in self.annotations.clips],
            "objects": sum(len(clip.objects) for clip in self.annotations.clips),
            "frames": self.frames,
            "files": self.written.files,
            "lost": sorted(loss.value for loss in self.format.losses),
            "notes": list(self.written.notes),
        }


def export_annotations(
    reader: ProjectReader,
    chosen: Format,
    target: Path,
    *,
    media_ids: Collection[int] | None = None,
    object_ids: Collection[int] | None = None,
    span: FrameSpan | None = None,
    options: WriteOptions | None = None,
) -> Exported:
    """Write objects of a project in a format, whole or not at all; it is read back before it takes its name.

    Args:
        reader: open, in this thread; the clips themselves need not be there.
        target: a file or a folder, as the format asks for.
        media_ids, object_ids, span: as those of `annotations_of`.

    Raises:
        UserError: as `annotations_of` and `registry.write`; what had the name stays.
        Cancelled: a person stopped it; nothing is left.
    """
    found = annotations_of(reader, media_ids=media_ids, object_ids=object_ids, span=span)
    written = write(found, chosen, target, options)
    if Loss.MASKS not in chosen.losses:
        unseen = names_without_masks(reader, media_ids=media_ids, object_ids=object_ids, span=span)
        notes = (f"“{name}” has no mask on any of the frames." for name in unseen)
        written = replace(written, notes=(*written.notes, *notes))
    return Exported(found, chosen, written)


def names_without_masks(
    reader: ProjectReader,
    *,
    media_ids: Collection[int] | None = None,
    object_ids: Collection[int] | None = None,
    span: FrameSpan | None = None,
) -> list[str]:
    """Names of objects that are in sight on no frame. Arguments as of `annotations_of`."""
    return [
        each.name
        for clip in reader.media()
        if media_ids is None or clip.media_id in media_ids
        for each in reader.objects(clip.media_id)
        if (object_ids is None or each.object_id in object_ids) and not reader.lane(each.object_id, span).visible.any()
    ]


def annotations_of(
    reader: ProjectReader,
    *,
    media_ids: Collection[int] | None = None,
    object_ids: Collection[int] | None = None,
    span: FrameSpan | None = None,
) -> AnnotationSet:
    """The clips of a project, masks read when a frame is asked for; `reader` must stay open, in the same thread.

    Objects are numbered from 1 in each clip, in the order of the list. A frame is called by its picture's name, or by
    its index where the clip is a video. Part of a clip keeps its frames' names and numbers, all its objects with their
    numbers, and all sentences: exported in parts, a clip is the same as in one.

    Args:
        media_ids: these clips; default: all.
        object_ids: these objects; default: all.
        span: these frames of every clip, as far as it has them; default: all.

    Raises:
        UserError: an id is not in the project, or a clip has none of the frames.
    """
    clips = reader.media()
    things = {each.media_id: reader.objects(each.media_id) for each in clips}
    _require(media_ids, {each.media_id for each in clips}, "clip", reader.path)
    _require(object_ids, {each.object_id for found in things.values() for each in found}, "object", reader.path)
    wanted = [each for each in clips if media_ids is None or each.media_id in media_ids]
    found = []
    for clip in wanted:
        kept = [each for each in things[clip.media_id] if object_ids is None or each.object_id in object_ids]
        found.append(_clip(reader, clip, kept, _span_in(clip, span)))
    return AnnotationSet(tuple(found))


def clip_name(record: MediaRecord) -> str:
    """What a clip of a project is called in annotations: its folder, or its file without the suffix."""
    path = record.absolute_path
    return path.name if record.kind == "images" else path.stem


def frame_names(record: MediaRecord, project: Path) -> tuple[str, ...]:
    """Names of a clip's frames: those of its pictures where they can be found, else `00000`, `00001`, ..."""
    place = locate(record, project) if record.kind == "images" else None
    stems = picture_stems(place) if place is not None and place.is_dir() else ()
    if len(stems) == record.frame_count:
        return stems
    return tuple(f"{index:05d}" for index in range(record.frame_count))


def _require(wanted: Collection[int] | None, there: Collection[int], what: str, project: Path) -> None:
    missing = next((each for each in wanted or () if each not in there), None)
    if missing is not None:
        raise UserError(
            f"{project} has no {what} {missing}.",
            hint="`rvos project info` lists what there is.",
            code="project.unknown",
        )


def _span_in(clip: MediaRecord, span: FrameSpan | None) -> FrameSpan:
    if span is None:
        return FrameSpan(0, clip.frame_count)
    found = FrameSpan(min(span.start, clip.frame_count), min(span.stop, clip.frame_count))
    if not len(found):
        raise UserError(
            f"{clip_name(clip)} has no frame from {span.start} up to {span.stop}: it has {clip.frame_count}.",
            hint="Choose other in and out points, or leave this clip out.",
            code="delivery.no_frames",
        )
    return found


def _clip(reader: ProjectReader, record: MediaRecord, things: list[ObjectRecord], span: FrameSpan) -> AnnotatedClip:
    numbers = {thing.object_id: number for number, thing in enumerate(things, start=1)}

    def sights(index: int) -> Sights:
        found = {}
        for object_id, number in numbers.items():
            mask = reader.mask(object_id, span.start + index)
            if mask is not None:
                found[number] = _sight(mask)
        return found

    return AnnotatedClip(
        name=clip_name(record),
        width=record.width,
        height=record.height,
        frames=frame_names(record, reader.path)[span.start : span.stop],
        objects=tuple(AnnotatedObject(numbers[each.object_id], each.name) for each in things),
        sights=sights,
        expressions=_expressions(reader, numbers),
        rate=record.rate,
        first=span.start,
    )


def _sight(record: MaskRecord) -> Sight:
    mask = record.mask if record.visible else empty(record.mask.height, record.mask.width)
    return Sight(mask, record.absence == "occluded", record.absence == "out_of_frame")


def _expressions(reader: ProjectReader, numbers: dict[int, int]) -> tuple[Expression, ...]:
    """Sentences that stand in one group with one text are one sentence about several objects."""
    meant: dict[tuple[object, ...], list[int]] = {}
    records: dict[tuple[object, ...], ExpressionRecord] = {}
    for object_id, number in numbers.items():
        for each in reader.expressions(object_id):
            alone = (each.expression_id,) if not each.paraphrase_group else ()
            key = (each.paraphrase_group, each.text, each.kind, each.annotator, each.positive, *alone)
            meant.setdefault(key, []).append(number)
            records.setdefault(key, each)
    return tuple(
        Expression(str(place), each.text, tuple(meant[key]), _kind(each), each.annotator, each.positive)
        for place, (key, each) in enumerate(records.items())
    )


def _kind(record: ExpressionRecord) -> Kind:
    return "first_frame" if record.kind == "first_frame" else "full_video"
