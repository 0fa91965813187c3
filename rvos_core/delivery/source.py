"""What a delivery takes over from its source beyond the pictures: timecode, and whether it is still the same file."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from av.container import InputContainer
from av.video.format import VideoFormat
from PIL import Image

from rvos_core.delivery.timecode import Timecode
from rvos_core.errors import UserError
from rvos_core.media.container import open_container, timecodes_of
from rvos_core.media.images import picture_files
from rvos_core.media.sniff import file_identity
from rvos_core.types import MediaInfo

if TYPE_CHECKING:
    from PIL.TiffImagePlugin import TiffImageFile

_PQ, _HLG, _BT2020 = 16, 18, 9  # of ITU-T H.273
_TIFF_BITS = 258  # the tag BitsPerSample
_PNG_BITS_AT = 24  # in the file: signature, IHDR's length and name, width, height


@dataclass(frozen=True)
class SourceFacts:
    """Of one clip.

    Attributes:
        identity: see `source_identity`; None: there is no file that could change.
        timecode: of the first frame; None where the file has none.
        sound: its codec's name; None where there is no sound, or an unknown one.
        wide: what its colours are beyond BT.709, for people: "PQ (HDR)", "HLG (HDR)", "BT.2020"; "": nothing.
        bits: of a sample.
    """

    identity: tuple[int, int] | None
    timecode: Timecode | None
    sound: str | None = None
    wide: str = ""
    bits: int = 8


def source_facts(info: MediaInfo) -> SourceFacts:
    """Read them. Raises: UserError: the source is gone or cannot be opened any more."""
    if info.kind != "video":
        return _picture_facts(info.path)
    identity = source_identity(info.path)
    with open_container(info.path) as container:
        texts = list(timecodes_of(container))
        track = next(iter(container.streams.audio), None)
        sound = track.codec_context.name if track is not None and track.codec_context is not None else None
        wide = _wide_colours(container)
    found = (Timecode.parse(text, info.rate) for text in texts)
    timecode = next((each for each in found if each is not None), None)
    return SourceFacts(identity, timecode, sound, wide, _bits(info.pixel_format))


def _picture_facts(path: Path) -> SourceFacts:
    if not path.exists():  # frames may come from elsewhere than a folder
        return SourceFacts(None, None)
    files = picture_files(path) if path.is_dir() else (path,)
    identity = _identity_of(files) if path.is_dir() else file_identity(path)
    return SourceFacts(identity, None, bits=_picture_bits(files[0]))


def _picture_bits(path: Path) -> int:
    """Bits a sample of a picture, by its header alone: of TIFF and PNG, others have 8."""
    try:
        with Image.open(path) as image:
            if image.format == "TIFF":
                given = cast("TiffImageFile", image).tag_v2.get(_TIFF_BITS, 8)
                return int(max(given) if isinstance(given, tuple) else given)
            if image.format != "PNG":
                return 8
        with path.open("rb") as file:
            return file.read(_PNG_BITS_AT + 1)[_PNG_BITS_AT]
    except (OSError, ValueError, SyntaxError, IndexError, TypeError):  # it is told when it is read
        return 8


def _wide_colours(container: InputContainer) -> str:
    context = next(iter(container.streams.video)).codec_context
    curve = {_PQ: "PQ (HDR)", _HLG: "HLG (HDR)"}.get(context.color_trc, "")
    return curve or ("BT.2020" if context.color_primaries == _BT2020 else "")


def _bits(pixel_format: str) -> int:
    try:
        return max(each.bits for each in VideoFormat(pixel_format).components)
    except ValueError:  # a name that FFmpeg does not have
        return 8


def source_identity(path: Path) -> tuple[int, int]:
    """Size and time of the last change of a file, or the like of all pictures in a folder: others, another source.

    Raises:
        UserError: it is gone or cannot be read.
    """
    return _identity_of(picture_files(path)) if path.is_dir() else file_identity(path)


def _identity_of(pictures: Sequence[Path]) -> tuple[int, int]:
    size = checksum = 0
    for picture in pictures:
        own = file_identity(picture)
        size += own[0]
        checksum = zlib.crc32(f"{picture.name}:{own}".encode("utf-8", "surrogateescape"), checksum)
    return size, checksum


def check_same_source(path: Path, identity: tuple[int, int] | None) -> None:
    """Raises: UserError: the file at `path` is gone, or not the one that had this identity; None is not checked."""
    if identity is not None and source_identity(path) != identity:
        raise UserError(
            f"{path} has changed since its masks were made.",
            hint="Open it again and look whether the masks still fit.",
            code="delivery.source_changed",
        )
