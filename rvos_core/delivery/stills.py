"""One picture of a sequence as PNG, TIFF or EXR, and its alpha read back by other code than wrote it."""

from __future__ import annotations

import errno
import json
import re
import shutil
import zlib
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext

from rvos_core.delivery.outputs import CUTOUT
from rvos_core.delivery.pixels import (
    Picture,
    colours,
    linear_light,
    premultiplied,
    quantised,
    shown_colours,
    shown_plane,
    together,
    unit,
)
from rvos_core.delivery.plan import DeliveryObject
from rvos_core.delivery.spec import DeliverySpec

_PNG_LEVEL = 1  # of 9: larger by a tenth than 6, and three times as fast


def write_still(
    part: Path, spec: DeliverySpec, objects: Sequence[DeliveryObject], pictures: Sequence[Picture]
) -> tuple[int, int]:
    """Write one frame.

    Args:
        part: the new file, in a folder that is not yet the final one.
        objects, pictures: in the same order, the topmost last.

    Returns:
        Size in bytes and crc32 of the file.

    Raises:
        OSError: the disk refuses.
        ValueError: a cut-out without colours.
    """
    if spec.format == "exr":
        _write_exr(part, spec, objects, pictures)
        content = part.read_bytes()
    else:
        picture = together(pictures)
        content = _png(picture, spec) if spec.format == "png" else _tiff(picture, spec)
        part.write_bytes(content)
    return len(content), zlib.crc32(content)


def channel_names(objects: Sequence[DeliveryObject]) -> list[str]:
    """`matte.<object>` of each: letters, digits and underscores, no two alike."""
    names: list[str] = []
    for each in objects:
        plain = re.sub(r"[^A-Za-z0-9_]+", "_", each.name).strip("_") or f"object_{each.object_id}"
        name = f"matte.{plain}"
        while name in names:
            name += f"_{each.object_id}"
        names.append(name)
    return names


def read_named_channels(path: Path, names: Sequence[str]) -> np.ndarray:
    """Channels of an EXR picture, (names, H, W) float32. Only OpenEXR itself can give them. Raises: ValueError."""
    return np.stack([_exr_channel(path, name) for name in names])


def read_still(path: Path, spec: DeliverySpec) -> tuple[np.ndarray, np.ndarray | None]:
    """A picture as another reader sees it: alpha of a cut-out, or a matte, (H, W) float32; and a cut-out's colours.

    FFmpeg reads what OpenCV, tifffile and OpenEXR wrote, but for EXR of mattes, see `read_named_channels`; DWAA with
    more channels than R, G, B and A it alone reads rightly (FFmpeg 8 mistakes colours, and alpha of 32 bits).
    Colours are (H, W, 3) float32, as they lie in the file.

    Raises:
        ValueError: it cannot be read, or has no alpha.
    """
    if spec.format == "exr" and spec.compression == "dwaa":
        pixels = _exr_channel(path, "RGBA")
        return pixels[..., 3], pixels[..., :3]
    context = cast("VideoCodecContext", av.CodecContext.create(spec.format, "r"))
    context.thread_count = 1
    try:
        frames = [*context.decode(av.Packet(path.read_bytes())), *context.decode(None)]
    except av.FFmpegError as error:
        raise ValueError(f"it cannot be decoded: {error.strerror}") from error
    if not frames:
        raise ValueError("it cannot be decoded")
    is_cutout = spec.chosen_content == CUTOUT
    return shown_plane(frames[0], alpha=is_cutout), shown_colours(frames[0]) if is_cutout else None


def _samples(picture: Picture, spec: DeliverySpec) -> np.ndarray:
    """(H, W) or (H, W, 4), RGBA, uint8 or uint16."""
    bits = spec.chosen_depth
    alpha = quantised(picture.alpha, 2**bits - 1)
    if spec.chosen_content != CUTOUT:
        return alpha
    rgb = premultiplied(picture) if spec.premultiplied else picture.rgb
    if rgb is None:
        raise ValueError("this frame has no colours")
    return np.dstack([colours(rgb, bits), alpha])


def _png(picture: Picture, spec: DeliverySpec) -> bytes:
    samples = _samples(picture, spec)
    if samples.ndim == 3:
        samples = cv2.cvtColor(samples, cv2.COLOR_RGBA2BGRA)
    done, content = cv2.imencode(".png", samples, (cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL))
    if not done:
        raise ValueError(f"OpenCV could not encode a picture of shape {samples.shape}")
    return bytes(content.tobytes())


def _tiff(picture: Picture, spec: DeliverySpec) -> bytes:
    import tifffile

    samples = _samples(picture, spec)
    options: dict[str, Any] = {"photometric": "minisblack"}
    if samples.ndim == 3:
        kind = "assocalpha" if spec.premultiplied else "unassalpha"
        options = {"photometric": "rgb", "extrasamples": [kind]}
    content = BytesIO()
    tifffile.imwrite(content, samples, compression="zlib", metadata=None, software=False, **options)
    return content.getvalue()


def _write_exr(part: Path, spec: DeliverySpec, objects: Sequence[DeliveryObject], pictures: Sequence[Picture]) -> None:
    import OpenEXR

    kind = np.float16 if spec.chosen_depth == 16 else np.float32
    names = channel_names(objects)
    channels: dict[str, np.ndarray] = {
        name: np.ascontiguousarray(np.clip(picture.alpha, 0, 1), kind)
        for name, picture in zip(names, pictures, strict=True)
    }
    if spec.chosen_content == CUTOUT:
        picture = together(pictures)
        if picture.rgb is None:
            raise ValueError("this frame has no colours")
        rgb, alpha = unit(picture.rgb), np.clip(picture.alpha, 0, 1)
        if spec.linear:
            rgb = linear_light(rgb)
        if spec.premultiplied:
            rgb = rgb * alpha[..., None]
        channels["RGBA"] = np.ascontiguousarray(np.dstack([rgb, alpha]), kind)
    needed = sum(channel.nbytes for channel in channels.values())
    try:
        with OpenEXR.File(_exr_header(OpenEXR, spec, objects, names), channels) as file:
            file.write(str(part))
        with OpenEXR.File(str(part)):  # on a full disk writing alone does not fail
            pass
    except RuntimeError as error:
        is_full = shutil.disk_usage(part.parent).free < needed
        raise OSError(errno.ENOSPC if is_full else errno.EIO, str(error), str(part)) from error


def _exr_header(
    library: Any, spec: DeliverySpec, objects: Sequence[DeliveryObject], names: Sequence[str]
) -> Mapping[str, Any]:
    compression = library.DWAA_COMPRESSION if spec.compression == "dwaa" else library.ZIP_COMPRESSION
    described = [
        {"channel": name, "id": each.object_id, "name": each.name, "expression": each.expression}
        for name, each in zip(names, objects, strict=True)
    ]
    header = {
        "compression": compression,
        "type": library.scanlineimage,
        "rvos/objects": json.dumps(described),
        "rvos/expression": "; ".join(each.expression for each in objects if each.expression) or "-",
    }
    if spec.chosen_content == CUTOUT:
        header["rvos/alpha"] = "premultiplied" if spec.premultiplied else "straight"
        header["rvos/transfer"] = "linear" if spec.linear else "sRGB"
    return header


def _exr_channel(path: Path, channel: str) -> np.ndarray:
    """(H, W) float32; of "RGBA" (H, W, 4). Raises: ValueError: there is no such channel."""
    import OpenEXR

    try:
        with OpenEXR.File(str(path)) as file:
            return np.asarray(file.channels()[channel].pixels, np.float32)
    except (RuntimeError, KeyError) as error:
        raise ValueError(f"it has no channel {channel} that can be read") from error
