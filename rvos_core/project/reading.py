"""Questions to a project, by span. Used by the writer and by any number of readers, each with its own connection."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import apsw
import numpy as np

from rvos_core.masks import QueryMasks
from rvos_core.project import copies, history, sessions, snapshots
from rvos_core.project.codec import DamagedRow, checksum, pack, require_kinds
from rvos_core.project.database import connect, look, quick_check, require_own_schema
from rvos_core.project.errors import project_errors
from rvos_core.project.records import (
    EditRecord,
    ExpressionRecord,
    MaskRecord,
    MediaRecord,
    ObjectRecord,
    RunRecord,
    SessionRecord,
    SnapshotRecord,
    pts_of_row,
)
from rvos_core.project.rows import Rows
from rvos_core.project.schema import EXPRESSION, LOOK, MASK, MEDIA, OBJECT, PTS, SETTING, TRIMAP
from rvos_core.project.sql import fetch, number
from rvos_core.project.trimaps import TrimapRecord, trimaps_of
from rvos_core.types import FrameSpan

_EVERYWHERE = FrameSpan(0, 2**62)
_LANE_BLOCK = 50_000
_CANDIDATE_BYTES = 1 << 30  # unpacked, in one row
_RUN = (
    "SELECT run_id, object_id, media_id, edit_id, expression, start, stop, settings, model, status, message, created,"
    " score, consensus FROM run "
)


@dataclass(frozen=True)
class Lane:
    """What a timeline shows of one object.

    Attributes:
        frames: (n,) int64, in order.
        visible, locked: (n,) bool.
        confidence: (n,) float32, 0..1.
    """

    frames: np.ndarray
    visible: np.ndarray
    locked: np.ndarray
    confidence: np.ndarray


class ProjectReader:
    """A project open for reading. Belongs to one thread; sees each commit as soon as it is made.

    Raises on opening: UserError: not a project, damaged, not readable.
    """

    def __init__(self, path: Path) -> None:
        look(path)
        self.path = path
        with project_errors(path):
            self._connection = connect(path, "read")
            try:
                self.version = require_own_schema(self._connection, path)
            except BaseException:
                self._connection.close()
                raise
        self._rows = Rows(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        self._connection.close()

    def check(self) -> None:
        """SQLite's own check of the structure. Raises: UserError: it is damaged."""
        quick_check(self._connection, self.path)

    def hold(self) -> None:
        """From now on everything is answered as it is at this instant, whatever is committed meanwhile."""
        with project_errors(self.path):
            self._connection.execute("BEGIN")
            fetch(self._connection, "SELECT count(*) FROM session")

    def save_as(self, target: Path) -> None:
        """Write a whole copy, never over a project that is open. Raises: UserError: an old file then stays."""
        copies.save_as(self._connection, self.path, target)

    # -- media -------------------------------------------------------------------------------------------------------

    def media(self) -> list[MediaRecord]:
        """All clips, in their order."""
        with project_errors(self.path):
            found = [MediaRecord.of(row) for row in self._rows.select(MEDIA)]
        return sorted(found, key=lambda each: (each.position, each.media_id))

    def pts(self, media_id: int, span: FrameSpan | None = None) -> np.ndarray:
        """Times of a clip's frames, (n,) int64 in its time base."""
        wanted = _EVERYWHERE if span is None else span
        blocks = [np.zeros(0, dtype=np.int64)]
        with project_errors(self.path):
            for row in self._rows.select(
                PTS, "media_id=? AND first<? AND first+count>?", (media_id, wanted.stop, wanted.start)
            ):
                first = int(row[1])  # type: ignore[arg-type]
                times = pts_of_row(row)
                blocks.append(times[max(0, wanted.start - first) : max(0, wanted.stop - first)])
        return np.concatenate(blocks)

    # -- objects -----------------------------------------------------------------------------------------------------

    def objects(self, media_id: int | None = None) -> list[ObjectRecord]:
        """Objects of a clip (or of all), in their order."""
        where, values = ("media_id=?", (media_id,)) if media_id is not None else ("", ())
        with project_errors(self.path):
            found = [ObjectRecord.of(row) for row in self._rows.select(OBJECT, where, values)]
        return sorted(found, key=lambda each: (each.position, each.object_id))

    def expressions(self, object_id: int) -> list[ExpressionRecord]:
        """Sentences of an object, oldest first."""
        with project_errors(self.path):
            return [ExpressionRecord.of(row) for row in self._rows.select(EXPRESSION, "object_id=?", (object_id,))]

    def look(self, object_id: int) -> str:
        """JSON of an object's matte and effects, as `SetLook` wrote it; empty where both have their defaults."""
        if self.version < LOOK.since:
            return ""
        with project_errors(self.path):
            row = self._rows.get(LOOK, object_id)
        return "" if row is None else str(row[1])

    def trimap(self, object_id: int, frame: int) -> TrimapRecord | None:
        """What a person painted over an object's trimap on one frame, or None. Raises: UserError: it is damaged."""
        return self.trimaps(object_id, FrameSpan(frame, frame + 1)).get(frame)

    def trimaps(self, object_id: int, span: FrameSpan | None = None) -> dict[int, TrimapRecord]:
        """All that is painted for an object, by frame. Raises: UserError: one is damaged."""
        if self.version < TRIMAP.since:
            return {}
        with project_errors(self.path):
            return trimaps_of(self._rows, object_id, span)

    def setting(self, scope: str, name: str) -> str | None:
        """JSON of a setting, or None where it has its default."""
        with project_errors(self.path):
            row = self._rows.get(SETTING, scope, name)
        return None if row is None else str(row[2])

    # -- masks -------------------------------------------------------------------------------------------------------

    def mask(self, object_id: int, frame: int) -> MaskRecord | None:
        """The mask of one frame, or None where there is none. Raises: UserError: it is damaged."""
        with project_errors(self.path):
            row = self._rows.get(MASK, object_id, frame)
            return None if row is None else MaskRecord.of(row)

    def masks(self, object_id: int, span: FrameSpan | None = None) -> Iterator[MaskRecord]:
        """Masks of an object in order of frames. Raises: UserError: one is damaged."""
        wanted = _EVERYWHERE if span is None else span
        with project_errors(self.path):
            for row in self._rows.select(
                MASK, "object_id=? AND frame>=? AND frame<?", (object_id, wanted.start, wanted.stop)
            ):
                if row[0] != object_id:
                    raise DamagedRow(f"a mask of object {object_id} is that of another")
                yield MaskRecord.of(row)

    def mask_count(self, object_id: int | None = None) -> int:
        """Number of masks of an object, or of all."""
        where, values = ("WHERE object_id=?", (object_id,)) if object_id is not None else ("", ())
        return self._number(f"SELECT count(*) FROM mask INDEXED BY mask_lane {where}", values)

    def lane(self, object_id: int, span: FrameSpan | None = None) -> Lane:
        """What the timeline shows, without the masks themselves."""
        wanted = _EVERYWHERE if span is None else span
        blocks = [np.zeros((0, 4))]
        with project_errors(self.path):
            found = self._connection.execute(
                "SELECT frame, visible, locked, confidence FROM mask INDEXED BY mask_lane"
                " WHERE object_id=? AND frame>=? AND frame<? ORDER BY frame",
                (object_id, wanted.start, wanted.stop),
            )
            while block := list(islice(found, _LANE_BLOCK)):
                try:
                    blocks.append(np.array(block, dtype=np.float64))
                except (ValueError, TypeError) as error:  # an index that is broken, or forged
                    raise DamagedRow("what the timeline shows of the masks is not numbers") from error
        frames, visible, locked, confidence = np.concatenate(blocks).T
        return Lane(frames.astype(np.int64), visible > 0, locked > 0, confidence.clip(0, 1).astype(np.float32))

    # -- runs --------------------------------------------------------------------------------------------------------

    def runs(self, object_id: int | None = None) -> list[RunRecord]:
        """Runs of an object (or all), oldest first."""
        where, values = ("WHERE object_id=?", (object_id,)) if object_id is not None else ("", ())
        with project_errors(self.path):
            found = self._connection.execute(f"{_RUN}{where} ORDER BY run_id", values)
            return [RunRecord.of(row) for row in found]

    def run(self, run_id: int) -> RunRecord | None:
        """One run, or None."""
        with project_errors(self.path):
            found = fetch(self._connection, f"{_RUN}WHERE run_id=?", (run_id,))
            return RunRecord.of(found[0]) if found else None

    def sentence(self, object_id: int) -> str:
        """What an object was last looked for by; empty where it never was, or all of that was undone."""
        with project_errors(self.path):
            found = fetch(
                self._connection,
                "SELECT expression FROM run LEFT JOIN edit USING(edit_id) WHERE object_id=? AND NOT coalesce(undone, 0)"
                " ORDER BY run_id DESC LIMIT 1",
                (object_id,),
            )
            if found:
                require_kinds(found[0], "T", "a run")
                return str(found[0][0])
        known = self.expressions(object_id)
        return known[-1].text if known else ""

    def remaining(self, run: RunRecord) -> FrameSpan:
        """The frames that a run has not done yet; empty where it did all."""
        with project_errors(self.path):
            done = fetch(
                self._connection,
                "SELECT start, stop FROM run_window WHERE run_id=? AND status='done' ORDER BY start",
                (run.run_id,),
            )
            for window in done:
                require_kinds(window, "II", "a window of a run")
        reached = run.span.start
        for start, stop in done:
            if start > reached:
                break
            reached = max(reached, stop)
        return FrameSpan(min(reached, run.span.stop), run.span.stop)

    def windows_done(self, run: RunRecord) -> int:
        """The number of a run's last window; a run that goes on counts from there."""
        return self._number("SELECT coalesce(max(number), 0) FROM run_window WHERE run_id=?", (run.run_id,))

    def interrupted(self) -> list[RunRecord]:
        """Runs that ended before their span did and can go on, the latest of each object, unless it was undone."""
        latest: dict[int, RunRecord] = {}
        for run in self.runs():
            latest[run.object_id] = run
        living = {each.object_id for each in self.objects()}
        with project_errors(self.path):
            return [
                run
                for run in latest.values()
                if run.status in ("running", "waiting", "stopped", "failed")
                and run.object_id in living
                and len(self.remaining(run))
                and self._stands(run)
            ]

    def run_with_queries(self, object_id: int) -> RunRecord | None:
        """The latest run that an object's masks stand on, where the masks of its queries are still stored."""
        latest = next((run for run in reversed(self.runs(object_id)) if self._stands(run)), None)
        if latest is None or self.version < 2:
            return None
        stored = self._number("SELECT count(*) FROM candidate WHERE run_id=?", (latest.run_id,))
        return latest if stored else None

    def seams(self, run_id: int) -> frozenset[int]:
        """First frames of a run's windows that share no frame with the window before: queries are not linked there."""
        with project_errors(self.path):
            found = fetch(
                self._connection,
                "SELECT start, stop FROM run_window WHERE run_id=? AND status='done' ORDER BY number",
                (run_id,),
            )
            for window in found:
                require_kinds(window, "II", "a window of a run")
        return frozenset(start for (_, stop), (start, _) in pairwise(found) if start >= stop)

    def query_masks(self, run_id: int) -> Iterator[QueryMasks]:
        """What all queries of a run said, in order of frames; nothing where it was pruned. Raises: UserError."""
        if self.version < 2:
            return
        with project_errors(self.path):
            for row in self._connection.execute(
                "SELECT run_id, start, count, tracks, height, width, bits, probability, crc FROM candidate"
                " WHERE run_id=? ORDER BY start",
                (run_id,),
            ):
                yield _query_masks(row)

    # -- history -----------------------------------------------------------------------------------------------------

    def edits(self, limit: int = 1000) -> list[EditRecord]:
        """The latest entries of the history, oldest first."""
        with project_errors(self.path):
            return history.edits(self._connection, limit)

    def changed_masks(self, edit_id: int) -> int:
        """How many masks an entry of the history made, changed or took away."""
        return self._number("SELECT count(*) FROM change WHERE edit_id=? AND target='mask'", (edit_id,))

    def snapshots(self) -> list[SnapshotRecord]:
        """All snapshots, oldest first."""
        with project_errors(self.path):
            return snapshots.everything(self._connection)

    def is_current_snapshot(self) -> bool:
        """True where nothing changed since the latest snapshot."""
        with project_errors(self.path):
            return snapshots.is_current(self._connection)

    def last_session(self) -> SessionRecord | None:
        """Who opened it for writing last."""
        with project_errors(self.path):
            return sessions.last(self._connection)

    def _stands(self, run: RunRecord) -> bool:
        """Whether a run's entry is in the history and not undone."""
        with project_errors(self.path):
            edit = history.find(self._connection, run.edit_id)
        return edit is not None and not edit.undone

    def _number(self, query: str, values: tuple[int, ...] = ()) -> int:
        with project_errors(self.path):
            return number(self._connection, query, values)


def read_session(path: Path) -> SessionRecord | None:
    """Who opened a project last, or None where it cannot be told (it is damaged, or nobody did)."""
    try:
        connection = connect(path, "read")
    except apsw.Error:
        return None
    try:
        return sessions.last(connection)
    except apsw.Error:
        return None
    finally:
        connection.close()


def candidate_row(run_id: int, found: QueryMasks) -> tuple[int | bytes, ...]:
    """A row of the table `candidate`: one bit a cell, deflated."""
    frames, tracks, height, width = found.masks.shape
    bits = zlib.compress(np.packbits(found.masks.reshape(frames, tracks, height * width), axis=-1).tobytes(), 1)
    probability = found.probability.astype("<f4").tobytes()
    row = (run_id, found.span.start, frames, tracks, height, width, bits, probability)
    return (*row, checksum(pack(row)))


def _query_masks(stored: tuple[Any, ...]) -> QueryMasks:
    what = "a stored candidate of a run"
    require_kinds(stored, "IIIIIIBBI", what)
    *row, crc = stored
    _, start, frames, tracks, height, width, bits, probability = row
    size = (height * width + 7) // 8
    cells = frames * tracks * size
    sane = min(frames, tracks, height, width) > 0 and start >= 0 and cells <= _CANDIDATE_BYTES
    if checksum(pack(row)) != crc or not sane or len(probability) != 4 * frames * tracks:
        raise DamagedRow(f"{what} is not what was written")
    try:
        content = zlib.decompressobj().decompress(bits, cells + 1)
    except zlib.error as error:
        raise DamagedRow(f"{what} cannot be unpacked") from error
    if len(content) != cells:
        raise DamagedRow(f"{what} has the wrong length")
    packed = np.frombuffer(content, dtype=np.uint8).reshape(frames, tracks, size)
    masks = np.unpackbits(packed, axis=-1, count=height * width).astype(bool).reshape(frames, tracks, height, width)
    chances = np.frombuffer(probability, dtype="<f4").reshape(frames, tracks)
    return QueryMasks(FrameSpan(start, start + frames), masks, chances)
