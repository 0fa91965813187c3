"""SA-V (Ravi et al., "SAM 2", 2024), in both of its forms.

    CLIP_manual.json                            training: `masklet` = [frame][object] COCO run lengths, `masklet_id`
    Annotations_6fps/CLIP/000/00000.png         validation and test: binary, a folder an object (read)
    JPEGImages_24fps/CLIP/00000.jpg             looked for, never written

Published files have every fourth of 24 frames a second: entry i is frame 4 i of the clip. Ours have every frame, and a
clip's name and objects are kept under keys that other readers pass over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from rvos_core.datasets.reading import bad_content, list_in, mapping_in, name_in, text_in, whole_number_in
from rvos_core.errors import UserError
from rvos_core.formats.annotations import AnnotatedClip, AnnotatedObject, AnnotationSet, Sight, Sights, default_name
from rvos_core.formats.content import (
    MAX_OBJECTS,
    count_in,
    document_in,
    object_entry,
    object_of,
    rate_in,
    rle_in,
    size_in,
)
from rvos_core.formats.folders import keyed, text_in_part, writing_folder
from rvos_core.formats.format import Format, Loss, ReadOptions, Walk, WriteOptions, Written
from rvos_core.formats.mask_folders import clip_folders, read_clip
from rvos_core.formats.sniffing import beginning
from rvos_core.masks.rle import area, empty, to_coco

_FILE = re.compile(r"(.+)_(manual|auto)\.json")
_PNG = "Annotations_6fps"
_RATE = 24


def read(source: Path, options: ReadOptions) -> AnnotationSet:
    """Args: source: a file, a folder of them, or the root of validation or test. Raises: UserError, Cancelled."""
    if (source / _PNG).is_dir():
        return AnnotationSet(
            tuple(
                read_clip(folder, name, options, images=source / "JPEGImages_24fps" / name)
                for name, folder in options.chosen(clip_folders(source / _PNG)).items()
            )
        )
    files = (
        [source] if source.is_file() else sorted(each for each in source.glob("*.json") if _FILE.fullmatch(each.name))
    )
    if not files:
        raise UserError(
            f"{source} has neither CLIP_manual.json nor {_PNG}.", hint="Give SA-V's folder.", code="formats.incomplete"
        )
    clips = []
    for number, path in enumerate(files, start=1):
        clips.append(_clip(path))
        options.step(number, len(files))
    return AnnotationSet(tuple(clips))


@dataclass(frozen=True)
class _Masklets:
    """The masks of one file. `step`: frames of the clip from one entry to the next."""

    path: Path
    masklets: list[Any]
    objects: tuple[int, ...]
    size: tuple[int, int]
    step: int

    def sights(self, index: int) -> Sights:
        """The masks of one frame, by object; nothing on frames between the annotated ones."""
        place, rest = divmod(index, self.step)
        if rest or place >= len(self.masklets) or self.masklets[place] is None:
            return {}
        where = f'"masklet"[{place}]'
        masks = list_in(self.masklets[place], self.path, where=where)
        if len(masks) != len(self.objects):
            raise bad_content(self.path, f"has {len(masks)} masks for {len(self.objects)} objects ({where})")
        return {
            object_id: Sight(rle_in(mask, self.path, where=where, size=self.size))
            for object_id, mask in zip(self.objects, masks, strict=True)
            if mask is not None
        }


def _clip(path: Path) -> AnnotatedClip:
    document = document_in(path)
    size = size_in(_whole(document.get("video_width")), _whole(document.get("video_height")), path, where="video_width")
    masklets = list_in(document.get("masklet"), path, where='"masklet"')
    numbers = [
        whole_number_in(_whole(each), path, where='"masklet_id"')
        for each in list_in(document.get("masklet_id"), path, where='"masklet_id"')
    ]
    if len(set(numbers)) != len(numbers) or len(numbers) > MAX_OBJECTS:
        raise bad_content(path, "has an object twice, or too many")
    count = count_in(_whole(document.get("video_frame_count")), path, where="video_frame_count")
    if len(masklets) > count:
        raise bad_content(path, f"has {len(masklets)} entries for {count} frames")
    step = max(1, -(-count // len(masklets))) if masklets else 1
    shift = 1 if 0 in numbers else 0  # SA-V counts from 0, a project from 1
    objects = tuple(number + shift for number in numbers)
    named = list_in(document.get("objects") or [{}] * len(objects), path, where='"objects"')
    things = tuple(
        _object(object_id, named[place] if place < len(named) else {}, path, place)
        for place, object_id in enumerate(objects)
    )
    frames = document.get("frame_names")
    names = (
        tuple(name_in(each, path, where='"frame_names"') for each in list_in(frames, path, where='"frame_names"'))
        if frames is not None
        else tuple(f"{index:05d}" for index in range(count))
    )
    if len(names) != count or len(set(names)) != count:
        raise bad_content(path, f"has {len(names)} names for {count} frames, or one twice")
    found = _FILE.fullmatch(path.name)
    name = name_in(document.get("video_id") or (found[1] if found else path.stem), path, where="video_id")
    rate = rate_in(document.get("fps"), path, where="fps")
    masks = _Masklets(path, masklets, objects, size, step)
    return AnnotatedClip(name, *size, names, things, masks.sights, rate=rate)


def _object(object_id: int, value: Any, path: Path, place: int) -> AnnotatedObject:
    where = f'"objects"[{place}]'
    entry: Mapping[str, Any] = mapping_in(value, path, where=where)
    if not entry:
        return AnnotatedObject(object_id, default_name(object_id))
    category = text_in(entry.get("category", ""), path, where=where)
    return object_of(object_id, entry, path, where=where, category=category)


def write(annotations: AnnotationSet, target: Path, options: WriteOptions) -> Written:
    """A folder with a file a clip. Raises: UserError: the disk refuses; Cancelled."""
    walk = Walk(annotations, options)
    names = [f"{clip.name}_manual.json" for clip in annotations.clips]
    with writing_folder(target, options, *map(re.escape, names)) as part:
        for clip, name in zip(annotations.clips, names, strict=True):
            with text_in_part(part / name) as part_file:
                part_file.writelines(keyed(_members(clip, walk, options.split)))
    return Written(target, len(names))


def _members(clip: AnnotatedClip, walk: Walk, split: str) -> Iterator[tuple[str, Any]]:
    count = len(clip.frames)
    rate = clip.rate or Fraction(_RATE)
    seen: dict[int, list[int]] = {each.object_id: [0] * count for each in clip.objects}
    yield "video_id", clip.name
    yield "video_duration", float(count / rate)
    yield "video_frame_count", count
    yield "video_height", clip.height
    yield "video_width", clip.width
    yield "video_resolution", clip.height * clip.width
    yield "video_environment", ""
    yield "video_split", split
    if clip.rate is not None:
        yield "fps", str(clip.rate)
    yield "frame_names", list(clip.frames)
    yield (
        "objects",
        [{"category": each.category, **object_entry(each)} for each in clip.objects],
    )
    yield "masklet", _entries(clip, walk, seen)
    yield "masklet_id", list(seen)
    yield from _facts(seen, clip.height * clip.width, count)


def _entries(clip: AnnotatedClip, walk: Walk, seen: dict[int, list[int]]) -> Iterator[Any]:
    """One list a frame; what is not there is an empty mask, as published. `seen` gets the areas."""
    nothing = to_coco(empty(clip.height, clip.width))
    for index, _, sights in walk.frames(clip):
        for object_id, sight in sights.items():
            seen[object_id][index] = area(sight.mask)
        yield [to_coco(sights[each].mask) if each in sights else nothing for each in seen] if sights else None


def _facts(seen: Mapping[int, list[int]], pixels: int, count: int) -> Iterator[tuple[str, Any]]:
    """What SA-V says of each masklet beside its masks."""
    sizes = [sum(areas) / max(1, sum(map(bool, areas))) for areas in seen.values()]
    yield "masklet_size_rel", [round(size / pixels, 6) for size in sizes]
    yield "masklet_size_abs", [round(size, 3) for size in sizes]
    yield "masklet_size_bucket", [_bucket(size) for size in sizes]
    yield (
        "masklet_visibility_changes",
        [sum(bool(a) != bool(b) for a, b in pairwise(areas)) for areas in seen.values()],
    )
    yield (
        "masklet_first_appeared_frame",
        [next((index for index, value in enumerate(areas) if value), 0) for areas in seen.values()],
    )
    yield "masklet_frame_count", [count] * len(seen)
    yield "masklet_edited_frame_count", [sum(map(bool, areas)) for areas in seen.values()]
    yield "masklet_type", ["manual"] * len(seen)
    yield "masklet_stability_score", [None] * len(seen)
    yield "masklet_num", len(seen)


def _bucket(size: float) -> str:
    """COCO's borders of small, medium and large, in pixels."""
    return "small" if size < 32**2 else "medium" if size < 96**2 else "large"


def _whole(value: Any) -> Any:
    """Published files write some whole numbers as `481.0`."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def detect(path: Path) -> bool:
    """A `_manual.json` or `_auto.json`, a folder with one, or `Annotations_6fps`."""
    if path.is_dir():
        return (path / _PNG).is_dir() or any(_FILE.fullmatch(each.name) for each in path.glob("*.json"))
    return _FILE.fullmatch(path.name) is not None and '"video_id"' in beginning(path)


FORMAT = Format(
    format_id="sav",
    title="SA-V",
    layout="CLIP_manual.json (read: Annotations_6fps/CLIP/OBJECT/FRAME.png too)",
    target="folder",
    can_overlap=True,
    losses=frozenset({Loss.OCCLUSION, Loss.ABSENCE, Loss.EXPRESSIONS}),
    read=read,
    write=write,
    detect=detect,
)
