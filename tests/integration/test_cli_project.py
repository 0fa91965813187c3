"""`rvos project` and `rvos segment --project`: what is kept, what goes on, what can be saved."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from documents import numbered_mask, small_project
from helpers_cli import rvos, rvos_process, write_clip, write_tiny_model
from rvos_core.errors import UserError
from rvos_core.project.mask_edits import DrawMask
from rvos_core.project.reading import ProjectReader
from rvos_core.project.store import Project


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_model(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "street.mp4", frames=20)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "p.rvos"
    with small_project(path) as made:
        for frame in range(30):
            made.apply(DrawMask(1, frame, numbered_mask(frame)))
    return path


def test_info_says_what_a_project_holds(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    said = rvos(capsys, "project", "info", project)
    assert said.code == 0, said.err
    assert "missing (was /footage/clip1.mp4)" in said.out
    assert "thing 1: 30 masks, 30 locked" in said.out
    found = json.loads(rvos(capsys, "project", "info", project, "--json").out)
    assert found["objects"][0]["masks"] == 30
    assert found["media"][0]["found"] is None
    assert found["closed"]


def test_check_finds_every_changed_mask(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    assert json.loads(rvos(capsys, "project", "check", project, "--json").out)["sound"]
    content = bytearray(project.read_bytes())
    counts = numbered_mask(7).counts
    at = content.find(counts)
    content[at + 2] ^= 1
    project.write_bytes(content)
    said = rvos(capsys, "project", "check", project)
    assert said.code == 1
    assert "p.rvos" in said.err
    assert "recover" in said.err


def test_recover_saves_the_rest_into_a_new_project(
    capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path
) -> None:
    content = bytearray(project.read_bytes())
    content[content.find(numbered_mask(7).counts) + 2] ^= 1
    project.write_bytes(content)
    said = rvos(capsys, "project", "recover", project, "-o", tmp_path / "new.rvos", "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert found["kept"]["mask"] + found["lost"]["mask"] == 30
    assert found["lost"]["mask"] >= 1
    assert project.read_bytes() == content
    with ProjectReader(tmp_path / "new.rvos") as new:
        assert new.mask_count() == found["kept"]["mask"]
    again = rvos(capsys, "project", "recover", project, "-o", tmp_path / "new.rvos")
    assert again.code == 1
    assert "exists already" in again.err


def test_export_json_is_lines_that_any_program_reads(
    capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path
) -> None:
    from pycocotools import mask as coco

    from rvos_core.masks import decode

    said = rvos(capsys, "project", "export-json", project)
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [each["kind"] for each in lines[:2]] == ["media", "object"]
    masks = [each for each in lines if each["kind"] == "mask"]
    assert len(masks) == 30
    assert (coco.decode(masks[5]["segmentation"]) > 0).tolist() == decode(numbered_mask(5)).tolist()
    rvos(capsys, "project", "export-json", project, "-o", tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text() == said.out


def test_what_is_not_a_project_is_an_error(capsys: pytest.CaptureFixture[str], clip: Path) -> None:
    for command in ("info", "check", "recover", "export-json"):
        said = rvos(capsys, "project", command, clip)
        assert said.code == 1, command
        assert "is not an RVOS Studio project" in said.err


def test_segment_keeps_its_run_in_a_project(
    capsys: pytest.CaptureFixture[str], clip: Path, model: str, tmp_path: Path
) -> None:
    path = tmp_path / "p.rvos"
    for sentence in ("the red car", "the dog", "the red car"):
        said = rvos(capsys, "segment", clip, sentence, "-o", tmp_path / "out", "--model", model, "--project", path)
        assert said.code == 0, said.err
    with ProjectReader(path) as reader:
        assert [each.name for each in reader.objects()] == ["the red car", "the dog"]
        assert len({each.colour for each in reader.objects()}) == 2
        assert reader.mask_count() == 40
        assert len(reader.media()) == 1
        assert [each.status for each in reader.runs()] == ["done"] * 3
    listed = sorted(each.name for each in tmp_path.iterdir() if each.name.startswith(("p.rvos", ".p.rvos")))
    assert listed == ["p.rvos"], "one file at rest"


def test_a_locked_frame_is_delivered_as_the_person_left_it(
    capsys: pytest.CaptureFixture[str], clip: Path, model: str, tmp_path: Path
) -> None:
    import numpy as np
    from PIL import Image

    from rvos_core.masks import encode

    path = tmp_path / "p.rvos"
    call = ("segment", clip, "the red car", "-o", tmp_path / "out", "--model", model, "--project", path)
    rvos(capsys, *call)
    mine = np.zeros((48, 64), dtype=bool)
    mine[5:9, 7:20] = True
    with Project(path, program="test") as project:
        project.apply(DrawMask(1, 6, encode(mine)))
    assert rvos(capsys, *call).code == 0
    with Image.open(tmp_path / "out" / "masks" / "00006.png") as picture:
        assert np.array_equal(np.asarray(picture) > 0, mine)


@pytest.mark.kill
def test_a_killed_run_goes_on_where_it_stopped(capsys: pytest.CaptureFixture[str], model: str, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "long.mp4", frames=400)
    path = tmp_path / "p.rvos"
    call = ("segment", clip, "the red car", "-o", tmp_path / "out", "--model", model, "--project", path)
    with rvos_process(*call) as process:
        for _ in range(1500):
            if path.exists() and _masks(path) > 30:
                break
            time.sleep(0.02)
        process.kill()
        process.wait()
    before = _masks(path)
    assert 0 < before < 400
    info = json.loads(rvos(capsys, "project", "info", path, "--json").out)
    assert not info["closed"]
    left = info["interrupted"][0]["frames_left"]
    said = rvos(capsys, *call, "--resume", "--json")
    assert said.code == 0, said.err
    assert f"{400 - left} of 400 frames are done" in said.err
    assert json.loads(said.out)["frames"] == 400
    assert len(list((tmp_path / "out" / "masks").iterdir())) == 400
    assert _masks(path) == 400
    again = rvos(capsys, *call, "--resume")
    assert again.code == 2
    assert "was interrupted" in again.err


def _masks(path: Path) -> int:
    try:
        with ProjectReader(path) as reader:
            return reader.mask_count()
    except UserError:  # it is being made
        return 0


def test_resume_needs_a_project(capsys: pytest.CaptureFixture[str], clip: Path, tmp_path: Path) -> None:
    said = rvos(capsys, "segment", clip, "x", "-o", tmp_path / "out", "--resume")
    assert said.code == 2
    assert "--project" in said.err


def test_a_project_in_use_is_said_before_the_model_is_loaded(
    capsys: pytest.CaptureFixture[str], clip: Path, tmp_path: Path, project: Path
) -> None:
    with Project(project, program="the studio"):
        said = rvos(capsys, "segment", clip, "x", "-o", tmp_path / "out", "--project", project)
    assert said.code == 1
    assert "the studio" in said.err
    assert "loading" not in said.err
