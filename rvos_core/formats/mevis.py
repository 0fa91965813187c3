"""MeViS: sentences about motion that may mean several objects or none; a run-length mask or null a frame.

    SPLIT/meta_expressions.json     expressions with `obj_id` and `anno_id` lists
    SPLIT/mask_dict.json            annotation id -> list of COCO run lengths or null, one a frame
    SPLIT/JPEGImages/VIDEO/...      looked for, never written

Published files name an object only in the sentences that mean it. Ours add `objects`, `width`, `height` and `fps` to a
video, so that nothing depends on a sentence; the public loaders pass over them. Masks are read an annotation at a time.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rvos_core.datasets.expression_list import FILE_NAME, read_expression_list, video_entries
from rvos_core.datasets.reading import bad_content, list_in, mapping_in, name_in, whole_number_in
from rvos_core.datasets.referring import Video
from rvos_core.errors import UserError
from rvos_core.formats.annotations import (
    AnnotatedClip,
    AnnotatedObject,
    AnnotationSet,
    Sight,
    Sights,
    default_name,
    nothing_said,
)
from rvos_core.formats.content import (
    expression_entry,
    expression_of,
    object_entry,
    object_of,
    rate_in,
    refuse_bomb,
    rle_in,
    size_in,
)
from rvos_core.formats.folders import keyed, text_in_part, writing_folder
from rvos_core.formats.format import Format, Loss, ReadOptions, Walk, WriteOptions, Written, split_order
from rvos_core.formats.json_members import JsonMembers
from rvos_core.masks.rle import area, to_coco

_MASKS = "mask_dict.json"
_LISTS = (FILE_NAME, "meta_expressions_v2.json")
_SPLITS = ("train", "valid_u", "valid")


def read(source: Path, options: ReadOptions) -> AnnotationSet:
    """Args: source: the root, or the folder of a split.

    Raises:
        UserError: naming what is missing, or the file and the place in it that is not as published.
    """
    base = _find(source, options.split)
    path = next(base / name for name in _LISTS if (base / name).exists())
    refuse_bomb(path)
    extras: dict[str, Mapping[str, Any]] = {}

    def objects_of(entry: Mapping[str, Any], file: Path, where: str) -> tuple[int, ...] | None:
        """The annotations that a sentence means; None: it does not say."""
        extras[where] = entry
        meant = entry.get("anno_id")
        if meant is None:
            return None
        return tuple(whole_number_in(each, file, where=where) for each in list_in(meant, file, where=where))

    listed = read_expression_list(path, images=base / "JPEGImages", objects_of=objects_of)
    videos = options.chosen({video.name: video for video in listed}).values()
    entries = video_entries(path)
    masks = JsonMembers(base / _MASKS) if (base / _MASKS).exists() else None
    clips = []
    for number, each in enumerate(videos, start=1):
        clips.append(_clip(each, entries[each.name], extras, path, masks))
        options.step(number, len(videos))
    return AnnotationSet(tuple(clips))


def _find(source: Path, split: str) -> Path:
    name = split or next(iter(splits(source)), "")
    found = source / name
    if not _has_list(found):
        raise UserError(
            f"{source} has no {name or _SPLITS[0]}/{FILE_NAME}.",
            hint="Give the folder of MeViS, or that of one split.",
            code="formats.incomplete",
        )
    return found


def splits(source: Path) -> tuple[str, ...]:
    """The folders that have a list of expressions; nothing where `source` is such a folder itself."""
    if _has_list(source):
        return ()
    found = {each.parent.name for name in _LISTS for each in source.glob(f"*/{name}")}
    return tuple(sorted(found, key=split_order))


def _clip(
    video: Video,
    entry: Mapping[str, Any],
    extras: Mapping[str, Mapping[str, Any]],
    path: Path,
    masks: Mapping[str, Any] | None,
) -> AnnotatedClip:
    where = f'"videos"/{video.name}'
    objects, annotation_of = _objects(video, entry, path, where)
    object_of_annotation = {value: key for key, value in annotation_of.items()}
    expressions = []
    for each in video.expressions:
        place = f"{where}/expressions/{each.expression_id}"
        meant = None if each.object_ids is None else tuple(object_of_annotation[i] for i in each.object_ids)
        expressions.append(expression_of(each.expression_id, each.text, meant, extras[place], path))
    source = _Masks(path.with_name(_MASKS), masks, annotation_of, len(video.frames)) if masks is not None else None
    size = (0, 0)
    if "width" in entry:
        size = size_in(entry.get("width"), entry.get("height"), path, where=where)
    elif source is not None:
        size = source.size() or (0, 0)
    if source is not None:
        source.expected = size
        source.check()
    images = video.images if video.images.is_dir() else None
    rate = rate_in(entry.get("fps"), path, where=where)
    said = source.sights if source is not None else nothing_said
    return AnnotatedClip(video.name, *size, video.frames, objects, said, tuple(expressions), rate, images)


def _objects(
    video: Video, entry: Mapping[str, Any], path: Path, where: str
) -> tuple[tuple[AnnotatedObject, ...], dict[int, int]]:
    """The objects, and object id -> annotation id."""
    objects: dict[int, AnnotatedObject] = {}
    annotations: dict[int, int] = {}
    for key, value in mapping_in(entry.get("objects", {}), path, where=f"{where}/objects").items():
        each = mapping_in(value, path, where=f"{where}/objects/{key}")
        number = whole_number_in(key, path, where=f"{where}/objects")
        category = str(each.get("category", ""))
        objects[number] = object_of(number, each, path, where=f"{where}/objects/{key}", category=category)
        annotations[number] = whole_number_in(each.get("anno_id"), path, where=f"{where}/objects/{key}/anno_id")
    known = set(annotations.values())
    meant = sorted({i for each in video.expressions for i in each.object_ids or ()} - known)
    for number, annotation in zip(itertools.count(max(objects, default=0) + 1), meant, strict=False):
        objects[number] = AnnotatedObject(number, default_name(number))
        annotations[number] = annotation
    return tuple(objects.values()), annotations


@dataclass
class _Masks:
    """The masks of one video in `mask_dict.json`."""

    path: Path
    masks: Mapping[str, Any]
    annotations: dict[int, int]
    frames: int
    expected: tuple[int, int] = (0, 0)

    def lists(self) -> Iterator[tuple[int, list[Any]]]:
        """Each object with its masks, one a frame. Raises: UserError: an annotation is missing or no list."""
        for object_id, annotation in self.annotations.items():
            where = f"annotation {annotation}"
            if str(annotation) not in self.masks:
                raise bad_content(self.path, f"lacks the {where}, which the list of expressions names")
            yield object_id, list_in(self.masks[str(annotation)], self.path, where=where)

    def check(self) -> None:
        """Raises: UserError: an object has fewer masks than the clip has frames."""
        for object_id, masks in self.lists():
            if len(masks) < self.frames:
                annotation = self.annotations[object_id]
                raise bad_content(
                    self.path, f"has {len(masks)} masks for annotation {annotation}, its video has {self.frames} frames"
                )

    def size(self) -> tuple[int, int] | None:
        """Of the first mask; None: there is none."""
        for object_id, masks in self.lists():
            for frame, value in enumerate(masks):
                if value is not None:
                    mask = rle_in(value, self.path, where=f"annotation {self.annotations[object_id]}, frame {frame}")
                    return mask.width, mask.height
        return None

    def sights(self, index: int) -> Sights:
        """The masks of one frame, by object; null is no mask. Raises: UserError: one is damaged."""
        found = {}
        for object_id, masks in self.lists():
            if masks[index] is not None:
                where = f"annotation {self.annotations[object_id]}, frame {index}"
                found[object_id] = Sight(rle_in(masks[index], self.path, where=where, size=self.expected))
        return found


def write(annotations: AnnotationSet, target: Path, options: WriteOptions) -> Written:
    """Raises: UserError: the disk refuses, or other files are in the way; Cancelled."""
    split = "valid_u" if options.split == "valid" else options.split
    walk = Walk(annotations, options)
    numbers = itertools.count()
    annotation_of = {clip.name: {each.object_id: next(numbers) for each in clip.objects} for clip in annotations.clips}
    with writing_folder(target, options, *_SPLITS, name_in(split, target, where="--split")) as part:
        with text_in_part(part / split / _MASKS) as part_file:
            part_file.writelines(keyed(_mask_lists(annotations, annotation_of, walk)))
        with text_in_part(part / split / FILE_NAME) as part_file:
            part_file.write('{"videos": ')
            part_file.writelines(
                keyed((clip.name, _entry(clip, annotation_of[clip.name])) for clip in annotations.clips)
            )
            part_file.write("}\n")
    return Written(target, 2)


def _mask_lists(
    annotations: AnnotationSet, annotation_of: Mapping[str, Mapping[int, int]], walk: Walk
) -> Iterator[tuple[str, Iterator[Any]]]:
    for clip in annotations.clips:
        for object_id, seen in walk.by_object(clip).items():
            masks = {index: sights[object_id].mask for index, sights in seen if area(sights[object_id].mask)}
            values = (to_coco(masks[i]) if i in masks else None for i in range(len(clip.frames)))
            yield str(annotation_of[clip.name][object_id]), values


def _entry(clip: AnnotatedClip, annotation_of: Mapping[int, int]) -> dict[str, Any]:
    expressions = {}
    for each in clip.expressions:
        meant = each.object_ids
        said = {} if meant is None else {"obj_id": list(meant), "anno_id": [annotation_of[i] for i in meant]}
        expressions[each.expression_id] = {"exp": each.text, **said, **expression_entry(each)}
    objects = {
        str(each.object_id): {
            "anno_id": annotation_of[each.object_id],
            **({"category": each.category} if each.category else {}),
            **object_entry(each),
        }
        for each in clip.objects
    }
    size = {"width": clip.width, "height": clip.height} if clip.width else {}
    rate = {"fps": str(clip.rate)} if clip.rate is not None else {}
    return {"expressions": expressions, "frames": list(clip.frames), "objects": objects, **size, **rate}


def detect(path: Path) -> bool:
    """A split with `meta_expressions.json` in it."""
    return _has_list(path) or bool(splits(path))


def _has_list(base: Path) -> bool:
    return any((base / name).exists() for name in _LISTS)


FORMAT = Format(
    format_id="mevis",
    title="MeViS",
    layout="SPLIT/meta_expressions.json, SPLIT/mask_dict.json",
    target="folder",
    can_overlap=True,
    losses=frozenset({Loss.OCCLUSION, Loss.ABSENCE}),
    read=read,
    write=write,
    detect=detect,
    splits=splits,
    needs_size=False,
)
