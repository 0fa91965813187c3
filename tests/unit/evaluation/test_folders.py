"""Folders of masks: what pairs with what, which object is which, and every way in which two folders do not fit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers_data import shared_data
from rvos_core.errors import Cancelled, UserError
from rvos_core.evaluation.folders import evaluate_folders
from rvos_core.evaluation.metrics import sequence_scores, statistics
from rvos_core.masks import write_indexed_png, write_mask_png
from rvos_core.types import CancelToken

SIZE = (48, 64)
FRAMES = 6


def blobs(seed: int, *, frames: int = FRAMES, objects: int = 1) -> np.ndarray:
    """(T, H, W) uint8 ids: boxes that wander; an object may be hidden in some frames."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((frames, *SIZE), dtype=np.uint8)
    for object_id in range(1, objects + 1):
        y, x = rng.integers(5, 25, 2)
        for frame in range(frames):
            y, x = np.clip(np.array([y, x]) + rng.integers(-2, 3, 2), 0, 40)
            if rng.random() > 0.15:
                labels[frame, y : y + 14, x : x + 18] = object_id
    return labels


def write_masks(folder: Path, masks: np.ndarray, *, name: str = "{:05d}.png") -> Path:
    for index, mask in enumerate(masks):
        write_mask_png(folder / name.format(index), mask > 0)
    return folder


def write_ids(folder: Path, labels: np.ndarray) -> Path:
    for index, frame in enumerate(labels):
        write_indexed_png(folder / f"{index:05d}.png", frame)
    return folder


def test_one_clip_of_plain_masks(tmp_path: Path) -> None:
    truth, drawn = blobs(0) > 0, blobs(1) > 0
    gt = write_masks(tmp_path / "gt", truth)
    pred = write_masks(tmp_path / "pred", drawn, name="frame_{:03d}.png")
    report = evaluate_folders(gt, pred)
    scores = sequence_scores(truth, drawn)
    assert report.objects[0].j == scores.j
    assert report.objects[0].f == scores.f
    assert report.clips == (".",)
    document = report.as_dict()
    assert document["J"] == pytest.approx(statistics(scores.j).mean)
    assert document["F_decay"] == pytest.approx(statistics(scores.f).decay)
    assert document["jf"] == report.jf == pytest.approx(scores.j_and_f)
    assert (document["clips"], document["objects"], document["frames"]) == (1, 1, FRAMES)


def test_many_clips_and_objects_count_alike(tmp_path: Path) -> None:
    for clip, objects in (("a", 1), ("b", 3)):
        write_ids(tmp_path / "gt" / clip, blobs(1, objects=objects))
        write_ids(tmp_path / "pred" / clip, blobs(2, objects=objects))
    report = evaluate_folders(tmp_path / "gt", tmp_path / "pred")
    assert [(scores.clip, scores.object_id) for scores in report.objects] == [("a", 1), ("b", 1), ("b", 2), ("b", 3)]
    expected = np.mean([np.mean(scores.j) for scores in report.objects])
    assert report.as_dict()["J"] == pytest.approx(expected)
    for scores in report.objects:
        objects = 1 if scores.clip == "a" else 3
        truth, drawn = (blobs(seed, objects=objects) == scores.object_id for seed in (1, 2))
        assert scores.j == sequence_scores(truth, drawn).j
    assert [row["clip"] for row in report.as_dict()["per_clip"]] == ["a", "b"]


def test_deeper_folders_are_clips_too(tmp_path: Path) -> None:
    for root, seed in (("gt", 0), ("pred", 0)):
        write_masks(tmp_path / root / "video" / "0", blobs(seed))
        write_masks(tmp_path / root / "video" / "1", blobs(seed + 1))
    report = evaluate_folders(tmp_path / "gt", tmp_path / "pred")
    assert report.clips == ("video/0", "video/1")
    assert report.jf == 1.0


def test_davis2017_leaves_out_first_and_last(tmp_path: Path) -> None:
    gt, pred = write_masks(tmp_path / "gt", blobs(0)), write_masks(tmp_path / "pred", blobs(1))
    every = evaluate_folders(gt, pred).objects[0]
    inner = evaluate_folders(gt, pred, protocol="davis2017").objects[0]
    assert inner.j == every.j[1:-1]
    assert inner.frames == tuple(range(1, FRAMES - 1))


def test_davis2017_needs_three_frames(tmp_path: Path) -> None:
    gt, pred = write_masks(tmp_path / "gt", blobs(0, frames=2)), write_masks(tmp_path / "pred", blobs(0, frames=2))
    with pytest.raises(UserError, match="2 frame") as caught:
        evaluate_folders(gt, pred, protocol="davis2017")
    assert caught.value.code == "evaluation.too_short"


def test_void_of_the_truth_does_not_count_and_of_the_prediction_is_background(tmp_path: Path) -> None:
    truth, drawn = blobs(0), blobs(1)
    void = np.zeros(truth.shape, dtype=bool)
    void[:, 10:20, 10:40] = True
    truth[void] = 255
    gt = write_ids(tmp_path / "gt", truth)
    with_void = drawn.copy()
    with_void[:, 40:, :10] = 255
    pred = write_ids(tmp_path / "pred", with_void)
    drawn[:, 40:, :10] = 0
    assert evaluate_folders(gt, pred).objects[0].j == sequence_scores(truth == 1, drawn == 1, void=void).j


def test_a_plain_mask_is_the_one_object_whatever_its_id(tmp_path: Path) -> None:
    labels = blobs(0)
    gt = write_ids(tmp_path / "gt", labels * np.uint8(7))
    pred = write_masks(tmp_path / "pred", labels)
    report = evaluate_folders(gt, pred)
    assert report.objects[0].object_id == 7
    assert report.jf == 1.0


def test_an_object_out_of_sight_in_all_frames(tmp_path: Path) -> None:
    nothing = np.zeros((3, *SIZE), dtype=bool)
    gt = write_masks(tmp_path / "gt", nothing)
    assert evaluate_folders(gt, write_masks(tmp_path / "none", nothing)).jf == 1.0
    false = nothing.copy()
    false[1, 5:20, 5:20] = True
    report = evaluate_folders(gt, write_masks(tmp_path / "false", false))
    assert report.objects[0].j == (1.0, 0.0, 1.0)


def test_an_object_seen_late_is_empty_before(tmp_path: Path) -> None:
    labels = blobs(3, objects=2)
    labels[labels == 2] = 0
    labels[4:, 30:40, 30:40] = 2
    gt, pred = write_ids(tmp_path / "gt", labels), write_ids(tmp_path / "pred", labels)
    second = evaluate_folders(gt, pred).objects[1]
    assert second.object_id == 2
    assert second.j == (1.0,) * FRAMES


Spoil = Callable[[Path, Path], object]
OTHER_SIZE = np.eye(9, dtype=bool)
SPOILED: dict[str, tuple[Spoil, list[str], str]] = {
    "a frame is missing": (
        lambda gt, pred: (pred / "00002.png").unlink(),
        ["1 mask(s)", "gt/00002.png"],
        "evaluation.unpaired",
    ),
    "a frame too many": (
        lambda gt, pred: (gt / "00005.png").unlink(),
        ["1 mask(s)", "pred/00005.png"],
        "evaluation.unpaired",
    ),
    "no number": (
        lambda gt, pred: (pred / "00001.png").rename(pred / "mask.png"),
        ["mask.png", "no frame number"],
        "evaluation.unpaired",
    ),
    "a number twice": (
        lambda gt, pred: shutil.copy(pred / "00001.png", pred / "again_1.png"),
        ["00001.png", "again_1.png"],
        "evaluation.unpaired",
    ),
    "a clip too many": (
        lambda gt, pred: write_masks(pred / "extra", blobs(0)),
        ["pred/extra"],
        "evaluation.unpaired",
    ),
    "another size": (
        lambda gt, pred: write_mask_png(pred / "00003.png", OTHER_SIZE),
        ["pred/00003.png", "9x9", "64x48"],
        "masks.size",
    ),
    "the truth changes size": (
        lambda gt, pred: write_mask_png(gt / "00003.png", OTHER_SIZE),
        ["gt/00003.png", "9x9"],
        "masks.size",
    ),
    "a web page": (
        lambda gt, pred: (pred / "00003.png").write_bytes(b"<html>"),
        ["pred/00003.png", "not a PNG"],
        "masks.not_png",
    ),
    "a photograph": (
        lambda gt, pred: Image.new("RGB", SIZE[::-1]).save(pred / "00003.png"),
        ["pred/00003.png", "colour"],
        "masks.mode",
    ),
    "an object that is not there": (
        lambda gt, pred: write_indexed_png(pred / "00003.png", np.full(SIZE, 2)),
        ["object 2", "gt"],
        "evaluation.objects",
    ),
    "no folder": (lambda gt, pred: shutil.rmtree(pred), ["pred", "does not exist"], "evaluation.no_folder"),
    "no masks": (
        lambda gt, pred: [path.unlink() for path in pred.iterdir()],
        ["pred", "no PNG masks"],
        "evaluation.no_masks",
    ),
}


@pytest.mark.parametrize("what", SPOILED)
def test_whatever_does_not_fit_is_an_error_that_names_the_file(tmp_path: Path, what: str) -> None:
    spoil, words, code = SPOILED[what]
    gt, pred = write_masks(tmp_path / "gt", blobs(0)), write_masks(tmp_path / "pred", blobs(1))
    spoil(gt, pred)
    with pytest.raises(UserError) as caught:
        evaluate_folders(gt, pred)
    assert caught.value.code == code
    assert all(word in caught.value.message for word in words), caught.value.message


def test_a_file_instead_of_a_folder(tmp_path: Path) -> None:
    gt = write_masks(tmp_path / "gt", blobs(0))
    with pytest.raises(UserError, match="a file, not a folder"):
        evaluate_folders(gt, gt / "00000.png")
    with pytest.raises(UserError, match="does not exist"):
        evaluate_folders(tmp_path / "none", gt)
    with pytest.raises(UserError, match="cannot be read: File name too long") as caught:
        evaluate_folders(gt, tmp_path / ("x" * 300))
    assert caught.value.hint


def test_other_files_are_no_masks(tmp_path: Path) -> None:
    gt, pred = write_masks(tmp_path / "gt", blobs(0)), write_masks(tmp_path / "pred", blobs(0))
    (gt / "readme.txt").write_text("x")
    (pred / "result.json").write_text("{}")
    (pred / ".hidden.png").write_bytes(b"x")
    assert evaluate_folders(gt, pred).jf == 1.0


def test_progress_and_cancel(tmp_path: Path) -> None:
    gt = write_masks(tmp_path / "gt", blobs(0))
    seen: list[tuple[int, int]] = []
    evaluate_folders(gt, gt, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(index, FRAMES) for index in range(1, FRAMES + 1)]
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        evaluate_folders(gt, gt, cancel=cancel)


def test_real_davis_masks_shifted_by_two_pixels(tmp_path: Path) -> None:
    gt = shared_data() / "davis16" / "Annotations"
    clip = next(path.parent for path in sorted(gt.rglob("*.png")))
    frames = sorted(clip.glob("*.png"))[:8]
    truth = np.stack([np.asarray(Image.open(path)) > 0 for path in frames])
    pred = write_masks(tmp_path / "pred", np.roll(truth, 2, axis=2))
    few = tmp_path / "gt"
    few.mkdir()
    for path in frames:
        shutil.copy(path, few / path.name)
    document = evaluate_folders(few, pred).as_dict()
    assert 0.8 < document["J"] < 1.0
    assert document["F"] > 0.95
