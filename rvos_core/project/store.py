"""The project: one SQLite file, one writer. Every call that changes it has committed when it returns.

`Project` belongs to one thread (in the studio: the document thread); readers are `ProjectReader`s of their own. What a
person does is an `Edit`; a run writes window by window into one group of the history.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import apsw

from rvos_core.errors import UserError
from rvos_core.files import atomic_file, writing
from rvos_core.project import copies, history, migrations, sessions, snapshots
from rvos_core.project.ballast import Ballast
from rvos_core.project.database import check_name, connect, create, look, use_journal
from rvos_core.project.edits import AddMedia, Edit
from rvos_core.project.errors import project_errors, shown
from rvos_core.project.history import Touched
from rvos_core.project.lock import LockHeld, WriterLock
from rvos_core.project.reading import ProjectReader, read_session
from rvos_core.project.records import EditRecord, MediaRecord, SessionRecord, SnapshotRecord
from rvos_core.project.rows import Rows
from rvos_core.project.runs import RunWriter
from rvos_core.project.schema import VERSION
from rvos_core.project.sql import fetch

_log = logging.getLogger("rvos.project")

CHECKED_AT_ONCE_BYTES = 64 * 1024 * 1024
_PATIENT = "follow:"
_MERGE_S = 3.0


class Project(RunWriter):
    """A project open for writing.

    Args:
        path: an existing project; see `create` for a new one.
        program: who opens it, as others are told.
        budget_bytes: what the history may take on disk.

    Attributes:
        commits: transactions since it was opened.
        crashed: the session before this one, where it was never closed; else None.
        notices: sentences for a person about how it was opened.

    Raises:
        UserError: not a project, damaged, made by a newer version, in use, read-only.
    """

    def __init__(self, path: Path, *, program: str, budget_bytes: int = history.BUDGET_BYTES) -> None:
        look(path)
        check_name(path)
        self.notices: list[str] = []
        self._lock = _writer_lock(path)
        self._closed = False
        self._budget = budget_bytes
        self._merge: tuple[int, str, float] | None = None
        try:
            self._open(path, program)
        except BaseException:
            with contextlib.suppress(Exception):
                self._connection.close()
            self._lock.release()
            raise

    @staticmethod
    def create(path: Path, *, program: str, budget_bytes: int = history.BUDGET_BYTES) -> Project:
        """Make a new project and open it. Raises: UserError: something of that name is there, or it cannot be made."""
        check_name(path)
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        lock = _writer_lock(path)  # nobody else makes or opens it meanwhile
        try:
            if not copies.is_free(path):
                raise UserError(
                    f"{shown(path)} exists already.", hint="Open it, or choose another name.", code="project.exists"
                )
            with atomic_file(path) as part, project_errors(path):
                create(part)
        finally:
            lock.release()
        return Project(path, program=program, budget_bytes=budget_bytes)

    def _open(self, path: Path, program: str) -> None:
        with ProjectReader(path) as reader:  # nothing is written to a file that is not one of ours
            if reader.version > VERSION:
                raise UserError(
                    f"{shown(path)} was made by a newer version of RVOS Studio (format {reader.version}, this one"
                    f" knows {VERSION}).",
                    hint="Update RVOS Studio, or open it for reading.",
                    code="project.too_new",
                )
            self.crashed = _unclosed(reader.last_session())
            if self.crashed is not None or path.stat().st_size < CHECKED_AT_ONCE_BYTES:
                reader.check()
        if not os.access(path, os.W_OK):
            raise read_only_file(path)
        with project_errors(path):
            self.path = path
            self._connection = connect(path, "write")
            self.journal = use_journal(self._connection, path)
            fetch(self._connection, "BEGIN IMMEDIATE")
            self._connection.execute("ROLLBACK")
        if self.journal != "wal":
            self.notices.append("The project lies on a network disk: changes are kept at once, but more slowly.")
        migrations.migrate(self._connection, path)
        self.version = VERSION
        self._rows = Rows(self._connection)
        self._ballast = Ballast(path)
        try:
            self._session = self._transact(lambda _: sessions.begin(self._connection, program, time.time()))
            self._transact(lambda _: self._end_lost_runs())
        except BaseException:
            self._ballast.remove()
            raise
        self.commits = 0

    def close(self) -> None:
        """Write everything into the one file, mark it as closed, let go of the lock. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        try:
            with project_errors(self.path):
                self._transact(lambda _: self._end_session())
                fetch(self._connection, "PRAGMA wal_checkpoint(TRUNCATE)")
                with contextlib.suppress(apsw.BusyError, apsw.LockedError):  # somebody reads: the log file stays
                    fetch(self._connection, "PRAGMA journal_mode=DELETE")
        except UserError as error:
            _log.warning("%s was not closed cleanly (%s); nothing is lost", self.path, error)
        finally:
            self._connection.close()
            self._ballast.remove()
            self._lock.release()

    def back_up(self) -> copies.Backup:
        """Write a backup beside the project and let older ones go by the rule. Raises: UserError."""
        with project_errors(self.path):
            return copies.write_backup(self._connection, self.path)

    # -- media -------------------------------------------------------------------------------------------------------

    def add_media(self, media: MediaRecord, pts: Sequence[int]) -> None:
        """Take a clip in. Not an entry of the history, and no snapshot is without it: masks stand on it."""
        self._transact(lambda _: AddMedia(media, pts).apply(self._rows))

    def _end_session(self) -> None:
        self._end_lost_runs()
        sessions.end(self._connection, self._session, time.time())

    # -- edits -------------------------------------------------------------------------------------------------------

    def apply(self, *edits: Edit, name: str = "", merge: str = "") -> EditRecord:
        """Make changes as one entry of the history.

        Args:
            edits: made in this order, all or none; at least one.
            name: of the entry; that of the first edit where empty.
            merge: entries of the same word within three seconds become one, e.g. while a slider is dragged. A word
                that begins with `follow:` waits however long: those are the parts of one propagation.

        Raises:
            UserError: an edit makes no sense or the disk refuses; the document is as before.
        """

        if not edits:
            raise UserError("There is nothing to change.", code="project.nothing_to_do")

        def work(_: Rows) -> int:
            said = name or edits[0].name
            edit_id = self._merged_into(merge)
            if edit_id is None:
                edit_id = history.begin(self._connection, said, time.time())
            else:
                self._connection.execute("UPDATE edit SET name=? WHERE edit_id=?", (said, edit_id))
            self._within(edit_id, lambda rows: _apply_all(edits, rows))
            return edit_id

        edit_id = self._transact(work)
        self._merge = (edit_id, merge, time.monotonic()) if merge else None
        return self._edit(edit_id)

    def undo(self) -> tuple[EditRecord, Touched] | None:
        """Take the last entry back. Returns: the entry and what changed, or None where there is nothing to undo.

        A run that is still at work ends with its undo: its next window is refused.
        """
        return self._toggle(history.last_done)

    def redo(self) -> tuple[EditRecord, Touched] | None:
        """Do the next undone entry again."""
        return self._toggle(history.first_undone)

    def jump(self, edit_id: int) -> Touched:
        """Undo or redo until `edit_id` is the last entry that is done; 0: undo everything that can be undone.

        One transaction. Raises: UserError: there is no such entry.
        """

        def work(_: Rows) -> Touched:
            target = history.find(self._connection, edit_id) if edit_id else None
            if edit_id and target is None:
                raise UserError("That entry of the history is gone.", code="project.no_edit")
            touched = Touched()
            forward = target is not None and target.undone
            while (step := self._next_step(forward, edit_id)) is not None:
                self._exchange(step, touched)
            return touched

        self._merge = None
        return self._transact(work)

    def _next_step(self, forward: bool, target: int) -> EditRecord | None:
        if forward:
            step = history.first_undone(self._connection)
            return step if step is not None and step.edit_id <= target else None
        step = history.last_done(self._connection)
        return step if step is not None and step.edit_id > target else None

    def _toggle(self, choose: Callable[[apsw.Connection], EditRecord | None]) -> tuple[EditRecord, Touched] | None:
        def work(_: Rows) -> tuple[EditRecord, Touched] | None:
            edit = choose(self._connection)
            if edit is None:
                return None
            touched = Touched()
            self._exchange(edit, touched)
            return edit, touched

        self._merge = None
        return self._transact(work)

    def _merged_into(self, word: str) -> int | None:
        if not word or self._merge is None:
            return None
        edit_id, last_word, at = self._merge
        head = history.last_done(self._connection)
        in_time = word.startswith(_PATIENT) or time.monotonic() - at < _MERGE_S
        fits = last_word == word and in_time and head is not None and head.edit_id == edit_id
        return edit_id if fits and history.first_undone(self._connection) is None else None

    # -- snapshots ---------------------------------------------------------------------------------------------------

    def save(self, name: str) -> SnapshotRecord:
        """Name the state as it is, to come back to it."""
        self._merge = None
        return self._transact(lambda _: snapshots.take(self._connection, name, time.time()))

    def revert_to(self, snapshot_id: int) -> Touched:
        """Put everything back as it was at a snapshot; an entry of the history like any other. Raises: UserError."""

        def work(_: Rows) -> Touched:
            name = next((each.name for each in self.snapshots() if each.snapshot_id == snapshot_id), "")
            edit_id = history.begin(self._connection, f"Revert to “{name}”", time.time())
            return self._within(edit_id, lambda rows: snapshots.revert(rows, snapshot_id))

        self._merge = None
        return self._transact(work)

    def delete_snapshot(self, snapshot_id: int) -> None:
        """Forget a snapshot; the document stays as it is."""
        self._transact(lambda _: snapshots.delete(self._connection, snapshot_id))


def _apply_all(edits: Iterable[Edit], rows: Rows) -> None:
    for edit in edits:
        edit.apply(rows)


def _writer_lock(path: Path) -> WriterLock:
    """Raises: UserError: another program has the project open, or its folder cannot be written."""
    try:
        return WriterLock(path)
    except LockHeld:
        raise _in_use(path) from None
    except UserError as error:
        if error.code in ("files.no_permission", "files.read_only"):
            raise read_only_file(path) from error
        raise


def read_only_file(path: Path) -> UserError:
    """The file or its folder cannot be written."""
    return UserError(
        f"{shown(path)} cannot be written: the file or its folder is read-only.",
        hint="Open it for reading, or save a copy of it in another folder.",
        code="files.read_only",
    )


def _in_use(path: Path) -> UserError:
    held_by = sessions.holder(read_session(path))
    return UserError(
        f"{shown(path)} is open in {held_by}.",
        hint="Close it there, open it for reading, or work on a copy.",
        code="project.in_use",
    )


def _unclosed(session: SessionRecord | None) -> SessionRecord | None:
    return session if session is not None and session.closed is None else None
