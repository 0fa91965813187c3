"""Surgery on tracks: what each edit does to masks and locks, what it refuses, and that it is one exact step."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import apsw
import numpy as np
import pytest

from documents import FRAMES, HEIGHT, WIDTH, clip_record, numbered_mask, small_project, state_of, thing
from rvos_core.errors import UserError
from rvos_core.masks import Rle, area, decode, empty, encode, union
from rvos_core.project.codec import checksum, pack
from rvos_core.project.edits import AddObject, ChangeObject, Edit
from rvos_core.project.mask_edits import DrawMask, LockFrames, PutMasks
from rvos_core.project.reading import ProjectReader
from rvos_core.project.records import MaskRecord
from rvos_core.project.recovery import recover
from rvos_core.project.store import Project
from rvos_core.project.track_edits import (
    TO_THE_END,
    ClearAbsence,
    FillGaps,
    MarkAbsent,
    MergeObjects,
    SplitObject,
    SwapObjects,
    TrimObject,
)
from rvos_core.types import FrameSpan

_TO_THE_END = FrameSpan(12, TO_THE_END)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Object 1 has frames 0 to 9 and 12 to 19, object 2 frames 5 to 14, object 3 is in another clip."""
    with small_project(tmp_path / "p.rvos") as made:
        made.add_media(clip_record(2), [1001 * index for index in range(FRAMES)])
        made.apply(AddObject(thing(2)), AddObject(replace(thing(3), media_id=2)))
        made.apply(PutMasks(tuple(model_mask(1, frame) for frame in (*range(10), *range(12, 20)))))
        made.apply(PutMasks(tuple(model_mask(2, frame) for frame in range(5, 15))))
        made.apply(DrawMask(1, 4, numbered_mask(99)))
        made.apply(DrawMask(1, 13, numbered_mask(98)))
        made.apply(DrawMask(2, 14, numbered_mask(97)))
        yield made


def model_mask(object_id: int, frame: int) -> MaskRecord:
    return MaskRecord(object_id, frame, numbered_mask(frame + 100 * object_id), "model", 0.5 + frame / 100)


def frames_of(project: Project, object_id: int) -> list[int]:
    return [mask.frame for mask in project.masks(object_id)]


def mask_of(project: Project, object_id: int, frame: int) -> MaskRecord:
    found = project.mask(object_id, frame)
    assert found is not None
    return found


def locked(project: Project) -> dict[tuple[int, int], MaskRecord]:
    return {(i, m.frame): m for i in (1, 2, 3) for m in project.masks(i) if m.locked}


EDITS: list[Edit] = [
    SwapObjects(1, 2, _TO_THE_END),
    SwapObjects(2, 1, FrameSpan(3, 8)),
    TrimObject(1, FrameSpan(2, 7)),
    TrimObject(1, FrameSpan(2, 7), locked_too=True),
    MarkAbsent(1, FrameSpan(8, 14), "occluded"),
    MarkAbsent(1, FrameSpan(13, 14), "out_of_frame", locked_too=True),
    FillGaps(1),
    MergeObjects(1, 2),
    SplitObject(1, 8, thing(4)),
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda each: each.name)
def test_each_is_one_step_that_is_taken_back_and_done_again_exactly(project: Project, edit: Edit) -> None:
    before, entries = state_of(project), len(project.edits())
    project.apply(edit)
    after = state_of(project)
    assert after != before
    assert len(project.edits()) == entries + 1
    assert project.undo() is not None
    assert state_of(project) == before
    assert project.redo() is not None
    assert state_of(project) == after


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (SwapObjects(1, 1, _TO_THE_END), "project.same_object"),
        (SwapObjects(1, 7, _TO_THE_END), "project.no_object"),
        (SwapObjects(1, 3, _TO_THE_END), "project.other_clip"),
        (SwapObjects(1, 2, FrameSpan(60, 70)), "project.nothing_to_do"),
        (MergeObjects(1, 3), "project.other_clip"),
        (TrimObject(7, FrameSpan(0, 5)), "project.no_object"),
        (TrimObject(1, FrameSpan(0, 50)), "project.nothing_to_do"),
        (MarkAbsent(7, FrameSpan(0, 5), "occluded"), "project.no_object"),
        (MarkAbsent(1, FrameSpan(0, FRAMES + 1), "occluded"), "project.no_frame"),
        (MarkAbsent(1, FrameSpan(3, 3), "occluded"), "project.no_frame"),
        (MarkAbsent(1, FrameSpan(4, 5), "occluded"), "project.nothing_to_do"),
        (ClearAbsence(1, FrameSpan(0, FRAMES)), "project.nothing_to_do"),
        (FillGaps(1, max_gap=1), "project.nothing_to_do"),
        (FillGaps(2), "project.nothing_to_do"),
        (FillGaps(7), "project.no_object"),
    ],
    ids=lambda each: getattr(each, "name", each),
)
def test_what_makes_no_sense_or_changes_nothing_is_refused(project: Project, edit: Edit, code: str) -> None:
    before, entries = state_of(project), project.edits()
    with pytest.raises(UserError) as caught:
        project.apply(edit)
    assert caught.value.code == code
    assert state_of(project) == before
    assert project.edits() == entries


def test_swapping_changes_the_name_on_a_mask_and_nothing_else_of_it(project: Project) -> None:
    """A locked mask was confirmed as an outline; it goes where its object goes, locked as it was."""
    before = state_of(project)
    project.apply(SwapObjects(1, 2, _TO_THE_END))
    after = state_of(project)
    for frame in range(FRAMES):
        swapped = {1: 2, 2: 1} if frame >= 12 else {1: 1, 2: 2}
        for object_id, owner in swapped.items():
            old, new = before.get(("mask", object_id, frame)), after.get(("mask", owner, frame))
            assert new == (None if old is None else replace(old, object_id=owner))
    assert after["mask", 2, 13].locked
    assert after["mask", 1, 14].locked
    assert ("mask", 1, 19) not in after, "where only one of the two had a mask, the other has it now"
    project.apply(SwapObjects(1, 2, _TO_THE_END))
    assert state_of(project) == before


def test_trimming_leaves_the_span_and_what_a_person_locked(project: Project) -> None:
    kept = locked(project)
    project.apply(TrimObject(1, FrameSpan(6, 9)))
    assert frames_of(project, 1) == [4, 6, 7, 8, 13]
    assert locked(project) == kept
    project.apply(TrimObject(1, FrameSpan(6, 9), locked_too=True))
    assert frames_of(project, 1) == [6, 7, 8]
    assert frames_of(project, 2) == list(range(5, 15)), "other objects are not trimmed"


def test_a_locked_object_is_neither_trimmed_nor_filled(project: Project) -> None:
    project.apply(ChangeObject(1, locked=True))
    before = state_of(project)
    for edit in (TrimObject(1, FrameSpan(6, 9)), FillGaps(1)):
        with pytest.raises(UserError, match="is locked") as caught:
            project.apply(edit)
        assert caught.value.code == "project.object_locked"
    assert state_of(project) == before


def test_a_mark_is_an_empty_locked_mask_that_runs_respect(project: Project) -> None:
    drawn = locked(project)
    project.apply(MarkAbsent(1, FrameSpan(2, 16), "occluded"))
    assert mask_of(project, 1, 4) == drawn[1, 4], "a person drew the object there"
    assert mask_of(project, 1, 13) == drawn[1, 13]
    marked = [frame for frame in range(2, 16) if frame not in (4, 13)]
    nothing = empty(HEIGHT, WIDTH)
    for frame in marked:
        assert mask_of(project, 1, frame) == MaskRecord(
            1, frame, nothing, "manual", 1.0, visible=False, locked=True, absence="occluded"
        )
    before = state_of(project)
    project.apply(PutMasks(tuple(model_mask(1, frame) for frame in marked)))
    run = project.begin_run(project.objects()[0], expression="x", span=FrameSpan(0, 20))
    project.clear_for_run(run.run_id)
    written = project.commit_window(run.run_id, 1, FrameSpan(0, 20), [model_mask(1, frame) for frame in range(20)])
    assert not {each.frame for each in written} & {*marked, 4, 13}
    for frame in marked:
        assert mask_of(project, 1, frame) == before["mask", 1, frame]


def test_a_mark_changes_its_word_goes_by_name_and_lets_the_frame_go_again(project: Project) -> None:
    project.apply(MarkAbsent(1, FrameSpan(10, 12), "occluded"))
    project.apply(MarkAbsent(1, FrameSpan(11, 12), "out_of_frame"))
    assert [mask_of(project, 1, frame).absence for frame in (10, 11)] == ["occluded", "out_of_frame"]
    project.apply(MarkAbsent(1, FrameSpan(4, 5), "occluded", locked_too=True))
    assert mask_of(project, 1, 4).absence == "occluded"
    project.apply(ClearAbsence(1, FrameSpan(0, 11)))
    assert project.mask(1, 4) is None
    assert project.mask(1, 10) is None
    assert mask_of(project, 1, 11).absence == "out_of_frame"
    project.apply(DrawMask(1, 11, numbered_mask(5)))
    assert mask_of(project, 1, 11).absence is None, "drawing is another word on it"


def test_a_mark_that_was_unlocked_is_a_runs_again(project: Project) -> None:
    project.apply(MarkAbsent(1, FrameSpan(10, 12), "occluded"))
    project.apply(LockFrames(1, (10,), locked=False))
    assert mask_of(project, 1, 10).absence == "occluded"
    project.apply(PutMasks((model_mask(1, 10), model_mask(1, 11))))
    assert mask_of(project, 1, 10) == model_mask(1, 10)
    assert mask_of(project, 1, 11).absence == "occluded"


def test_gaps_are_filled_by_what_lies_between(tmp_path: Path) -> None:
    def square(left: int) -> Rle:
        mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
        mask[4:9, left : left + 5] = True
        return encode(mask)

    with small_project(tmp_path / "p.rvos") as project:
        ends = {0: square(0), 10: square(10), 12: square(12), 30: square(12)}
        project.apply(PutMasks(tuple(MaskRecord(1, at, mask, "model", 0.5 + at / 100) for at, mask in ends.items())))
        project.apply(PutMasks((MaskRecord(1, 3, empty(HEIGHT, WIDTH), "model", 0.9, visible=False),)))
        before = {frame: mask_of(project, 1, frame) for frame in ends}
        project.apply(FillGaps(1))
        assert frames_of(project, 1) == [*range(13), 30], "17 frames are more than a short gap"
        for frame in (*range(1, 10), 11):
            found = mask_of(project, 1, frame)
            assert np.array_equal(decode(found.mask), decode(square(frame))), "it moves a pixel a frame"
            assert (found.origin, found.locked, found.visible) == ("interpolated", False, True)
            assert found.confidence == (0.5 if frame < 10 else 0.6)
        assert {frame: mask_of(project, 1, frame) for frame in ends} == before
        project.apply(FillGaps(1, max_gap=17))
        assert frames_of(project, 1) == list(range(31))


def test_what_a_person_said_of_a_gap_is_not_filled_over(project: Project) -> None:
    project.apply(MarkAbsent(1, FrameSpan(10, 11), "occluded"))
    with pytest.raises(UserError, match="no gap"):
        project.apply(FillGaps(1))
    assert project.mask(1, 11) is None
    project.undo()
    project.apply(FillGaps(1, span=FrameSpan(0, 20)))
    assert frames_of(project, 1) == list(range(20))
    project.undo()
    with pytest.raises(UserError, match="no gap"):
        project.apply(FillGaps(1, span=FrameSpan(0, 11)))


def test_of_two_joined_masks_a_locked_one_counts_and_two_locked_ones_are_both_kept(project: Project) -> None:
    project.apply(DrawMask(2, 13, numbered_mask(55)))
    ours, theirs = locked(project)[1, 13], locked(project)[2, 13]
    lone, model = locked(project)[2, 14], mask_of(project, 1, 6)
    model_theirs = mask_of(project, 2, 6)
    project.apply(MergeObjects(1, 2))
    assert mask_of(project, 1, 13) == replace(ours, mask=union(ours.mask, theirs.mask))
    assert mask_of(project, 1, 14) == replace(lone, object_id=1), "bit for bit, not joined with the model's"
    assert mask_of(project, 1, 6) == replace(model, mask=union(model.mask, model_theirs.mask))


def test_a_mark_joined_with_a_mask(project: Project) -> None:
    project.apply(MarkAbsent(1, FrameSpan(14, 15), "occluded"), MarkAbsent(1, FrameSpan(9, 10), "occluded"))
    drawn = locked(project)[2, 14]
    project.apply(MergeObjects(1, 2))
    found = mask_of(project, 1, 14)
    assert (found.visible, found.absence, found.mask) == (True, None, drawn.mask), "two persons' words: it is seen"
    assert mask_of(project, 1, 9).absence == "occluded"
    with pytest.raises(ValueError, match="occluded"):
        replace(mask_of(project, 1, 9), visible=True)


def test_marks_are_kept_read_and_written_out(project: Project, tmp_path: Path) -> None:
    project.apply(MarkAbsent(1, FrameSpan(20, 22), "occluded"), MarkAbsent(1, FrameSpan(22, 23), "out_of_frame"))
    project.close()
    path = project.path
    with ProjectReader(path) as reader:
        lane = reader.lane(1, FrameSpan(20, 23))
        assert not lane.visible.any()
        assert lane.locked.all()
        assert [mask.absence for mask in reader.masks(1, FrameSpan(20, 23))] == ["occluded"] * 2 + ["out_of_frame"]
        assert all(area(mask.mask) == 0 for mask in reader.masks(1, FrameSpan(20, 23)))
    command = [sys.executable, "-m", "rvos_core.cli", "project"]
    said = subprocess.run([*command, "export-json", str(path)], capture_output=True, text=True, check=True).stdout
    lines = [json.loads(line) for line in said.splitlines()]
    marks = {line["frame"]: line["absence"] for line in lines if line["kind"] == "mask" and line["object"] == 1}
    assert {frame: marks[frame] for frame in range(19, 23)} == {
        19: None,
        20: "occluded",
        21: "occluded",
        22: "out_of_frame",
    }
    checked = subprocess.run([*command, "check", str(path)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert recover(path, tmp_path / "saved.rvos").complete
    with ProjectReader(tmp_path / "saved.rvos") as reader:
        assert [mask.absence for mask in reader.masks(1, FrameSpan(20, 23))] == ["occluded"] * 2 + ["out_of_frame"]
    forged = tmp_path / "forged.rvos"
    forged.write_bytes(path.read_bytes())
    _forge_visible(forged, -7)
    checked = subprocess.run([*command, "check", str(forged)], capture_output=True, text=True, check=False)
    assert checked.returncode == 1
    assert "neither seen nor out of sight" in checked.stderr


def _forge_visible(path: Path, value: int) -> None:
    """A value that no version has, under a right checksum."""
    connection = apsw.Connection(str(path))
    row = list(connection.execute("SELECT * FROM mask WHERE object_id=1 AND frame=20").fetchall()[0][:-1])
    row[7] = value
    connection.execute("UPDATE mask SET visible=?, crc=? WHERE object_id=1 AND frame=20", (value, checksum(pack(row))))
    connection.close()
