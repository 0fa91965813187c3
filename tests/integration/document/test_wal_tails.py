"""What a power cut can do to the end of the log: the project has everything up to some commit, never a mixture."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from document_victim import edit_step, run_step
from documents import small_project, state_of
from rvos_core.project.store import Project

pytestmark = pytest.mark.kill

_STEPS = 15
_PAGE = 4096
Damage = Callable[[bytearray, random.Random], None]


def cut(log: bytearray, dice: random.Random) -> None:
    del log[dice.randrange(len(log)) :]


def zeros(log: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(log))
    log[at:] = bytes(len(log) - at)


def garbage(log: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(log))
    log[at:] = dice.randbytes(len(log) - at)


def torn_page(log: bytearray, dice: random.Random) -> None:
    at = dice.randrange(max(1, len(log) - _PAGE))
    log[at : at + _PAGE] = dice.randbytes(min(_PAGE, len(log) - at))


def flipped_bit(log: bytearray, dice: random.Random) -> None:
    log[dice.randrange(len(log))] ^= 1 << dice.randrange(8)


_DAMAGES: tuple[Damage, ...] = (cut, zeros, garbage, torn_page, flipped_bit)


@pytest.mark.parametrize("cases", [60, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_a_damaged_wal_leaves_a_clean_prefix_of_the_commits(tmp_path: Path, cases: int) -> None:
    path, kept = tmp_path / "p.rvos", tmp_path / "kept.rvos"
    states = []
    small_project(path).close()
    with Project(path, program="test") as project:
        states.append(state_of(project))
        for number in range(_STEPS):
            edit_step(project, number)
            states.append(state_of(project))
        for number in range(_STEPS):
            run_step(project, number)
            states.append(state_of(project))
        shutil.copyfile(path, kept)
        log = path.with_name("p.rvos-wal").read_bytes()
    assert len(log) > 20 * _PAGE, "the commits lie in the log"
    dice = random.Random(5)
    for case in range(cases):
        damaged = bytearray(log)
        _DAMAGES[case % len(_DAMAGES)](damaged, dice)
        victim = tmp_path / "victim.rvos"
        shutil.copyfile(kept, victim)
        victim.with_name("victim.rvos-wal").write_bytes(damaged)
        with Project(victim, program="test") as opened:
            opened.check()
            assert state_of(opened) in states, (case, _DAMAGES[case % len(_DAMAGES)].__name__)
        victim.unlink()
