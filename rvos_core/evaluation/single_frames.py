"""The figures of A2D- and JHMDB-Sentences: precision at K, overall and mean IoU, mean average precision.

Gavrilyuk et al., "Actor and Action Video Segmentation from a Sentence", CVPR 2018, section 5. The IoU of a frame is
computed in single precision with 1e-6 added to both areas, as the public referring models do; that decides whether a
frame that lies exactly on a threshold counts. Average precision is COCO's, by pycocotools.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

import numpy as np

from rvos_core.errors import UserError
from rvos_core.evaluation.layouts.predictions import ScoredMask
from rvos_core.evaluation.work import Progress, Steps
from rvos_core.masks.rle import Rle, area, intersection_area, to_coco
from rvos_core.types import CancelToken

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
_EPSILON = np.float32(1e-6)
_STEPS_OF_AP = 5  # a sample: its IoUs, and its matching for all true masks, the small, the medium and the large
_NONE = -1.0  # how COCO says that there was nothing to measure


@dataclass(frozen=True)
class AveragePrecision:
    """COCO's mask AP over all scored masks, one class. None: no true mask of that size.

    Attributes:
        mean: over the IoU thresholds .50, .55, ... .95.
        at_50, at_75: at one threshold.
        small, medium, large: of true masks below 32 x 32 px, below 96 x 96 px, and above.
    """

    mean: float | None
    at_50: float | None
    at_75: float | None
    small: float | None
    medium: float | None
    large: float | None

    def as_dict(self) -> dict[str, float | None]:
        """For `--json`."""
        return {
            "mAP": self.mean,
            "AP50": self.at_50,
            "AP75": self.at_75,
            "AP_small": self.small,
            "AP_medium": self.medium,
            "AP_large": self.large,
        }


@dataclass(frozen=True)
class SingleFrameScores:
    """Figures over all samples.

    Attributes:
        precision: for each of `THRESHOLDS` the share of samples whose best-scored mask has a greater IoU.
        overall_iou: sum of intersections over sum of unions.
        mean_iou: mean over samples.
        average_precision: over all scored masks.
        ious: of each sample's best-scored mask, in the order given.
    """

    precision: tuple[float, ...]
    overall_iou: float
    mean_iou: float
    average_precision: AveragePrecision
    ious: tuple[float, ...]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            **{f"P@{threshold}": value for threshold, value in zip(THRESHOLDS, self.precision, strict=True)},
            "overall_iou": self.overall_iou,
            "mean_iou": self.mean_iou,
            **self.average_precision.as_dict(),
            "samples": len(self.ious),
        }


def score_single_frames(
    truths: Sequence[Rle],
    predictions: Sequence[Sequence[ScoredMask]],
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> SingleFrameScores:
    """Score every sample's masks (at least one each) against its one true mask of the same size.

    The order of the samples decides where scores of different samples are equal: the public models sort by image id.

    Raises:
        UserError: pycocotools is not installed.
        Cancelled: if `cancel` is set.
    """
    if not truths:
        raise ValueError("there is nothing to score")
    steps = Steps(len(truths) * (1 + _STEPS_OF_AP), progress, cancel)
    overlaps = []
    for truth, masks in zip(truths, predictions, strict=True):
        steps.add()
        overlaps.append(_overlap(truth, best_scored(masks)))
    ious = np.array([overlap_iou(*overlap) for overlap in overlaps])
    common, either = np.array(overlaps, dtype=np.float64).sum(axis=0)
    return SingleFrameScores(
        precision=tuple(float((ious > threshold).mean()) for threshold in THRESHOLDS),
        overall_iou=float(common / either) if either else 1.0,
        mean_iou=float(ious.mean()),
        average_precision=average_precision(truths, predictions, steps=steps),
        ious=tuple(ious.tolist()),
    )


def best_scored(masks: Sequence[ScoredMask]) -> Rle:
    """The mask with the highest score; of equal ones the last, as the public models' stable sort has it."""
    return max(reversed(masks), key=lambda each: each.score).mask


def overlap_iou(common: int, either: int) -> float:
    """IoU of two areas in pixels, in single precision; 1 where both are 0."""
    return float((np.float32(common) + _EPSILON) / (np.float32(either) + _EPSILON))


def average_precision(
    truths: Sequence[Rle], predictions: Sequence[Sequence[ScoredMask]], *, steps: Steps | None = None
) -> AveragePrecision:
    """COCO's AP; arguments as of `score_single_frames`, `steps`: `_STEPS_OF_AP` a sample are added.

    Raises:
        UserError: pycocotools is not installed.
        Cancelled: as `steps` says.
    """
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise UserError(
            "Average precision needs the package pycocotools, which is not installed.",
            hint="`pip install pycocotools`, then run it again.",
            code="evaluation.pycocotools",
        ) from error
    numbered = list(enumerate(truths, start=1))  # COCO takes an id of 0 for "no match"
    with redirect_stdout(io.StringIO()):  # pycocotools prints
        truth, found = COCO(), COCO()
        truth.dataset = _document(numbered, [{"id": i} | _annotation(i, mask) for i, mask in numbered])
        scored = [(i, each) for i, masks in enumerate(predictions, start=1) for each in masks]
        entries = [{"id": k, "score": m.score} | _annotation(i, m.mask) for k, (i, m) in enumerate(scored, start=1)]
        found.dataset = _document(numbered, entries)
        truth.createIndex()
        found.createIndex()
        judge = COCOeval(truth, found, "segm")
        if steps is not None:  # its only loops over samples: the IoUs, and the matching for each range of sizes
            judge.computeIoU = _counted(judge.computeIoU, steps)
            judge.evaluateImg = _counted(judge.evaluateImg, steps)
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    figures = [None if value == _NONE else float(value) for value in judge.stats[:6]]
    return AveragePrecision(*figures)


def _counted(function: Callable[..., Any], steps: Steps) -> Callable[..., Any]:
    def counted(*arguments: Any) -> Any:
        steps.add()
        return function(*arguments)

    return counted


def _overlap(truth: Rle, drawn: Rle) -> tuple[int, int]:
    common = intersection_area(truth, drawn)
    return common, area(truth) + area(drawn) - common


def _document(images: Sequence[tuple[int, Rle]], annotations: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "images": [{"id": i, "height": mask.height, "width": mask.width} for i, mask in images],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "object"}],
    }


def _annotation(image_id: int, mask: Rle) -> dict[str, Any]:
    segmentation = to_coco(mask)
    return {"image_id": image_id, "category_id": 1, "iscrowd": 0, "area": area(mask), "segmentation": segmentation}
