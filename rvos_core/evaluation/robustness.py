"""R2-VOS: J and F where the expression is about the video, R where it is not, and the mean of the three.

Li et al., "Robust Referring Video Object Segmentation via Relational Cycle Consistency", section 5.1:
R = 1 - (foreground area in the unrelated videos) / (foreground area in the related ones), areas of *predicted* masks in
pixels over all frames and expressions. A model that leaves every unrelated video empty has R = 1; one that paints more
there than in the related ones falls below 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rvos_core.datasets.referring import ReferringDataset
from rvos_core.errors import UserError
from rvos_core.evaluation.expressions import ExpressionReport, evaluate_expressions
from rvos_core.evaluation.layouts.predictions import mask_path, prediction_folders, read_prediction, require_frames
from rvos_core.evaluation.work import Progress, scored_in_order
from rvos_core.types import CancelToken


@dataclass(frozen=True)
class QuestionArea:
    """Foreground of one expression's masks on one video, in pixels over all frames."""

    video: str
    expression_id: str
    area_px: int


@dataclass(frozen=True)
class RobustnessReport:
    """What was painted on related and unrelated videos.

    Attributes:
        positive: areas on the related videos.
        negative: areas on the unrelated ones.
        accuracy: J and F on the related videos; None where their true masks are kept by the benchmark's server.
        notes: sentences that a person should read with the figures.
    """

    positive: tuple[QuestionArea, ...]
    negative: tuple[QuestionArea, ...]
    accuracy: ExpressionReport | None
    notes: tuple[str, ...] = ()

    @property
    def robustness(self) -> float:
        """R."""
        return robustness(self.positive_px, self.negative_px)

    @property
    def positive_px(self) -> int:
        return sum(each.area_px for each in self.positive)

    @property
    def negative_px(self) -> int:
        return sum(each.area_px for each in self.negative)

    def as_dict(self) -> dict[str, Any]:
        """The object that `rvos eval r2 --json` prints; `J`, `F`, `jf` and `mean` are null without true masks."""
        scores = self.accuracy.as_dict() if self.accuracy is not None else None
        return {
            **{key: scores[key] if scores else None for key in ("J", "F", "jf")},
            "R": self.robustness,
            "mean": float(np.mean([scores["J"], scores["F"], self.robustness])) if scores else None,
            "expressions": len(self.negative),
            "videos": len({each.video for each in self.negative}),
            "left_empty": sum(each.area_px == 0 for each in self.negative) / len(self.negative),
            "positive_px": self.positive_px,
            "negative_px": self.negative_px,
            "notes": list(self.notes),
        }


def robustness(positive_px: int, negative_px: int) -> float:
    """R of two areas. Raises: UserError: there is no foreground in the related videos, so that R has no value."""
    if positive_px <= 0:
        raise UserError(
            "R cannot be computed: no mask of a related video has any foreground.",
            hint="Check the predictions; R is a share of the area that is painted there.",
            code="evaluation.no_foreground",
        )
    return 1 - negative_px / positive_px


def evaluate_robustness(
    dataset: ReferringDataset,
    questions: ReferringDataset,
    *,
    positive: Path,
    negative: Path,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> RobustnessReport:
    """Score predictions on related and unrelated videos.

    Args:
        dataset: the split, each expression with its own video.
        questions: the same expressions with their unrelated videos (`unrelated.as_dataset`, `unrelated.read_pairs`).
        positive: `VIDEO/EXPRESSION_ID/FRAME.png` for `dataset`, all frames.
        negative: the same for `questions`.
        progress: called after each mask; `J` and `F` come after the areas.
        cancel: checked at each mask.

    Raises:
        UserError: a mask is missing, unknown, of another size than the video's others, or no plain mask.
        Cancelled: if `cancel` is set.
    """
    folders = prediction_folders(positive, dataset), prediction_folders(negative, questions)
    for folder, each in zip(folders, (dataset, questions), strict=True):
        require_frames(folder, each, wanted={video.name: video.frames for video in each.videos})
    sizes = _video_sizes(dataset, folders[0])
    related = _that_mean_something(dataset)
    scored = dataset.truth is not None and all(each.object_ids is not None for _, each in dataset.pairs())
    masks = sum(len(video.frames) for each in (related, questions) for video, _ in each.pairs())
    frames = sum(len(video.frames) for video in dataset.videos) if scored else 0
    done = 0

    def advance(*_: int) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(min(done, masks + frames), masks + frames)

    areas = [
        _areas(each, folder, sizes=sizes, progress=advance, cancel=cancel)
        for each, folder in zip((related, questions), folders, strict=True)
    ]
    accuracy = evaluate_expressions(dataset, positive, progress=advance, cancel=cancel) if scored else None
    notes = (
        () if scored else ("The true masks of this split are kept by the benchmark's server: J and F come from it.",)
    )
    return RobustnessReport(areas[0], areas[1], accuracy, (*dataset.notes, *notes))


def _that_mean_something(dataset: ReferringDataset) -> ReferringDataset:
    """Without the expressions that mean nothing in their own video (MeViS, version 2): it is no related video."""
    videos = (
        replace(video, expressions=tuple(each for each in video.expressions if each.object_ids != ()))
        for video in dataset.videos
    )
    return replace(dataset, videos=tuple(videos))


def _video_sizes(dataset: ReferringDataset, root: Path) -> dict[str, tuple[int, int]]:
    """(height, width) of each video as it is predicted."""
    sizes = {}
    for video in dataset.videos:
        if not video.expressions:
            continue
        first = video.expressions[0].expression_id
        path = mask_path(root, video=video.name, expression_id=first, frame=video.frames[0])
        height, width = read_prediction(path).shape
        sizes[video.name] = (height, width)
    return sizes


def _areas(
    dataset: ReferringDataset,
    root: Path,
    *,
    sizes: Mapping[str, tuple[int, int]],
    progress: Progress,
    cancel: CancelToken | None,
) -> tuple[QuestionArea, ...]:
    tasks = [
        (mask_path(root, video=video.name, expression_id=each.expression_id, frame=frame), sizes.get(video.name))
        for video, each in dataset.pairs()
        for frame in video.frames
    ]

    def area_px(task: tuple[Path, tuple[int, int] | None]) -> int:
        path, size = task
        return int(np.count_nonzero(read_prediction(path, size=size)))

    values = iter(scored_in_order(area_px, tasks, total=len(tasks), progress=progress, cancel=cancel))
    return tuple(
        QuestionArea(video.name, each.expression_id, sum(next(values) for _ in video.frames))
        for video, each in dataset.pairs()
    )
