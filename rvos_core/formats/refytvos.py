"""Ref-YouTube-VOS, and data sets in its form (Ref-DAVIS17 as the public models convert it, the street world).

    meta_expressions/SPLIT/meta_expressions.json    {"videos": {V: {"expressions": {I: {"exp", "obj_id"}}, "frames"}}}
    SPLIT/meta.json                                 {"videos": {V: {"objects": {I: {"category", "frames"}}}}}
    SPLIT/Annotations/VIDEO/FRAME.png               indexed
    SPLIT/JPEGImages/VIDEO/FRAME.jpg                looked for, never written

Numbers are texts. Beside the published keys stand, where they say something, `name`, `attributes`, `kind`, `annotator`
and `positive`; the public loaders pass over them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rvos_core.datasets.expression_list import FILE_NAME, read_expression_list, video_entries
from rvos_core.datasets.reading import mapping_in, text_in, whole_number_in
from rvos_core.datasets.referring import Expression as ListedExpression
from rvos_core.datasets.refytvos import expressions_path
from rvos_core.errors import UserError
from rvos_core.formats.annotations import (
    AnnotatedClip,
    AnnotatedObject,
    AnnotationSet,
    Expression,
    Sights,
    default_name,
    nothing_said,
)
from rvos_core.formats.content import expression_entry, expression_of, object_entry, object_of, refuse_bomb
from rvos_core.formats.davis import PALETTE_LOSSES
from rvos_core.formats.folders import keyed, text_in_part, writing_folder
from rvos_core.formats.format import Format, Loss, ReadOptions, Walk, WriteOptions, Written, split_order
from rvos_core.formats.mask_folders import natural, read_clip, write_clip
from rvos_core.masks.png import MAX_OBJECT_ID
from rvos_core.masks.rle import area

_SPLITS = ("train", "valid", "test")


def read(source: Path, options: ReadOptions) -> AnnotationSet:
    """Args: source: the data set's root, or a `meta_expressions.json` alone (sentences without masks).

    Raises:
        UserError: naming what is missing, or the file and the place in it that is not as published.
    """
    path, base = _find(source, options.split)
    refuse_bomb(path)
    extras: dict[str, Mapping[str, Any]] = {}

    def objects_of(entry: Mapping[str, Any], file: Path, where: str) -> tuple[int, ...] | None:
        extras[where] = entry
        meant = entry.get("obj_id")
        return None if meant is None else (whole_number_in(meant, file, where=f"{where}/obj_id"),)

    images = base / "JPEGImages" if base else path.parent
    listed = read_expression_list(path, images=images, objects_of=objects_of)
    videos = options.chosen({video.name: video for video in listed}).values()
    known = _objects(base / "meta.json") if base else {}
    clips = []
    for number, video in enumerate(videos):
        expressions = tuple(
            _expression(each, extras[f'"videos"/{video.name}/expressions/{each.expression_id}'], path)
            for each in video.expressions
        )
        objects = _with_mentioned(known.get(video.name, {}), expressions)
        frames = tuple(sorted(video.frames, key=natural))
        masks = base / "Annotations" / video.name if base else None
        if masks is None or not masks.is_dir():
            clip = AnnotatedClip(video.name, 0, 0, frames, objects, nothing_said, expressions)
        else:
            clip = read_clip(
                masks,
                video.name,
                options,
                frames=frames,
                images=images / video.name,
                objects=objects if video.name in known else None,
                expressions=expressions,
            )
        clips.append(clip)
        options.step(number + 1, len(videos))
    return AnnotationSet(tuple(clips))


def _find(source: Path, split: str) -> tuple[Path, Path | None]:
    """The list of expressions, and the folder of its split if there is one."""
    if source.is_file():
        return source, None
    found = splits(source)
    if not found or (split and split not in found):
        raise UserError(
            f"{source} has no {expressions_path(Path(), split or _SPLITS[0])}.",
            hint="Give the folder that holds meta_expressions, or a meta_expressions.json.",
            code="formats.incomplete",
        )
    return expressions_path(source, split or found[0]), source / (split or found[0])


def splits(source: Path) -> tuple[str, ...]:
    """Those that have a list of expressions."""
    return tuple(sorted({path.parent.name for path in source.glob(f"meta_expressions/*/{FILE_NAME}")}, key=split_order))


def _objects(path: Path) -> dict[str, dict[int, AnnotatedObject]]:
    if not path.exists():
        return {}
    refuse_bomb(path)
    found: dict[str, dict[int, AnnotatedObject]] = {}
    for video, entry in video_entries(path).items():
        found[video] = {}
        where = f'"videos"/{video}/objects'
        for key, value in mapping_in(entry.get("objects", {}), path, where=where).items():
            each = mapping_in(value, path, where=f"{where}/{key}")
            number = whole_number_in(key, path, where=where)
            category = text_in(each.get("category") or "", path, where=f"{where}/{key}/category")
            found[video][number] = object_of(number, each, path, where=f"{where}/{key}", category=category)
    return found


def _expression(each: ListedExpression, entry: Mapping[str, Any], path: Path) -> Expression:
    return expression_of(each.expression_id, each.text, each.object_ids, entry, path)


def _with_mentioned(
    known: Mapping[int, AnnotatedObject], expressions: tuple[Expression, ...]
) -> tuple[AnnotatedObject, ...]:
    mentioned = {number for each in expressions for number in each.object_ids or ()}
    missing = {number: AnnotatedObject(number, default_name(number)) for number in sorted(mentioned - set(known))}
    return (*known.values(), *missing.values())


def write(annotations: AnnotationSet, target: Path, options: WriteOptions) -> Written:
    """Sentences about several objects or none are left out, and said. Raises: UserError, Cancelled."""
    walk = Walk(annotations, options)
    with writing_folder(target, options, "meta_expressions", *_SPLITS) as part:
        base = part / options.split
        files = 0
        seen: dict[str, dict[int, list[str]]] = {}
        for clip in annotations.clips:
            noted, seen[clip.name] = _noting(clip)
            files += write_clip(noted, base / "Annotations" / clip.name, walk, overlap=options.overlap)
        with text_in_part(base / "meta.json") as part_file:
            part_file.writelines(
                _wrapped((clip.name, _meta_entry(clip, seen[clip.name])) for clip in annotations.clips)
            )
        with text_in_part(expressions_path(part, options.split)) as part_file:
            part_file.writelines(_wrapped((clip.name, _list_entry(clip)) for clip in annotations.clips))
    left_out = sum(1 for clip in annotations.clips for each in clip.expressions if not _is_single(each))
    notes = (f"{left_out} sentences about several objects or none are left out.",) if left_out else ()
    return Written(target, files + 2, notes)


def _wrapped(videos: Iterator[tuple[str, Any]]) -> Iterator[str]:
    yield '{"videos": '
    yield from keyed(videos)
    yield "}\n"


def _noting(clip: AnnotatedClip) -> tuple[AnnotatedClip, dict[int, list[str]]]:
    """The clip, and object id -> names of the frames where it is seen, which fills as frames are asked for."""
    seen: dict[int, list[str]] = {each.object_id: [] for each in clip.objects}

    def sights(index: int) -> Sights:
        found = clip.sights(index)
        for object_id, sight in found.items():
            if area(sight.mask):
                seen[object_id].append(clip.frames[index])
        return found

    return replace(clip, sights=sights), seen


def _meta_entry(clip: AnnotatedClip, seen: Mapping[int, list[str]]) -> dict[str, Any]:
    return {
        "objects": {
            str(each.object_id): {
                "category": each.category,
                "frames": seen[each.object_id],
                **object_entry(each),
            }
            for each in clip.objects
        }
    }


def _list_entry(clip: AnnotatedClip) -> dict[str, Any]:
    expressions = {}
    for each in clip.expressions:
        if _is_single(each):
            said = {} if each.object_ids is None else {"obj_id": str(each.object_ids[0])}
            expressions[each.expression_id] = {"exp": each.text, **said, **expression_entry(each)}
    return {"expressions": expressions, "frames": list(clip.frames)}


def _is_single(each: Expression) -> bool:
    return each.object_ids is None or len(each.object_ids) == 1


def detect(path: Path) -> bool:
    """A tree with `meta_expressions`, or such a list alone."""
    if path.is_file():
        return path.name == FILE_NAME or "meta_expressions" in path.name
    return bool(splits(path))


FORMAT = Format(
    format_id="refytvos",
    title="Ref-YouTube-VOS",
    layout="meta_expressions/SPLIT/meta_expressions.json, SPLIT/meta.json, SPLIT/Annotations/CLIP/FRAME.png",
    target="folder",
    can_overlap=False,
    losses=(PALETTE_LOSSES | {Loss.SEVERAL}) - {Loss.NAMES, Loss.ATTRIBUTES, Loss.UNSEEN, Loss.UNSAID_FRAMES},
    read=read,
    write=write,
    detect=detect,
    needs_size=False,
    splits=splits,
    splits_objects=True,
    max_object_id=MAX_OBJECT_ID,
)
