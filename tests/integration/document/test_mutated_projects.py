"""Damaged and hostile projects: what is read is as it was written or is an error; nothing else, and no crash."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from documents import numbered_mask, small_project, state_of
from rvos_core.errors import Cancelled, UserError
from rvos_core.masks import Rle
from rvos_core.project import schema
from rvos_core.project.edits import AddObject, ChangeObject
from rvos_core.project.mask_edits import DrawMask
from rvos_core.project.reading import ProjectReader
from rvos_core.project.records import ObjectRecord
from rvos_core.project.recovery import examine, recover
from rvos_core.project.store import Project
from rvos_core.types import FrameSpan

_PAGE = 4096
Mutation = Callable[[bytearray, random.Random], None]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "p.rvos"
    with small_project(path) as project:
        project.apply(AddObject(ObjectRecord(2, 1, 1, "another", (1, 2, 3))))
        for number in range(240):
            project.apply(DrawMask(1 + number % 2, number // 2, numbered_mask(number)))
        project.save("a state")
        run = project.begin_run(project.objects()[0], expression="a run", span=FrameSpan(0, 20))
        project.finish_run(run.run_id, "stopped")
        for number in range(20):
            project.apply(DrawMask(1, number, numbered_mask(number + 1000)))
    return path


def flipped_bits(content: bytearray, dice: random.Random) -> None:
    for _ in range(dice.randrange(1, 9)):
        content[dice.randrange(100, len(content))] ^= 1 << dice.randrange(8)


def cut(content: bytearray, dice: random.Random) -> None:
    del content[dice.randrange(200, len(content)) :]


def garbage(content: bytearray, dice: random.Random) -> None:
    at, length = dice.randrange(100, len(content)), dice.randrange(1, 3 * _PAGE)
    content[at : at + length] = dice.randbytes(len(content[at : at + length]))


def zeroed_page(content: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(content) // _PAGE) * _PAGE
    content[max(at, 100) : at + _PAGE] = bytes(at + _PAGE - max(at, 100))


def swapped_pages(content: bytearray, dice: random.Random) -> None:
    one, two = (dice.randrange(1, len(content) // _PAGE) * _PAGE for _ in range(2))
    content[one : one + _PAGE], content[two : two + _PAGE] = content[two : two + _PAGE], content[one : one + _PAGE]


_MUTATIONS: tuple[Mutation, ...] = (flipped_bits, cut, garbage, zeroed_page, swapped_pages)


def once_written(object_id: int, frame: int) -> list[Rle]:
    """All masks that a frame ever had: a page that comes back from the free list may hold an older one, whole."""
    older = numbered_mask(2 * frame + object_id - 1)
    return [older, numbered_mask(frame + 1000)] if object_id == 1 and frame < 20 else [older]


def read_all(path: Path) -> int:
    """Read every mask on its own; each is as it was written, or an error. Returns: how many were neither."""
    try:
        reader = ProjectReader(path)
    except UserError:
        return 0
    unnoticed = 0
    with reader:
        for object_id in (1, 2):
            for frame in range(0, 120):
                try:
                    found = reader.mask(object_id, frame)
                except UserError:
                    continue
                unnoticed += found is not None and found.mask not in once_written(object_id, frame)
        for question in (reader.check, reader.objects, reader.media, reader.edits, reader.snapshots, reader.runs):
            try:
                question()
            except UserError:
                continue
    return unnoticed


@pytest.mark.parametrize("cases", [150, pytest.param(2000, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])])
def test_a_mutated_project_gives_true_masks_or_errors(sound: Path, tmp_path: Path, cases: int) -> None:
    content = sound.read_bytes()
    dice = random.Random(11)
    path = tmp_path / "mutated.rvos"
    for case in range(cases):
        mutated = bytearray(content)
        _MUTATIONS[case % len(_MUTATIONS)](mutated, dice)
        path.write_bytes(mutated)
        assert read_all(path) == 0, (case, _MUTATIONS[case % len(_MUTATIONS)].__name__)
        assert path.read_bytes() == mutated, "reading writes nothing"
        work_on(path)


def work_on(path: Path) -> None:
    """Open for writing, change, undo, go back: a word, or it works."""
    try:
        with Project(path, program="test") as project:
            for step in (
                lambda: project.apply(ChangeObject(1, new_name="x")),
                project.undo,
                project.redo,
                lambda: project.jump(0),
                lambda: project.revert_to(1),
                lambda: project.clear_for_run(1),
            ):
                try:
                    step()
                except (UserError, Cancelled):
                    continue
    except UserError:
        return


@pytest.mark.parametrize("cases", [15, pytest.param(150, marks=pytest.mark.slow)])
def test_recovery_of_a_mutated_project_saves_true_masks_only(sound: Path, tmp_path: Path, cases: int) -> None:
    content = sound.read_bytes()
    dice = random.Random(12)
    saved = 0
    for case in range(cases):
        mutated = bytearray(content)
        _MUTATIONS[case % len(_MUTATIONS)](mutated, dice)
        path, new = tmp_path / "mutated.rvos", tmp_path / f"recovered {case}.rvos"
        path.write_bytes(mutated)
        try:
            recover(path, new)
        except UserError:
            assert not new.exists()
            continue
        with Project(new, program="test") as project:
            project.check()
            for key, value in state_of(project).items():
                if key[0] == "mask":
                    assert value.mask in once_written(*key[1:])
                    saved += 1
            project.apply(ChangeObject(project.objects()[0].object_id, new_name="work goes on"))
        assert path.read_bytes() == mutated
    assert saved > 60 * cases, "of 240 masks a fair share is saved"


# -- hostile files -----------------------------------------------------------------------------------------------------

_HOSTILE = (
    "CREATE TRIGGER t AFTER UPDATE ON object BEGIN DELETE FROM mask; END",
    "CREATE VIEW v AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n) SELECT x FROM n",
    "CREATE TABLE extra(x)",
    "UPDATE sqlite_schema SET sql='CREATE VIEW mask AS SELECT 1', type='view', rootpage=0 WHERE name='mask'",
    "UPDATE sqlite_schema SET rootpage=1 WHERE name='object'",
    "UPDATE sqlite_schema SET rootpage=99999 WHERE name='mask'",
    "DELETE FROM sqlite_schema WHERE name='edit'",
    "UPDATE object SET object_id=9223372036854775807 WHERE object_id=2",
    "UPDATE object SET media_id=77",
    "UPDATE mask SET frame=-frame WHERE object_id=1",
    "UPDATE mask SET frame=frame+9000000000000000000 WHERE object_id=1",
    "UPDATE mask SET object_id=55 WHERE object_id=2",
    "UPDATE mask SET height=2147483647, width=2147483647",
    "UPDATE mask SET counts=zeroblob(5000000) WHERE frame=3",
    "UPDATE mask SET origin='nobody'",
    "UPDATE change SET image=randomblob(50)",
    "UPDATE change SET image=NULL",
    "UPDATE change SET target='sqlite_schema'",
    "UPDATE change SET key=randomblob(9)",
    "UPDATE change SET crc=0",
    "UPDATE edit SET undone=1",
    "UPDATE edit SET bytes=-9223372036854775807",
    "UPDATE edit SET edit_id=edit_id*1000000000000",
    "UPDATE run SET start=-5, stop=9223372036854775807",
    "UPDATE run SET status='flying'",
    "UPDATE run SET settings='[[[[['",
    "UPDATE run_window SET start=5, stop=1",
    "UPDATE snapshot SET head=-1, head_parts=99",
    "UPDATE snapshot_row SET image=randomblob(20)",
    "UPDATE media SET rate='0/0', time_base='x'",
    "UPDATE media SET absolute_path='http://example.org/x.mp4', relative_path=''",
    "UPDATE media SET absolute_path=x'00', relative_path=x'2e2e2f2e2e2f2e2e2f6574632f706173737764'",
    "UPDATE pts SET deltas=zeroblob(100)",
    "UPDATE pts SET count=2147483647",
    "INSERT INTO meta VALUES('x', 'y')",
    "UPDATE sqlite_sequence SET seq=9223372036854775807",
    "DELETE FROM sqlite_sequence",
    "PRAGMA user_version=0",
    "PRAGMA user_version=-1",
    "PRAGMA user_version=1",
    "PRAGMA user_version=2147483647",
    "UPDATE setting SET value='{'",
    "INSERT INTO session VALUES(9223372036854775807, 1, '', '', '', 0, NULL)",
    "UPDATE session SET host=CAST(x'ff' AS TEXT), closed=NULL",
)

_WORKER = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_mutated_projects import examined
for line in sys.stdin:
    print(json.dumps(examined(Path(line.strip()))), flush=True)
"""


def examined(path: Path) -> list[str]:
    """Everything that is done with a project that somebody sends; the codes of the errors."""
    codes: list[str] = []
    reader = None
    try:
        reader = ProjectReader(path)
    except UserError as error:
        codes.append(error.code)
    if reader is not None:
        with reader:
            for question in (
                lambda: state_of(reader),
                reader.runs,
                reader.interrupted,
                reader.edits,
                reader.snapshots,
                reader.is_current_snapshot,
                lambda: reader.lane(1),
                reader.check,
            ):
                try:
                    question()
                except UserError as error:
                    codes.append(error.code)
    work_on(path)
    return codes


@pytest.mark.parametrize("pairs", [1, pytest.param(5, marks=pytest.mark.slow)])
def test_hostile_projects_get_a_word_and_crash_nothing(sound: Path, tmp_path: Path, pairs: int) -> None:
    """Each statement alone, and (`pairs` - 1) random pairs of each, in a process whose end would be noticed."""
    dice = random.Random(3)
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER, str(Path(__file__).parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path), "PATH": ""},
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    words = 0
    for number in range(len(_HOSTILE) * pairs):
        statements = [_HOSTILE[number % len(_HOSTILE)]]
        if number >= len(_HOSTILE):
            statements.append(dice.choice(_HOSTILE))
        path = tmp_path / f"hostile{number}.rvos"
        shutil.copyfile(sound, path)
        spoil(path, statements)
        worker.stdin.write(f"{path}\n")
        worker.stdin.flush()
        answer = worker.stdout.readline()
        assert answer, f"{statements} ended the process"
        words += bool(json.loads(answer))
        path.unlink()
    worker.stdin.close()
    assert worker.wait(timeout=30) == 0
    worker.stdout.close()
    assert words > len(_HOSTILE) * pairs // 3


def spoil(path: Path, statements: list[str]) -> None:
    connection = apsw.Connection(str(path))
    try:
        connection.execute("PRAGMA writable_schema=ON")
        for statement in statements:
            try:
                connection.execute(statement)
            except apsw.Error:
                continue  # the second of a pair may be impossible after the first
    finally:
        connection.close()


def test_a_hostile_project_is_examined_from_outside(sound: Path, tmp_path: Path) -> None:
    path = tmp_path / "hostile.rvos"
    shutil.copyfile(sound, path)
    assert examine(path).masks == 240
    spoil(path, ["CREATE TRIGGER t AFTER UPDATE ON object BEGIN DELETE FROM mask; END"])
    assert "was not opened" in examine(path).problem
    assert schema.VERSION >= 2
