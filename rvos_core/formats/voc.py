"""Pascal VOC segmentation: per picture an XML file with boxes and two indexed PNG files.

    Annotations/ID.xml                  size, and an <object> with name and box for each
    SegmentationObject/ID.png           pixel = number of the object in that XML file, 255 = void
    SegmentationClass/ID.png            pixel = class
    ImageSets/Segmentation/SPLIT.txt    ids;  labelmap.txt: classes
    JPEGImages/ID.jpg                   looked for, never written

Ids are flat, `CLIP_FRAME`; the XML has clip and frame in <folder> and <filename>. Ours adds <track> and <called> to an
object; published files have none, and the n-th object of a class becomes one object.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rvos_core.datasets.davis import read_names
from rvos_core.datasets.reading import bad_content, name_in, names_with_suffix, whole_number_in
from rvos_core.errors import UserError
from rvos_core.files import writing
from rvos_core.formats.annotations import AnnotatedClip, AnnotatedObject, AnnotationSet, Sight, Sights, default_name
from rvos_core.formats.content import require_file, size_in, stem
from rvos_core.formats.cvat_xml import escaped
from rvos_core.formats.folders import put_in_part, text_in_part, writing_folder
from rvos_core.formats.format import Format, Loss, ReadOptions, Walk, WriteOptions, Written, split_order
from rvos_core.formats.mask_folders import natural
from rvos_core.formats.names import safe_names
from rvos_core.formats.overlap import painted
from rvos_core.formats.xml_reading import Element, elements
from rvos_core.formats.yolo_seg import one_line
from rvos_core.masks.png import MAX_OBJECT_ID, indexed_png_bytes, read_indexed_png
from rvos_core.masks.rle import bbox, encode

_FOLDERS = ("Annotations", "SegmentationObject", "SegmentationClass", "ImageSets")


@dataclass(frozen=True)
class _Picture:
    """One XML file. `objects`: number in the PNG -> object id and whether it is occluded."""

    image_id: str
    frame: str
    objects: dict[int, tuple[int, bool]]


@dataclass
class _Clip:
    """A clip while its pictures are put together."""

    name: str
    size: tuple[int, int]
    folder: Path
    pictures: list[_Picture] = field(default_factory=list)
    objects: dict[int, AnnotatedObject] = field(default_factory=dict)
    numbered: dict[tuple[str, int], int] = field(default_factory=dict)

    def sights(self, index: int) -> Sights:
        """The masks of one picture, by object: those that its XML file names."""
        picture = self.pictures[index]
        path = self.folder / f"{picture.image_id}.png"
        if not picture.objects or not path.exists():
            return {}
        labels = read_indexed_png(path, size=(self.size[1], self.size[0]))
        found = {number: Sight(encode(labels == number)) for number in picture.objects}
        return {
            object_id: Sight(found[number].mask, occluded) for number, (object_id, occluded) in picture.objects.items()
        }


def read(source: Path, options: ReadOptions) -> AnnotationSet:
    """Raises: UserError: naming what is missing, or the file that is not as published; Cancelled."""
    listing = source / "ImageSets" / "Segmentation" / f"{options.split}.txt"
    if options.split:
        require_file(listing)
    there = names_with_suffix(source / "Annotations", ".xml")
    ids = read_names(listing) if options.split else tuple(sorted(there, key=natural))
    if not ids:
        raise UserError(f"{source} has no Annotations/*.xml.", hint="Give VOC's root.", code="formats.incomplete")
    clips: dict[tuple[str, tuple[int, int]], _Clip] = {}
    for number, image_id in enumerate(ids, start=1):
        path = source / "Annotations" / f"{image_id}.xml"
        root = next(elements(path, ("annotation",)), None)
        if root is None:
            raise bad_content(path, "has no <annotation>")
        size = size_in(root.value("size", "width"), root.value("size", "height"), path, where="size")
        name = name_in(root.value("folder") or source.name, path, where="folder")
        clip = clips.setdefault((name, size), _Clip(name, size, source / "SegmentationObject"))
        frame = name_in(stem(root.value("filename")) or image_id, path, where="filename")
        clip.pictures.append(_Picture(image_id, frame, _objects(root, clip, path)))
        options.step(number, len(ids))
    for clip, name in zip(clips.values(), safe_names(each.name for each in clips.values()), strict=True):
        clip.name = name
        clip.pictures.sort(key=lambda each: natural(each.frame))
    return AnnotationSet(tuple(_finished(each) for each in clips.values()))


def splits(source: Path) -> tuple[str, ...]:
    """Those whose pictures are listed below `ImageSets/Segmentation`; all pictures together come first."""
    found = names_with_suffix(source / "ImageSets" / "Segmentation", ".txt")
    return ("", *sorted(found, key=split_order)) if found else ()


def _finished(made: _Clip) -> AnnotatedClip:
    frames = tuple(each.frame for each in made.pictures)
    if len(set(frames)) != len(frames):
        frames = tuple(each.image_id for each in made.pictures)
    objects = tuple(sorted(made.objects.values(), key=lambda each: each.object_id))
    return AnnotatedClip(made.name, *made.size, frames, objects, made.sights)


def _objects(root: Element, clip: _Clip, path: Path) -> dict[int, tuple[int, bool]]:
    found = {}
    counted: Counter[str] = Counter()
    for number, each in enumerate(root.all("object"), start=1):
        category = each.value("name")
        track = each.value("track")
        turn = counted[category]
        counted[category] += 1
        if track:
            object_id = whole_number_in(track, path, where=f"object {number}/track")
        else:
            object_id = clip.numbered.setdefault((category, turn), max([0, *clip.objects]) + 1)
        called = each.first("called")
        name = called.text if called is not None else (f"{category} {turn + 1}" if turn else category)
        known = "" if called is not None and one_line(name) == category else category
        clip.objects.setdefault(object_id, AnnotatedObject(object_id, name or default_name(object_id), known))
        if number <= MAX_OBJECT_ID:
            found[number] = (object_id, each.value("occluded") == "1")
    return found


def write(annotations: AnnotationSet, target: Path, options: WriteOptions) -> Written:
    """Raises: UserError: more than 254 objects in a clip, the disk refuses, other files are in the way; Cancelled."""
    walk = Walk(annotations, options)
    labels = sorted({one_line(each.label) for clip in annotations.clips for each in clip.objects})
    if len(labels) > MAX_OBJECT_ID:
        raise UserError(
            f"Pascal VOC has room for {MAX_OBJECT_ID} classes, there are {len(labels)}.",
            hint="Choose another format, or export fewer objects.",
            code="formats.too_many_objects",
        )
    class_of = {label: number for number, label in enumerate(labels, start=1)}
    ids = iter(safe_names(f"{clip.name}_{frame}" for clip in annotations.clips for frame in clip.frames))
    written = []
    with writing_folder(target, options, *_FOLDERS, r"labelmap\.txt") as part:
        for clip in annotations.clips:
            for _, name, sights in walk.frames(clip):
                written.append(next(ids))
                _write_picture(clip, name, sights, part, written[-1], class_of, options.suffix)
        with text_in_part(part / "ImageSets" / "Segmentation" / f"{options.split}.txt") as part_file:
            part_file.writelines(f"{each}\n" for each in written)
        with text_in_part(part / "labelmap.txt") as part_file:
            part_file.writelines(f"{number}:{label}\n" for label, number in class_of.items())
    return Written(target, 3 * len(written) + 2)


def _write_picture(
    clip: AnnotatedClip,
    frame: str,
    sights: Sights,
    part: Path,
    image_id: str,
    class_of: Mapping[str, int],
    suffix: str,
) -> None:
    labels = painted(clip, sights, kind=np.int64)
    shown = [each for each in clip.objects if np.any(labels == each.object_id)]
    numbers, classes = np.zeros_like(labels), np.zeros_like(labels)
    for number, each in enumerate(shown, start=1):
        numbers[labels == each.object_id] = number
        classes[labels == each.object_id] = class_of[one_line(each.label)]
    with writing(part):
        for folder, pixels in (("SegmentationObject", numbers), ("SegmentationClass", classes)):
            path = part / folder / f"{image_id}.png"
            path.parent.mkdir(exist_ok=True)
            put_in_part(path, indexed_png_bytes(pixels, path=path))
    with text_in_part(part / "Annotations" / f"{image_id}.xml") as part_file:
        part_file.writelines(_xml(clip, frame + suffix, sights, labels, shown))


def _xml(
    clip: AnnotatedClip, file: str, sights: Sights, labels: np.ndarray, shown: list[AnnotatedObject]
) -> Iterator[str]:
    yield f"<annotation>\n<folder>{escaped(clip.name)}</folder><filename>{escaped(file)}</filename>\n"
    yield f"<size><width>{clip.width}</width><height>{clip.height}</height><depth>3</depth></size>\n"
    yield "<segmented>1</segmented>\n"
    for each in shown:
        x0, y0, x1, y1 = bbox(encode(labels == each.object_id)) or (0, 0, 0, 0)
        yield f"<object><name>{escaped(one_line(each.label))}</name><track>{each.object_id}</track>"
        yield f"<called>{escaped(each.name)}</called><pose>Unspecified</pose><truncated>0</truncated>"
        yield f"<occluded>{int(sights[each.object_id].occluded)}</occluded><difficult>0</difficult>"
        box = f"<xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
        yield f"<bndbox>{box}</bndbox></object>\n"
    yield "</annotation>\n"


def detect(path: Path) -> bool:
    """A folder with `SegmentationObject` and XML files in `Annotations`."""
    return (path / "SegmentationObject").is_dir() and bool(names_with_suffix(path / "Annotations", ".xml"))


FORMAT = Format(
    format_id="voc",
    title="Pascal VOC segmentation",
    layout="Annotations/ID.xml, SegmentationObject/ID.png, SegmentationClass/ID.png, ImageSets/Segmentation/SPLIT.txt",
    target="folder",
    can_overlap=False,
    losses=frozenset({Loss.OVERLAP, Loss.ATTRIBUTES, Loss.UNSEEN, Loss.ABSENCE, Loss.EXPRESSIONS, Loss.RATE}),
    read=read,
    write=write,
    detect=detect,
    splits=splits,
    max_object_id=2**31 - 1,
)
