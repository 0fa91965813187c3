"""What COCO's and YouTube-VIS's files have in common: categories, an object of one, boxes, and how ours are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rvos_core.datasets.reading import bad_content, list_in, mapping_in, whole_number_in
from rvos_core.formats.annotations import AnnotatedObject, AnnotationSet
from rvos_core.formats.content import object_entry, object_of
from rvos_core.masks.rle import Rle, bbox

INFO = {"description": "Written by RVOS Studio"}
_MAX_CATEGORIES = 100_000


def categories_in(document: Mapping[str, Any], path: Path) -> dict[int, str]:
    """Category id -> name of the list `categories`. Raises: UserError."""
    entries = list_in(document.get("categories", []), path, where='"categories"')
    if len(entries) > _MAX_CATEGORIES:
        raise bad_content(path, f"lists {len(entries)} categories")
    found = {}
    for number, each in enumerate(entries):
        where = f'"categories"[{number}]'
        entry = mapping_in(each, path, where=where)
        key = whole_number_in(entry.get("id"), path, where=f"{where}/id")
        found[key] = str(entry.get("name", key))
    return found


def category_in(entry: Mapping[str, Any], categories: Mapping[int, str], path: Path, *, where: str) -> int:
    """The id of the category that an annotation or a track has. Raises: UserError: it is not among `categories`."""
    category = whole_number_in(entry.get("category_id"), path, where=f"{where}/category_id")
    if category not in categories:
        raise bad_content(path, f"has the category {category} that it does not list ({where})")
    return category


def thing_in(
    number: int, entry: Mapping[str, Any], categories: Mapping[int, str], path: Path, *, where: str
) -> AnnotatedObject:
    """The object of an annotation or a track. `has_category`, ours: its category only stands for its name.

    Raises: UserError: it has none of the categories, or wrong types.
    """
    category = category_in(entry, categories, path, where=where)
    known = "" if entry.get("has_category") is False else categories[category]
    return object_of(number, entry, path, where=where, category=known)


def numbers_of(annotations: AnnotationSet) -> dict[tuple[str, int], int]:
    """(name of the clip, object id) -> a number that no object of another clip has, from 1."""
    pairs = ((clip.name, each.object_id) for clip in annotations.clips for each in clip.objects)
    return {pair: number for number, pair in enumerate(pairs, start=1)}


def categories_of(annotations: AnnotationSet, more: Iterable[str] = ()) -> dict[str, int]:
    """Label of an object, or one of `more` -> its category, from 1."""
    labels = {each.label for clip in annotations.clips for each in clip.objects} | set(more)
    return {label: number for number, label in enumerate(sorted(labels), start=1)}


def category_entries(category_of: Mapping[str, int]) -> list[dict[str, Any]]:
    """The list `categories`."""
    return [{"id": number, "name": label} for label, number in category_of.items()]


def thing_entry(thing: AnnotatedObject, category_of: Mapping[str, int]) -> dict[str, Any]:
    """What `thing_in` reads."""
    return {
        "category_id": category_of[thing.label],
        "object_id": thing.object_id,
        **({} if thing.category else {"has_category": False}),
        **object_entry(thing),
    }


def xywh(mask: Rle) -> list[int]:
    """COCO's box [x, y, width, height] of a mask, in pixels; zeros for an empty one."""
    x0, y0, x1, y1 = bbox(mask) or (0, 0, 0, 0)
    return [x0, y0, x1 - x0, y1 - y0]
