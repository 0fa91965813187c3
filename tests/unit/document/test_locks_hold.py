"""The person always wins: whatever runs, propagates or fills in afterwards, locked frames stay as they were left."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from documents import numbered_mask, small_project, thing
from rvos_core.errors import UserError
from rvos_core.masks import Rle
from rvos_core.project.edits import AddObject
from rvos_core.project.mask_edits import DeleteMasks, DrawMask, LockFrames, PutMasks
from rvos_core.project.records import MaskRecord
from rvos_core.project.store import Project
from rvos_core.project.track_edits import FillGaps, TrimObject
from rvos_core.types import FrameSpan

_FRAMES = 12
_STEPS = 10


class Story:
    """One object, what a person did to it, and what programs did."""

    def __init__(self, project: Project, object_id: int, seed: int) -> None:
        self.project = project
        self.object_id = object_id
        self.dice = random.Random(seed)
        self.left: dict[int, Rle] = {}  # frame -> the mask that the person left there
        project.apply(AddObject(thing(object_id)))

    def span(self) -> FrameSpan:
        first = self.dice.randrange(_FRAMES)
        return FrameSpan(first, self.dice.randint(first + 1, _FRAMES))

    def records(self, span: FrameSpan, origin: str) -> tuple[MaskRecord, ...]:
        return tuple(
            MaskRecord(self.object_id, frame, numbered_mask(self.dice.randrange(10**6)), origin, 0.5, True, False)  # type: ignore[arg-type]
            for frame in span
        )

    # -- the person

    def draw(self) -> None:
        frame, mask = self.dice.randrange(_FRAMES), numbered_mask(self.dice.randrange(10**6))
        self.project.apply(DrawMask(self.object_id, frame, mask))
        self.left[frame] = mask

    def accept(self) -> None:
        found = self.project.lane(self.object_id).frames.tolist()
        if found:
            frame = self.dice.choice(found)
            self.project.apply(LockFrames(self.object_id, (frame,)))
            record = self.project.mask(self.object_id, frame)
            assert record is not None
            self.left[frame] = record.mask

    def unlock(self) -> None:
        if self.left:
            frame = self.dice.choice(sorted(self.left))
            self.project.apply(LockFrames(self.object_id, (frame,), locked=False))
            del self.left[frame]

    # -- programs

    def propagate(self) -> None:
        self.project.apply(PutMasks(self.records(self.span(), "propagated")), merge="follow:1")

    def run(self) -> None:
        span = self.span()
        run = self.project.begin_run(thing(self.object_id), expression="again", span=span)
        self.project.clear_for_run(run.run_id)
        middle = self.dice.randint(span.start, span.stop)
        for number, part in enumerate((FrameSpan(span.start, middle), FrameSpan(middle, span.stop)), start=1):
            if len(part):
                self.project.commit_window(run.run_id, number, part, self.records(part, "model"))
        self.project.revise(run.run_id, self.records(span, "model"))
        self.project.finish_run(run.run_id, self.dice.choice(["finished", "stopped"]))  # type: ignore[arg-type]

    def tidy(self) -> None:
        edit = self.dice.choice(
            [
                FillGaps(self.object_id, 5),
                TrimObject(self.object_id, self.span()),
                DeleteMasks(self.object_id, self.span()),
            ]
        )
        try:
            self.project.apply(edit)
        except UserError as error:
            assert error.code == "project.nothing_to_do", error

    def tell(self) -> None:
        acts: list[Callable[[], None]] = [self.draw, self.accept, self.unlock, self.propagate, self.run, self.tidy]
        for _ in range(_STEPS):
            self.dice.choices(acts, weights=[3, 2, 1, 3, 3, 2])[0]()
            found = self.project.lane(self.object_id)
            assert found.frames[found.locked].tolist() == sorted(self.left)
            for frame, mask in self.left.items():
                record = self.project.mask(self.object_id, frame)
                assert record is not None
                assert record.mask == mask, f"frame {frame}"


@pytest.mark.parametrize(
    ("first", "stories"),
    [(0, 40), *(pytest.param(1_000 * part, 250, marks=pytest.mark.slow) for part in range(1, 9))],
)
def test_locked_frames_stay_bit_for_bit(tmp_path: Path, first: int, stories: int) -> None:
    """2,000 stories in `make test-all`."""
    project = small_project(tmp_path / "first.rvos")
    for number in range(stories):
        if number % 50 == 49:  # documents of an ordinary size
            project.close()
            project = small_project(tmp_path / f"{number}.rvos")
        Story(project, 2 + number, seed=first + number).tell()
    project.close()
