"""Where a project lies and how its program ends, in all combinations: the next start knows, and everything is there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from documents import numbered_mask
from rvos_core.project.library import Library
from rvos_core.project.recovery import examine, save_for_support
from rvos_core.project.relink import locate
from rvos_core.project.store import Project

pytestmark = pytest.mark.kill

_PLACES = ("never saved", "saved", "saved as", "media read-only", "media missing", "two projects")
_ENDS = ("crash", "kill", "reboot", "full disk")
_EDITS = 12

_STUDIO = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from documents import clip_record, numbered_mask, thing
from rvos_core.errors import UserError
from rvos_core.project.edits import AddObject
from rvos_core.project.library import Library
from rvos_core.project.mask_edits import DrawMask
from rvos_core.project.relink import identity_of, relative_to
from rvos_core.project.store import Project

folder, place, end, edits = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
library = Library(folder / "data")
clip = folder / "clip.mp4"

def begin(path):
    project = Project.create(path, program="the studio")
    known = identity_of(clip)
    record = replace(clip_record(), absolute_path=clip, relative_path=relative_to(clip, path),
                     size_bytes=known.size_bytes, identity=known.digest)
    project.add_media(record, range(120))
    project.apply(AddObject(thing(1)))
    library.mark_open(path)
    return project

path = library.new_untitled("clip") if place in ("never saved", "saved as") else folder / "p.rvos"
projects = [begin(path)]
if place == "two projects":
    projects.append(begin(folder / "q.rvos"))
if place == "saved":
    projects[0].save("by hand")
if place == "saved as":
    projects[0].save_as(folder / "named.rvos")
    projects[0].close()
    library.mark_closed(path)
    path.unlink()
    projects = [Project(folder / "named.rvos", program="the studio")]
    library.mark_open(folder / "named.rvos")
for number in range(edits):
    for project in projects:
        project.apply(DrawMask(1, number, numbered_mask(number)))
    print(number, flush=True)
if end == "full disk":
    filler = os.open(folder / "filler", os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(filler, bytes(4096))
    except OSError:
        os.close(filler)
    number = edits
    try:
        while number < 100:
            projects[0].apply(DrawMask(1, number, numbered_mask(number)))
            print(number, flush=True)
            number += 1
    except UserError as error:
        assert error.code == "files.disk_full", error.code
if end == "crash":
    os.abort()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder of its own; for a full disk one of 6 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    small = request.node.callspec.params["end"] == "full disk"
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)]
    if small and (sys.platform != "linux" or subprocess.run(mount, capture_output=True).returncode):
        pytest.skip("a small disk cannot be mounted here")
    yield place
    if small:
        subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.mark.parametrize("end", _ENDS)
@pytest.mark.parametrize("place", _PLACES)
def test_after_a_crash_everything_is_known_and_there(
    folder: Path, tmp_path: Path, place: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = folder / "clip.mp4"
    clip.write_bytes(b"a clip" * 100)
    if place == "media read-only":
        clip.chmod(0o444)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", _STUDIO, str(folder), place, end, str(_EDITS)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode < 0, done.stderr
    acknowledged = [int(line) for line in done.stdout.split()]
    assert acknowledged[:_EDITS] == list(range(_EDITS)), done.stderr
    (folder / "filler").unlink(missing_ok=True)
    if place == "media missing":
        clip.unlink()
    if end == "reboot":  # the lock's file may be left, and the machine says another start
        monkeypatch.setattr("rvos_core.project.sessions.boot_id", lambda: "another start")
        for project in [*folder.glob("*.rvos"), *(folder / "data" / "projects").glob("*.rvos")]:
            project.with_name(f".{project.name}.lock").touch()

    library = Library(folder / "data")
    found = library.left_open()
    assert len(found) == (2 if place == "two projects" else 1)
    for entry in found:
        library.begin_try(entry)
        examination = examine(entry.path)
        assert examination.problem == ""
        assert examination.masks >= _EDITS
        assert examination.snapshot == ("by hand" if place == "saved" else "")
        save_for_support(entry.path, tmp_path / "support.zip")
        with Project(entry.path, program="test") as project:
            assert project.crashed is not None
            project.check()
            drawn = {each.frame: each.mask for each in project.masks(1)}
            mine = acknowledged if entry.path != folder / "q.rvos" else list(range(_EDITS))
            assert {number: drawn[number] for number in mine} == {number: numbered_mask(number) for number in mine}
            assert set(drawn) - set(mine) <= {len(mine)}, "at most the one that was being made"
            assert (locate(project.media()[0], entry.path) is None) == (place == "media missing")
            before = project.mask_count()
            project.undo()
            assert project.mask_count() == before - 1
            project.redo()
        library.mark_closed(entry.path)
    assert library.left_open() == []
    shutil.rmtree(folder / "data")
