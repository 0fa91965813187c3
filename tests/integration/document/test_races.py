"""Several programs at one project: one writes, the others are told by whom, nothing is lost, no lock is ever stale."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from documents import small_project, verify_file
from rvos_core.project.store import Project

pytestmark = pytest.mark.kill

_OPENER = """
import os, sys, time
from pathlib import Path
from documents import numbered_mask
from rvos_core.errors import UserError
from rvos_core.project.mask_edits import DrawMask
from rvos_core.project.store import Project

path, number, begin = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
try:
    project = Project(path, program=f"program {number}")
except UserError as error:
    print(error.code, "program" in error.message, flush=True)
    sys.exit(0)
project.apply(DrawMask(1, number, numbered_mask(number)))
print("writes", flush=True)
sys.stdin.readline()
project.close()
print("closed", flush=True)
"""


def openers(path: Path, count: int) -> list[subprocess.Popen[str]]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    made = [
        subprocess.Popen(
            [sys.executable, "-c", _OPENER, str(path), str(number), "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for number in range(count)
    ]
    for each in made:
        assert line(each) == "ready"
    return made


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.parametrize("races", [3, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_one_of_many_writes_and_a_killed_writer_leaves_no_lock(tmp_path: Path, races: int) -> None:
    dice = random.Random(races)
    for race in range(races):
        path = tmp_path / f"p{race}.rvos"
        small_project(path).close()
        programs = openers(path, dice.randrange(2, 9) if races > 3 else 2 + race)
        try:
            for each in programs:
                go(each)
            said = [line(each) for each in programs]
            assert said.count("writes") == 1, said
            assert said.count("project.in_use True") == len(programs) - 1, said
            number = said.index("writes")
            writer = programs[number]
            if dice.random() < 0.5:
                os.kill(writer.pid, signal.SIGKILL)
                writer.wait()
                with Project(path, program="next") as project:
                    assert project.crashed is not None
                    assert project.mask(1, number) is not None
            else:
                go(writer)
                assert line(writer) == "closed"
        finally:
            for each in programs:
                each.kill()
                each.wait()
                for pipe in (each.stdin, each.stdout):
                    if pipe is not None:
                        pipe.close()
        assert {key[2] for key in verify_file(path) if key[0] == "mask"} == {number}
