"""Reading what is not trusted: JSON that fits in memory, sizes, run lengths, polygons, names that stay in their folder.

The checks of JSON values are those of `rvos_core.datasets.reading`; here is what files of any origin need beside.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any, cast

from rvos_core.datasets.coco import CocoImage, segmentation_mask
from rvos_core.datasets.reading import bad_content, list_in, mapping_in, name_in, read_json, text_in, whole_number_in
from rvos_core.errors import UserError
from rvos_core.formats.annotations import AnnotatedObject, Expression, Kind, default_name
from rvos_core.masks.rle import Rle, encode, from_coco

MAX_PIXELS = 50_000_000
MAX_FRAMES = 1_000_000
MAX_OBJECTS = 100_000
MAX_VERTICES = 1_000_000
_HARMLESS_BYTES = 4 * 2**20
_ROOMY_BYTES = 160 * 2**20
_MAX_GROWTH = 12  # a file's values in memory against its size; run lengths and sentences stay below 6
_CHUNK = 2**20


def require_file(path: Path) -> None:
    """Raises: UserError: nothing is there, or a folder, a pipe or a device, which might never end."""
    if not path.is_file():
        what = "is no file" if path.exists() else "is not there"
        raise UserError(f"{path} {what}.", hint="Check the name.", code="formats.missing")


def load_json(path: Path) -> Any:
    """The value of a JSON file. Raises: UserError: unreadable, no JSON, or made to fill the memory."""
    refuse_bomb(path)
    return read_json(path)


def refuse_bomb(path: Path) -> None:
    """Raises: UserError: a JSON file is not there, or its values would take far more memory than the file has bytes."""
    require_file(path)
    size = path.stat().st_size
    if size > _HARMLESS_BYTES:
        with path.open("rb") as file:
            needed = sum(_needed_bytes(chunk) for chunk in iter(lambda: file.read(_CHUNK), b""))
        _refuse_needed(needed, size, path)


def refuse_needing(content: bytes, path: Path) -> None:
    """The same for a part of a file. Raises: UserError."""
    if len(content) > _HARMLESS_BYTES:
        _refuse_needed(_needed_bytes(content), len(content), path)


def _refuse_needed(needed: int, size: int, path: Path) -> None:
    if needed > max(_ROOMY_BYTES, size * _MAX_GROWTH):
        raise bad_content(path, f"holds so many tiny values that it would take {needed / 1e6:,.0f} MB of memory")


def _needed_bytes(content: bytes) -> int:
    """About what the values take in memory: 64 bytes an object, 56 a list, 60 a text, 8 a place in a list."""
    count = content.count
    return 64 * count(b"{") + 56 * count(b"[") + 30 * count(b'"') + 8 * count(b",")


def document_in(path: Path) -> Mapping[str, Any]:
    """The JSON object that is the whole file. Raises: UserError."""
    return mapping_in(load_json(path), path, where="the whole file")


def size_in(width: Any, height: Any, path: Path, *, where: str) -> tuple[int, int]:
    """(width, height) of a clip or picture. Raises: UserError: no numbers, zero, or more than 50 megapixels."""
    w = whole_number_in(width, path, where=f"{where}/width")
    h = whole_number_in(height, path, where=f"{where}/height")
    if not w or not h or w * h > MAX_PIXELS:
        raise bad_content(path, f"claims a picture of {w}x{h} pixels ({where})")
    return w, h


def rle_in(value: Any, path: Path, *, where: str, size: tuple[int, int] | None = None) -> Rle:
    """COCO run lengths, of `size` (width, height) if given. Raises: UserError: damaged, too large, another size."""
    try:
        mask = from_coco(mapping_in(value, path, where=where))
    except UserError as error:
        if error.code != "masks.bad_rle":
            raise
        raise bad_content(path, f"has a damaged mask ({where}): {error.message.rstrip('.')}") from error
    size_in(mask.width, mask.height, path, where=where)
    if size is not None and (mask.width, mask.height) != size:
        raise bad_content(
            path, f"has a mask of {mask.width}x{mask.height} where {size[0]}x{size[1]} is expected ({where})"
        )
    return mask


def segmentation_in(value: Any, path: Path, *, where: str, size: tuple[int, int]) -> Rle:
    """A mask from run lengths or COCO's polygons [[x, y, x, y, ...], ...]. Raises: UserError."""
    if isinstance(value, Mapping):
        return rle_in(value, path, where=where, size=size)
    width, height = size
    limit = 4 * max(width, height)
    vertices = 0
    for polygon in list_in(value, path, where=where):
        numbers = list_in(polygon, path, where=where)
        vertices += len(numbers) // 2
        if len(numbers) % 2 or len(numbers) < 6 or vertices > MAX_VERTICES:
            raise bad_content(path, f"has a polygon of {len(numbers) / 2:g} points ({where})")
        for number in numbers:
            number_in(number, path, where=where, limit=limit)
    image = CocoImage(0, "", height, width, ())
    return encode(segmentation_mask(value, image, path=path, where=where))


def number_in(value: Any, path: Path, *, where: str, limit: float = 1e9) -> float:
    """A finite number of at most `limit`, text or not. Raises: UserError."""
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not abs(number) <= limit:  # NaN too
        raise bad_content(path, f"has {value!r:.40} where a number up to {limit:g} is expected ({where})")
    return number


def rate_in(value: Any, path: Path, *, where: str) -> Fraction | None:
    """Frames a second: a number, `24`, `24000/1001`; None where there is none. Raises: UserError."""
    if value is None or value == "":
        return None
    try:
        rate = Fraction(str(value)) if len(str(value)) < 40 else Fraction(0)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= 1000:
        raise bad_content(path, f"has {value!r:.40} where a frame rate is expected ({where})")
    return rate


def path_in(value: Any, path: Path, *, where: str) -> tuple[str, ...]:
    """The parts of a relative path `CLIP/FRAME.jpg` that stays below its root. Raises: UserError: it leads out."""
    text = text_in(value, path, where=where).replace("\\", "/")
    parts = tuple(part for part in PurePosixPath(text).parts if part != ".")
    if not parts or text.startswith("/"):
        raise bad_content(path, f"has {text!r:.60} where a path below its folder is expected ({where})")
    return tuple(name_in(part, path, where=where) for part in parts)


def count_in(value: Any, path: Path, *, where: str, limit: int = MAX_FRAMES) -> int:
    """A whole number up to `limit`. Raises: UserError."""
    number = whole_number_in(value, path, where=where)
    if number > limit:
        raise bad_content(path, f"has {number} where at most {limit} is possible ({where})")
    return number


def stem(name: str) -> str:
    """A file's name without its suffix."""
    return PurePosixPath(name).stem


def object_entry(thing: AnnotatedObject) -> dict[str, object]:
    """Name and attributes where they say more than category and number do: keys that other readers pass over."""
    found: dict[str, object] = {}
    if thing.name and thing.name != (thing.category or default_name(thing.object_id)):
        found["name"] = thing.name
    if thing.attributes:
        found["attributes"] = dict(thing.attributes)
    return found


def object_of(object_id: int, entry: Mapping[str, Any], path: Path, *, where: str, category: str) -> AnnotatedObject:
    """The object that `object_entry` and a category make. Raises: UserError."""
    attributes = {
        key: text_in(value, path, where=f"{where}/attributes")
        for key, value in mapping_in(entry.get("attributes") or {}, path, where=f"{where}/attributes").items()
    }
    name = text_in(entry.get("name") or category or default_name(object_id), path, where=f"{where}/name")
    return AnnotatedObject(object_id, name, category, attributes)


def expression_entry(each: Expression) -> dict[str, object]:
    """What the data sets' own readers pass over: kind, annotator, polarity, where they are not the usual."""
    found: dict[str, object] = {}
    if each.kind != "full_video":
        found["kind"] = each.kind
    if each.annotator:
        found["annotator"] = each.annotator
    if not each.positive:
        found["positive"] = False
    return found


def expression_of(
    expression_id: str, text: str, object_ids: tuple[int, ...] | None, entry: Mapping[str, Any], path: Path
) -> Expression:
    """The sentence that `expression_entry` belongs to. Raises: UserError: an unknown kind, wrong types."""
    where = f"expression {expression_id}"
    kind = entry.get("kind", "full_video")
    positive = entry.get("positive", True)
    if kind not in ("first_frame", "full_video") or not isinstance(positive, bool):
        raise bad_content(
            path, f"has {kind!r:.40}, {positive!r:.40} where a kind and a polarity are expected ({where})"
        )
    annotator = text_in(entry.get("annotator", ""), path, where=where)
    return Expression(expression_id, text, object_ids, cast(Kind, kind), annotator, positive)
