"""What the document adds to bare SQLite: checksums, undo and snapshots, in the processor's time."""

from __future__ import annotations

import itertools
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rvos_core.cli.bench_suites import Row, side_by_side
from rvos_core.types import CancelToken

if TYPE_CHECKING:
    import apsw

    from rvos_core.masks import Rle

_MASKS = 20_000
_EACH = 200  # calls a turn


def document(cancel: CancelToken) -> list[Row]:
    """Edits and reading of single masks in a project of 20,000, against the same statements alone."""
    from rvos_core.masks import encode
    from rvos_core.project.edits import AddObject
    from rvos_core.project.mask_edits import DrawMask, PutMasks
    from rvos_core.project.reading import ProjectReader
    from rvos_core.project.records import MaskRecord, MediaRecord, ObjectRecord
    from rvos_core.project.store import Project

    rows, columns = np.ogrid[:480, :854]
    discs = [encode((rows - 240 - n) ** 2 + (columns - 400 - 3 * n) ** 2 < (60 + n) ** 2) for n in range(50)]
    with tempfile.TemporaryDirectory(prefix="rvos-bench-") as folder:
        path, bare_path = Path(folder) / "bench.rvos", Path(folder) / "bare.db"
        bare = _bare_table(bare_path, discs)
        with Project.create(path, program="rvos bench") as project:
            clip = MediaRecord(
                1, 0, "video", None, Path("x"), 0, "", 854, 480, _MASKS, Fraction(24), Fraction(1, 24), "h264"
            )
            project.add_media(clip, range(_MASKS))
            project.apply(AddObject(ObjectRecord(1, 1, 0, "disc", (1, 2, 3))))
            project.apply(PutMasks(tuple(MaskRecord(1, f, discs[f % 50], "model") for f in range(_MASKS))))
            cancel.raise_if_cancelled()
            places = itertools.cycle(np.random.default_rng(0).permutation(_MASKS).tolist())
            with ProjectReader(path) as reader:

                def read() -> None:
                    for _ in range(_EACH):
                        reader.mask(1, next(places))

                def read_bare() -> None:
                    for _ in range(_EACH):
                        bare.execute(
                            "SELECT counts FROM mask WHERE object_id=1 AND frame=?", (next(places),)
                        ).fetchall()

                note = f"{_EACH} of {_MASKS:,}; against SELECT without checksums"
                found = [side_by_side("document, read a mask", read, read_bare, limit=0.1, note=note)]
            cancel.raise_if_cancelled()

            def edit() -> None:
                for _ in range(_EACH):
                    project.apply(DrawMask(1, next(places), discs[7]))

            def edit_bare() -> None:
                for _ in range(_EACH):
                    with bare:
                        bare.execute(
                            "UPDATE mask SET counts=? WHERE object_id=1 AND frame=?", (discs[7].counts, next(places))
                        )

            note = f"{_EACH} commits with undo; against UPDATE without undo"
            found.append(side_by_side("document, an edit", edit, edit_bare, limit=0.05, note=note))
        bare.close()
    return found


def _bare_table(path: Path, discs: list[Rle]) -> apsw.Connection:
    """The same masks in a table of their own, with the same journal."""
    import apsw

    bare = apsw.Connection(str(path))
    for statement in (
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        "CREATE TABLE mask(object_id INTEGER, frame INTEGER, counts BLOB, PRIMARY KEY(object_id, frame)) WITHOUT ROWID",
    ):
        bare.execute(statement).fetchall()
    with bare:
        bare.executemany(
            "INSERT INTO mask VALUES(1, ?, ?)", ((frame, discs[frame % 50].counts) for frame in range(_MASKS))
        )
    return bare
