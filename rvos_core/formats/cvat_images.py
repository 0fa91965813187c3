"""CVAT for images 1.1: one XML file, masks as run lengths inside their box, row by row.

    <image id name width height>
      <mask label source occluded rle="n, n, ..." left top width height z_order>
        <attribute name="object_id">3</attribute>
      </mask>
    </image>

CVAT counts otherwise than COCO: rows first, zeros first, inside the box; where runs stop short of it, the rest is
empty. A clip is the folder in `name`. CVAT knows no tracks here: ours are the attribute `object_id`, declared for every
label; files without it have an object per mask. Polygons are read too, boxes are not.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rvos_core.datasets.reading import bad_content
from rvos_core.formats.annotations import AnnotatedClip, AnnotatedObject, AnnotationSet, Sight, Sights
from rvos_core.formats.content import MAX_OBJECTS, count_in, path_in, size_in, stem
from rvos_core.formats.cvat_xml import attribute_elements, labels_meta, object_in, opening, points_in
from rvos_core.formats.folders import writing_text
from rvos_core.formats.format import Format, Loss, ReadOptions, Walk, WriteOptions, Written
from rvos_core.formats.polygons import filled
from rvos_core.formats.sniffing import beginning
from rvos_core.formats.xml_reading import Element, elements
from rvos_core.masks.rle import Rle, area, bbox, decode, encode, union


@dataclass
class _Clip:
    """A clip of the file while its frames are put together."""

    name: str
    size: tuple[int, int]
    frames: list[str] = field(default_factory=list)
    sights: list[dict[int, Sight]] = field(default_factory=list)
    objects: dict[int, AnnotatedObject] = field(default_factory=dict)


def read(source: Path, options: ReadOptions) -> AnnotationSet:
    """Run lengths are held. Raises: UserError: the place in the file that is not as it should be; Cancelled."""
    clips: dict[str, _Clip] = {}
    for number, image in enumerate(elements(source, ("image",)), start=1):
        where = f"image {image.attributes.get('name', str(number))!r:.60}"
        parts = path_in(image.attributes.get("name"), source, where=where)
        size = size_in(image.attributes.get("width"), image.attributes.get("height"), source, where=where)
        folder = parts[-2] if len(parts) > 1 else source.stem
        clip = clips.setdefault(folder, _Clip(folder, size))
        if clip.size != size:
            raise bad_content(source, f"has pictures of two sizes in {folder} ({where})")
        clip.frames.append(stem(parts[-1]))
        clip.sights.append(_sights(image, clip, source, where))
        options.step(number, number)
    return AnnotationSet(tuple(_clip(each, source) for each in clips.values()))


def _clip(made: _Clip, path: Path) -> AnnotatedClip:
    if len(set(made.frames)) != len(made.frames):
        raise bad_content(path, f"has a picture of {made.name} twice")
    objects = tuple(sorted(made.objects.values(), key=lambda each: each.object_id))
    return AnnotatedClip(made.name, *made.size, tuple(made.frames), objects, made.sights.__getitem__)


def _sights(image: Element, clip: _Clip, path: Path, where: str) -> dict[int, Sight]:
    found: dict[int, Sight] = {}
    for shape in image.children:
        if shape.tag not in ("mask", "polygon"):
            continue
        mask = _mask(shape, clip.size, path, where)
        thing = object_in(shape, shape.attributes.get("label", ""), clip.objects, path, where)
        clip.objects.setdefault(thing.object_id, thing)
        if len(clip.objects) > MAX_OBJECTS:
            raise bad_content(path, f"has more than {MAX_OBJECTS} objects")
        if thing.object_id in found:
            mask = union(found[thing.object_id].mask, mask)
        found[thing.object_id] = Sight(mask, shape.attributes.get("occluded") == "1")
    return found


def _mask(shape: Element, size: tuple[int, int], path: Path, where: str) -> Rle:
    width, height = size
    if shape.tag == "polygon":
        points = points_in(shape.attributes.get("points", ""), path, where)
        return encode(filled([points], height=height, width=width))
    box = [
        count_in(shape.attributes.get(key), path, where=f"{where}/{key}") for key in ("left", "top", "width", "height")
    ]
    return encode(mask_in_box(shape.attributes.get("rle", ""), box, size, path, where))


def mask_in_box(text: str, box: list[int], size: tuple[int, int], path: Path, where: str) -> np.ndarray:
    """CVAT's run lengths (rows first, zeros first) in `box` (left, top, width, height): (H, W) bool of `size`.

    Raises: UserError: no numbers, more pixels than the box has, a box outside the picture.
    """
    left, top, wide, high = box
    width, height = size
    if not wide or not high or left + wide > width or top + high > height:
        raise bad_content(
            path, f"has a mask at {left},{top} of {wide}x{high} in a picture of {width}x{height} ({where})"
        )
    try:
        runs = np.array([int(each) for each in text.split(",") if each.strip()], dtype=np.int64)
    except (ValueError, OverflowError):
        raise bad_content(path, f"has {text!r:.40} where run lengths are expected ({where})") from None
    if (runs < 0).any() or (runs > wide * high).any() or int(runs.sum()) > wide * high:
        raise bad_content(path, f"has run lengths for more than its {wide}x{high} pixels ({where})")
    inside = np.zeros(wide * high, dtype=bool)
    drawn = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    inside[: len(drawn)] = drawn
    mask = np.zeros((height, width), dtype=bool)
    mask[top : top + high, left : left + wide] = inside.reshape(high, wide)
    return mask


def box_runs(mask: Rle) -> tuple[str, tuple[int, int, int, int]]:
    """CVAT's run lengths of a mask that has pixels, and its box (left, top, width, height)."""
    x0, y0, x1, y1 = bbox(mask) or (0, 0, 1, 1)
    pixels = decode(mask)[y0:y1, x0:x1].ravel()
    changes = np.flatnonzero(np.diff(pixels.astype(np.int8))) + 1
    bounds = np.concatenate(([0], changes, [pixels.size]))
    runs = np.diff(bounds).tolist()
    return ", ".join(map(str, [0, *runs] if pixels[0] else runs)), (x0, y0, x1 - x0, y1 - y0)


def write(annotations: AnnotationSet, target: Path, options: WriteOptions) -> Written:
    """Raises: UserError: the disk refuses; Cancelled."""
    walk = Walk(annotations, options)
    frames = sum(len(clip.frames) for clip in annotations.clips)
    with writing_text(target, options) as part_file:
        part_file.write('<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n')
        part_file.writelines(labels_meta(annotations, name=target.stem, mode="annotation", size=frames))
        numbers = itertools.count()
        for clip in annotations.clips:
            for _, name, sights in walk.frames(clip):
                facts = {"id": next(numbers), "name": f"{clip.name}/{name}{options.suffix}"}
                part_file.write(opening("image", facts | {"width": clip.width, "height": clip.height}) + "\n")
                part_file.writelines(_shapes(clip, sights))
                part_file.write("</image>\n")
        part_file.write("</annotations>\n")
    return Written(target, 1)


def _shapes(clip: AnnotatedClip, sights: Sights) -> Iterator[str]:
    """Masks of one frame; the last object of the list is on top: the largest z_order."""
    for order, thing in enumerate(clip.objects, start=1):
        sight = sights.get(thing.object_id)
        if sight is None or not area(sight.mask):
            continue
        runs, (left, top, wide, high) = box_runs(sight.mask)
        facts = {"label": thing.label, "source": "manual", "occluded": int(sight.occluded), "rle": runs}
        facts |= {"left": left, "top": top, "width": wide, "height": high, "z_order": order}
        yield opening("mask", facts) + "\n"
        yield from (f"{line}\n" for line in attribute_elements(thing))
        yield "</mask>\n"


def detect(path: Path) -> bool:
    """CVAT's XML with pictures in it."""
    if not path.is_file() or path.suffix.lower() != ".xml":
        return False
    text = beginning(path)
    return "<annotations>" in text and ("<image " in text or "<mode>annotation</mode>" in text)


FORMAT = Format(
    format_id="cvat-images",
    title="CVAT for images 1.1 (masks)",
    layout="FILE.xml",
    target="file",
    can_overlap=True,
    losses=frozenset({Loss.UNSEEN, Loss.ABSENCE, Loss.EXPRESSIONS, Loss.RATE}),
    read=read,
    write=write,
    detect=detect,
)
