"""`rvos predict`: every benchmark with a real (random) network; resumed, stopped, and called wrongly."""

from __future__ import annotations

import json
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from helpers_cli import rvos, write_tiny_model
from helpers_datasets import (
    HEIGHT,
    WIDTH,
    MiniVideo,
    mini_videos,
    write_a2d,
    write_jhmdb,
    write_json,
    write_mevis,
    write_refdavis,
    write_refytvos,
)
from helpers_predict import KnowingEngine
from rvos_core.masks import read_indexed_png, read_mask_png

VIDEOS = mini_videos(2, frames=3)
Write = Callable[..., Path]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.mark.parametrize(
    ("data", "write", "expressions", "frames", "rule"),
    [
        ("ref-youtube-vos", write_refytvos, 4, 12, "the whole video at once"),
        ("ref-davis17", write_refdavis, 16, 24, "clips of 24 frames"),
        ("mevis", write_mevis, 8, 24, "the whole video at once"),
        ("a2d", write_a2d, 4, 2, "the annotated frame in a window of 5 frames"),
        ("jhmdb", write_jhmdb, 2, 2, "the annotated frame in a window of 5 frames"),
    ],
)
def test_every_benchmark_is_predicted_and_not_predicted_twice(
    data: str, write: Write, expressions: int, frames: int, rule: str,
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    root, out = write(tmp_path / "data", VIDEOS), tmp_path / "out"
    call = ("predict", root, "--data", data, "--model", model, "-o", out, "--device", "cpu", "--json")
    said = rvos(capsys, *call)
    assert said.code == 0, said.err
    made = said.json
    figures = {key: made[key] for key in ("data", "model", "rule", "expressions", "finished_before", "frames")}
    assert figures == {
        "data": data, "model": "tiny", "rule": rule, "expressions": expressions, "finished_before": 0, "frames": frames
    }  # fmt: skip
    assert all(Path(path).exists() for path in made["outputs"].values())
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    again = rvos(capsys, *call)
    assert again.code == 0, again.err
    assert again.json["finished_before"] == expressions
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert not list(out.rglob(".*")), "nothing hidden is left"


def test_masks_lie_where_the_servers_want_them(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_refytvos(tmp_path / "data", VIDEOS, secret=True)
    said = rvos(capsys, "predict", root, "--data", "ref-youtube-vos", "--model", model, "-o", tmp_path / "out")
    assert said.code == 0, said.err
    assert "4 expressions, 12 masked frames" in said.out
    with zipfile.ZipFile(tmp_path / "out" / "ref-youtube-vos.zip") as archive:
        assert len(archive.namelist()) == 12
        archive.extractall(tmp_path / "server")
    masks = [read_mask_png(path, size=(HEIGHT, WIDTH)) for path in sorted((tmp_path / "server").rglob("*.png"))]
    assert len(masks) == 12
    assert any(mask.any() for mask in masks)


def test_the_unrelated_questions_of_r2_can_be_asked(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_refytvos(tmp_path / "data", VIDEOS)
    first, second = VIDEOS
    listed = {
        video.name: {
            "expressions": {f"{other.name}+{number}": {"exp": other.text(number + 1)} for number in (0, 1)},
            "frames": [f"{5 * t:05d}" for t in range(3)],
        }
        for video, other in ((first, second), (second, first))
    }
    pairs = write_json(tmp_path / "pairs.json", {"videos": listed})
    call = ("predict", root, "--data", "ref-youtube-vos", "--model", model, "--pairs", pairs, "-o", tmp_path / "out")
    said = rvos(capsys, *call, "--json")
    assert said.code == 0, said.err
    assert "archive" not in said.json["outputs"]
    assert (tmp_path / "out" / "Annotations" / first.name / f"{second.name}+1" / "00010.png").is_file()


def test_one_interrupt_keeps_what_is_finished(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, out = write_refdavis(tmp_path / "data", VIDEOS), tmp_path / "out"

    def interrupt(answers: int) -> None:
        if answers == 9:
            signal.raise_signal(signal.SIGINT)

    engines = [KnowingEngine(VIDEOS, before=interrupt), KnowingEngine(VIDEOS)]
    monkeypatch.setattr("rvos_core.models.registry.load_engine", lambda *_, **__: engines.pop(0))
    call = ("predict", root, "--data", "ref-davis17", "--model", model, "-o", out, "--json")
    stopped = rvos(capsys, *call)
    assert (stopped.code, stopped.json["error"]["code"]) == (130, "interrupted")
    assert "the same call goes on from there" in stopped.err
    assert {path.parent.name for path in out.rglob("*.png")} == {VIDEOS[0].name}
    assert rvos(capsys, *call).json["finished_before"] == 8
    assert np.array_equal(read_indexed_png(out / "anno_0" / VIDEOS[1].name / "00001.png"), VIDEOS[1].labels[1])


def _nothing(root: Path, videos: tuple[MiniVideo, ...]) -> Path:
    root.mkdir()
    return root


@pytest.mark.parametrize(
    ("data", "write", "options", "code", "error", "said"),
    [
        ("ref-youtube-vos", write_refytvos, ("--only", "clip0/9"), 2, "predict.unknown_expression", "It has 0, 1."),
        ("mevis", write_mevis, ("--only", "clip7"), 2, "predict.unknown_video", "has no video 'clip7'"),
        ("ref-davis17", write_refdavis, ("--only", "clip0/1"), 2, "predict.selection", "--only clip0"),
        ("ref-davis17", write_refdavis, ("--pairs", "x.json"), 2, "usage.pairs", "ref-youtube-vos"),
        ("a2d", write_a2d, ("--window", "all"), 2, "usage.window", "one annotated frame"),
        ("jhmdb", write_jhmdb, ("--split", "train"), 2, "usage.split", "has no split train"),
        ("ref-davis17", write_refdavis, ("--split", "test"), 1, "evaluation.split", "valid and train"),
        ("ref-davis17", _nothing, (), 1, "evaluation.incomplete", "meta_expressions.json"),
        ("mevis", write_refytvos, (), 1, "evaluation.incomplete", "valid_u"),
        ("ref-youtube-vos", write_refytvos, ("--model", "no-such"), 2, "model.unknown", "no-such"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_one_sentence_and_leaves_nothing(
    data: str, write: Write, options: tuple[str, ...], code: int, error: str, said: str,
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    root, out = write(tmp_path / "data", VIDEOS), tmp_path / "out"
    answer = rvos(
        capsys, "predict", root, "--data", data, "--model", model, "-o", out, "--device", "cpu", "--json", *options
    )
    assert (answer.code, answer.json["error"]["code"]) == (code, error)
    assert said in " ".join((answer.json["error"]["message"], answer.json["error"]["hint"]))
    assert not list(out.rglob("*.png")) if out.exists() else True


@pytest.mark.parametrize(
    ("data", "write", "lost", "only"),
    [
        ("ref-youtube-vos", write_refytvos, "valid/JPEGImages/clip1/00005.jpg", "clip1/1"),
        ("mevis", write_mevis, "valid_u/JPEGImages/clip1/00002.jpg", "clip1"),
        ("ref-davis17", write_refdavis, "valid/JPEGImages/clip1/00002.jpg", "clip1"),
        ("a2d", write_a2d, "Release/clips320H/clip1.mp4", "clip1"),
    ],
)
def test_data_are_checked_before_a_model_is_loaded(
    data: str, write: Write, lost: str, only: str,
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    root, out = write(tmp_path / "data", VIDEOS), tmp_path / "out"
    (root / lost).unlink()
    monkeypatch.setattr("rvos_core.models.registry.load_engine", lambda *_, **__: pytest.fail("a model was loaded"))
    call = ("predict", root, "--data", data, "--model", model, "-o", out, "--json", "--only")
    for wanted, code in ((only, "evaluation.incomplete"), ("clip7", "predict.unknown_video")):
        assert rvos(capsys, *call, wanted).json["error"]["code"] == code
    assert not out.exists()


def test_a_folder_of_another_models_predictions_is_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, out = write_refytvos(tmp_path / "data", VIDEOS), tmp_path / "out"
    call = ("predict", root, "--data", "ref-youtube-vos", "--model", model, "-o", out, "--json")
    assert rvos(capsys, *call).code == 0
    windowed = rvos(capsys, *call, "--window", "2")
    assert windowed.json["error"]["code"] == "predict.other_run"
    assert "another rule: the whole video at once instead of clips of 2 frames" in windowed.json["error"]["message"]
    record = out / "prediction.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"weights": "0" * 64}))
    assert "another weights" in rvos(capsys, *call).json["error"]["message"]
