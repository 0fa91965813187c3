"""A2D-Sentences (Gavrilyuk et al., CVPR 2018) as its authors publish it; needs h5py (the extra `a2d`).

    a2d_annotation.txt                                      CSV: video_id,instance_id,query
    a2d_annotation_with_instances/VIDEO/FRAME.h5            instance (n,), reMask (n, W, H), reBBox (4, n)

Arrays lie as MATLAB wrote them: width before height, and one instance without its first axis. Frames count from 1;
those between have no file. Published files have an instance in several parts now and then. The two may lie in a folder
`text_annotations`. (The JSON files of the public referring models are read by `rvos eval` and `rvos predict`.)
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rvos_core.datasets.reading import bad_content, names_with_suffix
from rvos_core.errors import UserError
from rvos_core.formats.annotations import (
    AnnotatedClip,
    AnnotatedObject,
    AnnotationSet,
    Expression,
    Sight,
    Sights,
    default_name,
)
from rvos_core.formats.content import MAX_FRAMES, MAX_PIXELS, require_file
from rvos_core.formats.csv_expressions import object_numbers, table_rows
from rvos_core.formats.folders import text_in_part, writing_folder
from rvos_core.formats.format import Format, Loss, ReadOptions, Walk, WriteOptions, Written
from rvos_core.formats.mask_folders import natural
from rvos_core.masks.rle import area, bbox, decode, encode, union

if TYPE_CHECKING:
    import h5py

_TEXTS = "a2d_annotation.txt"
_MASKS = "a2d_annotation_with_instances"
_MAX_VALUES = 2 * MAX_PIXELS
_MAX_INSTANCES = 1000


def read(source: Path, options: ReadOptions) -> AnnotationSet:
    """Every file is read once for its objects. Raises: UserError: naming what is missing or damaged; Cancelled."""
    base = source / "text_annotations" if (source / "text_annotations").is_dir() else source
    folders = {each.name: each for each in sorted((base / _MASKS).glob("*")) if each.is_dir()}
    if not folders:
        raise UserError(
            f"{source} has no {_MASKS}/VIDEO/*.h5.",
            hint="Give the folder with A2D's text_annotations.",
            code="formats.incomplete",
        )
    texts = _texts(base / _TEXTS)
    clips = []
    chosen = options.chosen(folders)
    for number, (name, folder) in enumerate(chosen.items(), start=1):
        clips.append(_clip(name, folder, texts.get(name, [])))
        options.step(number, len(chosen))
    without = sorted(set(texts) - set(folders))
    notes = (
        [f"Sentences about {len(without)} videos without masks are left out, first: {without[0]}."] if without else []
    )
    return AnnotationSet(tuple(clips), tuple(notes))


def _texts(path: Path) -> dict[str, list[tuple[int, str]]]:
    """Video -> (instance, sentence) in order."""
    found: dict[str, list[tuple[int, str]]] = {}
    for number, row in table_rows(path) if path.is_file() else ():
        meant = object_numbers(row.get("object_ids", ""), path, f"line {number}")
        if meant is None or len(meant) != 1:
            raise bad_content(path, f"has no number of an instance in line {number}")
        found.setdefault(row["clip"], []).append((meant[0], row["text"]))
    return found


@dataclass
class _Files:
    """The files of one video. `shift`: 1 where its instances count from 0."""

    folder: Path
    stems: dict[int, str]
    size: tuple[int, int] = (0, 0)
    shift: int = 0

    def sights(self, index: int) -> Sights:
        """The masks of one frame, by object."""
        stem = self.stems.get(index)
        if stem is None:
            return {}
        path = self.folder / f"{stem}.h5"
        numbers, masks = instances_in(path)
        found: dict[int, Sight] = {}
        for number, mask in zip(numbers, masks, strict=True):
            rle, key = encode(mask), number + self.shift
            found[key] = Sight(union(found[key].mask, rle) if key in found else rle)
        other = next((each for each in found.values() if (each.mask.width, each.mask.height) != self.size), None)
        if other is not None:
            raise bad_content(path, f"has masks of another size than {self.size[0]}x{self.size[1]}")
        return found


def _clip(name: str, folder: Path, texts: list[tuple[int, str]]) -> AnnotatedClip:
    stems: dict[int, str] = {}
    for stem in sorted(names_with_suffix(folder, ".h5"), key=natural):
        if not stem.isdigit() or not 0 < int(stem) <= MAX_FRAMES:
            raise UserError(
                f"{folder / stem}.h5 is not named by the number of a frame, from 1.",
                hint="Take the file as the data set's authors publish it.",
                code="formats.bad_file",
            )
        stems[int(stem) - 1] = stem
    files = _Files(folder, stems)
    numbers = {number for number, _ in texts}
    for stem in stems.values():
        inside, masks = instances_in(folder / f"{stem}.h5")
        numbers.update(inside)
        if masks and files.size == (0, 0):
            files.size = (masks[0].shape[1], masks[0].shape[0])
    files.shift = 1 if 0 in numbers else 0
    objects = tuple(
        AnnotatedObject(number + files.shift, default_name(number + files.shift)) for number in sorted(numbers)
    )
    expressions = tuple(
        Expression(str(place), text, (number + files.shift,)) for place, (number, text) in enumerate(texts)
    )
    count = max(stems, default=-1) + 1
    frames = tuple(f"{index:05d}" for index in range(count))
    return AnnotatedClip(name, *files.size, frames, objects, files.sights, expressions)


def instances_in(path: Path) -> tuple[list[int], list[np.ndarray]]:
    """Numbers of the instances in a file, and their masks, each (H, W) bool; a number may come more than once.

    Raises: UserError: it is no file of A2D's.
    """
    h5 = _h5py()
    require_file(path)
    try:
        with h5.File(path, "r") as file:
            numbers = _values(file, "instance", path).ravel()
            masks = _values(file, "reMask", path)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise bad_content(path, f"is not an HDF5 file of A2D's ({error!s:.80})") from error
    if masks.ndim == 2:
        masks = masks[np.newaxis]
    sane = np.isfinite(numbers).all() and (numbers >= 0).all() and (numbers < 1e6).all()
    found = [int(each) for each in numbers] if sane else []
    if masks.ndim != 3 or len(masks) < len(found) or len(found) != len(numbers):
        raise bad_content(path, f"has masks of the shape {masks.shape} for {len(numbers)} instances")
    return found, [mask.T != 0 for mask in masks[: len(found)]]


def _values(file: h5py.File, key: str, path: Path) -> np.ndarray:
    """The array under `key`, which must lie in this file and be small enough to be one."""
    h5 = _h5py()
    dataset: Any = file[key] if isinstance(file.get(key, getlink=True), h5.HardLink) else None
    if not isinstance(dataset, h5.Dataset) or dataset.external or dataset.is_virtual:
        raise bad_content(path, f"has no array {key!r} of its own")
    if dataset.dtype.kind not in "biuf" or dataset.size > _MAX_VALUES or dataset.ndim > 3:
        raise bad_content(path, f"has an array {key!r} of the shape {dataset.shape}")
    if key == "instance" and dataset.size > _MAX_INSTANCES:
        raise bad_content(path, f"has {dataset.size} instances")
    return np.asarray(dataset[()])


def _h5py() -> Any:
    try:
        import h5py
    except ImportError:
        raise UserError(
            "A2D's files are HDF5, for which h5py is not installed.",
            hint="Install it: pip install 'rvos-studio[a2d]'.",
            code="formats.no_h5py",
        ) from None
    return h5py


def write(annotations: AnnotationSet, target: Path, options: WriteOptions) -> Written:
    """Sentences that do not mean exactly one object are left out, and said. Raises: UserError, Cancelled."""
    h5 = _h5py()
    walk = Walk(annotations, options)
    files = 1
    with writing_folder(target, options, re.escape(_TEXTS), _MASKS) as part:
        with text_in_part(part / _TEXTS) as part_file:
            table = csv.writer(part_file, lineterminator="\n")
            table.writerow(("video_id", "instance_id", "query"))
            for clip in annotations.clips:
                table.writerows(_rows(clip))
        for clip in annotations.clips:
            folder = part / _MASKS / clip.name
            folder.mkdir(parents=True)
            for index, _, sights in walk.frames(clip):
                shown = {key: sight for key, sight in sights.items() if area(sight.mask)}
                if shown:
                    _write_h5(folder / f"{clip.number(index) + 1:05d}.h5", shown, h5)
                    files += 1
    left_out = sum(len(clip.expressions) - len(_rows(clip)) for clip in annotations.clips)
    notes = (f"{left_out} sentences that do not mean exactly one object are left out.",) if left_out else ()
    return Written(target, files, notes)


def _rows(clip: AnnotatedClip) -> list[tuple[str, int, str]]:
    return [
        (clip.name, each.object_ids[0], each.text)
        for each in clip.expressions
        if each.positive and each.object_ids is not None and len(each.object_ids) == 1
    ]


def _write_h5(part: Path, shown: dict[int, Sight], h5: Any) -> None:
    masks = np.stack([decode(each.mask).T for each in shown.values()]).astype(np.uint8)
    boxes = np.array([bbox(each.mask) for each in shown.values()], dtype=np.float64).T
    with h5.File(part, "w") as file:
        file.create_dataset("instance", data=np.array(list(shown), dtype=np.float64))
        file.create_dataset("reMask", data=masks[0] if len(masks) == 1 else masks, compression="gzip")
        file.create_dataset("reBBox", data=boxes)


def detect(path: Path) -> bool:
    """A folder with `a2d_annotation_with_instances`, or `text_annotations` with it."""
    return any((each / _MASKS).is_dir() for each in (path, path / "text_annotations"))


FORMAT = Format(
    format_id="a2d",
    title="A2D-Sentences",
    layout="a2d_annotation.txt, a2d_annotation_with_instances/CLIP/FRAME.h5",
    target="folder",
    can_overlap=True,
    losses=frozenset(
        {
            *(Loss.NAMES, Loss.CATEGORIES, Loss.ATTRIBUTES, Loss.UNSEEN, Loss.OCCLUSION, Loss.ABSENCE, Loss.RATE),
            *(Loss.SEVERAL, Loss.UNTOLD, Loss.EXPRESSION_IDS, Loss.ANNOTATORS, Loss.KINDS, Loss.NEGATIVES),
            *(Loss.FRAMES, Loss.FRAME_NAMES, Loss.SIZE),
        }
    ),
    read=read,
    write=write,
    detect=detect,
)
