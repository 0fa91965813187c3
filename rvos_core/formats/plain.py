"""Plain folders of masks, the form that people have when they have none.

    CLIP/00000.png              read: 0 and 255, or indexed with object ids
    CLIP/001/00000.png          written: 0 and 255, a folder per object, so that objects may overlap

A folder that holds the masks itself is one clip; so is one with `Annotations` and `JPEGImages` side by side.
"""

from __future__ import annotations

import re
from pathlib import Path

from rvos_core.datasets.reading import names_with_suffix
from rvos_core.errors import UserError
from rvos_core.formats.annotations import AnnotationSet
from rvos_core.formats.folders import writing_folder
from rvos_core.formats.format import Format, Loss, ReadOptions, Walk, WriteOptions, Written
from rvos_core.formats.mask_folders import clip_folders, holds_masks, read_clip, write_clip


def read(source: Path, options: ReadOptions) -> AnnotationSet:
    """Raises: UserError: no masks there, or one is damaged."""
    base = source / "Annotations" if (source / "Annotations").is_dir() else source
    pictures = source / "JPEGImages"
    if base.is_dir() and _is_clip(base):
        return AnnotationSet((read_clip(base, source.name or "clip", options, images=pictures),))
    found = options.chosen(clip_folders(base))
    if not found:
        raise UserError(
            f"{source} holds no masks: neither PNG files nor folders of them.",
            hint="Give a folder of masks, or one that holds such a folder per clip.",
            code="formats.incomplete",
        )
    return AnnotationSet(tuple(read_clip(each, name, options, images=pictures / name) for name, each in found.items()))


def _is_clip(folder: Path) -> bool:
    """Masks lie in it, or in folders of objects rather than of clips: `001/00000.png`."""
    if names_with_suffix(folder, ".png"):
        return True
    inside = [each for each in folder.iterdir() if each.is_dir()]
    return bool(inside) and holds_masks(folder) and all(names_with_suffix(each, ".png") for each in inside)


def write(annotations: AnnotationSet, target: Path, options: WriteOptions) -> Written:
    """Raises: UserError: the disk refuses, or other files are in the way."""
    walk = Walk(annotations, options)
    with writing_folder(target, options, *(re.escape(clip.name) for clip in annotations.clips)) as part:
        files = sum(
            write_clip(clip, part / clip.name, walk, overlap=options.overlap, binary=True) for clip in annotations.clips
        )
    return Written(target, files)


def detect(path: Path) -> bool:
    """Folders of PNG files and nothing that another format has."""
    if not path.is_dir():
        return False
    base = path / "Annotations" if (path / "Annotations").is_dir() else path
    return _is_clip(base) or bool(clip_folders(base))


FORMAT = Format(
    format_id="plain",
    title="Plain mask folders",
    layout="CLIP/OBJECT/FRAME.png (read: CLIP/FRAME.png too)",
    target="folder",
    can_overlap=True,
    losses=frozenset(
        {
            *(Loss.NAMES, Loss.CATEGORIES, Loss.ATTRIBUTES, Loss.OCCLUSION, Loss.ABSENCE, Loss.EXPRESSIONS, Loss.RATE),
            *(Loss.UNSAID_FRAMES, Loss.SIZE),
        }
    ),
    read=read,
    write=write,
    detect=detect,
    needs_size=False,
)
