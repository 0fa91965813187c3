"""What a person reads when a project cannot be opened, read or written: what, where, what to do."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from rvos_core.errors import UserError
from rvos_core.project.codec import DamagedRow


def shown(path: Path) -> str:
    """The path as it can be printed: bytes that are not UTF-8 become a mark."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def damaged(path: Path, why: str) -> UserError:
    """The file's content is broken."""
    return UserError(
        f"{shown(path)} is damaged: {why}.",
        hint=f"Run “rvos project recover {path.name}”: it writes what can be read into a new project.",
        code="project.damaged",
    )


def not_a_project(path: Path, why: str) -> UserError:
    """The file is something else."""
    return UserError(
        f"{shown(path)} is not an RVOS Studio project: {why}.",
        hint="Choose a file that ends in .rvos.",
        code="project.not_a_project",
    )


@contextmanager
def project_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite raises in the block into a `UserError` that names the project."""
    try:
        yield
    except (apsw.Error, UnicodeError, DamagedRow, struct.error, OverflowError) as error:
        raise project_error(path, error) from error


def project_error(path: Path, error: Exception) -> UserError:
    """What `error` means for a person."""
    name = shown(path)
    if isinstance(error, apsw.FullError):
        return UserError(
            f"The disk of {name} is full: the last change was not made; everything before it is kept.",
            hint="Free some space, then try again.",
            code="files.disk_full",
        )
    if isinstance(error, apsw.NotADBError):
        return not_a_project(path, "its content is something else")
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return UserError(
            f"{name} is in use by another program.",
            hint="Close it there, or open it for reading.",
            code="project.in_use",
        )
    if isinstance(error, apsw.ReadOnlyError | apsw.PermissionsError):
        return UserError(
            f"{name} cannot be written: the file or its folder is read-only.",
            hint="Save a copy of it in another folder, and change the copy.",
            code="files.read_only",
        )
    if isinstance(error, apsw.CantOpenError):
        return UserError(
            f"{name} cannot be opened: it is gone, or there is no permission.",
            hint="Check that the disk is connected and that you may write in that folder.",
            code="project.cannot_open",
        )
    if isinstance(error, apsw.IOError):
        return UserError(
            f"The disk of {name} reports an error; everything that was kept before is still there.",
            hint="Check the disk, then save a copy of the project on another one.",
            code="files.io_error",
        )
    if isinstance(error, struct.error | OverflowError):
        return UserError(
            f"A number of this change is too large for {name}; nothing was changed.",
            hint="Frames and numbers of objects lie below 2^63.",
            code="project.number_too_large",
        )
    if isinstance(error, UnicodeEncodeError):
        return UserError(
            f"A text of this change holds characters that cannot be kept in {name}; nothing was changed.",
            hint="Type the text again.",
            code="project.bad_text",
        )
    if isinstance(error, UnicodeDecodeError):
        return damaged(path, "a text in it is not UTF-8")
    return damaged(path, str(error) or type(error).__name__)
