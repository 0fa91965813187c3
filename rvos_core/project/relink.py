"""Which file a clip of the project is: where it lies now, whether it is still the same, and what differs if not.

A clip is looked for beside the project first (relative path), then where it was (absolute path); elsewhere it is known
again by its size and the hash of its head and tail.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rvos_core.errors import UserError
from rvos_core.media import IMAGE_SUFFIXES
from rvos_core.project.edits import RelinkMedia
from rvos_core.project.errors import shown
from rvos_core.project.records import MediaRecord
from rvos_core.project.store import Project
from rvos_core.types import CancelToken, MediaInfo

_PIECE_BYTES = 1024 * 1024
_MAX_LOOKED_AT = 100_000  # files, when a folder is searched


@dataclass(frozen=True)
class Identity:
    """What a file is known by. Of a folder of images: of the names and sizes of all, and the first and last one."""

    size_bytes: int
    digest: str


@dataclass(frozen=True)
class MediaDifference:
    """How a file differs from the clip that was annotated.

    Attributes:
        sentences: for a person; empty where it is the same file.
        times_differ: frames have other times, or there are other frames.
        size_differs: masks would not fit; it cannot be relinked.
    """

    sentences: tuple[str, ...]
    times_differ: bool = False
    size_differs: bool = False


def identity_of(path: Path) -> Identity:
    """Reads at most 4 MiB. Raises: UserError: it cannot be read."""
    try:
        if path.is_dir():
            return _identity_of_folder(path)
        size = path.stat().st_size
        digest = hashlib.sha256(str(size).encode())
        _add_ends(digest, path, size)
    except OSError as error:
        raise UserError(
            f"{shown(path)} cannot be read: {(error.strerror or str(error)).lower()}.",
            hint="Check that the disk is connected.",
            code="media.cannot_read",
        ) from error
    return Identity(size, digest.hexdigest())


def media_record(info: MediaInfo, *, media_id: int, position: int, project: Path | None) -> MediaRecord:
    """The record of an open clip. `project`: where the project lies, for the relative path. Raises: UserError."""
    identity = identity_of(info.path)
    return MediaRecord(
        media_id=media_id,
        position=position,
        kind=info.kind,
        relative_path=relative_to(info.path, project),
        absolute_path=absolute(info.path),
        size_bytes=identity.size_bytes,
        identity=identity.digest,
        width=info.width,
        height=info.height,
        frame_count=info.frame_count,
        rate=info.rate,
        time_base=info.time_base,
        codec=info.codec,
    )


def take_in(project: Project, info: MediaInfo) -> MediaRecord:
    """The record of a clip in a project; added where it is not there yet. Raises: UserError."""
    known = project.media()
    here = absolute(info.path)
    for record in known:
        if record.absolute_path == here or locate(record, project.path) == here:
            return record
    made = media_record(info, media_id=project.next_media_id(), position=len(known), project=project.path)
    for record in known:
        if (record.size_bytes, record.identity) == (made.size_bytes, made.identity):
            return record
    project.add_media(made, info.pts)
    return made


def locate(record: MediaRecord, project: Path) -> Path | None:
    """Where the clip lies now, or None where it is in neither place. Opens nothing, follows no network address."""
    places = [project.parent / record.relative_path] if record.relative_path is not None else []
    for place in (*places, record.absolute_path):
        if "://" in str(place) or str(place).startswith("\\\\"):
            continue
        try:
            if place.is_file() or place.is_dir():
                return absolute(place)
        except OSError:
            continue
    return None


def search(record: MediaRecord, folder: Path, *, cancel: CancelToken | None = None) -> Path | None:
    """Look through a folder and all below it for the same content. Raises: Cancelled."""
    wanted = Identity(record.size_bytes, record.identity)
    for place in _places(folder, folders=record.kind == "images"):
        if cancel is not None:
            cancel.raise_if_cancelled()
        try:
            if (place.is_dir() or place.stat().st_size == record.size_bytes) and identity_of(place) == wanted:
                return absolute(place)
        except (OSError, UserError):
            continue
    return None


def difference(record: MediaRecord, pts: np.ndarray, info: MediaInfo) -> MediaDifference:
    """Compare a file with the clip that was annotated. `pts`: the clip's times as the project has them."""
    if identity_of(info.path) == Identity(record.size_bytes, record.identity):
        return MediaDifference(())
    said = ["The file is not the one that was annotated."]
    size_differs = (info.width, info.height) != (record.width, record.height)
    if size_differs:
        said.append(f"It is {info.width}x{info.height}; the masks are {record.width}x{record.height}.")
    if info.frame_count != record.frame_count:
        said.append(f"It has {info.frame_count} frames instead of {record.frame_count}.")
    both = min(info.frame_count, len(pts))
    ours = pts[:both] - (pts[0] if both else 0)
    theirs = np.asarray(info.pts[:both], dtype=np.int64) - (info.pts[0] if both else 0)
    moved = np.flatnonzero(ours * float(record.time_base) != theirs * float(info.time_base))
    if len(moved):
        said.append(f"{len(moved)} frames have another time, the first of them frame {moved[0]}.")
    times_differ = bool(len(moved)) or info.frame_count != record.frame_count or info.time_base != record.time_base
    if len(said) == 1:
        said.append("Its size, length and times are the same.")
    return MediaDifference(tuple(said), times_differ, size_differs)


def relink(record: MediaRecord, info: MediaInfo, project: Path, *, found: MediaDifference) -> RelinkMedia:
    """The edit that lets the clip be this file. Raises: UserError: masks would not fit it."""
    if found.size_differs:
        raise UserError(
            " ".join((f"{shown(info.path)} cannot take the place of the clip.", *found.sentences[1:2])),
            hint="Choose the original, or open this file as a new clip.",
            code="media.other_size",
        )
    identity = identity_of(info.path)
    return RelinkMedia(
        media_id=record.media_id,
        path=absolute(info.path),
        relative_path=relative_to(info.path, project),
        size_bytes=identity.size_bytes,
        identity=identity.digest,
        frame_count=info.frame_count,
        pts=info.pts if found.times_differ else None,
    )


def relative_to(path: Path, project: Path | None) -> Path | None:
    """The path from the project's folder, or None where there is none (another drive, no project yet)."""
    if project is None:
        return None
    try:
        return Path(os.path.relpath(absolute(path), absolute(project).parent))
    except ValueError:
        return None


def absolute(path: Path) -> Path:
    """Without links being followed: a person's own name for the place stays."""
    return Path(os.path.abspath(path))  # noqa: PTH100  Path.absolute leaves `..` in


def _identity_of_folder(folder: Path) -> Identity:
    images = sorted(each for each in folder.iterdir() if each.suffix.lower() in IMAGE_SUFFIXES and each.is_file())
    sizes = [each.stat().st_size for each in images]
    digest = hashlib.sha256()
    for image, size in zip(images, sizes, strict=True):
        digest.update(os.fsencode(image.name) + f"\0{size}\n".encode())
    for image, size in {images[0]: sizes[0], images[-1]: sizes[-1]}.items() if images else ():
        _add_ends(digest, image, size)
    return Identity(sum(sizes), digest.hexdigest())


def _add_ends(digest: hashlib._Hash, path: Path, size: int) -> None:
    with path.open("rb") as file:
        digest.update(file.read(_PIECE_BYTES))
        if size > _PIECE_BYTES:
            file.seek(max(_PIECE_BYTES, size - _PIECE_BYTES))
            digest.update(file.read(_PIECE_BYTES))


def _places(folder: Path, *, folders: bool) -> Iterator[Path]:
    seen = 0
    for where, inside, files in os.walk(folder):
        if folders:
            yield Path(where)
        inside.sort()
        for name in () if folders else sorted(files):
            seen += 1
            if seen > _MAX_LOOKED_AT:
                return
            yield Path(where) / name
