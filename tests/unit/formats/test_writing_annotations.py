"""What is told before anything is written, and that what is written is whole or not there."""

from __future__ import annotations

import csv
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rvos_core.errors import Cancelled, UsageError, UserError
from rvos_core.formats import registry
from rvos_core.formats.annotations import AnnotatedClip, AnnotatedObject, AnnotationSet, Expression, Sight, Sights
from rvos_core.formats.format import Loss, Overlap, ReadOptions, WriteOptions
from rvos_core.formats.frame_matching import match_frames
from rvos_core.formats.names import safe_names
from rvos_core.masks import Rle, decode, empty, encode
from rvos_core.types import CancelToken

HEIGHT, WIDTH = 9, 12


def box(left: int, *, wide: int = 4) -> Rle:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[2:7, left : left + wide] = True
    return encode(mask)


def clip(name: str = "a", *, frames: int = 3, shared: bool = False, ids: tuple[int, ...] = (1, 2)) -> AnnotatedClip:
    masks = {each: Sight(box(3 if shared else (4 * place) % 8)) for place, each in enumerate(ids)}
    things = tuple(AnnotatedObject(each, f"thing {each}") for each in ids)
    names = tuple(f"{index:05d}" for index in range(frames))
    return AnnotatedClip(name, WIDTH, HEIGHT, names, things, lambda _: masks)


def one(*clips: AnnotatedClip) -> AnnotationSet:
    return AnnotationSet(clips or (clip(),))


NO_ROOM = [each for each in registry.FORMATS.values() if not each.can_overlap]


@pytest.mark.parametrize("chosen", NO_ROOM, ids=lambda each: each.format_id)
def test_shared_pixels_ask_for_a_choice_before_anything_is_written(tmp_path: Path, chosen) -> None:
    target = tmp_path / "out"
    with pytest.raises(UserError, match="share 20 pixels") as refused:
        registry.write(one(clip(shared=True)), chosen, target)
    assert refused.value.code == "formats.overlap" and "--overlap order" in refused.value.hint
    assert ("--overlap files" in refused.value.hint) is chosen.splits_objects
    assert not target.exists()
    registry.write(one(clip(shared=True)), chosen, target, WriteOptions(overlap="order"))
    back = registry.read(target, chosen).clips[0]
    masks = {key: decode(sight.mask) for key, sight in back.sights(0).items()}
    np.testing.assert_array_equal(masks[2], decode(box(3)))
    assert not masks.get(1, np.zeros(1)).any()


def test_a_file_per_object_where_the_format_has_no_such_form_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no form with a file per object"):
        registry.write(one(), registry.format_of("voc"), tmp_path / "out", WriteOptions(overlap="files"))


@pytest.mark.parametrize(("name", "number"), [("davis", 255), ("refytvos", 300), ("mots-txt", 1000)])
def test_too_many_objects_are_told_before(tmp_path: Path, name: str, number: int) -> None:
    with pytest.raises(UserError, match=f"cannot hold object {number}"):
        registry.write(one(clip(ids=(1, number))), registry.format_of(name), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_to_write_and_a_size_that_is_not_known(tmp_path: Path) -> None:
    nothing = AnnotatedClip("a", 9, 9, ("0",), (), lambda _: {})
    for chosen in registry.FORMATS.values():
        with pytest.raises(UserError, match="nothing to export"):
            registry.write(one(nothing), chosen, tmp_path / "out")
    unknown = replace(clip(), width=0, height=0, sights=lambda _: {}, expressions=(Expression("0", "a dog", (1,)),))
    with pytest.raises(UserError, match="size of the clip a is not known"):
        registry.write(one(unknown), registry.format_of("coco"), tmp_path / "out.json")


@pytest.mark.parametrize("chosen", registry.FORMATS.values(), ids=lambda each: each.format_id)
def test_cancelled_or_failed_nothing_is_left_and_the_old_one_stays(tmp_path: Path, chosen) -> None:
    target = tmp_path / "place" / "out"
    registry.write(one(), chosen, target)
    before = {path: path.read_bytes() for path in (tmp_path / "place").rglob("*") if path.is_file()}

    def broken(index: int) -> Sights:
        raise UserError("the mask of frame 1 is damaged") if index else UserError("no")

    token = CancelToken()
    token.cancel()
    damaged = replace(clip(), sights=broken)
    with pytest.raises(Cancelled):
        registry.write(one(), chosen, target, WriteOptions(cancel=token))
    if Loss.MASKS not in chosen.losses:
        with pytest.raises(UserError):
            registry.write(one(damaged), chosen, target, WriteOptions(overlap="order"))
    assert {path: path.read_bytes() for path in (tmp_path / "place").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("chosen", registry.FORMATS.values(), ids=lambda each: each.format_id)
def test_reading_says_how_far_it_is_and_can_be_cancelled(tmp_path: Path, chosen) -> None:
    target = tmp_path / ("out.csv" if chosen.format_id == "csv" else "out")
    seen: list[tuple[int, int]] = []
    registry.write(one(), chosen, target, WriteOptions(progress=lambda *each: seen.append(each)))
    assert seen[-1:] == [(3, 3)] or Loss.MASKS in chosen.losses
    seen.clear()
    registry.read(target, chosen, ReadOptions(progress=lambda *each: seen.append(each)))
    token = CancelToken()
    token.cancel()
    if seen:
        with pytest.raises(Cancelled):
            registry.read(target, chosen, ReadOptions(cancel=token))


def test_other_files_in_the_way_are_never_deleted(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "diary.txt").write_text("mine")
    with pytest.raises(UserError, match=r"diary\.txt"):
        registry.write(one(), registry.format_of("davis"), tmp_path / "out")
    assert (tmp_path / "out" / "diary.txt").read_text() == "mine"


def test_names_become_names_that_any_disk_can_hold_and_none_meets_another() -> None:
    given = ("a:b", "a?b", "A_B", "CON", "con.png", "..", "", "x" * 300, "日本 語", "end. ", "tab\there", "-rf")
    found = safe_names(given)
    assert found[:6] == ("a_b", "a_b-2", "A_B-3", "_CON", "_con.png", "clip") and found[8:10] == ("日本_語", "end")
    assert len({each.casefold() for each in found}) == len(given)
    assert all(0 < len(each.encode()) <= 120 and not set(each) & set('/\\:*?"<>|\t ') for each in found)


def test_clips_whose_names_meet_keep_apart_and_it_is_said(tmp_path: Path) -> None:
    written = registry.write(one(clip("a/b"), clip("a:b")), registry.format_of("davis"), tmp_path / "out")
    assert len(written.notes) == 2 and "“a:b” is called “a_b-2”" in written.notes[1]
    back = registry.read(tmp_path / "out", registry.format_of("davis"))
    assert [each.name for each in back.clips] == ["a_b", "a_b-2"]


def test_a_cell_is_no_formula(tmp_path: Path) -> None:
    texts = ("=cmd|' /C calc'!A0", "+1", "-1", "@a", "'quoted", "plain")
    said = tuple(Expression(str(i), text, (1,)) for i, text in enumerate(texts))
    target = tmp_path / "out.csv"
    registry.write(one(replace(clip(), expressions=said)), registry.format_of("csv"), target)
    with target.open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    back = registry.read(target, registry.format_of("csv"))
    assert [each.text for each in back.clips[0].expressions] == list(texts)


def test_sentences_that_have_no_place_are_left_out_and_counted(tmp_path: Path) -> None:
    said = tuple(Expression(str(i), f"日本 {i}", (1,), "first_frame", "2") for i in range(3))
    many = replace(clip(), expressions=(*said, Expression("9", "both of them", (1, 2))))
    written = registry.write(one(many), registry.format_of("refdavis17"), tmp_path / "out")
    assert "3 sentences" in written.notes[0]  # latin-1 has no room for them in the second person's file
    back = registry.read(tmp_path / "out", registry.format_of("refdavis17")).clips[0]
    assert [(each.text, each.annotator) for each in back.expressions] == [("日本 0", "1")]


def test_jhmdb_has_a_video_for_each_object(tmp_path: Path) -> None:
    chosen = registry.format_of("jhmdb")
    registry.write(one(), chosen, tmp_path / "out")
    assert [each.name for each in registry.read(tmp_path / "out", chosen).clips] == ["a_1", "a_2"]


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("coco", 1000),
        ("sav", 3000),
        *(pytest.param(each, 10_000, marks=pytest.mark.slow) for each in ("coco", "sav", "mots-txt", "labelme-video")),
    ],
)
def test_long_clips_stream(tmp_path: Path, name: str, frames: int) -> None:
    """Memory stays that of names and run lengths (the file is read back, too), whatever the pixels take."""
    long = clip(frames=frames, ids=(1,))
    tracemalloc.start()
    begun = time.monotonic()
    registry.write(one(long), registry.format_of(name), tmp_path / "out")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6 + 3000 * frames, f"{peak / 1e6:.0f} MB"
    assert time.monotonic() - begun < 60


def test_frames_are_matched_by_name_by_order_or_by_number() -> None:
    names = tuple(f"frame_{index:04d}" for index in range(6))

    def match(*frames: str, shift: int = 0) -> tuple[tuple[int | None, ...], str]:
        found = match_frames(AnnotatedClip("a", 1, 1, frames, (), lambda _: {}), names, 6, shift=shift)
        assert found.shift == shift
        return found.frames, found.way

    assert match("frame_0004", "frame_0001") == ((4, 1), "name")
    assert match(*"abcdef") == ((0, 1, 2, 3, 4, 5), "order")
    assert match("00000", "00005", "00009") == ((0, 5, None), "number")
    assert match("1", "6") == ((0, 5), "number from 1")
    assert match("2", "3") == ((2, 3), "number")
    assert match("2", "3", shift=-1) == ((1, 2), "number")
    assert match("frame_0000", "frame_0004", shift=-1) == ((None, 3), "name")
    assert match("00000", "00009", shift=-4) == ((None, 5), "number"), "what lay beyond may come in"
    with pytest.raises(UserError, match="cannot be matched"):
        match("left", "right")
    with pytest.raises(UserError, match="cannot be matched"):
        match("a1", "b1")


def test_a_mask_of_another_size_is_never_resized(tmp_path: Path) -> None:
    odd = replace(clip(), sights=lambda _: {1: Sight(empty(3, 3))})
    with pytest.raises(UserError, match="is 3x3, the clip is 12x9"):
        registry.write(one(odd), registry.format_of("ytvis"), tmp_path / "out.json")


@pytest.mark.parametrize("overlap", ["order", "files"])
def test_ids_of_overlapping_objects_survive_in_files(tmp_path: Path, overlap: Overlap) -> None:
    chosen = registry.format_of("refytvos")
    registry.write(one(clip(shared=True, ids=(3, 8))), chosen, tmp_path / "out", WriteOptions(overlap=overlap))
    sights = registry.read(tmp_path / "out", chosen).clips[0].sights(0)
    assert [int(decode(sights[each].mask).sum()) for each in (3, 8)] == [20 if overlap == "files" else 0, 20]
