"""Shapes of labelme, as its files of single pictures and ours of whole clips have them.

    {label, points, group_id, description, shape_type, flags, mask}

A mask is a PNG in base64 with the two corners of its box, both inside it. `group_id` is the object's number; `name`,
`attributes` and `occluded` are keys of our own that labelme keeps. Polygons, rectangles and circles are read.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rvos_core.datasets.reading import bad_content, list_in, mapping_in, text_in, whole_number_in
from rvos_core.formats.annotations import AnnotatedClip, AnnotatedObject, Sight, Sights
from rvos_core.formats.content import MAX_OBJECTS, MAX_VERTICES, number_in, object_entry, object_of
from rvos_core.formats.polygons import filled
from rvos_core.masks.png import mask_png_bytes, png_pixels
from rvos_core.masks.rle import area, bbox, decode, encode, union

_CIRCLE_STEPS = 64


def shapes_of(clip: AnnotatedClip, sights: Sights) -> Iterator[dict[str, Any]]:
    """The shapes of one frame, in the order of the clip's list."""
    for thing in clip.objects:
        sight = sights.get(thing.object_id)
        box = None if sight is None else bbox(sight.mask)
        if sight is None or box is None:
            continue
        x0, y0, x1, y1 = box
        crop = decode(sight.mask)[y0:y1, x0:x1]
        yield {
            "label": thing.label,
            "points": [[float(x0), float(y0)], [float(x1 - 1), float(y1 - 1)]],
            "group_id": thing.object_id,
            "description": "",
            "shape_type": "mask",
            "flags": {},
            "mask": base64.b64encode(mask_png_bytes(crop)).decode("ascii"),
            **({} if thing.category else {"has_category": False}),
            **object_entry(thing),
            **({"occluded": True} if sight.occluded else {}),
        }


def sights_in(
    shapes: Any, path: Path, *, where: str, size: tuple[int, int], objects: dict[int, AnnotatedObject]
) -> Sights:
    """The masks of one frame's shapes; objects that are new are added to `objects`. Raises: UserError."""
    found: dict[int, Sight] = {}
    for number, value in enumerate(list_in(shapes, path, where=where)):
        place = f"{where}[{number}]"
        shape = mapping_in(value, path, where=place)
        mask = _mask(shape, path, place, size)
        if mask is None:
            continue
        object_id = _object(shape, path, place, objects)
        rle = encode(mask)
        if object_id in found:
            rle = union(found[object_id].mask, rle)
        if area(rle):
            found[object_id] = Sight(rle, shape.get("occluded") is True)
    return found


def _object(shape: Mapping[str, Any], path: Path, where: str, objects: dict[int, AnnotatedObject]) -> int:
    label = text_in(shape.get("label"), path, where=f"{where}/label")
    group = shape.get("group_id")
    if group is None:  # labelme's own files: the label is all that is known
        object_id = next((key for key, each in objects.items() if each.category == label), max(objects, default=0) + 1)
    else:
        object_id = whole_number_in(group, path, where=f"{where}/group_id")
    if object_id not in objects:
        category = "" if shape.get("has_category") is False else label
        if len(objects) >= MAX_OBJECTS:
            raise bad_content(path, f"has more than {MAX_OBJECTS} objects ({where})")
        objects[object_id] = object_of(object_id, shape, path, where=where, category=category)
    return object_id


def _mask(shape: Mapping[str, Any], path: Path, where: str, size: tuple[int, int]) -> np.ndarray | None:
    """(H, W) bool; None for shapes without an inside (points, lines)."""
    width, height = size
    kind = shape.get("shape_type") or "polygon"
    points = _points(shape.get("points"), path, where)
    if kind == "mask":
        return _pasted(text_in(shape.get("mask"), path, where=f"{where}/mask"), points, path, where, size)
    if kind == "rectangle" and len(points) == 2:
        (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
        points = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    elif kind == "circle" and len(points) == 2:
        radius = float(np.hypot(*(points[1] - points[0])))
        turns = np.linspace(0, 2 * math.pi, _CIRCLE_STEPS, endpoint=False)
        points = points[0] + radius * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    elif kind != "polygon":
        return None
    if len(points) < 3:
        raise bad_content(path, f"has a polygon of {len(points)} points ({where})")
    return filled([points], height=height, width=width)


def _points(value: Any, path: Path, where: str) -> np.ndarray:
    pairs = list_in(value, path, where=f"{where}/points")
    if len(pairs) > MAX_VERTICES:
        raise bad_content(path, f"has a polygon of {len(pairs)} points ({where})")
    found = []
    for each in pairs:
        pair = list_in(each, path, where=f"{where}/points")
        if len(pair) != 2:
            raise bad_content(path, f"has a point of {len(pair)} numbers ({where})")
        found.append([number_in(number, path, where=f"{where}/points") for number in pair])
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def _pasted(text: str, points: np.ndarray, path: Path, where: str, size: tuple[int, int]) -> np.ndarray:
    width, height = size
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise bad_content(path, f"has a mask that is not base64 ({where})") from None
    if len(points) != 2:
        raise bad_content(path, f"has a mask without the two corners of its box ({where})")
    (x0, y0), (x1, y1) = np.floor(points.min(axis=0)).astype(int), np.floor(points.max(axis=0)).astype(int)
    if x0 < 0 or y0 < 0 or x1 >= width or y1 >= height:
        raise bad_content(path, f"has a mask that reaches beyond its picture ({where})")
    crop = png_pixels(content, path=path, size=(int(y1 - y0 + 1), int(x1 - x0 + 1))) != 0
    mask = np.zeros((height, width), dtype=bool)
    mask[y0 : y1 + 1, x0 : x1 + 1] = crop
    return mask
