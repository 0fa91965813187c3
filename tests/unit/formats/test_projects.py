"""A project out as annotations and back in: names, sentences, masks, locks, one entry of the history."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from documents import FRAMES, HEIGHT, WIDTH, numbered_mask, small_project, state_of, thing
from rvos_core.errors import Cancelled, UserError
from rvos_core.formats import registry
from rvos_core.formats.annotations import AnnotatedClip, AnnotatedObject, AnnotationSet, Expression, Sight
from rvos_core.formats.format import ReadOptions, WriteOptions
from rvos_core.formats.project_export import annotations_of, export_annotations
from rvos_core.formats.project_import import ImportPlan, apply_import, plan_import, redirected
from rvos_core.masks import Rle, empty
from rvos_core.project.edits import AddObject, PutExpression
from rvos_core.project.mask_edits import DrawMask, PutMasks
from rvos_core.project.records import ExpressionRecord, MaskRecord
from rvos_core.project.store import Project
from rvos_core.types import CancelToken, FrameSpan


@pytest.fixture
def project(tmp_path: Path):
    made = small_project(tmp_path / "p.rvos")
    yield made
    made.close()


def annotated(
    masks: dict[tuple[int, int], Rle], *, name: str = "clip1", count: int = FRAMES, **more: object
) -> AnnotationSet:
    """A set of one clip; `masks`: (frame, object id) -> mask."""

    def sights(index: int) -> dict[int, Sight]:
        return {object_id: Sight(mask) for (frame, object_id), mask in masks.items() if frame == index}

    ids = sorted({object_id for _, object_id in masks}) or [1]
    names = tuple(f"{index:05d}" for index in range(count))
    things = tuple(AnnotatedObject(each, f"object {each}") for each in ids)
    made = AnnotatedClip(name, WIDTH, HEIGHT, names, things, sights)
    return AnnotationSet((replace(made, **more),))


def brought_in(project: Project, annotations: AnnotationSet, **more) -> ImportPlan:
    plan = plan_import(project, annotations, **more)
    apply_import(project, plan, title="test")
    return plan


def filled(project: Project) -> None:
    """Two objects with masks, absences and sentences, one of them about both."""
    project.apply(AddObject(thing(7, "the red one")))
    masks = [MaskRecord(1, frame, numbered_mask(frame), "model") for frame in range(0, 20, 2)]
    masks += [MaskRecord(7, frame, numbered_mask(50 + frame), "model") for frame in range(5)]
    gone = empty(HEIGHT, WIDTH)
    masks += [MaskRecord(7, 5, gone, "manual", 1.0, visible=False, absence="occluded")]
    masks += [MaskRecord(7, 6, gone, "manual", 1.0, visible=False, absence="out_of_frame")]
    project.apply(PutMasks(tuple(masks)))
    said = [
        ExpressionRecord(1, 1, "a dog", kind="first_frame", annotator="me"),
        ExpressionRecord(2, 7, "not the cat", positive=False),
        ExpressionRecord(3, 1, "both of them", paraphrase_group=4),
        ExpressionRecord(4, 7, "both of them", paraphrase_group=4),
    ]
    project.apply(*map(PutExpression, said))


def test_a_project_as_annotations(project: Project) -> None:
    filled(project)
    (clip,) = annotations_of(project).clips
    assert (clip.name, clip.width, clip.height, len(clip.frames)) == ("clip1", WIDTH, HEIGHT, FRAMES)
    assert [(each.object_id, each.name) for each in clip.objects] == [(1, "thing 1"), (2, "the red one")]
    assert [(each.text, each.object_ids) for each in clip.expressions] == [
        ("a dog", (1,)),
        ("both of them", (1, 2)),
        ("not the cat", (2,)),
    ]
    assert clip.sights(2)[1].mask == numbered_mask(2) and not clip.sights(21)
    assert clip.sights(5)[2].occluded and clip.sights(6)[2].outside
    assert len(annotations_of(project, object_ids=[7]).clips[0].objects) == 1
    with pytest.raises(UserError, match="no object 9"):
        annotations_of(project, object_ids=[9])


def test_a_part_of_a_clip_keeps_names_of_frames_numbers_of_objects_and_sentences(project: Project) -> None:
    filled(project)
    (whole,), (part,) = annotations_of(project).clips, annotations_of(project, span=FrameSpan(6, 9)).clips
    assert part.frames == ("00006", "00007", "00008")
    assert [part.number(index) for index in range(3)] == [6, 7, 8]
    assert (part.objects, part.expressions) == (whole.objects, whole.expressions)
    assert [part.sights(index) for index in range(3)] == [whole.sights(index) for index in (6, 7, 8)]
    (end,) = annotations_of(project, span=FrameSpan(FRAMES - 2, FRAMES + 50)).clips
    assert end.frames == whole.frames[-2:], "no further than the clip goes"
    with pytest.raises(UserError, match=rf"clip1 has no frame from {FRAMES} up to 500"):
        annotations_of(project, span=FrameSpan(FRAMES, 500))


def test_out_and_into_a_new_project_it_is_the_same(project: Project, tmp_path: Path) -> None:
    filled(project)
    chosen = registry.format_of("coco")
    registry.write(annotations_of(project), chosen, tmp_path / "out.json")
    other = small_project(tmp_path / "other.rvos")
    try:
        brought_in(other, registry.read(tmp_path / "out.json", chosen))
        first, second = annotations_of(project).clips[0], annotations_of(other).clips[0]
        assert second.objects == first.objects and second.expressions == first.expressions
        for index in range(FRAMES):
            assert second.sights(index) == first.sights(index)
        origins = {each.origin for thing_ in other.objects() for each in other.masks(thing_.object_id)}
        assert origins == {"imported"}
    finally:
        other.close()


def test_an_import_is_one_entry_of_the_history_and_undo_takes_it_all_back(project: Project) -> None:
    before, entries = state_of(project), len(project.edits())
    said = (Expression("0", "a thing that moves", (1,)), Expression("1", "all", (1, 2)))
    masks = {(frame, object_id): numbered_mask(frame + object_id) for frame in range(9) for object_id in (1, 2)}
    plan = brought_in(project, annotated(masks, expressions=said))
    assert [(each.is_new, each.masks, each.target.name) for each in plan.clips[0].objects] == [
        (True, 9, "a thing that moves"),
        (True, 9, "object 2"),
    ]
    assert len(project.edits()) == entries + 1 and project.edits()[-1].name == "Import test"
    assert len(project.objects()) == 3 and len({each.colour for each in project.objects()}) == 3
    after = state_of(project)
    project.undo()
    assert state_of(project) == before
    project.redo()
    assert state_of(project) == after


def test_masks_go_to_the_object_of_the_same_name_or_to_the_one_that_is_said(project: Project) -> None:
    named = AnnotatedObject(4, "thing 1")
    plan = plan_import(project, annotated({(0, 4): numbered_mask(1)}, objects=(named,)))
    assert [(each.is_new, each.target.object_id) for each in plan.clips[0].objects] == [(False, 1)]
    masks = {(0, 4): numbered_mask(1), (0, 5): numbered_mask(2)}
    plan = brought_in(project, annotated(masks), object_of={("clip1", 5): 1})
    assert [(each.is_new, each.target.object_id) for each in plan.clips[0].objects] == [(True, 2), (False, 1)]
    assert project.mask(1, 0).mask == numbered_mask(2)
    with pytest.raises(UserError, match="has no object 99"):
        plan_import(project, annotated(masks), object_of={("clip1", 5): 99})


def test_what_a_person_has_locked_stays(project: Project) -> None:
    project.apply(DrawMask(1, 3, numbered_mask(77)))
    masks = {(frame, 1): numbered_mask(frame) for frame in range(6)}
    plan = brought_in(project, annotated(masks), object_of={("clip1", 1): 1})
    assert [(each.masks, each.kept) for each in plan.clips[0].objects] == [(6, 1)]
    assert project.mask(1, 3).mask == numbered_mask(77) and project.mask(1, 2).mask == numbered_mask(2)


def test_sentences_that_are_there_already_are_not_doubled(project: Project) -> None:
    filled(project)
    out = annotations_of(project)
    plan = brought_in(project, out)
    assert not any(each.expressions for each in plan.clips[0].objects)
    assert [each.text for each in annotations_of(project).clips[0].expressions] == [
        "a dog",
        "both of them",
        "not the cat",
    ]


def test_masks_for_another_video_are_refused(project: Project) -> None:
    with pytest.raises(UserError, match="5x5, the clip clip1 is"):
        plan_import(project, annotated({(0, 1): empty(5, 5)}, width=5, height=5))
    other = annotated({(0, 1): numbered_mask(0)}, name="x")
    with pytest.raises(UserError, match=r"No clip of .* is called 'x'"):
        plan_import(project, AnnotationSet((other.clips[0], replace(other.clips[0], name="y"))))
    assert plan_import(project, other).clips[0].media.media_id == 1  # the only one on both sides


def test_frames_beyond_the_clip_and_sentences_about_nothing_are_said(project: Project) -> None:
    frames = tuple(f"{index:05d}" for index in range(0, 10 * FRAMES, 30))
    said = (Expression("0", "a unicorn", ()), Expression("1", "who knows", None))
    plan = plan_import(project, annotated({(1, 1): numbered_mask(4)}, frames=frames, expressions=said))
    assert any("2 sentences" in note for note in plan.notes) and any("36 frames" in note for note in plan.notes)
    apply_import(project, plan, title="test")
    assert project.mask(plan.clips[0].objects[0].target.object_id, 30) is not None


def test_names_are_a_line_and_none_is_taken_twice(project: Project) -> None:
    masks = {(0, number): numbered_mask(number) for number in (1, 2, 3, 4, 5)}
    names = ("thing 1", "thing 1", "x" * 100_000, "two\nlines", " ")
    things = tuple(AnnotatedObject(number, name) for number, name in enumerate(names, 1))
    said = (Expression("0", "  ", (5,)), Expression("1", "a dog\nthat runs", (5,)))
    plan = plan_import(project, annotated(masks, objects=things, expressions=said))
    targets = [each.target for each in plan.clips[0].objects]
    assert [each.is_new for each in plan.clips[0].objects] == [False, True, True, True, True]
    assert [each.name for each in targets] == [
        "thing 1",
        "thing 1",
        "x" * 199 + "…",
        "two lines",
        "a dog that runs",
    ]
    assert "1 sentences of clip1 are empty and are left out." in plan.notes
    assert [each.text for each in plan.clips[0].objects[4].expressions] == ["a dog\nthat runs"]


def test_a_cancelled_or_failed_import_leaves_the_project_as_it_was(project: Project) -> None:
    before, entries = state_of(project), len(project.edits())
    masks = {(frame, 1): numbered_mask(frame) for frame in range(40)}
    plan = plan_import(project, annotated(masks))
    token = CancelToken()
    options = ReadOptions(progress=lambda done, _: token.cancel() if done == 20 else None, cancel=token)
    with pytest.raises(Cancelled):
        apply_import(project, plan, title="test", options=options)
    assert state_of(project) == before and len(project.edits()) == entries


@pytest.mark.parametrize("span", [None, FrameSpan(33, 61)], ids=["whole", "part"])
@pytest.mark.parametrize("name", sorted(set(registry.FORMATS) - {"csv"}))
def test_every_format_brings_a_projects_masks_back(
    project: Project, tmp_path: Path, name: str, span: FrameSpan | None
) -> None:
    """Of a part of a clip too: to the frames where they were, also where a format counts its frames."""
    masks = tuple(MaskRecord(1, frame, numbered_mask(frame), "model") for frame in range(0, FRAMES, 5))
    project.apply(PutMasks(masks))
    chosen = registry.format_of(name)
    target = tmp_path / ("out" if chosen.target == "folder" else f"out{Path(chosen.layout).suffix}")
    done = export_annotations(project, chosen, target, span=span, options=WriteOptions(overlap="order"))
    assert done.frames == (FRAMES if span is None else 28)
    found = registry.read(target, registry.detect(target), ReadOptions(size=(WIDTH, HEIGHT)))
    goals = {(clip.name, each.object_id): "new" for clip in found.clips for each in clip.objects}
    plan = brought_in(project, found, object_of=goals)
    (only,) = plan.clips[0].objects
    meant = range(0, FRAMES, 5) if span is None else range(35, 61, 5)
    for frame in meant:
        back = project.mask(only.target.object_id, frame)
        assert back is not None and back.mask == numbered_mask(frame), frame
    assert np.count_nonzero(project.lane(only.target.object_id).visible) == len(meant)


def test_a_plan_that_is_redirected_is_the_plan_that_was_asked_for_at_once(project: Project) -> None:
    """Goals chosen later, without the masks being read again, come to what the same goals come to from the first."""
    project.apply(AddObject(thing(7, "object 2")))
    project.apply(DrawMask(7, 3, numbered_mask(9)))
    reads = []
    masks = {(frame, number): numbered_mask(frame) for frame in range(2, 6) for number in (1, 2, 3)}
    said = tuple(Expression(str(n), text, about) for n, (text, about) in enumerate([("it", (1,)), ("they", (1, 3))]))
    found = annotated(masks, expressions=said)
    (clip,) = found.clips
    counting = replace(clip, sights=lambda index: (reads.append(index), clip.sights(index))[1])
    first = plan_import(project, AnnotationSet((counting,)))
    assert [each.is_new for each in first.clips[0].objects] == [True, False, True], "object 2 by its name"
    assert [each.frames.tolist() for each in first.clips[0].objects] == [[2, 3, 4, 5]] * 3
    assert all(each.in_sight.all() for each in first.clips[0].objects)
    times = len(reads)
    goals = {("clip1", 1): 7, ("clip1", 2): "new", ("clip1", 3): "left out"}
    later = redirected(project, first, goals)
    assert len(reads) == times
    (asked,) = plan_import(project, AnnotationSet((counting,)), object_of=goals).clips
    assert later.clips[0].objects == asked.objects
    assert [(each.target.object_id, each.is_new, each.kept) for each in asked.objects] == [(7, False, 1), (8, True, 0)]
    assert [[one.text for one in each.expressions] for each in asked.objects] == [["it"], []]
    assert "mean an object that is left out" in later.notes[-1]
    assert redirected(project, later, {}).clips[0].objects[-1].source.object_id == 2, "what is out stays out"
    with pytest.raises(UserError, match="has no object 99"):
        redirected(project, first, {("clip1", 1): 99})
