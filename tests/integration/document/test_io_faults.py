"""Disks that refuse at any call: the old file is whole, one sentence is said, and the next try works."""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from documents import numbered_mask, small_project, state_of, verify_file
from rvos_core.errors import UserError
from rvos_core.project import copies, database, store
from rvos_core.project.mask_edits import DrawMask
from rvos_core.project.store import Project

_CODES = {"files.disk_full", "files.io_error", "files.read_only", "files.no_permission", "project.cannot_open"}


class Faults:
    """Counts calls; the k-th fails, once or from then on."""

    def __init__(self) -> None:
        self.calls = 0
        self.fails_at = 0
        self.lasts = False
        self.error: Exception = apsw.FullError()

    def reset(self, *, fails_at: int = 0, lasts: bool = False, error: Exception | None = None) -> None:
        self.calls, self.fails_at, self.lasts = 0, fails_at, lasts
        self.error = error or self.error

    def call(self) -> None:
        self.calls += 1
        if self.fails_at and (self.calls == self.fails_at or (self.lasts and self.calls > self.fails_at)):
            raise self.error


FAULTS = Faults()


class FaultyFile(apsw.VFSFile):
    def xWrite(self, data: bytes, offset: int) -> None:
        FAULTS.call()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        FAULTS.call()
        super().xSync(flags)

    def xTruncate(self, newsize: int) -> None:
        FAULTS.call()
        super().xTruncate(newsize)


class FaultyDisk(apsw.VFS):
    """The system's files, with faults. Names of files are passed on as they come."""

    def __init__(self) -> None:
        super().__init__("faulty", "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        return FaultyFile("", name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        FAULTS.call()
        super().xDelete(filename, syncdir)


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """Projects are written through a disk that fails when it is told to. Alone, without memory shared with readers."""
    disk = FaultyDisk()

    def connect(path: Path, mode: database.Mode) -> apsw.Connection:
        if mode == "read":
            return database.connect(path, mode)
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs="faulty")
        for pragma in ("locking_mode=EXCLUSIVE", "foreign_keys=ON", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        return connection

    monkeypatch.setattr(store, "connect", connect)
    FAULTS.reset()
    yield FAULTS
    FAULTS.reset()
    disk.unregister()


def draw(project: Project, number: int) -> None:
    project.apply(DrawMask(1, number, numbered_mask(number)))


@pytest.mark.parametrize("lasts", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("error", [apsw.FullError(), apsw.IOError(), apsw.ReadOnlyError()], ids=["full", "io", "rofs"])
@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_every_write_and_sync_of_an_edit_may_fail(
    tmp_path: Path, faults: Faults, error: Exception, lasts: bool, every: int
) -> None:
    path = tmp_path / "p.rvos"
    small_project(path).close()
    with Project(path, program="test") as project:
        FAULTS.reset()
        for number in range(6):
            draw(project, number)
        calls = FAULTS.calls
    assert calls > 20
    for fails_at in range(1, calls + 1, every):
        path = tmp_path / f"p{fails_at}.rvos"
        small_project(path).close()
        with Project(path, program="test") as project:
            done = set()
            FAULTS.reset(fails_at=fails_at, lasts=lasts, error=error)
            for number in range(6):
                try:
                    draw(project, number)
                    done.add(number)
                except UserError as said:
                    assert said.code in _CODES, said
                    assert path.name in said.message
            FAULTS.reset()
            helped = any("nearly full" in notice for notice in project.notices)
            assert len(done) < 6 or (helped and not lasts), "only the ballast can make up for a full disk"
            assert {each.frame for each in project.masks(1)} == done, "what was kept is there, what failed is not"
            draw(project, 50)
            state = state_of(project)
        assert verify_file(path) == state
        path.unlink()


# -- files -------------------------------------------------------------------------------------------------------------

_ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS)


@pytest.fixture
def failing_system(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """`fsync`, `replace`, `mkdir` and `open` of the system count as calls of `FAULTS`."""

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **more: object) -> object:
            FAULTS.call()
            return real(*args, **more)

        return call

    for name in ("fsync", "replace", "mkdir"):
        monkeypatch.setattr(os, name, counted(getattr(os, name)))
    monkeypatch.setattr(Path, "replace", counted(Path.replace))
    FAULTS.reset()
    return FAULTS


@pytest.mark.parametrize("number", _ERRORS, ids=lambda each: errno.errorcode[each])
@pytest.mark.parametrize("what", ["copy", "backup"])
def test_every_call_of_a_copy_may_fail(tmp_path: Path, failing_system: Faults, number: int, what: str) -> None:
    path, target = tmp_path / "p.rvos", tmp_path / "target.rvos"
    with small_project(path) as project:
        draw(project, 1)

        def write() -> None:
            if what == "copy":
                project.save_as(target)
            else:
                project.back_up()

        if what == "copy":
            write()
        old = verify_file(target) if what == "copy" else {}
        draw(project, 2)
        FAULTS.reset()
        write()
        calls = FAULTS.calls
        assert calls >= 2
        for fails_at in range(1, calls + 1):
            draw(project, 2 + fails_at)
            before = verify_file(target) if what == "copy" else old
            FAULTS.reset(fails_at=fails_at, error=OSError(number, os.strerror(number)))
            try:
                write()
            except UserError as error:
                assert error.code in _CODES
                if what == "copy":
                    assert verify_file(target) == before, "the old file is whole"
            FAULTS.reset()
            write()
            assert [each.name for each in tmp_path.iterdir() if "part" in each.name] == []
        draw(project, 90)
    verify_file(path)


def test_room_is_asked_for_before_a_copy_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.rvos"
    with small_project(path) as project:
        usage = shutil.disk_usage(tmp_path)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=1000))
        with pytest.raises(UserError, match="MB free"):
            project.save_as(tmp_path / "copy.rvos")
    assert not (tmp_path / "copy.rvos").exists()


# -- a full disk -------------------------------------------------------------------------------------------------------

_ON_A_FULL_DISK = """
import json, os, sys
from pathlib import Path
from documents import numbered_mask, small_project, verify_file
from rvos_core.errors import UserError
from rvos_core.project.mask_edits import DrawMask
from rvos_core.project.store import Project

path, level = Path(sys.argv[1]), int(sys.argv[2])
small_project(path).close()
project = Project(path, program="test")
filler = path.with_name("filler")
free = os.statvfs(path.parent).f_bavail * os.statvfs(path.parent).f_frsize
filler.write_bytes(bytes(max(0, free - level)))
kept, refused, codes = 0, 0, set()
for number in range(3000):
    try:
        project.apply(DrawMask(1, number % 100, numbered_mask(number)))
        kept += 1
    except UserError as error:
        refused += 1
        codes.add(error.code)
        if refused == 5:
            break
count = len(project.edits(5000))
filler.unlink()
project.apply(DrawMask(1, 110, numbered_mask(1)))
project.close()
verify_file(path)
with Project(path, program="test") as again:
    entries = len(again.edits(5000))
print(json.dumps([kept, refused, sorted(codes), count, entries]))
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True)
    if made.returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.mark.skipif(sys.platform != "linux", reason="tmpfs is a Linux thing")
@pytest.mark.parametrize("levels", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_a_full_disk_loses_no_commit(small_disk: Path, levels: int) -> None:
    import json

    dice = random.Random(levels)
    full = 0
    for level in range(levels):
        path = small_disk / f"p{level}.rvos"
        room = level * 2_000_000 // levels + dice.randrange(4096)
        done = subprocess.run(
            [sys.executable, "-c", _ON_A_FULL_DISK, str(path), str(room)],
            capture_output=True,
            text=True,
            timeout=120,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert done.returncode == 0, done.stderr
        kept, refused, codes, count, entries = json.loads(done.stdout)
        assert set(codes) <= {"files.disk_full"}
        full += refused > 0
        assert count == kept + 1, "every edit that was acknowledged is in the history, no other one is"
        assert entries == count + 1, "and after the disk had room again, work went on"
        for each in small_disk.iterdir():
            each.unlink() if each.is_file() else shutil.rmtree(each)
    assert full >= levels // 2


def test_the_ballast_makes_room_for_the_last_edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.rvos"
    with small_project(path) as project:
        ballast = path.with_name(".p.rvos.ballast")
        assert ballast.exists()
        real, tries = Project._commit, []

        def full_once(self: Project, work: Callable[..., object]) -> object:
            tries.append(ballast.exists())
            if len(tries) == 1:
                raise apsw.FullError
            return real(self, work)  # type: ignore[arg-type]

        monkeypatch.setattr(Project, "_commit", full_once)
        draw(project, 3)
        assert tries == [True, False], "the second try had its room"
        assert any("nearly full" in notice for notice in project.notices)
        monkeypatch.undo()
        assert project.mask(1, 3) is not None
    assert not ballast.exists()
    assert copies.backup_folder(path).name == "p-backups"
