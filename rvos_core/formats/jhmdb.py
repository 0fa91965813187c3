"""JHMDB-Sentences (Gavrilyuk et al., CVPR 2018) in the JSON files of the public referring models.

    jhmdb_sentences_samples_metadata.json                   [[video, frame's path, mask's path, frames, text], ...]
    jhmdb_sentences_gt_annotations_in_coco_format.json      COCO, image id `v_VIDEO_f_FRAME`
    Rename_Images/ACTION/VIDEO/00001.png                    looked for, never written

One object and one sentence a video; frames count from 1. A clip of several objects becomes a video for each,
`CLIP_3`, and the first sentence that means only that object is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rvos_core.datasets.reading import bad_content
from rvos_core.datasets.sentences import Sample, read_jhmdb
from rvos_core.errors import UserError
from rvos_core.formats.annotations import (
    AnnotatedClip,
    AnnotatedObject,
    AnnotationSet,
    Expression,
    Sight,
    Sights,
    default_name,
)
from rvos_core.formats.coco_members import xywh
from rvos_core.formats.content import MAX_FRAMES, refuse_bomb, size_in
from rvos_core.formats.folders import keyed, listed, text_in_part, writing_folder
from rvos_core.formats.format import Format, Loss, ReadOptions, Walk, WriteOptions, Written
from rvos_core.formats.names import safe_names
from rvos_core.masks.rle import Rle, area, to_coco

_SAMPLES = "jhmdb_sentences_samples_metadata.json"
_MASKS = "jhmdb_sentences_gt_annotations_in_coco_format.json"
_ACTION = "video"


def read(source: Path, options: ReadOptions) -> AnnotationSet:
    """Raises: UserError: naming what is missing, or the place in a file that is not as published; Cancelled."""
    for name in (_SAMPLES, _MASKS):
        if (source / name).exists():
            refuse_bomb(source / name)
    dataset = read_jhmdb(source)
    masks = dataset.truth()
    samples: dict[str, list[Sample]] = {}
    for number, each in enumerate(dataset.samples, start=1):
        samples.setdefault(each.video, []).append(each)
        options.step(number, len(dataset.samples))
    return AnnotationSet(tuple(_clip(name, found, masks, source) for name, found in samples.items()))


def _clip(name: str, samples: list[Sample], masks: dict[str, Rle], source: Path) -> AnnotatedClip:
    mask_at = {each.frame - 1: masks[each.image_id] for each in samples}
    last = max(mask_at)
    if min(mask_at) < 0 or last >= MAX_FRAMES:
        raise bad_content(source / _SAMPLES, f"has a frame {last + 1} of {name}")
    first = next(iter(mask_at.values()))
    for each in mask_at.values():
        size_in(each.width, each.height, source / _MASKS, where=name)
        if (each.width, each.height) != (first.width, first.height):
            raise bad_content(source / _MASKS, f"has masks of two sizes for {name}")

    def sights(index: int) -> Sights:
        return {1: Sight(mask_at[index])} if index in mask_at else {}

    text = samples[0].text
    expressions = (Expression("0", text, (1,)),) if text else ()
    images = samples[0].media if samples[0].media.is_dir() else None
    frames = tuple(f"{index:05d}" for index in range(last + 1))
    thing = AnnotatedObject(1, default_name(1))
    return AnnotatedClip(name, first.width, first.height, frames, (thing,), sights, expressions, images=images)


def write(annotations: AnnotationSet, target: Path, options: WriteOptions) -> Written:
    """Raises: UserError: the disk refuses; Cancelled."""
    walk = Walk(annotations, options)
    pairs = [(clip, each) for clip in annotations.clips for each in clip.objects]
    names = iter(safe_names(f"{clip.name}_{each.object_id}" if clip.objects[1:] else clip.name for clip, each in pairs))
    name_of = {(clip.name, each.object_id): next(names) for clip, each in pairs}
    found: list[tuple[str, int, Rle, str, int]] = []
    for clip in annotations.clips:
        for object_id, seen in walk.by_object(clip).items():
            name, text = name_of[clip.name, object_id], _sentence(clip, object_id)
            found += [
                (name, clip.number(index) + 1, sights[object_id].mask, text, clip.number(len(clip.frames)))
                for index, sights in seen
                if area(sights[object_id].mask)
            ]
    if not found:
        raise UserError(
            "There is nothing to export: no object is to be seen in any frame.",
            hint="Find or draw an object first.",
            code="formats.nothing_to_write",
        )
    with writing_folder(target, options, re.escape(_SAMPLES), re.escape(_MASKS)) as part:
        with text_in_part(part / _SAMPLES) as part_file:
            part_file.writelines(listed(_sample(*each) for each in found))
        with text_in_part(part / _MASKS) as part_file:
            part_file.writelines(
                keyed(
                    (
                        ("categories", [{"id": 1, "name": "person"}]),
                        ("images", (_image(name, frame, mask) for name, frame, mask, *_ in found)),
                        ("annotations", _annotations(found)),
                    )
                )
            )
    said = sum(1 for clip, each in pairs if _sentence(clip, each.object_id))
    left_out = sum(len(clip.expressions) for clip in annotations.clips) - said
    notes = (f"{left_out} sentences beyond one an object are left out.",) if left_out else ()
    return Written(target, 2, notes)


def _sentence(clip: AnnotatedClip, object_id: int) -> str:
    return next((each.text for each in clip.expressions if each.positive and each.object_ids == (object_id,)), "")


def _sample(name: str, frame: int, _: Rle, text: str, frames: int) -> list[Any]:
    inside = f"jhmdb_sentences/Rename_Images/{_ACTION}/{name}/{frame:05d}.png"
    return [name, inside, f"jhmdb_sentences/puppet_mask/{_ACTION}/{name}/puppet_mask.mat", frames, text]


def _image(name: str, frame: int, mask: Rle) -> dict[str, Any]:
    return {"id": f"v_{name}_f_{frame}", "height": mask.height, "width": mask.width}


def _annotations(found: list[tuple[str, int, Rle, str, int]]) -> Iterator[dict[str, Any]]:
    for number, (name, frame, mask, *_) in enumerate(found, start=1):
        yield {
            "id": number,
            "image_id": f"v_{name}_f_{frame}",
            "category_id": 1,
            "segmentation": to_coco(mask),
            "area": area(mask),
            "bbox": xywh(mask),
            "iscrowd": 0,
        }


def detect(path: Path) -> bool:
    """A folder with the list of JHMDB-Sentences' samples."""
    return (path / _SAMPLES).is_file()


FORMAT = Format(
    format_id="jhmdb",
    title="JHMDB-Sentences",
    layout="jhmdb_sentences_samples_metadata.json, jhmdb_sentences_gt_annotations_in_coco_format.json",
    target="folder",
    can_overlap=True,
    losses=frozenset(
        {
            *(Loss.IDS, Loss.NAMES, Loss.CATEGORIES, Loss.ATTRIBUTES, Loss.UNSEEN, Loss.OCCLUSION, Loss.ABSENCE),
            *(Loss.SEVERAL, Loss.UNTOLD, Loss.EXPRESSION_IDS, Loss.ANNOTATORS, Loss.KINDS, Loss.NEGATIVES, Loss.RATE),
            *(Loss.ONE_SENTENCE, Loss.FRAMES, Loss.FRAME_NAMES, Loss.EMPTY_CLIPS, Loss.SIZE),
        }
    ),
    read=read,
    write=write,
    detect=detect,
)
