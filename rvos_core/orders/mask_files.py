"""Masks in a folder, one PNG a frame, as the source of mattes: no project is needed."""

from __future__ import annotations

import re
import zlib
from collections import OrderedDict
from pathlib import Path

import numpy as np

from rvos_core.delivery.plan import DeliveryObject
from rvos_core.errors import UserError
from rvos_core.masks.png import VOID, read_indexed_png
from rvos_core.media import IMAGE_SUFFIXES
from rvos_core.types import FrameSpan, MediaInfo

_NUMBER = re.compile(r"(\d+)\D*$")
_KEPT = 16  # label pictures, as objects and earlier frames ask for the same ones


class MaskFiles:
    """The masks in a folder that belong to a clip.

    A file's number is the frame's index; for a folder of pictures it is that of the picture of the same number.

    Args:
        folder: PNG files, of mode L with 0 and 255 (one object) or indexed (an id each).
        info: the clip.

    Attributes:
        objects: those that are in any of the files.
        frames: with a file, in order.
        seen: object id -> number of frames with a mask.
        covered: object id -> mean share of the frame that it covers, 0..1, over all files.
        revision: names the content of all files.

    Raises:
        UserError: there are none, a file cannot be read, is of another size, or fits no frame.
    """

    def __init__(self, folder: Path, info: MediaInfo) -> None:
        self._size = (info.height, info.width)
        self._files = _by_frame(folder, info)
        self._labels: OrderedDict[int, np.ndarray] = OrderedDict()
        self.seen: dict[int, int] = {}
        self.covered: dict[int, float] = {}
        checksum = 0
        for index, path in self._files.items():
            ids, areas = np.unique(self._read(index), return_counts=True)
            checksum = zlib.crc32(path.read_bytes(), zlib.crc32(str(index).encode(), checksum))
            for each, pixels in zip(ids.tolist(), areas.tolist(), strict=True):
                if each not in (0, VOID):
                    self.seen[each] = self.seen.get(each, 0) + 1
                    share = pixels / (info.height * info.width * len(self._files))
                    self.covered[each] = self.covered.get(each, 0.0) + share
        if not self.seen:
            raise UserError(
                f"There is no object in the masks of {folder}.", hint="All are black.", code="matte.empty_masks"
            )
        self.revision = f"{checksum:08x}"
        self.frames = tuple(self._files)
        single = self.seen.keys() == {1}
        self.objects = tuple(
            DeliveryObject(each, "object" if single else f"object {each}") for each in sorted(self.seen)
        )

    def mask(self, object_id: int, index: int) -> np.ndarray | None:
        """(H, W) bool, or None where the frame has no file."""
        return None if index not in self._files else self._read(index) == object_id

    def missing(self, span: FrameSpan) -> int:
        """Frames of `span` without a file."""
        return len(span) - sum(index in span for index in self.frames)

    def _read(self, index: int) -> np.ndarray:
        if index not in self._labels:
            self._labels[index] = read_indexed_png(self._files[index], size=self._size)
            if len(self._labels) > _KEPT:
                self._labels.popitem(last=False)
        self._labels.move_to_end(index)
        return self._labels[index]


def _by_frame(folder: Path, info: MediaInfo) -> dict[int, Path]:
    try:
        files = sorted(each for each in folder.iterdir() if each.suffix.lower() == ".png")
    except OSError as error:
        raise UserError(
            f"{folder} cannot be read: {(error.strerror or str(error)).lower()}.",
            hint="Give a folder of PNG masks.",
            code="matte.no_masks",
        ) from error
    if not files:
        raise UserError(f"{folder} has no PNG files.", hint="Give a folder of PNG masks.", code="matte.no_masks")
    numbers = _picture_numbers(info)
    found: dict[int, Path] = {}
    for path in files:
        number = _number(path)
        index = number if numbers is None else numbers.get(number if number is not None else -1)
        if index is None or index >= info.frame_count:
            raise UserError(
                f"{path} belongs to no frame of {info.path.name}, which has {info.frame_count}.",
                hint="Number the masks as the frames are, from 0.",
                code="matte.no_such_frame",
            )
        if index in found:
            raise UserError(
                f"{path} and {found[index].name} are both masks of frame {index}.",
                hint="Leave one of them there.",
                code="matte.two_masks",
            )
        found[index] = path
    return dict(sorted(found.items()))


def _picture_numbers(info: MediaInfo) -> dict[int, int] | None:
    """Of a folder of pictures: number in the name -> frame; None where frames are counted."""
    if info.kind != "images" or not info.path.is_dir():
        return None
    pictures = (each for each in info.path.iterdir() if each.suffix.lower() in IMAGE_SUFFIXES)
    numbers = sorted(number for each in pictures if (number := _number(each)) is not None)
    if len(numbers) != info.frame_count or len(set(numbers)) != len(numbers):
        return None
    return {number: index for index, number in enumerate(numbers)}


def _number(path: Path) -> int | None:
    found = _NUMBER.search(path.stem)
    return int(found[1]) if found else None
