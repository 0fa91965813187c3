"""Whole clips in labelme's terms: one JSON file a clip, labelme's shapes frame by frame.

    CLIP.json   {version, flags, videoPath, videoRate, imageHeight, imageWidth, objects, expressions,
                 frames: [{frame, imagePath, shapes: [...]}]}

A shape is what labelme writes for a picture (see `labelme_shapes`); `objects` and `expressions` say what shapes cannot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rvos_core.datasets.reading import bad_content, list_in, mapping_in, name_in, text_in, whole_number_in
from rvos_core.errors import UserError
from rvos_core.formats.annotations import AnnotatedClip, AnnotatedObject, AnnotationSet, Expression, Sights
from rvos_core.formats.content import (
    MAX_FRAMES,
    document_in,
    expression_entry,
    expression_of,
    object_entry,
    object_of,
    path_in,
    rate_in,
    stem,
)
from rvos_core.formats.folders import keyed, text_in_part, writing_folder
from rvos_core.formats.format import Format, Loss, ReadOptions, Walk, WriteOptions, Written
from rvos_core.formats.labelme import VERSION, picture_size
from rvos_core.formats.labelme_shapes import shapes_of, sights_in
from rvos_core.formats.sniffing import beginning


def read(source: Path, options: ReadOptions) -> AnnotationSet:
    """Args: source: a file, or a folder of them. Raises: UserError, Cancelled."""
    files = [source] if source.is_file() else sorted(source.glob("*.json"))
    if not files:
        raise UserError(f"{source} has no .json file.", hint="Give such a file or folder.", code="formats.incomplete")
    return AnnotationSet(tuple(_clip(path, options) for path in files))


def _clip(path: Path, options: ReadOptions) -> AnnotatedClip:
    document = document_in(path)
    size = picture_size(document, path)
    entries = list_in(document.get("frames"), path, where='"frames"')
    if len(entries) > MAX_FRAMES:
        raise bad_content(path, f"has {len(entries)} frames")
    shapes: dict[str, Any] = {}
    for number, value in enumerate(entries):
        entry = mapping_in(value, path, where=f'"frames"[{number}]')
        image = entry.get("imagePath")
        name = stem(path_in(image, path, where=f'"frames"[{number}]')[-1]) if image else f"{number:05d}"
        if name in shapes:
            raise bad_content(path, f"has the frame {name} twice")
        shapes[name] = entry.get("shapes", [])
    objects = _objects(document, path)
    frames = tuple(shapes)

    def sights(index: int) -> Sights:
        where = f'frame {frames[index]}, "shapes"'
        return sights_in(shapes[frames[index]], path, where=where, size=size, objects=objects)

    for index in range(len(frames)):
        sights(index)
        options.step(index + 1, len(frames))
    name = name_in(stem(str(document.get("videoPath") or path.stem)), path, where="videoPath")
    rate = rate_in(document.get("videoRate"), path, where="videoRate")
    return AnnotatedClip(name, *size, frames, tuple(objects.values()), sights, _expressions(document, path), rate)


def _objects(document: Mapping[str, Any], path: Path) -> dict[int, AnnotatedObject]:
    found = {}
    for number, value in enumerate(list_in(document.get("objects") or [], path, where='"objects"')):
        where = f'"objects"[{number}]'
        entry = mapping_in(value, path, where=where)
        key = whole_number_in(entry.get("id"), path, where=f"{where}/id")
        category = text_in(entry.get("category", ""), path, where=f"{where}/category")
        found[key] = object_of(key, entry, path, where=where, category=category)
    return found


def _expressions(document: Mapping[str, Any], path: Path) -> tuple[Expression, ...]:
    found = []
    for number, value in enumerate(list_in(document.get("expressions") or [], path, where='"expressions"')):
        where = f'"expressions"[{number}]'
        entry = mapping_in(value, path, where=where)
        meant = entry.get("object_ids")
        ids = (
            None
            if meant is None
            else tuple(whole_number_in(each, path, where=where) for each in list_in(meant, path, where=where))
        )
        text = text_in(entry.get("text"), path, where=f"{where}/text")
        found.append(expression_of(str(entry.get("id", number)), text, ids, entry, path))
    return tuple(found)


def write(annotations: AnnotationSet, target: Path, options: WriteOptions) -> Written:
    """A folder with a file a clip. Raises: UserError: the disk refuses; Cancelled."""
    walk = Walk(annotations, options)
    names = [re.escape(f"{clip.name}.json") for clip in annotations.clips]
    with writing_folder(target, options, *names) as part:
        for clip in annotations.clips:
            with text_in_part(part / f"{clip.name}.json") as part_file:
                part_file.writelines(keyed(_members(clip, walk, options)))
    return Written(target, len(names))


def _members(clip: AnnotatedClip, walk: Walk, options: WriteOptions) -> Iterator[tuple[str, Any]]:
    yield "version", VERSION
    yield "flags", {}
    yield "videoPath", f"{clip.name}.mp4"
    if clip.rate is not None:
        yield "videoRate", str(clip.rate)
    yield "imageHeight", clip.height
    yield "imageWidth", clip.width
    yield (
        "objects",
        [
            {"id": each.object_id, **({"category": each.category} if each.category else {}), **object_entry(each)}
            for each in clip.objects
        ],
    )
    yield (
        "expressions",
        [
            {
                "id": each.expression_id,
                "text": each.text,
                **({} if each.object_ids is None else {"object_ids": list(each.object_ids)}),
                **expression_entry(each),
            }
            for each in clip.expressions
        ],
    )
    yield (
        "frames",
        (
            {
                "frame": clip.number(index),
                "imagePath": f"{name}{options.suffix}",
                "shapes": list(shapes_of(clip, sights)),
            }
            for index, name, sights in walk.frames(clip)
        ),
    )


def detect(path: Path) -> bool:
    """A JSON file with `videoPath` or frames of shapes, or a folder of nothing else."""
    if path.is_dir():
        inside = [each for each in path.iterdir() if not each.name.startswith(".")]
        return bool(inside) and all(each.is_file() and detect(each) for each in inside)
    if path.suffix.lower() != ".json":
        return False
    text = beginning(path)
    return '"videoPath"' in text or ('"frames"' in text and '"shapes"' in text)


FORMAT = Format(
    format_id="labelme-video",
    title="labelme, a clip a file",
    layout="CLIP.json",
    target="folder",
    can_overlap=True,
    losses=frozenset({Loss.ABSENCE}),
    read=read,
    write=write,
    detect=detect,
)
