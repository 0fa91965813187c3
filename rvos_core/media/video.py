"""Video files as clips."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rvos_core.media.geometry import DecodedFrame, DisplayGeometry
from rvos_core.media.index import MediaIndex, build_index
from rvos_core.media.reader import MediaReader, StoredFrame
from rvos_core.media.timing import is_variable, nominal_rate
from rvos_core.media.walker import FrameWalker
from rvos_core.types import MediaInfo


class VideoReader(MediaReader):
    """Reads a video file by its index."""

    def __init__(self, path: Path, index: MediaIndex, info: MediaInfo) -> None:
        self.info = info
        self._path = path
        self._index = index
        self._walker: FrameWalker | None = FrameWalker(path, index.table)

    @classmethod
    def open(cls, path: Path, *, as_coded: bool = False) -> VideoReader:
        """Index `path` and open it; `as_coded` as of `open_media`.

        Raises:
            UserError: it cannot be read as a video.
        """
        index = build_index(path)
        if as_coded:
            coded = DisplayGeometry(index.geometry.coded_width, index.geometry.coded_height)
            index = replace(index, geometry=coded)
        return cls(path, index, _describe(path, index))

    def stored(self, index: int) -> StoredFrame:
        self.check_index(index)
        if self._walker is None:
            raise ValueError("the reader is closed")
        frame = self._walker.frame(index)
        return _StoredVideoFrame(frame, self._index.geometry)

    def reopen(self) -> VideoReader:
        return VideoReader(self._path, self._index, self.info)

    def close(self) -> None:
        if self._walker is not None:
            self._walker.close()
            self._walker = None


@dataclass(frozen=True)
class _StoredVideoFrame:
    """A decoded frame in the file's own pixel format: half of RGB for the usual 4:2:0, and the same picture."""

    frame: DecodedFrame
    geometry: DisplayGeometry

    @property
    def nbytes(self) -> int:
        return self.frame.nbytes

    def to_rgb(self) -> np.ndarray:
        return self.frame.to_rgb(self.geometry)


def _describe(path: Path, index: MediaIndex) -> MediaInfo:
    facts, geometry = index.facts, index.geometry
    rate, is_assumed = nominal_rate(index.times, facts.time_base, facts.rates)
    return MediaInfo(
        path=path,
        kind="video",
        width=geometry.width,
        height=geometry.height,
        frame_count=len(index.times),
        rate=rate,
        rate_is_assumed=is_assumed,
        is_variable_rate=is_variable(index.times, facts.time_base, rate),
        pts=index.times,
        time_base=facts.time_base,
        codec=facts.codec,
        pixel_format=index.pixel_format,
        coded_width=geometry.coded_width,
        coded_height=geometry.coded_height,
        rotation_deg=geometry.rotation_deg,
        sample_aspect=geometry.sample_aspect,
        has_audio=facts.has_audio,
        damaged=index.damaged,
        warnings=index.warnings,
        timecode=facts.timecode,
    )
