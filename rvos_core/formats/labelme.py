"""labelme: a JSON file beside each picture, one folder a clip.

    CLIP/00000.json     {version, flags, shapes, imagePath, imageData: null, imageHeight, imageWidth}

Masks are written as masks, not outlines, so nothing of them is lost. Ids of objects are `group_id`. Every frame has a
file, with or without shapes. A folder that holds the files itself is one clip. Pictures inside the files (`imageData`)
are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rvos_core.datasets.reading import names_with_suffix
from rvos_core.errors import UserError
from rvos_core.files import writing
from rvos_core.formats.annotations import AnnotatedClip, AnnotatedObject, AnnotationSet, Sights
from rvos_core.formats.content import MAX_FRAMES, document_in, size_in
from rvos_core.formats.folders import dumped, put_in_part, writing_folder
from rvos_core.formats.format import Format, Loss, ReadOptions, Walk, WriteOptions, Written
from rvos_core.formats.labelme_shapes import shapes_of, sights_in
from rvos_core.formats.mask_folders import natural
from rvos_core.formats.sniffing import beginning

VERSION = "5.5.0"  # of labelme, whose form of files this is


def read(source: Path, options: ReadOptions) -> AnnotationSet:
    """Every file is read once for its objects, and again when its frame is asked for.

    Raises: UserError: no files, or the place in one that is not as it should be; Cancelled.
    """
    if source.is_file():
        folders: dict[str, tuple[Path, tuple[str, ...]]] = {
            source.parent.name or "clip": (source.parent, (source.stem,))
        }
    else:
        folders = {folder.name or "clip": (folder, stems) for folder, stems in _folders(source)}
    if not folders:
        raise UserError(
            f"{source} has no .json files.",
            hint="Give labelme's folder, or one of such folders.",
            code="formats.incomplete",
        )
    return AnnotationSet(tuple(_clip(folder, name, stems, options) for name, (folder, stems) in folders.items()))


def _folders(source: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    for folder in (source, *sorted(each for each in source.iterdir() if each.is_dir())):
        stems = names_with_suffix(folder, ".json")
        if stems:
            yield folder, tuple(sorted(stems, key=natural))


@dataclass
class _Files:
    """The files of one clip."""

    folder: Path
    stems: tuple[str, ...]
    size: tuple[int, int]
    objects: dict[int, AnnotatedObject] = field(default_factory=dict)

    def sights(self, index: int) -> Sights:
        """The masks of one frame, by object."""
        path = self.folder / f"{self.stems[index]}.json"
        document = document_in(path)
        size = picture_size(document, path)
        if size != self.size:
            raise UserError(
                f"{path} is about a picture of {size[0]}x{size[1]}, the first of its folder is "
                f"{self.size[0]}x{self.size[1]}.",
                hint="Put pictures of one size into a folder.",
                code="formats.size",
            )
        return sights_in(document.get("shapes"), path, where='"shapes"', size=size, objects=self.objects)


def picture_size(document: Mapping[str, Any], path: Path) -> tuple[int, int]:
    """(width, height). Raises: UserError."""
    return size_in(document.get("imageWidth"), document.get("imageHeight"), path, where="imageWidth")


def _clip(folder: Path, name: str, stems: tuple[str, ...], options: ReadOptions) -> AnnotatedClip:
    if len(stems) > MAX_FRAMES:
        raise UserError(f"{folder} has {len(stems)} files.", hint="Divide it.", code="formats.too_many_frames")
    first = folder / f"{stems[0]}.json"
    files = _Files(folder, stems, picture_size(document_in(first), first))
    for index in range(len(stems)):
        files.sights(index)
        options.step(index + 1, len(stems))
    objects = tuple(sorted(files.objects.values(), key=lambda each: each.object_id))
    return AnnotatedClip(name, *files.size, stems, objects, files.sights)


def write(annotations: AnnotationSet, target: Path, options: WriteOptions) -> Written:
    """Raises: UserError: the disk refuses, or other files are in the way; Cancelled."""
    walk = Walk(annotations, options)
    files = 0
    with writing_folder(target, options, *(re.escape(clip.name) for clip in annotations.clips)) as part:
        for clip in annotations.clips:
            (part / clip.name).mkdir()
            for _, name, sights in walk.frames(clip):
                document: dict[str, Any] = {
                    "version": VERSION,
                    "flags": {},
                    "shapes": list(shapes_of(clip, sights)),
                    "imagePath": f"{name}{options.suffix}",
                    "imageData": None,
                    "imageHeight": clip.height,
                    "imageWidth": clip.width,
                }
                with writing(target):
                    put_in_part(part / clip.name / f"{name}.json", dumped(document).encode())
                files += 1
    return Written(target, files)


def detect(path: Path) -> bool:
    """A file of labelme's, a folder of them, or a folder of such folders."""
    if path.is_file():
        return path.suffix.lower() == ".json" and _is_labelme(path)
    found = next(_folders(path), None) if path.is_dir() else None
    return found is not None and _is_labelme(found[0] / f"{found[1][0]}.json")


def _is_labelme(path: Path) -> bool:
    text = beginning(path)
    return '"shapes"' in text and '"frames"' not in text


FORMAT = Format(
    format_id="labelme",
    title="labelme",
    layout="CLIP/FRAME.json",
    target="folder",
    can_overlap=True,
    losses=frozenset({Loss.UNSEEN, Loss.ABSENCE, Loss.EXPRESSIONS, Loss.RATE}),
    read=read,
    write=write,
    detect=detect,
)
