"""Transactions on a project: what is done together is kept together, and the history is told of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import apsw

from rvos_core.project import history, snapshots
from rvos_core.project.ballast import Ballast
from rvos_core.project.errors import project_errors
from rvos_core.project.history import Touched
from rvos_core.project.reading import ProjectReader
from rvos_core.project.records import EditRecord
from rvos_core.project.rows import Rows

T = TypeVar("T")


class Writer(ProjectReader):
    """What everything that writes shares. `notices`: sentences for a person about how the project is kept."""

    _ballast: Ballast
    _budget: int
    _merge: tuple[int, str, float] | None
    notices: list[str]
    _history_bytes: int | None = None  # at most that; None: to be counted
    commits: int = 0

    def _transact(self, work: Callable[[Rows], T]) -> T:
        """Do `work` and commit; where anything fails, nothing of it is kept. On a full disk the ballast makes room."""
        with project_errors(self.path):
            try:
                return self._commit(work)
            except apsw.FullError:
                if not self._ballast.release():
                    raise
                self.notices.append("The disk is nearly full. Free some space soon.")
                return self._commit(work)

    def _commit(self, work: Callable[[Rows], T]) -> T:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(self._rows)
            self._connection.execute("COMMIT")
            self.commits += 1
        except BaseException:
            if self._connection.in_transaction:  # on a full disk SQLite has rolled back already
                self._connection.execute("ROLLBACK")
            raise
        return result

    def _within(self, edit_id: int, work: Callable[[Rows], T]) -> T:
        rows = Rows(self._connection, edit_id=edit_id, snapshot_id=self._snapshot_id())
        result = work(rows)
        history.extend(self._connection, edit_id, rows)
        if self._history_bytes is not None:
            self._history_bytes += rows.kept_bytes
        if self._history_bytes is None or self._history_bytes > self._budget:
            self._history_bytes = history.prune(self._connection, budget_bytes=self._budget)
        return result

    def _snapshot_id(self) -> int | None:
        newest = snapshots.latest(self._connection)
        return None if newest is None else newest.snapshot_id

    def _edit(self, edit_id: int) -> EditRecord:
        with project_errors(self.path):
            found = history.find(self._connection, edit_id)
        assert found is not None
        return found

    def _exchange(self, edit: EditRecord, into: Touched) -> None:
        self._history_bytes = None
        found = history.toggle(self._connection, edit, snapshot_id=self._snapshot_id())
        into.tables |= found.tables
        into.painted |= found.painted
        for object_id, frames in found.frames.items():
            into.frames.setdefault(object_id, frames[:0]).extend(frames)
        if not edit.undone:
            self._connection.execute(
                "UPDATE run SET status='stopped', message='Undone'"
                " WHERE edit_id=? AND status IN ('waiting', 'running')",
                (edit.edit_id,),
            )

    # -- numbers of what is to come ----------------------------------------------------------------------------------

    def next_object_id(self) -> int:
        """The number of the next object; never one that was used before."""
        return self._next("object")

    def next_expression_id(self) -> int:
        """The number of the next expression."""
        return self._next("expression")

    def next_media_id(self) -> int:
        """The number of the next clip."""
        return self._next("media")

    def _next(self, table: str) -> int:
        return self._number(f"SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name='{table}'")
