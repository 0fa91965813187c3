"""Whatever is given instead of a sound project has its sentence, and nothing is written to it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from documents import numbered_mask, small_project
from rvos_core.errors import UserError
from rvos_core.project import schema
from rvos_core.project.mask_edits import DrawMask
from rvos_core.project.reading import ProjectReader
from rvos_core.project.store import Project


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "p.rvos"
    with small_project(path) as project:
        for frame in range(20):
            project.apply(DrawMask(1, frame, numbered_mask(frame)))
    return path


def refused(path: Path, code: str, *, opens: Callable[[Path], object] | None = None) -> str:
    """Opening raises this error, which names the file, and leaves its bytes alone; its message."""
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(UserError) as caught:
        (opens or (lambda each: Project(each, program="test").close()))(path)
    assert caught.value.code == code, caught.value
    assert path.name[:60] in caught.value.message
    if before:
        assert path.read_bytes() == before
    return caught.value.message


def edited(path: Path, *statements: str) -> Path:
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA writable_schema=ON")
    for statement in statements:
        connection.execute(statement)
    connection.close()
    return path


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty (0 bytes)"),
        (b"<html>not found</html>", "something else"),
        (b"SQLite format 3\0", "another program"),
    ],
)
def test_other_content_is_not_a_project(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "p.rvos"
    path.write_bytes(content)
    assert says in refused(path, "project.not_a_project")


def test_the_database_of_another_program_is_not_a_project(tmp_path: Path) -> None:
    path = tmp_path / "p.rvos"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes(text)")
    connection.close()
    assert "another program" in refused(path, "project.not_a_project")


def test_a_folder_a_pipe_and_nothing_have_their_sentences(tmp_path: Path) -> None:
    folder = tmp_path / "folder.rvos"
    folder.mkdir()
    assert "folder" in refused(folder, "project.not_a_project")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.rvos")
        refused(tmp_path / "pipe.rvos", "project.not_a_project")
    refused(tmp_path / "missing.rvos", "project.missing")


def test_names_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="too long") as long:
        Project.create(tmp_path / ("x" * 250 + ".rvos"), program="test")
    assert long.value.code == "files.name_too_long"
    with pytest.raises(UserError, match=r"end in \.rvos"):
        Project.create(tmp_path / "p.sqlite", program="test")
    with pytest.raises(UserError, match="not UTF-8") as odd:
        Project(tmp_path / "p\udcff.rvos", program="test")
    assert odd.value.code == "project.bad_path"
    assert str(tmp_path) in odd.value.message
    odd.value.message.encode("utf-8")  # it can be printed


def test_a_project_is_not_made_over_another_one(sound: Path) -> None:
    refused(sound, "project.exists", opens=lambda path: Project.create(path, program="test"))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER evil AFTER INSERT ON mask BEGIN DELETE FROM mask; END",
        "CREATE VIEW evil AS SELECT * FROM mask",
        "CREATE TABLE evil(x)",
        "CREATE INDEX evil ON mask(confidence)",
    ],
)
def test_what_no_project_has_is_refused(sound: Path, statement: str) -> None:
    assert "evil" in refused(edited(sound, statement), "project.foreign_schema")


def test_a_trigger_is_refused_whatever_its_name(sound: Path) -> None:
    edited(
        sound,
        "CREATE TRIGGER evil AFTER INSERT ON session BEGIN DELETE FROM mask; END",
        "UPDATE sqlite_schema SET name='sqlite_evil', sql=replace(sql, 'evil', 'sqlite_evil') WHERE name='evil'",
    )
    refused(sound, "project.foreign_schema")
    with pytest.raises(UserError):
        ProjectReader(sound)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE expression",
        "UPDATE sqlite_schema SET sql=replace(sql, 'confidence REAL', 'confidence TEXT') WHERE name='mask'",
        "UPDATE sqlite_schema SET sql='CREATE TABLE edit(x)' WHERE name='edit'",
    ],
)
def test_tables_that_are_not_ours_are_damage(sound: Path, statement: str) -> None:
    refused(edited(sound, statement), "project.damaged")


def test_a_newer_version_is_read_and_not_written(sound: Path) -> None:
    edited(sound, f"PRAGMA user_version={schema.VERSION + 1}", "CREATE TABLE of_tomorrow(x)")
    assert "newer version" in refused(sound, "project.too_new")
    with ProjectReader(sound) as reader:
        assert reader.mask_count() == 20


def test_bad_utf8_is_damage_and_not_a_crash(sound: Path) -> None:
    edited(sound, "UPDATE object SET name=CAST(x'ff41fe' AS TEXT)")
    with ProjectReader(sound) as reader, pytest.raises(UserError) as caught:
        reader.objects()
    assert caught.value.code == "project.damaged"


@pytest.mark.parametrize("column", ["counts", "width", "origin", "confidence", "locked"])
def test_a_changed_value_of_a_mask_is_found_by_its_checksum(sound: Path, column: str) -> None:
    values = {"counts": "x'3031'", "width": "21", "origin": "'model'", "confidence": "0.25", "locked": "0"}
    edited(sound, f"UPDATE mask SET {column}={values[column]} WHERE frame=7")
    with ProjectReader(sound) as reader:
        assert reader.mask(1, 6) is not None
        with pytest.raises(UserError, match="not what was written"):
            reader.mask(1, 7)


def test_a_read_only_file_says_so_and_is_read(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    refused(sound, "files.read_only")
    with ProjectReader(sound) as reader:
        assert reader.mask_count() == 20


def test_a_project_in_use_names_who_holds_it(sound: Path) -> None:
    with Project(sound, program="the first program"):
        assert "the first program" in refused(sound, "project.in_use")
        with ProjectReader(sound) as reader:
            assert reader.mask_count() == 20
    Project(sound, program="test").close()


def test_a_copy_without_its_log_is_still_a_project(sound: Path, tmp_path: Path) -> None:
    with Project(sound, program="test") as project:
        project.apply(DrawMask(1, 50, numbered_mask(1)))
        shutil.copyfile(sound, tmp_path / "bare.rvos")
        with ProjectReader(tmp_path / "bare.rvos") as bare:
            assert bare.mask(1, 50) is None, "what lies in the log only is missing, and nothing else"
            assert bare.mask_count() == 20


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions as on Linux and macOS")
def test_a_read_only_folder_is_read_and_a_log_there_is_named() -> None:
    """As somebody without rights to the folder: root becomes nobody in a child."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with small_project(folder / "p.rvos") as project:
            project.apply(DrawMask(1, 3, numbered_mask(3)))
            for helper in ("", "-wal"):
                shutil.copyfile(folder / f"p.rvos{helper}", folder / f"killed.rvos{helper}")
        for each in folder.iterdir():
            each.chmod(0o444)
        folder.chmod(0o555)
        try:
            assert _asked_by_nobody(folder) == ["1", "files.read_only", "project.cannot_open", "files.read_only"]
        finally:
            folder.chmod(0o755)


def _asked_by_nobody(folder: Path) -> list[str]:
    receives, sends = os.pipe()
    child = os.fork()
    if child == 0:
        if os.geteuid() == 0:
            os.setuid(65534)
        said = []
        for path in (folder / "p.rvos", folder / "killed.rvos"):
            for ask in (
                lambda path: str(ProjectReader(path).mask_count()),
                lambda path: Project(path, program="x").path,
            ):
                try:
                    said.append(str(ask(path)))
                except UserError as error:
                    said.append(error.code)
        os.write(sends, "\n".join(said).encode())
        os._exit(0)
    os.close(sends)
    os.waitpid(child, 0)
    with os.fdopen(receives) as answer:
        return answer.read().split("\n")
