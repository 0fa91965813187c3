"""Ref-YouTube-VOS (Seo et al., "URVOS", ECCV 2020) as it is published.

    meta_expressions/{train,valid,test}/meta_expressions.json
    {train,valid}/JPEGImages/VIDEO/FRAME.jpg
    train/Annotations/VIDEO/FRAME.png       indexed; those of `valid` are kept by the benchmark's server
    {train,valid}/meta.json                 categories of the objects

The published `valid` list holds the videos of `test` too; those are left out, which leaves 202. A data set of one's own
in this layout may have `valid/Annotations` and `obj_id` in its list; then it can be scored here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rvos_core.datasets.expression_list import FILE_NAME, read_expression_list, video_entries
from rvos_core.datasets.reading import bad_content, mapping_in, require_pieces, text_in, whole_number_in
from rvos_core.datasets.referring import IndexedTruth, ReferringDataset, Video

NAME = "ref-youtube-vos"


def expressions_path(root: Path, split: str) -> Path:
    """Where the list of a split's videos and expressions lies."""
    return root / "meta_expressions" / split / FILE_NAME


def read_refytvos(root: Path, *, split: str = "valid", expressions: Path | None = None) -> ReferringDataset:
    """Read one split.

    Args:
        root: folder that holds `meta_expressions` and the splits.
        split: train, valid or test.
        expressions: another list for the same videos, for instance the unrelated pairs of R2-VOS; default: the split's.

    Raises:
        UserError: naming what is missing, or the file and the place in it that is not as published.
    """
    path = expressions or expressions_path(root, split)
    require_pieces(root, [path, root / split], of=f"Ref-YouTube-VOS with the split {split}")
    categories = read_categories(root / split / "meta.json")
    videos = read_videos(path, images=root / split / "JPEGImages", categories=categories)
    notes: tuple[str, ...] = ()
    if split == "valid" and expressions is None:
        videos, notes = _without_test(root, videos)
    annotations = root / split / "Annotations"
    seen = read_categories(root / "train" / "meta.json")
    return ReferringDataset(
        name=NAME,
        root=root,
        split=split,
        videos=videos,
        truth=IndexedTruth(annotations) if annotations.is_dir() else None,
        truth_at=annotations,
        notes=notes,
        seen_categories=frozenset(name for each in seen.values() for name in each.values()) or None,
    )


def read_videos(path: Path, *, images: Path, categories: Mapping[str, Mapping[int, str]]) -> tuple[Video, ...]:
    """The videos of one `meta_expressions.json`, frames sorted. Raises: UserError: it is not as published."""
    videos = read_expression_list(path, images=images, objects_of=_objects_of, categories=categories)
    return tuple(replace(video, frames=tuple(sorted(video.frames))) for video in videos)


def read_categories(path: Path) -> dict[str, dict[int, str]]:
    """Video -> object id -> category from `meta.json`; empty where there is no such file. Raises: UserError."""
    if not path.exists():
        return {}
    return {name: _categories_of(entry, path, where=f'"videos"/{name}') for name, entry in video_entries(path).items()}


def _categories_of(entry: Mapping[str, Any], path: Path, *, where: str) -> dict[int, str]:
    objects = mapping_in(entry.get("objects", {}), path, where=f"{where}/objects")
    found = {}
    for key, each in objects.items():
        place = f"{where}/objects/{key}"
        category = mapping_in(each, path, where=place).get("category")
        if category is not None:
            found[whole_number_in(key, path, where=place)] = text_in(category, path, where=f"{place}/category")
    return found


def _objects_of(entry: Mapping[str, Any], path: Path, where: str) -> tuple[int, ...] | None:
    meant = entry.get("obj_id")
    return None if meant is None else (whole_number_in(meant, path, where=f"{where}/obj_id"),)


def _without_test(root: Path, videos: tuple[Video, ...]) -> tuple[tuple[Video, ...], tuple[str, ...]]:
    path = expressions_path(root, "test")
    if not path.exists():
        return videos, (f"{path} is not there: all {len(videos)} videos of the valid list are taken.",)
    test = video_entries(path)
    kept = tuple(video for video in videos if video.name not in test)
    if not kept:
        raise bad_content(path, "lists every video of the valid list, so that none is left")
    return kept, ()
