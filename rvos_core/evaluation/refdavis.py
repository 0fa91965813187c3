"""Ref-DAVIS17: four annotators, each scored by DAVIS's unsupervised task on all frames; the figure is their mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rvos_core.datasets.refdavis import ANNOTATORS
from rvos_core.datasets.referring import IndexedTruth, ReferringDataset
from rvos_core.errors import UserError
from rvos_core.evaluation.clips import Clip, score_clips
from rvos_core.evaluation.folders import clips_in, paired_frames
from rvos_core.evaluation.layouts.predictions import annotator_folder
from rvos_core.evaluation.report import JfReport
from rvos_core.evaluation.work import Progress
from rvos_core.types import CancelToken

_AVERAGED = ("J", "F", "jf", "J_recall", "J_decay", "F_recall", "F_decay")


@dataclass(frozen=True)
class RefDavisReport:
    """One `JfReport` for each annotator."""

    split: str
    annotators: tuple[JfReport, ...]

    def as_dict(self) -> dict[str, Any]:
        """The object that `--json` prints: means over the annotators, and each of them."""
        each = [report.as_dict() for report in self.annotators]
        return {
            **{key: float(np.mean([scores[key] for scores in each])) for key in _AVERAGED},
            "dataset": "ref-davis17",
            "split": self.split,
            "clips": each[0]["clips"],
            "objects": each[0]["objects"],
            "frames": each[0]["frames"],
            "per_annotator": [{key: scores[key] for key in (*_AVERAGED, "per_clip")} for scores in each],
        }


def evaluate_refdavis(
    dataset: ReferringDataset, pred: Path, *, progress: Progress | None = None, cancel: CancelToken | None = None
) -> RefDavisReport:
    """Score `pred/anno_{0..3}/CLIP/FRAME.png`, indexed masks, against the clips' true masks.

    Raises:
        UserError: an annotator, clip or frame is missing or unknown, sizes differ, or a file is no mask.
        Cancelled: if `cancel` is set.
    """
    truth = dataset.require_truth()
    assert isinstance(truth, IndexedTruth), "the readers of Ref-DAVIS17 give indexed masks"
    folders = [annotator_folder(pred, annotator) for annotator in range(ANNOTATORS)]
    missing = [folder.name for folder in folders if not folder.is_dir()]
    if missing:
        raise UserError(
            f"{pred} has no folder {', '.join(missing)}.",
            hint=f"The benchmark wants indexed masks for all {ANNOTATORS} annotators: anno_0 to anno_3.",
            code="evaluation.unpaired",
        )
    clips = [_clips(dataset, truth, folder) for folder in folders]
    total = sum(len(clip.frames) for each in clips for clip in each)
    reports: list[JfReport] = []
    before = 0
    for each in clips:

        def advance(done: int, _: int, before: int = before) -> None:
            if progress is not None:
                progress(before + done, total)

        reports.append(score_clips(each, protocol="unsupervised", progress=advance, cancel=cancel))
        before += sum(len(clip.frames) for clip in each)
    return RefDavisReport(dataset.split, tuple(reports))


def _clips(dataset: ReferringDataset, truth: IndexedTruth, folder: Path) -> list[Clip]:
    drawn = clips_in(folder)
    names = {video.name for video in dataset.videos}
    for these, what in ((names - drawn.keys(), "lacks the clip"), (drawn.keys() - names, "has the unknown clip")):
        if these:
            more = f" and {len(these) - 1} more" if len(these) > 1 else ""
            raise UserError(
                f"{folder} {what} {min(these)}{more}.",
                hint=f"Predict every clip of the split {dataset.split}, and no others.",
                code="evaluation.unpaired",
            )
    found = []
    for name in sorted(names):
        true_frames = clips_in(truth.folder / name).get(".")
        if true_frames is None:
            raise UserError(
                f"{truth.folder / name} holds no PNG masks, only folders of them.",
                hint="Complete the folder as its authors lay it out (docs/howto/evaluation.md).",
                code="evaluation.no_truth",
            )
        pairs = paired_frames(true_frames, drawn[name], pred=folder / name, protocol="unsupervised")
        found.append(Clip(name, pairs, first=next(iter(true_frames.values()))))
    return found
