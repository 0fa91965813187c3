"""MeViS (Ding et al., "MeViS: A Large-scale Benchmark for Video Segmentation with Motion Expressions", ICCV 2023).

    {train,valid_u,valid}/meta_expressions.json     expressions with `obj_id` and `anno_id` lists
    {train,valid_u}/mask_dict.json                  annotation id -> one COCO run-length mask or null per frame
    {train,valid_u,valid}/JPEGImages/VIDEO/FRAME.jpg

An expression may mean several objects, or (version 2) none: its true mask is the union of its annotations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rvos_core.datasets.expression_list import FILE_NAME, read_expression_list
from rvos_core.datasets.reading import (
    bad_content,
    list_in,
    mapping_in,
    read_json,
    require_pieces,
    whole_number_in,
)
from rvos_core.datasets.referring import Expression, ReferringDataset, Video
from rvos_core.errors import UserError
from rvos_core.masks.rle import decode, from_coco

NAME = "mevis"
_MASKS = "mask_dict.json"


def read_mevis(root: Path, *, split: str = "valid_u") -> ReferringDataset:
    """Read one split.

    Raises:
        UserError: naming what is missing, or the file and the place in it that is not as published.
    """
    path = root / split / FILE_NAME
    require_pieces(root, [path], of=f"MeViS with the split {split}")
    videos = read_expression_list(path, images=root / split / "JPEGImages", objects_of=_objects_of)
    masks = root / split / _MASKS
    return ReferringDataset(
        name=NAME,
        root=root,
        split=split,
        videos=videos,
        truth=RleTruth.read(masks, videos) if masks.exists() else None,
        truth_at=masks,
    )


def _objects_of(entry: Mapping[str, Any], path: Path, where: str) -> tuple[int, ...] | None:
    meant = entry.get("anno_id")
    if meant is None:
        return None
    ids = list_in(meant, path, where=f"{where}/anno_id")
    return tuple(whole_number_in(each, path, where=f"{where}/anno_id") for each in ids)


@dataclass(frozen=True)
class RleTruth:
    """True masks as run lengths.

    Attributes:
        path: the file, for messages.
        masks: annotation id -> one COCO mask or None per frame of its video.
    """

    path: Path
    masks: Mapping[int, list[Any]]

    @staticmethod
    def read(path: Path, videos: tuple[Video, ...]) -> RleTruth:
        """Read `mask_dict.json`, and check that it has what the videos' expressions name.

        Raises:
            UserError: an annotation is missing or has fewer masks than its video has frames.
        """
        document = mapping_in(read_json(path), path, where="the whole file")
        masks = {
            whole_number_in(key, path, where="a key"): list_in(value, path, where=f"annotation {key}")
            for key, value in document.items()
        }
        for video in videos:
            for object_id in {i for each in video.expressions for i in each.object_ids or ()}:
                if object_id not in masks:
                    raise bad_content(path, f"lacks the annotation {object_id}, which {video.name} names")
                if len(masks[object_id]) < len(video.frames):
                    raise bad_content(
                        path,
                        f"has {len(masks[object_id])} masks for annotation {object_id}, {video.name} has "
                        f"{len(video.frames)} frames",
                    )
        return RleTruth(path, masks)

    def annotated(self, video: Video) -> tuple[str, ...]:
        return video.frames

    def size(self, video: Video) -> tuple[int, int] | None:
        for object_id in sorted({i for each in video.expressions for i in each.object_ids or ()}):
            for frame, value in enumerate(self.masks[object_id]):
                if value is not None:
                    height, width = self._decoded(value, object_id, frame).shape
                    return height, width
        return None

    def mask(self, video: Video, expression: Expression, frame: str, *, size: tuple[int, int]) -> np.ndarray:
        index = video.frames.index(frame)
        union = np.zeros(size, dtype=bool)
        for object_id in expression.object_ids or ():
            value = self.masks[object_id][index]
            if value is None:
                continue
            mask = self._decoded(value, object_id, index)
            if mask.shape != size:
                raise bad_content(
                    self.path,
                    f"has a mask of {mask.shape[1]}x{mask.shape[0]} (annotation {object_id}, frame {index}) where "
                    f"{size[1]}x{size[0]} is expected",
                )
            union |= mask
        return union

    def _decoded(self, value: Any, object_id: int, frame: int) -> np.ndarray:
        where = f"annotation {object_id}, frame {frame}"
        try:
            return decode(from_coco(mapping_in(value, self.path, where=where)))
        except UserError as error:
            if error.code != "masks.bad_rle":
                raise
            raise bad_content(self.path, f"has a damaged mask ({where}): {error.message}") from error
