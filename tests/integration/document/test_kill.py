"""A process that is killed at any moment loses nothing that it had acknowledged, and leaves a sound file."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import apsw
import pytest

from document_victim import edit_step, run_step, snapshot_step
from documents import FRAMES, clip_record, numbered_mask, small_project, state_of, thing, verify_file
from rvos_core.project import schema
from rvos_core.project.records import MaskRecord, pts_rows
from rvos_core.project.rows import Rows
from rvos_core.project.store import Project

pytestmark = [
    pytest.mark.kill,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the victim is forked, which this system cannot"),
]

_VICTIM = Path(__file__).parents[2] / "helpers" / "document_victim.py"
_FEW, _MANY = 6, 200
_LONGEST_S = 0.25
_State = dict[tuple[Any, ...], Any]


class Victim:
    """The process that forks workers."""

    def __init__(self) -> None:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(_VICTIM.parent), *sys.path])}
        self._process = subprocess.Popen(
            [sys.executable, str(_VICTIM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def kill_after(self, kind: str, path: Path, *, seconds: float, first_ack: bool) -> int:
        """Let a child work, kill it; how many steps it had acknowledged."""
        said: IO[str] = self._process.stdout  # type: ignore[assignment]
        told: IO[str] = self._process.stdin  # type: ignore[assignment]
        told.write(f"{kind} {path}\n")
        told.flush()
        child, acknowledged = 0, 0
        while not child or (first_ack and not acknowledged):
            line = said.readline()
            assert line, "the victim ended by itself"
            if line.startswith("pid"):
                child = int(line.split()[1])
            else:
                acknowledged = int(line) + 1
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        while (line := said.readline()) != "ended\n":
            assert line, "the victim's parent ended"
            acknowledged = int(line) + 1
        return acknowledged

    def close(self) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait(timeout=10)
        self._process.stdout.close()  # type: ignore[union-attr]


@pytest.fixture
def victim() -> Iterator[Victim]:
    made = Victim()
    yield made
    made.close()


def states_after(path: Path, step: Callable[[Project, int], None], steps: int) -> list[_State]:
    """The states that an undisturbed project has after so many steps, and after one more."""
    with small_project(path) as project:
        found = []
        for number in range(steps + 1):
            if number == steps:
                found.append(state_of(project))
            step(project, number)
        found.append(state_of(project))
    return found


def check_history(path: Path) -> None:
    """The project was open when it ended, says so, and its history works."""
    with Project(path, program="test") as project:
        assert project.crashed is not None
        before = state_of(project)
        if project.undo() is not None:
            project.redo()
        assert state_of(project) == before


def check_prefix(folder: Path, path: Path, step: Callable[[Project, int], None], acknowledged: int) -> None:
    reference = folder / "reference.rvos"
    expected = states_after(reference, step, acknowledged)
    assert verify_file(path) in expected, f"after {acknowledged} acknowledged steps"
    reference.unlink()


def kill_many(victim: Victim, folder: Path, kind: str, step: Callable[[Project, int], None], times: int) -> None:
    dice = random.Random(times)
    for _ in range(times):
        path = folder / "p.rvos"
        small_project(path).close()
        acknowledged = victim.kill_after(kind, path, seconds=dice.uniform(0, _LONGEST_S), first_ack=dice.random() < 0.9)
        check_prefix(folder, path, step, acknowledged)
        if acknowledged:
            check_history(path)
        for each in folder.iterdir():
            each.unlink()


COUNTS = pytest.mark.parametrize(
    "times", [_FEW, pytest.param(_MANY, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)


@COUNTS
@pytest.mark.parametrize("kind", ["edit", "run", "snapshot"])
def test_killed_at_work_every_acknowledged_step_is_there(victim: Victim, tmp_path: Path, kind: str, times: int) -> None:
    step = {"edit": edit_step, "run": run_step, "snapshot": snapshot_step}[kind]
    kill_many(victim, tmp_path, kind, step, times)


@COUNTS
def test_killed_in_save_as_the_target_is_the_old_one_or_the_new_one(victim: Victim, tmp_path: Path, times: int) -> None:
    dice = random.Random(times)
    for _ in range(times):
        path, target = tmp_path / "p.rvos", tmp_path / "target.rvos"
        small_project(path).close()
        acknowledged = victim.kill_after("save_as", path, seconds=dice.uniform(0, _LONGEST_S), first_ack=True)
        masks = {key[2]: value.mask for key, value in verify_file(target).items() if key[0] == "mask"}
        allowed = [
            {number % 50: numbered_mask(number) for number in range(count)}
            for count in (acknowledged, acknowledged + 1)
        ]
        assert masks in allowed
        verify_file(path)
        small = Project(target, program="test")
        assert small.crashed is None, "a copy was never open"
        small.save_as(tmp_path / "again.rvos")  # sweeps what the killed process left
        small.close()
        Project(path, program="test").close()
        shutil.rmtree(tmp_path)
        tmp_path.mkdir()


@COUNTS
def test_killed_in_a_migration_the_file_is_of_one_version_or_the_other(
    victim: Victim, tmp_path: Path, times: int
) -> None:
    dice = random.Random(times)
    expected = write_first_version(tmp_path / "template")
    for _ in range(times):
        path = tmp_path / "p.rvos"
        shutil.copyfile(tmp_path / "template", path)
        victim.kill_after("migrate", path, seconds=dice.uniform(0, _LONGEST_S), first_ack=dice.random() < 0.5)
        with Project(path, program="test") as project:
            assert project.version == schema.VERSION
            project.check()
            assert state_of(project) == expected
        path.unlink()
        shutil.rmtree(tmp_path / "p-backups")


@COUNTS
def test_killed_while_closing_every_acknowledged_step_is_there(victim: Victim, tmp_path: Path, times: int) -> None:
    dice = random.Random(times)
    for _ in range(times):
        path = tmp_path / "p.rvos"
        small_project(path).close()
        acknowledged = victim.kill_after("checkpoint", path, seconds=dice.uniform(0, _LONGEST_S), first_ack=True)
        check_prefix(tmp_path, path, edit_step, acknowledged)
        Project(path, program="test").close()
        assert [each.name for each in tmp_path.iterdir()] == ["p.rvos"], "one file at rest"
        path.unlink()


def write_first_version(path: Path) -> _State:
    """A project as the first version of the format had it; its state."""
    connection = apsw.Connection(str(path))
    with connection:
        connection.execute(f"PRAGMA application_id={schema.APPLICATION_ID}")
        connection.execute("PRAGMA user_version=1")
        connection.execute(schema.STEPS[0])
        rows = Rows(connection)
        rows.put(schema.MEDIA, clip_record().row())
        for row in pts_rows(1, range(FRAMES)):
            rows.put(schema.PTS, row)
        rows.put(schema.OBJECT, thing(1).row())
        for frame in range(40):
            rows.put(schema.MASK, MaskRecord(1, frame, numbered_mask(frame), "manual", locked=frame % 2 == 0).row())
    connection.close()
    return verify_file(path)
