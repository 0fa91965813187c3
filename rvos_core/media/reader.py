"""What every part of the program reads frames through: one interface over video files and image sequences."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self

import numpy as np

from rvos_core.types import FrameSpan, MediaInfo


class StoredFrame(Protocol):
    """A frame as a cache keeps it: smaller than its picture where that loses nothing."""

    @property
    def nbytes(self) -> int: ...

    def to_rgb(self) -> np.ndarray:
        """The very array `MediaReader.frame` returns: (height, width, 3) uint8 RGB. Safe over threads."""
        ...


class MediaReader(ABC):
    """Reads one clip. A reader belongs to one thread; `reopen` gives another thread its own.

    The index lists exactly the frames that decoding from the start yields: `frame(i)` is bit for bit the i-th frame of
    `frames()`, whatever was read before.
    """

    info: MediaInfo

    @abstractmethod
    def stored(self, index: int) -> StoredFrame:
        """Frame `index` in the form a cache keeps.

        Raises:
            IndexError: there is no such frame.
            UserError: the file has changed, is gone, or its size changes there.
        """

    @abstractmethod
    def reopen(self) -> MediaReader:
        """A second reader of the same file for another thread, at no cost of indexing.

        Raises:
            UserError: the file has changed since it was opened, or is gone.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the file; the reader is of no further use. May be called twice."""

    def frame(self, index: int) -> np.ndarray:
        """Frame `index` as shown: (height, width, 3) uint8 RGB, an array of the caller's own.

        Raises:
            IndexError, UserError: as `stored`.
        """
        return self.stored(index).to_rgb()

    def frames(self, span: FrameSpan | None = None) -> Iterator[np.ndarray]:
        """The frames of `span` (all without one) in order; memory does not grow with their number.

        Raises:
            IndexError: the span reaches beyond the clip; at the first frame asked for.
            UserError: as `stored`.
        """
        span = span if span is not None else FrameSpan(0, len(self))
        if len(span):
            self.check_index(span.stop - 1)
        for index in span:
            yield self.frame(index)

    def check_index(self, index: int) -> int:
        """Raises: IndexError: `index` is not a frame of this clip (negative numbers are not)."""
        if not 0 <= index < self.info.frame_count:
            raise IndexError(f"frame {index} of a clip with frames 0 to {self.info.frame_count - 1}")
        return index

    def __len__(self) -> int:
        return self.info.frame_count

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
