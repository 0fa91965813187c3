"""Damaged and forged projects with every question asked of them: true rows, or an error that a person can read.

Files whose tables are foreign are tried beside the document's other tests; here it is damage of the log, of indexes and
of the history, and rows that somebody forged together with their checksums.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest

from documents import numbered_mask, small_project, state_of, thing
from rvos_core.errors import Cancelled, UserError
from rvos_core.masks import QueryMasks, Rle, encode
from rvos_core.project.codec import checksum, pack
from rvos_core.project.edits import AddObject, ChangeObject, PutExpression, SetSetting
from rvos_core.project.mask_edits import DrawMask, PutMasks
from rvos_core.project.reading import ProjectReader
from rvos_core.project.records import ExpressionRecord, MaskRecord
from rvos_core.project.schema import JOURNALED
from rvos_core.project.store import Project
from rvos_core.types import FrameSpan

_PAGE = 4096
_MANY = 2600  # rows of one edit, more than are read at once
_LONGEST_S = 20.0
Mutation = Callable[[bytearray, random.Random], None]


@dataclass(frozen=True)
class Sound:
    """A project and every mask that each of its frames ever had."""

    path: Path
    once: dict[tuple[int, int], set[Rle]]

    def is_true(self, mask: MaskRecord) -> bool:
        return mask.mask in self.once.get((mask.object_id, mask.frame), set())


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    path = tmp_path_factory.mktemp("sound") / "p.rvos"
    once: dict[tuple[int, int], set[Rle]] = {}

    def kept(record: MaskRecord) -> MaskRecord:
        once.setdefault((record.object_id, record.frame), set()).add(record.mask)
        return record

    with small_project(path) as project:
        project.apply(AddObject(thing(2)), PutExpression(ExpressionRecord(1, 1, "the man in red", "en")))
        project.apply(SetSetting("media:1", "span", "[0, 100]"))
        many = [kept(MaskRecord(2, frame, numbered_mask(frame), "propagated", 0.5)) for frame in range(_MANY)]
        project.apply(PutMasks(tuple(many)))
        project.save("a state")
        run = project.begin_run(project.objects()[0], expression="a run", span=FrameSpan(0, 40))
        for window in range(4):
            span = FrameSpan(window * 10, window * 10 + 10)
            masks = [kept(MaskRecord(1, at, numbered_mask(5000 + at), "model", 0.7, run_id=run.run_id)) for at in span]
            queries = QueryMasks(span, np.ones((10, 2, 6, 8), dtype=bool), np.ones((10, 2), dtype=np.float32))
            project.commit_window(run.run_id, window, span, masks, queries)
        project.finish_run(run.run_id, "done", model="m", score=0.5)
        for frame in range(0, 60, 3):
            project.apply(DrawMask(1, frame, kept(MaskRecord(1, frame, numbered_mask(9000 + frame), "manual")).mask))
    return Sound(path, once)


def flipped_bits(content: bytearray, dice: random.Random) -> None:
    for _ in range(dice.randrange(1, 9)):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)


def changed_bytes_of_a_page(content: bytearray, dice: random.Random) -> None:
    page = dice.randrange(1, len(content) // _PAGE) * _PAGE
    for _ in range(dice.randrange(1, 20)):
        content[page + dice.randrange(_PAGE)] = dice.randrange(256)


def changed_head_of_a_page(content: bytearray, dice: random.Random) -> None:
    content[dice.randrange(1, len(content) // _PAGE) * _PAGE + dice.randrange(40)] = dice.randrange(256)


def cut(content: bytearray, dice: random.Random) -> None:
    del content[dice.randrange(len(content)) :]


def garbage(content: bytearray, dice: random.Random) -> None:
    at, length = dice.randrange(len(content)), dice.randrange(1, 3 * _PAGE)
    content[at : at + length] = dice.randbytes(len(content[at : at + length]))


def zeroed_page(content: bytearray, dice: random.Random) -> None:
    at = dice.randrange(1, len(content) // _PAGE) * _PAGE
    content[at : at + _PAGE] = bytes(_PAGE)


def swapped_pages(content: bytearray, dice: random.Random) -> None:
    one, two = (dice.randrange(1, len(content) // _PAGE) * _PAGE for _ in range(2))
    content[one : one + _PAGE], content[two : two + _PAGE] = content[two : two + _PAGE], content[one : one + _PAGE]


_MUTATIONS: tuple[Mutation, ...] = (
    flipped_bits,
    changed_bytes_of_a_page,
    changed_head_of_a_page,
    cut,
    garbage,
    zeroed_page,
    swapped_pages,
)


# -- every question, every kind of work --------------------------------------------------------------------------------


def questions(reader: ProjectReader) -> Iterator[Callable[[], Any]]:
    yield lambda: state_of(reader)
    yield lambda: [reader.mask(1, frame) for frame in range(0, 60, 7)]
    yield lambda: [reader.lane(number) for number in (1, 2)]
    yield lambda: reader.lane(2, FrameSpan(100, 2000))
    yield lambda: [reader.mask_count(), reader.mask_count(1)]
    yield lambda: reader.pts(1, FrameSpan(3, 90))
    yield lambda: [reader.expressions(number) for number in (1, 2)]
    yield lambda: reader.setting("media:1", "span")
    yield lambda: [(run, reader.remaining(run)) for run in reader.runs()]
    yield reader.interrupted
    yield lambda: list(reader.query_masks(1))
    yield reader.edits
    yield reader.snapshots
    yield reader.is_current_snapshot
    yield reader.last_session
    yield reader.check


def works(project: Project) -> Iterator[Callable[[], Any]]:
    yield lambda: project.apply(ChangeObject(1, new_name="x"))
    yield lambda: project.apply(DrawMask(1, 7, numbered_mask(1)))
    yield project.undo
    yield project.redo
    yield lambda: project.jump(2)
    yield lambda: project.jump(0)
    yield lambda: project.jump(max((each.edit_id for each in project.edits()), default=0))
    yield lambda: project.revert_to(1)
    yield lambda: project.clear_for_run(1)
    yield lambda: project.commit_window(1, 9, FrameSpan(0, 1), [MaskRecord(1, 1, numbered_mask(2), "model")])
    yield lambda: project.finish_run(1, "done", note="a note")
    yield lambda: project.delete_snapshot(1)


def answers(asked: Iterator[Callable[[], Any]]) -> list[str]:
    """Ask all; the codes of what could not be answered. Nothing but `UserError` and `Cancelled` is an answer."""
    codes = []
    for question in asked:
        try:
            question()
        except UserError as error:
            codes.append(error.code)
        except Cancelled:
            codes.append("cancelled")
    return codes


def untrue_masks(path: Path, sound: Sound) -> list[MaskRecord]:
    """Masks that are read and were never written."""
    untrue: list[MaskRecord] = []
    try:
        with ProjectReader(path) as reader:
            for number in (1, 2):
                try:
                    untrue += [each for each in reader.masks(number) if not sound.is_true(each)]
                except UserError:
                    continue
    except UserError:
        return []
    return untrue


def examined(path: Path) -> list[str]:
    """Everything that is done with a project, read first and then written to; the codes of the errors."""
    codes = []
    try:
        with ProjectReader(path) as reader:
            codes += answers(questions(reader))
    except UserError as error:
        codes.append(error.code)
    try:
        with Project(path, program="test") as project:
            codes += answers(works(project))
    except UserError as error:
        codes.append(error.code)
    return codes


@pytest.mark.parametrize("cases", [70, pytest.param(2000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_a_mutated_project_answers_every_question_truly_or_with_an_error(
    sound: Sound, tmp_path: Path, cases: int
) -> None:
    content = sound.path.read_bytes()
    dice = random.Random(2042)
    path = tmp_path / "mutated.rvos"
    noticed = 0
    for case in range(cases):
        mutated = bytearray(content)
        mutation = _MUTATIONS[case % len(_MUTATIONS)]
        mutation(mutated, dice)
        path.write_bytes(mutated)
        began = time.monotonic()
        assert untrue_masks(path, sound) == [], (case, mutation.__name__)
        assert path.read_bytes() == mutated, "reading writes nothing"
        noticed += bool(examined(path))
        assert time.monotonic() - began < _LONGEST_S, (case, mutation.__name__)
    assert noticed > cases // 2


def test_one_changed_byte_of_any_mask_is_found(tmp_path: Path) -> None:
    dice = np.random.default_rng(5)
    path, count = tmp_path / "p.rvos", 150
    masks = [encode(dice.random((12, 20)) > 0.5) for _ in range(count)]
    with small_project(path) as project:
        project.apply(PutMasks(tuple(MaskRecord(1, frame, masks[frame], "model") for frame in range(count))))
    content = path.read_bytes()
    for frame, mask in enumerate(masks):
        changed = bytearray(mask.counts)
        changed[dice.integers(len(changed))] ^= 1 << int(dice.integers(8))
        path.write_bytes(content.replace(mask.counts, changed))  # pages hold older copies of it, too
        with ProjectReader(path) as reader:
            with pytest.raises(UserError) as caught:
                reader.mask(1, frame)
            assert caught.value.code == "project.damaged"
            assert reader.mask(1, (frame + 1) % count) is not None, "the others are read"


# -- forged files ------------------------------------------------------------------------------------------------------

_VALUES = (None, "text", b"blob", 1.5, -1, 0, 2**63 - 1, -(2**63), "", b"", float("inf"), "\0x")
_SETTLED = ("crc",)


def columns_of(path: Path) -> list[tuple[str, str]]:
    """(table, column) of everything in a project."""
    connection = apsw.Connection(str(path))
    try:
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite_%'")
        return [
            (table, column)
            for (table,) in tables.fetchall()
            for _, column, *_ in connection.execute(f"PRAGMA table_info({table})").fetchall()
        ]
    finally:
        connection.close()


def forge(path: Path, table: str, column: str, value: object) -> bool:
    """Give one row a value of any type, with a checksum that fits. Returns: whether SQLite let it be."""
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA writable_schema=ON")
    (sql,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name=?", (table,)).fetchall()[0]
    loose = sql.replace(" STRICT,", "").replace(" STRICT", "").replace(" NOT NULL", "")
    for kind in (" TEXT", " REAL"):
        loose = loose.replace(kind, " BLOB")
    loose = loose.replace(" INTEGER PRIMARY", " KEEP").replace(" INTEGER", " BLOB").replace(" KEEP", " INTEGER PRIMARY")
    connection.execute("UPDATE sqlite_schema SET sql=? WHERE name=?", (loose, table))
    connection.close()
    connection = apsw.Connection(str(path))
    try:
        connection.execute("PRAGMA writable_schema=ON")
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        rows = connection.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY 1, 2").fetchall()
        if not rows:
            return False
        old = rows[len(rows) // 2]
        new = [value if name == column else kept for name, kept in zip(names, old, strict=True)]
        if table in (*JOURNALED, "candidate") and column not in _SETTLED:
            new[-1] = checksum(pack(new[:-1]))
        same = " AND ".join(f"{name} IS ?" for name in names)
        connection.execute(f"DELETE FROM {table} WHERE {same}", old)
        connection.execute(f"INSERT OR REPLACE INTO {table} VALUES({', '.join('?' * len(names))})", new)
    except apsw.Error:
        return False
    finally:
        connection.execute("UPDATE sqlite_schema SET sql=? WHERE name=?", (sql, table))
        connection.close()
    return True


def forge_history(path: Path, dice: random.Random) -> str:
    """Another key or image for rows of the history, each packed as it should be. Returns: what was done."""
    image = pack(dice.choice([(), (1,), tuple(range(10)), (1, 3, 12, 20, b"00", "manual", 1.0, 1, 1, 0), ("a", None)]))
    key = pack(dice.choice([(), (1,), ("a",), (1, 3), (1, 2**62), (None, None), (1, 2, 3), (b"x", 1.5)]))
    table = dice.choice(["change", "snapshot_row"])
    target = dice.choice([*JOURNALED, "edit"])
    changes = {"image=?, crc=?": (image, checksum(image)), "key=?": (key,), "target=?": (target,)}
    what = dice.choice(sorted(changes))
    connection = apsw.Connection(str(path))
    keys = connection.execute(f"SELECT DISTINCT key FROM {table} ORDER BY key").fetchall()
    for (old,) in dice.sample(keys, 5):
        connection.execute(f"UPDATE OR REPLACE {table} SET {what} WHERE key=?", (*changes[what], old))
    connection.close()
    return f"{table}: {what} {changes[what]!r:.80}"


_WORKER = """
import importlib.util, json, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("forged", sys.argv[1])
forged = sys.modules["forged"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(forged)
for line in sys.stdin:
    try:
        print(json.dumps(forged.examined(Path(line.strip()))), flush=True)
    except Exception as error:
        print(json.dumps(f"{type(error).__name__}: {error}"), flush=True)
"""


class Worker:
    """A process that examines files; its end, or another exception than ours, is seen here."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-c", _WORKER, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def examine(self, path: Path) -> list[str] | str:
        """Codes of the errors, or the name of an exception that nobody expects."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{path}\n")
        stdin.flush()
        answer = stdout.readline()
        return json.loads(answer) if answer else "the process ended"

    def close(self) -> None:
        self._process.communicate(timeout=30)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close()


@pytest.mark.parametrize("cases", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_a_value_of_a_wrong_kind_with_a_fitting_checksum_is_an_error_or_read(
    sound: Sound, tmp_path: Path, worker: Worker, cases: int
) -> None:
    dice = random.Random(42)
    path = tmp_path / "forged.rvos"
    places = columns_of(sound.path)
    tried, odd = 0, []
    while tried < cases:
        (table, column), value = dice.choice(places), dice.choice(_VALUES)
        shutil.copyfile(sound.path, path)
        if not forge(path, table, column, value):
            continue
        tried += 1
        answer = worker.examine(path)
        if isinstance(answer, str):
            odd.append((table, column, value, answer))
    assert odd == []


@pytest.mark.parametrize("cases", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_a_forged_history_is_undone_rightly_or_not_at_all(
    sound: Sound, tmp_path: Path, worker: Worker, cases: int
) -> None:
    dice = random.Random(43)
    path = tmp_path / "forged.rvos"
    odd = []
    for _ in range(cases):
        shutil.copyfile(sound.path, path)
        what = forge_history(path, dice)
        answer = worker.examine(path)
        if isinstance(answer, str):
            odd.append((what, answer))
    assert odd == []
