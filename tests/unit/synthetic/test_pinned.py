"""The street world keeps its bytes: the bundled weights, the demo clip and the published figures came from them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple, fields, replace
from pathlib import Path

import numpy as np
import pytest

from rvos_core.synthetic import SyntheticClip, make_clip, split_config, vocabulary
from rvos_core.synthetic.demo import CONFIG, demo_scene, render_scene

GOLDEN = Path(__file__).parents[2] / "golden" / "street_world.json"
SEEDS = {
    "train": ((1 << 40) + 5, (1 << 40) + 123_456),
    "val": (30_000, 30_101),
    "test": (20_000, 20_199),
    "test-unseen": (40_000, 40_150),
}
IN_TRAINING = {"96x160": {"height": 96, "width": 160, "frames": 1, "min_objects": 2, "max_objects": 6},
               "128x224": {"height": 128, "width": 224, "frames": 3, "min_objects": 3, "max_objects": 6}}  # fmt: skip


def content_hash(clip: SyntheticClip) -> str:
    """Of pixels, labels, weather, sentences with what they say, and every fact."""
    content = hashlib.sha256(clip.frames.tobytes() + clip.labels.tobytes() + clip.weather.encode())
    said = [(e.text, e.target, astuple(e.slots)) for e in clip.expressions]
    content.update(json.dumps(said).encode())
    for facts in clip.objects:
        for value in (*vars(facts).values(), *(vars(facts.track).values() if facts.track else ())):
            if isinstance(value, np.ndarray):
                content.update(np.ascontiguousarray(value).tobytes())
            elif value is not facts.track:
                content.update(repr(value).encode())
    return content.hexdigest()


def demo_hash() -> str:
    scene = demo_scene()
    short = replace(
        scene,
        times=scene.times[:2],
        camera=replace(scene.camera, **{f.name: getattr(scene.camera, f.name)[:2] for f in fields(scene.camera)[:3]}),
    )
    drawn = render_scene(short, np.random.Generator(np.random.PCG64(5)), replace(CONFIG, frames=2))
    return hashlib.sha256(drawn.frames.tobytes() + drawn.labels.tobytes()).hexdigest()


def digests() -> dict[str, str]:
    """What the golden file holds: `json.dumps` of this, made anew only when the world is meant to change."""
    found = {
        f"{split} {seed}": content_hash(make_clip(seed, split_config(split)))
        for split, seeds in SEEDS.items()
        for seed in seeds
    }
    for size, changes in IN_TRAINING.items():
        for seed in SEEDS["train"]:
            found[f"train {seed} {size}"] = content_hash(make_clip(seed, replace(split_config("train"), **changes)))
    found["vocabulary"] = hashlib.sha256(" ".join(vocabulary()).encode()).hexdigest()
    found["demo"] = demo_hash()
    return found


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    return digests()


@pytest.mark.parametrize("name", json.loads(GOLDEN.read_text()))
def test_what_a_seed_gives_never_changes(name: str, found: dict[str, str]) -> None:
    assert found[name] == json.loads(GOLDEN.read_text())[name]


def test_every_digest_is_pinned(found: dict[str, str]) -> None:
    assert found.keys() == json.loads(GOLDEN.read_text()).keys()
