"""COCO instances of single pictures, with the `videos` and `tracks` of TAO, so that clips stay clips.

    {info, images: [{id, file_name, width, height, video_id, frame_index}], videos: [{id, name, fps}], categories,
     annotations: [{id, image_id, category_id, segmentation, area, bbox, iscrowd, track_id}],
     tracks: [{id, video_id, category_id, object_id}], expressions: [{id, video_id, text, track_ids}]}

Plain COCO is read too: pictures in one folder and of one size are a clip, and without tracks every annotation is an
object of its own. Polygons, plain and compressed run lengths are read, compressed run lengths written. Crowds are read
like any mask.
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
    numbers_of,
    thing_entry,
    thing_in,
    xywh,
)
from rvos_core.formats.content import (
    MAX_OBJECTS,
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
from rvos_core.formats.format import Format, ReadOptions, Walk, WriteOptions, Written
from rvos_core.formats.names import safe_names
from rvos_core.formats.sniffing import beginning
from rvos_core.masks.rle import area, to_coco, union


@dataclass
class _Clip:
    """A clip of the file while its parts are put together."""

    name: str
    size: tuple[int, int]
    rate: Any = None
    images: list[tuple[int, str, int]] = field(default_factory=list)  # frame index, name, image id
    objects: dict[int, AnnotatedObject] = field(default_factory=dict)
    masks: dict[int, list[tuple[int, Mapping[str, Any]]]] = field(default_factory=dict)  # image id -> object, entry
    expressions: list[Expression] = field(default_factory=list)
    object_of_track: dict[int, int] = field(default_factory=dict)


def read(source: Path, options: ReadOptions) -> AnnotationSet:
    """Raises: UserError: the file and the place in it that is not as it should be; Cancelled."""
    document = document_in(source)
    categories = categories_in(document, source)
    clips, clip_of_image = _clips(document, source)
    _add_tracks(document, clips, categories, source)
    annotations = list_in(document.get("annotations") or [], source, where='"annotations"')
    for number, value in enumerate(annotations):
        where = f'"annotations"[{number}]'
        entry = mapping_in(value, source, where=where)
        image = whole_number_in(entry.get("image_id"), source, where=f"{where}/image_id")
        if image not in clip_of_image:
            raise bad_content(source, f"has the picture {image} that it does not list ({where})")
        _add_annotation(clip_of_image[image], image, entry, categories, source, where)
        options.step(number + 1, len(annotations))
    _add_expressions(document, clips, source)
    return AnnotationSet(tuple(_clip(each, source) for each in clips.values()))


def _clips(document: Mapping[str, Any], path: Path) -> tuple[dict[Any, _Clip], dict[int, _Clip]]:
    """Clips by video id or by (folder, size), and the clip of every picture."""
    clips: dict[Any, _Clip] = {}
    names: dict[int, tuple[str, Any]] = {}
    for number, value in enumerate(list_in(document.get("videos") or [], path, where='"videos"')):
        where = f'"videos"[{number}]'
        entry = mapping_in(value, path, where=where)
        video = whole_number_in(entry.get("id"), path, where=f"{where}/id")
        name = name_in(entry.get("name") or f"video-{video}", path, where=f"{where}/name")
        names[video] = (name, entry.get("fps"))
    of_image: dict[int, _Clip] = {}
    for number, value in enumerate(list_in(document.get("images"), path, where='"images"')):
        where = f'"images"[{number}]'
        entry = mapping_in(value, path, where=where)
        parts = path_in(entry.get("file_name"), path, where=f"{where}/file_name")
        size = size_in(entry.get("width"), entry.get("height"), path, where=where)
        key = _video_id(entry, path, where)
        if key in names:
            clip = clips.setdefault(key, _Clip(names[key][0], size, names[key][1]))
        else:
            folder = parts[-2] if len(parts) > 1 else path.stem
            clip = clips.setdefault((folder, size), _Clip(folder, size))
        if clip.size != size:
            raise bad_content(path, f"has pictures of two sizes in the video {clip.name} ({where})")
        image = whole_number_in(entry.get("id"), path, where=f"{where}/id")
        if image in of_image:
            raise bad_content(path, f"has two pictures of the number {image}")
        of_image[image] = clip
        index = whole_number_in(entry.get("frame_index", len(clip.images)), path, where=f"{where}/frame_index")
        clip.images.append((index, stem(parts[-1]), image))
    for clip, name in zip(clips.values(), safe_names(each.name for each in clips.values()), strict=True):
        clip.images.sort()
        clip.name = name
        if len({each[1] for each in clip.images}) != len(clip.images):
            clip.images = [(i, f"{stem_}-{image}", image) for i, stem_, image in clip.images]
    for video, (name, rate) in names.items():
        if video not in clips:  # without pictures there is no size
            clips[video] = _Clip(name, (0, 0), rate)
    return clips, of_image


def _video_id(entry: Mapping[str, Any], path: Path, where: str) -> int | str | None:
    """The video that an entry belongs to, by its number or, which names none here, by a word; None: it does not say.

    Raises: UserError: it is neither.
    """
    value = entry.get("video_id")
    if value is None or (isinstance(value, str) and not value.isdecimal()):
        return value
    return whole_number_in(value, path, where=f"{where}/video_id")


def _add_tracks(
    document: Mapping[str, Any], clips: Mapping[Any, _Clip], categories: Mapping[int, str], path: Path
) -> None:
    for number, value in enumerate(list_in(document.get("tracks") or [], path, where='"tracks"')):
        where = f'"tracks"[{number}]'
        entry = mapping_in(value, path, where=where)
        clip = clips.get(_video_id(entry, path, where))
        track = whole_number_in(entry.get("id"), path, where=f"{where}/id")
        if clip is None:
            raise bad_content(path, f"has the video {entry.get('video_id')!r:.40} that it does not list ({where})")
        _new_object(clip, track, entry, categories, path, where)


def _new_object(
    clip: _Clip, track: int, entry: Mapping[str, Any], categories: Mapping[int, str], path: Path, where: str
) -> int:
    number = whole_number_in(entry.get("object_id", len(clip.objects) + 1), path, where=f"{where}/object_id")
    if not number or number in clip.objects or len(clip.objects) >= MAX_OBJECTS:
        raise bad_content(path, f"has the object {number} twice, or too many objects ({where})")
    clip.objects[number] = thing_in(number, entry, categories, path, where=where)
    clip.object_of_track[track] = number
    return number


def _add_annotation(
    clip: _Clip, image: int, entry: Mapping[str, Any], categories: Mapping[int, str], path: Path, where: str
) -> None:
    number = whole_number_in(entry.get("id"), path, where=f"{where}/id")
    track = entry.get("track_id", entry.get("instance_id"))
    key = -1 - number if track is None else whole_number_in(track, path, where=f"{where}/track_id")
    object_id = clip.object_of_track.get(key)
    if object_id is None:
        new = {name: value for name, value in entry.items() if name != "object_id"}
        object_id = _new_object(clip, key, new, categories, path, where)
    clip.masks.setdefault(image, []).append((object_id, entry))


def _add_expressions(document: Mapping[str, Any], clips: Mapping[Any, _Clip], path: Path) -> None:
    for number, value in enumerate(list_in(document.get("expressions") or [], path, where='"expressions"')):
        where = f'"expressions"[{number}]'
        entry = mapping_in(value, path, where=where)
        clip = clips.get(_video_id(entry, path, where))
        tracks = entry.get("track_ids")
        known = clip.object_of_track if clip is not None else {}
        meant = None if tracks is None else list_in(tracks, path, where=f"{where}/track_ids")
        if clip is None or any(not isinstance(each, int) or each not in known for each in meant or ()):
            raise bad_content(path, f"has a sentence about a video or track that it does not list ({where})")
        ids = None if meant is None else tuple(known[each] for each in meant)
        text = text_in(entry.get("text"), path, where=f"{where}/text")
        clip.expressions.append(expression_of(str(entry.get("expression_id", number)), text, ids, entry, path))


def _clip(made: _Clip, path: Path) -> AnnotatedClip:
    images = [image for _, _, image in made.images]

    def sights(index: int) -> Sights:
        """The masks of one frame, by object."""
        found: dict[int, Sight] = {}
        for object_id, entry in made.masks.get(images[index], ()):
            where = f"annotation {entry.get('id')}"
            mask = segmentation_in(entry.get("segmentation"), path, where=where, size=made.size)
            if object_id in found:  # parts of one track
                mask = union(found[object_id].mask, mask)
            found[object_id] = Sight(mask, entry.get("occluded") is True, entry.get("outside") is True)
        return found

    frames = tuple(name for _, name, _ in made.images)
    rate = rate_in(made.rate, path, where=made.name)
    return AnnotatedClip(
        made.name, *made.size, frames, tuple(made.objects.values()), sights, tuple(made.expressions), rate
    )


def write(annotations: AnnotationSet, target: Path, options: WriteOptions) -> Written:
    """Raises: UserError: the disk refuses; Cancelled."""
    walk = Walk(annotations, options)
    category_of, track_of = categories_of(annotations), numbers_of(annotations)
    with writing_text(target, options) as part_file:
        part_file.writelines(
            keyed(
                (
                    ("info", INFO),
                    ("videos", [_video_entry(i, each) for i, each in enumerate(annotations.clips, 1)]),
                    ("categories", category_entries(category_of)),
                    ("images", _image_entries(annotations, options)),
                    ("tracks", _track_entries(annotations, category_of, track_of)),
                    ("annotations", _annotation_entries(annotations, category_of, track_of, walk)),
                    ("expressions", _expression_entries(annotations, track_of)),
                )
            )
        )
    return Written(target, 1)


def _video_entry(number: int, clip: AnnotatedClip) -> dict[str, Any]:
    return {"id": number, "name": clip.name, **({"fps": str(clip.rate)} if clip.rate is not None else {})}


def _image_entries(annotations: AnnotationSet, options: WriteOptions) -> Iterator[dict[str, Any]]:
    numbers = itertools.count(1)
    for video, clip in enumerate(annotations.clips, start=1):
        for index, frame in enumerate(clip.frames):
            yield {
                "id": next(numbers),
                "file_name": f"{clip.name}/{frame}{options.suffix}",
                "width": clip.width,
                "height": clip.height,
                "video_id": video,
                "frame_index": clip.number(index),
            }


def _track_entries(
    annotations: AnnotationSet, category_of: Mapping[str, int], track_of: Mapping[tuple[str, int], int]
) -> Iterator[dict[str, Any]]:
    for video, clip in enumerate(annotations.clips, start=1):
        for each in clip.objects:
            yield {
                "id": track_of[clip.name, each.object_id],
                "video_id": video,
                **thing_entry(each, category_of),
            }


def _annotation_entries(
    annotations: AnnotationSet, category_of: Mapping[str, int], track_of: Mapping[tuple[str, int], int], walk: Walk
) -> Iterator[dict[str, Any]]:
    numbers = itertools.count(1)
    first = 1
    for clip in annotations.clips:
        label_of = {each.object_id: each.label for each in clip.objects}
        for index, _, sights in walk.frames(clip):
            for object_id, sight in sights.items():
                if not area(sight.mask) and not sight.occluded and not sight.outside:
                    continue
                yield {
                    "id": next(numbers),
                    "image_id": first + index,
                    "category_id": category_of[label_of[object_id]],
                    "track_id": track_of[clip.name, object_id],
                    "segmentation": to_coco(sight.mask),
                    "area": area(sight.mask),
                    "bbox": xywh(sight.mask),
                    "iscrowd": 0,
                    **({"occluded": True} if sight.occluded else {}),
                    **({"outside": True} if sight.outside else {}),
                }
        first += len(clip.frames)


def _expression_entries(
    annotations: AnnotationSet, track_of: Mapping[tuple[str, int], int]
) -> Iterator[dict[str, Any]]:
    numbers = itertools.count(1)
    for video, clip in enumerate(annotations.clips, start=1):
        for each in clip.expressions:
            meant = each.object_ids
            yield {
                "id": next(numbers),
                "video_id": video,
                "text": each.text,
                **({} if meant is None else {"track_ids": [track_of[clip.name, i] for i in meant]}),
                "expression_id": each.expression_id,
                **expression_entry(each),
            }


def detect(path: Path) -> bool:
    """A JSON file that lists pictures."""
    if not path.is_file() or path.suffix.lower() != ".json":
        return False
    text = beginning(path)
    return '"file_names"' not in text and ('"images"' in text or '"image_id"' in text)


FORMAT = Format(
    format_id="coco",
    title="COCO instances",
    layout="FILE.json",
    target="file",
    can_overlap=True,
    losses=frozenset(),
    read=read,
    write=write,
    detect=detect,
)
