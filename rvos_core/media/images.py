"""Folders of numbered images, and single images, as clips."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from rvos_core.errors import UserError
from rvos_core.media.container import check_size
from rvos_core.media.reader import MediaReader, StoredFrame
from rvos_core.media.sniff import IMAGE_SUFFIXES, raise_os_error, shown_name
from rvos_core.types import MediaInfo

ASSUMED_RATE = Fraction(24)
_TRAILING_NUMBER = re.compile(r"^(.*?)(\d+)$", re.DOTALL)
_UNREADABLE = (OSError, ValueError, SyntaxError)


class ImageReader(MediaReader):
    """Reads images of one size in the order of their numbers; EXIF rotation applied, 16 bits made 8, alpha dropped."""

    def __init__(self, files: tuple[Path, ...], info: MediaInfo) -> None:
        self.info = info
        self._files = files

    @classmethod
    def open_folder(cls, folder: Path, *, fps: Fraction | None = None) -> ImageReader:
        """Open the image sequence in `folder`.

        Raises:
            UserError: no images, several sequences, mixed sizes, or an unreadable image.
        """
        files, notes = _find_sequence(folder)
        return cls._open(folder, files, notes, fps)

    @classmethod
    def open_file(cls, path: Path, *, fps: Fraction | None = None) -> ImageReader:
        """Open one image as a clip of one frame.

        Raises:
            UserError: it cannot be read.
        """
        return cls._open(path, (path,), [], fps)

    @classmethod
    def _open(cls, path: Path, files: tuple[Path, ...], notes: list[str], fps: Fraction | None) -> ImageReader:
        headers = [_read_header(file) for file in files]
        _check_same_size(path, files, [header.size for header in headers])
        first = _load(files[0])
        height, width = first.shape[:2]
        info = MediaInfo(
            path=path,
            kind="images",
            width=width,
            height=height,
            frame_count=len(files),
            rate=fps or ASSUMED_RATE,
            rate_is_assumed=fps is None,
            is_variable_rate=False,
            pts=tuple(range(len(files))),
            time_base=1 / (fps or ASSUMED_RATE),
            codec=headers[0].codec,
            pixel_format="rgb24",
            coded_width=width,
            coded_height=height,
            rotation_deg=0,
            sample_aspect=Fraction(1),
            has_audio=False,
            warnings=tuple(notes),
        )
        return cls(files, info)

    def stored(self, index: int) -> StoredFrame:
        file = self._files[self.check_index(index)]
        picture = _load(file)
        if picture.shape[:2] != (self.info.height, self.info.width):
            raise UserError(
                f"“{shown_name(file)}” (frame {index}) is {picture.shape[1]} x {picture.shape[0]} pixels; the sequence "
                f"is {self.info.width} x {self.info.height}.",
                hint="Put images of one size into a folder.",
                code="media.mixed_sizes",
            )
        return _StoredPicture(picture)

    def reopen(self) -> ImageReader:
        return ImageReader(self._files, self.info)

    def close(self) -> None:
        """Nothing is held open between frames."""


@dataclass(frozen=True)
class _StoredPicture:
    picture: np.ndarray

    @property
    def nbytes(self) -> int:
        return self.picture.nbytes

    def to_rgb(self) -> np.ndarray:
        return self.picture.copy()


def picture_files(folder: Path) -> tuple[Path, ...]:
    """The images of a folder's sequence in order. Raises: UserError: there are none, or several sequences."""
    return _find_sequence(folder)[0]


def _find_sequence(folder: Path) -> tuple[tuple[Path, ...], list[str]]:
    """Images of `folder` in order, and warnings (gaps, strangers left out)."""
    try:
        names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise_os_error(folder, error)
    images = [folder / name for name in names if Path(name).suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise _no_images(folder, has_exr=any(name.lower().endswith(".exr") for name in names))
    series = Counter(_series(path) for path in images)
    name, size = series.most_common(1)[0]
    if len(series) > 1 and size * 2 <= len(images):
        shown = ", ".join(f"{prefix}*{suffix}" for prefix, suffix in list(series)[:3])
        raise UserError(
            f"The folder “{shown_name(folder)}” holds several image sequences ({shown}).",
            hint="Put each into a folder of its own.",
            code="media.several_sequences",
        )
    chosen = sorted((path for path in images if _series(path) == name), key=_order)
    notes = _gap_warnings([_order(path)[0] for path in chosen])
    if len(chosen) < len(images):
        others = len(images) - len(chosen)
        notes.append(f"{others} other image{'s' if others > 1 else ''} in the folder {_are(others)} left out.")
    return tuple(chosen), notes


def _no_images(folder: Path, *, has_exr: bool) -> UserError:
    if has_exr:
        return UserError(
            f"The folder “{shown_name(folder)}” holds OpenEXR images, which are not supported.",
            hint="Convert them to PNG or TIFF.",
            code="media.unsupported_image",
        )
    return UserError(
        f"The folder “{shown_name(folder)}” holds no images that can be read.",
        hint=f"Choose a folder of {', '.join(suffix[1:] for suffix in IMAGE_SUFFIXES)} files.",
        code="media.no_images",
    )


def _series(path: Path) -> tuple[str, str]:
    """What the images of one sequence have in common: the name before the number, and the suffix."""
    match = _TRAILING_NUMBER.match(path.stem)
    return (match.group(1) if match else "", path.suffix.lower())


def _order(path: Path) -> tuple[int, str]:
    match = _TRAILING_NUMBER.match(path.stem)
    return (int(match.group(2)) if match else -1, path.name)


def _gap_warnings(numbers: list[int]) -> list[str]:
    if numbers[0] < 0:
        return ["The images carry no numbers; they are ordered by name."] if len(numbers) > 1 else []
    gaps = [(a + 1, b - 1) for a, b in pairwise(numbers) if b > a + 1]
    if not gaps:
        return []
    missing = sum(b - a + 1 for a, b in gaps)
    first = f"{gaps[0][0]}" if gaps[0][0] == gaps[0][1] else f"{gaps[0][0]} to {gaps[0][1]}"
    more = f" and {len(gaps) - 1} more gaps" if len(gaps) > 1 else ""
    images = f"{missing} image{'s' if missing > 1 else ''}"
    return [f"{images} {_are(missing)} missing (number {first}{more}); the clip goes on without."]


def _are(count: int) -> str:
    return "are" if count > 1 else "is"


def _check_same_size(path: Path, files: tuple[Path, ...], sizes: list[tuple[int, int]]) -> None:
    for file, size in zip(files, sizes, strict=True):
        if size != sizes[0]:
            raise UserError(
                f"The images in “{shown_name(path)}” differ in size: “{shown_name(files[0])}” is {sizes[0][0]} x "
                f"{sizes[0][1]}, “{shown_name(file)}” is {size[0]} x {size[1]} pixels.",
                hint="Put images of one size into a folder.",
                code="media.mixed_sizes",
            )


@dataclass(frozen=True)
class _Header:
    size: tuple[int, int]  # width, height, before EXIF rotation
    codec: str


def _read_header(file: Path) -> _Header:
    """What the image claims to be, by its header alone, so that a huge claim allocates nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # check_size has the say
            with Image.open(file) as image:
                header = _Header(image.size, (image.format or "image").lower())
    except Image.DecompressionBombError as error:
        raise UserError(
            f"“{shown_name(file)}” has too many pixels.", hint="Scale it down first.", code="media.too_large"
        ) from error
    except _UNREADABLE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise_os_error(file, error)
        raise _damaged(file) from error
    check_size(file, *header.size)
    return header


def _load(file: Path) -> np.ndarray:
    """The image as (height, width, 3) uint8 RGB."""
    try:
        data = np.fromfile(file, np.uint8)
    except OSError as error:
        raise_os_error(file, error)
    try:
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except cv2.error as error:
        raise _damaged(file) from error
    if picture is None:
        raise _damaged(file)
    return np.ascontiguousarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))


def _damaged(file: Path) -> UserError:
    return UserError(
        f"“{shown_name(file)}” cannot be decoded: the image is damaged or of an unsupported kind.",
        hint="Export it again as PNG.",
        code="media.bad_image",
    )
