"""MOTS (KITTI MOTS, MOTSChallenge), in both of its forms.

    instances/CLIP/000000.png       16 bits: class * 1000 + object, 10000 = ignore
    instances_txt/CLIP.txt          lines `frame object class height width run_lengths` (COCO's), object as above
    labels.txt                      ours: names of the classes, `background` first; else 1 car, 2 pedestrian

Objects never share a pixel in either. Objects have numbers up to 999, frames of the text form are counted from 0.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from rvos_core.datasets.reading import bad_content, names_with_suffix
from rvos_core.errors import UserError
from rvos_core.files import writing
from rvos_core.formats.annotations import AnnotatedClip, AnnotatedObject, AnnotationSet, Sight, Sights
from rvos_core.formats.content import count_in, require_file, rle_in, size_in
from rvos_core.formats.folders import put_in_part, text_in_part, writing_folder
from rvos_core.formats.format import Format, Loss, ReadOptions, Walk, WriteOptions, Written
from rvos_core.formats.mask_folders import natural, png_size
from rvos_core.formats.overlap import painted
from rvos_core.formats.sniffing import beginning
from rvos_core.formats.yolo_seg import one_line
from rvos_core.masks.rle import Rle, area, encode

_PER_CLASS = 1000
_MAX_CLASS = 64  # 16 bits hold no more
_IGNORE = 10
_KNOWN = {1: "car", 2: "pedestrian"}
_MAX_BYTES = 512 * 2**20
_LINE = re.compile(r"(\d{1,7}) (\d{1,6}) (\d{1,3}) (\d{1,6}) (\d{1,6}) (\S+)")


def read_png(source: Path, options: ReadOptions) -> AnnotationSet:
    """Every file is read once for its objects. Raises: UserError: damaged, not 16 bits; Cancelled."""
    base = source / "instances" if (source / "instances").is_dir() else source
    folders = {each.name: each for each in sorted(base.iterdir()) if each.is_dir()} if base.is_dir() else {}
    if not folders:
        raise UserError(f"{source} has no instances/CLIP/*.png.", hint="Give MOTS's root.", code="formats.incomplete")
    names = _labels(source)
    return AnnotationSet(tuple(_png_clip(folder, names, options) for folder in options.chosen(folders).values()))


@dataclass
class _Pictures:
    """The files of one clip. `ids`: value in the files -> object id."""

    folder: Path
    stems: tuple[str, ...]
    size: tuple[int, int]
    ids: dict[int, int]

    def sights(self, index: int) -> Sights:
        """The masks of one frame, by object, empty ones too."""
        values = png16(self.folder / f"{self.stems[index]}.png", size=self.size)
        return {object_id: Sight(encode(values == value)) for value, object_id in self.ids.items()}


def _png_clip(folder: Path, names: Mapping[int, str], options: ReadOptions) -> AnnotatedClip:
    stems = tuple(sorted(names_with_suffix(folder, ".png"), key=natural))
    if not stems:
        return AnnotatedClip(folder.name, 0, 0, (), (), lambda _: {})
    size = png_size(folder / f"{stems[0]}.png")
    found: set[int] = set()
    for number, stem in enumerate(stems, start=1):
        found.update(np.unique(png16(folder / f"{stem}.png", size=size)).tolist())
        options.step(number, len(stems))
    objects, ids = _objects(found, names)
    pictures = _Pictures(folder, stems, size, ids)
    return AnnotatedClip(folder.name, *size, stems, objects, pictures.sights)


def _objects(values: set[int], names: Mapping[int, str]) -> tuple[tuple[AnnotatedObject, ...], dict[int, int]]:
    """Objects for the values that are found, and value -> object id: its number, or a new one where that is taken."""
    ids: dict[int, int] = {}
    objects = []
    for value in sorted(values):
        kind, number = divmod(value, _PER_CLASS)
        if not kind or (kind == _IGNORE and kind not in names):
            continue
        taken = set(ids.values())
        object_id = number if number and number not in taken else max([*taken, _PER_CLASS - 1]) + 1
        ids[value] = object_id
        label = names.get(kind, f"class {kind}")
        objects.append(AnnotatedObject(object_id, f"{label} {number}", label))
    return tuple(sorted(objects, key=lambda each: each.object_id)), ids


def png16(path: Path, *, size: tuple[int, int]) -> np.ndarray:
    """(H, W) int32 of a 16-bit grey PNG of `size` (width, height). Raises: UserError: it is none."""
    from PIL import Image

    if png_size(path) != size:
        raise UserError(
            f"{path} is not {size[0]}x{size[1]} as the first of its folder.", hint="Export it again.", code="masks.size"
        )
    try:
        content = path.read_bytes()
        if struct.unpack(">BB", content[24:26]) != (16, 0):
            raise UserError(f"{path} is not a 16-bit grey PNG.", hint="MOTS has such.", code="masks.mode")
        with Image.open(BytesIO(content), formats=("PNG",)) as image:
            if image.size != size:
                raise ValueError(f"{image.size} after {size}")
            return np.asarray(image).astype(np.int32)
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise UserError(f"{path} is damaged or cut short.", hint="Copy it again.", code="masks.damaged_png") from error


def read_txt(source: Path, options: ReadOptions) -> AnnotationSet:
    """Run lengths are held. Raises: UserError: the line that is none; Cancelled."""
    base = source / "instances_txt" if (source / "instances_txt").is_dir() else source
    files = [base] if base.is_file() else sorted(each for each in base.glob("*.txt") if each.name != "labels.txt")
    if not files:
        raise UserError(f"{source} has no instances_txt/CLIP.txt.", hint="Give MOTS's root.", code="formats.incomplete")
    names = _labels(source if source.is_dir() else source.parent)
    clips = []
    for number, path in enumerate(files, start=1):
        clips.append(_txt_clip(path, names))
        options.step(number, len(files))
    return AnnotationSet(tuple(clips))


def _txt_clip(path: Path, names: Mapping[int, str]) -> AnnotatedClip:
    frames: dict[int, dict[int, Rle]] = {}
    size: tuple[int, int] | None = None
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        where = f"line {number}"
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise bad_content(path, f"has no `frame object class height width run_lengths` in {where}")
        frame = count_in(found[1], path, where=where)
        size = size or size_in(found[5], found[4], path, where=where)
        value, kind = int(found[2]), int(found[3])
        value = value if value >= _PER_CLASS else kind * _PER_CLASS + value
        coco = {"size": [int(found[4]), int(found[5])], "counts": found[6]}
        frames.setdefault(frame, {})[value] = rle_in(coco, path, where=where, size=size)
    objects, ids = _objects({value for each in frames.values() for value in each}, names)

    def sights(index: int) -> Sights:
        return {ids[value]: Sight(mask) for value, mask in frames.get(index, {}).items() if value in ids}

    count = max(frames, default=-1) + 1
    return AnnotatedClip(path.stem, *(size or (0, 0)), tuple(f"{i:06d}" for i in range(count)), objects, sights)


def _text(path: Path) -> str:
    require_file(path)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise bad_content(path, "is larger than 512 MB")
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}.", hint="Check it.", code="formats.unreadable"
        ) from None
    except UnicodeDecodeError as error:
        raise bad_content(path, "is not text in ASCII") from error


def _labels(source: Path) -> Mapping[int, str]:
    path = source / "labels.txt"
    if not path.is_file() or path.stat().st_size > 2**20:
        return _KNOWN
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return {number: line for number, line in enumerate(lines) if number and line}


def write_png(annotations: AnnotationSet, target: Path, options: WriteOptions) -> Written:
    """Frames about which nothing is said have no file. Raises: UserError, Cancelled."""
    return _write(annotations, target, options, as_text=False)


def write_txt(annotations: AnnotationSet, target: Path, options: WriteOptions) -> Written:
    """Raises: UserError, Cancelled."""
    return _write(annotations, target, options, as_text=True)


def _write(annotations: AnnotationSet, target: Path, options: WriteOptions, *, as_text: bool) -> Written:
    walk = Walk(annotations, options)
    class_of = _classes(annotations)
    files = 1
    with writing_folder(target, options, "instances", "instances_txt", r"labels\.txt") as part:
        for clip in annotations.clips:
            if as_text:
                with text_in_part(part / "instances_txt" / f"{clip.name}.txt", encoding="ascii") as part_file:
                    part_file.writelines(_lines(clip, walk, class_of))
                files += 1
            else:
                files += _write_pictures(clip, walk, part / "instances" / clip.name, class_of)
        with text_in_part(part / "labels.txt") as part_file:
            part_file.writelines(f"{label}\n" for label in _by_number(class_of))
    return Written(target, files)


def _classes(annotations: AnnotationSet) -> dict[str, int]:
    """Car is 1, pedestrian 2, as published; others follow, 10 left out."""
    labels = sorted({one_line(each.label) for clip in annotations.clips for each in clip.objects})
    others = [label for label in labels if label not in _KNOWN.values()]
    free = [number for number in range(3, _MAX_CLASS + 1) if number != _IGNORE]
    if len(others) > len(free):
        raise UserError(
            f"MOTS has room for {len(free)} classes beside car and pedestrian, there are {len(others)}.",
            hint="Choose another format, or export fewer objects.",
            code="formats.too_many_objects",
        )
    return {name: number for number, name in _KNOWN.items()} | dict(zip(others, free, strict=False))


def _by_number(class_of: Mapping[str, int]) -> list[str]:
    names = {number: label for label, number in class_of.items()}
    return ["background", *(names.get(number, "") for number in range(1, max(names) + 1))]


def _write_pictures(clip: AnnotatedClip, walk: Walk, part: Path, class_of: Mapping[str, int]) -> int:
    from PIL import Image

    value_of = np.zeros(_PER_CLASS, dtype=np.uint16)
    for each in clip.objects:
        value_of[each.object_id] = class_of[one_line(each.label)] * _PER_CLASS + each.object_id
    files = 0
    with writing(part):
        part.mkdir(parents=True)
        for _, name, sights in walk.frames(clip):
            if not sights:
                continue
            content = BytesIO()
            Image.fromarray(value_of[painted(clip, sights, kind=np.int64)]).save(content, format="PNG")
            put_in_part(part / f"{name}.png", content.getvalue())
            files += 1
    return files


def _lines(clip: AnnotatedClip, walk: Walk, class_of: Mapping[str, int]) -> Iterator[str]:
    for index, _, sights in walk.frames(clip):
        labels = painted(clip, sights, kind=np.int64)
        for each in clip.objects:
            mask = encode(labels == each.object_id)
            if area(mask):
                kind = class_of[one_line(each.label)]
                value = kind * _PER_CLASS + each.object_id
                yield f"{clip.number(index)} {value} {kind} {mask.height} {mask.width} {mask.counts.decode('ascii')}\n"


def detect_png(path: Path) -> bool:
    """A folder `instances` with folders of PNG files."""
    return (path / "instances").is_dir()


def detect_txt(path: Path) -> bool:
    """A folder `instances_txt`, or a text file whose first line is one of MOTS's."""
    if path.is_dir():
        return (path / "instances_txt").is_dir()
    return path.suffix.lower() == ".txt" and _LINE.fullmatch(beginning(path).partition("\n")[0].strip()) is not None


_LOSSES = frozenset(
    {
        *(Loss.OVERLAP, Loss.NAMES, Loss.ATTRIBUTES, Loss.UNSEEN, Loss.OCCLUSION, Loss.ABSENCE, Loss.EXPRESSIONS),
        *(Loss.RATE, Loss.SIZE),
    }
)
PNG_FORMAT = Format(
    format_id="mots-png",
    title="MOTS, 16-bit PNG",
    layout="instances/CLIP/FRAME.png, labels.txt",
    target="folder",
    can_overlap=False,
    losses=_LOSSES | {Loss.UNSAID_FRAMES},
    read=read_png,
    write=write_png,
    detect=detect_png,
    max_object_id=_PER_CLASS - 1,
)
TXT_FORMAT = Format(
    format_id="mots-txt",
    title="MOTS, text",
    layout="instances_txt/CLIP.txt, labels.txt",
    target="folder",
    can_overlap=False,
    losses=_LOSSES | {Loss.FRAMES, Loss.FRAME_NAMES},
    read=read_txt,
    write=write_txt,
    detect=detect_txt,
    max_object_id=_PER_CLASS - 1,
)
