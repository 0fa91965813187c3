"""The zip file that a benchmark's server takes: binary masks, checked before they go in; written at once or not."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

from rvos_core.errors import UserError
from rvos_core.files import atomic_file, writing
from rvos_core.types import CancelToken

_BEFORE_TIME = (1980, 1, 1, 0, 0, 0)  # the same masks give the same file
_IHDR = struct.Struct(">8sI4sIIBB")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY_8_BIT = (8, 0)


def write_archive(target: Path, files: Sequence[Path], *, below: Path, top: str, cancel: CancelToken) -> None:
    """Write `files` into `target` under their paths below `below`, with `top` before each.

    Args:
        target: the zip file.
        files: masks, mode L.
        below: folder that all of them lie in.
        top: folder inside the archive with a closing slash, or nothing.
        cancel: asked before each file.

    Raises:
        UserError: a mask is missing or is no greyscale PNG of 8 bits (an indexed picture is none), or the disk refuses.
        Cancelled: the person stopped it; an older archive stays.
    """

    def verify(part: Path) -> None:
        with zipfile.ZipFile(part) as archive:
            if len(archive.infolist()) != len(files):
                raise UserError(f"{target} was not written completely.", code="predict.archive")

    with (
        atomic_file(target, verify=verify) as part,
        writing(target),
        zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive,  # PNGs do not get smaller
    ):
        for path in files:
            cancel.raise_if_cancelled()
            entry = zipfile.ZipInfo(f"{top}{path.relative_to(below).as_posix()}", date_time=_BEFORE_TIME)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, _binary_mask(path))


def _binary_mask(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror or error}.",
            hint="Delete its folder and run it again; the other expressions are kept.",
            code="predict.missing_mask",
        ) from error
    header = content[: _IHDR.size]
    fields = _IHDR.unpack(header) if len(header) == _IHDR.size else (b"", 0, b"", 0, 0, 0, 0)
    if fields[0] != _SIGNATURE or fields[2] != b"IHDR":
        raise _no_mask(path, "is no PNG image")
    if fields[5:] != _GREY_8_BIT:
        raise _no_mask(path, "is an indexed (palette) picture" if fields[6] == 3 else "is no greyscale PNG of 8 bits")
    return content


def _no_mask(path: Path, what: str) -> UserError:
    return UserError(
        f"{path} {what}; the server takes greyscale masks with 0 and 255.",
        hint="Something else wrote it: delete its folder and run it again; the other expressions are kept.",
        code="predict.not_binary",
    )
