"""YOLO segmentation labels: a text file a picture, an outline a line, coordinates from 0 to 1.

    data.yaml                       names of the classes
    labels/CLIP/FRAME.txt           `class x y x y ...`
    images/CLIP/FRAME.jpg           looked for, never written

It knows neither the size of a picture nor which line is the same object in the next one. Ours adds `sizes` to
data.yaml; otherwise the size is that of the pictures, or of the project's clip. The n-th line of a class becomes one
object. A line is one object: parts that do not touch are joined by bridges without width, as YOLO's own tools do it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rvos_core.datasets.reading import bad_content, names_with_suffix
from rvos_core.errors import UserError
from rvos_core.formats.annotations import AnnotatedClip, AnnotatedObject, AnnotationSet, Sight, Sights
from rvos_core.formats.content import MAX_PIXELS, MAX_VERTICES, count_in, number_in, require_file
from rvos_core.formats.folders import text_in_part, writing_folder
from rvos_core.formats.format import Format, Loss, ReadOptions, Walk, WriteOptions, Written
from rvos_core.formats.mask_folders import PICTURES, natural
from rvos_core.formats.polygons import filled, joined, outlines
from rvos_core.masks.rle import area, decode, encode

_YAML = "data.yaml"
_MAX_BYTES = 16 * 2**20
_MAX_CLASSES = 10_000
_NAME = re.compile(r"\s+(\d{1,6}):\s*(.+?)\s*$")
_ITEM = re.compile(r"\s*-\s+(.+?)\s*$")
_SIZE = re.compile(r'\s+("(?:[^"\\]|\\.)*"):\s*\[(\d{1,6}), (\d{1,6})\]\s*$')


def read(source: Path, options: ReadOptions) -> AnnotationSet:
    """Every file is read once for its objects. Raises: UserError: damaged lines, no size; Cancelled."""
    labels = source / "labels" if (source / "labels").is_dir() else source
    yaml = next((each / _YAML for each in (source, source.parent) if (each / _YAML).is_file()), None)
    names, sizes = _names_and_sizes(yaml) if yaml is not None else ({}, {})
    inside = sorted(labels.iterdir()) if labels.is_dir() else []
    folders = [each for each in (labels, *inside) if each.is_dir() and names_with_suffix(each, ".txt")]
    if not folders:
        raise UserError(
            f"{source} has no labels/CLIP/*.txt.", hint="Give the folder with data.yaml.", code="formats.incomplete"
        )
    clips = []
    for folder in folders:
        images = source / "images" if folder == labels else source / "images" / folder.name
        size = sizes.get(folder.name) or _size_of_pictures(images) or options.size
        if size is None:
            raise UserError(
                f"The size of the pictures of {folder} is not known; YOLO's labels do not say it.",
                hint=f"Put the pictures into {images}, or import into a project that has the clip.",
                code="formats.no_size",
            )
        clips.append(_clip(folder, size, names, images, options))
    return AnnotationSet(tuple(clips))


@dataclass
class _Lines:
    """The files of one clip. `objects`: (class, n-th of it in a frame) -> object id, in order of appearance."""

    folder: Path
    stems: tuple[str, ...]
    size: tuple[int, int]
    objects: dict[tuple[int, int], int] = field(default_factory=dict)

    def sights(self, index: int) -> Sights:
        """The masks of one picture, by object; one that is new gets the next number."""
        width, height = self.size
        found = {}
        counted: Counter[int] = Counter()
        path = self.folder / f"{self.stems[index]}.txt"
        for number, (kind, points) in enumerate(_outlines_in(path), start=1):
            key = (kind, counted[kind])
            counted[kind] += 1
            object_id = self.objects.setdefault(key, len(self.objects) + 1)
            if number > MAX_VERTICES:
                raise bad_content(path, "has too many lines")
            found[object_id] = Sight(encode(filled([points * (width, height)], height=height, width=width)))
        return found


def _clip(
    folder: Path, size: tuple[int, int], names: Mapping[int, str], images: Path, options: ReadOptions
) -> AnnotatedClip:
    stems = tuple(sorted(names_with_suffix(folder, ".txt"), key=natural))
    lines = _Lines(folder, stems, size)
    for index in range(len(stems)):
        lines.sights(index)
        options.step(index + 1, len(stems))
    objects = tuple(
        AnnotatedObject(object_id, f"{label} {turn + 1}" if turn else label, label)
        for (kind, turn), object_id in lines.objects.items()
        for label in (names.get(kind, str(kind)),)
    )
    kept = images if images.is_dir() else None
    return AnnotatedClip(folder.name, *size, stems, objects, lines.sights, images=kept)


def _outlines_in(path: Path) -> Iterator[tuple[int, np.ndarray]]:
    """Class and (n, 2) points, 0..1, of every line that is an outline; boxes (4 numbers) are outlines of 4 points."""
    for number, line in enumerate(_text(path).splitlines(), start=1):
        parts = line.split()
        if not parts:
            continue
        where = f"line {number}"
        kind = count_in(parts[0], path, where=where, limit=_MAX_CLASSES)
        values = np.array([number_in(each, path, where=where, limit=4) for each in parts[1:]])
        if len(values) == 4:
            x, y, wide, high = values
            values = np.array([x - wide / 2, y - high / 2, x + wide / 2, y - high / 2])
            values = np.concatenate([values, [x + wide / 2, y + high / 2, x - wide / 2, y + high / 2]])
        if len(values) < 6 or len(values) % 2:
            raise bad_content(path, f"has {len(values)} numbers where the points of an outline are expected ({where})")
        yield kind, values.reshape(-1, 2)


def _text(path: Path) -> str:
    require_file(path)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise bad_content(path, "is larger than 16 MB")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}.", hint="Check it.", code="formats.unreadable"
        ) from None
    except UnicodeDecodeError as error:
        raise bad_content(path, "is not text in UTF-8") from error


def _names_and_sizes(path: Path) -> tuple[dict[int, str], dict[str, tuple[int, int]]]:
    """The two blocks of data.yaml that matter, in the forms in which they are written: a map, a list, `[a, b]`."""
    names: dict[int, str] = {}
    sizes: dict[str, tuple[int, int]] = {}
    block = ""
    for line in _text(path).splitlines():
        if line[:1].strip() and not line.startswith("-"):
            block, _, rest = line.partition(":")
            if block == "names" and rest.strip().startswith("["):
                names = dict(enumerate(_unquoted(each) for each in rest.strip().strip("[]").split(",")))
        elif block == "names" and (found := _NAME.match(line)):
            names[int(found[1])] = _unquoted(found[2])
        elif block == "names" and (found := _ITEM.match(line)):
            names[len(names)] = _unquoted(found[1])
        elif block == "sizes" and (found := _SIZE.match(line)):
            size = int(found[2]), int(found[3])
            if not 0 < size[0] * size[1] <= MAX_PIXELS:
                raise bad_content(path, f"claims pictures of {size[0]}x{size[1]}")
            sizes[_unquoted(found[1])] = size
    return names, sizes


def _unquoted(text: str) -> str:
    text = text.strip()
    if text.startswith('"') and text.endswith('"'):
        try:
            return str(json.loads(text))
        except ValueError:
            return text.strip('"')
    return text.strip("'")


def _size_of_pictures(folder: Path) -> tuple[int, int] | None:
    from PIL import Image

    if not folder.is_dir():
        return None
    first = min((each for each in folder.iterdir() if each.suffix.lower() in PICTURES), default=None)
    if first is None:
        return None
    try:
        with Image.open(first) as image:
            return image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def write(annotations: AnnotationSet, target: Path, options: WriteOptions) -> Written:
    """Raises: UserError: the disk refuses, or other files are in the way; Cancelled."""
    walk = Walk(annotations, options)
    labels = sorted({one_line(each.label) for clip in annotations.clips for each in clip.objects})
    class_of = {label: number for number, label in enumerate(labels)}
    files = 1
    with writing_folder(target, options, re.escape(_YAML), "labels", r"labels\.cache") as part:
        for clip in annotations.clips:
            for _, name, sights in walk.frames(clip):
                with text_in_part(part / "labels" / clip.name / f"{name}.txt") as part_file:
                    part_file.writelines(_lines(clip, sights, class_of))
                files += 1
        with text_in_part(part / _YAML) as part_file:
            part_file.write("path: .\ntrain: images\nval: images\nnames:\n")
            part_file.writelines(f"  {number}: {json.dumps(label)}\n" for label, number in class_of.items())
            part_file.write("sizes:\n")
            part_file.writelines(
                f"  {json.dumps(clip.name)}: [{clip.width}, {clip.height}]\n" for clip in annotations.clips
            )
    return Written(target, files)


def one_line(label: str) -> str:
    """A label without line breaks and doubled blanks."""
    return " ".join(label.split())


def _lines(clip: AnnotatedClip, sights: Sights, class_of: Mapping[str, int]) -> Iterator[str]:
    for thing in clip.objects:
        if thing.object_id not in sights or not area(sights[thing.object_id].mask):
            continue
        points = joined(outlines(decode(sights[thing.object_id].mask)))
        numbers = " ".join(f"{value:.6f}" for value in (points / (clip.width, clip.height)).ravel())
        yield f"{class_of[one_line(thing.label)]} {numbers}\n"


def detect(path: Path) -> bool:
    """A folder with data.yaml and labels."""
    return path.is_dir() and (path / _YAML).is_file() and (path / "labels").is_dir()


FORMAT = Format(
    format_id="yolo-seg",
    title="YOLO segmentation",
    layout="data.yaml, labels/CLIP/FRAME.txt",
    target="folder",
    can_overlap=True,
    losses=frozenset(
        {
            *(Loss.IDS, Loss.TRACKS, Loss.HOLES, Loss.NAMES, Loss.ATTRIBUTES, Loss.UNSEEN),
            *(Loss.OCCLUSION, Loss.ABSENCE, Loss.EXPRESSIONS, Loss.RATE),
        }
    ),
    read=read,
    write=write,
    detect=detect,
)
