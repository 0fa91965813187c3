"""What a path is, judged from its type and first bytes before any decoder touches it.

Nothing here decodes: it refuses what must never reach FFmpeg (devices, playlists, text, protected files) and tells
still images, folders and video containers apart by content, never by suffix.
"""

from __future__ import annotations

import codecs
import enum
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

from rvos_core.errors import UserError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
VIDEO_SUFFIXES = (
    ".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mts", ".m2ts", ".ts", ".mpg", ".mpeg", ".vob", ".mxf", ".wmv",
    ".flv", ".3gp", ".3g2", ".ogv", ".dv", ".ivf", ".y4m", ".h264", ".264", ".hevc", ".265", ".mjpeg", ".gif", ".apng",
    ".avif",
)  # fmt: skip
MEDIA_SUFFIXES = VIDEO_SUFFIXES + IMAGE_SUFFIXES

_HEAD_BYTES = 64 * 1024
_MOOV_SCAN_BYTES = 32 * 1024 * 1024
_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_ENCRYPTION = (
    bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e"),
    bytes.fromhex("148ae6292226174cb935dae07ee9289c"),
)
_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:")
_UNSUPPORTED_IMAGES = (
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"SDPX", "DPX"),
    (b"XPDS", "DPX"),
    (b"8BPS", "Photoshop"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"#?RADIANCE", "Radiance HDR"),
)


class PathKind(enum.Enum):
    """How a path is read."""

    VIDEO = "video"
    IMAGE = "image"
    FOLDER = "folder"


def shown_name(path: Path) -> str:
    """The file name as it can be shown in one line: control characters and undecodable bytes are escaped."""
    name = path.name or str(path)
    safe = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in safe)


def inspect_path(path: str | Path) -> PathKind:
    """Say how `path` is to be read.

    Raises:
        UserError: there is nothing there, it is not a plain file or folder, it is empty, or its first bytes say that
            it cannot be a video (web page, playlist, Git LFS pointer, unsupported image, protected media).
    """
    _refuse_url(path)
    path = Path(path)
    mode, size = _stat(path)
    if stat.S_ISDIR(mode):
        return PathKind.FOLDER
    if not stat.S_ISREG(mode):
        raise UserError(
            f"“{shown_name(path)}” is not a file but a pipe, socket or device.",
            hint="Choose a video file or a folder of images.",
            code="media.not_a_file",
        )
    if size == 0:
        raise UserError(
            f"“{shown_name(path)}” is empty (0 bytes).",
            hint="Copy or download it again.",
            code="media.empty_file",
        )
    try:
        with path.open("rb") as file:
            return _inspect_content(path, file)
    except OSError as error:
        raise_os_error(path, error)


def file_identity(path: Path) -> tuple[int, int]:
    """(size in bytes, time of the last change in ns): a file for which this differs has been replaced or edited."""
    try:
        found = path.stat()
    except OSError as error:
        raise_os_error(path, error)
    return found.st_size, found.st_mtime_ns


def check_unchanged(path: Path, identity: tuple[int, int]) -> None:
    """Raises: UserError: `path` is gone or no longer the file that had this `file_identity`."""
    if file_identity(path) != identity:
        raise UserError(
            f"“{shown_name(path)}” has changed since it was opened.", hint="Open it again.", code="media.changed"
        )


def raise_os_error(path: Path, error: OSError) -> NoReturn:
    """Turn an operating system's refusal into a `UserError` that names the file."""
    if isinstance(error, FileNotFoundError):
        raise UserError(
            f"“{shown_name(path)}” does not exist (looked for {_one_line(path)}).",
            hint="Check the name; the file may have been moved or renamed.",
            code="media.not_found",
        ) from error
    if isinstance(error, PermissionError):
        raise UserError(
            f"“{shown_name(path)}” may not be read: permission denied.",
            hint="Change its permissions or copy it to a folder of yours.",
            code="media.no_permission",
        ) from error
    raise UserError(
        f"“{shown_name(path)}” cannot be read: {error.strerror or error}.",
        hint="Check that the drive or network share is still there.",
        code="media.unreadable",
    ) from error


def _one_line(path: Path) -> str:
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii")
        for c in str(path.parent).encode("utf-8", "backslashreplace").decode("utf-8")
    )


def _refuse_url(path: str | Path) -> None:
    text = os.fspath(path)
    if _URL.match(text) and not os.path.lexists(text):
        raise UserError(
            f"“{text.split('?')[0][:200]}” is an address, not a file.",
            hint="Download the video first and open the file.",
            code="media.is_url",
        )


def _stat(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except ValueError as error:  # a NUL character in the name
        raise UserError(
            f"“{shown_name(path)}” is not a possible file name.", hint="Check the name.", code="media.not_found"
        ) from error
    except OSError as error:
        raise_os_error(path, error)
    return found.st_mode, found.st_size


def _inspect_content(path: Path, file: BinaryIO) -> PathKind:
    head = file.read(_HEAD_BYTES)
    _refuse_text(path, head)
    for magic, name in _UNSUPPORTED_IMAGES:
        if head.startswith(magic):
            raise UserError(
                f"“{shown_name(path)}” is a picture in {name} format, which is not supported.",
                hint="Convert it to PNG or TIFF.",
                code="media.unsupported_image",
            )
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        _refuse_animated_webp(path, head)
        return PathKind.IMAGE
    if _is_still_image(path, head):
        return PathKind.IMAGE
    if _is_protected(head, file):
        raise UserError(
            f"“{shown_name(path)}” is protected (DRM, encrypted) and cannot be decoded.",
            hint="Use a copy without protection.",
            code="media.encrypted",
        )
    return PathKind.VIDEO


def _refuse_text(path: Path, head: bytes) -> None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:512].lower()
    looks = ""
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml", b"<!--")):
        looks, hint = "a web page or XML", "The download probably failed: download it again."
    elif start.startswith(b"version https://git-lfs"):
        looks, hint = "a Git LFS pointer", "Fetch the real file with “git lfs pull”."
    elif start.startswith((b"ffconcat", b"#extm3u", b"v=0", b"[playlist]")):
        looks, hint = "a playlist that points to other files", "Open the video it points to."
    elif _is_text(head):
        looks, hint = "text", "Choose the video itself; was the download complete?"
    if looks:
        raise UserError(
            f"“{shown_name(path)}” is not a video: it looks like {looks}.", hint=hint, code="media.not_a_video"
        )


def _is_text(head: bytes) -> bool:
    if head.startswith((b"YUV4MPEG2", b"DKIF", b"FLV")):
        return False
    sample = head[:4096]
    if any(byte < 32 and byte not in (9, 10, 12, 13) for byte in sample):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)  # incremental: the sample may end inside a character
    except UnicodeDecodeError:
        return False
    return True


def _is_still_image(path: Path, head: bytes) -> bool:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return not _is_animated_png(head)
    if head.startswith(b"\xff\xd8\xff"):
        return path.suffix.lower() not in (".mjpeg", ".mjpg")
    if head.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        return True
    return head.startswith(b"BM") and head[6:10] == b"\x00\x00\x00\x00"


def _is_animated_png(head: bytes) -> bool:
    control = head.find(b"acTL")
    data = head.find(b"IDAT")
    return control >= 0 and (data < 0 or control < data)


def _refuse_animated_webp(path: Path, head: bytes) -> None:
    if head[12:16] == b"VP8X" and head[20] & 0x02:
        raise UserError(
            f"“{shown_name(path)}” is an animated WebP, which is not supported.",
            hint="Convert it to MP4, GIF or a folder of PNG images.",
            code="media.unsupported_image",
        )


def _is_protected(head: bytes, file: BinaryIO) -> bool:
    """True where the container itself says that its pictures are encrypted.

    Decoders often make plausible plain frames of such data without any error, so it must be found here.
    """
    if head.startswith(_ASF_HEADER):
        return any(guid in head for guid in _ASF_ENCRYPTION)
    if head[4:8] in (b"ftyp", b"moov", b"free", b"mdat", b"wide", b"styp", b"skip"):
        for kind, start, size in iter_boxes(file):
            if kind == b"moov":
                file.seek(start)
                moov = file.read(min(size, _MOOV_SCAN_BYTES))
                return b"encv" in moov and b"schm" in moov
    return False


def iter_boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Walk the top-level boxes of an MP4 file: (type, offset in bytes, size in bytes); stops at the first bad box."""
    end = file.seek(0, os.SEEK_END)
    offset = 0
    while offset + 8 <= end:
        file.seek(offset)
        header = file.read(16)
        size = int.from_bytes(header[:4], "big")
        if size == 1 and len(header) == 16:
            size = int.from_bytes(header[8:16], "big")
        elif size == 0:
            size = end - offset
        if size < 8:
            return
        yield header[4:8], offset, size
        offset += size
