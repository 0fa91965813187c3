"""DAVIS's two tasks on clips of ids: matching, padding, late objects, void, many frames, and known numbers."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from helpers_data import REPOSITORY, shared_data
from helpers_datasets import write_ids, write_mask
from rvos_core.errors import UserError
from rvos_core.evaluation.folders import evaluate_folders
from rvos_core.evaluation.metrics import boundary_f, jaccard, statistics
from rvos_core.masks import mask_png_bytes, read_mask_png

SIZE = (40, 56)
SHIFTED = json.loads((REPOSITORY / "tests" / "golden" / "davis16_shifted.json").read_text(encoding="utf-8"))


def boxes(seed: int, *, frames: int = 5, objects: int = 3) -> np.ndarray:
    """(T, H, W) uint8 ids: boxes that wander over each other."""
    dice = np.random.default_rng(seed)
    labels = np.zeros((frames, *SIZE), dtype=np.uint8)
    for object_id in range(1, objects + 1):
        top, left = dice.integers(0, 20), dice.integers(0, 30)
        for frame in range(frames):
            top, left = np.clip(np.array([top, left]) + dice.integers(-2, 3, 2), 0, 36)
            labels[frame, top : top + 12, left : left + 14] = object_id
    return labels


def write(folder: Path, labels: np.ndarray) -> Path:
    for index, frame in enumerate(labels):
        write_ids(folder / f"{index:05d}.png", frame)
    return folder


def test_ids_are_matched_by_what_they_cover(tmp_path: Path) -> None:
    labels = boxes(0)
    renamed = np.array([0, 3, 1, 2], dtype=np.uint8)[labels]
    gt, pred = write(tmp_path / "gt", labels), write(tmp_path / "pred", renamed)
    assert evaluate_folders(gt, pred).jf < 0.5
    report = evaluate_folders(gt, pred, protocol="unsupervised")
    assert report.jf == 1.0
    assert [(each.object_id, each.proposal) for each in report.objects] == [(1, 3), (2, 1), (3, 2)]


@pytest.mark.parametrize(("seed", "proposals"), [(1, 3), (2, 5), (3, 1)])
def test_the_matching_is_the_best_of_all_and_includes_empty_proposals(
    tmp_path: Path, seed: int, proposals: int
) -> None:
    """Written out: every way to give each object a proposal, of which there are at least as many as objects."""
    truth, drawn = boxes(seed), boxes(seed + 50, objects=proposals)
    truth[:, :6, :9] = 255
    drawn[2, 30:, 40:] = 255  # void in a prediction is background
    report = evaluate_folders(write(tmp_path / "gt", truth), write(tmp_path / "pred", drawn), protocol="unsupervised")
    void = truth == 255
    count = max(3, proposals)

    def scores(object_id: int, proposal: int) -> tuple[list[float], list[float]]:
        pairs = [(t == object_id, d == proposal, v) for t, d, v in zip(truth, drawn, void, strict=True)]
        return [jaccard(a, b, void=v) for a, b, v in pairs], [boundary_f(a, b, void=v) for a, b, v in pairs]

    table = {(o, p): scores(o, p) for o in (1, 2, 3) for p in range(1, count + 1)}
    best = max(
        permutations(range(1, count + 1), 3),
        key=lambda way: sum(np.mean(table[o, p][0]) + np.mean(table[o, p][1]) for o, p in enumerate(way, start=1)),
    )
    assert [each.proposal for each in report.objects] == list(best)
    for each in report.objects:
        j, f = table[each.object_id, each.proposal]
        assert each.j == pytest.approx(j, abs=1e-12)
        assert each.f == pytest.approx(f, abs=1e-12)


def test_objects_that_come_after_the_first_frame_are_not_asked_for(tmp_path: Path) -> None:
    labels = boxes(0, objects=2)
    labels[labels == 2] = 0
    labels[2:, 30:38, 40:50] = 2
    gt = write(tmp_path / "gt", labels)
    report = evaluate_folders(gt, write(tmp_path / "pred", np.where(labels == 1, 1, 0)), protocol="unsupervised")
    assert [(each.object_id, each.j) for each in report.objects] == [(1, (1.0,) * 5)]
    assert len(evaluate_folders(gt, gt).objects) == 2


def test_a_clip_that_begins_empty_has_all_its_objects(tmp_path: Path) -> None:
    labels = boxes(0, objects=1)
    labels[0] = 0
    gt = write(tmp_path / "gt", labels)
    report = evaluate_folders(gt, gt, protocol="unsupervised")
    assert [(each.object_id, each.j) for each in report.objects] == [(1, (1.0,) * 5)]


def test_an_object_of_the_first_frame_counts_though_that_frame_does_not(tmp_path: Path) -> None:
    labels = boxes(0, frames=4, objects=2)
    labels[1:][labels[1:] == 2] = 0
    drawn = labels.copy()
    drawn[2][labels[2] == 0] = 2
    gt, pred = write(tmp_path / "gt", labels), write(tmp_path / "pred", drawn)
    scores = evaluate_folders(gt, pred, protocol="davis2017").objects
    assert [(each.object_id, each.j[1]) for each in scores] == [(1, 1.0), (2, 0.0)]


def test_too_many_proposals(tmp_path: Path) -> None:
    labels = boxes(0)
    drawn = labels.copy()
    drawn[3, :2, :2] = 21
    gt, pred = write(tmp_path / "gt", labels), write(tmp_path / "pred", drawn)
    with pytest.raises(UserError, match="proposes an object 21; at most 20") as caught:
        evaluate_folders(gt, pred, protocol="unsupervised")
    assert str(pred) in caught.value.message


def test_empty_full_and_single_frames(tmp_path: Path) -> None:
    nothing, everything = np.zeros(SIZE, dtype=bool), np.ones(SIZE, dtype=bool)
    for name, mask in (("empty", nothing), ("full", everything)):
        write_mask(tmp_path / name / "1.png", mask)
    cases = {
        ("empty", "empty"): (1.0, 1.0),
        ("full", "full"): (1.0, 1.0),
        ("full", "empty"): (0.0, 1.0),  # a full mask has no boundary
        ("empty", "full"): (0.0, 1.0),
    }
    for (gt, pred), expected in cases.items():
        for protocol in ("all", "unsupervised"):
            (scores,) = evaluate_folders(tmp_path / gt, tmp_path / pred, protocol=protocol).objects
            assert (scores.j[0], scores.f[0]) == expected, (gt, pred, protocol)


def test_a_frame_that_is_all_void_is_right_whatever_is_drawn(tmp_path: Path) -> None:
    truth = boxes(4, frames=2, objects=1)
    truth[1] = 255
    gt, pred = write(tmp_path / "gt", truth), write(tmp_path / "pred", boxes(5, frames=2, objects=1))
    for protocol in ("all", "unsupervised"):
        (scores,) = evaluate_folders(gt, pred, protocol=protocol).objects
        assert (scores.j[1], scores.f[1]) == (1.0, 1.0)


def test_more_than_255_frames(tmp_path: Path) -> None:
    """Right in the first 200 of 260 frames: the last quarter begins at frame 194, which no byte would wrap."""
    mask = np.zeros((8, 8), dtype=bool)
    mask[2:5, 2:5] = True
    right, wrong = mask_png_bytes(mask), mask_png_bytes(~mask)
    for name in ("gt", "pred"):
        (tmp_path / name).mkdir()
    for index in range(260):
        (tmp_path / "gt" / f"{index}.png").write_bytes(right)
        (tmp_path / "pred" / f"{index}.png").write_bytes(right if index < 200 else wrong)
    document = evaluate_folders(tmp_path / "gt", tmp_path / "pred").as_dict()
    assert document["frames"] == 260
    assert document["J"] == document["J_recall"] == pytest.approx(200 / 260)
    assert document["J_decay"] == pytest.approx(1 - 6 / 66)  # bin limits of 260 frames: 0, 65, 130, 194, 259


@pytest.mark.parametrize("clip", sorted(SHIFTED))
def test_davis_clips_whose_masks_were_moved(tmp_path: Path, clip: str) -> None:
    """Against numbers of an independent program (tests/golden/make_davis16_shifted.py)."""
    gt = shared_data() / "davis16" / "Annotations" / clip
    known = SHIFTED[clip]
    down, right = known["shift"]
    for path in sorted(gt.glob("*.png")):
        mask = read_mask_png(path)
        moved = np.zeros_like(mask)
        y, x = np.nonzero(mask)
        inside = (y + down >= 0) & (y + down < mask.shape[0]) & (x + right >= 0) & (x + right < mask.shape[1])
        moved[y[inside] + down, x[inside] + right] = True
        (tmp_path / path.name).write_bytes(mask_png_bytes(moved))
    (scores,) = evaluate_folders(gt, tmp_path).objects
    assert len(scores.frames) == known["frames"]
    for letter, values in (("J", scores.j), ("F", scores.f)):
        for found, expected in ((statistics(values), known), (statistics(values[1:-1]), known["inner"])):
            figures = tuple(expected[letter].values())
            assert (found.mean, found.recall, found.decay) == pytest.approx(figures, abs=1e-12)
    if clip == "car-shadow":
        document = evaluate_folders(gt, tmp_path, protocol="davis2017").as_dict()
        found = (document["J"], document["F_decay"])
        assert found == pytest.approx((known["inner"]["J"]["mean"], known["inner"]["F"]["decay"]), abs=1e-12)
