"""A drawn clip as the media reader that a run expects, without a file and without PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

import numpy as np

from rvos_core.types import FrameSpan, MediaInfo

if TYPE_CHECKING:
    from rvos_core.media import MediaReader


def clip_reader(frames: np.ndarray, *, name: str, rate: Fraction) -> MediaReader:
    """A reader of `frames` (T, H, W, 3) uint8 RGB that has what `MediaReader` promises.

    It is no subclass: importing `rvos_core.media` needs PyAV, which a training machine may lack.
    """
    return cast("MediaReader", _ClipReader(frames, name=name, rate=rate))


class _ClipReader:
    def __init__(self, frames: np.ndarray, *, name: str, rate: Fraction) -> None:
        count, height, width, _ = frames.shape
        self._frames = frames
        self._name = name
        self.info = MediaInfo(
            path=Path(name),
            kind="images",
            width=width,
            height=height,
            frame_count=count,
            rate=rate,
            rate_is_assumed=False,
            is_variable_rate=False,
            pts=tuple(range(count)),
            time_base=1 / rate,
            codec="drawn",
            pixel_format="rgb24",
            coded_width=width,
            coded_height=height,
            rotation_deg=0,
            sample_aspect=Fraction(1),
            has_audio=False,
        )

    def __len__(self) -> int:
        return self.info.frame_count

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def frame(self, index: int) -> np.ndarray:
        return np.asarray(self._frames[index])

    def frames(self, span: FrameSpan | None = None) -> Iterator[np.ndarray]:
        yield from (self._frames if span is None else self._frames[span.start : span.stop])

    def reopen(self) -> Self:
        return type(self)(self._frames, name=self._name, rate=self.info.rate)

    def close(self) -> None:
        """Nothing to release."""
