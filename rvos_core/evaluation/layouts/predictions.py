"""Where predictions lie: what benchmark servers take, what `rvos predict` writes and `rvos eval` reads.

* Ref-YouTube-VOS, MeViS: `VIDEO/EXPRESSION_ID/FRAME.png`, mode L, 0 and 255, at the size of the video.
* Ref-DAVIS17: `anno_{0..3}/CLIP/FRAME.png`, indexed, one folder for each annotator.
* A2D- and JHMDB-Sentences: one JSON file in COCO's form of results, every query a scored mask.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rvos_core.errors import UserError
from rvos_core.evaluation.layouts.reading import bad_content, list_in, mapping_in, read_json
from rvos_core.evaluation.layouts.sentences import image_id_in, mask_in
from rvos_core.files import atomic_file, writing
from rvos_core.masks.rle import Rle, to_coco

RESULTS_NAME = "predictions.json"


@dataclass(frozen=True)
class ScoredMask:
    """One query's mask of one sample. `score`: 0..1, how sure the model is that this is the object."""

    mask: Rle
    score: float


def mask_path(folder: Path, *, video: str, expression_id: str, frame: str) -> Path:
    """File of one predicted mask of Ref-YouTube-VOS or MeViS."""
    return folder / video / expression_id / f"{frame}.png"


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
