"""CVAT for video 1.1: one XML file a clip, tracks of polygons with a keyframe on every frame.

    <track id label source group_id>
      <polygon frame keyframe="1" outside="0|1" occluded="0|1" points="x,y;x,y;..." z_order>
        <attribute name="object_id">3</attribute>

A track has one outline a frame: an object of several parts is several tracks with one `object_id` and `group_id`, and
holes are filled. Out of sight is a keyframe with outside="1". Frames are counted in the
video, `start_frame` to `stop_frame`. Between keyframes a read outline stays as it is: CVAT
interpolates there, which is not done here and is said. The size is `original_size`, the rate is not in the file.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from rvos_core.datasets.reading import bad_content, name_in
from rvos_core.errors import UserError
from rvos_core.formats.annotations import AnnotatedClip, AnnotatedObject, AnnotationSet, Sight, Sights
from rvos_core.formats.content import MAX_FRAMES, MAX_OBJECTS, count_in, size_in
from rvos_core.formats.cvat_xml import (
    attribute_elements,
    labels_meta,
    object_in,
    opening,
    points_in,
    points_text,
)
from rvos_core.formats.folders import text_in_part, writing_folder
from rvos_core.formats.format import Format, Loss, ReadOptions, Walk, WriteOptions, Written
from rvos_core.formats.polygons import filled, outlines
from rvos_core.formats.sniffing import beginning
from rvos_core.formats.xml_reading import Element, elements
from rvos_core.masks.rle import decode, empty, encode, union

_Shape: TypeAlias = tuple[np.ndarray | None, bool]


def read(source: Path, options: ReadOptions) -> AnnotationSet:
    """Args: source: a file, or a folder of them. Raises: UserError, Cancelled."""
    files = [source] if source.is_file() else sorted(source.glob("*.xml"))
    if not files:
        raise UserError(f"{source} has no .xml file.", hint="Give CVAT's annotations.xml.", code="formats.incomplete")
    clips, notes = [], []
    for number, path in enumerate(files, start=1):
        clip, held = _clip(path, options)
        clips.append(clip)
        if held:
            notes.append(f"{clip.name}: between keyframes {held} outlines stay as they are; CVAT would interpolate.")
        options.step(number, len(files))
    return AnnotationSet(tuple(clips), tuple(notes))


@dataclass(frozen=True)
class _Track:
    """One outline through the clip. `shapes`: frame -> outline (None: out of sight) and whether it is occluded."""

    object_id: int
    frames: tuple[int, ...]
    shapes: dict[int, _Shape]

    def at(self, frame: int) -> _Shape | None:
        """That of the keyframe before, which holds until the next; None before the first and after an end."""
        place = bisect_right(self.frames, frame)
        if not place:
            return None
        key = self.frames[place - 1]
        shape = self.shapes[key]
        return shape if shape[0] is not None or key == frame else None

    def held(self, count: int) -> int:
        """Frames without a keyframe of their own."""
        ends = (*self.frames[1:], count)
        gaps = zip(self.frames, ends, strict=True)
        return sum(max(0, end - here - 1) for here, end in gaps if self.shapes[here][0] is not None)


def _clip(path: Path, options: ReadOptions) -> tuple[AnnotatedClip, int]:
    task: Element | None = None
    objects: dict[int, AnnotatedObject] = {}
    tracks: list[_Track] = []
    for element in elements(path, ("meta", "track")):
        if element.tag == "meta":
            task = next(iter(element.children), None)
            continue
        options.step(len(tracks), len(tracks) + 1)
        where = f"track {element.attributes.get('id', '?')}"
        shapes = element.all("polygon")
        if not shapes:  # boxes and points have no mask
            continue
        carrier = shapes[0] if shapes[0].all("attribute") else element
        thing = object_in(carrier, element.attributes.get("label", ""), objects, path, where)
        objects.setdefault(thing.object_id, thing)
        if len(tracks) > MAX_OBJECTS:
            raise bad_content(path, f"has more than {MAX_OBJECTS} tracks")
        keyed = _keyframes(shapes, path, where)
        tracks.append(_Track(thing.object_id, tuple(sorted(keyed)), keyed))
    if task is None:
        raise bad_content(path, "has no <meta> with the size of its video")
    size_of = task.first("original_size") or task
    width, height = size_in(size_of.value("width"), size_of.value("height"), path, where="original_size")
    last = max((track.frames[-1] for track in tracks), default=-1)
    size = count_in(task.value("size") or str(last + 1), path, where="size")
    stop = count_in(task.value("stop_frame"), path, where="stop_frame") if task.value("stop_frame") else -1
    count = max(size, stop + 1, last + 1)

    def sights(index: int) -> Sights:
        """The masks of one frame, by object."""
        found: dict[int, list[_Shape]] = {}
        for track in tracks:
            shape = track.at(index)
            if shape is not None:
                found.setdefault(track.object_id, []).append(shape)
        return {object_id: _sight(shapes, width, height) for object_id, shapes in found.items()}

    name = name_in(task.value("name") or path.stem, path, where="name")
    frames = tuple(f"{index:05d}" for index in range(count))
    ordered = tuple(sorted(objects.values(), key=lambda each: each.object_id))
    clip = AnnotatedClip(name, width, height, frames, ordered, sights)
    return clip, sum(track.held(count) for track in tracks)


def _keyframes(shapes: list[Element], path: Path, where: str) -> dict[int, _Shape]:
    found: dict[int, _Shape] = {}
    for shape in shapes:
        frame = count_in(shape.attributes.get("frame"), path, where=f"{where}/frame", limit=MAX_FRAMES - 1)
        outside = shape.attributes.get("outside") == "1"
        points = None if outside else points_in(shape.attributes.get("points", ""), path, where)
        found[frame] = (points, shape.attributes.get("occluded") == "1")
    return found


def _sight(shapes: list[_Shape], width: int, height: int) -> Sight:
    mask = empty(height, width)
    for points, _ in shapes:
        if points is not None:
            mask = union(mask, encode(filled([points], height=height, width=width)))
    return Sight(mask, any(occluded for points, occluded in shapes if points is not None))


def write(annotations: AnnotationSet, target: Path, options: WriteOptions) -> Written:
    """A folder with a file a clip. Raises: UserError: the disk refuses; Cancelled."""
    walk = Walk(annotations, options)
    names = [re.escape(f"{clip.name}.xml") for clip in annotations.clips]
    with writing_folder(target, options, *names) as part:
        for clip in annotations.clips:
            with text_in_part(part / f"{clip.name}.xml") as part_file:
                part_file.writelines(_file(clip, walk))
    return Written(target, len(names))


def _file(clip: AnnotatedClip, walk: Walk) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n'
    only = AnnotationSet((clip,))
    meta = "".join(labels_meta(only, name=clip.name, mode="interpolation", size=len(clip.frames)))
    span = f"<start_frame>{clip.first}</start_frame><stop_frame>{clip.number(len(clip.frames) - 1)}</stop_frame>"
    size = f"<original_size><width>{clip.width}</width><height>{clip.height}</height></original_size>"
    yield meta.replace("</task></meta>", f"{span if clip.frames else ''}{size}</task></meta>")
    number = 0
    for object_id, seen in walk.by_object(clip).items():
        thing = next(each for each in clip.objects if each.object_id == object_id)
        parts = {index: outlines(decode(sights[object_id].mask)) for index, sights in seen}
        hidden = {index: sights[object_id].occluded for index, sights in seen}
        for place in range(max([1, *map(len, parts.values())]) if parts else 0):
            facts = {"id": number, "label": thing.label, "source": "manual", "group_id": object_id}
            yield opening("track", facts) + "\n"
            yield from _polygons(clip, thing, parts, hidden, place)
            yield "</track>\n"
            number += 1
    yield "</annotations>\n"


def _polygons(
    clip: AnnotatedClip,
    thing: AnnotatedObject,
    parts: dict[int, list[np.ndarray]],
    hidden: dict[int, bool],
    place: int,
) -> Iterator[str]:
    """Part `place` of an object through the clip: a keyframe where it is, and one where it ends."""
    points, there = "0.00,0.00;0.00,0.00;0.00,0.00", False
    order = 1 + clip.objects.index(thing)  # the last of the list is on top
    for frame in range(len(clip.frames)):
        found = parts.get(frame, [])
        here = place < len(found)
        if not here and not there and not (frame in parts and place == 0):
            continue
        if here:
            points = points_text(found[place])
        facts = {"frame": clip.number(frame), "keyframe": 1, "outside": int(not here)}
        facts |= {"occluded": int(hidden.get(frame, False))}
        yield opening("polygon", facts | {"points": points, "z_order": order}) + "\n"
        yield from (f"{line}\n" for line in attribute_elements(thing))
        yield "</polygon>\n"
        there = here


def detect(path: Path) -> bool:
    """CVAT's XML with tracks, or a folder of nothing else."""
    if path.is_dir():
        inside = [each for each in path.iterdir() if not each.name.startswith(".")]
        return (
            bool(inside)
            and all(detect(each) for each in inside if each.is_file())
            and not any(each.is_dir() for each in inside)
        )
    if path.suffix.lower() != ".xml":
        return False
    text = beginning(path)
    return "<annotations>" in text and ("<track " in text or "<mode>interpolation</mode>" in text)


FORMAT = Format(
    format_id="cvat-video",
    title="CVAT for video 1.1 (polygons)",
    layout="CLIP.xml",
    target="folder",
    can_overlap=True,
    losses=frozenset({Loss.HOLES, Loss.UNSEEN, Loss.ABSENCE, Loss.EXPRESSIONS, Loss.RATE, Loss.FRAME_NAMES}),
    read=read,
    write=write,
    detect=detect,
)
