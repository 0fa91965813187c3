"""What the random machine of the history compares with, plain dictionaries, and its rules for whole tracks."""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from documents import HEIGHT, WIDTH, painted, thing
from rvos_core.errors import UserError
from rvos_core.masks import TrimapStrokes, area, empty, union
from rvos_core.masks.interpolation import between
from rvos_core.masks.trimap_strokes import INSIDE, OUTSIDE, UNKNOWN, UNPAINTED
from rvos_core.project.edits import Edit
from rvos_core.project.records import Absence, MaskRecord, ObjectRecord
from rvos_core.project.store import Project
from rvos_core.project.track_edits import (
    ClearAbsence,
    FillGaps,
    MarkAbsent,
    MergeObjects,
    SplitObject,
    SwapObjects,
    TrimObject,
)
from rvos_core.project.trimaps import PaintTrimap
from rvos_core.types import FrameSpan

FRAMES = 12
_Document = dict[str, dict[Any, Any]]
frames = st.integers(0, FRAMES - 1)
numbers = st.integers(0, 10_000)
picks = st.integers(0, 100)


def fresh() -> _Document:
    return {"objects": {}, "masks": {}, "settings": {}, "looks": {}, "trimaps": {}}


class Model:
    """What the document should be: plain dictionaries, copied whole for every entry of the history."""

    def __init__(self) -> None:
        self.now = fresh()
        self.done: list[_Document] = []
        self.undone: list[_Document] = []
        self.snapshots: dict[int, _Document] = {}

    def begin(self) -> None:
        self.done.append(deepcopy(self.now))
        self.undone.clear()

    def undo(self) -> bool:
        if not self.done:
            return False
        self.undone.append(self.now)
        self.now = self.done.pop()
        return True

    def redo(self) -> bool:
        if not self.undone:
            return False
        self.done.append(self.now)
        self.now = self.undone.pop()
        return True


class TrackRules:
    """Rules that split, join, swap, trim, mark and fill, in the project and in the model alike."""

    project: Project
    model: Model

    @property
    def objects(self) -> dict[int, ObjectRecord]:
        return self.model.now["objects"]

    def pick(self, number: int) -> int:
        ids = sorted(self.objects)
        return ids[number % len(ids)]

    def masks_of(self, object_id: int) -> dict[int, MaskRecord]:
        return {frame: mask for (owner, frame), mask in self.model.now["masks"].items() if owner == object_id}

    @precondition(lambda self: len(self.objects) > 1)
    @rule(which=picks)
    def merge_objects(self, which: int) -> None:
        first, second = self.pick(which), self.pick(which + 1)
        self.project.apply(MergeObjects(first, second))
        self.model.begin()
        ours, theirs = self.masks_of(first), self.masks_of(second)
        for frame, mask in theirs.items():
            own = ours.get(frame)
            if own is None or (mask.locked and not own.locked):
                self.model.now["masks"][first, frame] = replace(mask, object_id=first)
            elif own.locked == mask.locked:
                seen = own.visible or mask.visible
                why = None if seen else own.absence or mask.absence
                joined = replace(own, mask=union(own.mask, mask.mask), visible=seen, absence=why)
                self.model.now["masks"][first, frame] = joined
            del self.model.now["masks"][second, frame]
        self.join_trimaps(first, second, ours, theirs)
        self.model.now["looks"].pop(second, None)
        del self.objects[second]

    def join_trimaps(self, first: int, second: int, ours: dict[int, MaskRecord], theirs: dict[int, MaskRecord]) -> None:
        """What is painted where: told by labels, pixel by pixel."""
        now = self.model.now["trimaps"]
        for at in range(FRAMES):
            mine, other = now.get((first, at)), now.pop((second, at), None)
            if at not in theirs or (at in ours and ours[at].locked and not theirs[at].locked):
                continue
            if at not in ours or (theirs[at].locked and not ours[at].locked):
                found = other
            elif mine is None and other is None:
                continue
            else:
                found = _both(mine, other)
            now.pop((first, at), None)
            if found is not None and not found.is_empty:
                now[first, at] = found

    @precondition(lambda self: self.objects)
    @rule(which=picks, frame=frames)
    def split_object(self, which: int, frame: int) -> None:
        old, new = self.pick(which), thing(self.project.next_object_id())
        if not self.does(SplitObject(old, frame, new), any(at >= frame for at in self.masks_of(old))):
            return
        self.objects[new.object_id] = new
        if old in self.model.now["looks"]:
            self.model.now["looks"][new.object_id] = self.model.now["looks"][old]
        for at, mask in self.masks_of(old).items():
            if at >= frame:
                del self.model.now["masks"][old, at]
                self.model.now["masks"][new.object_id, at] = replace(mask, object_id=new.object_id)
        self.hand_on(frame, FRAMES, {old: new.object_id})

    def hand_on(self, start: int, stop: int, owners: dict[int, int]) -> None:
        """What is painted from `start` to `stop` has other owners."""
        self.model.now["trimaps"] = {
            (owners.get(owner, owner) if start <= at < stop else owner, at): strokes
            for (owner, at), strokes in self.model.now["trimaps"].items()
        }

    @precondition(lambda self: self.objects)
    @rule(which=picks, frame=frames, number=numbers)
    def paint_trimap(self, which: int, frame: int, number: int) -> None:
        object_id = self.pick(which)
        strokes = painted(number) if number % 4 else TrimapStrokes.nothing(HEIGHT, WIDTH)
        self.project.apply(PaintTrimap(object_id, frame, strokes))
        self.model.begin()
        self.model.now["trimaps"].pop((object_id, frame), None)
        if not strokes.is_empty:
            self.model.now["trimaps"][object_id, frame] = strokes

    def does(self, edit: Edit, changes: bool) -> bool:
        """Make an edit that changes something, as the model says, and is refused where it would not."""
        if not changes:
            with pytest.raises(UserError):
                self.project.apply(edit)
            return False
        self.project.apply(edit)
        self.model.begin()
        return True

    @precondition(lambda self: len(self.objects) > 1)
    @rule(which=picks, first=frames, length=st.integers(1, FRAMES), to_the_end=st.booleans())
    def swap_objects(self, which: int, first: int, length: int, to_the_end: bool) -> None:
        one, two = self.pick(which), self.pick(which + 1)
        span = FrameSpan(first, FRAMES if to_the_end else first + length)
        ours, theirs = self.masks_of(one), self.masks_of(two)
        if not self.does(SwapObjects(one, two, span), any(at in span for at in ours | theirs)):
            return
        kept = {key: mask for key, mask in self.model.now["masks"].items() if key[0] not in (one, two)}
        for at in range(FRAMES):
            here = {one: two, two: one} if at in span else {one: one, two: two}
            for source, masks in ((one, ours), (two, theirs)):
                if at in masks:
                    kept[here[source], at] = replace(masks[at], object_id=here[source])
        self.model.now["masks"] = kept
        self.hand_on(span.start, span.stop, {one: two, two: one})

    @precondition(lambda self: self.objects)
    @rule(which=picks, first=frames, length=st.integers(1, FRAMES), locked_too=st.booleans())
    def trim_object(self, which: int, first: int, length: int, locked_too: bool) -> None:
        object_id, span = self.pick(which), FrameSpan(first, first + length)
        go = [at for at, mask in self.masks_of(object_id).items() if at not in span and (locked_too or not mask.locked)]
        free = locked_too or not self.objects[object_id].locked
        if self.does(TrimObject(object_id, span, locked_too), bool(go) and free):
            for at in go:
                del self.model.now["masks"][object_id, at]

    @precondition(lambda self: self.objects)
    @rule(which=picks, first=frames, length=st.integers(1, 4), occluded=st.booleans(), locked_too=st.booleans())
    def mark_absent(self, which: int, first: int, length: int, occluded: bool, locked_too: bool) -> None:
        object_id = self.pick(which)
        why: Absence = "occluded" if occluded else "out_of_frame"
        span = FrameSpan(first, min(first + length, FRAMES))
        new = {}
        for at in span:
            old = self.masks_of(object_id).get(at)
            if locked_too or old is None or not old.locked or not area(old.mask):
                mark = MaskRecord(object_id, at, empty(HEIGHT, WIDTH), "manual", 1.0, False, True, 0, why)
                new.update({} if mark == old else {(object_id, at): mark})
        if self.does(MarkAbsent(object_id, span, why, locked_too), bool(new)):
            self.model.now["masks"].update(new)

    @precondition(lambda self: self.objects)
    @rule(which=picks, first=frames, length=st.integers(1, 5))
    def clear_absence(self, which: int, first: int, length: int) -> None:
        object_id, span = self.pick(which), FrameSpan(first, first + length)
        go = [at for at, mask in self.masks_of(object_id).items() if at in span and mask.absence]
        if self.does(ClearAbsence(object_id, span), bool(go)):
            for at in go:
                del self.model.now["masks"][object_id, at]

    @precondition(lambda self: self.objects)
    @rule(which=picks, most=st.integers(1, 6))
    def fill_gaps(self, which: int, most: int) -> None:
        object_id, new = self.pick(which), {}
        masks = self.masks_of(object_id)
        told = "".join(_kind(masks.get(at)) for at in range(FRAMES))
        for gap in re.finditer(rf"(?<=S)u{{1,{most}}}(?=S)", told):
            ends = masks[gap.start() - 1], masks[gap.end()]
            sure = min(each.confidence for each in ends)
            made = between(ends[0].mask, ends[1].mask, gap.end() - gap.start())
            for at, mask in enumerate(made, start=gap.start()):
                new[object_id, at] = MaskRecord(object_id, at, mask, "interpolated", sure)
        if self.does(FillGaps(object_id, most), bool(new) and not self.objects[object_id].locked):
            self.model.now["masks"].update(new)


def _both(mine: TrimapStrokes | None, other: TrimapStrokes | None) -> TrimapStrokes:
    """Inside of either, else unknown of either, outside of both."""
    blank = np.full((HEIGHT, WIDTH), UNPAINTED, dtype=np.uint8)
    one, two = (blank if each is None else each.labels() for each in (mine, other))
    either = {label: (one == label) | (two == label) for label in (UNKNOWN, INSIDE)}
    found = np.where((one == OUTSIDE) & (two == OUTSIDE), np.uint8(OUTSIDE), blank)
    for label in (UNKNOWN, INSIDE):
        found[either[label]] = label
    return TrimapStrokes.of(found)


def _kind(mask: MaskRecord | None) -> str:
    """S: seen; l: a person's word that nothing is to be seen; u: unseen."""
    if mask is not None and mask.visible and area(mask.mask):
        return "S"
    return "l" if mask is not None and mask.locked else "u"
