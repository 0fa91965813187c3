"""The frame table: which frames a video file yields, in order, and from where each can be decoded exactly."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from rvos_core.media.timing import is_increasing


@dataclass(frozen=True)
class Anchor:
    """A key frame: decoding from it yields frames from `row` on exactly as decoding from the start does."""

    row: int
    pts: int
    dts: int | None


@dataclass(frozen=True)
class FrameTable:
    """Rows of a file's video track: the frames that decoding from the start puts out, in that order. Row = frame index.

    Attributes:
        pts: of every row, as decoded (may be missing or out of order; then there are no anchors).
        coded_size: (width, height) of the clip's frames, pixels.
        anchors: by row; empty where seeking is not to be trusted and every frame is reached from the start.
        fingerprints: of every row where the file was decoded as a whole, else None and rows come from packets alone.
        identity: what `sniff.file_identity` said of the file when it was read.
        threads: decoder threads; one for damaged files, whose frames may depend on it.
    """

    pts: tuple[int | None, ...]
    coded_size: tuple[int, int]
    identity: tuple[int, int]
    anchors: tuple[Anchor, ...] = ()
    fingerprints: tuple[int, ...] | None = None
    threads: int = 1

    def row_of(self, pts: int | None) -> int | None:
        """Row whose time is exactly `pts`; only in tables with anchors or made from packets (times increase there)."""
        if pts is None:
            return None
        row = self.row_from(pts)
        return row if row < len(self.pts) and self.pts[row] == pts else None

    def row_from(self, pts: int) -> int:
        """First row at or after `pts`; len(pts) behind the last one."""
        return bisect_left(self.pts, pts)  # type: ignore[type-var]  # no None where times increase

    def anchors_before(self, row: int) -> Sequence[Anchor]:
        """Anchors from which `row` can be decoded, the nearest first."""
        return self.anchors[: bisect_right(self.anchors, row, key=lambda anchor: anchor.row)][::-1]


def make_anchors(pts: Sequence[int | None], keys: Sequence[tuple[int | None, int | None]]) -> tuple[Anchor, ...]:
    """Anchors of the key packets `keys` (pts, dts); none where the rows' times do not increase."""
    if not is_increasing(pts):
        return ()
    anchors: dict[int, Anchor] = {}
    for key_pts, key_dts in keys:
        if key_pts is None:
            return ()
        row = bisect_left(pts, key_pts)  # type: ignore[type-var]
        if row < len(pts):
            anchors[row] = Anchor(row, key_pts, key_dts)
    return tuple(anchors[row] for row in sorted(anchors))
