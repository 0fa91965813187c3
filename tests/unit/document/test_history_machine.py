"""Random edits, undos, redos, snapshots, reopenings and crashes against a dictionary: equal at every step."""

from __future__ import annotations

import shutil
import tempfile
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from document_model import FRAMES, Model, TrackRules, frames, numbers, picks
from documents import clip_record, numbered_mask, state_of, thing
from rvos_core.masks import area, difference, empty, union
from rvos_core.project.edits import AddObject, ChangeObject, DeleteObject, SetLook, SetSetting
from rvos_core.project.mask_edits import DeleteMasks, DrawMask, LockFrames, PutMasks, Stroke
from rvos_core.project.records import MaskRecord
from rvos_core.project.store import Project
from rvos_core.types import FrameSpan


class DocumentMachine(TrackRules, RuleBasedStateMachine):
    """Rules change project and model alike; the invariant compares all of both."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="rvos-machine-"))
        self.path = self.folder / "p.rvos"
        self.project = Project.create(self.path, program="test")
        self.project.add_media(clip_record(frames=FRAMES), range(FRAMES))
        self.model = Model()
        self.crashes = 0

    def teardown(self) -> None:
        self.project.close()
        shutil.rmtree(self.folder)

    @initialize()
    def start_with_an_object(self) -> None:
        self.add_object()

    def put_unlocked(self, records: list[MaskRecord]) -> None:
        for record in records:
            old = self.model.now["masks"].get((record.object_id, record.frame))
            if not self.objects[record.object_id].locked and (old is None or not old.locked):
                self.model.now["masks"][record.object_id, record.frame] = record

    # -- objects -----------------------------------------------------------------------------------------------------

    @rule()
    def add_object(self) -> None:
        made = thing(self.project.next_object_id())
        self.project.apply(AddObject(made))
        self.model.begin()
        self.objects[made.object_id] = made

    @precondition(lambda self: self.objects)
    @rule(which=picks, locked=st.booleans(), name=st.text(max_size=6, alphabet=st.characters(codec="utf-8")))
    def change_object(self, which: int, locked: bool, name: str) -> None:
        object_id = self.pick(which)
        self.project.apply(ChangeObject(object_id, new_name=name, locked=locked))
        self.model.begin()
        self.objects[object_id] = replace(self.objects[object_id], name=name, locked=locked)

    @precondition(lambda self: self.objects)
    @rule(which=picks)
    def delete_object(self, which: int) -> None:
        object_id = self.pick(which)
        self.project.apply(DeleteObject(object_id))
        self.model.begin()
        del self.objects[object_id]
        self.model.now["looks"].pop(object_id, None)
        for frame in self.masks_of(object_id):
            del self.model.now["masks"][object_id, frame]
        trimaps = self.model.now["trimaps"]
        self.model.now["trimaps"] = {key: strokes for key, strokes in trimaps.items() if key[0] != object_id}

    # -- masks -------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.objects)
    @rule(which=picks, frame=frames, number=numbers)
    def draw(self, which: int, frame: int, number: int) -> None:
        object_id, mask = self.pick(which), numbered_mask(number)
        self.project.apply(DrawMask(object_id, frame, mask))
        self.model.begin()
        self.model.now["masks"][object_id, frame] = MaskRecord(
            object_id, frame, mask, "manual", 1.0, area(mask) > 0, locked=True
        )

    @precondition(lambda self: self.objects)
    @rule(which=picks, frame=frames, number=numbers, erases=st.booleans())
    def stroke(self, which: int, frame: int, number: int, erases: bool) -> None:
        object_id, touched = self.pick(which), numbered_mask(number)
        self.project.apply(Stroke(object_id, frame, touched, erases))
        self.model.begin()
        old = self.model.now["masks"].get((object_id, frame))
        before = empty(touched.height, touched.width) if old is None else old.mask
        mask = difference(before, touched) if erases else union(before, touched)
        self.model.now["masks"][object_id, frame] = MaskRecord(
            object_id, frame, mask, "manual", 1.0, area(mask) > 0, locked=True
        )

    @precondition(lambda self: self.objects)
    @rule(which=picks, frame=frames, number=numbers)
    def put_masks(self, which: int, frame: int, number: int) -> None:
        object_id = self.pick(which)
        records = [
            MaskRecord(object_id, at, numbered_mask(number + at), "propagated", 0.5) for at in range(frame, FRAMES)
        ]
        self.project.apply(PutMasks(tuple(records)))
        self.model.begin()
        self.put_unlocked(records)

    @precondition(lambda self: self.objects)
    @rule(which=picks, first=frames, length=frames, locked_too=st.booleans())
    def delete_masks(self, which: int, first: int, length: int, locked_too: bool) -> None:
        object_id, span = self.pick(which), FrameSpan(first, first + length)
        self.project.apply(DeleteMasks(object_id, span, locked_too))
        self.model.begin()
        kept = self.objects[object_id].locked and not locked_too
        for frame, mask in self.masks_of(object_id).items():
            if frame in span and not kept and (locked_too or not mask.locked):
                del self.model.now["masks"][object_id, frame]

    @precondition(lambda self: self.model.now["masks"])
    @rule(which=picks, locked=st.booleans())
    def lock(self, which: int, locked: bool) -> None:
        keys = sorted(self.model.now["masks"])
        object_id, frame = keys[which % len(keys)]
        self.project.apply(LockFrames(object_id, (frame,), locked))
        self.model.begin()
        mask = self.model.now["masks"][object_id, frame]
        self.model.now["masks"][object_id, frame] = replace(mask, locked=locked)

    @rule(number=numbers)
    def set_span(self, number: int) -> None:
        value = None if number % 3 == 0 else f"[0, {number}]"
        self.project.apply(SetSetting("media:1", "span", value))
        self.model.begin()
        self.model.now["settings"] = {} if value is None else {"span": value}

    @precondition(lambda self: self.objects)
    @rule(which=picks, number=numbers)
    def set_look(self, which: int, number: int) -> None:
        object_id, look = self.pick(which), "" if number % 3 == 0 else f'{{"grow": {number}}}'
        self.project.apply(SetLook(object_id, look))
        self.model.begin()
        self.model.now["looks"] = {**self.model.now["looks"], object_id: look}
        if not look:
            del self.model.now["looks"][object_id]

    # -- runs --------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.objects)
    @rule(which=picks, number=numbers, windows=st.integers(0, 3), abandons=st.booleans())
    def run(self, which: int, number: int, windows: int, abandons: bool) -> None:
        target = self.objects[self.pick(which)]
        run = self.project.begin_run(target, expression="a run", span=FrameSpan(0, FRAMES))
        before, redo = deepcopy(self.model.now), list(self.model.undone)
        self.model.begin()
        self.project.clear_for_run(run.run_id)
        if not target.locked:
            for frame, mask in self.masks_of(target.object_id).items():
                if not mask.locked:
                    del self.model.now["masks"][target.object_id, frame]
        for window in range(windows):
            span = FrameSpan(window * 4, window * 4 + 4)
            records = [
                MaskRecord(target.object_id, at, numbered_mask(number + at), "model", 0.7, run_id=run.run_id)
                for at in span
            ]
            written = self.project.commit_window(run.run_id, window + 1, span, records)
            self.put_unlocked(records)
            assert {each.frame for each in written} <= set(span)
        if abandons:
            self.project.abandon_run(run.run_id)
            self.model.now = before
            self.model.done.pop()
            assert not self.model.undone or redo
        else:
            self.project.finish_run(run.run_id, "stopped")

    # -- history -----------------------------------------------------------------------------------------------------

    @rule()
    def undo(self) -> None:
        assert (self.project.undo() is not None) == self.model.undo()

    @rule()
    def redo(self) -> None:
        assert (self.project.redo() is not None) == self.model.redo()

    @rule(which=picks)
    def jump(self, which: int) -> None:
        edits = self.project.edits()
        target = edits[which % len(edits)].edit_id if edits else 0
        self.project.jump(target)
        done = sum(each.edit_id <= target for each in edits)
        while len(self.model.done) > done:
            self.model.undo()
        while len(self.model.done) < done:
            self.model.redo()

    @rule()
    def save(self) -> None:
        self.model.snapshots[self.project.save("a state").snapshot_id] = deepcopy(self.model.now)
        assert self.project.is_current_snapshot()

    @precondition(lambda self: self.model.snapshots)
    @rule(which=picks)
    def revert(self, which: int) -> None:
        ids = sorted(self.model.snapshots)
        chosen = ids[which % len(ids)]
        self.project.revert_to(chosen)
        self.model.begin()
        self.model.now = deepcopy(self.model.snapshots[chosen])

    @precondition(lambda self: len(self.model.snapshots) > 1)
    @rule(which=picks)
    def forget_snapshot(self, which: int) -> None:
        ids = sorted(self.model.snapshots)
        chosen = ids[which % len(ids)]
        self.project.delete_snapshot(chosen)
        del self.model.snapshots[chosen]

    # -- files -------------------------------------------------------------------------------------------------------

    @rule()
    def reopen(self) -> None:
        self.project.close()
        self.project = Project(self.path, program="test")
        assert self.project.crashed is None

    @rule()
    def crash(self) -> None:
        """Go on with the files as a killed process would leave them."""
        self.crashes += 1
        left = self.folder / f"p{self.crashes}.rvos"
        for helper in ("", "-wal"):
            if self.path.with_name(self.path.name + helper).exists():
                shutil.copyfile(self.path.with_name(self.path.name + helper), left.with_name(left.name + helper))
        self.project.close()
        self.path, self.project = left, Project(left, program="test")
        assert self.project.crashed is not None

    @invariant()
    def document_equals_model(self) -> None:
        found = state_of(self.project)
        assert {key[1]: value for key, value in found.items() if key[0] == "object"} == self.objects
        assert {key[1:]: value for key, value in found.items() if key[0] == "mask"} == self.model.now["masks"]
        looks = {key[1]: value for key, value in found.items() if key[0] == "look" and value}
        assert looks == self.model.now["looks"]
        trimaps = {key[1:]: each.strokes for key, each in found.items() if key[0] == "trimap"}
        assert trimaps == self.model.now["trimaps"]
        assert found["span", 1] == self.model.now["settings"].get("span")


def drive(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        DocumentMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )


def test_random_work_equals_a_dictionary_at_every_step() -> None:
    drive(30, 60)


@pytest.mark.slow
@pytest.mark.kill
@pytest.mark.timeout(1200)
def test_ten_thousand_random_steps_with_crashes_equal_a_dictionary() -> None:
    drive(100, 100)
