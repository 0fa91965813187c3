"""YouTube-VIS: one JSON file, an annotation per object with a mask, a box and an area (or null) for every frame.

    {info, videos: [{id, width, height, length, file_names}],
     annotations: [{id, video_id, category_id, segmentations, areas, bboxes, iscrowd}], categories}

Sentences go where SA-Co/VEval keeps its noun phrases: `video_np_pairs: [{id, video_id, category_id, noun_phrase,
num_masklets}]`. Every phrase is a category there, which objects of that name have. Ours have `annotation_ids` too, so
that several sentences can mean one object; read without them, a phrase means the objects of its category, and none
where it has no masklets. Polygons are read, run lengths written. `results` (`[{video_id, category_id, segmentations,
score}]` alone) name no videos and are not read.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rvos_core.datasets.reading import bad_content, list_in, mapping_in, name_in, text_in, whole_number_in
from rvos_core.formats.annotations import (
    AnnotatedClip,
    AnnotatedObject,
    AnnotationSet,
    Expression,
    Sight,
    Sights,
)
from rvos_core.formats.coco_members import (
    INFO,
    categories_in,
    categories_of,
    category_entries,
    category_in,
    numbers_of,
    thing_entry,
    thing_in,
    xywh,
)
from rvos_core.formats.content import (
    MAX_FRAMES,
    document_in,
    expression_entry,
    expression_of,
    path_in,
    rate_in,
    segmentation_in,
    size_in,
    stem,
)
from rvos_core.formats.folders import keyed, writing_text
from rvos_core.formats.format import Format, Loss, ReadOptions, Walk, WriteOptions, Written
from rvos_core.formats.sniffing import beginning
from rvos_core.masks.rle import area, to_coco


@dataclass
class _Video:
    """A video of the file while its parts are put together."""

    name: str
    size: tuple[int, int]
    frames: tuple[str, ...]
    rate: Any
    objects: list[AnnotatedObject] = field(default_factory=list)
    segmentations: dict[int, list[Any]] = field(default_factory=dict)
    categories: dict[int, int] = field(default_factory=dict)
    object_of_annotation: dict[int, int] = field(default_factory=dict)
    expressions: list[Expression] = field(default_factory=list)


def read(source: Path, options: ReadOptions) -> AnnotationSet:
    """Raises: UserError: the file and the place in it that is not as it should be; Cancelled."""
    document = document_in(source)
    categories = categories_in(document, source)
    videos: dict[int, _Video] = {}
    for number, value in enumerate(list_in(document.get("videos"), source, where='"videos"')):
        where = f'"videos"[{number}]'
        entry = mapping_in(value, source, where=where)
        video = _video(entry, source, where)
        if videos.setdefault(whole_number_in(entry.get("id"), source, where=f"{where}/id"), video) is not video:
            raise bad_content(source, f"has two videos of the number {entry.get('id')}")
    annotations = list_in(document.get("annotations") or [], source, where='"annotations"')
    for number, value in enumerate(annotations):
        where = f'"annotations"[{number}]'
        entry = mapping_in(value, source, where=where)
        _add_annotation(_video_of(entry, videos, source, where), entry, categories, source, where)
        options.step(number + 1, len(annotations))
    for number, value in enumerate(list_in(document.get("video_np_pairs") or [], source, where='"video_np_pairs"')):
        where = f'"video_np_pairs"[{number}]'
        entry = mapping_in(value, source, where=where)
        _add_phrase(_video_of(entry, videos, source, where), entry, source, where)
    return AnnotationSet(tuple(_clip(each, source) for each in videos.values()))


def _video(entry: Mapping[str, Any], path: Path, where: str) -> _Video:
    size = size_in(entry.get("width"), entry.get("height"), path, where=where)
    files = list_in(entry.get("file_names"), path, where=f"{where}/file_names")
    if len(files) > MAX_FRAMES:
        raise bad_content(path, f"lists {len(files)} frames ({where})")
    parts = [path_in(each, path, where=f"{where}/file_names") for each in files]
    folders = {each[-2] for each in parts if len(each) > 1}
    folder = folders.pop() if len(folders) == 1 else f"video-{entry.get('id')}"
    name = name_in(entry.get("video_name") or folder, path, where=f"{where}/video_name")
    frames = tuple(stem(each[-1]) for each in parts)
    if len(set(frames)) != len(frames):
        raise bad_content(path, f"lists a frame twice ({where})")
    return _Video(name, size, frames, entry.get("fps"))


def _video_of(entry: Mapping[str, Any], videos: Mapping[int, _Video], path: Path, where: str) -> _Video:
    number = whole_number_in(entry.get("video_id"), path, where=f"{where}/video_id")
    if number not in videos:
        raise bad_content(path, f"has the video {number} that it does not list ({where})")
    return videos[number]


def _add_annotation(
    video: _Video, entry: Mapping[str, Any], categories: Mapping[int, str], path: Path, where: str
) -> None:
    number = whole_number_in(entry.get("id"), path, where=f"{where}/id")
    masks = list_in(entry.get("segmentations"), path, where=f"{where}/segmentations")
    if len(masks) != len(video.frames):
        raise bad_content(path, f"has {len(masks)} masks for a video of {len(video.frames)} frames ({where})")
    taken = {each.object_id for each in video.objects}
    object_id = whole_number_in(entry.get("object_id", len(taken) + 1), path, where=f"{where}/object_id")
    if not object_id or object_id in taken or number in video.object_of_annotation:
        raise bad_content(path, f"has two annotations of the number {number} or object {object_id} ({where})")
    video.objects.append(thing_in(object_id, entry, categories, path, where=where))
    video.segmentations[object_id] = masks
    video.categories[object_id] = category_in(entry, categories, path, where=where)
    video.object_of_annotation[number] = object_id


def _add_phrase(video: _Video, entry: Mapping[str, Any], path: Path, where: str) -> None:
    text = text_in(entry.get("noun_phrase"), path, where=f"{where}/noun_phrase")
    meant: tuple[int, ...] | None
    if entry.get("annotation_ids", ()) is None or entry.get("category_id") is None:  # ours: it is not said
        meant = None
    elif "annotation_ids" in entry:
        numbers = [
            whole_number_in(each, path, where=where)
            for each in list_in(entry["annotation_ids"], path, where=f"{where}/annotation_ids")
        ]
        unknown = next((each for each in numbers if each not in video.object_of_annotation), None)
        if unknown is not None:
            raise bad_content(path, f"means the annotation {unknown}, which its video does not have ({where})")
        meant = tuple(video.object_of_annotation[each] for each in numbers)
    else:
        category = whole_number_in(entry["category_id"], path, where=f"{where}/category_id")
        meant = tuple(key for key, value in video.categories.items() if value == category)
    number = text_in(str(entry.get("expression_id", entry.get("id", len(video.expressions)))), path, where=where)
    video.expressions.append(expression_of(number, text, meant, entry, path))


def _clip(video: _Video, path: Path) -> AnnotatedClip:
    def sights(index: int) -> Sights:
        found = {}
        for object_id, masks in video.segmentations.items():
            if masks[index] is not None:
                where = f"object {object_id} of {video.name}, frame {index}"
                found[object_id] = Sight(segmentation_in(masks[index], path, where=where, size=video.size))
        return found

    rate = rate_in(video.rate, path, where=video.name)
    return AnnotatedClip(
        video.name, *video.size, video.frames, tuple(video.objects), sights, tuple(video.expressions), rate
    )


def write(annotations: AnnotationSet, target: Path, options: WriteOptions) -> Written:
    """Raises: UserError: the disk refuses; Cancelled."""
    walk = Walk(annotations, options)
    phrases = (each.text for clip in annotations.clips for each in clip.expressions)
    category_of, number_of = categories_of(annotations, phrases), numbers_of(annotations)
    with writing_text(target, options) as part_file:
        part_file.writelines(
            keyed(
                (
                    ("info", INFO),
                    ("videos", (_video_entry(i, each, options) for i, each in enumerate(annotations.clips, 1))),
                    ("categories", category_entries(category_of)),
                    ("annotations", _annotation_entries(annotations, category_of, number_of, walk)),
                    ("video_np_pairs", _phrase_entries(annotations, category_of, number_of)),
                )
            )
        )
    return Written(target, 1)


def _video_entry(number: int, clip: AnnotatedClip, options: WriteOptions) -> dict[str, Any]:
    return {
        "id": number,
        "video_name": clip.name,
        "width": clip.width,
        "height": clip.height,
        "length": len(clip.frames),
        "file_names": [f"{clip.name}/{frame}{options.suffix}" for frame in clip.frames],
        **({"fps": str(clip.rate)} if clip.rate is not None else {}),
    }


def _annotation_entries(
    annotations: AnnotationSet, category_of: Mapping[str, int], number_of: Mapping[tuple[str, int], int], walk: Walk
) -> Iterator[dict[str, Any]]:
    for video, clip in enumerate(annotations.clips, start=1):
        masks_of = walk.by_object(clip)
        for thing in clip.objects:
            masks: list[Any] = [None] * len(clip.frames)
            for index, sights in masks_of[thing.object_id]:
                mask = sights[thing.object_id].mask
                masks[index] = mask if area(mask) else None
            yield {
                "id": number_of[clip.name, thing.object_id],
                "video_id": video,
                **thing_entry(thing, category_of),
                "segmentations": [None if mask is None else to_coco(mask) for mask in masks],
                "areas": [None if mask is None else area(mask) for mask in masks],
                "bboxes": [None if mask is None else xywh(mask) for mask in masks],
                "iscrowd": 0,
            }


def _phrase_entries(
    annotations: AnnotationSet, category_of: Mapping[str, int], number_of: Mapping[tuple[str, int], int]
) -> Iterator[dict[str, Any]]:
    numbers = itertools.count(1)
    for video, clip in enumerate(annotations.clips, start=1):
        for each in clip.expressions:
            meant = each.object_ids
            yield {
                "id": next(numbers),
                "video_id": video,
                "category_id": category_of[each.text],
                "noun_phrase": each.text,
                "num_masklets": len(meant or ()),
                "annotation_ids": None if meant is None else [number_of[clip.name, i] for i in meant],
                "expression_id": each.expression_id,
                **expression_entry(each),
            }


def detect(path: Path) -> bool:
    """A JSON file that speaks of videos with `file_names` or of annotations with `segmentations`."""
    if not path.is_file() or path.suffix.lower() != ".json":
        return False
    text = beginning(path)
    return '"videos"' in text and '"file_names"' in text


FORMAT = Format(
    format_id="ytvis",
    title="YouTube-VIS (with SA-Co's noun phrases)",
    layout="FILE.json",
    target="file",
    can_overlap=True,
    losses=frozenset({Loss.OCCLUSION, Loss.ABSENCE}),
    read=read,
    write=write,
    detect=detect,
)
