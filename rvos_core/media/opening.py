"""From a path to a reader: the one entrance to clips."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from rvos_core.errors import UsageError
from rvos_core.media.images import ImageReader
from rvos_core.media.reader import MediaReader
from rvos_core.media.sniff import PathKind, inspect_path
from rvos_core.media.timing import MAX_RATE
from rvos_core.media.video import VideoReader


def open_media(path: str | Path, *, fps: Fraction | None = None, as_coded: bool = False) -> MediaReader:
    """Open a video file, a folder of numbered images, or a single image (a clip of one frame).

    Args:
        fps: frames per second of an image sequence; 24 are assumed without it. Video files carry their own times.
        as_coded: pictures of a video file as they lie in it, without its rotation and pixel aspect: data sets are
            annotated on those. Everything else is in display geometry.

    Raises:
        UserError: the path cannot be read as a clip; message and hint are for a person.
        UsageError: `fps` is no possible rate.
    """
    if fps is not None and not 0 < fps <= MAX_RATE:
        raise UsageError(
            f"{fps} is no possible frame rate.", hint=f"Give a number from 0 to {MAX_RATE}.", code="media.fps"
        )
    kind = inspect_path(path)
    path = Path(path).absolute()  # the reader outlives a change of the working folder
    if kind is PathKind.FOLDER:
        return ImageReader.open_folder(path, fps=fps)
    if kind is PathKind.IMAGE:
        return ImageReader.open_file(path, fps=fps)
    return VideoReader.open(path, as_coded=as_coded)
