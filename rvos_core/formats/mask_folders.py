"""A clip's masks as a folder of PNG files: indexed, one a frame, or binary in a folder per object.

CLIP/00000.png              pixel = object id, 0 none, 255 void (left out)
CLIP/001/00000.png          0 and 255; how SA-V and SAM 2 keep objects that overlap
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rvos_core.datasets.reading import names_with_suffix
from rvos_core.errors import UserError
from rvos_core.files import writing
from rvos_core.formats.annotations import AnnotatedClip, AnnotatedObject, Expression, Sight, Sights, default_name
from rvos_core.formats.content import MAX_FRAMES, MAX_PIXELS, require_file
from rvos_core.formats.folders import put_in_part
from rvos_core.formats.format import Overlap, ReadOptions, Walk
from rvos_core.formats.overlap import painted
from rvos_core.masks.png import VOID, indexed_png_bytes, mask_png_bytes, read_indexed_png, read_mask_png
from rvos_core.masks.rle import decode, encode

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
_OBJECT_FOLDER = re.compile(r"(\d{1,9})(?:[ _.-]+(.*))?")
_DIGITS = re.compile(r"(\d+)")
_HEADER = struct.Struct(">8s4x4sII")


def read_clip(
    folder: Path,
    name: str,
    options: ReadOptions,
    *,
    frames: Sequence[str] | None = None,
    images: Path | None = None,
    objects: Sequence[AnnotatedObject] | None = None,
    expressions: Sequence[Expression] = (),
) -> AnnotatedClip:
    """The clip whose masks lie in `folder`.

    Args:
        frames: names of all frames; default: those of `images`, else of the masks.
        images: the clip's pictures, where they are there.
        objects: what is known of them; default: every id that is found, for which all masks are read once.

    Raises:
        UserError: a mask is no mask, or is damaged.
    """
    kept = images if images is not None and images.is_dir() else None
    source = _by_object(folder) or _indexed(folder)
    every = tuple(frames) if frames is not None else _frames_of(kept, source.stems)
    if len(every) > MAX_FRAMES:
        raise UserError(f"{folder} has {len(every)} frames.", hint="Divide the clip.", code="formats.too_many_frames")
    size = source.size() or (0, 0)
    known = tuple(objects) if objects is not None else source.objects(options)
    source.known = tuple(each.object_id for each in known)
    source.frames = every
    return AnnotatedClip(name, *size, every, known, source.sights, tuple(expressions), None, kept)


def write_clip(clip: AnnotatedClip, part: Path, walk: Walk, *, overlap: Overlap, binary: bool = False) -> int:
    """Write the frames about which something is said into the folder `part`. Returns: the number of files.

    Args:
        overlap: `files` makes a folder per object.
        binary: that too, whether asked for or not.
    """
    files = 0
    per_object = binary or overlap == "files"
    with writing(part):
        part.mkdir(parents=True, exist_ok=True)
        folders = {each.object_id: part / f"{each.object_id:03d}" for each in clip.objects if per_object}
        for folder in folders.values():
            folder.mkdir()
        for _, name, sights in walk.frames(clip):
            for place, content in _contents(clip, sights, f"{name}.png", folders, part):
                put_in_part(place / f"{name}.png", content)
                files += 1
    return files


def _contents(
    clip: AnnotatedClip, sights: Sights, file: str, folders: dict[int, Path], part: Path
) -> Iterable[tuple[Path, bytes]]:
    if folders:
        yield from ((folders[each], mask_png_bytes(decode(sight.mask))) for each, sight in sights.items())
    elif sights:
        yield part, indexed_png_bytes(painted(clip, sights), path=part / file)


def clip_folders(base: Path) -> dict[str, Path]:
    """Name -> folder of every clip below `base`: folders that hold masks, or a folder of masks per object."""
    try:
        inside = sorted(each for each in base.iterdir() if each.is_dir() and not each.name.startswith("."))
    except OSError:
        return {}
    return {each.name: each for each in inside if holds_masks(each)}


def holds_masks(folder: Path) -> bool:
    """Whether a folder has PNG files, itself or in folders named by numbers; an empty folder is a clip of nothing."""
    if names_with_suffix(folder, ".png"):
        return True
    inside = list(folder.iterdir())
    return not inside or any(_OBJECT_FOLDER.fullmatch(each.name) and each.is_dir() for each in inside)


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that puts `9` before `10`."""
    return tuple(
        (1, int(part), part) if part.isdigit() and part.isascii() else (0, 0, part) for part in _DIGITS.split(name)
    )


def picture_stems(folder: Path) -> tuple[str, ...]:
    """Names of the pictures of a folder without suffix, in order of their numbers."""
    found: frozenset[str] = frozenset().union(*(names_with_suffix(folder, suffix) for suffix in PICTURES))
    return tuple(sorted(found, key=natural))


def png_size(path: Path) -> tuple[int, int]:
    """(width, height) from a PNG's header. Raises: UserError: it is none, or claims more than 50 megapixels."""
    require_file(path)
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER.size)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}.", hint="Check it.", code="formats.unreadable"
        ) from None
    if len(head) < _HEADER.size or not head.startswith(b"\x89PNG\r\n\x1a\n"):
        raise UserError(f"{path} is not a PNG image.", hint="Masks are PNG files.", code="masks.not_png")
    _, kind, width, height = _HEADER.unpack(head)
    if kind != b"IHDR" or not width or not height or width * height > MAX_PIXELS:
        raise UserError(
            f"{path} claims {width}x{height} pixels.", hint="It is not a mask of a video.", code="masks.size"
        )
    return width, height


def _frames_of(images: Path | None, stems: Iterable[str]) -> tuple[str, ...]:
    pictures = picture_stems(images) if images is not None else ()
    return pictures or tuple(sorted(stems, key=natural))


@dataclass
class _Indexed:
    """One indexed PNG a frame."""

    folder: Path
    stems: frozenset[str]
    known: tuple[int, ...] = ()
    frames: tuple[str, ...] = ()
    _size: tuple[int, int] | None = field(default=None)

    def size(self) -> tuple[int, int] | None:
        """(width, height) of the first picture; None: there is none."""
        if self._size is None and self.stems:
            self._size = png_size(self._path(min(self.stems, key=natural)))
        return self._size

    def objects(self, options: ReadOptions) -> tuple[AnnotatedObject, ...]:
        """The ids that occur in any picture. Raises: UserError, Cancelled."""
        ids: set[int] = set()
        for number, stem in enumerate(sorted(self.stems)):
            ids.update(np.unique(read_indexed_png(self._path(stem))).tolist())
            options.step(number + 1, len(self.stems))
        return tuple(AnnotatedObject(each, default_name(each)) for each in sorted(ids - {0, VOID}))

    def sights(self, index: int) -> Sights:
        """The masks of one frame, by object."""
        stem = self.frames[index]
        if stem not in self.stems:
            return {}
        width, height = self.size() or (0, 0)
        labels = read_indexed_png(self._path(stem), size=(height, width))
        return {each: Sight(encode(labels == each)) for each in self.known}

    def _path(self, stem: str) -> Path:
        return self.folder / f"{stem}.png"


@dataclass
class _ByObject:
    """A folder of binary masks per object."""

    folders: dict[int, Path]
    names: dict[int, str]
    there: dict[int, frozenset[str]]
    known: tuple[int, ...] = ()
    frames: tuple[str, ...] = ()
    _size: tuple[int, int] | None = field(default=None)

    @property
    def stems(self) -> frozenset[str]:
        """Names of the frames that any object has a picture of."""
        return frozenset().union(*self.there.values())

    def size(self) -> tuple[int, int] | None:
        """(width, height) of the first picture; None: there is none."""
        if self._size is None:
            first = next((each for each, stems in self.there.items() if stems), None)
            if first is not None:
                self._size = png_size(self.folders[first] / f"{min(self.there[first], key=natural)}.png")
        return self._size

    def objects(self, _: ReadOptions) -> tuple[AnnotatedObject, ...]:
        """One a folder, called by what follows its number; nothing is read for it."""
        return tuple(AnnotatedObject(each, self.names[each] or default_name(each)) for each in self.folders)

    def sights(self, index: int) -> Sights:
        """The masks of one frame, by object."""
        stem = self.frames[index]
        width, height = self.size() or (0, 0)
        return {
            each: Sight(encode(read_mask_png(self.folders[each] / f"{stem}.png", size=(height, width))))
            for each in self.known
            if stem in self.there.get(each, ())
        }


def _indexed(folder: Path) -> _Indexed:
    return _Indexed(folder, names_with_suffix(folder, ".png"))


def _by_object(folder: Path) -> _ByObject | None:
    """None where the folder has PNG files of its own, or no folders named by numbers. From 0: all go up by 1."""
    if not folder.is_dir() or names_with_suffix(folder, ".png"):
        return None
    found: dict[int, Path] = {}
    names: dict[int, str] = {}
    for each in sorted(folder.iterdir(), key=lambda path: natural(path.name)):
        match = _OBJECT_FOLDER.fullmatch(each.name)
        if match and each.is_dir() and int(match[1]) not in found:
            found[int(match[1])] = each
            names[int(match[1])] = match[2] or ""
    if not found:
        return None
    if 0 in found:  # SA-V counts from 0, a project from 1
        found = {key + 1: value for key, value in found.items()}
        names = {key + 1: value for key, value in names.items()}
    return _ByObject(found, names, {key: names_with_suffix(path, ".png") for key, path in found.items()})
