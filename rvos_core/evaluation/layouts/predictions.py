"""Where predictions lie: what benchmark servers take, what `rvos predict` writes and `rvos eval` reads.

* Ref-YouTube-VOS, MeViS: `VIDEO/EXPRESSION_ID/FRAME.png`, mode L, 0 and 255, at the size of the video.
* Ref-DAVIS17: `anno_{0..3}/CLIP/FRAME.png`, indexed, one folder for each annotator.
* A2D- and JHMDB-Sentences: one JSON file in COCO's form of results, every query a scored mask.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rvos_core.datasets.reading import bad_content, list_in, mapping_in, names_with_suffix, read_json
from rvos_core.datasets.referring import ReferringDataset
from rvos_core.datasets.sentences import image_id_in, mask_in
from rvos_core.errors import UserError
from rvos_core.files import atomic_file, writing
from rvos_core.masks.png import read_mask_png
from rvos_core.masks.rle import Rle, to_coco

RESULTS_NAME = "predictions.json"
_NAMED = 5  # of the files that are missing
_PNG_COLOUR_TYPE, _PNG_INDEXED = 25, 3  # offset in the file, value


@dataclass(frozen=True)
class ScoredMask:
    """One query's mask of one sample. `score`: 0..1, how sure the model is that this is the object."""

    mask: Rle
    score: float


def mask_path(folder: Path, *, video: str, expression_id: str, frame: str) -> Path:
    """File of one predicted mask of Ref-YouTube-VOS or MeViS."""
    return folder / video / expression_id / f"{frame}.png"


def read_prediction(path: Path, *, size: tuple[int, int] | None = None) -> np.ndarray:
    """One predicted mask of Ref-YouTube-VOS or MeViS, (H, W) bool.

    Args:
        path: the file, mode L or 1 with one value besides 0.
        size: (height, width) it must have, if known.

    Raises:
        UserError: it cannot be read, is no mask, has another size, or is an indexed picture, whose ids would be lost.
    """
    mask = read_mask_png(path, size=size)
    with path.open("rb") as file:
        is_indexed = file.read(_PNG_COLOUR_TYPE + 1)[_PNG_COLOUR_TYPE] == _PNG_INDEXED
    if is_indexed:
        raise UserError(
            f"{path} is an indexed (palette) picture; a plain mask with 0 and 255 is expected here.",
            hint="Write one greyscale mask for each expression.",
            code="evaluation.indexed",
        )
    return mask


def prediction_folders(pred: Path, dataset: ReferringDataset) -> Path:
    """The folder that holds a folder for each video: `pred` or, in the form that servers take, `pred/Annotations`.

    All of it is compared with the data set before any mask is read.

    Raises:
        UserError: naming the videos, expressions or frames that are missing or not in the data set.
    """
    root = pred / "Annotations" if (pred / "Annotations").is_dir() else pred
    known = {video.name: video for video in dataset.videos}
    _refuse_unknown(root, _folders_of(root) - set(known), what="video", where=f"{dataset.name} ({dataset.split})")
    missing: list[Path] = []
    for video in dataset.videos:
        ids = {expression.expression_id for expression in video.expressions}
        there = _folders_of(root / video.name) if (root / video.name).is_dir() else set()
        _refuse_unknown(root / video.name, there - ids, what="expression id", where=video.name)
        if ids:
            missing += [root / video.name / each for each in ids - there] if there else [root / video.name]
    _refuse_absent(root, sorted(missing))
    return root


def require_frames(root: Path, dataset: ReferringDataset, *, wanted: Mapping[str, Sequence[str]]) -> None:
    """Refuse predictions without a mask for each wanted frame, or with one for a frame that the video does not have.

    Args:
        root: folder of the videos.
        dataset: what is predicted.
        wanted: video -> frames that need a mask for every expression.

    Raises:
        UserError: naming them.
    """
    missing: list[Path] = []
    for video, expression in dataset.pairs():
        folder = root / video.name / expression.expression_id
        there = names_with_suffix(folder, ".png")
        _refuse_unknown(folder, there - set(video.frames), what="frame", where=video.name)
        missing += [folder / f"{frame}.png" for frame in wanted[video.name] if frame not in there]
    _refuse_absent(root, missing)


def _refuse_unknown(folder: Path, names: Collection[str], *, what: str, where: str) -> None:
    if names:
        first = min(names)
        raise UserError(
            f"{folder} has the {what} {first}{f' and {len(names) - 1} more' if len(names) > 1 else ''}, which "
            f"{where} does not have.",
            hint="Predict on the split that is scored, and keep other files elsewhere.",
            code="evaluation.unknown",
        )


def _refuse_absent(root: Path, missing: Sequence[Path]) -> None:
    if missing:
        names = ", ".join(path.relative_to(root).as_posix() for path in missing[:_NAMED])
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise UserError(
            f"{root} lacks predictions: {names}{more}.",
            hint="Every expression needs a mask in every frame that is scored, an empty one where nothing is found.",
            code="evaluation.unpaired",
        )


def _folders_of(folder: Path) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")}
    except OSError as error:
        what = (
            "is a file, not a folder" if isinstance(error, NotADirectoryError) else f"cannot be read: {error.strerror}"
        )
        raise UserError(
            f"{folder} {what}.", hint="Give the folder of the predictions.", code="evaluation.no_folder"
        ) from error


def annotator_folder(folder: Path, annotator: int) -> Path:
    """Folder of the clips for one annotator (0 to 3) of Ref-DAVIS17."""
    return folder / f"anno_{annotator}"


def write_results(path: Path, results: Iterable[tuple[str, ScoredMask]]) -> None:
    """Write (image id, scored mask) pairs in COCO's form of results, atomically. Raises: UserError."""
    with atomic_file(path) as part, writing(path), part.open("w", encoding="utf-8") as file:
        file.write("[")
        for number, (image_id, each) in enumerate(results):
            file.write(",\n" if number else "\n")
            entry = {"image_id": image_id, "category_id": 1, "segmentation": to_coco(each.mask), "score": each.score}
            file.write(json.dumps(entry, allow_nan=False))
        file.write("\n]\n")


def read_results(path: Path, *, sizes: Mapping[str, tuple[int, int]]) -> dict[str, tuple[ScoredMask, ...]]:
    """Image id -> its scored masks in the file's order.

    Args:
        path: the file, or a folder that holds `predictions.json`.
        sizes: image id -> (height, width) that its masks must have, for every image of the data set.

    Raises:
        UserError: an image that is not in the data set, one without a prediction, another size, a score that is none.
    """
    path = path / RESULTS_NAME if path.is_dir() else path
    found: dict[str, list[ScoredMask]] = {image_id: [] for image_id in sizes}
    for image_id, each, where in _results(path):
        if image_id not in found:
            raise UserError(
                f"{path} has a prediction for {image_id}, which the data set does not have ({where}).",
                hint="Predict on the split that is scored.",
                code="evaluation.unknown",
            )
        size = (each.mask.height, each.mask.width)
        if size != sizes[image_id]:
            raise UserError(
                f"{path} has a mask of {size[1]}x{size[0]} for {image_id}, the frame is "
                f"{sizes[image_id][1]}x{sizes[image_id][0]} ({where}).",
                hint="Masks are never resized silently; predict at the size of the frames.",
                code="masks.size",
            )
        found[image_id].append(each)
    without = [image_id for image_id, masks in found.items() if not masks]
    if without:
        raise UserError(
            f"{path} has no prediction for {len(without)} of {len(found)} samples, first: {without[0]}.",
            hint="Every sample needs a scored mask, an empty one where nothing is found.",
            code="evaluation.unpaired",
        )
    return {image_id: tuple(masks) for image_id, masks in found.items()}


def scored_masks(path: Path) -> Iterator[tuple[str, ScoredMask]]:
    """(image id, scored mask) pairs in the order of the file, whatever their data set. Raises: UserError."""
    return ((image_id, each) for image_id, each, _ in _results(path))


def _results(path: Path) -> Iterator[tuple[str, ScoredMask, str]]:
    for number, value in enumerate(list_in(read_json(path), path, where="the whole file")):
        where = f"entry {number}"
        entry = mapping_in(value, path, where=where)
        yield image_id_in(entry, path, where=where), _scored(entry, path, where=where), where


def _scored(entry: Mapping[str, Any], path: Path, *, where: str) -> ScoredMask:
    score = entry.get("score")
    if not isinstance(score, int | float) or isinstance(score, bool) or not math.isfinite(score):
        raise bad_content(path, f"has {score!r:.40} where a score is expected ({where})")
    return ScoredMask(mask_in(entry, path, where=where), float(score))
