"""Writing that is all or nothing: everything goes to a hidden part beside its target, is synced, then renamed.

A reader sees the old result or the new one, never a piece. A full disk, a read-only folder and the like become one
`UserError` that names the target. Parts that a killed process left behind are swept by the next write to that target.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import platform
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rvos_core.errors import UserError

_log = logging.getLogger("rvos.jobs")

_SPACE_FACTOR = 1.2
_FREE_SPACE_HINT = "Free some space or choose another folder, then run it again."
_MAX_STEM_BYTES = 180  # of 255 that a name may have, the rest is for what marks a part
_SYSTEM_FILES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})

# errno -> (what happened, what to do, code)
_REASONS: dict[int, tuple[str, str, str]] = {
    errno.ENOSPC: ("the disk is full", _FREE_SPACE_HINT, "files.disk_full"),
    errno.EDQUOT: ("your disk quota is used up", _FREE_SPACE_HINT, "files.disk_full"),
    errno.EFBIG: ("the file would be larger than is allowed there", "Choose another disk.", "files.too_large"),
    errno.EROFS: ("the disk is read-only", "Choose another folder.", "files.read_only"),
    errno.EACCES: ("there is no permission to write there", "Choose another folder.", "files.no_permission"),
    errno.EPERM: ("writing there is not permitted", "Choose another folder.", "files.no_permission"),
    errno.ENOTDIR: ("a part of its path is a file, not a folder", "Choose another folder.", "files.not_a_folder"),
    errno.EEXIST: ("a part of its path is a file, not a folder", "Choose another folder.", "files.not_a_folder"),
    errno.EISDIR: ("a folder of that name is in the way", "Choose another name.", "files.is_a_folder"),
    errno.ENAMETOOLONG: ("its name is too long", "Choose a shorter name.", "files.name_too_long"),
    errno.ENOENT: ("its folder is gone", "Check that the disk is still connected.", "files.folder_gone"),
    errno.EIO: ("the disk reports an error", "Check the disk, then choose another one.", "files.io_error"),
}


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turn an `OSError` of the block into a `UserError` that names `target`, the reason and the remedy."""
    try:
        yield
    except OSError as error:
        raise write_error(target, error) from error


def write_error(target: Path, error: OSError) -> UserError:
    """What a person is told when writing `target` failed with `error`."""
    reason, hint, code = _REASONS.get(
        error.errno or 0, (error.strerror or str(error), "Choose another folder.", "files.write_failed")
    )
    return UserError(f"{target} cannot be written: {reason}.", hint=hint, code=code)


@contextmanager
def atomic_file(target: Path, *, verify: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """Give the path of a part to be written; after the block it is verified, synced and takes the name `target`.

    Folders above `target` are made. If the block, `verify` or the disk fails, the part is removed and what was at
    `target` stays. An `OSError` of the block passes as it is: wrap writes in `writing`.

    Args:
        target: the final file.
        verify: reads the finished part and raises if it is not what was meant.

    Raises:
        UserError: if the disk refuses.
    """
    with writing(target):
        target = prepare_target(target)
        _refuse_folder(target)
    part = _hidden_beside(target, "part")
    try:
        yield part
        with writing(target):
            if verify is not None:
                verify(part)
        publish_file(part, target)
    finally:
        remove_part(part)


@contextmanager
def atomic_folder(
    target: Path, *, owned: re.Pattern[str], verify: Callable[[Path], None] | None = None
) -> Iterator[Path]:
    """Give a new hidden folder to be filled; after the block it is verified, synced and takes the name `target`.

    An old folder is put aside, swapped and then deleted, so that no file of it survives in the new one; therefore it
    may hold nothing but files of the same kind.

    Args:
        target: the final folder.
        owned: full names of the files that may be replaced; a folder with any other file is refused.
        verify: reads the finished part and raises if it is not what was meant.

    Raises:
        UserError: if the disk refuses, or `target` holds somebody else's files.
    """
    with writing(target):
        target = prepare_target(target)
        refuse_foreign_files(target, owned)
        part = _hidden_beside(target, "part")
        part.mkdir()
    try:
        yield part
        with writing(target):
            if verify is not None:
                verify(part)
        publish_folder(part, target, owned=owned)
    finally:
        remove_part(part)


def publish_file(part: Path, target: Path) -> None:
    """Sync a finished `part` of the same disk and give it the name `target`, whatever bore that name before.

    Raises:
        UserError: if the disk refuses, or a folder has that name; then both stay as they are.
    """
    with writing(target):
        _refuse_folder(target)
        _sync(part)
        part.replace(target)
        _sync(target.parent)


def publish_folder(part: Path, target: Path, *, owned: re.Pattern[str]) -> None:
    """The same for a folder; an old one is swapped for it and then deleted.

    Raises:
        UserError: if the disk refuses, or the old folder holds files whose names `owned` does not match.
    """
    with writing(target):
        _sync_folder_tree(part)
        refuse_foreign_files(target, owned)
        _swap_folder(part, target)


def write_file(target: Path, content: bytes) -> None:
    """Write `content` to `target`, atomically. Raises: UserError: if the disk refuses; the old file then stays."""
    with atomic_file(target) as part, writing(target):
        part.write_bytes(content)


def require_free_space(folder: Path, expected_bytes: int) -> None:
    """Refuse a job before it starts if the disk of `folder` (which may not exist yet) has less than 1.2 x its size.

    Raises:
        UserError: with both figures in MB; or `folder` cannot be reached or cannot be a name.
    """
    with writing(folder):
        existing = next((path for path in (folder, *folder.parents) if path.exists()), None)
    if existing is None:
        return
    try:
        disk = shutil.disk_usage(existing)
    except OSError as error:
        _log.info("free space of %s is unknown: %s", existing, error)
        return
    needed = int(expected_bytes * _SPACE_FACTOR)
    if disk.free < needed and disk.total:  # some network disks say nothing, which reads as a size of 0
        raise UserError(
            f"{folder} has {disk.free / 1e6:,.0f} MB free; this needs about {needed / 1e6:,.0f} MB.",
            hint=_FREE_SPACE_HINT,
            code="files.disk_full",
        )


def prepare_target(target: Path) -> Path:
    """Make the folders above, follow a link, clear away what dead processes left.

    Returns:
        The place to write to.

    Raises:
        OSError: wrap it in `writing`.
    """
    if target.is_symlink():
        target = Path(os.path.realpath(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    return target


def _hidden_beside(target: Path, kind: str) -> Path:
    suffix = target.suffix if target.suffix.isascii() and len(target.suffix) <= 8 else ""
    mark = f".rvos-{kind}-{_machine()}-{os.getpid()}-{secrets.token_hex(4)}"
    return target.with_name(f".{_stem(target)}{mark}{suffix}")


def _stem(target: Path) -> str:
    return os.fsencode(target.name)[:_MAX_STEM_BYTES].decode("utf-8", "ignore")


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:6]


def _sweep(target: Path) -> None:
    """Remove the parts that dead processes of this machine left beside `target`; bring back a folder put aside."""
    stem = re.escape(_stem(target))
    mine = re.compile(rf"\.{stem}\.rvos-(part|old)-{_machine()}-(\d+)-[0-9a-f]{{8}}(\..*)?", re.DOTALL)
    with os.scandir(target.parent) as entries:
        orphans = [(Path(entry.path), found) for entry in entries if (found := mine.fullmatch(entry.name))]
    for path, found in orphans:
        if _is_alive(int(found[2])):
            continue
        if found[1] == "old" and not target.exists():
            path.rename(target)
        else:
            remove_part(path)


def _is_alive(process_id: int) -> bool:
    if os.name == "nt":  # signal 0 would end the process there
        return True
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _refuse_folder(target: Path) -> None:
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))


def refuse_foreign_files(folder: Path, owned: re.Pattern[str]) -> None:
    """Raises: UserError: `folder` is there and holds a file whose name `owned` does not match."""
    if not folder.exists():
        return
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries)
    foreign = next((name for name in names if not owned.fullmatch(name) and name not in _SYSTEM_FILES), None)
    if foreign is not None:
        raise UserError(
            f"{folder} holds other files, for example {foreign}; replacing the folder would delete them.",
            hint="Choose another folder.",
            code="files.foreign_files",
        )


def _swap_folder(part: Path, target: Path) -> None:
    old = _hidden_beside(target, "old")
    try:
        target.rename(old)
    except FileNotFoundError:
        part.rename(target)
        _sync(target.parent)
        return
    try:
        part.rename(target)
    except OSError:
        old.rename(target)
        raise
    _sync(target.parent)
    remove_part(old)


def _sync_folder_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    """Ask the system to put a file or folder on the disk; some file systems and Windows refuse it for folders."""
    if path.is_dir():
        if os.name == "nt":
            return
        with contextlib.suppress(OSError):
            _fsync(path, os.O_RDONLY)
    else:
        _fsync(path, os.O_RDWR)


def _fsync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_part(path: Path) -> None:
    """Remove a part if it is there; a part that cannot be removed is hidden, swept later, and no reason to fail."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("%s could not be removed: %s", path, error)
