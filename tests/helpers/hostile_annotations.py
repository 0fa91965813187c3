"""Annotations that are damaged or meant to harm: a function for each makes one below a folder."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from PIL import Image

from rvos_core.masks import empty, to_coco

RLE = to_coco(empty(12, 16))

Make = Callable[[Path], Path]
CASES: dict[str, tuple[str, Make]] = {}


def case(format_id: str) -> Callable[[Make], Make]:
    def register(make: Make) -> Make:
        CASES[make.__name__] = (format_id, make)
        return make

    return register


def put(path: Path, content: str | bytes | Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def ytvis(**changes: Any) -> dict[str, Any]:
    video = {"id": 1, "width": 16, "height": 12, "length": 1, "file_names": ["v/0.jpg"]} | changes.pop("video", {})
    one = {"id": 1, "video_id": 1, "category_id": 1, "segmentations": [RLE]} | changes.pop("one", {})
    return {"videos": [video], "annotations": [one], "categories": [{"id": 1, "name": "a"}]} | changes


def png(width: int, height: int, *, colour: int = 3, depth: int = 8, data: bytes = b"") -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"PLTE", bytes(768)) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@case("ytvis")
def ten_million_empty_objects(folder: Path) -> Path:
    return put(folder / "a.json", '{"videos": [' + "{}," * 10_000_000 + "{}]}")


@case("coco")
def nested_a_hundred_thousand_deep(folder: Path) -> Path:
    return put(folder / "a.json", '{"images": ' + "[" * 100_000 + "]" * 100_000 + "}")


@case("ytvis")
def cut_short(folder: Path) -> Path:
    return put(folder / "a.json", json.dumps(ytvis())[:-20])


@case("ytvis")
def not_a_number(folder: Path) -> Path:
    return put(folder / "a.json", '{"videos": [{"id": NaN}]}')


@case("ytvis")
def a_key_twice(folder: Path) -> Path:
    return put(folder / "a.json", '{"videos": [], "videos": []}')


@case("ytvis")
def a_number_of_five_thousand_digits(folder: Path) -> Path:
    return put(folder / "a.json", '{"videos": [{"id": ' + "9" * 5000 + "}]}")


@case("ytvis")
def utf_16(folder: Path) -> Path:
    return put(folder / "a.json", json.dumps(ytvis()).encode("utf-16"))


@case("ytvis")
def an_empty_file(folder: Path) -> Path:
    return put(folder / "a.json", b"")


@case("ytvis")
def run_lengths_of_a_million_by_a_million(folder: Path) -> Path:
    one = {"segmentations": [{"size": [10**6, 10**6], "counts": [10**12]}]}
    return put(folder / "a.json", ytvis(one=one))


@case("ytvis")
def run_lengths_of_two_gigapixels(folder: Path) -> Path:
    one = {"segmentations": [{"size": [40_000, 40_000], "counts": [1_600_000_000]}]}
    return put(folder / "a.json", ytvis(one=one, video={"width": 40_000, "height": 40_000}))


@case("ytvis")
def run_lengths_that_do_not_add_up(folder: Path) -> Path:
    return put(folder / "a.json", ytvis(one={"segmentations": [{"size": [12, 16], "counts": [5, 5]}]}))


@case("ytvis")
def negative_run_lengths(folder: Path) -> Path:
    return put(folder / "a.json", ytvis(one={"segmentations": [{"size": [12, 16], "counts": [-8, 200]}]}))


@case("ytvis")
def counts_that_are_not_ascii(folder: Path) -> Path:
    return put(folder / "a.json", ytvis(one={"segmentations": [{"size": [12, 16], "counts": "é€"}]}))


@case("ytvis")
def a_mask_of_another_size(folder: Path) -> Path:
    return put(folder / "a.json", ytvis(one={"segmentations": [to_coco(empty(5, 5))]}))


@case("ytvis")
def fewer_masks_than_frames(folder: Path) -> Path:
    return put(folder / "a.json", ytvis(one={"segmentations": []}))


@case("ytvis")
def a_path_that_leads_out(folder: Path) -> Path:
    return put(folder / "a.json", ytvis(video={"file_names": ["../../etc/passwd"]}))


@case("ytvis")
def an_absolute_path(folder: Path) -> Path:
    return put(folder / "a.json", ytvis(video={"file_names": ["/etc/passwd"]}))


@case("ytvis")
def a_drive_letter(folder: Path) -> Path:
    return put(folder / "a.json", ytvis(video={"file_names": ["c:\\windows\\0.jpg"]}))


@case("ytvis")
def a_clip_name_that_leads_out(folder: Path) -> Path:
    return put(folder / "a.json", ytvis(video={"video_name": ".."}))


@case("ytvis")
def null_in_a_list(folder: Path) -> Path:
    return put(folder / "a.json", ytvis(annotations=[None]))


@case("ytvis")
def an_unknown_video(folder: Path) -> Path:
    return put(folder / "a.json", ytvis(one={"video_id": 7}))


@case("ytvis")
def a_polygon_of_one_point(folder: Path) -> Path:
    return put(folder / "a.json", ytvis(one={"segmentations": [[[1, 1]]]}))


@case("ytvis")
def a_polygon_far_out(folder: Path) -> Path:
    return put(folder / "a.json", ytvis(one={"segmentations": [[[0, 0, 1e12, 0, 1e12, 1e12]]]}))


@case("ytvis")
def a_polygon_of_millions_of_points(folder: Path) -> Path:
    return put(folder / "a.json", ytvis(one={"segmentations": [[[1, 2] * 1_100_000]]}))


@case("mevis")
def annotations_that_are_not_there(folder: Path) -> Path:
    videos = {"v": {"expressions": {"0": {"exp": "a", "anno_id": [3]}}, "frames": ["0"]}}
    put(folder / "valid_u" / "mask_dict.json", {})
    return put(folder / "valid_u" / "meta_expressions.json", {"videos": videos}).parents[1]


@case("refytvos")
def a_video_called_dot_dot(folder: Path) -> Path:
    videos = {"../../x": {"expressions": {}, "frames": ["0"]}}
    return put(folder / "meta_expressions" / "train" / "meta_expressions.json", {"videos": videos}).parents[2]


@case("sav")
def more_frames_than_there_are_atoms(folder: Path) -> Path:
    document = {"video_id": "v", "video_frame_count": 10**9, "video_height": 12, "video_width": 16}
    return put(folder / "v_manual.json", document | {"masklet": [], "masklet_id": []})


@case("cvat-images")
def a_billion_laughs(folder: Path) -> Path:
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "ha"}">' for i in range(10))
    head = f"<?xml version='1.0'?><!DOCTYPE a [{entities}]>"
    return put(folder / "a.xml", f'{head}<annotations><image name="&a9;"/></annotations>')


@case("cvat-images")
def an_external_entity(folder: Path) -> Path:
    head = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    return put(folder / "a.xml", f'{head}<annotations><image name="a" width="&x;"/></annotations>')


@case("cvat-images")
def xml_a_hundred_thousand_deep(folder: Path) -> Path:
    return put(folder / "a.xml", "<annotations><image >" + "<a>" * 100_000 + "</a>" * 100_000)


@case("cvat-images")
def ten_megabytes_of_text(folder: Path) -> Path:
    return put(folder / "a.xml", '<annotations><image name="a/0.png" width="9" height="9">' + "x" * 10_000_000)


@case("cvat-images")
def a_tag_of_ten_megabytes(folder: Path) -> Path:
    return put(folder / "a.xml", '<annotations><image name="' + "x" * 10_000_000 + '"/></annotations>')


@case("cvat-images")
def run_lengths_beyond_their_box(folder: Path) -> Path:
    mask = '<mask label="a" rle="0, 999999999999" left="0" top="0" width="3" height="3"/>'
    return put(folder / "a.xml", f'<annotations><image name="a/0" width="9" height="9">{mask}</image></annotations>')


@case("cvat-images")
def a_box_beyond_its_picture(folder: Path) -> Path:
    mask = '<mask label="a" rle="0, 9" left="8" top="0" width="3" height="3"/>'
    return put(folder / "a.xml", f'<annotations><image name="a/0" width="9" height="9">{mask}</image></annotations>')


@case("cvat-video")
def a_frame_beyond_counting(folder: Path) -> Path:
    size = "<original_size><width>9</width><height>9</height></original_size>"
    track = '<track id="0" label="a"><polygon frame="999999999" points="1,1;2,2;3,1"/></track>'
    text = f"<annotations><meta><task><size>5</size>{size}</task></meta>{track}</annotations>"
    return put(folder / "a.xml", text)


@case("cvat-video")
def points_that_are_no_numbers(folder: Path) -> Path:
    size = "<original_size><width>9</width><height>9</height></original_size>"
    track = '<track id="0" label="a"><polygon frame="0" points="nan,1;2,2;inf,1"/></track>'
    text = f"<annotations><meta><task><size>5</size>{size}</task></meta>{track}</annotations>"
    return put(folder / "a.xml", text)


@case("davis")
def a_png_of_a_hundred_megapixels(folder: Path) -> Path:
    return put(folder / "Annotations" / "v" / "00000.png", png(10_000, 10_000)).parents[2]


@case("davis")
def a_png_cut_short(folder: Path) -> Path:
    return put(folder / "Annotations" / "v" / "00000.png", png(16, 12, data=b"\x78\x9c")).parents[2]


@case("davis")
def a_colour_picture(folder: Path) -> Path:
    path = put(folder / "Annotations" / "v" / "00000.png", b"")
    Image.new("RGB", (16, 12), (9, 9, 9)).save(path)
    return path.parents[2]


@case("davis")
def a_picture_of_16_bits(folder: Path) -> Path:
    path = put(folder / "Annotations" / "v" / "00000.png", b"")
    Image.fromarray(np.full((12, 16), 700, dtype=np.uint16)).save(path)
    return path.parents[2]


@case("davis")
def masks_of_two_sizes(folder: Path) -> Path:
    for index, size in enumerate(((16, 12), (15, 12))):
        path = put(folder / "Annotations" / "v" / f"{index:05d}.png", b"")
        Image.new("L", size, 255).save(path)
    return path.parents[2]


@case("mots-png")
def eight_bits_for_sixteen(folder: Path) -> Path:
    path = put(folder / "instances" / "v" / "000000.png", b"")
    Image.new("L", (16, 12), 255).save(path)
    return path.parents[2]


@case("mots-txt")
def a_line_that_is_none(folder: Path) -> Path:
    return put(folder / "instances_txt" / "v.txt", "0 1001 1 12 16 aaa\nhello\n").parents[1]


@case("labelme")
def a_mask_that_is_not_base64(folder: Path) -> Path:
    shape = {"label": "a", "points": [[0, 0], [3, 3]], "shape_type": "mask", "mask": "%%%"}
    return put(folder / "0.json", {"shapes": [shape], "imageWidth": 16, "imageHeight": 12}).parent


@case("labelme")
def a_mask_with_a_bomb_inside(folder: Path) -> Path:
    inside = base64.b64encode(png(9_000, 9_000, data=zlib.compress(bytes(9_001)))).decode()
    shape = {"label": "a", "points": [[0, 0], [8_999, 8_999]], "shape_type": "mask", "mask": inside}
    return put(folder / "0.json", {"shapes": [shape], "imageWidth": 16, "imageHeight": 12}).parent


@case("yolo-seg")
def an_outline_of_words(folder: Path) -> Path:
    put(folder / "data.yaml", 'names:\n  0: "a"\nsizes:\n  "v": [16, 12]\n')
    return put(folder / "labels" / "v" / "0.txt", "0 a b c d e f\n").parents[2]


@case("voc")
def an_xml_of_nothing(folder: Path) -> Path:
    (folder / "SegmentationObject").mkdir(parents=True)
    return put(folder / "Annotations" / "0.xml", "").parents[1]


@case("csv")
def a_table_of_zero_bytes(folder: Path) -> Path:
    return put(folder / "a.csv", b"clip,text\n\0\0\0")


@case("csv")
def a_table_whose_clip_leads_out(folder: Path) -> Path:
    return put(folder / "a.csv", "clip,text\n../../x,a dog\n")


@case("a2d")
def an_array_of_a_terabyte(folder: Path) -> Path:
    path = put(folder / "a2d_annotation_with_instances" / "v" / "00001.h5", b"")
    with h5py.File(path, "w") as file:
        file["instance"] = [1.0]
        file.create_dataset("reMask", shape=(100, 100_000, 100_000), dtype="u1", chunks=(1, 1000, 1000))
    return path.parents[2]


@case("a2d")
def an_array_that_lies_in_another_file(folder: Path) -> Path:
    path = put(folder / "a2d_annotation_with_instances" / "v" / "00001.h5", b"")
    with h5py.File(path, "w") as file:
        file["instance"] = [1.0]
        file["reMask"] = h5py.ExternalLink("/etc/passwd", "x")
    return path.parents[2]


@case("jhmdb")
def a_picture_that_leads_out(folder: Path) -> Path:
    rows = [["v", "Rename_Images/../../x/00001.png", "", 3, "a man"]]
    put(folder / "jhmdb_sentences_gt_annotations_in_coco_format.json", {"images": [], "annotations": []})
    return put(folder / "jhmdb_sentences_samples_metadata.json", rows).parent
