"""Files that are damaged or meant to harm: one clear error within 5 seconds and 200 MB, nothing outside the target."""

from __future__ import annotations

import json
import os
import resource
import socket
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hostile_annotations import CASES, RLE, case, put, ytvis
from rvos_core.errors import UserError
from rvos_core.formats import registry
from rvos_core.formats.annotations import AnnotatedClip

SECONDS, MEGABYTES = 5.0, 200


def coco(**changes: Any) -> dict[str, Any]:
    image = {"id": 1, "file_name": "v/0.jpg", "width": 16, "height": 12} | changes.pop("image", {})
    one = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": RLE} | changes.pop("one", {})
    return {"images": [image], "annotations": [one], "categories": [{"id": 1, "name": "a"}]} | changes


@case("coco")
def a_bomb_in_a_zip_whose_name_climbs(folder: Path) -> Path:
    folder.mkdir()
    with zipfile.ZipFile(folder / "a.json", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.json", bytes(20_000_000))
    return folder / "a.json"


@case("davis")
def a_data_set_that_is_still_packed(folder: Path) -> Path:
    return put(folder / "DAVIS.tar", b"DAVIS/".ljust(257, b"\0") + b"ustar\x0000".ljust(255, b"\0"))


@case("ytvis")
def a_path_with_backslashes(folder: Path) -> Path:
    return put(folder / "a.json", ytvis(video={"file_names": ["..\\..\\windows\\0.jpg"]}))


@case("ytvis")
def an_address_for_a_picture(folder: Path) -> Path:
    return put(folder / "a.json", ytvis(video={"file_names": ["http://127.0.0.1:9/0.jpg"]}))


@case("ytvis")
def half_a_pair_of_surrogates(folder: Path) -> Path:
    return put(folder / "a.json", ytvis(one={"name": "\ud800"}))


@case("ytvis")
def a_sentence_with_a_zero_byte(folder: Path) -> Path:
    return put(folder / "a.json", ytvis(video_np_pairs=[{"video_id": 1, "noun_phrase": "a\0b", "id": 1}]))


@case("coco")
def words_for_numbers(folder: Path) -> Path:
    return put(folder / "a.json", coco(image={"width": "wide"}))


@case("coco")
def a_frame_before_the_first(folder: Path) -> Path:
    return put(folder / "a.json", coco(image={"frame_index": -1}))


@case("coco")
def half_a_frame(folder: Path) -> Path:
    return put(folder / "a.json", coco(image={"frame_index": 1.5}))


@case("coco")
def a_list_for_a_video(folder: Path) -> Path:
    return put(folder / "a.json", coco(image={"video_id": []}))


@case("coco")
def a_track_of_an_object_for_a_video(folder: Path) -> Path:
    return put(folder / "a.json", coco(tracks=[{"id": 1, "video_id": {}, "category_id": 1}]))


@case("coco")
def a_sentence_about_a_list(folder: Path) -> Path:
    return put(folder / "a.json", coco(expressions=[{"video_id": [], "text": "a"}]))


@case("coco")
def a_size_of_words(folder: Path) -> Path:
    return put(folder / "a.json", coco(one={"segmentation": {"size": ["a", "b"], "counts": "x"}}))


@case("coco")
def counts_that_are_an_object(folder: Path) -> Path:
    return put(folder / "a.json", coco(one={"segmentation": {"size": [12, 16], "counts": {"a": 1}}}))


@case("coco")
def points_that_are_not_a_number(folder: Path) -> Path:
    return put(folder / "a.json", coco(one={"segmentation": [["nan", 1, 2, 3, 4, 5]]}))


@case("coco")
def an_object_0(folder: Path) -> Path:
    tracks = [{"id": 1, "video_id": 1, "category_id": 1, "object_id": 0}]
    return put(folder / "a.json", coco(image={"video_id": 1}, videos=[{"id": 1, "name": "v"}], tracks=tracks))


@case("cvat-images")
def one_entity_fifty_thousand_times(folder: Path) -> Path:
    entity = f'<!DOCTYPE a [<!ENTITY q "{"x" * 50_000}">]>'
    return put(folder / "a.xml", f"{entity}<annotations><image>{'&q;' * 50_000}</image></annotations>")


@case("cvat-images")
def a_dtd_from_an_address(folder: Path) -> Path:
    head = '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd">'
    return put(folder / "a.xml", f'{head}<annotations><image name="v/0" width="9" height="9"/></annotations>')


@case("cvat-images")
def a_hundred_megabytes_of_text(folder: Path) -> Path:
    path = put(folder / "a.xml", '<annotations><image name="v/0" width="9" height="9">')
    with path.open("r+b") as file:  # zeros, which take no room on the disk
        file.truncate(100_000_000)
    return path


@case("davis")
def a_picture_with_alpha(folder: Path) -> Path:
    path = put(folder / "Annotations" / "v" / "00000.png", b"")
    Image.new("RGBA", (16, 12), (9, 9, 9, 9)).save(path)
    return path.parents[2]


@case("davis")
def a_pipe_for_a_mask(folder: Path) -> Path:
    (folder / "Annotations" / "v").mkdir(parents=True)
    os.mkfifo(folder / "Annotations" / "v" / "00000.png")
    return folder


@case("davis")
def a_later_mask_without_an_end(folder: Path) -> Path:
    path = put(folder / "Annotations" / "v" / "00000.png", b"")
    Image.new("L", (16, 12), 255).save(path)
    path.with_name("00001.png").symlink_to("/dev/zero")
    return folder


@case("ytvis")
def a_file_without_an_end(folder: Path) -> Path:
    folder.mkdir()
    (folder / "a.json").symlink_to("/dev/zero")
    return folder / "a.json"


@case("mots-txt")
def a_frame_between_two(folder: Path) -> Path:
    return put(folder / "instances_txt" / "v.txt", "0.5 1001 1 12 16 aaa\n").parents[1]


@case("labelme")
def a_group_that_is_none(folder: Path) -> Path:
    shape = {"label": "a", "points": [[0, 0], [3, 3], [0, 3]], "shape_type": "polygon", "group_id": -1}
    return put(folder / "0.json", {"shapes": [shape], "imageWidth": 16, "imageHeight": 12}).parent


@case("mevis")
def masks_that_are_a_text(folder: Path) -> Path:
    videos = {"v": {"expressions": {"0": {"exp": "a", "anno_id": [1]}}, "frames": ["0"]}}
    put(folder / "valid_u" / "mask_dict.json", {"1": "x"})
    return put(folder / "valid_u" / "meta_expressions.json", {"videos": videos}).parents[1]


def peak_mb() -> float:
    """The most memory that the process had since the last call, where Linux tells; else in all its life."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_in_time_and_space(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    format_id, make = CASES[name]
    source = make(tmp_path / "source")
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("nothing is ever fetched"))
    peak_mb()
    before = peak_mb()
    begun = time.monotonic()
    with pytest.raises(UserError) as refused:
        found = registry.read(source, registry.format_of(format_id))
        for clip in found.clips:
            for index in range(len(clip.frames)):
                clip.sights(index)
    assert time.monotonic() - begun < SECONDS
    assert peak_mb() - before < MEGABYTES
    assert str(tmp_path) in refused.value.message and len(refused.value.message) < 600
    assert refused.value.hint
    assert [each.name for each in tmp_path.iterdir() if each.is_dir() and each.name not in ("log", "data")] == [
        "source"
    ]


def test_every_format_refuses_a_file_of_noise_and_an_empty_folder(tmp_path: Path) -> None:
    noise = put(tmp_path / "noise.bin", np.random.default_rng(0).bytes(5000))
    (tmp_path / "nothing").mkdir()
    for chosen in registry.FORMATS.values():
        for source in (noise, tmp_path / "nothing", tmp_path / "missing"):
            with pytest.raises(UserError):
                registry.read(source, chosen)
    for source in (noise, tmp_path / "nothing", tmp_path / "missing"):
        with pytest.raises(UserError):
            registry.detect(source)


def read_one(path: Path, format_id: str) -> AnnotatedClip:
    (clip,) = registry.read(path, registry.format_of(format_id)).clips
    return clip


def test_what_is_odd_and_harmless_is_read(tmp_path: Path) -> None:
    """A byte order mark, a picture that moves, numbers as texts, an address that is not asked, an unknown kind."""
    bom = put(tmp_path / "bom.json", b"\xef\xbb\xbf" + json.dumps(ytvis()).encode())
    assert read_one(bom, "ytvis").name == "v"
    moving = put(tmp_path / "d" / "Annotations" / "v" / "00000.png", b"")
    first, second = (Image.fromarray(np.full((12, 16), value, np.uint8), "L") for value in (0, 255))
    second.paste(0, (0, 0, 8, 12))
    second.save(moving, save_all=True, append_images=[first])
    assert read_one(tmp_path / "d", "davis").sights(0)[1].box == (8, 0, 16, 12), "its first picture"
    asked = coco(image={"width": "16", "coco_url": "http://127.0.0.1:9/0.jpg", "video_id": "a word"})
    assert read_one(put(tmp_path / "coco.json", asked), "coco").width == 16
    large = [{"id": 5, "video_id": 1, "category_id": 1, "object_id": 65536}]
    many = coco(image={"video_id": 1}, one={"track_id": 5}, videos=[{"id": 1, "name": "v"}], tracks=large)
    assert [each.object_id for each in read_one(put(tmp_path / "many.json", many), "coco").objects] == [65536]
    crossed = coco(one={"segmentation": [[0, 0, 9, 9, 9, 0, 0, 9]]})
    assert read_one(put(tmp_path / "crossed.json", crossed), "coco").sights(0)[1].box is not None
