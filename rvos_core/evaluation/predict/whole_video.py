"""Ref-YouTube-VOS and MeViS: the whole video in one forward pass, one pass an expression.

Published rule (inference of ReferFormer and IFIRVOS on Ref-YouTube-VOS): every frame that the list names is seen at
once, so IFIRVOS's inter-frame layer attends over all of them. Masks are binary PNGs at the size of the pictures,
`Annotations/VIDEO/EXPRESSION/FRAME.png`; the benchmarks' servers take them in one zip file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rvos_core.datasets.mevis import NAME as MEVIS
from rvos_core.datasets.referring import Expression, ReferringDataset, Video
from rvos_core.evaluation.layouts.predictions import mask_path
from rvos_core.evaluation.predict.archive import write_archive
from rvos_core.evaluation.predict.clip_model import ClipModel
from rvos_core.evaluation.predict.job import Job, Predicted, Tally
from rvos_core.evaluation.predict.masks import is_finished, require_room, write_folder
from rvos_core.evaluation.predict.video_answers import answers
from rvos_core.masks.ops import logits_to_mask
from rvos_core.masks.png import mask_png_bytes
from rvos_core.models.engine import Engine
from rvos_core.types import CancelToken

WHOLE = 0  # frames of a clip
MASKS = "Annotations"


def predict_whole_videos(
    engine: Engine,
    dataset: ReferringDataset,
    folder: Path,
    *,
    job: Job,
    chunk: int = WHOLE,
) -> Predicted:
    """Predict the split into `folder`; expressions that are finished there are not asked again.

    Args:
        engine: the model.
        dataset: the split, with its pictures.
        folder: for `Annotations`.
        job: its terms.
        chunk: frames of a clip; anything but 0 is not the published protocol.

    Raises:
        UserError: pictures are missing or damaged, memory or the disk does not suffice.
        Cancelled: the person stopped it; finished expressions stay.
    """
    chosen = job.selection.of(dataset)
    chosen.require_images()
    root = folder / MASKS
    waiting = [(video, _unfinished(root, video)) for video in chosen.videos]
    total = sum(len(video.expressions) for video in chosen.videos)
    require_room(folder, 2 * sum(len(video.frames) * len(expressions) for video, expressions in waiting))
    tally = Tally(total, total - sum(len(expressions) for _, expressions in waiting), job.listener)
    model = ClipModel(engine, cancel=job.cancel)
    for video, expressions in waiting:
        if not expressions:
            continue
        for each in answers(model, video, expressions, chunk=chunk):
            contents = (mask_png_bytes(logits_to_mask(frame, *each.size)) for frame in each.mask_logits)
            write_folder(_folder(root, video, each.expression), video.frames, contents)
            tally.add(f"{video.name}/{each.expression.expression_id}")
    frames = sum(len(video.frames) * len(video.expressions) for video in chosen.videos)
    return Predicted(total, tally.finished_before, frames, {"masks": root}, dataset.notes)


def write_server_archive(dataset: ReferringDataset, folder: Path, *, cancel: CancelToken) -> Path:
    """Write the zip file that the benchmark's server takes from a finished `folder`; returns its path.

    Ref-YouTube-VOS wants a folder `Annotations` in it, MeViS the videos' folders themselves.

    Raises:
        UserError: a mask is missing or is no plain mask, or the disk refuses; an older archive stays.
        Cancelled: the person stopped it.
    """
    root, target = folder / MASKS, folder / f"{dataset.name}.zip"
    top = "" if dataset.name == MEVIS else f"{MASKS}/"
    write_archive(target, _files(root, dataset), below=root, top=top, cancel=cancel)
    return target


def _folder(root: Path, video: Video, expression: Expression) -> Path:
    return mask_path(root, video=video.name, expression_id=expression.expression_id, frame=video.frames[0]).parent


def _unfinished(root: Path, video: Video) -> list[Expression]:
    return [each for each in video.expressions if not is_finished(_folder(root, video, each), video.frames)]


def _files(root: Path, dataset: ReferringDataset) -> Sequence[Path]:
    return [
        mask_path(root, video=video.name, expression_id=expression.expression_id, frame=frame)
        for video, expression in dataset.pairs()
        for frame in video.frames
    ]
