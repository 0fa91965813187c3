"""Looks at the ZIP archive that PyTorch saves before PyTorch does: names, sizes, checksums, and no code in it."""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path

from rvos_core.errors import UserError
from rvos_core.weights.pickles import MAX_PICKLE_BYTES, check_pickle
from rvos_core.weights.sniff import refused

_MAX_MEMBERS = 50_000
_CHUNK_BYTES = 4 * 1024 * 1024
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
# What torch.save writes, inside one folder.
_MEMBER = re.compile(
    r"data\.pkl|data/\d+|version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id"
)
_CODE = re.compile(
    r"(constants\.pkl|code/.*|.*\.py|.*\.debug_pkl|\.data/(?!serialization_id).*|extern_modules|model\.json)"
)


def check_archive(path: Path) -> None:
    """Check a checkpoint of PyTorch's present form without unpickling or unpacking anything.

    Raises:
        UserError: it is damaged, holds code (TorchScript, torch.package), plays tricks with names, sizes or checksums,
            or its pickle asks for anything but weights.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            table = _check_members(path, members)
            _check_layout(path, members)
            for member in members:
                _check_content(path, archive, member)
            if table.file_size > MAX_PICKLE_BYTES:
                what = (
                    f"has a table of contents of {table.file_size / 1e6:.0f} MB; one of this family has less than one"
                )
                raise refused(path, what, "It is no model that can be imported.", code="huge_header")
            content = archive.read(table)
    except UserError:
        raise
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _damaged(path, "is a damaged or cut-off checkpoint") from error
    except (OSError, ValueError, OverflowError, UnicodeDecodeError) as error:
        raise _damaged(path, "is a damaged checkpoint") from error
    if check_pickle(content, path) != len(content):
        raise _tricks(path, "something is hidden behind its table of contents")


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    """Names. Returns the table of contents, `data.pkl`."""
    if not members:
        raise _damaged(path, "is an empty archive")
    if len(members) > _MAX_MEMBERS:
        raise _tricks(path, f"it has {len(members)} members")
    names = [member.filename for member in members]
    for name in names:
        if "\\" in name or "\0" in name or name.startswith("/") or ":" in name or ".." in name.split("/"):
            raise _tricks(path, f"a member is called {name[:80]!r}")
    if len({name.lower() for name in names}) != len(names):
        raise _tricks(path, "two members have the same name")
    roots = {name.split("/", 1)[0] for name in names}
    inner = {name.split("/", 1)[-1] for name in names}
    if any(_CODE.fullmatch(name) for name in inner):
        hint = "Take the checkpoint that the training saved (a state dict), not an exported program."
        raise refused(
            path, "is a TorchScript program or package: it contains code, not only weights", hint, code="code"
        )
    if "data.pkl" not in inner:
        if any(name.endswith(".npy") for name in names):
            raise refused(path, "is a NumPy archive (.npz)", "Give the .pth or .safetensors file.", code="not_weights")
        inside = next((name for name in names if name.endswith((".pth", ".pt", ".bin", ".safetensors"))), names[0])
        hint = f"Unpack it first; it holds {inside[:80]!r}."
        raise refused(path, "is a ZIP archive, but no checkpoint", hint, code="archive")
    if len(roots) != 1 or not all(_MEMBER.fullmatch(name) for name in inner):
        odd = next((name for name in sorted(inner) if not _MEMBER.fullmatch(name)), sorted(roots)[-1])
        raise _tricks(path, f"it has a member that no checkpoint has, {odd[:80]!r}")
    return next(member for member in members if member.filename.endswith("/data.pkl"))


def _check_layout(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Sizes and places: nothing packed, nothing overlapping, and both of ZIP's headers say the same."""
    size = path.stat().st_size
    end = 0
    with path.open("rb") as file:
        for member in sorted(members, key=lambda member: member.header_offset):
            if member.flag_bits & 0x1:
                raise _tricks(path, f"{member.filename!r} is encrypted")
            if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
                raise _tricks(path, f"{member.filename!r} is packed, which PyTorch never does")
            if stat.S_ISLNK(member.external_attr >> 16):
                raise _tricks(path, f"{member.filename!r} is a link")
            if member.header_offset < end:
                raise _tricks(path, f"{member.filename!r} lies over another member")
            file.seek(member.header_offset)
            header = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
            local_name, extra_bytes = file.read(header[9]), header[10]
            if header[0] != b"PK\x03\x04" or local_name != member.orig_filename.encode("utf-8"):
                raise _tricks(path, f"{member.filename!r} has another name inside the archive")
            if header[3] != zipfile.ZIP_STORED:
                raise _tricks(path, f"{member.filename!r} is packed, which PyTorch never does")
            end = member.header_offset + _LOCAL_HEADER.size + header[9] + extra_bytes + member.file_size
            if end > size:
                raise _damaged(path, "is cut off: it should be longer")


def _check_content(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Reads a member to its end, which compares its checksum."""
    with archive.open(member) as stream:
        try:
            while stream.read(_CHUNK_BYTES):
                pass
        except zipfile.BadZipFile as error:
            raise _damaged(path, f"is damaged: the checksum of {member.filename!r} differs") from error


def _damaged(path: Path, what: str) -> UserError:
    return refused(path, what, "Download or copy it again.", code="damaged")


def _tricks(path: Path, what: str) -> UserError:
    hint = "Take the file from the authors' own page, or as safetensors."
    return refused(path, f"is not as PyTorch writes a checkpoint: {what}", hint, code="odd_archive")
