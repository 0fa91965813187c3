"""What is written, read by other people's code: masks by pycocotools and Pillow alone, palettes as DAVIS has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_tools

from helpers_data import shared_data
from helpers_formats import ring
from rvos_core.formats import registry
from rvos_core.formats.annotations import AnnotatedClip, AnnotatedObject, AnnotationSet, Sight
from rvos_core.formats.format import ReadOptions, WriteOptions
from rvos_core.masks import encode

_FRAMES = 3


def truth(index: int, object_id: int) -> np.ndarray:
    """(H, W) bool: a box with a hole that moves to the right; nothing of object 2."""
    return np.roll(ring(), index, axis=1) if object_id == 1 else np.zeros_like(ring())


def moving() -> AnnotationSet:
    """A clip of two objects, the second one out of sight."""
    frames = tuple(f"{index:05d}" for index in range(_FRAMES))
    things = (AnnotatedObject(1, "a", "ring"), AnnotatedObject(2, "b", "ring"))

    def sights(index: int) -> dict[int, Sight]:
        return {number: Sight(encode(truth(index, number))) for number in (1, 2)}

    return AnnotationSet((AnnotatedClip("v", 16, 12, frames, things, sights),))


def written(tmp_path: Path, name: str, annotations: AnnotationSet) -> Path:
    return registry.write(annotations, registry.format_of(name), tmp_path / "out", WriteOptions(overlap="order")).path


def run_lengths(path: Path, name: str) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
    """Frame, COCO's run lengths of object 1 there, and what is said beside them (`area`, `bbox`)."""
    if name == "mots-txt":
        for line in (path / "instances_txt" / "v.txt").read_text(encoding="ascii").splitlines():
            frame, _, _, height, width, counts = line.split(" ")
            yield int(frame), {"size": [int(height), int(width)], "counts": counts}, {}
        return
    files = {"mevis": "train/mask_dict.json", "sav": "v_manual.json"}
    files["jhmdb"] = "jhmdb_sentences_gt_annotations_in_coco_format.json"
    document = json.loads((path / files.get(name, "")).read_text(encoding="utf-8"))
    if name == "mevis":
        yield from ((frame, each, {}) for frame, each in enumerate(document["0"]))
    elif name == "sav":
        yield from ((frame, each[0], {}) for frame, each in enumerate(document["masklet"]))
    elif name == "ytvis":
        one = document["annotations"][0]
        for frame, each in enumerate(one["segmentations"]):
            yield frame, each, {"area": one["areas"][frame], "bbox": one["bboxes"][frame]}
    else:
        for frame, each in enumerate(document["annotations"]):
            yield frame, each["segmentation"], each


@pytest.mark.parametrize("name", ["coco", "ytvis", "mevis", "sav", "jhmdb", "mots-txt"])
def test_pycocotools_decodes_and_measures_every_mask(tmp_path: Path, name: str) -> None:
    found = list(run_lengths(written(tmp_path, name, moving()), name))
    assert [frame for frame, _, _ in found] == list(range(_FRAMES))
    for frame, rle, said in found:
        theirs = {"size": rle["size"], "counts": rle["counts"].encode("ascii")}
        np.testing.assert_array_equal(coco_tools.decode(theirs), truth(frame, 1))
        if said:
            assert said["area"] == coco_tools.area(theirs)
            assert said["bbox"] == coco_tools.toBbox(theirs).tolist()


@pytest.mark.parametrize(
    ("name", "file", "mode", "value"),
    [
        ("davis", "Annotations/Full-Resolution/v/{}.png", "P", 1),
        ("refytvos", "train/Annotations/v/{}.png", "P", 1),
        ("refdavis17", "DAVIS/Annotations_unsupervised/Full-Resolution/v/{}.png", "P", 1),
        ("voc", "SegmentationObject/v_{}.png", "P", 1),
        ("plain", "v/001/{}.png", "L", 255),
        ("mots-png", "instances/v/{}.png", "I;16", 3001),
    ],
)
def test_pillow_reads_every_picture(tmp_path: Path, name: str, file: str, mode: str, value: int) -> None:
    path = written(tmp_path, name, moving())
    for frame in range(_FRAMES):
        with Image.open(path / file.format(f"{frame:05d}")) as image:
            assert image.mode == mode
            np.testing.assert_array_equal(np.asarray(image), truth(frame, 1) * value)


@pytest.mark.parametrize("folder", ["clips/caps_xmem2", "scribbles/session/test_data/DAVIS", "scribbles/utils"])
def test_palettes_are_those_of_published_masks(tmp_path: Path, folder: str) -> None:
    """All 256 colours, white of void among them, in every indexed picture that is there."""
    mine = Image.open(written(tmp_path, "davis", moving()) / "Annotations/Full-Resolution/v/00000.png").getpalette()
    pictures = [Image.open(path) for path in sorted((shared_data() / folder).rglob("*.png"))]
    theirs = [each.getpalette() for each in pictures if each.mode == "P"]
    assert theirs
    assert all(each == mine for each in theirs)


@pytest.mark.parametrize("name", ["davis", "coco", "mots-png"])
def test_a_real_clip_is_the_same_to_pillow_and_pycocotools(tmp_path: Path, name: str) -> None:
    root = shared_data() / "davis16"
    only_dog = ReadOptions(wanted=lambda _: ("dog",))
    (dog,) = registry.read(root, registry.format_of("davis"), only_dog).clips
    few = replace(dog, frames=dog.frames[:_FRAMES])
    path = written(tmp_path, name, AnnotationSet((few,)))
    files = sorted(path.rglob("*.png")) if path.is_dir() else []
    rles = [] if files else [each[1] for each in run_lengths(path, name)]
    for frame in range(_FRAMES):
        with Image.open(root / "Annotations" / "dog" / f"{frame:05d}.png") as image:
            meant = np.asarray(image) > 0
        ours = np.asarray(Image.open(files[frame])) if files else coco_tools.decode(rles[frame])
        np.testing.assert_array_equal(ours > 0, meant)
