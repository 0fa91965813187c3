"""The golden checkers of the measures know every form that a folder may have, and see a number that is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import golden
from golden_cases import GoldenFolder
from rvos_core.evaluation.layouts.predictions import ScoredMask
from rvos_core.evaluation.metrics import boundary_map, sequence_scores, statistics
from rvos_core.evaluation.single_frames import score_single_frames
from rvos_core.masks import encode

Arrays = dict[str, np.ndarray]


def problems(folder: Path, name: str, arrays: Arrays) -> list[str]:
    np.savez(folder / f"{name}.npz", **arrays)
    return [str(each) for each in golden.check_file(GoldenFolder(folder, 0, ()), name) if not each.passed]


def stack(prefix: str, seed: int, *, frames: int = 7, void: np.ndarray | None = None) -> Arrays:
    dice = np.random.default_rng(seed)
    truth, drawn = (dice.random((frames, 20, 30)) < share for share in (0.4, 0.5))
    scores = sequence_scores(truth, drawn, void=void)
    arrays: Arrays = {f"{prefix}_gt": truth, f"{prefix}_pred": drawn}
    for letter, values in (("J", scores.j), ("F", scores.f)):
        found = statistics(values)
        arrays[f"{prefix}_{letter}"] = np.array(values)
        arrays[f"{prefix}_{letter}_stats_MRD"] = np.array([found.mean, found.recall, found.decay])
    return arrays


@pytest.fixture
def masked() -> Arrays:
    void = np.random.default_rng(9).random((5, 20, 30)) < 0.2
    return {**stack("void", 3, frames=5, void=void), "void": void}


def test_stacks_of_any_name_and_void_of_its_own(tmp_path: Path, masked: Arrays) -> None:
    arrays = {**stack("stack", 0), **stack("long_one", 1, frames=31), **masked}
    assert problems(tmp_path, "davis_jf", arrays) == []
    del arrays["stack_J_stats_MRD"]
    assert problems(tmp_path, "davis_jf", arrays) == []
    arrays["long_one_F"] = arrays["long_one_F"] + 1e-8
    assert [each.split()[1] for each in problems(tmp_path, "davis_jf", arrays)] == ["long_one_F"]


def test_void_of_a_stack_may_be_one_mask_or_one_a_frame(tmp_path: Path) -> None:
    arrays = stack("stack", 4)
    void = np.random.default_rng(2).random((3, 20, 30)) < 0.3
    for masks, frames in ((void, 3), (void[0], 1), (void[0], 7)):
        scores = sequence_scores(
            arrays["stack_gt"][:frames],
            arrays["stack_pred"][:frames],
            void=np.broadcast_to(masks, (frames, 20, 30)),
        )
        j, f = (np.array(each[0] if frames == 1 else each) for each in (scores.j, scores.f))
        assert problems(tmp_path, "davis_jf", {**arrays, "void": masks, "void_J": j, "void_F": f}) == []


def test_single_masks_and_arrays_that_nobody_knows(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    truth, drawn = (dice.random((9, 11)) < 0.5 for _ in range(2))
    scores = sequence_scores([truth], [drawn])
    arrays = {"gt4": truth, "pred4": drawn, "gt_boundary4": boundary_map(truth)}
    arrays |= {"J": np.array(scores.j), "F": np.array(scores.f)}
    assert problems(tmp_path, "davis_jf", arrays) == []
    assert "stranger" in problems(tmp_path, "davis_jf", {**arrays, "stranger": truth})[0]


def a2d_set(prefix: str, seed: int, *, samples: int, queries: int) -> Arrays:
    dice = np.random.default_rng(seed)
    arrays: Arrays = {f"{prefix}_n": np.array(samples)}
    truths, predictions = [], []
    for i in range(samples):
        truth = dice.random((12, 14)) < 0.5
        drawn = (dice.random((queries, 12, 14)) < 0.1) ^ truth
        score = dice.random(queries)
        arrays |= {f"{prefix}_gt{i}": truth, f"{prefix}_pred{i}": drawn, f"{prefix}_score{i}": score}
        truths.append(encode(truth))
        predictions.append([ScoredMask(encode(m), float(s)) for m, s in zip(drawn, score, strict=True)])
    found = score_single_frames(truths, predictions)
    stats = [-1.0 if each is None else each for each in found.average_precision.as_dict().values()]
    return arrays | {
        f"{prefix}_precision_at_0.5_0.9": np.array([found.precision[0], found.precision[4]]),
        f"{prefix}_overall_iou": np.array(found.overall_iou),
        f"{prefix}_mean_iou": np.array(found.mean_iou),
        f"{prefix}_coco_stats_mAP_AP50_AP75_S_M_L": np.array(stats),
    }


def test_any_number_of_a2d_sets(tmp_path: Path) -> None:
    arrays = a2d_set("set1", 0, samples=4, queries=3) | a2d_set("set7", 1, samples=11, queries=1)
    assert problems(tmp_path, "a2d", arrays) == []
    arrays["set7_overall_iou"] = arrays["set7_overall_iou"] + 1e-5
    assert [each.split()[1] for each in problems(tmp_path, "a2d", arrays)] == ["set7_overall_iou"]
    assert "set1_stranger" in problems(tmp_path, "a2d", {**arrays, "set1_stranger": np.zeros(1)})[-1]
