"""Scores predictions for A2D- or JHMDB-Sentences: reads both sides, in the order in which the public models score."""

from __future__ import annotations

from pathlib import Path

from rvos_core.datasets.sentences import (
    SentencesDataset,
    read_a2d,
    read_coco_truth,
    read_jhmdb,
    which_sentences,
)
from rvos_core.errors import UserError
from rvos_core.evaluation.layouts.predictions import read_results
from rvos_core.evaluation.single_frames import SingleFrameScores, score_single_frames
from rvos_core.evaluation.work import Progress
from rvos_core.masks.rle import Rle
from rvos_core.types import CancelToken


def evaluate_sentences(
    gt: Path,
    pred: Path,
    *,
    split: str = "test",
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> SingleFrameScores:
    """Score a file of COCO results.

    Args:
        gt: folder of either data set, or its COCO file of true masks.
        pred: the file, or the folder that holds `predictions.json`.
        split: of A2D-Sentences; JHMDB-Sentences is one test.
        progress: told the steps of scoring, several a sample, once both sides are read.
        cancel: checked at each step.

    Raises:
        UserError: the data set is incomplete, or predictions are missing, unknown, of another size or damaged.
        Cancelled: if `cancel` is set.
    """
    truths = read_coco_truth(gt) if gt.is_file() else sentences_at(gt, split=split).truth()
    return score_sentences(truths, pred, progress=progress, cancel=cancel)


def sentences_at(root: Path, *, split: str = "test") -> SentencesDataset:
    """A2D- or JHMDB-Sentences, whichever is in the folder. Raises: UserError: neither is, or not such a split."""
    if which_sentences(root) == "a2d":
        return read_a2d(root, split=split)
    if split != "test":
        raise UserError(f"JHMDB-Sentences has no split {split}.", hint="All of it is a test.", code="evaluation.split")
    return read_jhmdb(root)


def score_sentences(
    truths: dict[str, Rle], pred: Path, *, progress: Progress | None = None, cancel: CancelToken | None = None
) -> SingleFrameScores:
    """Score a file of COCO results against the one true mask of each image; more as `evaluate_sentences`.

    Raises:
        UserError: they do not fit.
        Cancelled: if `cancel` is set.
    """
    sizes = {image_id: (mask.height, mask.width) for image_id, mask in truths.items()}
    results = read_results(pred, sizes=sizes)
    names = sorted(truths)
    samples = [truths[name] for name in names], [results[name] for name in names]
    return score_single_frames(*samples, progress=progress, cancel=cancel)
