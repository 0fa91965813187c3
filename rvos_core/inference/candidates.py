"""The masks of all tracks, one bit a cell, kept until the vote is final.

Beyond a budget they lie in a temporary file, not in memory.
"""

from __future__ import annotations

import tempfile
from types import TracebackType

import numpy as np

from rvos_core.errors import UserError

_BUDGET_BYTES = 16 * 1024 * 1024


class CandidateStore:
    """Appends frames, reads any of them back. Close it (or use it as a context manager) to drop the temporary file."""

    def __init__(self, *, budget_bytes: int = _BUDGET_BYTES) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=budget_bytes, prefix="rvos-candidates-")  # noqa: SIM115
        self._shape: tuple[int, int, int] | None = None
        self._frames = 0

    def __enter__(self) -> CandidateStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return self._frames

    def append(self, masks: np.ndarray) -> None:
        """Adds frames: `masks` (t, q, h, w) bool, of one shape for the whole run.

        Raises:
            UserError: the temporary folder is full or cannot be written.
        """
        frames, queries, height, width = masks.shape
        if self._shape not in (None, (queries, height, width)):
            raise ValueError(f"candidates change shape from {self._shape} to {(queries, height, width)}")
        self._shape = (queries, height, width)
        bits = np.packbits(masks.reshape(frames, queries, height * width), axis=-1)
        try:
            self._file.seek(self._frames * queries * bits.shape[-1])
            self._file.write(bits.tobytes())
        except OSError as error:
            raise UserError(
                f"The masks in progress cannot be kept in {tempfile.gettempdir()}: {error.strerror or error}.",
                hint="Free some space there, or set TMPDIR to a folder with room.",
                code="run.temporary_folder_full",
            ) from error
        self._frames += frames

    def mask(self, frame: int, track: int) -> np.ndarray:
        """(h, w) bool of one track on the `frame`-th frame that was appended."""
        if self._shape is None or not 0 <= frame < self._frames:
            raise IndexError(f"no candidates of frame {frame}")
        queries, height, width = self._shape
        size = (height * width + 7) // 8
        self._file.seek((frame * queries + track) * size)
        bits = np.frombuffer(self._file.read(size), dtype=np.uint8)
        return np.unpackbits(bits, count=height * width).astype(bool).reshape(height, width)

    def close(self) -> None:
        """Forget everything. Safe to call twice."""
        self._file.close()
