"""Makes the golden projects, one for each version of the format: `python tests/golden/make_projects.py VERSION`.

Run once, when a version is released; the files are kept as they are for ever.
"""

from __future__ import annotations

import sys
from pathlib import Path

import apsw

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from documents import FRAMES, HEIGHT, WIDTH, clip_record, numbered_mask, thing
from rvos_core.masks import TrimapStrokes, empty
from rvos_core.project import history, schema, snapshots
from rvos_core.project.records import ExpressionRecord, MaskRecord, pts_rows
from rvos_core.project.rows import Rows
from rvos_core.project.trimaps import TrimapRecord
from rvos_core.types import FrameSpan


def main(version: int) -> None:
    path = Path(__file__).with_name(f"project-v{version}.rvos")
    path.unlink(missing_ok=True)
    connection = apsw.Connection(str(path))
    connection.execute(f"PRAGMA application_id={schema.APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={version}")
    for step in schema.STEPS[:version]:
        connection.execute(step)
    rows = Rows(connection)
    rows.put(schema.MEDIA, clip_record().row())
    for row in pts_rows(1, [1001 * index for index in range(FRAMES)]):
        rows.put(schema.PTS, row)
    rows.put(schema.OBJECT, thing(1, "the man in red").row())
    rows.put(schema.OBJECT, thing(2, "a dog").row())
    sentence = ExpressionRecord(1, 1, "the man in red riding a bike", "en", span=FrameSpan(0, 20), model="m", score=0.5)
    rows.put(schema.EXPRESSION, sentence.row())
    rows.put(schema.SETTING, ("media:1", "span", "[2, 40]"))
    for frame in range(20):
        record = MaskRecord(1, frame, numbered_mask(frame), "manual" if frame == 3 else "model", locked=frame == 3)
        rows.put(schema.MASK, record.row())
    for frame, absence in enumerate(("occluded", "out_of_frame") if version >= 3 else (), start=20):
        record = MaskRecord(1, frame, empty(HEIGHT, WIDTH), "manual", 1.0, False, True, absence=absence)
        rows.put(schema.MASK, record.row())
    if version >= 4:
        rows.put(schema.LOOK, (1, '{"matte": {"default": {"feather_px": 2.5}}}'))
    if version >= 5:
        strokes = TrimapStrokes(numbered_mask(5), empty(HEIGHT, WIDTH), empty(HEIGHT, WIDTH))
        rows.put(schema.TRIMAP, TrimapRecord(1, 4, strokes).row())
    snapshot = snapshots.take(connection, "half way", 1.7e9)
    edit_id = history.begin(connection, "Mask on frame 19", 1.7e9)
    rows = Rows(connection, edit_id=edit_id, snapshot_id=snapshot.snapshot_id)
    rows.put(schema.MASK, MaskRecord(1, 19, numbered_mask(77), "manual", locked=True).row())
    history.extend(connection, edit_id, rows)
    connection.execute("VACUUM")
    connection.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
