"""Golden check of the figures of A2D-Sentences: precision at K, IoUs and COCO's average precision."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from golden_cases import GoldenFolder
from golden_report import Finding, GoldenArrays
from rvos_core.evaluation.layouts.predictions import ScoredMask
from rvos_core.evaluation.single_frames import THRESHOLDS, SingleFrameScores, score_single_frames
from rvos_core.masks import encode

_TOLERANCE = 1e-6


def check(arrays: GoldenArrays, folder: GoldenFolder) -> Iterator[Finding]:
    """Compare a2d.npz, whatever its sets are called and however many there are."""
    sets = dict.fromkeys(found[1] for name in arrays.names() if (found := re.fullmatch(r"(.+)_gt\d+", name)))
    for prefix in sets:
        scores, samples = _scores(arrays, prefix)
        for name in arrays.names(f"{prefix}_"):
            expected = _figures(scores, samples, name.removeprefix(f"{prefix}_"))
            if expected is not None:
                yield arrays.compare(name, expected, tolerance=_TOLERANCE)


def _scores(arrays: GoldenArrays, prefix: str) -> tuple[SingleFrameScores, int]:
    numbers = sorted(
        int(found[1]) for name in arrays.names() if (found := re.fullmatch(rf"{re.escape(prefix)}_gt(\d+)", name))
    )
    truths = [encode(arrays.take(f"{prefix}_gt{i}")) for i in numbers]
    predictions = [
        [
            ScoredMask(encode(mask), float(score))
            for mask, score in zip(arrays.take(f"{prefix}_pred{i}"), arrays.take(f"{prefix}_score{i}"), strict=True)
        ]
        for i in numbers
    ]
    return score_single_frames(truths, predictions), len(numbers)


def _figures(scores: SingleFrameScores, samples: int, name: str) -> object | None:
    """What the array `name` of a set should hold; None if the name is not one of a figure."""
    if name == "n":
        return samples
    if name.startswith("precision_at_"):
        named = [float(each) for each in name.removeprefix("precision_at_").split("_")]
        return [scores.precision[THRESHOLDS.index(threshold)] for threshold in named]
    if name.startswith("coco_stats"):
        return np.array([-1.0 if each is None else each for each in scores.average_precision.as_dict().values()])
    return {"overall_iou": scores.overall_iou, "mean_iou": scores.mean_iou}.get(name)
