"""A2D's figures: by hand, against plain loops, and for both data sets through their files."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from helpers_datasets import MiniVideo, mini_videos, write_a2d, write_jhmdb
from rvos_core.errors import Cancelled, UserError
from rvos_core.evaluation.layouts.predictions import ScoredMask, write_results
from rvos_core.evaluation.sentences import evaluate_sentences
from rvos_core.evaluation.single_frames import average_precision, overlap_iou, score_single_frames
from rvos_core.masks import encode
from rvos_core.types import CancelToken


def bar(first: int, stop: int) -> np.ndarray:
    """(10, 100) bool: columns first..stop-1."""
    mask = np.zeros((10, 100), dtype=bool)
    mask[:, first:stop] = True
    return mask


def scored(*pairs: tuple[np.ndarray, float]) -> list[ScoredMask]:
    return [ScoredMask(encode(mask), score) for mask, score in pairs]


def test_figures_by_hand() -> None:
    """Truth: 50 columns. Best-scored masks: the same; 40 of the 50; 20 others; none."""
    truth = encode(bar(0, 50))
    nothing = np.zeros((10, 100), dtype=bool)
    predictions = [
        scored((bar(0, 50), 0.9), (nothing, 0.1)),
        scored((bar(60, 80), 0.2), (bar(0, 40), 0.8)),
        scored((bar(80, 100), 0.5)),
        scored((nothing, 0.3)),
    ]
    scores = score_single_frames([truth] * 4, predictions)
    assert scores.ious == pytest.approx((1.0, 0.8, 0.0, 0.0), abs=1e-6)
    assert scores.precision == (0.5, 0.5, 0.5, 0.25 + 0.25 * (scores.ious[1] > 0.8), 0.25)
    assert scores.overall_iou == pytest.approx((500 + 400) / (500 + 500 + 700 + 500))
    assert scores.mean_iou == pytest.approx(0.45, abs=1e-6)
    assert scores.as_dict()["P@0.5"] == 0.5
    assert scores.as_dict()["samples"] == 4


def test_progress_is_told_to_the_end_and_cancel_is_asked_at_every_step() -> None:
    truths, predictions = [encode(bar(0, 50))] * 3, [scored((bar(0, 40), 0.8), (bar(60, 80), 0.2))] * 3
    told: list[tuple[int, int]] = []
    score_single_frames(truths, predictions, progress=lambda done, total: told.append((done, total)))
    assert told == [(step, 18) for step in range(1, 19)]
    for stop in (1, 2, 5, 17):  # while masks are overlapped, and while COCO's measure goes through them
        token = CancelToken()
        told.clear()

        def watch(done: int, total: int, stop: int = stop, token: CancelToken = token) -> None:
            told.append((done, total))
            if done == stop:
                token.cancel()

        with pytest.raises(Cancelled):
            score_single_frames(truths, predictions, progress=watch, cancel=token)
        assert len(told) == stop


def test_of_equal_scores_the_last_mask_counts() -> None:
    truth = encode(bar(0, 50))
    first, last = scored((bar(0, 50), 0.5), (bar(50, 100), 0.5)), scored((bar(50, 100), 0.5), (bar(0, 50), 0.5))
    assert score_single_frames([truth], [first]).mean_iou == pytest.approx(0, abs=1e-6)
    assert score_single_frames([truth], [last]).mean_iou == 1.0


def test_exactly_on_a_threshold_is_decided_in_single_precision() -> None:
    """1e-6 vanishes in float32 beside an area; in float64 it would lift one half above the threshold."""
    assert overlap_iou(50, 100) == 0.5
    assert (50 + 1e-6) / (100 + 1e-6) > 0.5
    assert overlap_iou(0, 0) == 1.0
    scores = score_single_frames([encode(bar(0, 50))], [scored((bar(0, 25), 1.0))])
    assert scores.precision[0] == 0.0


def plain_ap(truths: list[np.ndarray], predictions: list[list[tuple[np.ndarray, float]]], threshold: float) -> float:
    """Average precision at one threshold, one object an image, written out."""
    rows = []
    for truth, masks in zip(truths, predictions, strict=True):
        taken = False
        for mask, score in sorted(masks, key=lambda pair: -pair[1]):
            iou = (truth & mask).sum() / (truth | mask).sum()
            hit = not taken and iou >= threshold
            taken = taken or hit
            rows.append((score, hit))
    rows.sort(key=lambda row: -row[0])
    curve, hits = [], 0
    for count, (_, hit) in enumerate(rows, start=1):
        hits += hit
        curve.append((hits / len(truths), hits / count))
    found = [max((p for r, p in curve if r >= level), default=0.0) for level in np.linspace(0, 1, 101)]
    return float(np.mean(found))


@pytest.mark.parametrize("seed", range(4))
def test_average_precision_written_out(seed: int) -> None:
    dice = np.random.default_rng(seed)
    truths, predictions = [], []
    for _ in range(12):
        start, stop = np.sort(dice.choice(90, 2, replace=False))
        truths.append(bar(start, stop + 5))
        masks = []
        for _ in range(int(dice.integers(1, 5))):
            left, right = np.clip(np.array([start, stop + 5]) + dice.integers(-8, 9, 2), 0, 100)
            masks.append((bar(left, max(left + 1, right)), float(dice.random())))
        predictions.append(masks)
    found = average_precision([encode(mask) for mask in truths], [scored(*masks) for masks in predictions])
    assert found.at_50 == pytest.approx(plain_ap(truths, predictions, 0.5))
    assert found.at_75 == pytest.approx(plain_ap(truths, predictions, 0.75))
    every = [plain_ap(truths, predictions, threshold) for threshold in np.linspace(0.5, 0.95, 10)]
    assert found.mean == pytest.approx(np.mean(every))


def test_sizes_of_which_there_is_no_object_have_no_figure() -> None:
    found = average_precision([encode(bar(0, 50))], [scored((bar(0, 50), 1.0))])
    assert (found.small, found.medium, found.large) == (pytest.approx(1.0), None, None)
    assert found.as_dict()["AP_large"] is None


def test_pycocotools_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    average_precision([encode(bar(0, 50))], [scored((bar(0, 50), 1.0))])
    assert capfd.readouterr() == ("", "")


def test_without_pycocotools_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools.coco", None)
    with pytest.raises(UserError, match="pycocotools, which is not installed") as caught:
        average_precision([encode(bar(0, 50))], [scored((bar(0, 50), 1.0))])
    assert "pip install pycocotools" in caught.value.hint


def results(video: MiniVideo, image_id: str, object_id: int, *, sure: float) -> list[tuple[str, ScoredMask]]:
    """The object with score `sure`, and the whole picture with the rest."""
    mask = video.mask(object_id)[2]
    return [
        (image_id, ScoredMask(encode(mask), sure)),
        (image_id, ScoredMask(encode(np.ones_like(mask)), 1 - sure)),
    ]


def test_both_data_sets_through_their_files(tmp_path: Path) -> None:
    videos = mini_videos(3, objects=1)
    a2d, jhmdb = write_a2d(tmp_path / "a", videos), write_jhmdb(tmp_path / "j", videos)
    sure = (0.9, 0.8, 0.1)  # the third one is wrong
    for root, name in ((a2d, "v_{}_f_3_i_1"), (jhmdb, "v_{}_f_3")):
        rows = [
            row
            for video, score in zip(videos, sure, strict=True)
            for row in results(video, name.format(video.name), 1, sure=score)
        ]
        write_results(root / "out" / "predictions.json", rows)
        scores = evaluate_sentences(root, root / "out")
        share = videos[2].mask(1)[2].mean()
        assert scores.precision[0] == pytest.approx(2 / 3)
        assert scores.mean_iou == pytest.approx((2 + share) / 3, abs=1e-6)
        truth = next(root.glob("*coco_format.json"))
        assert evaluate_sentences(truth, root / "out" / "predictions.json") == scores


def test_jhmdb_is_one_test(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="JHMDB-Sentences has no split train"):
        evaluate_sentences(write_jhmdb(tmp_path, mini_videos(1)), tmp_path, split="train")


def test_nothing_to_score() -> None:
    with pytest.raises(ValueError, match="nothing to score"):
        score_single_frames([], [])
