"""`rvos segment` end to end on small clips: what it writes, what it says, what it says in JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers_cli import rvos, write_clip, write_tiny_model
from helpers_data import shared_data
from rvos_core.masks import decode
from rvos_core.project.reading import ProjectReader


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", frames=10)


def numbered(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_one_mask_of_display_size_per_frame(capsys, clip: Path, model: Path, tmp_path: Path):
    said = rvos(capsys, "segment", clip, "the red car", "-o", tmp_path / "out", "--model", model)
    assert said.code == 0, said.err
    names = numbered(tmp_path / "out" / "masks")
    assert names == [f"{index:05d}.png" for index in range(10)]
    for name in names:
        with Image.open(tmp_path / "out" / "masks" / name) as image:
            assert (image.mode, image.size) == ("L", (64, 48))
            assert set(np.unique(np.asarray(image))) <= {0, 255}
    assert "in sight on" in said.out
    assert str(tmp_path / "out" / "result.json") in said.out


def test_result_json_says_what_was_asked_and_found(capsys, clip: Path, model: Path, tmp_path: Path):
    rvos(capsys, "segment", clip, "  the red  giraffe ", "-o", tmp_path / "out", "--model", model)
    result = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert result["model"] == "tiny"
    assert result["expression"] == "the red  giraffe"
    assert result["span"] == {"start": 0, "stop": 10}
    assert result["unknown_words"] == ["giraffe"]
    assert any("giraffe" in note for note in result["notes"])
    assert [line["frame"] for line in result["frames"]] == list(range(10))
    for line in result["frames"]:
        mask = np.asarray(Image.open(tmp_path / "out" / "masks" / f"{line['frame']:05d}.png")) > 0
        assert line["area_px"] == mask.sum()
        assert 0 <= line["confidence"] <= 1
        if line["box"] is not None:
            columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
            assert line["box"] == [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    assert any(line["box"] is not None for line in result["frames"]), "the model of this test finds something"


def test_json_is_one_object_with_the_promised_keys(capsys, clip: Path, model: Path, tmp_path: Path):
    said = rvos(capsys, "segment", clip, "a man", "-o", tmp_path / "out", "--model", model, "--json")
    assert said.code == 0, said.err
    assert said.json["frames"] == 10
    assert said.json["model"] == "tiny"
    assert said.json["seconds"] > 0
    assert Path(said.json["outputs"]["masks"]).is_dir()
    assert Path(said.json["outputs"]["result"]).is_file()
    assert "loading" in said.err, "progress is on stderr"


def test_a_span_is_half_open_and_keeps_the_clips_frame_numbers(capsys, clip: Path, model: Path, tmp_path: Path):
    call = ("segment", clip, "a man", "-o", tmp_path / "out", "--model", model, "--start", "3", "--end", "7")
    assert rvos(capsys, *call, "--json").json["frames"] == 4
    assert numbered(tmp_path / "out" / "masks") == [f"{index:05d}.png" for index in (3, 4, 5, 6)]


def test_a_second_run_replaces_the_first_as_a_whole(capsys, clip: Path, model: Path, tmp_path: Path):
    call = ("segment", clip, "a man", "-o", tmp_path / "out", "--model", model)
    rvos(capsys, *call)
    rvos(capsys, *call, "--end", "2")
    assert numbered(tmp_path / "out" / "masks") == ["00000.png", "00001.png"]
    assert numbered(tmp_path / "out") == ["masks", "result.json"]


def test_overlay_and_davis_are_written_when_asked(capsys, clip: Path, model: Path, tmp_path: Path):
    said = rvos(
        capsys, "segment", clip, "a man", "-o", tmp_path, "--model", model, "--format", "overlay,davis", "--json"
    )
    assert set(said.json["outputs"]) == {"masks", "davis", "overlay", "result"}
    import av

    with av.open(said.json["outputs"]["overlay"]) as container:
        assert sum(1 for _ in container.decode(video=0)) == 10
    for name in numbered(tmp_path / "davis"):
        with Image.open(tmp_path / "davis" / name) as indexed, Image.open(tmp_path / "masks" / name) as plain:
            assert indexed.mode == "P"
            assert indexed.getpalette()[3:6] == [128, 0, 0], "DAVIS red is object 1"
            assert np.array_equal(np.asarray(indexed) == 1, np.asarray(plain) == 255)


def test_window_all_sees_the_span_at_once(capsys, clip: Path, model: Path, tmp_path: Path):
    rvos(capsys, "segment", clip, "a man", "-o", tmp_path, "--model", model, "--window", "all", "--vote", "window")
    settings = json.loads((tmp_path / "result.json").read_text())["settings"]
    assert (settings["window"], settings["vote"]) == (10, "window")


def test_a_folder_of_pictures_says_the_rate_it_takes(capsys, model: Path, tmp_path: Path):
    frames = tmp_path / "frames"
    frames.mkdir()
    for index in range(3):
        Image.fromarray(np.full((32, 48, 3), 40 * index, dtype=np.uint8)).save(frames / f"frame_{index + 7:04d}.png")
    call = ("segment", frames, "a man", "-o", tmp_path / "out", "--model", model)
    assert "24 frames/s are taken" in rvos(capsys, *call).err
    assert "frames/s are taken" not in rvos(capsys, *call, "--fps", "23.976").err
    media = json.loads((tmp_path / "out" / "result.json").read_text())["media"]
    assert (media["rate"], media["rate_is_assumed"]) == ("24000/1001", False)


@pytest.mark.parametrize(
    ("shape", "codec", "pixel_format"),
    [
        ((1, 1), "png", "rgb24"),
        ((8, 8), "libx264", "yuv420p"),
        ((321, 241), "libx264", "yuv444p"),
        ((64, 48), "libx264", "yuv420p10le"),
        ((500, 16), "libx264", "yuv420p"),
    ],
)
def test_odd_pictures_work(capsys, model: Path, tmp_path: Path, shape, codec: str, pixel_format: str):
    width, height = shape
    clip = write_clip(
        tmp_path / ("odd.mov" if codec == "png" else "odd.mkv"),
        frames=2,
        width=width,
        height=height,
        codec=codec,
        pixel_format=pixel_format,
    )
    said = rvos(capsys, "segment", clip, "a man", "-o", tmp_path / "out", "--model", model, "--format", "overlay")
    assert said.code == 0, said.err
    with Image.open(tmp_path / "out" / "masks" / "00001.png") as image:
        assert image.size == (width, height)


def test_one_frame_is_a_clip(capsys, model: Path, tmp_path: Path):
    clip = write_clip(tmp_path / "one.mp4", frames=1)
    assert rvos(capsys, "segment", clip, "a man", "-o", tmp_path, "--model", model, "--json").json["frames"] == 1


def test_a_real_clip_keeps_its_number_of_frames(capsys, model: Path, tmp_path: Path):
    clip = shared_data() / "clips" / "05_default_juggle.mp4"
    said = rvos(
        capsys, "segment", clip, "a man with a football", "-o", tmp_path, "--model", model, "--end", "12", "--json"
    )
    assert said.json["unknown_words"] == ["with", "football"]
    with Image.open(tmp_path / "masks" / "00011.png") as image:
        assert image.size == (1280, 720)


def test_what_is_not_there_has_empty_masks_until_it_is_believed(capsys, clip: Path, tmp_path: Path):
    model = write_tiny_model(tmp_path / "doubting", doubting=True)
    call = ("segment", clip, "the red car", "-o", tmp_path / "out", "--model", model)
    said = rvos(capsys, *call)
    assert "every mask is empty" in said.out and "--believe" in said.out
    result = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert result["absent"] is True and 0 < result["consensus"] < 1
    assert not any(line["area_px"] for line in result["frames"])
    document = json.loads(rvos(capsys, *call, "--believe", "--json").out)
    assert document["absent"] is False and document["visible_frames"] == 10
    result = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert any(line["area_px"] for line in result["frames"])


def test_a_run_is_refined_by_following_its_surest_frames(capsys, model: Path, tmp_path: Path):
    clip = write_clip(tmp_path / "short.mp4", frames=4)
    arguments = ("segment", clip, "the red car", "--model", model)
    rvos(capsys, *arguments, "-o", tmp_path / "plain")
    project = tmp_path / "p.rvos"
    said = rvos(capsys, *arguments, "-o", tmp_path / "out", "--refine", "propagate", "--project", project, "--json")
    assert said.code == 0, said.err
    given = said.json["refined_from"]
    assert given and set(given) <= set(range(4)) and "following from frame" in said.err
    record = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert record["settings"]["refined"]["model"] == "isvos-mini"
    assert record["settings"]["refined"]["frames"] == given and record["settings"]["refined"]["quality"] == "normal"
    for index in range(4):
        name = f"masks/{index:05d}.png"
        if index in given:
            assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    with ProjectReader(project) as kept:
        records = list(kept.masks(1))
        assert [each.origin for each in records] == ["model" if index in given else "propagated" for index in range(4)]
        assert [edit.name for edit in kept.edits()] == ["Run “the red car”", "Refine by propagation"]
        for each in records:
            written = np.asarray(Image.open(tmp_path / "out" / "masks" / f"{each.frame:05d}.png")) > 0
            assert np.array_equal(decode(each.mask), written)


def test_best_quality_is_about_following(capsys, clip: Path, model: Path, tmp_path: Path):
    said = rvos(capsys, "segment", clip, "a man", "-o", tmp_path / "out", "--model", model, "--quality", "best")
    assert said.code == 2 and "--refine propagate" in said.err
    assert not (tmp_path / "out").exists()
