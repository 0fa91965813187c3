"""What a file that is offered as a checkpoint is, by its first bytes. Reads 4 KiB, imports nothing heavy.

Everything that cannot be a checkpoint is refused here in words that name what it is.
"""

from __future__ import annotations

import errno
import json
import stat
import struct
from enum import Enum
from pathlib import Path

from rvos_core.errors import UserError

_HEAD_BYTES = 4096
MAX_HEADER_BYTES = 16 * 1024 * 1024  # of a safetensors file; a model of this family has 0.1 MB
_LFS = b"version https://git-lfs.github.com/spec/"

# first bytes -> what the file is, said where nothing better can be done with it
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras)"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"GGUF", "a GGUF file"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"SQLite format 3\x00", "a database"),
    (b"#!", "a script"),
)


class FileKind(Enum):
    """The forms that are read."""

    SAFETENSORS = "safetensors"
    TORCH_ZIP = "torch"
    TORCH_LEGACY = "torch, before version 1.6"


def refused(path: str | Path, what: str, hint: str, *, code: str) -> UserError:
    """The error for a file that is not imported: `path` and what is wrong with it."""
    return UserError(f"{path} {what}.", hint=hint, code=f"checkpoint.{code}")


def sniff(path: Path) -> FileKind:
    """The kind of `path` by content; its name says nothing.

    Raises:
        UserError: the file is missing, unreadable, empty, or no checkpoint; the message says what it is.
    """
    head, size = _head(path)
    if size == 0:
        raise refused(path, "is empty (0 bytes)", "Download or copy it again.", code="empty")
    if head.startswith(_LFS):
        hint = "Fetch the file itself with `git lfs pull`, or download it from its page."
        raise refused(path, "is only a Git LFS pointer, not the weights", hint, code="lfs_pointer")
    if head.startswith(b"PK\x03\x04"):
        return FileKind.TORCH_ZIP
    if head.startswith(b"PK"):
        raise refused(path, "is an empty or split ZIP archive", "Download it again.", code="damaged")
    if _looks_like_safetensors(path, head, size):
        return FileKind.SAFETENSORS
    if head[:1] == b"\x80" and len(head) > 1 and head[1] <= 5:
        return FileKind.TORCH_LEGACY
    raise _foreign(path, head)


def _head(path: Path) -> tuple[bytes, int]:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise refused(path, "is a folder", "Give the checkpoint's file.", code="folder")
        if not stat.S_ISREG(status.st_mode):
            raise refused(path, "is not a file but a device or pipe", "Give the checkpoint's file.", code="not_a_file")
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES), status.st_size
    except FileNotFoundError as error:
        raise refused(path, "does not exist", "Check the path.", code="missing") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        reason = "its name is too long" if getattr(error, "errno", None) == errno.ENAMETOOLONG else None
        reason = reason or getattr(error, "strerror", None) or str(error)
        raise refused(path, f"cannot be read: {reason}", "Check its permissions.", code="unreadable") from error


def _looks_like_safetensors(path: Path, head: bytes, size: int) -> bool:
    """A length of eight bytes and a JSON object. Raises: UserError: such a file with an impossible length."""
    if len(head) < 10 or head[8:9] != b"{" or head[9:10] not in (b'"', b"}", b" "):
        return False
    length = struct.unpack("<Q", head[:8])[0]
    if length > size - 8:
        what = "is cut off, or its header is damaged (it should be longer than the file)"
        raise refused(path, what, "Download it again.", code="truncated")
    if length > MAX_HEADER_BYTES:
        what = f"has a header of {length / 1e6:.0f} MB; a model of this family has less than one"
        raise refused(path, what, "It is no model that can be imported.", code="huge_header")
    return True


def _foreign(path: Path, head: bytes) -> UserError:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<script")):
        hint = "The download page was saved instead of the file: open the page and download the file itself."
        return refused(path, "is a web page, not weights", hint, code="web_page")
    if text.startswith(b"{") and _is_json(head):
        hint = "Give the weights themselves (.safetensors or .pth)."
        return refused(path, "is a JSON document, not weights", hint, code="not_weights")
    what = next((name for magic, name in _FOREIGN if head.startswith(magic)), None)
    if what is None and head[257:262] == b"ustar":
        what = "a tar archive"
    if what is not None and "archive" in what:
        return refused(path, f"is {what}", "Unpack it first and give the file inside.", code="archive")
    if what is not None:
        hint = "Give a checkpoint: .safetensors, or .pth as PyTorch saves it."
        return refused(path, f"is {what}, not weights", hint, code="not_weights")
    if not any(head):
        return refused(path, "begins with nothing but zeros", "The download broke off: repeat it.", code="damaged")
    hint = "Give a checkpoint: .safetensors, or .pth as PyTorch saves it."
    return refused(path, "is no checkpoint that is known here", hint, code="not_weights")


def _is_json(head: bytes) -> bool:
    try:
        json.loads(head)
    except ValueError:
        return len(head) == _HEAD_BYTES  # cut here; the brace is what there is to go by
    return True
