"""Painted trimaps in a project: one step each, back to the same bytes, with their object wherever it goes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from documents import HEIGHT, WIDTH, numbered_mask, painted, small_project, state_of, thing, verify_file
from rvos_core.errors import UserError
from rvos_core.masks import TrimapStrokes, encode
from rvos_core.masks.trimap_strokes import OUTSIDE, UNKNOWN
from rvos_core.project.edits import AddObject, DeleteObject
from rvos_core.project.mask_edits import DeleteMasks, DrawMask, PutMasks
from rvos_core.project.reading import ProjectReader
from rvos_core.project.records import MaskRecord
from rvos_core.project.recovery import recover
from rvos_core.project.store import Project
from rvos_core.project.track_edits import MergeObjects, SplitObject, SwapObjects
from rvos_core.project.trimaps import PaintTrimap, TrimapRecord
from rvos_core.types import FrameSpan


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Objects 1 and 2 with masks on frames 0 to 9, object 1 with painted trimaps on 3 and 6."""
    with small_project(tmp_path / "p.rvos") as made:
        made.apply(AddObject(thing(2)))
        for number in (1, 2):
            records = (MaskRecord(number, frame, numbered_mask(10 * number + frame), "model") for frame in range(10))
            made.apply(PutMasks(tuple(records)))
        made.apply(PaintTrimap(1, 3, painted(3)))
        made.apply(PaintTrimap(1, 6, painted(6), what="Unknown"))
        yield made


def frames_of(project: Project, object_id: int) -> list[int]:
    return [*project.trimaps(object_id)]


def test_a_stroke_is_one_step_that_is_taken_back_and_done_again_to_the_byte(project: Project) -> None:
    assert [each.name for each in project.edits()[-2:]] == ["Paint trimap on frame 3", "Unknown on frame 6"]
    before = state_of(project)
    project.apply(PaintTrimap(1, 3, painted(30)))
    after = state_of(project)
    assert after["trimap", 1, 3] == TrimapRecord(1, 3, painted(30))
    found = project.undo()
    assert found is not None
    assert found[1].painted == {1}
    assert state_of(project) == before
    project.redo()
    assert state_of(project) == after
    project.apply(PaintTrimap(1, 3, TrimapStrokes.nothing(HEIGHT, WIDTH), what="Clear trimap"))
    assert frames_of(project, 1) == [6]
    project.undo()
    assert state_of(project) == after
    assert project.trimap(1, 4) is None


def test_what_fits_no_frame_or_no_object_is_refused(project: Project) -> None:
    wrong = TrimapStrokes.nothing(HEIGHT + 1, WIDTH)
    with pytest.raises(UserError, match="20x13"):
        project.apply(PaintTrimap(1, 3, wrong))
    with pytest.raises(UserError, match="Object 9"):
        project.apply(PaintTrimap(9, 3, painted(3)))


def test_snapshots_hold_it_and_masks_that_come_and_go_leave_it(project: Project) -> None:
    snapshot = project.save("before")
    held = state_of(project)
    project.apply(PaintTrimap(1, 3, painted(30)))
    project.apply(DeleteMasks(1, FrameSpan(0, 10)))
    assert frames_of(project, 1) == [3, 6], "a mask was deleted, not what is painted"
    project.apply(DrawMask(1, 3, numbered_mask(5)))
    touched = project.revert_to(snapshot.snapshot_id)
    assert touched.painted == {1}
    assert state_of(project) == held


def test_it_goes_with_its_object(project: Project) -> None:
    before = state_of(project)
    project.apply(DeleteObject(1))
    assert not [key for key in state_of(project) if key[0] == "trimap"]
    project.undo()
    assert state_of(project) == before
    project.apply(SplitObject(1, 5, thing(3)))
    assert (frames_of(project, 1), frames_of(project, 3)) == ([3], [6])
    assert project.trimaps(3)[6].strokes == painted(6)
    project.undo()
    project.apply(PaintTrimap(2, 6, painted(60)))
    project.apply(SwapObjects(1, 2, FrameSpan(4, 10)))
    assert project.trimaps(1)[6].strokes == painted(60)
    assert project.trimaps(2)[6].strokes == painted(6)
    assert frames_of(project, 1) == [3, 6]


def test_of_two_joined_ones_nothing_cuts_into_the_other(project: Project) -> None:
    project.apply(PaintTrimap(2, 3, painted(40)), PaintTrimap(2, 7, painted(70)))
    project.apply(DrawMask(2, 6, numbered_mask(1)))
    project.apply(MergeObjects(1, 2))
    assert frames_of(project, 1) == [3, 7], "on frame 6 the locked mask counts, and nothing was painted on it"
    ours, theirs, both = (each.labels() for each in (painted(3), painted(40), project.trimaps(1)[3].strokes))
    assert ((both == OUTSIDE) == ((ours == OUTSIDE) & (theirs == OUTSIDE))).all()
    assert ((both == UNKNOWN) <= ((ours == UNKNOWN) | (theirs == UNKNOWN))).all()
    alone = project.trimaps(1)[7].strokes
    assert alone == replace(painted(70), outside=encode(ours < 0))


def test_it_is_written_out_saved_and_damage_is_found(project: Project, tmp_path: Path) -> None:
    project.close()
    path = project.path
    command = [sys.executable, "-m", "rvos_core.cli", "project", "export-json", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = [json.loads(line) for line in said.splitlines()]
    assert [(line["object"], line["frame"]) for line in lines if line["kind"] == "trimap"] == [(1, 3), (1, 6)]
    assert recover(path, tmp_path / "saved.rvos").complete
    assert verify_file(tmp_path / "saved.rvos") == verify_file(path)
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE trimap SET inside=outside WHERE frame=3")
    connection.close()
    with ProjectReader(path) as reader:
        assert reader.trimap(1, 6) is not None
        with pytest.raises(UserError, match="damaged"):
            reader.trimap(1, 3)
    report = recover(path, tmp_path / "rest.rvos")
    assert report.lost["trimap"] == 1
