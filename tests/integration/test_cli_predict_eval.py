"""`rvos predict`, then `rvos eval`: models whose answers are known get the figures that can be counted by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from helpers_cli import Said, rvos, write_tiny_model
from helpers_datasets import (
    COLOURS,
    MiniVideo,
    mini_videos,
    shifted,
    write_a2d,
    write_mevis,
    write_refdavis,
    write_refytvos,
)
from helpers_predict import KnowingEngine

VIDEOS = mini_videos(3, frames=4)
SHIFT = 3
Call = Callable[..., Said]


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """The command line, on a model that draws everything `SHIFT` pixels to the right of where it is."""
    model = write_tiny_model(tmp_path / "model")
    monkeypatch.setattr(
        "rvos_core.models.registry.load_engine", lambda *_, **__: KnowingEngine(VIDEOS, shifted(SHIFT), stride=1)
    )

    def said(*arguments: str | Path) -> Said:
        with_model = ("--model", model) if arguments[0] == "predict" else ()
        answer = rvos(capsys, *arguments, *with_model, "--json")
        assert answer.code == 0, answer.json
        return answer

    return said


def moved(mask: np.ndarray) -> np.ndarray:
    drawn = np.zeros_like(mask)
    drawn[..., SHIFT:] = mask[..., :-SHIFT]
    return drawn


def mean_j(video: MiniVideo, object_id: int) -> float:
    """J over the frames; 1 where there is nothing and nothing is drawn."""
    pairs = [(true, moved(true)) for true in video.mask(object_id)]
    return float(np.mean([(t & d).sum() / (t | d).sum() if (t | d).any() else 1.0 for t, d in pairs]))


ALL = [mean_j(video, object_id) for video in VIDEOS for object_id in video.categories]


def test_refytvos(call: Call, tmp_path: Path) -> None:
    root = write_refytvos(tmp_path / "data", VIDEOS)
    call("predict", root, "--data", "ref-youtube-vos", "-o", tmp_path / "out")
    scores = call("eval", "ytvos", "--gt", root, "--pred", tmp_path / "out").json
    assert scores["J"] == pytest.approx(np.mean(ALL))
    assert scores["jf"] == pytest.approx((scores["J"] + scores["F"]) / 2)


def test_mevis(call: Call, tmp_path: Path) -> None:
    root = write_mevis(tmp_path / "data", VIDEOS)
    call("predict", root, "--data", "mevis", "-o", tmp_path / "out")
    scores = call("eval", "mevis", "--gt", root, "--pred", tmp_path / "out").json
    # The sentence for everything gets an empty answer (J 0), the one for nothing too (J 1).
    assert scores["J"] == pytest.approx(np.mean([*ALL, *[0.0] * 3, *[1.0] * 3]))


def test_refdavis(call: Call, tmp_path: Path) -> None:
    root = write_refdavis(tmp_path / "data", VIDEOS)
    call("predict", root, "--data", "ref-davis17", "-o", tmp_path / "out")
    scores = call("eval", "refdavis", "--gt", root, "--pred", tmp_path / "out").json
    by_hand = []
    for video in VIDEOS:
        drawn = [moved(video.mask(object_id)) for object_id in video.categories]
        merged = np.select(drawn, list(video.categories), 0)  # equally sure everywhere: the first one has the pixel
        for object_id in video.categories:
            true = video.mask(object_id)
            pairs = [(t, d == object_id) for t, d in zip(true, merged, strict=True)]
            by_hand.append(np.mean([(t & d).sum() / (t | d).sum() if (t | d).any() else 1.0 for t, d in pairs]))
    assert scores["J"] == pytest.approx(np.mean(by_hand))


def test_a2d(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_a2d(tmp_path / "data", VIDEOS, frame=2)
    monkeypatch.setattr("rvos_core.models.registry.load_engine", lambda *_, **__: KnowingEngine(VIDEOS, stride=4))
    call("predict", root, "--data", "a2d", "-o", tmp_path / "out")
    scores = call("eval", "a2d", "--gt", root, "--pred", tmp_path / "out").json
    ious = []
    for true in (video.mask(object_id)[1] for video in VIDEOS for object_id in video.categories):
        cells = torch.where(torch.from_numpy(true[2::4, 2::4]), 8.0, -8.0)
        drawn = F.interpolate(cells[None, None], scale_factor=4, mode="bilinear")[0, 0].numpy() > 0
        ious.append((true & drawn).sum() / (true | drawn).sum())
    assert scores["samples"] == len(ious) == 6
    assert scores["mean_iou"] == pytest.approx(np.mean(ious), abs=1e-6)
    assert scores["P@0.7"] == pytest.approx(np.mean([iou > 0.7 for iou in ious]))


def test_r2(call: Call, tmp_path: Path) -> None:
    root, pairs = write_refytvos(tmp_path / "data", VIDEOS), tmp_path / "pairs.json"
    call("eval", "r2", "--gt", root, "--make-pairs", "5", "--pairs", pairs)
    call("predict", root, "--data", "ref-youtube-vos", "-o", tmp_path / "out")
    call("predict", root, "--data", "ref-youtube-vos", "--pairs", pairs, "-o", tmp_path / "negative")
    predictions = ("--pred", tmp_path / "out", "--negative", tmp_path / "negative")
    scores = call("eval", "r2", "--gt", root, "--pairs", pairs, *predictions).json
    positive = sum(moved(video.mask(o)).sum() for video in VIDEOS for o in video.categories)
    by_name, negative = {video.name: video for video in VIDEOS}, 0
    for name, entry in json.loads(pairs.read_text())["videos"].items():
        for question in entry["expressions"].values():
            colour = next(o for o, (word, _) in COLOURS.items() if word in question["exp"].split())
            negative += moved(by_name[name].mask(colour)).sum()
    assert scores["R"] == pytest.approx(1 - negative / positive)
    assert scores["mean"] == pytest.approx((scores["J"] + scores["F"] + scores["R"]) / 3)
