"""Killed, cancelled, out of space at any moment: the final name is absent or complete, and going on gives the same."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from delivery_victim import FRAMES, victim_plan
from helpers_delivery import moving_disc
from ordered_projects import matte_order, write_project
from rvos_core.delivery.exporter import deliver, discard, unfinished
from rvos_core.delivery.plan import DeliveryPlan
from rvos_core.errors import Cancelled, UserError
from rvos_core.files import remove_part
from rvos_core.orders import fulfil
from rvos_core.types import CancelToken

FORMATS = ["prores4444", "ffv1", "png", "exr", "h264"]
MOMENTS = [pytest.param(10, id="10"), pytest.param(50, id="50", marks=pytest.mark.slow)]  # of each format
LEVELS = 40  # of each format, and of an order
_LONGEST_S = 0.14
_LEAST_KB = 16
# On which an export has just about room enough, all that it needs meanwhile included.
ENOUGH_KB = {"prores4444": 380, "ffv1": 640, "png": 160, "exr": 160, "h264": 150, "order": 240}


def content(path: Path) -> dict[str, bytes | int]:
    """Every file of an output. Of H.264, whose encoder does not give the same bytes twice, the number of frames."""
    if path.suffix == ".mp4":
        with av.open(str(path)) as container:
            return {path.name: sum(1 for _ in container.decode(video=0))}
    files = path.iterdir() if path.is_dir() else [path]
    return {file.name: file.read_bytes() for file in files}


@pytest.fixture(scope="module", params=FORMATS)
def whole(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, bytes | int]]:
    """A format, and what an export in it that nobody disturbs writes."""
    plan = victim_plan(request.param, tmp_path_factory.mktemp("whole"))
    (done,) = deliver(plan, moving_disc(plan.info))
    return request.param, content(done.path)


@pytest.fixture(scope="module")
def victims() -> Iterator[subprocess.Popen[str]]:
    if not hasattr(os, "fork"):
        pytest.skip("children are forked")
    script = Path(__file__).parents[2] / "helpers" / "delivery_victim.py"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, str(script)], env=dict(os.environ), **pipes)
    yield process
    process.stdin.close()
    process.wait()
    process.stdout.close()


def absent_or_complete(name: str, folder: Path, expected: dict[str, bytes | int]) -> None:
    target = victim_plan(name, folder).outputs[0].path
    assert not target.exists() or content(target) == expected


def goes_on(name: str, folder: Path, expected: dict[str, bytes | int]) -> None:
    plan = victim_plan(name, folder)
    (done,) = deliver(plan, moving_disc(plan.info))
    assert content(done.path) == expected
    assert not unfinished(plan)
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.kill
@pytest.mark.parametrize("times", MOMENTS)
def test_killed_at_any_moment(whole, victims, tmp_path: Path, times: int) -> None:
    name, expected = whole
    dice = random.Random(name)
    for number in range(times):
        if number % 4 == 0:
            shutil.rmtree(tmp_path / "out", ignore_errors=True)
        victims.stdin.write(f"{name} {tmp_path / 'out'}\n")
        victims.stdin.flush()
        child = int(victims.stdout.readline())
        time.sleep(dice.uniform(0, _LONGEST_S))
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        assert victims.stdout.readline() == "ended\n"
        if (tmp_path / "out").exists():
            absent_or_complete(name, tmp_path / "out", expected)
    goes_on(name, tmp_path / "out", expected)


def cancelled_after(plan: DeliveryPlan, frames: int) -> None:
    """Export until `frames` are written, or, where it is more than there are, the rest read back; then cancel."""
    token = CancelToken()

    def progress(done: int, total: int) -> None:
        del total
        if done >= frames:
            token.cancel()

    def read_back(done: int, total: int) -> None:
        progress(total + done, total)

    with pytest.raises(Cancelled):
        deliver(plan, moving_disc(plan.info), cancel=token, progress=progress, read_back=read_back, threads=1)


@pytest.mark.parametrize("times", MOMENTS)
def test_cancelled_at_any_moment(whole, tmp_path: Path, times: int) -> None:
    name, expected = whole
    dice = random.Random(name)
    for _ in range(times):
        plan = victim_plan(name, tmp_path / "out")
        cancelled_after(plan, dice.randrange(2 * FRAMES - 1))
        assert not plan.outputs[0].path.exists()
        if dice.random() < 0.5:
            discard(plan)
            assert not unfinished(plan)
    goes_on(name, tmp_path / "out", expected)


def test_a_disk_that_fills_up_at_any_level(whole, disk, monkeypatch: pytest.MonkeyPatch) -> None:
    name, expected = whole
    monkeypatch.setattr("rvos_core.delivery.plan.free_bytes", lambda folder: None)
    place, resize = disk
    full = 0
    for number in range(LEVELS):
        if number % 2 == 0:  # every other time it goes on with what the time before has left
            for path in place.iterdir():
                remove_part(path)
        resize(_LEAST_KB + number * (ENOUGH_KB[name] - _LEAST_KB) // LEVELS)
        plan = victim_plan(name, place)
        try:
            deliver(plan, moving_disc(plan.info))
        except UserError as error:
            full += 1
            assert error.code == "files.disk_full", error
            assert str(place) in error.message
        absent_or_complete(name, place, expected)
    assert full >= LEVELS * 2 // 3, "it was full nearly always"
    resize(8000)
    goes_on(name, place, expected)


def test_an_order_on_a_disk_that_fills_up(tmp_path: Path, disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several outputs and what lies beside them: each is absent or complete, whenever it happens."""
    monkeypatch.setattr("rvos_core.delivery.plan.free_bytes", lambda folder: None)
    project = write_project(tmp_path, names=("car",))
    place, resize = disk
    names = ("prores4444", "h264", "png8")
    done = fulfil(matte_order(project, tmp_path / "whole", *names))
    expected = {path.name: content(path) for path in done.outputs}
    full = 0
    for number in range(LEVELS):
        for path in place.iterdir():
            remove_part(path)
        resize(_LEAST_KB + number * (ENOUGH_KB["order"] - _LEAST_KB) // LEVELS)
        order = matte_order(project, place, *names, timelines=("otio",), recipe="resolve")
        try:
            fulfil(order)
        except UserError as error:
            full += 1
            assert error.code == "files.disk_full", error
        for path in place.iterdir():
            if path.name in expected:
                assert content(path) == expected[path.name]
            elif path.suffix == ".json":
                assert json.loads(path.read_text())["verification"]["right"] is True
            elif path.suffix in (".otio", ".txt"):
                assert path.stat().st_size
            else:
                assert path.name.startswith("."), path
    assert full >= LEVELS * 2 // 3
    resize(8000)
    again = fulfil(order)
    assert {path.name: content(path) for path in again.outputs} == expected
    assert len(again.beside) == 2 and all(path.exists() for path in again.beside)
    assert not [path for path in place.iterdir() if path.name.startswith(".")]


def test_what_is_done_is_checked_before_it_is_gone_on_with(whole, tmp_path: Path) -> None:
    name, expected = whole
    plan = victim_plan(name, tmp_path)
    cancelled_after(plan, 9)
    for folder in unfinished(plan):
        for path in folder.rglob("*"):
            if path.suffix in (".log", ".png", ".exr"):
                damaged = bytearray(path.read_bytes())
                damaged[len(damaged) // 2] ^= 0xFF
                path.write_bytes(damaged)
    goes_on(name, tmp_path, expected)


def test_two_exports_to_one_name_are_told_apart(tmp_path: Path) -> None:
    plan = victim_plan("ffv1", tmp_path)

    def frames(item, wanted):
        with pytest.raises(UserError) as caught:
            deliver(plan, moving_disc(plan.info))
        assert caught.value.code == "delivery.in_use"
        yield from moving_disc(plan.info)(item, wanted)

    (done,) = deliver(plan, frames)
    assert done.verification.is_right
