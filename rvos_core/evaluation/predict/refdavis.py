"""Ref-DAVIS17: clips of 36 frames (ReferFormer) or 24 (IFIRVOS), and one picture of all objects for each annotator.

Published rule (ReferFormer and IFIRVOS, inference on Ref-DAVIS17): consecutive clips, the query chosen for each clip;
for each of the four annotators the objects' mask probabilities are enlarged to the size of the pictures, those below
0.5 become 0, the background has 0.1 everywhere, and a pixel belongs to what is greatest. Objects are numbered from 1
in the order of their expressions. Results lie in `anno_{0..3}/CLIP/FRAME.png`, indexed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from rvos_core.datasets.refdavis import ANNOTATORS, annotator_expressions
from rvos_core.datasets.referring import Expression, ReferringDataset, Video
from rvos_core.evaluation.layouts.predictions import annotator_folder
from rvos_core.evaluation.predict.clip_model import ClipModel
from rvos_core.evaluation.predict.job import Job, Predicted, Tally
from rvos_core.evaluation.predict.masks import is_finished, require_room, write_folder
from rvos_core.evaluation.predict.video_answers import VideoAnswer, answers
from rvos_core.inference.visibility import sigmoid
from rvos_core.masks.png import indexed_png_bytes
from rvos_core.models.engine import Engine
from rvos_core.types import CancelToken

_CLIP_LENGTHS = {"ifirvos": 24}
_CLIP_LENGTH = 36
_SURE, _BACKGROUND = 0.5, 0.1


def published_clip_length(arch: str) -> int:
    """Frames of a clip in the published code of the system `arch`."""
    return _CLIP_LENGTHS.get(arch, _CLIP_LENGTH)


def predict_refdavis(
    engine: Engine,
    dataset: ReferringDataset,
    folder: Path,
    *,
    job: Job,
    chunk: int | None = None,
) -> Predicted:
    """Predict the split into `folder/anno_{0..3}`; an annotator's clip that is finished there is not asked again.

    Arguments and errors as `predict_whole_videos`; `chunk`: frames of a clip, None for the published number, 0 for the
    whole video.

    Raises:
        UsageError: single expressions are selected; an annotator's are merged, so a clip is predicted as a whole.
    """
    chosen = job.selection.of_whole_videos(dataset)
    chosen.require_images()
    length = published_clip_length(engine.card.arch) if chunk is None else chunk
    waiting = [(video, _unfinished(folder, video)) for video in chosen.videos]
    require_room(folder, sum(len(video.frames) * len(annotators) for video, annotators in waiting))
    total = sum(len(video.expressions) for video in chosen.videos)
    asked = sum(len(_expressions(video, annotators)) for video, annotators in waiting)
    tally = Tally(total, total - asked, job.listener)
    model = ClipModel(engine, cancel=job.cancel)
    for video, annotators in waiting:
        if annotators:
            _predict_clip(model, video, annotators, folder=folder, chunk=length, tally=tally, cancel=job.cancel)
    outputs = {f"anno_{annotator}": annotator_folder(folder, annotator) for annotator in range(ANNOTATORS)}
    frames = sum(len(video.frames) * ANNOTATORS for video in chosen.videos)
    return Predicted(total, tally.finished_before, frames, outputs, dataset.notes)


def _predict_clip(
    model: ClipModel,
    video: Video,
    annotators: Sequence[int],
    *,
    folder: Path,
    chunk: int,
    tally: Tally,
    cancel: CancelToken,
) -> None:
    """Ask all expressions of `annotators` about `video`, and write each annotator's merged masks."""
    found: dict[str, VideoAnswer] = {}
    for answer in answers(model, video, _expressions(video, annotators), chunk=chunk):
        found[answer.expression.expression_id] = answer
        tally.add(f"{video.name}/{answer.expression.expression_id}")
    for annotator in annotators:
        cancel.raise_if_cancelled()
        target = annotator_folder(folder, annotator) / video.name
        objects = [found.pop(each.expression_id) for each in annotator_expressions(video, annotator)]
        merged = merged_labels([each.mask_logits for each in objects], objects[0].size)
        write_folder(target, video.frames, (indexed_png_bytes(labels, path=target) for labels in merged))


def merged_labels(objects: Sequence[np.ndarray], size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Each frame's picture of all objects, (H, W) uint8: 0 background, then the objects from 1 in the order given.

    Args:
        objects: mask logits (t, h, w) float32 of each.
        size: (height, width) of the pictures.
    """
    height, width = size
    for frame in zip(*objects, strict=True):
        best = np.full(size, _BACKGROUND, dtype=np.float32)
        labels = np.zeros(size, dtype=np.uint8)
        for number, logits in enumerate(frame, start=1):
            enlarged = cv2.resize(logits, (width, height), interpolation=cv2.INTER_LINEAR)
            probability = sigmoid(enlarged)
            wins = (probability >= _SURE) & (probability > best)
            labels[wins] = number
            best[wins] = probability[wins]
        yield labels


def _expressions(video: Video, annotators: Sequence[int]) -> list[Expression]:
    return [each for annotator in annotators for each in annotator_expressions(video, annotator)]


def _unfinished(folder: Path, video: Video) -> list[int]:
    """Annotators who wrote about the clip and whose masks are not there."""
    return [
        annotator
        for annotator in range(ANNOTATORS)
        if annotator_expressions(video, annotator)
        and not is_finished(annotator_folder(folder, annotator) / video.name, video.frames)
    ]
