"""COCO (Lin et al., ECCV 2014): pictures with the masks of their objects.

annotations/instances_{train,val}2017.json
{train,val}2017/PICTURE.jpg
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rvos_core.datasets.reading import (
    bad_content,
    list_in,
    mapping_in,
    name_in,
    read_json,
    require_pieces,
    whole_number_in,
)
from rvos_core.masks.rle import decode, from_coco


@dataclass(frozen=True)
class CocoObject:
    """One annotation.

    Attributes:
        segmentation: as in the file: polygons, or run lengths.
        category: index among the file's categories in order of their ids.
    """

    annotation_id: int
    segmentation: Any
    category: int


@dataclass(frozen=True)
class CocoImage:
    """One picture with its objects, crowds left out."""

    image_id: int
    file_name: str
    height: int
    width: int
    objects: tuple[CocoObject, ...]


@dataclass(frozen=True)
class CocoInstances:
    """One annotation file. `categories`: names in order of their ids."""

    path: Path
    images: tuple[CocoImage, ...]
    categories: tuple[str, ...]

    def mask(self, image: CocoImage, thing: CocoObject) -> np.ndarray:
        """(H, W) bool. Raises: UserError: the segmentation is damaged."""
        return segmentation_mask(thing.segmentation, image, path=self.path, where=f"annotation {thing.annotation_id}")


def read_coco(root: Path, *, split: str = "train2017") -> tuple[CocoInstances, Path]:
    """The pictures of a split that have objects, and their folder. Raises: UserError: what is missing or damaged."""
    path = root / "annotations" / f"instances_{split}.json"
    require_pieces(root, [path, root / split], of="COCO")
    return read_instances(path), root / split


def read_instances(path: Path) -> CocoInstances:
    """An annotation file in COCO's form; pictures without objects are left out. Raises: UserError."""
    document = mapping_in(read_json(path), path, where="the whole file")
    names = {}
    for number, value in enumerate(list_in(document.get("categories"), path, where='"categories"')):
        entry = mapping_in(value, path, where=f'"categories"[{number}]')
        category = whole_number_in(entry.get("id"), path, where=f'"categories"[{number}]/id')
        names[category] = str(entry.get("name", category))
    order = {category: index for index, category in enumerate(sorted(names))}
    objects: dict[int, list[CocoObject]] = {}
    for number, value in enumerate(list_in(document.get("annotations"), path, where='"annotations"')):
        where = f'"annotations"[{number}]'
        entry = mapping_in(value, path, where=where)
        if entry.get("iscrowd"):
            continue
        category = whole_number_in(entry.get("category_id"), path, where=f"{where}/category_id")
        if category not in order:
            raise bad_content(path, f"has the category {category} that it does not list ({where})")
        image_id = whole_number_in(entry.get("image_id"), path, where=f"{where}/image_id")
        annotation = whole_number_in(entry.get("id"), path, where=f"{where}/id")
        objects.setdefault(image_id, []).append(CocoObject(annotation, entry.get("segmentation"), order[category]))
    images = []
    for number, value in enumerate(list_in(document.get("images"), path, where='"images"')):
        image = _image(mapping_in(value, path, where=f'"images"[{number}]'), path, f'"images"[{number}]')
        if image.image_id in objects:
            things = tuple(objects[image.image_id])
            images.append(CocoImage(image.image_id, image.file_name, image.height, image.width, things))
    if not images:
        raise bad_content(path, "lists no picture with an object")
    return CocoInstances(path, tuple(images), tuple(names[category] for category in sorted(names)))


def segmentation_mask(value: Any, image: CocoImage, *, path: Path, where: str) -> np.ndarray:
    """(H, W) bool of polygons or run lengths, as COCO's own tools draw them. Raises: UserError: it is neither."""
    if isinstance(value, Mapping) and isinstance(value.get("counts"), str | bytes):
        return _sized(decode(from_coco(value)), image, path=path, where=where)
    from pycocotools import mask as coco

    try:
        shapes = value if isinstance(value, list) else [value]
        drawn = coco.frPyObjects(shapes, image.height, image.width)
        found = coco.decode(coco.merge(drawn))
    except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
        raise bad_content(path, f"has a damaged mask ({where})") from error
    return _sized(np.asarray(found, dtype=bool), image, path=path, where=where)


def _sized(mask: np.ndarray, image: CocoImage, *, path: Path, where: str) -> np.ndarray:
    if mask.shape != (image.height, image.width):
        raise bad_content(path, f"has a mask of another size than its picture ({where})")
    return mask


def _image(entry: Mapping[str, Any], path: Path, where: str) -> CocoImage:
    image_id, height, width = (
        whole_number_in(entry.get(key), path, where=f"{where}/{key}") for key in ("id", "height", "width")
    )
    if not height or not width:
        raise bad_content(path, f"has a picture without a size ({where})")
    file_name = name_in(entry.get("file_name"), path, where=f"{where}/file_name")
    return CocoImage(image_id, file_name, height, width, ())
