"""Clips as a data set in the layout of Ref-YouTube-VOS, so that any reader of it can train or be scored on them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2

from rvos_core.files import atomic_folder, writing
from rvos_core.masks import indexed_png_bytes
from rvos_core.synthetic.clip import make_clip
from rvos_core.synthetic.config import WorldConfig
from rvos_core.synthetic.facts import SyntheticClip
from rvos_core.types import CancelToken

_OWNED = re.compile(r"meta_expressions|train|valid|world\.json")
_JPEG_QUALITY = 92


def export_dataset(
    out_dir: Path,
    seeds: Sequence[int],
    config: WorldConfig,
    *,
    folder: str = "valid",
    progress: Callable[[int, int], None] | None = None,
    cancel: CancelToken | None = None,
) -> dict[str, int]:
    """Draw clips and write them: pictures, indexed masks, expressions, categories, and what has no place in the layout.

    `out_dir` holds `FOLDER/JPEGImages/VIDEO/00000.jpg`, `FOLDER/Annotations/VIDEO/00000.png`, `FOLDER/meta.json`,
    `meta_expressions/FOLDER/meta_expressions.json`, and `world.json`: the settings, and for each video its seed, its
    weather and the sentences that mean nothing in it. An object's id is its index in the clip + 1. All or nothing: an
    old data set of this kind is replaced when the new one is complete.

    Args:
        out_dir: folder of the data set.
        seeds: one a clip.
        config: of all clips.
        folder: "train" or "valid".
        progress: told the clips done and in all.
        cancel: looked at between clips.

    Returns:
        Counts: `clips`, `frames`, `expressions`, `negatives`.

    Raises:
        UserError: if the disk refuses, or `out_dir` holds other files.
        Cancelled: if `cancel` is set; nothing is left behind.
    """
    listing: dict[str, Any] = {}
    categories: dict[str, Any] = {}
    world: dict[str, Any] = {}
    counts = {"clips": 0, "frames": 0, "expressions": 0, "negatives": 0}
    with atomic_folder(out_dir, owned=_OWNED) as part, writing(out_dir):
        for number, seed in enumerate(seeds):
            if cancel is not None:
                cancel.raise_if_cancelled()
            clip = make_clip(seed, config)
            name = f"world-{seed:012d}"
            _write_clip(part / folder, name, clip)
            entry = listing[name] = _listed(clip)
            absent = [e.text for e in clip.expressions if e.target is None]
            categories[name] = {"objects": _objects(clip, entry["frames"])}
            world[name] = {"seed": seed, "weather": clip.weather, "means_nothing": absent}
            counts["clips"] += 1
            counts["frames"] += len(clip.frames)
            counts["expressions"] += len(entry["expressions"])
            counts["negatives"] += len(absent)
            if progress is not None:
                progress(number + 1, len(seeds))
        _write_json(part / "meta_expressions" / folder / "meta_expressions.json", {"videos": listing})
        _write_json(part / folder / "meta.json", {"videos": categories})
        _write_json(part / "world.json", {"settings": vars(config), "videos": world})
    return counts


def _write_clip(folder: Path, name: str, clip: SyntheticClip) -> None:
    pictures, masks = folder / "JPEGImages" / name, folder / "Annotations" / name
    pictures.mkdir(parents=True)
    masks.mkdir(parents=True)
    for index, (frame, labels) in enumerate(zip(clip.frames, clip.labels, strict=True)):
        bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
        _, code = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        (pictures / f"{index:05d}.jpg").write_bytes(code.tobytes())
        path = masks / f"{index:05d}.png"
        path.write_bytes(indexed_png_bytes(labels, path=path))


def _listed(clip: SyntheticClip) -> dict[str, Any]:
    """A video's entry in `meta_expressions.json`: the sentences that mean an object, and the frames."""
    meant = [(e.text, e.target) for e in clip.expressions if e.target is not None]
    expressions = {str(k): {"exp": text, "obj_id": str(target + 1)} for k, (text, target) in enumerate(meant)}
    return {"expressions": expressions, "frames": [f"{index:05d}" for index in range(len(clip.frames))]}


def _objects(clip: SyntheticClip, frames: Sequence[str]) -> dict[str, Any]:
    """Category and frames of each object, by id."""
    return {
        str(value): {
            "category": facts.category,
            "frames": [frame for frame, visible in zip(frames, facts.visible, strict=True) if visible],
        }
        for value, facts in enumerate(clip.objects, start=1)
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
