"""Data sets of single annotated frames: A2D-Sentences and JHMDB-Sentences (Gavrilyuk et al., CVPR 2018).

Sentences and true masks are taken from the JSON files that the public referring models made of the authors' HDF5 and
MATLAB files (published by MTTR and ReferFormer beside their code), so that neither h5py nor scipy is needed:

    a2d_sentences/
        a2d_sentences_single_frame_test_annotations.json        [[text, video, frame from 1, instance], ...]
        a2d_sentences_test_annotations_in_coco_format.json      COCO, image id `v_VIDEO_f_FRAME_i_INSTANCE`
        Release/clips320H/VIDEO.mp4
    jhmdb_sentences/
        jhmdb_sentences_samples_metadata.json                   [[video, frame's path, mask's path, frames, text], ...]
        jhmdb_sentences_gt_annotations_in_coco_format.json      COCO, image id `v_VIDEO_f_FRAME`
        Rename_Images/ACTION/VIDEO/00001.png
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeAlias

from rvos_core.datasets.reading import (
    bad_content,
    list_in,
    mapping_in,
    name_in,
    read_json,
    refuse_missing,
    require_pieces,
    text_in,
    whole_number_in,
)
from rvos_core.errors import UserError
from rvos_core.masks.rle import Rle, from_coco

Name: TypeAlias = Literal["a2d", "jhmdb"]

_TEXTS = {
    "a2d": "a2d_sentences_single_frame_{split}_annotations.json",
    "jhmdb": "jhmdb_sentences_samples_metadata.json",
}
_TRUTHS = {
    "a2d": "a2d_sentences_{split}_annotations_in_coco_format.json",
    "jhmdb": "jhmdb_sentences_gt_annotations_in_coco_format.json",
}
_TITLES = {"a2d": "A2D-Sentences", "jhmdb": "JHMDB-Sentences"}
_JHMDB_FRAMES = "Rename_Images"
_WHERE_FROM = "The JSON files are those of the public referring models (docs/howto/evaluation.md says where they are)."


@dataclass(frozen=True)
class Sample:
    """One sentence about one annotated frame.

    Attributes:
        image_id: the data set's own id, as in its COCO file.
        video: name.
        frame: number of the annotated frame; the first frame of a video is 1.
        text: as it is written in the data set.
        media: the video file (A2D), or the folder with the numbered frames (JHMDB).
    """

    image_id: str
    video: str
    frame: int
    text: str
    media: Path


@dataclass(frozen=True)
class SentencesDataset:
    """One split.

    Attributes:
        name: `a2d` or `jhmdb`.
        root: folder of the data set.
        split: test or train.
        samples: in the data set's order.
    """

    name: Name
    root: Path
    split: str
    samples: tuple[Sample, ...]

    def require_media(self) -> None:
        """Raises: UserError: naming the videos or folders of frames that are missing."""
        media = dict.fromkeys(sample.media for sample in self.samples)
        refuse_missing(self.root, (path for path in media if not path.exists()), of=_TITLES[self.name])

    def truth(self) -> dict[str, Rle]:
        """Image id -> true mask, one for every sample. Raises: UserError: the file is missing or incomplete."""
        path = truth_path(self.root, name=self.name, split=self.split)
        require_pieces(self.root, [path], of=_TITLES[self.name], hint=_WHERE_FROM)
        found = read_coco_truth(path)
        without = [sample.image_id for sample in self.samples if sample.image_id not in found]
        if without:
            raise bad_content(path, f"has no mask for {len(without)} sample(s), first: {without[0]}")
        return {sample.image_id: found[sample.image_id] for sample in self.samples}


def which_sentences(root: Path) -> Name:
    """Which of the two data sets `root` holds, by its files. Raises: UserError: neither, or there is no folder."""
    for name in ("a2d", "jhmdb"):
        if any(root.glob(_TEXTS[name].format(split="*"))) or any(root.glob(_TRUTHS[name].format(split="*"))):
            return name
    require_pieces(root, [], of="A2D-Sentences or JHMDB-Sentences")
    raise UserError(
        f"{root} holds neither {_TEXTS['a2d'].format(split='test')} nor {_TEXTS['jhmdb']}.",
        hint=_WHERE_FROM,
        code="evaluation.incomplete",
    )


def truth_path(root: Path, *, name: Name, split: str = "test") -> Path:
    """Where the COCO file with the true masks lies."""
    return root / _TRUTHS[name].format(split=split)


def read_a2d(root: Path, *, split: str = "test") -> SentencesDataset:
    """Read A2D-Sentences (test: 1,295 frames). Raises: UserError: naming what is missing or not as published."""
    path = root / _TEXTS["a2d"].format(split=split)
    require_pieces(root, [path], of=_TITLES["a2d"], hint=_WHERE_FROM)
    samples = [_a2d_sample(row, path, root=root, number=i) for i, row in enumerate(_rows(path, columns=4))]
    return SentencesDataset("a2d", root, split, _without_repeats(samples, path))


def read_jhmdb(root: Path) -> SentencesDataset:
    """Read JHMDB-Sentences, all of which is a test. Raises: UserError: naming what is missing or not as published."""
    path = root / _TEXTS["jhmdb"]
    require_pieces(root, [path], of=_TITLES["jhmdb"], hint=_WHERE_FROM)
    samples = [_jhmdb_sample(row, path, root=root, number=i) for i, row in enumerate(_rows(path, columns=5))]
    return SentencesDataset("jhmdb", root, "test", _without_repeats(samples, path))


def read_coco_truth(path: Path) -> dict[str, Rle]:
    """Image id -> the one mask of the image from a COCO file of true masks.

    Raises:
        UserError: an image without exactly one annotation, or a mask that is damaged.
    """
    document = mapping_in(read_json(path), path, where="the whole file")
    annotations = list_in(document.get("annotations"), path, where='"annotations"')
    images = list_in(document.get("images"), path, where='"images"')
    found: dict[str, Rle] = {}
    for number, value in enumerate(annotations):
        where = f'"annotations"[{number}]'
        entry = mapping_in(value, path, where=where)
        image_id = image_id_in(entry, path, where=where)
        mask = mask_in(entry, path, where=where)
        if found.setdefault(image_id, mask) != mask:
            raise bad_content(path, f"has two different masks for the image {image_id}; each has one object")
    for number, value in enumerate(images):
        where = f'"images"[{number}]'
        image_id = str(mapping_in(value, path, where=where).get("id"))
        if image_id not in found:
            raise bad_content(path, f"has no mask for the image {image_id}")
    if not found:
        raise bad_content(path, "holds no masks")
    return found


def image_id_in(entry: Mapping[str, Any], path: Path, *, where: str) -> str:
    """The image id of an annotation, numbers as text. Raises: UserError."""
    value = entry.get("image_id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text_in(value, path, where=f"{where}/image_id")


def mask_in(entry: Mapping[str, Any], path: Path, *, where: str) -> Rle:
    """The mask of an annotation, COCO run lengths. Raises: UserError: polygons, or damaged."""
    try:
        return from_coco(mapping_in(entry.get("segmentation"), path, where=f"{where}/segmentation"))
    except UserError as error:
        if error.code != "masks.bad_rle":
            raise
        raise bad_content(path, f"has a damaged mask ({where}): {error.message}") from error


def _rows(path: Path, *, columns: int) -> list[list[Any]]:
    rows = list_in(read_json(path), path, where="the whole file")
    if not rows:
        raise bad_content(path, "lists no sentences")
    found = []
    for number, value in enumerate(rows):
        row = list_in(value, path, where=f"entry {number}")
        if len(row) != columns:
            raise bad_content(path, f"has {len(row)} values instead of {columns} in entry {number}")
        found.append(row)
    return found


def _a2d_sample(row: list[Any], path: Path, *, root: Path, number: int) -> Sample:
    where = f"entry {number}"
    video = name_in(row[1], path, where=where)
    frame, instance = (whole_number_in(value, path, where=where) for value in row[2:])
    return Sample(
        image_id=f"v_{video}_f_{frame}_i_{instance}",
        video=video,
        frame=frame,
        text=text_in(row[0], path, where=where),
        media=root / "Release" / "clips320H" / f"{video}.mp4",
    )


def _jhmdb_sample(row: list[Any], path: Path, *, root: Path, number: int) -> Sample:
    where = f"entry {number}"
    video = name_in(row[0], path, where=where)
    parts = PurePosixPath(text_in(row[1], path, where=where)).parts
    inside = parts[parts.index(_JHMDB_FRAMES) :] if _JHMDB_FRAMES in parts else ()
    if len(inside) != 4 or ".." in inside:
        raise bad_content(
            path, f"has {row[1]!r:.80} where {_JHMDB_FRAMES}/ACTION/VIDEO/FRAME.png is expected ({where})"
        )
    frame = whole_number_in(PurePosixPath(inside[-1]).stem, path, where=where)
    return Sample(
        image_id=f"v_{video}_f_{frame}",
        video=video,
        frame=frame,
        text=text_in(row[4], path, where=where),
        media=root.joinpath(*inside[:-1]),
    )


def _without_repeats(samples: list[Sample], path: Path) -> tuple[Sample, ...]:
    by_id: dict[str, Sample] = {}
    for sample in samples:
        if by_id.setdefault(sample.image_id, sample) != sample:
            raise bad_content(path, f"has two different entries for {sample.image_id}")
    return tuple(by_id.values())
