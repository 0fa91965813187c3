"""Runs that are at work while a person edits, undoes, merges and removes: undo leads back to the very beginning."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from documents import numbered_mask, small_project, state_of, thing
from rvos_core.errors import Cancelled, UserError
from rvos_core.masks import Rle
from rvos_core.project.edits import AddObject, DeleteObject
from rvos_core.project.mask_edits import DrawMask
from rvos_core.project.records import MaskRecord, ObjectRecord, RunRecord
from rvos_core.project.store import Project
from rvos_core.project.track_edits import MergeObjects, SplitObject, SwapObjects
from rvos_core.types import FrameSpan

_STEPS = 40
_ALLOWED = ("project.nothing_to_do", "project.no_object", "project.object_exists")  # objects come and go


class Hand:
    """Does one random thing after the other. Runs are begun, go on at any time, and end in any order."""

    def __init__(self, project: Project, seed: int) -> None:
        self.project = project
        self.random = random.Random(seed)
        self.kept = len(project.edits())
        self.runs: list[RunRecord] = []
        self.next_id = 1 + max(each.object_id for each in project.objects())
        self.things: tuple[Callable[[], object], ...] = (
            self.begin,
            self.go_on,
            self.go_on,
            self.undo,
            self.undo,
            project.redo,
            lambda: project.apply(DeleteObject(self.any())),
            lambda: project.apply(DrawMask(self.any(), self.frame(), self.mask())),
            lambda: project.apply(MergeObjects(self.any(), self.any())),
            lambda: project.apply(SwapObjects(self.any(), self.any(), FrameSpan(self.frame(), 100))),
            lambda: project.apply(SplitObject(self.any(), self.frame(), self.new())),
            lambda: project.finish_run(self.one().run_id, "done", note="done", model="m"),
            lambda: project.abandon_if_waiting(self.one().run_id),
            lambda: project.save("a state"),
            lambda: project.revert_to(self.random.choice([0, *(each.snapshot_id for each in project.snapshots())])),
        )

    def step(self) -> None:
        try:
            self.random.choice(self.things)()
        except Cancelled:
            return
        except UserError as error:
            if error.code not in (*_ALLOWED, "project.same_object", "project.no_snapshot"):
                raise

    def undo_all(self) -> int:
        steps = 0
        while sum(not each.undone for each in self.project.edits()) > self.kept:
            self.project.undo()
            steps += 1
        return steps

    def undo(self) -> None:
        if sum(not each.undone for each in self.project.edits()) > self.kept:
            self.project.undo()

    def begin(self) -> None:
        target = thing(self.any()) if self.random.random() < 0.5 else self.new()
        self.runs.append(self.project.begin_run(target, expression="x", span=FrameSpan(0, 10)))

    def go_on(self) -> None:
        run, first = self.one(), self.frame()
        masks = [MaskRecord(run.object_id, at, self.mask(), "model", 0.5) for at in range(first, first + 3)]
        self.project.commit_window(run.run_id, first + 1, FrameSpan(first, first + 3), masks)

    def one(self) -> RunRecord:
        if not self.runs:
            raise Cancelled("no run was begun")
        return self.random.choice(self.runs)

    def any(self) -> int:
        return self.random.choice([each.object_id for each in self.project.objects()] or [0])

    def new(self) -> ObjectRecord:
        self.next_id += 1
        return thing(self.next_id - 1)

    def frame(self) -> int:
        return self.random.randrange(10)

    def mask(self) -> Rle:
        return numbered_mask(self.random.randrange(1000))


def drive(folder: Path, seed: int) -> None:
    with small_project(folder / f"{seed}.rvos") as project:
        project.apply(AddObject(thing(2)))
        for frame in range(8):
            project.apply(DrawMask(1, frame, numbered_mask(frame)))
        beginning = state_of(project)
        hand = Hand(project, seed)
        for _ in range(_STEPS):
            hand.step()
            objects = {each.object_id for each in project.objects()}
            assert {key[1] for key in state_of(project) if key[0] == "mask"} <= objects
        end = state_of(project)
        steps = hand.undo_all()
        assert state_of(project) == beginning
        for _ in range(steps):
            assert project.redo() is not None
        assert state_of(project) == end
        project.check()


def test_undo_leads_back_whatever_runs_wrote_meanwhile(tmp_path: Path) -> None:
    for seed in range(40):
        drive(tmp_path, seed)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_undo_leads_back_whatever_runs_wrote_meanwhile_three_hundred_times(tmp_path: Path) -> None:
    for seed in range(1000, 1300):
        drive(tmp_path, seed)
