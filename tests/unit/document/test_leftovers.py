"""What killed programs leave beside a project, and what history and runs leave of each other."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import apsw
import pytest

from documents import numbered_mask, small_project, state_of, thing, verify_file
from rvos_core.errors import Cancelled, UserError
from rvos_core.project import sessions
from rvos_core.project.database import connect
from rvos_core.project.edits import ChangeObject, DeleteObject
from rvos_core.project.library import Library
from rvos_core.project.lock import WriterLock
from rvos_core.project.mask_edits import DrawMask
from rvos_core.project.reading import ProjectReader
from rvos_core.project.records import MaskRecord
from rvos_core.project.recovery import examine, recover, save_for_support
from rvos_core.project.schema import VERSION
from rvos_core.project.store import Project
from rvos_core.types import FrameSpan


def begun(tmp_path: Path) -> tuple[Path, dict[tuple[object, ...], object]]:
    """A project whose program was killed in a transaction with the older journal: pages written, not committed."""
    path = tmp_path / "made.rvos"
    with small_project(path) as project:
        for frame in range(60):
            project.apply(DrawMask(1, frame, numbered_mask(frame)))
        before = state_of(project)
    connection = connect(path, "write")
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("PRAGMA cache_size=4")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE mask SET counts=zeroblob(5000)")
    left = tmp_path / "left.rvos"
    shutil.copyfile(path, left)
    shutil.copyfile(f"{path}-journal", f"{left}-journal")
    connection.execute("ROLLBACK")
    connection.close()
    assert left.read_bytes() != path.read_bytes(), "what was not committed is in the file"
    return left, before


def test_a_project_with_a_rollback_journal_beside_it_is_sound(tmp_path: Path) -> None:
    left, before = begun(tmp_path)
    found = examine(left)
    assert (found.problem, found.masks) == ("", 60)
    report = recover(left, tmp_path / "saved.rvos")
    assert report.complete, report
    assert verify_file(tmp_path / "saved.rvos").keys() == before.keys()
    save_for_support(left, tmp_path / "support.zip")
    with zipfile.ZipFile(tmp_path / "support.zip") as archive:
        assert archive.namelist() == ["left.rvos", "left.rvos-journal"]
    assert verify_file(left) == before, "opening it takes back what was begun"


def test_the_trash_takes_the_journal_along(tmp_path: Path) -> None:
    left, before = begun(tmp_path)
    there = Library(tmp_path / "data").discard(left)
    assert not list(tmp_path.glob("left.rvos*"))
    assert verify_file(there) == before


def test_a_session_that_was_closed_is_not_said_to_have_it_open(tmp_path: Path) -> None:
    path = tmp_path / "p.rvos"
    small_project(path).close()
    lock = WriterLock(path)  # a program that is only just opening it
    try:
        with pytest.raises(UserError) as caught:
            Project(path, program="test")
    finally:
        lock.release()
    assert caught.value.code == "project.in_use"
    assert "open in another program" in caught.value.message
    with Project(path, program="somebody"), pytest.raises(UserError, match="somebody"):
        Project(path, program="test")


_CREATE = """
import sys, time
from pathlib import Path
from rvos_core.project import store
print("begin", flush=True)
store.Project.create(Path(sys.argv[1]), program="victim")
print("made", flush=True)
time.sleep(60)
"""


def test_a_kill_at_any_instant_leaves_no_project_or_a_whole_one(tmp_path: Path) -> None:
    whole = 0
    for number in range(12):
        path = tmp_path / f"{number}.rvos"
        victim = subprocess.Popen([sys.executable, "-c", _CREATE, str(path)], stdout=subprocess.PIPE, text=True)
        assert victim.stdout is not None
        assert victim.stdout.readline() == "begin\n"
        time.sleep(number * 0.004)
        victim.kill()
        victim.wait()
        victim.stdout.close()
        if path.exists():
            whole += 1
            Project(path, program="test").close()
        else:
            Project.create(path, program="test").close()
        verify_file(path)
    assert whole < 12, "some were killed before"
    assert not [
        each.name for each in tmp_path.iterdir() if each.name.endswith(("-journal", "-wal", ".lock", ".ballast"))
    ]


@pytest.mark.parametrize("journal", [False, True])
def test_an_empty_file_that_a_killed_program_left_is_as_good_as_none(tmp_path: Path, journal: bool) -> None:
    for how in ("create", "save as"):
        path = tmp_path / f"{how}.rvos"
        path.touch()
        if journal:
            path.with_name(f"{path.name}-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(504))
        if how == "create":
            Project.create(path, program="test").close()
        else:
            with small_project(tmp_path / "p.rvos") as project:
                project.save_as(path)
        verify_file(path)
        assert not path.with_name(f"{path.name}-journal").exists()


def test_what_is_there_is_never_made_anew(tmp_path: Path) -> None:
    for name, content in (("p.rvos", None), ("q.rvos", b"something else")):
        path = tmp_path / name
        if content is None:
            small_project(path).close()
        else:
            path.write_bytes(content)
        before = path.read_bytes()
        with pytest.raises(UserError) as caught:
            Project.create(path, program="test")
        assert caught.value.code == "project.exists"
        assert path.read_bytes() == before
    (tmp_path / "folder.rvos").mkdir()
    with pytest.raises(UserError, match="exists already"):
        Project.create(tmp_path / "folder.rvos", program="test")


def test_opening_that_fails_late_leaves_nothing_beside_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "p.rvos"
    small_project(path).close()

    def broken(*_given: object) -> int:
        raise apsw.IOError("disk I/O error")

    monkeypatch.setattr(sessions, "begin", broken)
    with pytest.raises(UserError, match="reports an error"):
        Project(path, program="test")
    assert [each.name for each in tmp_path.iterdir()] == ["p.rvos"]


# -- history and runs --------------------------------------------------------------------------------------------------


def mask(object_id: int, frame: int) -> MaskRecord:
    return MaskRecord(object_id, frame, numbered_mask(frame), "model", 0.5)


def test_the_entry_of_a_run_at_work_is_never_forgotten_and_nothing_behind_it(tmp_path: Path) -> None:
    with small_project(tmp_path / "p.rvos", budget_bytes=1) as project:
        for number in range(70):
            project.apply(DrawMask(1, number % 3, numbered_mask(number)))
        before = state_of(project)
        run = project.begin_run(thing(1), expression="x", span=FrameSpan(0, 40))
        project.clear_for_run(run.run_id)
        for number in range(80):
            project.apply(DrawMask(1, 90 + number % 3, numbered_mask(number)))
        project.commit_window(run.run_id, 1, FrameSpan(0, 40), [mask(1, frame) for frame in range(40)])
        entries = project.edits()
        assert entries[0].edit_id == run.edit_id
        assert len(entries) == 81
        for _ in entries:
            assert project.undo() is not None
        assert state_of(project) == before
        for _ in entries:
            assert project.redo() is not None
        project.finish_run(run.run_id, "done")
        for number in range(3):
            project.apply(DrawMask(1, 100, numbered_mask(number)))
        assert len(project.edits()) == 50, "an ended run is forgotten like anything else"


def test_an_object_removed_anew_takes_along_what_a_run_wrote_meanwhile(tmp_path: Path) -> None:
    with small_project(tmp_path / "p.rvos") as project:
        beginning = state_of(project)
        run = project.begin_run(thing(5), expression="x", span=FrameSpan(0, 40))
        project.commit_window(run.run_id, 1, FrameSpan(0, 4), [mask(5, frame) for frame in range(4)])
        project.apply(DeleteObject(5))
        removed = state_of(project)
        project.undo()
        project.commit_window(run.run_id, 2, FrameSpan(4, 8), [mask(5, frame) for frame in range(2, 8)])
        grown = state_of(project)
        assert project.redo() is not None
        assert state_of(project) == removed
        with pytest.raises(Cancelled):
            project.commit_window(run.run_id, 3, FrameSpan(8, 12), [mask(5, 9)])
        assert project.undo() is not None
        assert state_of(project) == grown
        assert project.undo() is not None
        assert state_of(project) == beginning
        assert project.redo() is not None
        assert state_of(project) == grown
        assert project.redo() is not None
        assert state_of(project) == removed


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_runs_in_the_line_for_one_new_object_leave_no_trace_when_both_are_given_up(
    tmp_path: Path, order: tuple[int, int]
) -> None:
    with small_project(tmp_path / "p.rvos") as project:
        before, entries = state_of(project), project.edits()
        runs = [project.begin_run(thing(5), expression=each, span=FrameSpan(0, 40)) for each in ("x", "y")]
        for number in order:
            project.abandon_if_waiting(runs[number].run_id)
        assert state_of(project) == before
        assert project.edits() == entries
        assert project.runs() == []


def test_a_run_that_was_given_up_below_a_persons_work_stays(tmp_path: Path) -> None:
    with small_project(tmp_path / "p.rvos") as project:
        first = project.begin_run(thing(5), expression="x", span=FrameSpan(0, 40))
        project.apply(ChangeObject(5, new_name="mine"))
        second = project.begin_run(thing(5), expression="y", span=FrameSpan(0, 40))
        project.abandon_if_waiting(first.run_id)
        project.abandon_if_waiting(second.run_id)
        assert [each.name for each in project.objects()] == ["thing 1", "mine"]
        assert project.run(first.run_id).status == "stopped"  # type: ignore[union-attr]


def test_readers_of_a_project_that_is_being_made_see_nothing_or_all(tmp_path: Path) -> None:
    """The file takes its name when it is whole; parts of killed programs are swept by the next one."""
    path = tmp_path / "p.rvos"
    Project.create(path, program="test").close()
    assert [each.name for each in tmp_path.iterdir()] == ["p.rvos"]
    with ProjectReader(path) as reader:
        assert reader.version == VERSION
