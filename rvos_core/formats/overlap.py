"""Objects that share pixels, and formats that have room for one object a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rvos_core.errors import UserError
from rvos_core.formats.annotations import AnnotatedClip, AnnotatedObject, AnnotationSet, Sights
from rvos_core.masks.rle import area, decode, intersection_area, union
from rvos_core.types import CancelToken


@dataclass(frozen=True)
class Shared:
    """Two objects of a frame that share pixels."""

    clip: str
    frame: str
    first: int
    second: int
    pixels: int


def first_shared(annotations: AnnotationSet, *, cancel: CancelToken | None = None) -> Shared | None:
    """The first frame of a set where two objects share pixels, or None. Raises: Cancelled."""
    for clip in annotations.clips:
        if len(clip.objects) < 2:
            continue
        for index, name in enumerate(clip.frames):
            if cancel is not None:
                cancel.raise_if_cancelled()
            found = shared_in(clip.name, name, clip.sights(index))
            if found is not None:
                return found
    return None


def shared_in(clip: str, frame: str, sights: Sights) -> Shared | None:
    """The first pair of objects in one frame that share pixels, or None."""
    covered = None
    for number, (object_id, sight) in enumerate(sights.items()):
        if not area(sight.mask):
            continue
        if covered is not None and intersection_area(covered, sight.mask):
            for other in list(sights)[:number]:
                pixels = intersection_area(sights[other].mask, sight.mask)
                if pixels:
                    return Shared(clip, frame, other, object_id, pixels)
        covered = sight.mask if covered is None else union(covered, sight.mask)
    return None


def refuse_shared(found: Shared, *, title: str, can_split: bool) -> UserError:
    """The error that asks for the choice, before anything is written."""
    split = ", or --overlap files to write a file per object" if can_split else ""
    return UserError(
        f"{title} has room for one object a pixel; on frame {found.frame} of {found.clip} objects {found.first} and "
        f"{found.second} share {found.pixels} pixels.",
        hint=f"Choose --overlap order to put the last object of the list on top, as the window shows it{split}.",
        code="formats.overlap",
    )


def painted(clip: AnnotatedClip, sights: Sights, *, kind: type = np.uint8) -> np.ndarray:
    """(H, W) object ids, 0 for none; where objects share a pixel, the last of the clip's list is on top."""
    labels: np.ndarray = np.zeros((clip.height, clip.width), dtype=kind)
    for thing in clip.objects:
        if thing.object_id in sights:
            labels[decode(sights[thing.object_id].mask)] = thing.object_id
    return labels


def require_ids_below(objects: Sequence[AnnotatedObject], limit: int, *, title: str, clip: str) -> None:
    """Raises: UserError: an object's number is above `limit`."""
    over = next((each for each in objects if not 1 <= each.object_id <= limit), None)
    if over is not None:
        raise UserError(
            f"{title} cannot hold object {over.object_id} of {clip}: its numbers go from 1 to {limit}.",
            hint="Export fewer objects, or choose a format without that limit (YouTube-VIS, MeViS, COCO).",
            code="formats.too_many_objects",
        )
