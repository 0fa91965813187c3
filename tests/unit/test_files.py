"""Writing is all or nothing: whatever fails, the old result stays, no part is left, a person is told what and where."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rvos_core import files
from rvos_core.errors import UserError
from rvos_core.files import atomic_file, atomic_folder, require_free_space, write_error, write_file

OWNED = re.compile(r"\d+\.txt")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fill(folder: Path, text: str) -> None:
    with atomic_folder(folder, owned=OWNED) as part:
        for number in range(3):
            (part / f"{number}.txt").write_text(text)


def test_a_new_file_appears_under_its_name_only(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "er" / "result.json"
    with atomic_file(target) as part:
        part.write_bytes(b"new")
        assert not target.exists()
        assert part.parent == target.parent
        assert part.name.startswith(".result.json.rvos-part-")
        assert part.suffix == ".json"
    assert target.read_bytes() == b"new"
    assert names(target.parent) == ["result.json"]


def test_an_error_in_the_block_keeps_the_old_file_and_passes_unchanged(tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    write_file(target, b"old")
    source_error = FileNotFoundError(errno.ENOENT, "gone", "source.mp4")
    with pytest.raises(FileNotFoundError) as caught, atomic_file(target) as part:
        part.write_bytes(b"half")
        raise source_error
    assert caught.value is source_error
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["result.json"]


def test_verification_decides(tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    write_file(target, b"old")

    def refuse(part: Path) -> None:
        assert part.read_bytes() == b"new"
        raise UserError("it does not read back")

    with pytest.raises(UserError, match="read back"), atomic_file(target, verify=refuse) as part:
        part.write_bytes(b"new")
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["x.txt"]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "masks"
    fill(target, "old")
    (target / "7.txt").write_text("of a longer run")
    fill(target, "new")
    assert names(target) == ["0.txt", "1.txt", "2.txt"]
    assert {path.read_text() for path in target.iterdir()} == {"new"}
    assert names(tmp_path) == ["masks"]


def test_a_cancelled_folder_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "masks"
    fill(target, "old")
    with pytest.raises(KeyboardInterrupt), atomic_folder(target, owned=OWNED) as part:
        (part / "0.txt").write_text("half")
        raise KeyboardInterrupt
    assert {path.read_text() for path in target.iterdir()} == {"old"}
    assert names(tmp_path) == ["masks"]


def test_a_folder_with_other_peoples_files_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "holiday.jpg").write_bytes(b"precious")
    with pytest.raises(UserError, match=r"holiday\.jpg") as caught:
        fill(tmp_path / "masks", "new")
    assert caught.value.code == "files.foreign_files"
    assert (tmp_path / "masks" / "holiday.jpg").read_bytes() == b"precious"
    assert names(tmp_path) == ["masks"]


def test_a_link_is_followed_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    write_file(tmp_path / "disk" / "a.txt", b"old")
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "disk" / "a.txt")
    write_file(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / "disk" / "a.txt").read_bytes() == b"new"


@pytest.mark.parametrize(
    "name", ["ü" * 120 + ".png", "x" * 250 + ".png", "-x.png", "a%04d.png", "new\nline.txt", "🚲.json"]
)
def test_names_that_are_long_or_odd(tmp_path: Path, name: str) -> None:
    write_file(tmp_path / name, b"1")
    write_file(tmp_path / name, b"2")
    assert names(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == b"2"


def dead_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def orphan(target: Path, kind: str, process_id: int) -> Path:
    return target.with_name(f".{target.name}.rvos-{kind}-{files._machine()}-{process_id}-0123abcd")


def test_parts_of_dead_processes_are_swept_and_others_stay(tmp_path: Path) -> None:
    target = tmp_path / "masks"
    dead, living = orphan(target, "part", dead_process()), orphan(target, "part", os.getppid())
    elsewhere = tmp_path / ".masks.rvos-part-ffffff-1-0123abcd"
    for path in (dead, living, elsewhere):
        path.mkdir()
        (path / "0.txt").write_text("half")
    fill(target, "new")
    assert not dead.exists()
    assert living.exists()
    assert elsewhere.exists()


def test_a_folder_put_aside_by_a_killed_process_comes_back(tmp_path: Path) -> None:
    target = tmp_path / "masks"
    aside = orphan(target, "old", dead_process())
    aside.mkdir()
    (aside / "0.txt").write_text("old")
    with pytest.raises(RuntimeError), atomic_folder(target, owned=OWNED):
        raise RuntimeError
    assert (target / "0.txt").read_text() == "old"


KILLED = """
import os, re, signal, sys
from pathlib import Path
from rvos_core import files
target = Path(sys.argv[1])
rename = Path.rename
def rename_once(self, other):
    rename(self, other)
    os.kill(os.getpid(), signal.SIGKILL)
Path.rename = rename_once
with files.atomic_folder(target, owned=re.compile(r"\\d+\\.txt")) as part:
    (part / "0.txt").write_text("new")
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_kill_between_the_two_renames_of_a_swap_loses_nothing(tmp_path: Path) -> None:
    target = tmp_path / "masks"
    fill(target, "old")
    subprocess.run(
        [sys.executable, "-c", KILLED, str(target)],
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert not target.exists()
    with pytest.raises(RuntimeError), atomic_folder(target, owned=OWNED):
        raise RuntimeError
    assert {path.read_text() for path in target.iterdir()} == {"old"}
    assert names(tmp_path) == ["masks"]


class Shim:
    """Lets `allowed` calls of the file system through, then fails one with `code`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, code: int) -> None:
        self.allowed = sys.maxsize
        self.calls = 0
        self._code = code
        for owner, name in (
            (os, "open"),
            (os, "fsync"),
            (os, "mkdir"),
            (os, "rename"),
            (os, "replace"),
            (Path, "write_text"),
            (Path, "write_bytes"),
        ):
            monkeypatch.setattr(owner, name, self._wrap(getattr(owner, name)))

    def _wrap(self, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            self.calls += 1
            if self.calls == self.allowed + 1:
                raise OSError(self._code, os.strerror(self._code))
            return real(*args, **kwargs)

        return call


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_whichever_call_fails_the_old_or_the_new_result_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, kind: str
) -> None:
    target = tmp_path / "out"

    def write(text: str) -> None:
        if kind == "file":
            write_file(target, text.encode())
            return
        with atomic_folder(target, owned=OWNED) as part, files.writing(target):
            for number in range(2):
                (part / f"{number}.txt").write_text(text)

    def content() -> set[str]:
        return {path.read_text() for path in ([target] if kind == "file" else target.iterdir())}

    write("old")
    shim = Shim(monkeypatch, code=code)
    write("old")
    calls = shim.calls
    assert calls >= 4
    failures = 0
    for allowed in range(calls):
        shim.allowed, shim.calls = allowed, 0
        try:
            write("new")
        except UserError as error:
            failures += 1
            assert str(target) in error.message
            assert error.hint
            assert content() == {"old"}
        else:  # a folder's own sync, or removing what was put aside, may fail without harm
            assert content() == {"new"}
            shim.allowed = sys.maxsize
            write("old")
            for aside in tmp_path.glob(".out.rvos-old-*"):
                shutil.rmtree(aside)
        assert names(tmp_path) == ["out"]
    assert failures >= 2


def test_every_reason_has_a_remedy_and_a_stable_code() -> None:
    error = write_error(Path("/x/masks"), OSError(errno.ENOSPC, "No space left on device"))
    assert error.message == "/x/masks cannot be written: the disk is full."
    assert error.code == "files.disk_full"
    assert "Free some space" in error.hint
    assert write_error(Path("/x"), OSError(errno.EXDEV, "Invalid cross-device link")).code == "files.write_failed"


def test_a_read_only_place_is_named(tmp_path: Path) -> None:
    read_only = Path("/proc/nowhere") if os.geteuid() == 0 else tmp_path / "locked"
    if os.geteuid():
        read_only.mkdir(mode=0o500)
    with pytest.raises(UserError, match=re.escape(str(read_only))):
        write_file(read_only / "a.txt", b"1")


def test_a_file_where_a_folder_should_be_and_the_reverse(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="not a folder"):
        write_file(tmp_path / "file" / "a.txt", b"1")
    with pytest.raises(UserError, match="a folder of that name"):
        write_file(tmp_path / "folder", b"1")
    with pytest.raises(UserError, match="not a folder"):
        fill(tmp_path / "file", "x")
    assert (tmp_path / "file").read_bytes() == b"x"


def test_too_little_space_is_said_before_the_work(tmp_path: Path) -> None:
    require_free_space(tmp_path / "not" / "there" / "yet", 1)
    with pytest.raises(UserError, match="MB free; this needs about") as caught:
        require_free_space(tmp_path / "not" / "there" / "yet", 10**18)
    assert caught.value.code == "files.disk_full"


def test_a_disk_that_does_not_say_its_size_is_tried() -> None:
    if not Path("/proc/self").exists():
        pytest.skip("this system has no /proc, whose size is 0")
    require_free_space(Path("/proc/self"), 10**18)


def test_a_folder_that_cannot_be_a_name_is_said_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="its name is too long"):
        require_free_space(tmp_path / ("x" * 300) / "masks", 1)
