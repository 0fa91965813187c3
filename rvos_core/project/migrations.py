"""Bringing an older project to this version: a copy first, then one transaction a step."""

from __future__ import annotations

import logging
from pathlib import Path

import apsw

from rvos_core.project.copies import backup_folder, write_copy
from rvos_core.project.database import version_of
from rvos_core.project.errors import damaged, project_errors
from rvos_core.project.schema import JOURNALED, STEPS, VERSION
from rvos_core.project.sql import fetch

_log = logging.getLogger("rvos.project")


def migrate(connection: apsw.Connection, path: Path) -> None:
    """Take the steps that `path` lacks. The file as it was is kept among its backups.

    Raises:
        UserError: the copy cannot be written, or a step lost rows; the project is as before.
    """
    with project_errors(path):
        found = version_of(connection)
        if found == VERSION:
            return
        write_copy(connection, path, backup_folder(path) / f"before-format-{found + 1}{path.suffix}")
        for version in range(found, VERSION):
            _step(connection, path, version)
            _log.info("%s: format %d to %d", path, version, version + 1)


def _step(connection: apsw.Connection, path: Path, version: int) -> None:
    before = _counts(connection, version)
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(STEPS[version])
        connection.execute(f"PRAGMA user_version={version + 1}")
        if _counts(connection, version) != before:
            raise damaged(path, f"the step to format {version + 1} would lose rows")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _counts(connection: apsw.Connection, version: int) -> list[tuple[int, int]]:
    """Number of rows and sum of checksums of every table that `version` has."""
    names = [name for name, table in JOURNALED.items() if table.since <= version]
    return [fetch(connection, f"SELECT count(*), coalesce(sum(crc), 0) FROM {name}")[0] for name in names]
