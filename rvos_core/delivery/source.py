"""What a delivery takes over from its source beyond the pictures: timecode, and whether it is still the same file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rvos_core.delivery.timecode import Timecode
from rvos_core.errors import UserError
from rvos_core.media.container import open_container, timecodes_of
from rvos_core.media.sniff import file_identity
from rvos_core.types import MediaInfo


@dataclass(frozen=True)
class SourceFacts:
    """Of one clip.

    Attributes:
        identity: size and time of change of the file, see `file_identity`; None of a folder of pictures.
        timecode: of the first frame; None where the file has none.
        sound: its codec's name; None where there is no sound, or an unknown one.
    """

    identity: tuple[int, int] | None
    timecode: Timecode | None
    sound: str | None = None


def source_facts(info: MediaInfo) -> SourceFacts:
    """Read them. Raises: UserError: the source is gone or cannot be opened any more."""
    if info.kind != "video":
        return SourceFacts(None, None)
    identity = file_identity(info.path)
    with open_container(info.path) as container:
        texts = list(timecodes_of(container))
        track = next(iter(container.streams.audio), None)
        sound = track.codec_context.name if track is not None and track.codec_context is not None else None
    found = (Timecode.parse(text, info.rate) for text in texts)
    return SourceFacts(identity, next((each for each in found if each is not None), None), sound)


def check_same_source(path: Path, identity: tuple[int, int] | None) -> None:
    """Raises: UserError: the file at `path` is gone, or not the one that had this identity; None is not checked."""
    if identity is not None and file_identity(path) != identity:
        raise UserError(
            f"{path} has changed since its masks were made.",
            hint="Open it again and look whether the masks still fit.",
            code="delivery.source_changed",
        )
