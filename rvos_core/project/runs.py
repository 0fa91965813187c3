"""Runs of a model, kept window by window: a crash, a cancel or a lack of memory costs one window at most.

All windows of a run are one entry of the history, opened by `begin_run` and extended by each commit.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from rvos_core.errors import Cancelled
from rvos_core.masks import QueryMasks
from rvos_core.project import history
from rvos_core.project.edits import AddObject, ChangeObject
from rvos_core.project.history import Touched
from rvos_core.project.mask_edits import DeleteMasks, put_unlocked
from rvos_core.project.reading import candidate_row
from rvos_core.project.records import ExpressionRecord, MaskRecord, ObjectRecord, RunRecord, RunState
from rvos_core.project.rows import Rows
from rvos_core.project.schema import EXPRESSION, OBJECT
from rvos_core.project.writer import Writer
from rvos_core.types import FrameSpan

_GIVEN_UP = "Given up before its first window"


class RunWriter(Writer):
    """The part of a project that runs write to."""

    def begin_run(
        self,
        target: ObjectRecord,
        *,
        expression: str,
        span: FrameSpan,
        settings: str = "{}",
        model: str = "",
    ) -> RunRecord:
        """Begin a run: one entry of the history, which its windows add to. A new object comes and goes with it.

        Raises:
            UserError: the disk refuses.
        """

        def work(_: Rows) -> int:
            edit_id = history.begin(self._connection, f"Run “{expression}”", time.time())
            if self._rows.get(OBJECT, target.object_id) is None:
                self._within(edit_id, AddObject(target).apply)
            else:
                self._within(edit_id, ChangeObject(target.object_id, new_name=target.name).apply)
            self._connection.execute(
                "INSERT INTO run(object_id, media_id, edit_id, expression, start, stop, settings, model, status,"
                " message, created) VALUES(?, ?, ?, ?, ?, ?, ?, ?, 'waiting', '', ?)",
                (
                    target.object_id,
                    target.media_id,
                    edit_id,
                    expression,
                    span.start,
                    span.stop,
                    settings,
                    model,
                    time.time(),
                ),
            )
            return self._connection.last_insert_rowid()

        self._merge = None
        return self._run(self._transact(work))

    def clear_for_run(self, run_id: int) -> list[int]:
        """The run starts: masks of its span go, except locked ones. Returns: frames that are empty now."""

        def work(_: Rows) -> list[int]:
            run = self._living(run_id)
            before = set(self.lane(run.object_id, run.span).frames.tolist())
            self._within(run.edit_id, DeleteMasks(run.object_id, run.span).apply)
            self._set_status(run_id, "running")
            return sorted(before - set(self.lane(run.object_id, run.span).frames.tolist()))

        return self._transact(work)

    def commit_window(
        self, run_id: int, number: int, span: FrameSpan, masks: Iterable[MaskRecord], queries: QueryMasks | None = None
    ) -> list[MaskRecord]:
        """A window's masks and the run's progress, together. Returns: the masks that were written (not the locked).

        Raises:
            Cancelled: the run was undone or its object is gone.
            UserError: the disk refuses; nothing of the window is kept.
        """

        given = tuple(masks)  # it may be asked for twice, where the disk is full

        def work(_: Rows) -> list[MaskRecord]:
            run = self._living(run_id)
            written = self._within(run.edit_id, lambda rows: put_unlocked(rows, given))
            self._connection.execute(
                "INSERT OR REPLACE INTO run_window VALUES(?, ?, ?, ?, 'done')", (run_id, number, span.start, span.stop)
            )
            if queries is not None:
                self._connection.execute(
                    "INSERT OR REPLACE INTO candidate VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    candidate_row(run_id, queries),
                )
            self._set_status(run_id, "running")
            return written

        return self._transact(work)

    def revise(self, run_id: int, masks: Iterable[MaskRecord]) -> list[MaskRecord]:
        """The run's final vote changed these. Raises: as `commit_window`."""
        given = tuple(masks)
        return self._transact(
            lambda _: self._within(self._living(run_id).edit_id, lambda rows: put_unlocked(rows, given))
        )

    def keep_queries(self, run_id: int, queries: QueryMasks) -> None:
        """What all queries of a run said on further frames."""
        self._transact(
            lambda _: (
                self._connection.execute(
                    "INSERT OR REPLACE INTO candidate VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)", candidate_row(run_id, queries)
                )
                and None
            )
        )

    def finish_run(
        self,
        run_id: int,
        status: RunState,
        *,
        message: str = "",
        note: str | None = None,
        model: str = "",
        score: float | None = None,
        consensus: float | None = None,
    ) -> None:
        """The run ended, well or not. Where it ended well, its expression is kept with the score."""

        def work(_: Rows) -> None:
            run = self._run(run_id)
            self._connection.execute(
                "UPDATE run SET status=?, message=?, model=?, score=?, consensus=? WHERE run_id=?",
                (status, message, model or run.model, score, consensus, run_id),
            )
            edit = history.find(self._connection, run.edit_id)
            if edit is None or edit.undone or self._rows.get(OBJECT, run.object_id) is None:
                return
            if note is not None:
                self._within(run.edit_id, ChangeObject(run.object_id, note=note).apply)
            if status == "done":
                known = [each for each in self.expressions(run.object_id) if each.text == run.expression]
                record = ExpressionRecord(
                    known[0].expression_id if known else self.next_expression_id(),
                    run.object_id,
                    run.expression,
                    span=run.span,
                    model=model,
                    score=score,
                    consensus=consensus,
                )
                self._within(run.edit_id, lambda rows: rows.put(EXPRESSION, record.row()))

        self._transact(work)

    def abandon_run(self, run_id: int) -> None:
        """A run ended before its first window: take back that it began.

        Where something else was done since, it stays an entry of the history, until that was taken back in its turn.
        """

        def forget(run_id: int) -> None:
            run = self.run(run_id)
            if run is None:
                return
            last = history.last_done(self._connection)
            edit = history.find(self._connection, run.edit_id)
            if edit is not None and not edit.undone and last is not None and last.edit_id != edit.edit_id:
                self._connection.execute(
                    "UPDATE run SET status='stopped', message=? WHERE run_id=?", (_GIVEN_UP, run_id)
                )
                return  # something was done since, which stands on it
            if edit is not None and not edit.undone:
                self._exchange(edit, Touched())
                history.forget(self._connection, run.edit_id)
            self._connection.execute("DELETE FROM run WHERE run_id=?", (run_id,))
            last = history.last_done(self._connection)
            below = next((each for each in self.runs() if last is not None and each.edit_id == last.edit_id), None)
            if below is not None and below.message == _GIVEN_UP and not self.windows_done(below):
                forget(below.run_id)  # nothing stands on that one any more

        self._transact(lambda _: forget(run_id))

    def abandon_if_waiting(self, run_id: int) -> None:
        """As `abandon_run`, for a run that never came to its turn; one that did stays as it is."""
        run = self.run(run_id)
        if run is not None and run.status == "waiting":
            self.abandon_run(run_id)

    def prune_queries(self, *, keep_runs: int) -> int:
        """Drop the stored candidates of all but the latest runs. Returns: how many rows went."""

        def work(_: Rows) -> int:
            self._connection.execute(
                "DELETE FROM candidate WHERE run_id NOT IN (SELECT run_id FROM run ORDER BY run_id DESC LIMIT ?)",
                (keep_runs,),
            )
            return self._connection.changes()

        return self._transact(work)

    def _living(self, run_id: int) -> RunRecord:
        run = self._run(run_id)
        edit = history.find(self._connection, run.edit_id)
        if edit is None or edit.undone or self._rows.get(OBJECT, run.object_id) is None:
            raise Cancelled("the run was undone")
        return run

    def _run(self, run_id: int) -> RunRecord:
        found = self.run(run_id)
        if found is None:
            raise Cancelled("the run is not in the project")
        return found

    def _set_status(self, run_id: int, status: RunState) -> None:
        self._connection.execute("UPDATE run SET status=?, message='' WHERE run_id=?", (status, run_id))

    def _end_lost_runs(self) -> None:
        self._connection.execute(
            "UPDATE run SET status='stopped', message='The program ended' WHERE status IN ('waiting', 'running')"
        )
