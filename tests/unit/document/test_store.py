"""The file itself: journals, readers beside the writer, closing, and the thread that owns it."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

import pytest

from documents import clip_record, numbered_mask, small_project, state_of
from rvos_core.errors import Cancelled, UserError
from rvos_core.project import database
from rvos_core.project.document import Document
from rvos_core.project.edits import ChangeObject
from rvos_core.project.mask_edits import DrawMask
from rvos_core.project.reading import ProjectReader
from rvos_core.project.store import Project


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_at_rest_it_is_one_file_and_reading_leaves_none_behind(tmp_path: Path) -> None:
    with small_project(tmp_path / "p.rvos") as project:
        assert project.journal == "wal"
        assert "p.rvos-wal" in names(tmp_path)
        assert project.commits > 0
    assert names(tmp_path) == ["p.rvos"]
    with ProjectReader(tmp_path / "p.rvos") as reader:
        reader.check()
    assert names(tmp_path) == ["p.rvos"]
    project.close()  # again


def test_on_a_network_disk_the_older_journal_is_used_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_project(tmp_path / "p.rvos").close()
    monkeypatch.setattr(database, "on_network", lambda path: True)
    with Project(tmp_path / "p.rvos", program="test") as project:
        assert project.journal == "delete"
        assert any("network disk" in notice for notice in project.notices)
        project.apply(DrawMask(1, 5, numbered_mask(5)))
        project.undo()
        project.redo()
        with ProjectReader(tmp_path / "p.rvos") as reader:
            assert reader.mask(1, 5) is not None
        assert "p.rvos-wal" not in names(tmp_path)


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        ("/dev/sda1 / ext4 rw 0 0\nserver:/x {here} nfs4 rw 0 0\n", True),
        ("/dev/sda1 / ext4 rw 0 0\nserver:/x /elsewhere nfs4 rw 0 0\n", False),
        ("//host/share {here} cifs rw 0 0\n/dev/sda1 {here}/p ext4 rw 0 0\n", True),
        ("sshfs {parent} fuse.sshfs rw 0 0\n", True),
        ("", False),
    ],
)
def test_network_disks_are_told_from_the_mounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mounts: str, expected: bool
) -> None:
    table = mounts.format(here=tmp_path.resolve(), parent=tmp_path.resolve().parent)
    monkeypatch.setattr(Path, "read_text", lambda self, **more: table)
    assert database.on_network(tmp_path / "p.rvos") == expected


def test_readers_see_each_commit_at_once(tmp_path: Path) -> None:
    with small_project(tmp_path / "p.rvos") as project, ProjectReader(tmp_path / "p.rvos") as reader:
        for number in range(50):
            project.apply(DrawMask(1, number, numbered_mask(number)))
            found = reader.mask(1, number)
            assert found is not None
            assert found.mask == numbered_mask(number)
        assert state_of(reader) == state_of(project)


def test_a_document_does_everything_in_order_and_closes_behind_it(tmp_path: Path) -> None:
    def new() -> Project:
        project = Project.create(tmp_path / "p.rvos", program="test")
        project.add_media(clip_record(), range(120))
        return project

    document = Document(new)
    small_project(tmp_path / "other.rvos").close()
    threads: set[int] = set()

    def note(number: int, project: Project) -> int:
        threads.add(threading.get_ident())
        project.save(f"{number}")
        return number

    futures = [document.submit(partial(note, number)) for number in range(100)]
    closed: list[bool] = []
    done = document.close(lambda: closed.append(True))
    assert [each.result() for each in futures] == list(range(100))
    done.result()
    assert closed == [True]
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    with pytest.raises(Cancelled):
        document.submit(partial(note, 1))
    document.close().result()
    with ProjectReader(tmp_path / "p.rvos") as reader:
        assert [each.name for each in reader.snapshots()] == [str(number) for number in range(100)]


def test_a_document_that_cannot_be_opened_says_so_to_everybody_who_asks(tmp_path: Path) -> None:
    document = Document(lambda: Project(tmp_path / "missing.rvos", program="test"))
    for _ in range(2):
        with pytest.raises(UserError, match="does not exist"):
            document.do(lambda project: project.edits())
    document.close().result()


def test_save_as_in_the_middle_of_work_loses_nothing(tmp_path: Path) -> None:
    document = Document(lambda: small_project(tmp_path / "p.rvos"))
    for number in range(20):
        document.submit(lambda project, number=number: project.apply(DrawMask(1, number, numbered_mask(number))))
    moved = document.go_on_in(tmp_path / "q.rvos", program="test")
    for number in range(20, 40):
        document.submit(lambda project, number=number: project.apply(DrawMask(1, number, numbered_mask(number))))
    assert moved.result() == tmp_path / "q.rvos"
    bad = document.go_on_in(tmp_path / "q.rvos", program="test")
    with pytest.raises(UserError):
        bad.result()
    document.do(lambda project: project.apply(ChangeObject(1, new_name="still here")))
    document.close().result()
    with ProjectReader(tmp_path / "p.rvos") as first, ProjectReader(tmp_path / "q.rvos") as second:
        assert first.mask_count() == 20
        assert second.mask_count() == 40
        assert second.objects()[0].name == "still here"
        assert len(second.edits()) == 42
