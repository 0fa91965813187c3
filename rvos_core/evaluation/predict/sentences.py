"""A2D- and JHMDB-Sentences: one annotated frame, every query a mask with its score.

Published rule (ReferFormer, section 4.2 and its code, after MTTR): the annotated frame stands in the middle of a window
of 5 frames (frames beyond an end repeat it), but behind the image encoder only the annotated frame is kept; so its
neighbours count where the encoder looks at several frames (Video-Swin), and nowhere else. Sentences are lower-cased.
The long side is at most 640 pixels. Pictures are padded to multiples of 32, as the public evaluation's batches are
(there to the largest of a batch; here every sample is a batch of its own). Mask logits are enlarged four times,
thresholded at probability 0.5, cut to the picture and brought to the size of the frame by nearest neighbours. All
queries are kept, scored by their class probability.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from rvos_core.datasets.reading import names_with_suffix
from rvos_core.datasets.sentences import Sample, SentencesDataset
from rvos_core.errors import UserError
from rvos_core.evaluation.layouts.predictions import RESULTS_NAME, ScoredMask, scored_masks, write_results
from rvos_core.evaluation.predict.clip_model import ClipModel, ReadFrame
from rvos_core.evaluation.predict.job import Job, Predicted, Tally
from rvos_core.evaluation.predict.video_answers import read_picture
from rvos_core.inference.visibility import sigmoid
from rvos_core.masks.rle import encode
from rvos_core.models.api import FrameFeatures, WindowPrediction
from rvos_core.models.engine import Engine

_K = TypeVar("_K")

WINDOW = 5
PARTS = "parts"
_MASK_STRIDE = 4
_MULTIPLE = 32  # of the padded network input's sides
_LONG_SIDE = 640


def predict_sentences(
    engine: Engine,
    dataset: SentencesDataset,
    folder: Path,
    *,
    job: Job,
    window: int = WINDOW,
) -> Predicted:
    """Predict the split into `folder/predictions.json`; videos that are finished (`folder/parts`) are not asked again.

    Arguments and errors as `predict_whole_videos`; `window`: frames round the annotated one.
    """
    samples = job.selection.of_samples(dataset)
    chosen = SentencesDataset(dataset.name, dataset.root, dataset.split, samples)
    chosen.require_media()
    by_video = _grouped(samples, lambda sample: sample.video)
    waiting = [name for name in by_video if not _part(folder, name).is_file()]
    tally = Tally(len(samples), len(samples) - sum(len(by_video[name]) for name in waiting), job.listener)
    model = ClipModel(engine, cancel=job.cancel)
    for name in waiting:
        asked = by_video[name]
        with _Frames(dataset, asked[0]) as frames:
            results = []
            for sample, masks in _ask(model, engine, asked, frames=frames, window=window):
                results += [(sample.image_id, mask) for mask in masks]
                tally.add(sample.image_id)
        write_results(_part(folder, name), results)
    outputs = {"parts": folder / PARTS}
    notes: tuple[str, ...] = ()
    if job.selection.is_everything:
        outputs["predictions"] = folder / RESULTS_NAME
        write_results(outputs["predictions"], _collected(folder, dataset))
    else:
        notes = (f"Only a part of the split was asked for, so no {RESULTS_NAME} was written.",)
    annotated = len({(sample.video, sample.frame) for sample in samples})
    return Predicted(len(samples), tally.finished_before, annotated, outputs, notes)


def window_round(frame: int, *, count: int, window: int) -> tuple[list[int], int]:
    """Indices of the window's frames in order, and the place of `frame` among them (its first, where it is repeated).

    Args:
        frame: index of the annotated frame, from 0.
        count: frames of the video.
        window: frames of the window.
    """
    around = range(frame - window // 2, frame + (window + 1) // 2)
    indices = [min(max(index, 0), count - 1) for index in around]
    return indices, indices.index(frame)


def short_side(height: int, width: int, *, usual: int) -> int:
    """Short side of the network input: `usual`, or less, so that the long side keeps to 640 (DETR's transforms)."""
    short, long = min(height, width), max(height, width)
    return usual if long * usual <= _LONG_SIDE * short else round(_LONG_SIDE * short / long)


def scored_queries(
    prediction: WindowPrediction, *, picture_size: tuple[int, int], size: tuple[int, int]
) -> tuple[ScoredMask, ...]:
    """Every query of the one frame of `prediction`, at the frame's (height, width) `size`.

    Args:
        prediction: of one frame.
        picture_size: (height, width) of the picture in the network's input, without padding.
        size: of the frame.
    """
    logits = prediction.mask_logits[0].float().cpu().numpy()
    scores = sigmoid(prediction.class_logits[0].float().cpu().numpy())
    return tuple(
        ScoredMask(encode(_at_size(each, picture_size, size)), float(score))
        for each, score in zip(logits, scores, strict=True)
    )


def _at_size(logits: np.ndarray, picture_size: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """(H, W) bool from one query's logits (h, w)."""
    h, w = logits.shape
    enlarged = cv2.resize(logits, (_MASK_STRIDE * w, _MASK_STRIDE * h), interpolation=cv2.INTER_LINEAR)
    mask = enlarged[: picture_size[0], : picture_size[1]] > 0
    rows, columns = (_nearest(there, here) for there, here in zip(size, mask.shape, strict=True))
    at_size: np.ndarray = mask[rows[:, None], columns]
    return at_size


def _nearest(target: int, source: int) -> np.ndarray:
    """(target,) int64: the source cell of each target cell, rounded down in single precision as torch does."""
    scale = np.float32(source) / np.float32(target)
    cells: np.ndarray = np.floor(np.arange(target, dtype=np.float32) * scale).astype(np.int64)
    return cells.clip(max=source - 1)


def _ask(
    model: ClipModel, engine: Engine, samples: Sequence[Sample], *, frames: _Frames, window: int
) -> Iterator[tuple[Sample, tuple[ScoredMask, ...]]]:
    """Each sample with all of its queries; a frame is encoded once for all sentences about it."""
    for number, asked in _grouped(samples, lambda sample: sample.frame).items():
        index = frames.index_of(asked[0])
        features, size = _annotated_frame(model, engine, index, frames=frames, window=window)
        for sample in asked:
            text = model.text(" ".join(sample.text.lower().split()))
            prediction = model.refer(features, text, where=f"{sample.video}, frame {number}")
            yield sample, scored_queries(prediction, picture_size=features.picture_size, size=size)


def _annotated_frame(
    model: ClipModel, engine: Engine, index: int, *, frames: _Frames, window: int
) -> tuple[FrameFeatures, tuple[int, int]]:
    """Features of the annotated frame alone, and its (height, width)."""
    indices, place = window_round(index, count=frames.count, window=window)
    if engine.frames_on_their_own:
        indices, place = [index], 0  # the neighbours would be dropped again
    height, width = frames.read(index).shape[:2]
    short = short_side(height, width, usual=engine.card.size)
    features = model.encode(indices, frames.read, where=frames.name, size=short, multiple=_MULTIPLE)
    return features.only(place), (height, width)


class _Frames:
    """The frames of one video by index: a film (A2D) or numbered pictures from 00001.png on (JHMDB)."""

    def __init__(self, dataset: SentencesDataset, sample: Sample) -> None:
        self.name = sample.video
        self._media = sample.media
        self._last: tuple[int, np.ndarray] | None = None
        self._reader = None
        self._read_one: ReadFrame = self._numbered
        if dataset.name == "a2d":
            from rvos_core.media import open_media  # PyAV is needed for films only

            self._reader = open_media(sample.media, as_coded=True)
            self._read_one = self._reader.frame
            self.count = len(self._reader)
        else:
            self.count = len(names_with_suffix(sample.media, ".png"))

    def __enter__(self) -> _Frames:
        return self

    def __exit__(self, *_: object) -> None:
        if self._reader is not None:
            self._reader.close()

    def index_of(self, sample: Sample) -> int:
        """Of the annotated frame, from 0. Raises: UserError: the video is shorter."""
        if not 1 <= sample.frame <= self.count:
            raise UserError(
                f"{self._media} has {self.count} frame(s); {sample.image_id} is about frame {sample.frame}.",
                hint="Copy the video from the data set again.",
                code="predict.short_video",
            )
        return sample.frame - 1

    def read(self, index: int) -> np.ndarray:
        """(H, W, 3) uint8 RGB."""
        if self._last is None or self._last[0] != index:
            self._last = (index, self._read_one(index))
        return self._last[1]

    def _numbered(self, index: int) -> np.ndarray:
        return read_picture(self._media / f"{index + 1:05d}.png")


def _grouped(samples: Sequence[Sample], key: Callable[[Sample], _K]) -> dict[_K, list[Sample]]:
    groups: dict[_K, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(key(sample), []).append(sample)
    return groups


def _part(folder: Path, video: str) -> Path:
    return folder / PARTS / f"{video}.json"


def _collected(folder: Path, dataset: SentencesDataset) -> Iterator[tuple[str, ScoredMask]]:
    """All results in the data set's order."""
    parts: dict[str, dict[str, list[ScoredMask]]] = {}
    for name in dict.fromkeys(sample.video for sample in dataset.samples):
        path = _part(folder, name)
        found: dict[str, list[ScoredMask]] = {}
        for image_id, mask in scored_masks(path):
            found.setdefault(image_id, []).append(mask)
        lacking = next((s.image_id for s in dataset.samples if s.video == name and s.image_id not in found), None)
        if lacking is not None:
            raise UserError(
                f"{path} has no prediction for {lacking}.",
                hint="Delete that file and run it again.",
                code="predict.incomplete_part",
            )
        parts[name] = found
    for sample in dataset.samples:
        yield from ((sample.image_id, mask) for mask in parts[sample.video][sample.image_id])
