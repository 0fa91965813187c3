"""A process that works on projects until it is killed: `document_victim.py`, told on stdin what to do.

Each line `KIND PATH` forks a child that works for ever and writes the number of every step to stdout after the call
that committed it returned; the parent writes the child's process id first and `ended` when it is gone.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from documents import numbered_mask
from rvos_core.project.edits import ChangeObject
from rvos_core.project.mask_edits import DrawMask
from rvos_core.project.records import MaskRecord
from rvos_core.project.store import Project
from rvos_core.types import FrameSpan

WINDOW, WINDOWS = 4, 6  # frames of a window, windows of a run


def edit_step(project: Project, number: int) -> None:
    """Step `number` of any kind of work: mostly masks, now and then undo, redo and a rename."""
    kind = (number * 7919) % 20
    if kind == 17:
        project.undo()
    elif kind == 18:
        project.redo()
    elif kind == 19:
        project.apply(ChangeObject(1, new_name=f"name {number}"))
    else:
        project.apply(DrawMask(1, number % 50, numbered_mask(number)))


def edit(project: Project) -> Iterator[None]:
    number = 0
    while True:
        edit_step(project, number)
        number += 1
        yield


def run_step(project: Project, number: int) -> None:
    """A run of six windows: begun, written window by window, finished."""
    part = number % (WINDOWS + 2)
    if part == 0:
        span = FrameSpan(0, WINDOW * WINDOWS)
        project.begin_run(project.objects()[0], expression=f"run {number}", span=span)
        return
    run = project.runs()[-1]
    if part == WINDOWS + 1:
        project.finish_run(run.run_id, "done", model="m", score=0.5)
        return
    start = (part - 1) * WINDOW
    masks = [
        MaskRecord(1, frame, numbered_mask(number * 100 + frame), "model", 0.5, run_id=run.run_id)
        for frame in range(start, start + WINDOW)
    ]
    project.commit_window(run.run_id, part, FrameSpan(start, start + WINDOW), masks)


def run(project: Project) -> Iterator[None]:
    number = 0
    while True:
        run_step(project, number)
        number += 1
        yield


def snapshot_step(project: Project, number: int) -> None:
    """Two edits, a snapshot, an edit, and back to the snapshot."""
    part = number % 5
    if part == 2:
        project.save(f"state {number}")
    elif part == 4:
        project.revert_to(project.snapshots()[-1].snapshot_id)
    else:
        project.apply(DrawMask(1, number % 30, numbered_mask(number)))


def snapshot(project: Project) -> Iterator[None]:
    number = 0
    while True:
        snapshot_step(project, number)
        number += 1
        yield


def save_as(project: Project) -> Iterator[None]:
    """An edit, then the whole project over an older copy."""
    number = 0
    target = project.path.with_name("target.rvos")
    while True:
        project.apply(DrawMask(1, number % 50, numbered_mask(number)))
        project.save_as(target)
        number += 1
        yield


def migrate(path: Path) -> Iterator[None]:
    """Open a file of the first version again and again."""
    template, fresh = path.with_name("template"), path.with_name("fresh.tmp")
    while True:
        shutil.copyfile(template, fresh)
        fresh.replace(path)
        Project(path, program="victim").close()
        yield


def checkpoint(path: Path) -> Iterator[None]:
    """Open, one edit, close."""
    number = 0
    while True:
        project = Project(path, program="victim")
        edit_step(project, number)
        project.close()
        number += 1
        yield


ON_PROJECT: dict[str, Callable[[Project], Iterator[None]]] = {
    "edit": edit,
    "run": run,
    "snapshot": snapshot,
    "save_as": save_as,
}
ON_PATH: dict[str, Callable[[Path], Iterator[None]]] = {"migrate": migrate, "checkpoint": checkpoint}


def work(kind: str, path: Path) -> None:
    steps = ON_PATH[kind](path) if kind in ON_PATH else ON_PROJECT[kind](Project(path, program="victim"))
    for number, _ in enumerate(steps):
        os.write(1, f"{number}\n".encode())


def main() -> None:
    for line in sys.stdin:
        kind, _, name = line.strip().partition(" ")
        child = os.fork()
        if child == 0:
            work(kind, Path(name))
        os.write(1, f"pid {child}\n".encode())
        os.waitpid(child, 0)
        os.write(1, b"ended\n")


if __name__ == "__main__":
    main()
