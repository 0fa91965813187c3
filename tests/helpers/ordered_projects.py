"""Small projects over real little clips, and orders of them, for tests of exports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from helpers_cli import write_clip
from rvos_core.delivery.presets import PRESETS
from rvos_core.delivery.spec import NAMED_SPECS
from rvos_core.masks import encode, object_colour
from rvos_core.media import open_media
from rvos_core.orders import MATTE, Order
from rvos_core.project.edits import AddObject
from rvos_core.project.mask_edits import DrawMask
from rvos_core.project.records import ObjectRecord
from rvos_core.project.relink import take_in
from rvos_core.project.store import Project


def square(index: int, *, width: int = 64, height: int = 48, row: int = 0) -> np.ndarray:
    """(H, W) bool: what an object covers on a frame: a square that moves to the right."""
    mask = np.zeros((height, width), bool)
    side = height // 3
    left = (2 * index) % (width - side)
    mask[side * row : side * (row + 1), left : left + side] = True
    return mask


def write_project(
    folder: Path,
    *,
    frames: int = 8,
    width: int = 64,
    height: int = 48,
    names: tuple[str, ...] = ("red car", "dog"),
    masked: int | None = None,
    clip: Path | None = None,
) -> Path:
    """`p.rvos` with `street.mp4`, or `clip`; objects 1, 2, ... have a mask on the first `masked` frames (all)."""
    # A coding without loss that takes odd sizes.
    lossless = {"codec": "ffv1", "pixel_format": "yuv444p"} if width % 2 or height % 2 else {}
    if clip is None:
        name = "street.mkv" if lossless else "street.mp4"
        clip = write_clip(folder / name, frames=frames, width=width, height=height, **lossless)
    path = folder / "p.rvos"
    with Project.create(path, program="test") as project, open_media(clip) as reader:
        record = take_in(project, reader.info)
        for row, name in enumerate(names):
            thing = ObjectRecord(row + 1, record.media_id, row, name, object_colour(row))
            project.apply(AddObject(thing))
            for index in range(frames if masked is None else masked):
                project.apply(DrawMask(row + 1, index, encode(square(index, width=width, height=height, row=row))))
    return path


def matte_order(project: Path, target: Path, *names: str, **fields: object) -> Order:
    """An order of the first object, or of `object_ids`, in formats of `NAMED_SPECS`."""
    specs = tuple(NAMED_SPECS[name] for name in names)
    given: dict[str, object] = {"object_ids": (1,), **fields}
    return Order(MATTE, names[0], project, 1, target=target, specs=specs, **given)  # type: ignore[arg-type]


def preset_order(project: Path, preset: str, target: Path) -> Order:
    """The first object as a preset has it."""
    chosen = PRESETS[preset]
    beside: dict[str, Any] = {"timelines": chosen.timelines, "recipe": chosen.recipe}
    return Order(MATTE, chosen.title, project, 1, (1,), target, specs=chosen.specs, **beside)
