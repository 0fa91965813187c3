"""The layouts as their authors publish them, in miniature, with the quirks that are known of each."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_tools

from helpers_data import shared_data
from helpers_datasets import (
    mini_videos,
    write_a2d,
    write_jhmdb,
    write_json,
    write_mevis,
    write_refdavis,
    write_refytvos,
)
from helpers_formats import mask_at, read_any, ring
from rvos_core.formats import registry
from rvos_core.masks import encode, mask_png_bytes, to_coco


def test_refytvos(tmp_path: Path) -> None:
    videos = mini_videos(2)
    name, found = read_any(write_refytvos(tmp_path, videos))
    assert name == "refytvos"
    clip = found.clips[0]
    assert clip.frames[:2] == ("00000", "00005") and clip.images == tmp_path / "valid" / "JPEGImages" / "clip0"
    assert [(each.object_id, each.category) for each in clip.objects] == list(videos[0].categories.items())
    assert [each.object_ids for each in clip.expressions] == [(1,), (2,)]
    for frame in range(len(clip.frames)):
        np.testing.assert_array_equal(mask_at(clip, frame, 2), videos[0].mask(2)[frame])


def test_refytvos_without_meta_finds_the_objects_in_the_masks(tmp_path: Path) -> None:
    write_refytvos(tmp_path, mini_videos(1))
    (tmp_path / "valid" / "meta.json").unlink()
    _, found = read_any(tmp_path)
    assert [each.object_id for each in found.clips[0].objects] == [1, 2]


def test_the_valid_list_of_ref_youtube_vos_says_nothing_of_what_is_meant() -> None:
    path = shared_data() / "expressions" / "ref_ytvos_valid_meta_expressions.json"
    name, found = read_any(path)
    assert name == "refytvos" and len(found.clips) == 507
    sentences = [each for clip in found.clips for each in clip.expressions]
    assert len(sentences) == 2096 and {each.object_ids for each in sentences} == {None}


def test_refdavis17_typos_latin_1_and_missing_sentences(tmp_path: Path) -> None:
    root = write_refdavis(tmp_path, mini_videos(2), published=True)
    davis = root / "DAVIS"
    for kind in ("JPEGImages", "Annotations_unsupervised"):
        (davis / kind / "480p" / "clip1").rename(davis / kind / "480p" / "classic-car")
    for path in (root / "davis_text_annotations").iterdir():
        path.write_bytes(path.read_bytes().replace(b"clip1 ", b"clasic-car "))
    name, found = read_any(root)
    assert name == "refdavis17" and [clip.name for clip in found.clips] == ["classic-car", "clip0"]
    sentences = found.clips[0].expressions
    assert [each.expression_id for each in sentences] == [str(i) for i in range(8)]
    assert [(each.annotator, each.kind) for each in sentences[:3]] == [
        ("1", "first_frame"),
        ("1", "full_video"),
        ("2", "first_frame"),
    ]
    assert "café" in sentences[2].text


def test_mevis_several_and_none(tmp_path: Path) -> None:
    videos = mini_videos(2)
    name, found = read_any(write_mevis(tmp_path, videos))
    assert name == "mevis"
    clip = found.clips[1]
    assert [each.object_ids for each in clip.expressions] == [(1,), (2,), (1, 2), ()]
    assert 2 not in clip.sights(5)  # null: the last object has left
    np.testing.assert_array_equal(mask_at(clip, 0, 2), videos[1].mask(2)[0])


def test_mevis_2_has_a_list_of_another_name(tmp_path: Path) -> None:
    folder = write_mevis(tmp_path, mini_videos(1)) / "valid_u"
    (folder / "meta_expressions.json").rename(folder / "meta_expressions_v2.json")
    assert read_any(tmp_path)[0] == "mevis" and read_any(folder)[1].clips[0].objects


def test_every_phrase_that_is_written_is_a_category_of_its_own_name(tmp_path: Path) -> None:
    _, found = read_any(write_refytvos(tmp_path / "in", mini_videos(1)))
    registry.write(found, registry.format_of("ytvis"), tmp_path / "out.json")
    document = json.loads((tmp_path / "out.json").read_text())
    names = {each["id"]: each["name"] for each in document["categories"]}
    assert len(document["video_np_pairs"]) == 2
    assert all(names[pair["category_id"]] == pair["noun_phrase"] for pair in document["video_np_pairs"])


def test_a2d_arrays_lie_as_matlab_wrote_them_and_instances_count_from_0(tmp_path: Path) -> None:
    folder = tmp_path / "text_annotations" / "a2d_annotation_with_instances" / "vid"
    folder.mkdir(parents=True)
    two = np.stack([ring(), np.roll(ring(), 4, axis=1)])
    for name, masks, numbers in (("00003", two, [0.0, 1.0]), ("00007", two[1], [1.0])):
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file["instance"] = numbers
            file["reMask"] = np.swapaxes(masks, -1, -2).astype(np.uint8)
    lines = 'video_id,instance_id,query\nvid,0,"a ball, rolling"\nvid,1,man in "red"\n'
    (tmp_path / "text_annotations" / "a2d_annotation.txt").write_text(lines)
    name, found = read_any(tmp_path)
    assert name == "a2d"
    (clip,) = found.clips
    assert (clip.width, clip.height, len(clip.frames)) == (16, 12, 7)
    assert [(each.text, each.object_ids) for each in clip.expressions] == [
        ("a ball, rolling", (1,)),
        ('man in "red"', (2,)),
    ]
    assert not clip.sights(0) and set(clip.sights(2)) == {1, 2}
    np.testing.assert_array_equal(mask_at(clip, 6, 2), two[1])


def test_a2d_an_instance_may_come_in_parts_and_masks_may_be_more_than_instances(tmp_path: Path) -> None:
    folder = tmp_path / "a2d_annotation_with_instances" / "vid"
    folder.mkdir(parents=True)
    parts = np.stack([ring(), np.roll(ring(), 4, axis=1), ring()])
    with h5py.File(folder / "00001.h5", "w") as file:
        file["instance"] = [3.0, 3.0]
        file["reMask"] = np.swapaxes(parts, -1, -2).astype(np.uint8)
    (clip,) = read_any(tmp_path)[1].clips
    np.testing.assert_array_equal(mask_at(clip, 0, 3), parts[0] | parts[1])


def test_a2d_in_the_public_models_form_is_not_taken_for_another_format(tmp_path: Path) -> None:
    root = write_a2d(tmp_path, mini_videos(1))
    assert registry.detect(root / "a2d_sentences_test_annotations_in_coco_format.json").format_id == "coco"


def test_jhmdb(tmp_path: Path) -> None:
    videos = mini_videos(2)
    name, found = read_any(write_jhmdb(tmp_path, videos))
    assert name == "jhmdb"
    clip = found.clips[0]
    assert clip.expressions[0].text == videos[0].text(1) and clip.images is not None
    np.testing.assert_array_equal(mask_at(clip, 2, 1), videos[0].mask(1)[2])


def test_davis_2016_of_the_shared_data_is_read_as_pillow_and_opencv_read_it() -> None:
    root = shared_data() / "davis16"
    name, found = read_any(root)
    assert name == "davis"
    sizes = {clip.name: len(clip.frames) for clip in found.clips}
    assert sizes == {"blackswan": 50, "camel": 90, "car-shadow": 40, "dog": 60}
    dog = next(clip for clip in found.clips if clip.name == "dog")
    assert [each.object_id for each in dog.objects] == [1] and dog.images is not None
    path = root / "Annotations" / "dog" / "00030.png"
    np.testing.assert_array_equal(mask_at(dog, 30, 1), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 127)


def test_frames_without_masks_say_nothing_and_palettes_agree_with_ours(tmp_path: Path) -> None:
    root = shared_data() / "clips" / "caps_xmem2"
    name, found = read_any(root)
    assert name == "plain"
    (clip,) = found.clips
    annotated = [index for index in range(len(clip.frames)) if clip.sights(index)]
    assert len(clip.frames) == 87 and annotated == [0, 14, 33, 43, 66] and len(clip.objects) == 2
    source = Image.open(next((root / "Annotations").iterdir()))
    labels = np.asarray(source)
    registry.write(found, registry.format_of("davis"), tmp_path / "out")
    ours = next((tmp_path / "out").rglob("*.png"))
    written = Image.open(ours)
    ids = np.unique(labels)
    theirs = np.array(source.getpalette()).reshape(-1, 3)
    mine = np.array(written.getpalette()).reshape(-1, 3)
    np.testing.assert_array_equal(theirs[ids], mine[ids])


def test_void_is_no_object() -> None:
    root = shared_data() / "scribbles" / "session" / "test_data" / "DAVIS"
    _, found = read_any(root)
    tennis = next((clip for clip in found.clips if clip.name == "tennis"), None)
    assert tennis is not None and 255 not in {each.object_id for each in tennis.objects}


def test_coco_polygons_lists_and_crowds_are_drawn_as_coco_draws_them(tmp_path: Path) -> None:
    polygon = [[2.5, 3.0, 12.2, 2.0, 10.0, 9.5, 4.0, 8.0], [1, 1, 3, 1, 3, 3]]
    crowd = {"size": [12, 16], "counts": [10, 20, 162]}
    annotations = [
        {"id": 7, "image_id": 1, "category_id": 3, "segmentation": polygon, "iscrowd": 0, "area": 1, "bbox": []},
        {"id": 8, "image_id": 1, "category_id": 3, "segmentation": crowd, "iscrowd": 1},
    ]
    images = [{"id": 1, "file_name": "000000000139.jpg", "width": 16, "height": 12}]
    document = {"images": images, "annotations": annotations, "categories": [{"id": 3, "name": "cat"}]}
    name, found = read_any(write_json(tmp_path / "instances.json", document))
    assert name == "coco"
    (clip,) = found.clips
    assert [(each.object_id, each.category) for each in clip.objects] == [(1, "cat"), (2, "cat")]
    expected = coco_tools.decode(coco_tools.merge(coco_tools.frPyObjects(polygon, 12, 16)))
    np.testing.assert_array_equal(mask_at(clip, 0, 1), expected)
    np.testing.assert_array_equal(mask_at(clip, 0, 2), coco_tools.decode(coco_tools.frPyObjects(crowd, 12, 16)))


def test_pycocotools_reads_what_is_written(tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    _, found = read_any(write_mevis(tmp_path / "in", mini_videos(1)))
    target = tmp_path / "out.json"
    registry.write(found, registry.format_of("coco"), target)
    theirs = COCO(str(target))
    first = theirs.loadAnns(theirs.getAnnIds(imgIds=[1]))[0]
    np.testing.assert_array_equal(theirs.annToMask(first), mask_at(found.clips[0], 0, 1))
    box = coco_tools.toBbox(theirs.annToRLE(first)).tolist()
    assert first["bbox"] == box and first["area"] == coco_tools.area(theirs.annToRLE(first))


def test_noun_phrases_mean_the_objects_of_their_category_and_negatives_none(tmp_path: Path) -> None:
    video = {"id": 4, "width": 16, "height": 12, "length": 2, "file_names": ["v/00000.jpg", "v/00001.jpg"]}
    one = {"id": 9, "video_id": 4, "category_id": 1, "segmentations": [to_coco(encode(ring())), None], "iscrowd": 0}
    pairs = [
        {"id": 1, "video_id": 4, "category_id": 1, "noun_phrase": "a dog", "num_masklets": 1},
        {"id": 2, "video_id": 4, "category_id": 2, "noun_phrase": "a cat", "num_masklets": 0},
    ]
    categories = [{"id": 1, "name": "a dog"}, {"id": 2, "name": "a cat"}]
    document = {"videos": [video], "annotations": [one], "categories": categories, "video_np_pairs": pairs}
    name, found = read_any(write_json(tmp_path / "veval.json", document))
    assert name == "ytvis"
    (clip,) = found.clips
    assert clip.name == "v" and [each.object_ids for each in clip.expressions] == [(1,), ()]
    assert set(clip.sights(0)) == {1} and not clip.sights(1)


def test_sav_every_fourth_frame_and_objects_from_0(tmp_path: Path) -> None:
    document = {
        "video_id": "sav_000001",
        "video_frame_count": 10.0,
        "video_height": 12,
        "video_width": 16,
        "masklet": [[to_coco(encode(ring()))]] * 3,
        "masklet_id": [0],
    }
    write_json(tmp_path / "sav_000001_manual.json", document)
    name, found = read_any(tmp_path)
    assert name == "sav"
    (clip,) = found.clips
    assert [index for index in range(10) if clip.sights(index)] == [0, 4, 8] and clip.objects[0].object_id == 1


def test_sav_validation_has_a_folder_an_object(tmp_path: Path) -> None:
    for object_id in ("000", "001"):
        folder = tmp_path / "Annotations_6fps" / "sav_1" / object_id
        folder.mkdir(parents=True)
        (folder / "00004.png").write_bytes(mask_png_bytes(ring()))
    pictures = tmp_path / "JPEGImages_24fps" / "sav_1"
    pictures.mkdir(parents=True)
    for index in range(6):
        (pictures / f"{index:05d}.jpg").write_bytes(b"")
    name, found = read_any(tmp_path)
    assert name == "sav"
    (clip,) = found.clips
    assert [each.object_id for each in clip.objects] == [1, 2] and len(clip.frames) == 6
    assert set(clip.sights(4)) == {1, 2} and not clip.sights(0)


def test_mots_ignores_what_is_to_be_ignored(tmp_path: Path) -> None:
    values = np.zeros((12, 16), dtype=np.uint16)
    values[:3], values[4:6], values[8:] = 1005, 2001, 10000
    folder = tmp_path / "instances" / "0002"
    folder.mkdir(parents=True)
    Image.fromarray(values).save(folder / "000000.png")
    name, found = read_any(tmp_path)
    assert name == "mots-png"
    things = {each.object_id: each.category for each in found.clips[0].objects}
    assert things == {1: "pedestrian", 5: "car"}
    np.testing.assert_array_equal(mask_at(found.clips[0], 0, 5), values == 1005)


def test_mots_text_has_cocos_run_lengths(tmp_path: Path) -> None:
    counts = coco_tools.encode(np.asfortranarray(ring().astype(np.uint8)))["counts"].decode()
    (tmp_path / "0002.txt").write_text(f"3 2001 2 12 16 {counts}\n4 10000 10 12 16 {counts}\n")
    name, found = read_any(tmp_path / "0002.txt")
    assert name == "mots-txt"
    (clip,) = found.clips
    assert len(clip.frames) == 5 and [each.category for each in clip.objects] == ["pedestrian"]
    np.testing.assert_array_equal(mask_at(clip, 3, 1), ring())


@pytest.mark.parametrize("name", ["coco", "ytvis", "mevis"])
def test_run_lengths_are_pycocotools_own(tmp_path: Path, name: str) -> None:
    _, found = read_any(write_mevis(tmp_path / "in", mini_videos(1)))
    registry.write(found, registry.format_of(name), tmp_path / "out")
    text = (tmp_path / "out" / "train" / "mask_dict.json" if name == "mevis" else tmp_path / "out").read_text()
    expected = coco_tools.encode(np.asfortranarray(mask_at(found.clips[0], 0, 1).astype(np.uint8)))
    assert json.dumps(expected["counts"].decode()) in text
