"""Odd values given by a program: a sentence for a person, and nothing changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from documents import clip_record, numbered_mask, small_project, state_of, thing, verify_file
from rvos_core.errors import UserError
from rvos_core.project.copies import backup_folder, backups_in
from rvos_core.project.edits import AddMedia, AddObject, ChangeObject, RelinkMedia
from rvos_core.project.mask_edits import DeleteMasks, DrawMask, LockFrames, PutMasks
from rvos_core.project.records import MaskRecord
from rvos_core.project.recovery import recover, recovered_path
from rvos_core.project.store import Project
from rvos_core.types import FrameSpan


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with small_project(tmp_path / "p.rvos") as made:
        yield made


_HUGE = 2**63
CALLS: dict[str, tuple[Callable[[Project], object], str]] = {
    "a huge frame": (lambda p: p.apply(DrawMask(1, _HUGE, numbered_mask(1))), "project.number_too_large"),
    "huge masks": (
        lambda p: p.apply(PutMasks((MaskRecord(1, _HUGE, numbered_mask(1), "model"),))),
        "project.number_too_large",
    ),
    "a huge span": (lambda p: p.apply(DeleteMasks(1, FrameSpan(0, _HUGE))), "project.number_too_large"),
    "a huge lock": (lambda p: p.apply(LockFrames(1, (_HUGE,))), "project.number_too_large"),
    "a huge object": (lambda p: p.apply(ChangeObject(_HUGE, new_name="x")), "project.number_too_large"),
    "a huge question": (lambda p: p.mask(1, _HUGE), "project.number_too_large"),
    "a huge lane": (lambda p: p.lane(1, FrameSpan(0, _HUGE)), "project.number_too_large"),
    "half a character": (lambda p: p.apply(ChangeObject(1, new_name="a\udc80")), "project.bad_text"),
    "no edits": (lambda p: p.apply(), "project.nothing_to_do"),
    "no clip": (lambda p: p.apply(AddObject(replace(thing(9), media_id=7))), "project.no_media"),
    "no clip for a run": (
        lambda p: p.begin_run(replace(thing(9), media_id=7), expression="x", span=FrameSpan(0, 9)),
        "project.no_media",
    ),
    "no clip to relink": (
        lambda p: p.apply(RelinkMedia(7, Path("/x.mp4"), None, 1, "", 120)),
        "project.no_media",
    ),
    "save as under a long name": (lambda p: p.save_as(p.path.with_name("x" * 300 + ".rvos")), "files.name_too_long"),
    "create under a long name": (
        lambda p: Project.create(p.path.with_name("x" * 300 + ".rvos"), program="test"),
        "files.name_too_long",
    ),
    "recover to a long name": (
        lambda p: recover(p.path, p.path.with_name("x" * 300 + ".rvos")),
        "files.name_too_long",
    ),
    "save as in a long folder": (lambda p: p.save_as(p.path.parent / ("x" * 300) / "q.rvos"), "files.name_too_long"),
    "recover to a long folder": (
        lambda p: recover(p.path, p.path.parent / ("x" * 300) / "q.rvos"),
        "files.name_too_long",
    ),
    "create in a long folder": (
        lambda p: Project.create(p.path.parent / ("x" * 300) / "q.rvos", program="test"),
        "files.name_too_long",
    ),
    "open under a long name": (
        lambda p: Project(p.path.with_name("x" * 300 + ".rvos"), program="test"),
        "project.cannot_open",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_clear_word_and_nothing_changed(project: Project, name: str) -> None:
    call, code = CALLS[name]
    before, entries = state_of(project), project.edits()
    with pytest.raises(UserError) as caught:
        call(project)
    assert caught.value.code == code
    assert len(caught.value.message) > 15
    assert state_of(project) == before
    assert project.edits() == entries
    project.apply(ChangeObject(1, new_name="goes on"))


def test_a_clip_whose_name_is_not_utf8_can_be_relinked(project: Project) -> None:
    odd = Path("/footage") / os.fsdecode(b"caf\xe9.mp4")
    project.add_media(replace(clip_record(2), absolute_path=odd, relative_path=None), [0, 1])
    entry = project.apply(RelinkMedia(1, odd, None, 7, "another", 120))
    assert entry.name == "Relink caf�.mp4"
    assert AddMedia(clip_record(2), [0]).name == "Add clip2.mp4"
    assert [each.absolute_path for each in project.media()] == [odd, odd]
    project.undo()
    assert project.media()[0] == clip_record(1)


def test_backups_that_cannot_be_read_are_said_and_a_missing_folder_has_none(project: Project, tmp_path: Path) -> None:
    assert backups_in(tmp_path / "nowhere", "p") == []
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    file = tmp_path / "file"
    file.touch()
    for folder in (loop, file):
        with pytest.raises(UserError, match="cannot be read") as caught:
            backups_in(folder, "p")
        assert str(folder) in caught.value.message
        assert caught.value.hint
    backup_folder(project.path).symlink_to(loop)
    with pytest.raises(UserError):
        project.back_up()


def test_a_project_of_the_longest_name_has_backups_and_can_be_recovered(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 117 + ".rvos")
    with small_project(path) as project:
        made = project.back_up()
        assert [each.path for each in backups_in(backup_folder(path), path.stem)] == [made.path]
        assert verify_file(made.path) == state_of(project)
        state = state_of(project)
    new = recovered_path(path)
    assert recover(path, new).complete
    assert verify_file(new) == state


def test_an_empty_span_is_nothing_not_everything(project: Project) -> None:
    project.apply(DrawMask(1, 3, numbered_mask(1)))
    nothing = FrameSpan(3, 3)
    assert list(project.masks(1, nothing)) == []
    assert len(project.lane(1, nothing).frames) == 0
    assert len(project.pts(1, nothing)) == 0
