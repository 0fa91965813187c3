"""The files of other programs, in miniature, with the quirks that are known of each."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
from PIL import Image

from helpers_data import shared_data
from helpers_datasets import (
    write_json,
)
from helpers_formats import mask_at, read_any, ring
from rvos_core.masks import mask_png_bytes

CVAT_IMAGES = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><id>1</id></task></meta>
<image id="0" name="a/frame_1.png" width="16" height="12">
<mask label="dog" source="manual" occluded="1" rle="1, 2, 3, 1" left="2" top="3" width="4" height="2"></mask>
<box label="cat" occluded="0" xtl="1" ytl="1" xbr="3" ybr="3" z_order="0"></box>
<polygon label="cat" occluded="0" points="1.0,1.0;4.2,1.0;4.2,3.9" z_order="1"></polygon>
</image></annotations>"""


def test_cvat_masks_are_row_major_in_their_box_and_may_stop_short(tmp_path: Path) -> None:
    (tmp_path / "annotations.xml").write_text(CVAT_IMAGES)
    name, found = read_any(tmp_path / "annotations.xml")
    assert name == "cvat-images"
    (clip,) = found.clips
    assert [(each.object_id, each.category) for each in clip.objects] == [(1, "dog"), (2, "cat")]
    expected = np.zeros((12, 16), dtype=bool)
    expected[3, 3:5] = True
    expected[4, 4] = True
    np.testing.assert_array_equal(mask_at(clip, 0, 1), expected)
    assert clip.sights(0)[1].occluded and mask_at(clip, 0, 2).sum() == 3


CVAT_VIDEO = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version>
<meta><task><name>walk</name><size>8</size>
<original_size><width>16</width><height>12</height></original_size></task></meta>
<track id="0" label="dog" source="manual">
<polygon frame="1" keyframe="1" outside="0" occluded="0" points="2,2;6,2;6,6;2,6" z_order="0"></polygon>
<polygon frame="4" keyframe="1" outside="1" occluded="0" points="2,2;6,2;6,6;2,6" z_order="0"></polygon>
<polygon frame="6" keyframe="1" outside="0" occluded="1" points="3,3;6,3;6,6;3,6" z_order="0"></polygon>
</track></annotations>"""


def test_cvat_tracks_hold_until_they_end(tmp_path: Path) -> None:
    (tmp_path / "annotations.xml").write_text(CVAT_VIDEO)
    name, found = read_any(tmp_path / "annotations.xml")
    assert name == "cvat-video"
    (clip,) = found.clips
    areas = [int(mask_at(clip, i, 1).sum()) if 1 in clip.sights(i) else None for i in range(8)]
    assert clip.name == "walk" and areas == [None, 16, 16, 16, 0, None, 9, 9]
    assert "3 outlines" in found.notes[0]


def test_labelme_polygons_rectangles_circles_and_masks_of_its_own(tmp_path: Path) -> None:
    crop = base64.b64encode(mask_png_bytes(ring()[2:9, 3:11])).decode()
    shapes = [
        {"label": "a", "points": [[1, 1], [5, 1], [5, 4]], "group_id": None, "shape_type": "polygon", "flags": {}},
        {"label": "b", "points": [[2.0, 3.0], [6.0, 5.0]], "group_id": None, "shape_type": "rectangle"},
        {"label": "c", "points": [[8, 6], [10, 6]], "group_id": None, "shape_type": "circle"},
        {"label": "d", "points": [[3, 2], [10, 8]], "group_id": 9, "shape_type": "mask", "mask": crop},
        {"label": "e", "points": [[3, 2]], "group_id": None, "shape_type": "point"},
    ]
    document = {"version": "5.4.1", "flags": {}, "shapes": shapes, "imagePath": "1.jpg", "imageData": None}
    write_json(tmp_path / "1.json", document | {"imageHeight": 12, "imageWidth": 16})
    name, found = read_any(tmp_path)
    assert name == "labelme"
    (clip,) = found.clips
    assert {each.object_id: each.category for each in clip.objects} == {1: "a", 2: "b", 3: "c", 9: "d"}
    assert mask_at(clip, 0, 2).sum() == 8
    np.testing.assert_array_equal(mask_at(clip, 0, 9), ring())


def test_yolo_takes_its_size_from_the_pictures(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "images").mkdir()
    Image.new("RGB", (16, 12)).save(tmp_path / "images" / "a.jpg")
    (tmp_path / "labels" / "a.txt").write_text(
        "1 0.25 0.25 0.75 0.25 0.75 0.75\n1 0 0 0.2 0 0.2 0.2\n0 0.5 0.5 0.25 0.5\n"
    )
    (tmp_path / "data.yaml").write_text("train: images\nnames: ['cat', 'dog']\n")
    name, found = read_any(tmp_path)
    assert name == "yolo-seg"
    (clip,) = found.clips
    assert (clip.width, clip.height) == (16, 12)
    assert [(each.name, each.category) for each in clip.objects] == [("dog", "dog"), ("dog 2", "dog"), ("cat", "cat")]


def test_voc_borders_are_void(tmp_path: Path) -> None:
    labels = np.full((12, 16), 255, dtype=np.uint8)
    labels[2:6, 2:6], labels[8:10, 8:12] = 1, 2
    objects = "".join(f"<object><name>{name}</name></object>" for name in ("cat", "dog"))
    for folder in ("Annotations", "SegmentationObject"):
        (tmp_path / folder).mkdir()
    size = "<size><width>16</width><height>12</height><depth>3</depth></size>"
    head = f"<folder>VOC2012</folder><filename>2007_000032.jpg</filename>{size}"
    (tmp_path / "Annotations" / "2007_000032.xml").write_text(f"<annotation>{head}{objects}</annotation>")
    image = Image.fromarray(labels, mode="P")
    image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0] + [7] * 759)
    image.save(tmp_path / "SegmentationObject" / "2007_000032.png")
    name, found = read_any(tmp_path)
    assert name == "voc"
    (clip,) = found.clips
    assert [each.category for each in clip.objects] == ["cat", "dog"]
    np.testing.assert_array_equal(mask_at(clip, 0, 2), labels == 2)


def test_the_difficulties_of_ref_davis_are_a_table_of_sentences() -> None:
    name, found = read_any(shared_data() / "expressions" / "DAVIS17_RE_categorization.csv")
    assert name == "csv"
    swan = next(clip for clip in found.clips if clip.name == "blackswan")
    assert (swan.expressions[0].text, swan.expressions[0].object_ids) == ("a black feathered swan", (1,))
