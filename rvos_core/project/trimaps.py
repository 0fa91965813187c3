"""What a person painted over the automatic trimaps: a record per object and frame, and the edits of them.

It goes with the object, never with a mask: where a mask is replaced or deleted, what was painted stays and counts again
once there is a mask. Splitting, swapping and joining objects take it along (`track_edits`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast

from rvos_core.errors import UserError
from rvos_core.masks import Rle, TrimapStrokes
from rvos_core.project.codec import DamagedRow
from rvos_core.project.mask_edits import required_clip, required_object
from rvos_core.project.rows import Row, Rows
from rvos_core.project.schema import TRIMAP
from rvos_core.types import FrameSpan


@dataclass(frozen=True)
class TrimapRecord:
    """What is painted for one object on one frame, at display size."""

    object_id: int
    frame: int
    strokes: TrimapStrokes = field(repr=False)

    def row(self) -> Row:
        height, width = self.strokes.size
        parts = self.strokes.outside, self.strokes.unknown, self.strokes.inside
        return (self.object_id, self.frame, height, width, *(each.counts for each in parts))

    @staticmethod
    def of(row: Row) -> TrimapRecord:
        """Raises: DamagedRow: it is of no size that a frame can have."""
        object_id, frame, height, width, *counts = cast("tuple[Any, ...]", row)
        try:
            outside, unknown, inside = (Rle(height, width, each) for each in counts)
        except ValueError as error:
            raise DamagedRow(str(error)) from error
        return TrimapRecord(object_id, frame, TrimapStrokes(outside, unknown, inside))


@dataclass(frozen=True)
class PaintTrimap:
    """A frame of an object has this painted over its automatic trimap; where nothing is painted, no row is kept.

    Args:
        object_id, frame: whose, and where.
        strokes: all that is painted there from now on, not only what is new.
        what: how it was painted, for the history.
    """

    object_id: int
    frame: int
    strokes: TrimapStrokes = field(repr=False)
    what: str = "Paint trimap"

    @property
    def name(self) -> str:
        return f"{self.what} on frame {self.frame}"

    def apply(self, rows: Rows) -> None:
        clip = required_clip(rows, required_object(rows, self.object_id).media_id)
        height, width = self.strokes.size
        if (height, width) != (clip.height, clip.width):
            raise UserError(
                f"The painted trimap is {width}x{height}, the clip is {clip.width}x{clip.height}.",
                hint="Paint it on a frame of the clip.",
                code="project.mask_size",
            )
        put_trimap(rows, TrimapRecord(self.object_id, self.frame, self.strokes))


# -- what other edits share --------------------------------------------------------------------------------------------


def put_trimap(rows: Rows, record: TrimapRecord) -> None:
    """Write a record; take its row out where nothing is painted."""
    if not record.strokes.is_empty:
        rows.put(TRIMAP, record.row())
    elif rows.get(TRIMAP, record.object_id, record.frame) is not None:
        rows.delete(TRIMAP, record.object_id, record.frame)


def trimaps_of(rows: Rows, object_id: int, span: FrameSpan | None = None) -> dict[int, TrimapRecord]:
    """What is painted for an object, by frame. Raises: DamagedRow."""
    first, stop = (span.start, span.stop) if span is not None else (-(2**62), 2**62)
    found = rows.select(TRIMAP, "object_id=? AND frame>=? AND frame<?", (object_id, first, stop))
    return {record.frame: record for record in map(TrimapRecord.of, found)}


def move_trimaps(rows: Rows, old: int, new: int, span: FrameSpan) -> None:
    """What is painted for `old` in a span is painted for `new`, which has nothing there."""
    for frame, record in trimaps_of(rows, old, span).items():
        rows.put(TRIMAP, TrimapRecord(new, frame, record.strokes).row())
        rows.delete(TRIMAP, old, frame)


def swap_trimaps(rows: Rows, one: int, other: int, span: FrameSpan) -> None:
    """Two objects exchange what is painted for them in a span."""
    pairs = [(trimaps_of(rows, one, span), other), (trimaps_of(rows, other, span), one)]
    for found, _ in pairs:
        for record in found.values():
            rows.delete(TRIMAP, record.object_id, record.frame)
    for found, owner in pairs:
        for record in found.values():
            rows.put(TRIMAP, TrimapRecord(owner, record.frame, record.strokes).row())


def join_trimaps(rows: Rows, object_id: int, other: int, frame: int, *, ours: bool, theirs: bool) -> None:
    """On a frame of two objects that become one: what is painted for those whose mask counts there."""
    mine, painted = (trimaps_of(rows, each, FrameSpan(frame, frame + 1)).get(frame) for each in (object_id, other))
    if not theirs or (mine is None and painted is None):
        return
    if ours and mine is not None and painted is None:
        painted = replace(mine, strokes=TrimapStrokes.nothing(*mine.strokes.size))
    if painted is None:
        rows.delete(TRIMAP, object_id, frame)
        return
    strokes = painted.strokes
    if ours:
        strokes = strokes.joined(TrimapStrokes.nothing(*strokes.size) if mine is None else mine.strokes)
    put_trimap(rows, TrimapRecord(object_id, frame, strokes))


def delete_trimaps(rows: Rows, object_id: int) -> None:
    """Take all of an object's out."""
    for row in list(rows.select(TRIMAP, "object_id=?", (object_id,))):
        rows.delete(TRIMAP, *row[:2])
