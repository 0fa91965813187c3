"""`rvos track`: what it writes, what it keeps, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers_cli import rvos, write_clip, write_tiny_model
from isvos_small import CARD, moving_squares, tiny
from rvos_core.inference.propagation import follow
from rvos_core.masks import decode, read_indexed_png, write_indexed_png, write_mask_png
from rvos_core.media import open_media
from rvos_core.models.propagators import BEST_VIEWS
from rvos_core.models.registry import load_propagator
from rvos_core.types import FrameSpan
from rvos_core.weights.bundle import save_bundle

SIZE = (48, 64)


@pytest.fixture(scope="module")
def follower(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny-isvos"
    save_bundle(folder, tiny(), tokenizer=None, card=CARD)
    return folder


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "square.mp4", frames=6)


def square(left: int = 0) -> np.ndarray:
    mask = np.zeros(SIZE, dtype=bool)
    mask[16:32, left : left + 16] = True
    return mask


def test_one_object_is_written_as_plain_masks_and_the_given_one_stays(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, clip: Path, follower: Path
) -> None:
    write_mask_png(tmp_path / "given.png", square(8))
    said = rvos(
        capsys,
        "track",
        clip,
        "--mask",
        f"2:{tmp_path / 'given.png'}",
        "-o",
        tmp_path / "out",
        "--model",
        follower,
        "--json",
    )
    assert said.code == 0, said.err
    found = said.json
    assert (found["frames"], found["model"]) == (6, "isvos-tiny")
    assert set(found["outputs"]) == {"masks", "result"}
    files = sorted((tmp_path / "out" / "masks").iterdir())
    assert [file.name for file in files] == [f"{index:05d}.png" for index in range(6)]
    pictures = [Image.open(file) for file in files]
    assert {picture.mode for picture in pictures} == {"L"}
    assert np.array_equal(np.asarray(pictures[2]) > 0, square(8))
    record = json.loads((tmp_path / "out" / "result.json").read_text())
    (followed,) = record["objects"]
    assert (followed["id"], followed["given"]) == (1, [2])
    assert [line["frame"] for line in followed["frames"]] == list(range(6))
    assert followed["frames"][2]["confidence"] == 1.0
    for line, picture in zip(followed["frames"], pictures, strict=True):
        assert line["area_px"] == np.count_nonzero(np.asarray(picture))
        assert line["visible"] == (line["area_px"] > 0)
    (told,) = found["objects"]
    assert (told["id"], told["visible_frames"]) == (1, sum(line["visible"] for line in followed["frames"]))
    assert set(told["suspicious"]) <= set(range(6)) - {2}, "what was given is beyond doubt"


def test_several_objects_are_written_with_their_ids(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, follower: Path
) -> None:
    pictures, labels = moving_squares(frames=5, objects=2)
    (tmp_path / "clip").mkdir()
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / "clip" / f"{index:05d}.png")
    ids = np.where(labels == 2, 9, labels)
    write_indexed_png(tmp_path / "first.png", ids[0])
    write_indexed_png(tmp_path / "last.png", np.where(ids[4] == 9, 9, 0))
    masks = ("--mask", f"0:{tmp_path / 'first.png'}", "--mask", f"4:{tmp_path / 'last.png'}")
    said = rvos(capsys, "track", tmp_path / "clip", *masks, "-o", tmp_path / "out", "--model", follower)
    assert said.code == 0, said.err
    assert "object 1:" in said.out and "object 9:" in said.out
    written = [read_indexed_png(tmp_path / "out" / "masks" / f"{index:05d}.png") for index in range(5)]
    assert np.array_equal(written[0], ids[0])
    assert np.array_equal(written[4] == 9, ids[4] == 9), "a given mask has its pixels, whatever else was found"
    assert {int(value) for frame in written for value in np.unique(frame)} <= {0, 1, 9}
    record = json.loads((tmp_path / "out" / "result.json").read_text())
    assert [(each["id"], each["given"]) for each in record["objects"]] == [(1, [0]), (9, [0, 4])]


def test_objects_end_at_a_scene_cut_unless_asked_otherwise(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, follower: Path
) -> None:
    (tmp_path / "clip").mkdir()
    for index in range(6):
        colour = (200, 40, 40) if index < 3 else (20, 60, 220)
        Image.new("RGB", (64, 48), colour).save(tmp_path / "clip" / f"{index:05d}.png")
    write_mask_png(tmp_path / "given.png", square())
    call = ("track", tmp_path / "clip", "--mask", f"0:{tmp_path / 'given.png'}", "--model", follower, "--json")
    ended = rvos(capsys, *call, "-o", tmp_path / "ended").json
    assert any("frame 3" in note for note in ended["notes"])
    assert not any(np.asarray(Image.open(tmp_path / "ended" / "masks" / f"{i:05d}.png")).any() for i in (3, 4, 5))
    assert json.loads((tmp_path / "ended" / "result.json").read_text())["settings"]["ended_at"] == [3]
    through = rvos(capsys, *call, "-o", tmp_path / "through", "--through-cuts").json
    assert not any("shot" in note for note in through["notes"])


def test_bad_calls_say_what_is_wrong_and_write_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, clip: Path, follower: Path
) -> None:
    write_mask_png(tmp_path / "good.png", square())
    write_mask_png(tmp_path / "small.png", square()[:40])
    write_mask_png(tmp_path / "empty.png", np.zeros(SIZE, dtype=bool))
    (tmp_path / "text.png").write_text("not a picture")
    good, out = f"0:{tmp_path / 'good.png'}", tmp_path / "out"
    for masks, words, code in (
        (["nothing.png"], "is not FRAME:PNG", 2),
        (["-1:a.png"], "is not FRAME:PNG", 2),
        ([good, good], "names frame 0 twice", 2),
        ([f"6:{tmp_path / 'good.png'}"], "outside the frames 0 to 5", 2),
        ([f"0:{tmp_path / 'small.png'}"], "small.png", 1),
        ([f"0:{tmp_path / 'empty.png'}"], "no object in it", 1),
        ([f"0:{tmp_path / 'text.png'}"], "text.png", 1),
        ([f"0:{tmp_path / 'none.png'}"], "none.png", 1),
    ):
        options = [part for mask in masks for part in ("--mask", mask)]
        said = rvos(capsys, "track", clip, *options, "-o", out, "--model", follower)
        assert (said.code, words in said.err) == (code, True), (masks, said.err)
        assert not out.exists()
    assert rvos(capsys, "track", clip, "-o", out, "--model", follower).code == 2, "no mask at all"


def test_a_range_says_both_ends(capsys: pytest.CaptureFixture[str], tmp_path: Path, clip: Path, follower: Path) -> None:
    write_mask_png(tmp_path / "given.png", square(8))
    call = ("track", clip, "--mask", f"2:{tmp_path / 'given.png'}", "--model", follower, "-o", tmp_path / "out")
    assert rvos(capsys, *call, "--range", "1:4", "--json").json["frames"] == 3
    assert rvos(capsys, *call, "--range", ":3", "--json").json["frames"] == 3
    for value, more, words in (
        ("1-4", (), "is not START:END"),
        ("4:1", (), "no span from frame 4"),
        ("1:4", ("--end", "4"), "--range says what"),
    ):
        said = rvos(capsys, *call, "--range", value, *more)
        assert (said.code, words in said.err) == (2, True), said.err


def test_a_model_of_the_other_sort_is_refused_both_ways(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, clip: Path, follower: Path
) -> None:
    finder = write_tiny_model(tmp_path / "finder")
    write_mask_png(tmp_path / "given.png", square())
    said = rvos(capsys, "track", clip, "--mask", f"0:{tmp_path / 'given.png'}", "-o", tmp_path / "a", "--model", finder)
    assert said.code == 1
    assert "does not follow given masks" in said.err
    said = rvos(capsys, "segment", clip, "the red square", "-o", tmp_path / "b", "--model", follower)
    assert said.code == 1
    assert "does not read expressions" in said.err
    assert not (tmp_path / "a" / "masks").exists() and not (tmp_path / "b" / "masks").exists()


def test_best_quality_looks_more_often(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, clip: Path, follower: Path
) -> None:
    """The masks are those of a propagator with these views."""
    write_mask_png(tmp_path / "given.png", square(8))
    given = f"0:{tmp_path / 'given.png'}"
    arguments = ("track", clip, "--mask", given, "--model", follower, "-o", tmp_path / "out", "--quality", "best")
    said = rvos(capsys, *arguments)
    assert said.code == 0, said.err
    assert json.loads((tmp_path / "out" / "result.json").read_text())["settings"]["quality"] == "best"
    propagator = load_propagator(follower, views=BEST_VIEWS)
    with open_media(clip) as reader:
        found = list(follow(propagator, reader, {0: {1: square(8)}}, span=FrameSpan(0, 6)))
    assert len(found) == 5
    for each in found:
        written = np.asarray(Image.open(tmp_path / "out" / "masks" / f"{each.frame_index:05d}.png")) > 0
        assert np.array_equal(decode(each.objects[0].mask), written)
