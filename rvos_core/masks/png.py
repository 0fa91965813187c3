"""Masks as PNG files: mode L with 0 and 255 for one object, indexed with the DAVIS palette for several.

Indexed files go through Pillow only: OpenCV expands the palette and the ids are lost. Pillow is imported where it is
used, so that run lengths and metrics work on a machine without it.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from rvos_core.errors import UserError
from rvos_core.files import write_file
from rvos_core.masks.palette import davis_palette

if TYPE_CHECKING:
    from PIL.Image import Image

VOID = 255  # "do not score this pixel" in indexed files
MAX_OBJECT_ID = 254
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_PIXELS = 89_000_000  # where Pillow begins to suspect a decompression bomb
_BROKEN_PNG = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)  # what Pillow says of one
_MODES = {(0, 1): "1", (0, 2): "L", (0, 4): "L", (0, 8): "L", (3, 1): "P", (3, 2): "P", (3, 4): "P", (3, 8): "P"}


def write_mask_png(path: Path, mask: np.ndarray) -> None:
    """Write `mask` (H, W) bool as mode L, 0 and 255. Atomic. Raises: UserError: if the file cannot be written."""
    write_file(path, mask_png_bytes(mask))


def mask_png_bytes(mask: np.ndarray) -> bytes:
    """The file of `write_mask_png`. OpenCV's own settings (run-length deflate) are the fastest for masks, and small."""
    if mask.ndim != 2:
        raise ValueError(f"a mask has two dimensions, not {mask.ndim}")
    done, content = cv2.imencode(".png", mask.astype(bool, copy=False).view(np.uint8) * np.uint8(255))
    if not done:
        raise ValueError(f"OpenCV could not encode a mask of shape {mask.shape}")
    return content.tobytes()


def read_mask_png(path: Path, *, size: tuple[int, int] | None = None) -> np.ndarray:
    """Read one object's mask from a PNG of mode L, 1 or P.

    Args:
        path: the file. Indexed: every id but 0 and 255 (void) is the object. Otherwise, and where the palette is a
            grey ramp and holds no ids: every value but 0 is.
        size: (height, width) that the mask must have, if any.

    Returns:
        (H, W) bool.

    Raises:
        UserError: if the file cannot be read, is not such a PNG, has another size, or holds grey values.
    """
    image = _open(path, size=size)
    pixels = np.asarray(image)
    mask: np.ndarray = pixels != 0
    if image.mode == "P":
        return mask if _is_plain_mask(image, pixels) else mask & (pixels != VOID)
    if np.unique(pixels[mask]).size > 1:
        raise UserError(
            f"{path} has several grey values; a mask has two, 0 and 255.",
            hint="Threshold it, or save object ids as an indexed PNG.",
            code="masks.grey",
        )
    return mask


def read_indexed_png(path: Path, *, size: tuple[int, int] | None = None) -> np.ndarray:
    """Read object ids from a PNG of mode P, L or 1.

    A file of mode L or 1, or with a grey ramp for a palette, that has no values but 0 and white is one object's mask:
    its id is 1.

    Returns:
        (H, W) uint8: 0 background, object ids, 255 void.

    Raises:
        UserError: if the file cannot be read, is not such a PNG, or has another size than `size` (height, width).
    """
    image = _open(path, size=size)
    pixels = np.asarray(image)
    if image.mode == "1":
        return pixels.astype(np.uint8)
    if _is_plain_mask(image, pixels):
        return np.asarray(pixels == VOID, dtype=np.uint8)
    return np.array(pixels, dtype=np.uint8)


def write_indexed_png(path: Path, labels: np.ndarray) -> None:
    """Write object ids (H, W), any integer type, as an indexed PNG with the DAVIS palette. Atomic.

    Raises:
        UserError: if an id does not fit a byte, or the file cannot be written.
    """
    write_file(path, indexed_png_bytes(labels, path=path))


def indexed_png_bytes(labels: np.ndarray, *, path: Path) -> bytes:
    """The file of `write_indexed_png`; `path` is named where it cannot be made. Raises: UserError."""
    from PIL import Image

    if labels.ndim != 2:
        raise ValueError(f"labels of one frame have two dimensions, not {labels.ndim}")
    if labels.size and (labels.min() < 0 or labels.max() > VOID):
        raise UserError(
            f"{path} cannot hold object {int(labels.max() if labels.max() > VOID else labels.min())}: "
            f"an indexed PNG has room for {MAX_OBJECT_ID} objects (255 means void).",
            hint="Write one folder of masks per object instead.",
            code="masks.too_many_objects",
        )
    image = Image.fromarray(np.ascontiguousarray(labels, dtype=np.uint8), mode="P")
    image.putpalette(davis_palette().tobytes())
    content = BytesIO()
    image.save(content, format="PNG", compress_level=3)
    return content.getvalue()


def png_pixels(content: bytes, *, path: Path, size: tuple[int, int] | None) -> np.ndarray:
    """The values of a PNG of mode 1, L or P that lies inside the file `path`, as they are stored.

    Returns:
        (H, W) uint8 or bool.

    Raises:
        UserError: it is not such a PNG, or has another size than `size` (height, width).
    """
    return np.asarray(_decoded(content, path, size=size))


def _open(path: Path, *, size: tuple[int, int] | None) -> Image:
    return _decoded(_read(path), path, size=size)


def _decoded(content: bytes, path: Path, *, size: tuple[int, int] | None) -> Image:
    """Check the header before anything is decoded, then decode. Returns: a picture of mode 1, L or P."""
    from PIL import Image

    claimed = _checked_header(path, content[:33], size=size)
    try:
        image = Image.open(BytesIO(content), formats=("PNG",))
        if (*image.size, image.mode) != claimed:  # a second header further on overrules the first
            raise ValueError(f"{image.size}, {image.mode} after {claimed}")
        image.load()
    except (*_BROKEN_PNG, Image.DecompressionBombError) as error:
        raise UserError(
            f"{path} is damaged or cut short.", hint="Export or copy it again.", code="masks.damaged_png"
        ) from error
    return image


def _read(path: Path) -> bytes:
    try:
        if not path.is_file() and not path.is_dir() and path.exists():  # a pipe or a device might never end
            raise OSError(0, "it is no file")
        return path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}.",
            hint="Check the name and its permissions.",
            code="masks.unreadable",
        ) from error


def _checked_header(path: Path, header: bytes, *, size: tuple[int, int] | None) -> tuple[int, int, str]:
    """Width, height and Pillow's mode of the PNG that begins with `header`. Raises: UserError: it is no mask."""
    if len(header) < 33 or not header.startswith(_SIGNATURE) or header[12:16] != b"IHDR":
        what = "is empty (0 bytes)" if not header else "is not a PNG image"
        raise UserError(f"{path} {what}.", hint="Masks are PNG files.", code="masks.not_png")
    width, height, depth, colour = struct.unpack(">IIBB", header[16:26])
    if size is not None and (height, width) != size:
        raise UserError(
            f"{path} is {width}x{height}, the frames are {size[1]}x{size[0]}.",
            hint="Masks are never resized silently; export them at the size of the clip.",
            code="masks.size",
        )
    if width * height > _MAX_PIXELS or not width * height:
        raise UserError(
            f"{path} claims {width}x{height} pixels.", hint="It is not a mask of a video.", code="masks.size"
        )
    mode = _MODES.get((colour, depth))
    if mode is None:
        raise UserError(
            f"{path} is a colour, alpha or 16-bit picture, not a mask.",
            hint="Use a greyscale PNG with 0 and 255, or an indexed PNG with object ids.",
            code="masks.mode",
        )
    return width, height, mode


def _is_plain_mask(image: Image, pixels: np.ndarray) -> bool:
    """True for 0 and 255 where 255 is white: greys, or an indexed picture with a grey palette, not DAVIS ids.

    DAVIS's own palette ends in white too, but begins with colours.
    """
    palette = image.getpalette() if image.mode == "P" else None
    return (palette is None or _is_grey_to_white(palette)) and not np.any((pixels > 0) & (pixels < VOID))


def _is_grey_to_white(palette: list[int]) -> bool:
    colours = np.array(palette).reshape(-1, 3)
    return len(colours) == 256 and bool((colours == colours[:, :1]).all() and colours[-1, 0] == 255)
