"""Reaching any row of a frame table: forward where the decoder stands before it, else from an anchor, else from the
start. What a seek yields is checked against the table, and a file that fails once is only decoded from the start."""

from __future__ import annotations

import logging
from collections import OrderedDict
from pathlib import Path
from typing import NoReturn

from rvos_core.errors import UserError
from rvos_core.media.container import PacketDecoder
from rvos_core.media.geometry import DecodedFrame
from rvos_core.media.sniff import check_unchanged, shown_name
from rvos_core.media.table import Anchor, FrameTable

log = logging.getLogger("rvos.media")

_RECENT_BYTES = 48 * 1024 * 1024
_RECENT_FRAMES = 500  # of very small ones: each takes more than its samples
_WALK_ROWS = 8  # an anchor so few rows ahead is reached sooner by decoding on than by a seek
_TRIES = 3


class _WrongLandingError(Exception):
    """Decoding after a seek did not yield what the table says."""


class FrameWalker:
    """The decoder of one reader. Not safe over threads.

    Rows of a table with fingerprints are exactly the decoded frames. In a table made from packets a row may lack its
    frame (its packet is damaged): then the frame before it stands, as in a player.
    """

    def __init__(self, path: Path, table: FrameTable) -> None:
        self._path = path
        self._table = table
        self._seeks = bool(table.anchors)
        check_unchanged(path, table.identity)
        self._decoder = PacketDecoder(path, threads=table.threads)
        self._prefers_pts = "matroska" in self._decoder.container.format.name
        self._recent: OrderedDict[int, DecodedFrame] = OrderedDict()
        self._recent_bytes = 0
        self._unproven: set[int] = set()  # of the recent rows, those that came of a seek and were not yet asked for
        self._held: DecodedFrame | None = None
        self._ahead: tuple[int, DecodedFrame] | None = None
        self._row = -1
        self._after_seek = False

    def close(self) -> None:
        """Release the file."""
        self._forget()
        self._decoder.close()

    def frame(self, row: int) -> DecodedFrame:
        """The frame of `row`, bit for bit the one that decoding from the start yields.

        Raises:
            UserError: the file has changed since the table was made, or is damaged there beyond repair.
        """
        if row in self._recent and self._is_proven(row):
            self._recent.move_to_end(row)
            return self._recent[row]
        if self._seeks and not self._is_near(row) and self._seek(row):
            return self._current(row)
        if row < self._row or (row == self._row and self._held is None):
            self._rewind()
        try:
            self._walk_to(row)
        except _WrongLandingError:  # on the way on from an earlier seek
            self._distrust_seeks()
            self._walk_to(row)
        return self._current(row)

    def try_seek(self, row: int) -> bool:
        """Go to `row` by a seek even where decoding on were shorter; False where that is not exact."""
        return self._seeks and self._seek(row)

    def _is_near(self, row: int) -> bool:
        if row < self._row:
            return False
        anchors = self._table.anchors_before(row)
        return not anchors or anchors[0].row <= self._row + _WALK_ROWS

    def _current(self, row: int) -> DecodedFrame:
        assert self._held is not None
        frame = self._held
        if frame.size != self._table.coded_size:
            raise size_change(self._path, row, self._table.coded_size, frame.size)
        return frame

    def _walk_to(self, row: int) -> None:
        while self._row < row:
            self._step()
        if self._row in self._recent and not self._is_proven(row):
            raise _WrongLandingError

    def _is_proven(self, row: int) -> bool:
        """True where the recent frame of `row` did not come of a seek, or is the one that the table says."""
        fingerprints = self._table.fingerprints
        if row in self._unproven and fingerprints is not None:
            if self._recent[row].fingerprint() != fingerprints[row]:
                return False
            self._unproven.discard(row)
        return True

    def _step(self) -> None:
        """Go on by one row; in a table made from packets the held frame may stay."""
        row = self._row + 1
        ahead = self._ahead or self._read_from(row)
        if ahead is None:  # the end
            if self._held is None or self._table.fingerprints is not None:
                self._end_too_early(row)
            self._row = row
            return
        ahead_row, frame = ahead
        if ahead_row == row:
            self._ahead = None
            self._hold(row, frame)
        else:
            if self._table.fingerprints is not None:
                raise _WrongLandingError
            if self._held is None:  # the first frames are missing
                self._held = frame
            self._ahead = ahead
            self._row = row

    def _read_from(self, row: int) -> tuple[int, DecodedFrame] | None:
        """The next frame at or after `row` with its row. From the start of a decoded table frames just count."""
        counts = self._table.fingerprints is not None and not self._after_seek
        while (frame := self._decoder.read()) is not None:
            found = row if counts else self._table.row_of(frame.pts)
            if found is not None and found >= row:
                return found, DecodedFrame(frame)
        return None

    def _hold(self, row: int, frame: DecodedFrame) -> None:
        self._row = row
        self._held = frame
        self._drop(row)
        self._recent[row] = frame
        self._recent_bytes += frame.nbytes
        if self._after_seek:
            self._unproven.add(row)
        while len(self._recent) > (1 if self._recent_bytes > _RECENT_BYTES else _RECENT_FRAMES):
            self._drop(next(iter(self._recent)))

    def _drop(self, row: int) -> None:
        frame = self._recent.pop(row, None)
        if frame is not None:
            self._recent_bytes -= frame.nbytes
            self._unproven.discard(row)

    def _seek(self, row: int) -> bool:
        for anchor, timestamp in self._attempts(row):
            self._decoder.seek(timestamp)
            if self._land(row):
                try:
                    self._walk_to(row)
                except _WrongLandingError:
                    break
                return True
            log.debug("seek to %s for frame %d of %s missed", anchor, row, shown_name(self._path))
        if self._table.fingerprints is not None:
            self._distrust_seeks()
        else:  # damaged just there; the rest of a long file stays in reach
            self._rewind()
        return False

    def _attempts(self, row: int) -> list[tuple[Anchor, int]]:
        attempts: list[tuple[Anchor, int]] = []
        for anchor in self._table.anchors_before(row)[:_TRIES]:
            dts = anchor.pts if anchor.dts is None else anchor.dts
            times = (anchor.pts, dts) if self._prefers_pts else (dts, anchor.pts)
            attempts += [(anchor, time) for time in dict.fromkeys(times)]
        return attempts

    def _land(self, row: int) -> bool:
        """Decode the landing of a seek; True where it lies at or before `row` and is what the table says."""
        self._reset(after_seek=True)
        frame = self._decoder.read()
        landing = self._decoder.landing_pts
        if frame is None or landing is None:
            return False
        base = self._table.row_from(landing)
        while frame is not None and (frame.pts is None or frame.pts < landing):
            frame = self._decoder.read()
        if frame is None or base > row or self._table.row_of(frame.pts) != base:
            return False
        self._hold(base, DecodedFrame(frame))
        return True

    def _distrust_seeks(self) -> None:
        log.info("seeking in %s is inexact: it is decoded from the start from now on", shown_name(self._path))
        self._seeks = False
        self._forget()
        self._rewind()

    def _rewind(self) -> None:
        check_unchanged(self._path, self._table.identity)
        self._decoder.rewind()
        self._reset(after_seek=False)

    def _reset(self, *, after_seek: bool) -> None:
        self._row = -1
        self._held = None
        self._ahead = None
        self._after_seek = after_seek

    def _forget(self) -> None:
        self._recent.clear()
        self._unproven.clear()
        self._recent_bytes = 0

    def _end_too_early(self, row: int) -> NoReturn:
        if self._after_seek:
            raise _WrongLandingError
        raise UserError(
            f"“{shown_name(self._path)}” can no longer be read at frame {row}; it seems to have "
            "changed since it was opened.",
            hint="Open it again.",
            code="media.changed",
        )


def size_change(path: Path, row: int, before: tuple[int, int], after: tuple[int, int]) -> UserError:
    """The picture changes size: masks belong to one size, so it is never resized silently."""
    return UserError(
        f"“{shown_name(path)}” changes size at frame {row}, from {before[0]} x {before[1]} to {after[0]} x {after[1]} "
        "pixels.",
        hint="Split it there and open the parts, or convert it to one size.",
        code="media.size_change",
    )
