"""Edits of masks, and the rule that all of them keep: a person's word is never overwritten.

Runs and propagation go through `put_unlocked`, which leaves every locked frame alone, whoever calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from rvos_core.errors import UserError
from rvos_core.masks import Rle, area, difference, empty, union
from rvos_core.project.records import MaskRecord, MediaRecord, ObjectRecord
from rvos_core.project.rows import Rows
from rvos_core.project.schema import MASK, MEDIA, OBJECT
from rvos_core.types import FrameSpan


@dataclass(frozen=True)
class PutMasks:
    """Masks of a model, a propagation or an import; locked frames stay as they are."""

    masks: tuple[MaskRecord, ...] = field(repr=False)
    name: str = "Masks"

    def apply(self, rows: Rows) -> None:
        put_unlocked(rows, self.masks)


@dataclass(frozen=True)
class DrawMask:
    """A person's mask: it replaces what is there and locks the frame. `what`: how it was drawn, for the history."""

    object_id: int
    frame: int
    mask: Rle = field(repr=False)
    what: str = "Mask"

    @property
    def name(self) -> str:
        return f"{self.what} on frame {self.frame}"

    def apply(self, rows: Rows) -> None:
        required_object(rows, self.object_id)
        visible = area(self.mask) > 0
        rows.put(MASK, MaskRecord(self.object_id, self.frame, self.mask, "manual", 1.0, visible, locked=True).row())


@dataclass(frozen=True)
class Stroke:
    """A stroke of the brush or the eraser: `touched` is added to the mask or taken off it; the frame is locked."""

    object_id: int
    frame: int
    touched: Rle = field(repr=False)
    erases: bool = False

    @property
    def name(self) -> str:
        return f"{'Erase' if self.erases else 'Paint'} on frame {self.frame}"

    def apply(self, rows: Rows) -> None:
        old = mask_at(rows, self.object_id, self.frame)
        before = empty(self.touched.height, self.touched.width) if old is None else old.mask
        if (before.height, before.width) != (self.touched.height, self.touched.width):
            raise UserError(
                f"The stroke is {self.touched.width}x{self.touched.height}, the mask of frame {self.frame} is"
                f" {before.width}x{before.height}.",
                code="project.mask_size",
            )
        combine = difference if self.erases else union
        DrawMask(self.object_id, self.frame, combine(before, self.touched)).apply(rows)


@dataclass(frozen=True)
class DeleteMasks:
    """Take an object's masks out of a span. `locked_too`: a person asked for it by name."""

    object_id: int
    span: FrameSpan
    locked_too: bool = False

    @property
    def name(self) -> str:
        frames = len(self.span)
        return f"Delete the mask of frame {self.span.start}" if frames == 1 else f"Delete masks of {frames} frames"

    def apply(self, rows: Rows) -> None:
        kept = required_object(rows, self.object_id).locked and not self.locked_too
        for frame in () if kept else frames_of(rows, self.object_id, self.span):
            if self.locked_too or not required_mask(rows, self.object_id, frame).locked:
                rows.delete(MASK, self.object_id, frame)


@dataclass(frozen=True)
class LockFrames:
    """Accept the masks of these frames as they are, or let runs change them again."""

    object_id: int
    frames: tuple[int, ...]
    locked: bool = True

    @property
    def name(self) -> str:
        what = f"frame {self.frames[0]}" if len(self.frames) == 1 else f"{len(self.frames)} frames"
        return f"{'Lock' if self.locked else 'Unlock'} {what}"

    def apply(self, rows: Rows) -> None:
        for frame in self.frames:
            rows.put(MASK, replace(required_mask(rows, self.object_id, frame), locked=self.locked).row())


# -- what edits and runs share -----------------------------------------------------------------------------------------


def put_unlocked(rows: Rows, masks: Iterable[MaskRecord]) -> list[MaskRecord]:
    """Write masks, except on locked frames and on those of a locked object. Returns: those that were written.

    Raises:
        UserError: an object is gone.
    """
    locked: dict[int, bool] = {}
    written = []
    for record in masks:
        if record.object_id not in locked:
            locked[record.object_id] = required_object(rows, record.object_id).locked
        if locked[record.object_id]:
            continue
        old = mask_at(rows, record.object_id, record.frame)
        if old is None or not old.locked:
            rows.put(MASK, record.row())
            written.append(record)
    return written


def required_object(rows: Rows, object_id: int) -> ObjectRecord:
    """Raises: UserError: the object is gone."""
    row = rows.get(OBJECT, object_id)
    if row is None:
        raise UserError(f"Object {object_id} is not in the project (any more).", code="project.no_object")
    return ObjectRecord.of(row)


def required_clip(rows: Rows, media_id: int) -> MediaRecord:
    """Raises: UserError: the clip is not part of the project."""
    row = rows.get(MEDIA, media_id)
    if row is None:
        raise UserError(f"Clip {media_id} is not part of the project.", code="project.no_media")
    return MediaRecord.of(row)


def mask_at(rows: Rows, object_id: int, frame: int) -> MaskRecord | None:
    """The mask of one frame, or None where there is none."""
    row = rows.get(MASK, object_id, frame)
    return None if row is None else MaskRecord.of(row)


def required_mask(rows: Rows, object_id: int, frame: int) -> MaskRecord:
    """Raises: UserError: there is none."""
    found = mask_at(rows, object_id, frame)
    if found is None:
        raise UserError(f"Object {object_id} has no mask on frame {frame}.", code="project.no_mask")
    return found


def frames_of(rows: Rows, object_id: int, span: FrameSpan | None = None) -> list[int]:
    """Frames where an object has a mask, in order."""
    first, stop = (span.start, span.stop) if span is not None else (-(2**62), 2**62)
    found = rows.connection.execute(
        "SELECT frame FROM mask WHERE object_id=? AND frame>=? AND frame<? ORDER BY frame", (object_id, first, stop)
    )
    return [int(frame) for (frame,) in found]
