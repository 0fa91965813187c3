"""`rvos eval ...` as a person and a program call it, on miniature data sets in the official layouts."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from helpers_cli import Said, rvos, write_tiny_model
from helpers_datasets import (
    HEIGHT,
    WIDTH,
    mini_videos,
    shifted,
    write_a2d,
    write_bytes,
    write_expression_masks,
    write_ids,
    write_masks,
    write_mevis,
    write_refdavis,
    write_refytvos,
    write_text,
)
from helpers_predict import KnowingEngine
from rvos_core.evaluation import clips
from rvos_core.evaluation.layouts.predictions import ScoredMask, write_results
from rvos_core.evaluation.report import mean_statistics
from rvos_core.masks import encode, mask_png_bytes

Call = Callable[..., Said]
JF_KEYS = {"J", "F", "jf", "J_recall", "J_decay", "F_recall", "F_decay"}


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    yield lambda *arguments: rvos(capsys, "eval", *arguments)


def answers(folder: Path, kind: str) -> tuple[Path, Path]:
    """A data set and right answers to it."""
    videos = mini_videos(2)
    data, out = folder / "data", folder / "out"
    if kind == "ytvos":
        return write_refytvos(data, videos), write_expression_masks(out, videos)
    names = [f"{i:05d}" for i in range(6)]
    if kind == "mevis":
        for video in videos:
            for number, masks in enumerate((video.mask(1), video.mask(2), video.labels > 0, video.labels > 9)):
                write_masks(out / video.name / str(number), masks, names)
        return write_mevis(data, videos), out
    for number in range(4):
        for video in videos:
            for name, labels in zip(names, video.labels, strict=True):
                write_ids(out / f"anno_{number}" / video.name / f"{name}.png", labels)
    return write_refdavis(data, videos), out


@pytest.mark.parametrize("kind", ["ytvos", "mevis", "refdavis"])
def test_right_answers_score_one(tmp_path: Path, call: Call, kind: str) -> None:
    data, out = answers(tmp_path, kind)
    said = call(kind, "--gt", data, "--pred", out, "--json")
    assert said.code == 0
    assert set(said.json) >= JF_KEYS
    assert (said.json["J"], said.json["F"], said.json["jf"], said.json["J_recall"]) == (1.0, 1.0, 1.0, 1.0)
    said = call(kind, "--gt", data, "--pred", out, "--plot", tmp_path / "plot.svg")
    assert "J&F 1.0000, J 1.0000 (recall 1.0000, decay 0.0000)" in said.out
    assert f"plot: {tmp_path / 'plot.svg'}" in said.out
    assert (tmp_path / "plot.svg").read_bytes().startswith(b"<svg")


def test_seen_and_unseen_are_said(tmp_path: Path, call: Call) -> None:
    write_refytvos(tmp_path / "data", mini_videos(1), split="train")
    data, out = answers(tmp_path, "ytvos")
    said = call("ytvos", "--gt", data, "--pred", out)
    assert "J_seen 1.0000, F_seen 1.0000, J_unseen 1.0000, F_unseen 1.0000, G 1.0000" in said.out
    assert "test/meta_expressions.json is not there" in said.err


def test_jf_with_ids_that_are_matched_and_a_plot(tmp_path: Path, call: Call) -> None:
    for video in mini_videos(2):
        for index, labels in enumerate(video.labels):
            write_ids(tmp_path / "gt" / video.name / f"{index}.png", labels)
            write_ids(tmp_path / "out" / video.name / f"{index}.png", np.array([0, 2, 1])[labels])
    folders = ("--gt", tmp_path / "gt", "--pred", tmp_path / "out")
    assert call("jf", *folders, "--json").json["jf"] < 0.6
    said = call("jf", *folders, "--protocol", "unsupervised", "--plot", tmp_path / "plot.png", "--json")
    assert said.json["jf"] == 1.0
    assert said.json["plot"] == str(tmp_path / "plot.png")
    assert [each["proposal"] for each in said.json["per_clip"][0]["objects"]] == [2, 1]
    inner = call("jf", *folders, "--protocol", "davis2017", "--json").json
    assert inner["frames"] == 8


def test_jf_on_the_clips_of_a_split(tmp_path: Path, call: Call) -> None:
    mask = np.zeros((6, 8), dtype=bool)
    mask[2:4, 2:5] = True
    for root, names in (("gt", ("a", "b", "c", "b a")), ("out", ("b", "c", "b a", "other"))):
        for name in names:
            write_masks(tmp_path / root / name, [mask] * 3, ["0", "1", "2"])
    split = write_text(tmp_path / "val.txt", "b\n\nc\n")
    folders = ("--gt", tmp_path / "gt", "--pred", tmp_path / "out", "--json")
    assert call("jf", *folders).json["error"]["code"] == "evaluation.unpaired"
    assert [each["clip"] for each in call("jf", *folders, "--clips", split).json["per_clip"]] == ["b", "c"]
    write_text(split, "b a \n")
    assert [each["clip"] for each in call("jf", *folders, "--clips", split).json["per_clip"]] == ["b a"]
    write_text(split, "a\nb")
    error = call("jf", *folders, "--clips", split).json["error"]
    assert "out lacks 1 of 2 clips, first: a" in error["message"]
    for bad in ("", "../a"):
        write_text(split, bad)
        assert call("jf", *folders, "--clips", split).json["error"]["code"] == "evaluation.bad_file"


def test_a2d(tmp_path: Path, call: Call) -> None:
    videos = mini_videos(3)
    data = write_a2d(tmp_path / "data", videos)
    rows = [
        (f"v_{video.name}_f_3_i_{i}", ScoredMask(encode(video.mask(i)[2]), 0.9)) for video in videos for i in (1, 2)
    ]
    write_results(tmp_path / "predictions.json", rows)
    said = call("a2d", "--gt", data, "--pred", tmp_path, "--json")
    assert (said.json["P@0.5"], said.json["P@0.9"], said.json["overall_iou"]) == (1.0, 1.0, 1.0)
    assert said.json["mAP"] == pytest.approx(1.0)
    assert said.json["AP_large"] is None
    text = call("a2d", "--gt", data, "--pred", tmp_path / "predictions.json").out
    assert "P@0.5 1.0000" in text
    assert "AP_large none; 6 samples" in text


def test_r2_draws_pairs_and_scores_them(tmp_path: Path, call: Call) -> None:
    videos = mini_videos(3, objects=1)
    data = write_refytvos(tmp_path / "data", videos)
    pairs = tmp_path / "pairs.json"
    drawn = call("r2", "--gt", data, "--make-pairs", "4", "--pairs", pairs, "--json")
    assert drawn.code == 0
    assert (drawn.json["pairs_drawn"], drawn.json["videos_used"], drawn.json["seed"]) == (3, 3, 4)
    listed = json.loads(pairs.read_text())["videos"]
    painted = np.zeros((6, HEIGHT, WIDTH), dtype=bool)
    painted[:, :2, :5] = True
    for name, entry in listed.items():
        for question in entry["expressions"]:
            assert not question.startswith(f"{name}+")
            write_masks(tmp_path / "negative" / name / question, painted, entry["frames"])
    positive = write_expression_masks(tmp_path / "positive", videos)
    folders = ("--gt", data, "--pred", positive, "--negative", tmp_path / "negative")
    said = call("r2", *folders, "--pairs", pairs, "--json").json
    area = sum(int((video.labels > 0).sum()) for video in videos)
    assert (said["J"], said["F"]) == (1.0, 1.0)
    assert said["R"] == pytest.approx(1 - 3 * 6 * 10 / area)
    assert said["mean"] == pytest.approx((2 + said["R"]) / 3)
    again = call("r2", *folders, "--make-pairs", "4", "--json").json
    assert (again["R"], again["seed"]) == (said["R"], 4)
    text = call("r2", *folders, "--make-pairs", "4").out
    assert f"J 1.0000, F 1.0000, R {said['R']:.4f}, mean {said['mean']:.4f}" in text
    assert "0.0% of the unrelated videos were left empty, 180 px" in text


def test_r2_of_a_model_in_one_call(tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that draws what it knows wherever the colour of the sentence is in the picture."""
    videos = mini_videos(3, objects=1, frames=3)
    model = write_tiny_model(tmp_path / "model")
    engines: list[KnowingEngine] = []

    def load(*_: object, **__: object) -> KnowingEngine:
        engines.append(KnowingEngine(videos))
        return engines[-1]

    monkeypatch.setattr("rvos_core.models.registry.load_engine", load)
    data, out = write_refytvos(tmp_path / "data", videos), tmp_path / "out"
    run = ("--gt", data, "--model", model, "-o", out)
    scores = call("r2", *run, "--make-pairs", "2", "--json").json
    assert len(engines[0].asked) == 6
    # Every video has one red object, so a sentence about red is answered by it in every video.
    area = sum(int((video.labels > 0).sum()) for video in videos)
    assert (scores["J"], scores["F"]) == (1.0, 1.0)
    assert scores["R"] == pytest.approx(1 - scores["negative_px"] / area)
    assert scores["negative_px"] == area
    folders = ("--pred", out / "related", "--negative", out / "unrelated", "--pairs", out / "pairs.json")
    assert call("r2", "--gt", data, *folders, "--json").json["R"] == scores["R"]
    again = call("r2", *run, "--json").json
    assert again["mean"] == scores["mean"]
    assert engines[1].asked == []  # all of it was there
    error = call("r2", *run, "--make-pairs", "3", "--json").json["error"]
    assert error["code"] == "predict.other_run"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--make-pairs", "1", "--model", "m"], "Give -o FOLDER for them"),
        (["--make-pairs", "1", "--model", "m", "-o", "o", "--pred", "p"], "neither --pred nor --negative"),
        (["--make-pairs", "1", "-o", "o"], "Give --model too"),
        (["--pred", "a", "--negative", "b"], "--make-pairs SEED"),
        (["--pred", "a", "--make-pairs", "1"], "Give both --pred and --negative"),
        (["--pairs", "p.json"], "nothing to score and nothing to draw"),
        (["--make-pairs", "1"], "nothing to score and nothing to draw"),
        (["--make-pairs", "-1", "--pairs", "p.json"], "Invalid value for '--make-pairs'"),
    ],
)
def test_r2_calls_that_are_incomplete(tmp_path: Path, call: Call, arguments: list[str], words: str) -> None:
    said = call("r2", "--gt", tmp_path, *arguments)
    assert said.code == 2
    assert words in said.err


def test_a_plot_that_cannot_be_is_said_before_the_scoring(tmp_path: Path, call: Call) -> None:
    for kind in ("jf", "ytvos", "mevis", "refdavis"):
        said = call(kind, "--gt", tmp_path / "none", "--pred", tmp_path, "--plot", "plot.pdf", "--json")
        assert said.code == 2
        assert said.json["error"]["code"] == "usage.plot"


BAD = {
    "missing frame": ("ytvos", "clip0/0/00010.png", None, "lacks predictions: clip0/0/00010.png"),
    "palette": ("ytvos", "clip0/0/00010.png", "ids", "indexed (palette)"),
    "odd size": ("mevis", "clip1/2/00003.png", "odd", "is 5x4, the frames are 64x48"),
    "extra frame": ("mevis", "clip1/2/00099.png", "mask", "frame 00099, which clip1 does not have"),
    "unknown expression": ("ytvos", "clip0/44/00000.png", "mask", "expression id 44, which clip0 does not have"),
    "unknown clip": ("refdavis", "anno_1/zoo/00000.png", "mask", "unknown clip zoo"),
    "not a mask": ("refdavis", "anno_1/clip0/00000.png", "text", "is not a PNG image"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_predictions_are_one_sentence_and_exit_code_1(tmp_path: Path, call: Call, what: str) -> None:
    kind, name, content, words = BAD[what]
    data, out = answers(tmp_path, kind)
    if content is None:
        (out / name).unlink()
    elif content == "ids":
        write_ids(out / name, np.full((HEIGHT, WIDTH), 2))
    else:
        shape = (4, 5) if content == "odd" else (HEIGHT, WIDTH)
        write_bytes(out / name, b"text" if content == "text" else mask_png_bytes(np.zeros(shape, dtype=bool)))
    said = call(kind, "--gt", data, "--pred", out)
    assert (said.code, said.out) == (1, "")
    assert words in said.err
    assert "Traceback" not in said.err
    error = call(kind, "--gt", data, "--pred", out, "--json").json["error"]
    assert words in error["message"]
    assert error["hint"]


@pytest.mark.parametrize("kind", ["ytvos", "mevis", "refdavis", "a2d"])
def test_an_empty_data_set_says_what_is_missing(tmp_path: Path, call: Call, kind: str) -> None:
    (tmp_path / "data").mkdir()
    error = call(kind, "--gt", tmp_path / "data", "--pred", tmp_path, "--json").json["error"]
    assert error["code"] == "evaluation.incomplete"
    assert ".json" in error["message"]
    assert call(kind, "--gt", tmp_path / "none", "--pred", tmp_path, "--json").json["error"]["code"] in (
        "evaluation.no_folder",
        "evaluation.incomplete",
    )


def test_ctrl_c_stops_a_long_scoring(tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = 400
    write_masks(tmp_path / "gt", np.ones((frames, 6, 8), dtype=bool), [str(index) for index in range(frames)])
    scored: list[int] = []
    score = clips._score

    def interrupted_at_the_fifth(task: clips._Task) -> tuple[np.ndarray, np.ndarray]:
        scored.append(task.pair.number)
        if task.pair.number == 5:
            signal.raise_signal(signal.SIGINT)
        return score(task)

    monkeypatch.setattr(clips, "_score", interrupted_at_the_fifth)
    said = call("jf", "--gt", tmp_path / "gt", "--pred", tmp_path / "gt", "--json")
    assert (said.code, said.json["error"]["code"]) == (130, "interrupted")
    assert len(scored) < frames, "what has not begun is dropped"


def test_means_are_those_of_the_series() -> None:
    found = mean_statistics([((1.0, 0.0), (1.0, 1.0)), ((0.5, 0.5), (0.0, 0.0))])
    assert (found["J"], found["F"], found["jf"]) == (0.5, 0.5, 0.5)
    assert (found["J_recall"], found["F_recall"]) == (0.25, 0.5)
    assert found["J_decay"] == pytest.approx(0.5)


def test_off_answers_are_worse_than_right_ones(tmp_path: Path, call: Call) -> None:
    data, _ = answers(tmp_path, "ytvos")
    out = write_expression_masks(tmp_path / "off", mini_videos(2), shifted(4))
    scores = call("ytvos", "--gt", data, "--pred", out, "--json").json
    assert 0.2 < scores["J"] < 0.9
    assert scores["jf"] == pytest.approx((scores["J"] + scores["F"]) / 2)


def test_synth_scores_a_model_and_says_which_words_it_lacks(tmp_path: Path, call: Call) -> None:
    model = write_tiny_model(tmp_path / "tiny")
    arguments = ("synth", "--model", model, "--split", "test-unseen", "--clips", "2", "--device", "cpu")
    scores = call(*arguments, "--json").json
    assert {"jf", "J", "F", "right_object", "others_covered"} <= scores.keys()
    assert all(low <= scores[name] <= high for name, (low, high) in scores["interval_95"].items())
    assert (scores["model"], scores["split"], scores["clips"]) == ("tiny", "test-unseen", 2)
    assert 0 < scores["unknown_words"] <= scores["expressions"] and scores["seconds"] > 0
    said = call(*arguments)
    assert said.code == 0 and f"{scores['unknown_words']} expressions have words that tiny does not know" in said.out
    for name, group in (scores["by_phrase"] | scores["by_category"]).items():
        assert f"{name:16} {group['expressions']:11}" in said.out


def test_synth_names_the_splits_that_there_are(tmp_path: Path, call: Call) -> None:
    said = call("synth", "--model", write_tiny_model(tmp_path / "tiny"), "--split", "whole-test", "--json")
    assert (said.code, said.json["error"]["code"]) == (2, "evaluation.split")
    assert "train, val, test, test-unseen" in said.json["error"]["message"]
