"""Small projects for tests, and a project as a plain dictionary, so that two can be compared."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from rvos_core.masks import Rle, TrimapStrokes, decode, encode
from rvos_core.masks.trimap_strokes import INSIDE, OUTSIDE, UNKNOWN, UNPAINTED
from rvos_core.project.reading import ProjectReader
from rvos_core.project.records import MediaRecord, ObjectRecord
from rvos_core.project.store import Project

HEIGHT, WIDTH, FRAMES = 12, 20, 120


def clip_record(media_id: int = 1, *, frames: int = FRAMES) -> MediaRecord:
    return MediaRecord(
        media_id,
        media_id - 1,
        "video",
        Path(f"clip{media_id}.mp4"),
        Path(f"/footage/clip{media_id}.mp4"),
        1000 + media_id,
        f"identity {media_id}",
        WIDTH,
        HEIGHT,
        frames,
        Fraction(24000, 1001),
        Fraction(1, 24000),
        "h264",
    )


def thing(object_id: int, name: str = "") -> ObjectRecord:
    return ObjectRecord(object_id, 1, object_id, name or f"thing {object_id}", (10 * object_id % 256, 20, 30))


def numbered_mask(number: int) -> Rle:
    """Another mask for another number."""
    rng = np.random.default_rng(number)
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    top, left = rng.integers(0, HEIGHT - 3), rng.integers(0, WIDTH - 3)
    mask[top : top + rng.integers(1, HEIGHT - top), left : left + rng.integers(1, WIDTH - left)] = True
    return encode(mask)


def painted(number: int) -> TrimapStrokes:
    """Another painted trimap for another number."""
    labels = np.full((HEIGHT, WIDTH), UNPAINTED, dtype=np.uint8)
    for turn, label in enumerate((OUTSIDE, UNKNOWN, INSIDE)):
        labels[decode(numbered_mask(number + turn))] = label
    return TrimapStrokes.of(labels)


def small_project(path: Path, *, budget_bytes: int | None = None) -> Project:
    """A project with one clip of 120 frames and one object, number 1."""
    from rvos_core.project.edits import AddObject

    more = {} if budget_bytes is None else {"budget_bytes": budget_bytes}
    project = Project.create(path, program="test", **more)
    project.add_media(clip_record(), [1001 * index for index in range(FRAMES)])
    project.apply(AddObject(thing(1)))
    return project


def state_of(reader: ProjectReader) -> dict[tuple[Any, ...], Any]:
    """Every row that a person can see, by kind and key. Reading it checks every checksum."""
    found: dict[tuple[Any, ...], Any] = {}
    for media in reader.media():
        found["media", media.media_id] = (media, tuple(reader.pts(media.media_id).tolist()))
        found["span", media.media_id] = reader.setting(f"media:{media.media_id}", "span")
    for each in reader.objects():
        found["object", each.object_id] = each
        found["look", each.object_id] = reader.look(each.object_id)
        for expression in reader.expressions(each.object_id):
            found["expression", expression.expression_id] = expression
        for mask in reader.masks(each.object_id):
            found["mask", mask.object_id, mask.frame] = mask
        for frame, painted in reader.trimaps(each.object_id).items():
            found["trimap", each.object_id, frame] = painted
    return found


def verify_file(path: Path) -> dict[tuple[Any, ...], Any]:
    """Check structure and every checksum of a project; its state."""
    with ProjectReader(path) as reader:
        reader.check()
        return state_of(reader)
