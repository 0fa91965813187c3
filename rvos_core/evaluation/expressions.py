"""J and F of one mask an expression: Ref-YouTube-VOS and MeViS.

The figure of an expression is the mean over the video's annotated frames, that of a split the mean over expressions.
Where the categories of the training split are known, Ref-YouTube-VOS also has YouTube-VOS's G: the mean of J and F
over seen and over unseen categories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rvos_core.datasets.referring import Expression, ReferringDataset, Truth, Video
from rvos_core.errors import UserError
from rvos_core.evaluation.layouts.predictions import mask_path, prediction_folders, read_prediction, require_frames
from rvos_core.evaluation.metrics import boundary_f, jaccard
from rvos_core.evaluation.report import mean_statistics
from rvos_core.evaluation.work import Progress, scored_in_order
from rvos_core.types import CancelToken


@dataclass(frozen=True)
class ExpressionScores:
    """One expression of one video.

    Attributes:
        video, expression_id, text: which.
        frames: names of the scored frames.
        j, f: their values.
        seen: whether the training split has the category of what is meant; None where that is not known.
    """

    video: str
    expression_id: str
    text: str
    frames: tuple[str, ...]
    j: tuple[float, ...]
    f: tuple[float, ...]
    seen: bool | None = None


@dataclass(frozen=True)
class ExpressionReport:
    """All expressions of a split."""

    dataset: str
    split: str
    scores: tuple[ExpressionScores, ...]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            **mean_statistics([(each.j, each.f) for each in self.scores]),
            **self._by_category(),
            "dataset": self.dataset,
            "split": self.split,
            "videos": len({each.video for each in self.scores}),
            "expressions": len(self.scores),
            "frames": sum(len(each.frames) for each in self.scores),
            "per_expression": [
                {
                    "video": each.video,
                    "expression_id": each.expression_id,
                    "J": float(np.mean(each.j)),
                    "F": float(np.mean(each.f)),
                }
                for each in self.scores
            ],
            "notes": list(self.notes),
        }

    def _by_category(self) -> dict[str, float]:
        """`J_seen`, `F_seen`, `J_unseen`, `F_unseen` and, where there are both kinds, `G`."""
        figures: dict[str, float] = {}
        for name, seen in (("seen", True), ("unseen", False)):
            group = [(each.j, each.f) for each in self.scores if each.seen is seen]
            if group:
                means = mean_statistics(group)
                figures |= {f"J_{name}": means["J"], f"F_{name}": means["F"]}
        return figures | ({"G": float(np.mean(list(figures.values())))} if len(figures) == 4 else {})


@dataclass(frozen=True)
class _Task:
    """One annotated frame of one video, scored for all of its expressions."""

    video: Video
    frame: str
    size: tuple[int, int]


def evaluate_expressions(
    dataset: ReferringDataset, pred: Path, *, progress: Progress | None = None, cancel: CancelToken | None = None
) -> ExpressionReport:
    """Score `pred/VIDEO/EXPRESSION_ID/FRAME.png` against the true masks of a split.

    Raises:
        UserError: the split has no published masks; anything is missing, unknown, of another size, or no plain mask.
        Cancelled: if `cancel` is set.
    """
    truth = dataset.require_truth()
    root = prediction_folders(pred, dataset)
    frames = annotated_frames(dataset, truth)
    require_frames(root, dataset, wanted=frames)
    tasks = [
        _Task(video, frame, size)
        for video in dataset.videos
        if video.expressions
        for size in (video_size(video, truth, root, frames=frames[video.name]),)
        for frame in frames[video.name]
    ]

    def score(task: _Task) -> list[tuple[float, float]]:
        return [_score(task, expression, truth, root) for expression in task.video.expressions]

    values = iter(scored_in_order(score, tasks, total=len(tasks), progress=progress, cancel=cancel))
    scores: list[ExpressionScores] = []
    for video in dataset.videos:
        table = [next(values) for _ in frames[video.name]] if video.expressions else []
        for number, expression in enumerate(video.expressions):
            j, f = zip(*(row[number] for row in table), strict=True)
            seen = _is_seen(video, expression, dataset)
            scores.append(
                ExpressionScores(video.name, expression.expression_id, expression.text, frames[video.name], j, f, seen)
            )
    return ExpressionReport(dataset.name, dataset.split, tuple(scores), dataset.notes)


def annotated_frames(dataset: ReferringDataset, truth: Truth) -> dict[str, tuple[str, ...]]:
    """Video -> its frames with a true mask. Raises: UserError: a video has none, or the split has no expressions."""
    found = {video.name: truth.annotated(video) for video in dataset.videos}
    without = next((name for name, frames in found.items() if not frames), None)
    if without is not None or not any(video.expressions for video in dataset.videos):
        what = f"no true masks for {without}" if without is not None else "no expressions"
        raise UserError(
            f"{dataset.root} has {what} in the split {dataset.split} of {dataset.name}.",
            hint="Complete the data set.",
            code="evaluation.no_truth",
        )
    return found


def video_size(video: Video, truth: Truth, root: Path, *, frames: Sequence[str]) -> tuple[int, int]:
    """(height, width) of the video: of its true masks or, where no object is in it, of its first prediction."""
    size = truth.size(video)
    if size is not None:
        return size
    first = video.expressions[0].expression_id
    height, width = read_prediction(mask_path(root, video=video.name, expression_id=first, frame=frames[0])).shape
    return height, width


def _score(task: _Task, expression: Expression, truth: Truth, root: Path) -> tuple[float, float]:
    path = mask_path(root, video=task.video.name, expression_id=expression.expression_id, frame=task.frame)
    drawn = read_prediction(path, size=task.size)
    true = truth.mask(task.video, expression, task.frame, size=task.size)
    return jaccard(true, drawn), boundary_f(true, drawn)


def _is_seen(video: Video, expression: Expression, dataset: ReferringDataset) -> bool | None:
    if dataset.seen_categories is None:
        return None
    named = [video.categories.get(object_id) for object_id in expression.object_ids or ()]
    return named[0] in dataset.seen_categories if named and named[0] is not None else None
