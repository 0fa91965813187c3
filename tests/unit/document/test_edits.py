"""Single edits: what they refuse, what they never touch, what the history keeps of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from documents import numbered_mask, small_project, state_of, thing
from rvos_core.errors import Cancelled, UserError
from rvos_core.masks import QueryMasks, encode
from rvos_core.project.edits import (
    MAX_LOOK,
    AddObject,
    ChangeObject,
    DeleteExpression,
    DeleteObject,
    Edit,
    PutExpression,
    ReorderObjects,
    SetLook,
    SetSetting,
)
from rvos_core.project.history import KEPT_AT_LEAST
from rvos_core.project.mask_edits import DeleteMasks, DrawMask, LockFrames, PutMasks, Stroke
from rvos_core.project.records import ExpressionRecord, MaskRecord
from rvos_core.project.store import Project
from rvos_core.project.track_edits import MergeObjects, SplitObject
from rvos_core.types import FrameSpan


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with small_project(tmp_path / "p.rvos") as made:
        made.apply(AddObject(thing(2)))
        for frame in range(10):
            made.apply(PutMasks((model_mask(1, frame), model_mask(2, frame + 5))))
        made.apply(DrawMask(1, 4, numbered_mask(99)), SetLook(1, '{"effects": []}'))
        yield made


def model_mask(object_id: int, frame: int) -> MaskRecord:
    return MaskRecord(object_id, frame, numbered_mask(frame + 100 * object_id), "model", 0.5)


EDITS: list[Edit] = [
    AddObject(thing(3)),
    ChangeObject(1, new_name="other", colour=(9, 8, 7), visible=False, locked=True, note="a note"),
    DeleteObject(1),
    ReorderObjects((2, 1)),
    MergeObjects(1, 2),
    SplitObject(1, 5, thing(3)),
    PutExpression(ExpressionRecord(1, 1, "the man in red", "en", span=FrameSpan(2, 9), score=0.5)),
    DeleteExpression(1),
    DrawMask(1, 3, numbered_mask(7)),
    Stroke(1, 3, numbered_mask(8)),
    Stroke(1, 3, numbered_mask(8), erases=True),
    DeleteMasks(1, FrameSpan(2, 7)),
    DeleteMasks(1, FrameSpan(2, 7), locked_too=True),
    LockFrames(1, (1, 2, 3)),
    LockFrames(1, (4,), locked=False),
    PutMasks(tuple(model_mask(1, frame) for frame in range(20, 30))),
    SetSetting("media:1", "span", "[2, 9]"),
    SetLook(1, '{"matte": {}}'),
    SetLook(1, ""),
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda each: each.name)
def test_each_edit_is_taken_back_and_done_again_exactly(project: Project, edit: Edit) -> None:
    before = state_of(project)
    entry = project.apply(edit)
    after = state_of(project)
    assert entry.name == edit.name
    assert project.undo() is not None
    assert state_of(project) == before
    assert project.redo() is not None
    assert state_of(project) == after
    assert project.edits()[-1].bytes > 0 or after == before


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (AddObject(thing(1)), "project.object_exists"),
        (ChangeObject(7, new_name="x"), "project.no_object"),
        (DeleteObject(7), "project.no_object"),
        (ReorderObjects((2, 7)), "project.no_object"),
        (MergeObjects(1, 1), "project.same_object"),
        (MergeObjects(1, 7), "project.no_object"),
        (SplitObject(1, 5, thing(2)), "project.object_exists"),
        (SplitObject(1, 50, thing(3)), "project.nothing_to_do"),
        (PutExpression(ExpressionRecord(1, 7, "x")), "project.no_object"),
        (SetLook(7, "{}"), "project.no_object"),
        (SetLook(1, "x" * (MAX_LOOK + 1)), "project.look_too_long"),
        (DrawMask(7, 3, numbered_mask(7)), "project.no_object"),
        (Stroke(1, 3, encode(np.ones((5, 5), dtype=bool))), "project.mask_size"),
        (LockFrames(1, (1, 77)), "project.no_mask"),
        (PutMasks((model_mask(1, 30), model_mask(7, 30))), "project.no_object"),
    ],
    ids=lambda each: getattr(each, "name", each),
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(project: Project, edit: Edit, code: str) -> None:
    before, entries = state_of(project), project.edits()
    with pytest.raises(UserError) as caught:
        project.apply(ChangeObject(1, new_name="first of the pair"), edit)
    assert caught.value.code == code
    assert state_of(project) == before
    assert project.edits() == entries


def test_locked_frames_and_locked_objects_are_a_persons(project: Project) -> None:
    locked = project.mask(1, 4)
    assert locked is not None
    assert locked.locked
    project.apply(PutMasks(tuple(model_mask(1, frame) for frame in range(10))))
    run = project.begin_run(project.objects()[0], expression="x", span=FrameSpan(0, 10))
    assert 4 not in project.clear_for_run(run.run_id)
    written = project.commit_window(run.run_id, 1, FrameSpan(0, 8), [model_mask(1, frame) for frame in range(8)])
    assert 4 not in {each.frame for each in written}
    assert len(written) == 7
    assert project.revise(run.run_id, [model_mask(1, 4)]) == []
    project.apply(DeleteMasks(1, FrameSpan(0, 10)))
    assert project.mask(1, 4) == locked
    project.apply(ChangeObject(2, locked=True))
    before = list(project.masks(2))
    project.apply(PutMasks(tuple(model_mask(2, frame) for frame in range(20))))
    project.apply(DeleteMasks(2, FrameSpan(0, 20)))
    assert list(project.masks(2)) == before


def test_a_number_is_never_used_again(project: Project) -> None:
    made = project.next_object_id()
    project.apply(AddObject(thing(made)))
    project.undo()
    assert project.next_object_id() == made + 1
    project.apply(AddObject(thing(made + 1)))
    project.apply(DeleteObject(made + 1))
    assert project.next_object_id() == made + 2


def test_entries_of_one_word_become_one(project: Project) -> None:
    before = len(project.edits())
    for number in range(5):
        project.apply(SetSetting("media:1", "span", f"[0, {number}]", label=f"to {number}"), merge="span")
    assert [each.name for each in project.edits()[before:]] == ["to 4"]
    project.apply(ChangeObject(1, visible=False))
    project.apply(SetSetting("media:1", "span", "[0, 9]"), merge="span")
    assert len(project.edits()) == before + 3, "something else came between"
    project.undo()
    assert project.setting("media:1", "span") == "[0, 4]"
    project.undo()
    project.undo()
    assert project.setting("media:1", "span") is None


def test_a_look_goes_with_its_object_and_a_split_object_looks_as_before(project: Project) -> None:
    project.apply(SplitObject(1, 5, thing(3)))
    assert project.look(3) == project.look(1) == '{"effects": []}'
    for number in range(5):
        project.apply(SetLook(3, f'{{"feather": {number}}}', label="Feather"), merge="look:3:feather")
    assert project.edits()[-1].name == "Feather"
    project.apply(DeleteObject(3))
    assert project.look(3) == ""
    project.undo()
    assert project.look(3) == '{"feather": 4}'
    project.undo()
    assert project.look(3) == '{"effects": []}', "one drag of a slider is one entry"


def test_the_history_keeps_to_its_budget_and_at_least_fifty_entries(tmp_path: Path) -> None:
    with small_project(tmp_path / "p.rvos", budget_bytes=20_000) as project:
        for number in range(400):
            project.apply(DrawMask(1, number % 3, numbered_mask(number)))
        entries = project.edits()
        assert len(entries) < 400
        assert sum(each.bytes for each in entries) <= 20_000
    with small_project(tmp_path / "q.rvos", budget_bytes=1) as project:
        for number in range(80):
            project.apply(DrawMask(1, number % 3, numbered_mask(number)))
        assert len(project.edits()) == KEPT_AT_LEAST
        for _ in range(KEPT_AT_LEAST):
            assert project.undo() is not None
        assert project.undo() is None
        assert project.mask(1, 0) is not None, "what was forgotten is done for good"


def test_a_run_that_was_undone_or_lost_its_object_writes_nothing_more(project: Project) -> None:
    run = project.begin_run(thing(5, "new"), expression="new", span=FrameSpan(0, 10))
    project.commit_window(run.run_id, 1, FrameSpan(0, 4), [model_mask(5, frame) for frame in range(4)])
    project.undo()
    with pytest.raises(Cancelled):
        project.commit_window(run.run_id, 2, FrameSpan(4, 8), [model_mask(5, 5)])
    assert project.mask_count(5) == 0
    project.redo()
    assert project.mask_count(5) == 4
    project.apply(DeleteObject(5))
    with pytest.raises(Cancelled):
        project.commit_window(run.run_id, 3, FrameSpan(4, 8), [model_mask(5, 5)])


def test_what_is_left_of_a_run_is_what_its_windows_have_not_done(project: Project) -> None:
    run = project.begin_run(thing(5, "new"), expression="new", span=FrameSpan(2, 20))
    assert project.remaining(run) == FrameSpan(2, 20)
    project.commit_window(run.run_id, 1, FrameSpan(2, 10), [model_mask(5, 2)])
    project.commit_window(run.run_id, 2, FrameSpan(8, 14), [model_mask(5, 9)])
    project.commit_window(run.run_id, 4, FrameSpan(16, 20), [model_mask(5, 17)])
    assert project.remaining(run) == FrameSpan(14, 20), "a gap is a gap"
    project.finish_run(run.run_id, "stopped")
    assert [each.run_id for each in project.interrupted()] == [run.run_id]
    project.undo()
    assert project.interrupted() == []


def test_the_masks_of_all_queries_come_back_as_they_were(project: Project) -> None:
    rng = np.random.default_rng(3)
    run = project.begin_run(project.objects()[0], expression="x", span=FrameSpan(0, 12))
    kept = []
    for start in (0, 5):
        found = QueryMasks(FrameSpan(start, start + 5), rng.random((5, 6, 7, 9)) > 0.5, rng.random((5, 6), np.float32))
        project.keep_queries(run.run_id, found)
        kept.append(found)
    for stored, given in zip(project.query_masks(run.run_id), kept, strict=True):
        assert stored.span == given.span
        assert np.array_equal(stored.masks, given.masks)
        assert np.array_equal(stored.probability, given.probability)
    assert project.prune_queries(keep_runs=0) == 2
    assert list(project.query_masks(run.run_id)) == []


def test_the_sentence_of_an_object_is_that_of_its_last_run_that_stands(project: Project) -> None:
    assert project.sentence(1) == ""
    project.apply(PutExpression(ExpressionRecord(1, 1, "imported")))
    assert project.sentence(1) == "imported"
    project.begin_run(thing(1, "the dog"), expression="the dog", span=FrameSpan(0, 10))
    run = project.begin_run(thing(1, "Rex"), expression="the white dog", span=FrameSpan(0, 10))
    assert project.sentence(1) == "the white dog"
    project.finish_run(run.run_id, "done")
    project.undo()
    assert project.sentence(1) == "the dog"
    project.undo()
    assert project.sentence(1) == "imported"
    assert project.sentence(77) == ""


def test_what_a_person_did_during_a_run_is_taken_back_rightly(project: Project) -> None:
    """A run's entry grows behind theirs: undoing both leads to how it was before the run."""
    project.apply(DrawMask(1, 2, numbered_mask(55)))
    before = state_of(project)
    run = project.begin_run(project.objects()[0], expression="x", span=FrameSpan(0, 10))
    project.clear_for_run(run.run_id)
    project.apply(DeleteMasks(1, FrameSpan(2, 3), locked_too=True))
    project.apply(PutMasks((model_mask(1, 30),)))
    project.commit_window(run.run_id, 1, FrameSpan(0, 10), (model_mask(1, frame) for frame in (1, 2, 3, 30)))
    after = state_of(project)
    for _ in range(3):
        project.undo()
    assert state_of(project) == before
    for _ in range(3):
        project.redo()
    assert state_of(project) == after


def test_a_run_that_is_given_up_takes_nothing_of_a_person_with_it(project: Project) -> None:
    run = project.begin_run(thing(5, "new"), expression="new", span=FrameSpan(0, 10))
    project.apply(DrawMask(5, 3, numbered_mask(3)))
    project.abandon_if_waiting(run.run_id)
    assert project.mask(5, 3) is not None
    assert project.run(run.run_id).status == "stopped"  # type: ignore[union-attr]
