"""Edits of whole tracks: split, join, swap, trim, say why something is out of sight, fill short gaps.

What a person locked is theirs. Trimming and filling leave locked frames alone and refuse a locked object. Splitting and
swapping change no mask: each goes to the other object as it is, with its lock, as the outline that was confirmed stays
confirmed and only the name on it was wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from rvos_core.errors import UserError
from rvos_core.masks import area, empty, union
from rvos_core.masks.interpolation import between
from rvos_core.project.edits import AddObject, DeleteObject
from rvos_core.project.mask_edits import DeleteMasks, frames_of, mask_at, required_clip, required_mask, required_object
from rvos_core.project.records import Absence, ExpressionRecord, MaskRecord, ObjectRecord
from rvos_core.project.rows import Rows
from rvos_core.project.schema import EXPRESSION, LOOK, MASK
from rvos_core.project.trimaps import join_trimaps, move_trimaps, swap_trimaps
from rvos_core.types import FrameSpan

TO_THE_END = 2**62  # the stop of a span that no clip is longer than
MAX_GAP = 12  # frames that are filled where nobody says otherwise: half a second of film
_ABSENCE_WORDS: dict[Absence, str] = {"occluded": "occluded", "out_of_frame": "out of the frame"}


@dataclass(frozen=True)
class MergeObjects:
    """Join `other` into `object_id`: masks of both, the expressions move over, then `other` goes.

    Where both have a mask and one of them is locked, that one counts, as it is; else their union does. Two locked ones
    are joined, as nothing that a person drew is to be lost. What was painted on trimaps goes with the mask that counts,
    and is joined where masks are.
    """

    object_id: int
    other: int
    name: str = "Merge objects"

    def apply(self, rows: Rows) -> None:
        if self.object_id == self.other:
            raise UserError("An object cannot be merged with itself.", code="project.same_object")
        required_same_clip(rows, self.object_id, self.other)
        for frame in frames_of(rows, self.other):
            theirs = required_mask(rows, self.other, frame)
            ours = mask_at(rows, self.object_id, frame)
            kept = theirs if ours is None else _joined(ours, theirs)
            rows.put(MASK, replace(kept, object_id=self.object_id).row())
            ours_counts = ours is not None and ours.locked >= theirs.locked
            theirs_counts = ours is None or theirs.locked >= ours.locked
            join_trimaps(rows, self.object_id, self.other, frame, ours=ours_counts, theirs=theirs_counts)
        for row in list(rows.select(EXPRESSION, "object_id=?", (self.other,))):
            rows.put(EXPRESSION, replace(ExpressionRecord.of(row), object_id=self.object_id).row())
        DeleteObject(self.other).apply(rows)


@dataclass(frozen=True)
class SplitObject:
    """From `frame` on the masks belong to a new object, with their locks; it looks as the old one does."""

    object_id: int
    frame: int
    new: ObjectRecord
    name: str = "Split object"

    def apply(self, rows: Rows) -> None:
        old = required_object(rows, self.object_id)
        moved = [frame for frame in frames_of(rows, self.object_id) if frame >= self.frame]
        if not moved:
            raise _nothing(f"“{old.name}” has no mask from frame {self.frame} on.")
        AddObject(self.new).apply(rows)
        look = rows.get(LOOK, self.object_id)
        if look is not None:
            rows.put(LOOK, (self.new.object_id, look[1]))
        for frame in moved:
            mask = required_mask(rows, self.object_id, frame)
            rows.put(MASK, replace(mask, object_id=self.new.object_id).row())
            rows.delete(MASK, self.object_id, frame)
        move_trimaps(rows, self.object_id, self.new.object_id, FrameSpan(self.frame, TO_THE_END))


@dataclass(frozen=True)
class SwapObjects:
    """What was taken for one object within `span` is the other, and the reverse: the two exchange their masks there.

    Masks move as they are, with lock, confidence and whatever else is known of them; where only one of the two has a
    mask, the other has it afterwards. Names, colours and expressions stay. Swapping again takes it back.
    """

    object_id: int
    other: int
    span: FrameSpan

    @property
    def name(self) -> str:
        if self.span.stop >= TO_THE_END:
            return f"Swap objects from frame {self.span.start}"
        return f"Swap objects in frames {self.span.start} to {self.span.stop - 1}"

    def apply(self, rows: Rows) -> None:
        if self.object_id == self.other:
            raise UserError("An object cannot be swapped with itself.", code="project.same_object")
        required_same_clip(rows, self.object_id, self.other)
        ours, theirs = (set(frames_of(rows, each, self.span)) for each in (self.object_id, self.other))
        if not ours | theirs:
            raise _nothing("Neither of the two objects has a mask there.")
        for frame in sorted(ours | theirs):
            pair = [mask_at(rows, each, frame) for each in (self.object_id, self.other)]
            for mask, owner in zip(pair, (self.other, self.object_id), strict=True):
                if mask is None:
                    rows.delete(MASK, owner, frame)
                else:
                    rows.put(MASK, replace(mask, object_id=owner).row())
        swap_trimaps(rows, self.object_id, self.other, self.span)


@dataclass(frozen=True)
class TrimObject:
    """Take an object's masks out of all frames outside `span`; locked ones stay, unless `locked_too` asks for them."""

    object_id: int
    span: FrameSpan
    locked_too: bool = False

    @property
    def name(self) -> str:
        return f"Trim to frames {self.span.start} to {self.span.stop - 1}"

    def apply(self, rows: Rows) -> None:
        if not self.locked_too:
            required_unlocked(rows, self.object_id)
        before = len(frames_of(rows, self.object_id))
        for outside in (FrameSpan(0, self.span.start), FrameSpan(self.span.stop, TO_THE_END)):
            DeleteMasks(self.object_id, outside, self.locked_too).apply(rows)
        if len(frames_of(rows, self.object_id)) == before:
            raise _nothing("There is no mask outside in and out but locked ones.")


@dataclass(frozen=True)
class MarkAbsent:
    """A person says why an object is not to be seen in a span: each frame has an empty, locked mask that says so.

    No run, no propagation and no filling puts anything there. What else was there goes, but for locked masks that show
    the object: those stay, unless `locked_too` asks for them (one frame, marked by name).
    """

    object_id: int
    span: FrameSpan
    absence: Absence
    locked_too: bool = False

    @property
    def name(self) -> str:
        frames = len(self.span)
        where = f"on frame {self.span.start}" if frames == 1 else f"on {frames} frames"
        return f"Mark as {_ABSENCE_WORDS[self.absence]} {where}"

    def apply(self, rows: Rows) -> None:
        clip = required_clip(rows, required_object(rows, self.object_id).media_id)
        if not self.span.start < self.span.stop <= clip.frame_count:
            raise UserError(
                f"Frames {self.span.start} to {self.span.stop - 1} are not all in the clip"
                f" (0 to {clip.frame_count - 1}).",
                hint="Choose frames of the clip.",
                code="project.no_frame",
            )
        nothing = empty(clip.height, clip.width)
        changed = False
        for frame in self.span:
            old = mask_at(rows, self.object_id, frame)
            if old is not None and old.locked and area(old.mask) and not self.locked_too:
                continue
            new = MaskRecord(self.object_id, frame, nothing, "manual", 1.0, False, True, absence=self.absence)
            if new != old:
                rows.put(MASK, new.row())
                changed = True
        if not changed:
            raise _nothing(f"There is nothing to mark: those frames are {_ABSENCE_WORDS[self.absence]} or locked.")


@dataclass(frozen=True)
class ClearAbsence:
    """Take back what `MarkAbsent` said in a span: marked frames have no mask any more, and runs may give them one."""

    object_id: int
    span: FrameSpan

    @property
    def name(self) -> str:
        return f"Clear the mark of frame {self.span.start}" if len(self.span) == 1 else "Clear marks"

    def apply(self, rows: Rows) -> None:
        required_object(rows, self.object_id)
        marked = [
            frame
            for frame in frames_of(rows, self.object_id, self.span)
            if required_mask(rows, self.object_id, frame).absence is not None
        ]
        if not marked:
            raise _nothing("None of those frames is marked as occluded or out of the frame.")
        for frame in marked:
            rows.delete(MASK, self.object_id, frame)


@dataclass(frozen=True)
class FillGaps:
    """Fill gaps of up to `max_gap` frames by masks that lead evenly from the one before to the one behind
    (`masks.interpolation`). They are not locked, and as sure as the less sure of the two.

    A gap is frames without a mask or with an empty one. One with a locked frame is left alone: there a person said that
    nothing is to be seen. Where a `span` is given, both masks lie in it.
    """

    object_id: int
    max_gap: int = MAX_GAP
    span: FrameSpan | None = None

    @property
    def name(self) -> str:
        return f"Fill gaps of up to {self.max_gap} frames"

    def apply(self, rows: Rows) -> None:
        required_unlocked(rows, self.object_id)
        filled = False
        for first, last in self._gaps(rows):
            before, after = (required_mask(rows, self.object_id, frame) for frame in (first, last))
            if (before.mask.height, before.mask.width) != (after.mask.height, after.mask.width):
                raise UserError(
                    f"The masks of frames {first} and {last} are of different sizes; nothing lies between them.",
                    hint="Draw one of them again.",
                    code="project.mask_size",
                )
            sure = min(before.confidence, after.confidence)
            for frame, mask in enumerate(between(before.mask, after.mask, last - first - 1), start=first + 1):
                rows.put(MASK, MaskRecord(self.object_id, frame, mask, "interpolated", sure).row())
                filled = True
        if not filled:
            raise _nothing(f"There is no gap of up to {self.max_gap} frames between two masks that could be filled.")

    def _gaps(self, rows: Rows) -> list[tuple[int, int]]:
        """(last frame before, first frame after) of each gap that is to be filled."""
        seen, locked = [], []
        for record in _masks(rows, self.object_id, self.span):
            if record.visible and area(record.mask):
                seen.append(record.frame)
            elif record.locked:
                locked.append(record.frame)
        return [
            (first, last)
            for first, last in pairwise(seen)
            if 0 < last - first - 1 <= self.max_gap and not any(first < frame < last for frame in locked)
        ]


# -- what they share ---------------------------------------------------------------------------------------------------


def required_unlocked(rows: Rows, object_id: int) -> ObjectRecord:
    """Raises: UserError: the object is gone, or locked as a whole."""
    found = required_object(rows, object_id)
    if found.locked:
        raise UserError(f"“{found.name}” is locked.", hint="Unlock the object first.", code="project.object_locked")
    return found


def required_same_clip(rows: Rows, first: int, second: int) -> None:
    """Raises: UserError: one of the objects is gone, or they belong to different clips."""
    one, other = required_object(rows, first), required_object(rows, second)
    if one.media_id != other.media_id:
        raise UserError(f"“{one.name}” and “{other.name}” are in different clips.", code="project.other_clip")


def _joined(ours: MaskRecord, theirs: MaskRecord) -> MaskRecord:
    if ours.locked != theirs.locked:
        return ours if ours.locked else theirs
    visible = ours.visible or theirs.visible
    mask = union(ours.mask, theirs.mask)
    return replace(ours, mask=mask, visible=visible, absence=None if visible else ours.absence or theirs.absence)


def _masks(rows: Rows, object_id: int, span: FrameSpan | None) -> Iterator[MaskRecord]:
    span = FrameSpan(0, TO_THE_END) if span is None else span
    found = rows.select(MASK, "object_id=? AND frame>=? AND frame<?", (object_id, span.start, span.stop))
    return (MaskRecord.of(row) for row in found)


def _nothing(message: str) -> UserError:
    """The edit would change nothing: better said than kept as an entry of the history."""
    return UserError(message, code="project.nothing_to_do")
