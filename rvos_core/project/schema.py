"""The tables of a project, as steps from one version of the file to the next.

A new project takes every step; an old one takes those that it lacks (`migrations`). A step that has been released is
never edited. docs/formats/project.md describes the tables in prose.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import apsw

APPLICATION_ID = 0x52564F53  # "RVOS"
SUFFIX = ".rvos"

_FIRST = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE session(
  session_id INTEGER PRIMARY KEY, pid INTEGER NOT NULL, host TEXT NOT NULL, boot TEXT NOT NULL, program TEXT NOT NULL,
  opened REAL NOT NULL, closed REAL) STRICT;
CREATE TABLE media(
  media_id INTEGER PRIMARY KEY AUTOINCREMENT, position INTEGER NOT NULL, kind TEXT NOT NULL,
  relative_path BLOB NOT NULL, absolute_path BLOB NOT NULL, size_bytes INTEGER NOT NULL, identity TEXT NOT NULL,
  width INTEGER NOT NULL, height INTEGER NOT NULL, frame_count INTEGER NOT NULL, rate TEXT NOT NULL,
  time_base TEXT NOT NULL, codec TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
CREATE TABLE pts(
  media_id INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL, deltas BLOB NOT NULL,
  crc INTEGER NOT NULL, PRIMARY KEY(media_id, first)) STRICT, WITHOUT ROWID;
CREATE TABLE object(
  object_id INTEGER PRIMARY KEY AUTOINCREMENT, media_id INTEGER NOT NULL, position INTEGER NOT NULL,
  name TEXT NOT NULL, colour INTEGER NOT NULL, visible INTEGER NOT NULL, locked INTEGER NOT NULL, note TEXT NOT NULL,
  crc INTEGER NOT NULL,
  FOREIGN KEY(media_id) REFERENCES media(media_id) DEFERRABLE INITIALLY DEFERRED) STRICT;
CREATE INDEX object_of_media ON object(media_id);
CREATE TABLE expression(
  expression_id INTEGER PRIMARY KEY AUTOINCREMENT, object_id INTEGER NOT NULL, text TEXT NOT NULL,
  language TEXT NOT NULL, kind TEXT NOT NULL, polarity INTEGER NOT NULL, annotator TEXT NOT NULL,
  paraphrase_group INTEGER NOT NULL, first INTEGER NOT NULL, stop INTEGER NOT NULL, model TEXT NOT NULL, score REAL,
  consensus REAL, crc INTEGER NOT NULL,
  FOREIGN KEY(object_id) REFERENCES object(object_id) DEFERRABLE INITIALLY DEFERRED) STRICT;
CREATE INDEX expression_of_object ON expression(object_id);
CREATE TABLE mask(
  object_id INTEGER NOT NULL, frame INTEGER NOT NULL, height INTEGER NOT NULL, width INTEGER NOT NULL,
  counts BLOB NOT NULL, origin TEXT NOT NULL, confidence REAL NOT NULL, visible INTEGER NOT NULL,
  locked INTEGER NOT NULL, run_id INTEGER NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY(object_id, frame),
  FOREIGN KEY(object_id) REFERENCES object(object_id) DEFERRABLE INITIALLY DEFERRED) STRICT, WITHOUT ROWID;
CREATE INDEX mask_lane ON mask(object_id, frame, visible, locked, confidence);
CREATE TABLE setting(
  scope TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY(scope, name)
  ) STRICT, WITHOUT ROWID;
CREATE TABLE edit(
  edit_id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, created REAL NOT NULL, bytes INTEGER NOT NULL,
  parts INTEGER NOT NULL, undone INTEGER NOT NULL) STRICT;
CREATE TABLE change(
  edit_id INTEGER NOT NULL, target TEXT NOT NULL, key BLOB NOT NULL, image BLOB, crc INTEGER NOT NULL,
  PRIMARY KEY(edit_id, target, key)) STRICT, WITHOUT ROWID;
CREATE TABLE snapshot(
  snapshot_id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, created REAL NOT NULL, head INTEGER NOT NULL,
  head_parts INTEGER NOT NULL) STRICT;
CREATE TABLE snapshot_row(
  snapshot_id INTEGER NOT NULL, target TEXT NOT NULL, key BLOB NOT NULL, image BLOB, crc INTEGER NOT NULL,
  PRIMARY KEY(snapshot_id, target, key)) STRICT, WITHOUT ROWID;
CREATE TABLE run(
  run_id INTEGER PRIMARY KEY AUTOINCREMENT, object_id INTEGER NOT NULL, media_id INTEGER NOT NULL,
  edit_id INTEGER NOT NULL, expression TEXT NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL,
  settings TEXT NOT NULL, model TEXT NOT NULL, status TEXT NOT NULL, message TEXT NOT NULL, created REAL NOT NULL,
  score REAL, consensus REAL) STRICT;
CREATE TABLE run_window(
  run_id INTEGER NOT NULL, number INTEGER NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL,
  status TEXT NOT NULL, PRIMARY KEY(run_id, number)) STRICT, WITHOUT ROWID;
"""

_CANDIDATES = """
CREATE TABLE candidate(
  run_id INTEGER NOT NULL, start INTEGER NOT NULL, count INTEGER NOT NULL, tracks INTEGER NOT NULL,
  height INTEGER NOT NULL, width INTEGER NOT NULL, bits BLOB NOT NULL, probability BLOB NOT NULL,
  crc INTEGER NOT NULL, PRIMARY KEY(run_id, start)) STRICT, WITHOUT ROWID;
CREATE INDEX run_of_object ON run(object_id);
"""

_ABSENCES = ""  # the same tables: `mask.visible` may be -1 or -2, which an older program would take for seen

_LOOKS = """
CREATE TABLE look(
  object_id INTEGER PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL,
  FOREIGN KEY(object_id) REFERENCES object(object_id) DEFERRABLE INITIALLY DEFERRED) STRICT;
"""

_TRIMAPS = """
CREATE TABLE trimap(
  object_id INTEGER NOT NULL, frame INTEGER NOT NULL, height INTEGER NOT NULL, width INTEGER NOT NULL,
  outside BLOB NOT NULL, unknown BLOB NOT NULL, inside BLOB NOT NULL, crc INTEGER NOT NULL,
  PRIMARY KEY(object_id, frame),
  FOREIGN KEY(object_id) REFERENCES object(object_id) DEFERRABLE INITIALLY DEFERRED) STRICT, WITHOUT ROWID;
"""

STEPS = (_FIRST, _CANDIDATES, _ABSENCES, _LOOKS, _TRIMAPS)
VERSION = len(STEPS)


@dataclass(frozen=True)
class Table:
    """One table whose rows the history restores. The first `key_length` columns are its key; `crc` comes last.

    `kinds`: of the values, without `crc`, as `codec.require_kinds` has them. `since`: the version it came with.
    """

    name: str
    kinds: str
    columns: tuple[str, ...]
    key_length: int = 1
    since: int = 1

    @property
    def key_columns(self) -> tuple[str, ...]:
        return self.columns[: self.key_length]


MEDIA = Table(
    "media",
    "IITBBITIIITTT",
    (
        "media_id",
        "position",
        "kind",
        "relative_path",
        "absolute_path",
        "size_bytes",
        "identity",
        "width",
        "height",
        "frame_count",
        "rate",
        "time_base",
        "codec",
    ),
)
PTS = Table("pts", "IIIB", ("media_id", "first", "count", "deltas"), key_length=2)
OBJECT = Table(
    "object", "IIITIIIT", ("object_id", "media_id", "position", "name", "colour", "visible", "locked", "note")
)
EXPRESSION = Table(
    "expression",
    "IITTTITIIITff",
    (
        "expression_id",
        "object_id",
        "text",
        "language",
        "kind",
        "polarity",
        "annotator",
        "paraphrase_group",
        "first",
        "stop",
        "model",
        "score",
        "consensus",
    ),
)
MASK = Table(
    "mask",
    "IIIIBTFIII",
    ("object_id", "frame", "height", "width", "counts", "origin", "confidence", "visible", "locked", "run_id"),
    key_length=2,
)
SETTING = Table("setting", "TTT", ("scope", "name", "value"), key_length=2)
LOOK = Table("look", "IT", ("object_id", "value"), since=4)
TRIMAP = Table(
    "trimap",
    "IIIIBBB",
    ("object_id", "frame", "height", "width", "outside", "unknown", "inside"),
    key_length=2,
    since=5,
)

JOURNALED = {table.name: table for table in (MEDIA, PTS, OBJECT, EXPRESSION, MASK, SETTING, LOOK, TRIMAP)}


@cache
def expected_objects(version: int) -> dict[tuple[str, str], str]:
    """(type, name) -> SQL of everything that a project of `version` holds, as SQLite itself writes it down."""
    connection = apsw.Connection(":memory:")
    try:
        for step in STEPS[:version]:
            connection.execute(step)
        return schema_objects(connection)
    finally:
        connection.close()


def schema_objects(connection: apsw.Connection) -> dict[tuple[str, str], str]:
    """What the open file holds, in the same form."""
    return {
        (str(kind), str(name)): str(sql or "")
        for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_schema")
    }
