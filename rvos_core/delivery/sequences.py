"""Numbered PNG files in a folder: plain masks, masks with object ids, and cut-outs with straight alpha."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from rvos_core.delivery.overlay import as_mask
from rvos_core.errors import UserError
from rvos_core.files import atomic_folder, require_free_space, writing
from rvos_core.masks import Rle, indexed_png_bytes, mask_png_bytes
from rvos_core.types import FrameSpan

_OWNED = re.compile(r"\d{5,}\.png")
_MASK_BYTES_PER_PIXEL = 0.02
_CUTOUT_BYTES_PER_PIXEL = 0.4
_FILE_OVERHEAD_BYTES = 4096
_BLEED_PX = 4  # colour kept around a cut-out, so that resampling it finds no black rim


def frame_file_name(frame_index: int) -> str:
    """`00000.png`, `00001.png`, ...: the number is the frame's index in its clip."""
    return f"{frame_index:05d}.png"


class _PngSequence:
    """A folder with one PNG a frame of `span`; frames may come in any order and may be written again."""

    def __init__(self, folder: Path, *, span: FrameSpan, height: int, width: int, bytes_per_pixel: float) -> None:
        self.folder = folder
        self._span = span
        self._height = height
        self._width = width
        self._expected_bytes = len(span) * (_FILE_OVERHEAD_BYTES + int(height * width * bytes_per_pixel))
        self._checksums: dict[int, int] = {}
        self._stack = ExitStack()
        self._part: Path | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._part = stack.enter_context(atomic_folder(self.folder, owned=_OWNED, verify=self._verify))
            require_free_space(self.folder, self._expected_bytes)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return self._stack.__exit__(kind, error, traceback)

    def _put(self, frame_index: int, content: bytes) -> None:
        if self._part is None or frame_index not in self._span:
            raise ValueError(f"frame {frame_index} is not one of {self._span}, or the writer is not open")
        with writing(self.folder):
            (self._part / frame_file_name(frame_index)).write_bytes(content)
        self._checksums[frame_index] = zlib.crc32(content)

    def _verify(self, part: Path) -> None:
        missing = next((index for index in self._span if index not in self._checksums), None)
        if missing is not None:
            raise UserError(
                f"{self.folder} would hold {len(self._checksums)} of {len(self._span)} frames; "
                f"frame {missing} is the first that is missing.",
                hint="Choose a range of frames that can be read.",
                code="delivery.incomplete",
            )
        for index, checksum in self._checksums.items():
            if zlib.crc32((part / frame_file_name(index)).read_bytes()) != checksum:
                raise UserError(
                    f"{self.folder / frame_file_name(index)} does not read back as it was written.",
                    hint="Check the disk, or choose another folder.",
                    code="delivery.verify",
                )


class MaskPngWriter(_PngSequence):
    """`folder/00000.png ...`: one mask a frame, mode L with 0 and 255, display size.

    Args:
        folder: replaced as a whole; refused if it holds anything but such files.
        span: frames to be written; every one must be, in any order; writing a frame again replaces it.
        height, width: display size, pixels.
    """

    def __init__(self, folder: Path, *, span: FrameSpan, height: int, width: int) -> None:
        super().__init__(folder, span=span, height=height, width=width, bytes_per_pixel=_MASK_BYTES_PER_PIXEL)

    def write(self, frame_index: int, mask: Rle | np.ndarray) -> None:
        """Write one frame's mask, (H, W) bool or `Rle`. Raises: UserError: if the disk refuses."""
        self._put(frame_index, mask_png_bytes(as_mask(mask, height=self._height, width=self._width)))


class IndexedPngWriter(_PngSequence):
    """`folder/00000.png ...`: object ids, mode P with the DAVIS palette; arguments as in `MaskPngWriter`."""

    def __init__(self, folder: Path, *, span: FrameSpan, height: int, width: int) -> None:
        super().__init__(folder, span=span, height=height, width=width, bytes_per_pixel=_MASK_BYTES_PER_PIXEL)

    def write(self, frame_index: int, labels: np.ndarray) -> None:
        """Write one frame's ids, (H, W) integers, 0 background.

        Raises:
            UserError: if an id does not fit a byte, or the disk refuses.
        """
        if labels.shape != (self._height, self._width):
            raise ValueError(f"labels of shape {labels.shape} for a frame of {self._width}x{self._height}")
        self._put(frame_index, indexed_png_bytes(labels, path=self.folder / frame_file_name(frame_index)))


class CutoutPngWriter(_PngSequence):
    """`folder/00000.png ...`: the object on nothing, RGBA 8 bit, straight alpha; arguments as in `MaskPngWriter`.

    Inside the mask alpha is 255; outside it is 0, with the frame's own colour in a band of a few pixels around it.
    """

    def __init__(self, folder: Path, *, span: FrameSpan, height: int, width: int) -> None:
        super().__init__(folder, span=span, height=height, width=width, bytes_per_pixel=_CUTOUT_BYTES_PER_PIXEL)

    def write(self, frame_index: int, frame: np.ndarray, mask: Rle | np.ndarray) -> None:
        """Write one frame, (H, W, 3) uint8 RGB, cut out by its mask. Raises: UserError: if the disk refuses."""
        pixels = as_mask(mask, height=self._height, width=self._width).view(np.uint8)
        side = 2 * _BLEED_PX + 1
        kept = cv2.dilate(pixels, np.ones((side, side), dtype=np.uint8))
        bgra = np.zeros((self._height, self._width, 4), dtype=np.uint8)
        cv2.copyTo(cv2.cvtColor(frame, cv2.COLOR_RGB2BGRA), kept, bgra)
        bgra[..., 3] = pixels * np.uint8(255)
        done, content = cv2.imencode(".png", bgra, (cv2.IMWRITE_PNG_COMPRESSION, 1))
        if not done:
            raise ValueError(f"OpenCV could not encode a picture of shape {bgra.shape}")
        self._put(frame_index, content.tobytes())


def write_mask_pngs(
    folder: Path,
    masks: Iterable[tuple[int, Rle | np.ndarray]],
    *,
    span: FrameSpan,
    height: int,
    width: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write all of `masks` (frame index, mask) with a `MaskPngWriter`; `progress` gets frames done, frames in all."""
    with MaskPngWriter(folder, span=span, height=height, width=width) as writer:
        for done, (frame_index, mask) in enumerate(masks, start=1):
            writer.write(frame_index, mask)
            if progress is not None:
                progress(done, len(span))
