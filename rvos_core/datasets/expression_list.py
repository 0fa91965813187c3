"""`meta_expressions.json`: the list of videos, frames and expressions that Ref-YouTube-VOS, MeViS and others share.

    {"videos": {VIDEO: {"expressions": {ID: {"exp": TEXT, ...}}, "frames": [FRAME, ...]}}}

How an expression says which objects it means differs; the data set's own module reads that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from rvos_core.datasets.reading import bad_content, list_in, mapping_in, name_in, read_json, text_in
from rvos_core.datasets.referring import Expression, Video

# (the expression's entry, the file, where in it) -> what is meant, None where the entry does not say
ObjectsOf: TypeAlias = Callable[[Mapping[str, Any], Path, str], tuple[int, ...] | None]

FILE_NAME = "meta_expressions.json"


def read_expression_list(
    path: Path, *, images: Path, objects_of: ObjectsOf, categories: Mapping[str, Mapping[int, str]] | None = None
) -> tuple[Video, ...]:
    """The videos of the list, in its order, frames in its order.

    Args:
        path: the file.
        images: folder that holds a folder of pictures per video.
        objects_of: reads what an expression means.
        categories: video -> object id -> category, if known.

    Raises:
        UserError: naming the place in the file that is not as it should be.
    """
    listed = video_entries(path)
    if not listed:
        raise bad_content(path, "lists no videos")
    return tuple(
        _video(name, entry, path, images=images, objects_of=objects_of, categories=(categories or {}).get(name, {}))
        for name, entry in listed.items()
    )


def video_entries(path: Path) -> dict[str, Mapping[str, Any]]:
    """Video -> its entry in a file `{"videos": {...}}`. Raises: UserError: it is no such file."""
    document = mapping_in(read_json(path), path, where="the whole file")
    listed = mapping_in(document.get("videos"), path, where='"videos"')
    return {
        name_in(name, path, where='a key of "videos"'): mapping_in(entry, path, where=f'"videos"/{name}')
        for name, entry in listed.items()
    }


def _video(
    name: str,
    entry: Mapping[str, Any],
    path: Path,
    *,
    images: Path,
    objects_of: ObjectsOf,
    categories: Mapping[int, str],
) -> Video:
    where = f'"videos"/{name}'
    frames = tuple(
        name_in(frame, path, where=f"{where}/frames")
        for frame in list_in(entry.get("frames"), path, where=f"{where}/frames")
    )
    if not frames or len(set(frames)) != len(frames):
        raise bad_content(path, f"lists {'a frame twice' if frames else 'no frames'} ({where})")
    expressions = []
    for key, value in mapping_in(entry.get("expressions"), path, where=f"{where}/expressions").items():
        place = f"{where}/expressions/{key}"
        each = mapping_in(value, path, where=place)
        text = text_in(each.get("exp"), path, where=f"{place}/exp")
        expressions.append(Expression(name_in(key, path, where=place), text, objects_of(each, path, place)))
    return Video(name, frames, images / name, tuple(expressions), categories)
