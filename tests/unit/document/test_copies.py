"""Copies and backups: whole, nobody's, rotated by the rule; and the studio's own folder."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from documents import numbered_mask, small_project, state_of, verify_file
from rvos_core.errors import UserError
from rvos_core.project.copies import Backup, backup_folder, backups_in, rotate, to_keep
from rvos_core.project.library import Library
from rvos_core.project.mask_edits import DrawMask
from rvos_core.project.store import Project

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def backup(age: float, masks: int = 100) -> Backup:
    return Backup(Path(f"/b/p_{age:.0f}_{masks}.rvos"), 1e9 - age, masks)


def test_a_copy_has_everything_with_its_history_and_nobody_has_it_open(tmp_path: Path) -> None:
    with small_project(tmp_path / "p.rvos") as project:
        for number in range(30):
            project.apply(DrawMask(1, number, numbered_mask(number)))
        snapshot = project.save("half")
        project.apply(DrawMask(1, 3, numbered_mask(77)))
        project.undo()
        project.save_as(tmp_path / "copy.rvos")
        state, entries = state_of(project), project.edits()
    with Project(tmp_path / "copy.rvos", program="test") as copy:
        assert copy.crashed is None
        assert state_of(copy) == state
        assert copy.edits() == entries
        assert copy.snapshots() == [snapshot]
        copy.redo()
        assert copy.mask(1, 3) is not None
        copy.revert_to(snapshot.snapshot_id)
        assert state_of(copy) == state


def test_a_copy_never_goes_over_itself_or_over_an_open_project(tmp_path: Path) -> None:
    with small_project(tmp_path / "p.rvos") as project, small_project(tmp_path / "q.rvos"):
        with pytest.raises(UserError, match="the project itself"):
            project.save_as(tmp_path / "p.rvos")
        with pytest.raises(UserError, match="open in another program"):
            project.save_as(tmp_path / "q.rvos")
    verify_file(tmp_path / "q.rvos")


def test_an_old_log_beside_the_target_is_not_read_into_the_copy(tmp_path: Path) -> None:
    old = small_project(tmp_path / "old.rvos")
    old.apply(DrawMask(1, 9, numbered_mask(9)))
    target = tmp_path / "target.rvos"
    for helper in ("", "-wal"):  # a project whose program was killed
        (tmp_path / f"target.rvos{helper}").write_bytes((tmp_path / f"old.rvos{helper}").read_bytes())
    old.close()
    with small_project(tmp_path / "p.rvos") as project:
        project.apply(DrawMask(1, 1, numbered_mask(1)))
        project.save_as(target)
        assert verify_file(target) == state_of(project)


def test_a_project_whose_file_is_gone_says_so(tmp_path: Path) -> None:
    with small_project(tmp_path / "p.rvos") as project:
        (tmp_path / "p.rvos").unlink()
        with pytest.raises(UserError, match="is gone"):
            project.save_as(tmp_path / "copy.rvos")
    assert not (tmp_path / "copy.rvos").exists()


def test_backups_lie_beside_the_project_and_open_like_any(tmp_path: Path) -> None:
    with small_project(tmp_path / "p.rvos") as project:
        project.apply(DrawMask(1, 1, numbered_mask(1)))
        made = project.back_up()
        state = state_of(project)
    (found,) = backups_in(backup_folder(project.path), "p")
    assert (found.path, found.masks) == (made.path, 1)
    assert verify_file(found.path) == state


def test_backups_are_kept_by_the_hour_the_day_and_the_week() -> None:
    dice = random.Random(1)
    ages = [minute * 15 * _MINUTE for minute in range(4 * 24 * 40)]
    dice.shuffle(ages)
    kept = to_keep([backup(age) for age in ages], now=1e9)
    by_age = sorted(1e9 - each.made for each in kept)
    assert sum(age < _HOUR for age in by_age) == 4
    assert sum(_HOUR <= age < _DAY for age in by_age) == 8
    assert sum(_DAY <= age < 7 * _DAY for age in by_age) == 7
    assert sum(age >= 7 * _DAY for age in by_age) == 4
    assert by_age[0] == 0
    assert by_age[-1] == max(ages)


def test_a_program_that_runs_for_months_keeps_the_same_few(tmp_path: Path) -> None:
    kept: list[Backup] = []
    for step in range(4 * 24 * 60):
        now = step * 15 * _MINUTE
        kept.append(Backup(Path(f"/b/{step}.rvos"), now, 100))
        kept = to_keep(kept, now=now)
        assert kept[-1].made <= now
    assert 15 <= len(kept) <= 23
    assert max(now - each.made for each in kept) > 7 * _DAY


def test_an_emptied_project_drives_no_good_backup_out(tmp_path: Path) -> None:
    full = [backup(30 * _DAY + number, masks=5000) for number in range(3)]
    empty = [backup(number * _MINUTE, masks=0) for number in range(200)]
    kept = to_keep(full + empty, now=1e9)
    assert max(each.masks for each in kept) == 5000
    paths = []
    for number in range(40):
        path = tmp_path / f"p_{number:03d}_{0 if number else 900}.rvos"
        path.write_bytes(b"x")
        paths.append(path)
    gone = rotate(backups_in(tmp_path, "p"))
    assert gone
    assert paths[0].exists(), "the only one with masks"


# -- the studio's folder -----------------------------------------------------------------------------------------------


def test_projects_without_a_name_have_paths_of_their_own(tmp_path: Path) -> None:
    library = Library(tmp_path)
    paths = {library.new_untitled("a/b: c?" + "x" * 300) for _ in range(20)}
    assert len(paths) == 20
    for path in paths:
        assert library.is_untitled(path)
        Project.create(path, program="test").close()
    assert set(library.untitled()) == paths
    assert not library.is_untitled(tmp_path / "elsewhere.rvos")


def test_what_was_left_open_is_known_until_somebody_decides(tmp_path: Path) -> None:
    library = Library(tmp_path / "data")
    path = tmp_path / "p\udcff.rvos"  # whatever the name is
    path.write_bytes(b"x")
    library.mark_open(path)
    (entry,) = library.left_open()
    assert entry.path == path
    library.begin_try(entry)
    assert not library.left_open()[0].quarantined
    library.begin_try(library.left_open()[0])
    assert library.left_open()[0].quarantined
    library.mark_closed(path)
    assert library.left_open() == []


def test_what_is_open_now_or_gone_is_not_asked_about(tmp_path: Path) -> None:
    library = Library(tmp_path / "data")
    with small_project(tmp_path / "p.rvos") as project:
        library.mark_open(project.path)
        assert library.left_open() == []
    assert len(library.left_open()) == 1
    project.path.unlink()
    assert library.left_open() == []
    assert not list((tmp_path / "data" / "open").iterdir())


def test_a_mark_that_cannot_be_read_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "x.json").write_text("{")
    assert Library(tmp_path).left_open() == []


def test_the_trash_keeps_for_thirty_days(tmp_path: Path) -> None:
    library = Library(tmp_path / "data")
    small_project(tmp_path / "p.rvos").close()
    (tmp_path / "p.rvos-wal").write_bytes(b"a log")
    where = library.discard(tmp_path / "p.rvos")
    assert where.exists()
    assert where.with_name("p.rvos-wal").exists()
    assert not (tmp_path / "p.rvos").exists()
    began = int(where.parent.name.split("-")[0])
    library.sweep(now=began + 29 * _DAY)
    assert where.exists()
    library.sweep(now=began + 31 * _DAY)
    assert not where.exists()
