"""Today's world keeps its bytes: the bundled weights, the demo clip and the published figures came from them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from rvos_core.synthetic import SyntheticClip, make_clip, split_config, vocabulary
from rvos_core.synthetic.demo import CONFIG, demo_scene, render_scene

GOLDEN = Path(__file__).parents[2] / "golden" / "street_world.json"
SEEDS = {"test": (0, 77, 199), "val": (10_000, 10_101, 10_199), "train": (1_000_000, 1_000_123, 123_456_789)}
_SLOTS = ("category", "gender", "colour", "lower_colour", "clothing", "action", "side", "size", "direction")
_FACTS = ("category", "category_id", "colour", "colour_id", "action", "facing", "travel", "size", "depth",
          "direction", "gender", "lower_colour")  # fmt: skip
_ARRAYS = ("boxes", "visible", "area", "whole", "centre")


def content_hash(clip: SyntheticClip) -> str:
    """Of pixels, labels, sentences with what they say, and facts; names of later slots and facts do not enter."""
    content = hashlib.sha256(clip.frames.tobytes() + clip.labels.tobytes())
    said = [(e.text, e.target, [getattr(e.slots, name) for name in _SLOTS]) for e in clip.expressions]
    content.update(json.dumps(said).encode())
    for facts in clip.objects:
        content.update(repr([getattr(facts, name) for name in _FACTS]).encode())
        for name in _ARRAYS:
            content.update(np.ascontiguousarray(getattr(facts, name)).tobytes())
    return content.hexdigest()


def demo_hash() -> str:
    scene = demo_scene()
    times = scene.times[:2]
    config = type(CONFIG)(**{**vars(CONFIG), "frames": 2})
    camera = type(scene.camera)(scene.camera.x[:2], scene.camera.y[:2], scene.camera.zoom[:2])
    short = type(scene)(**{**vars(scene), "times": times, "camera": camera})
    drawn = render_scene(short, np.random.Generator(np.random.PCG64(5)), config)
    return hashlib.sha256(drawn.frames.tobytes() + drawn.labels.tobytes()).hexdigest()


def digests() -> dict[str, str]:
    found = {
        f"{split} {seed}": content_hash(make_clip(seed, split_config(split)))
        for split, seeds in SEEDS.items()
        for seed in seeds
    }
    found["vocabulary"] = hashlib.sha256(" ".join(vocabulary()).encode()).hexdigest()
    found["demo"] = demo_hash()
    return found


@pytest.mark.parametrize("split", list(SEEDS))
def test_clips_of_a_split_keep_their_bytes(split: str) -> None:
    pinned = json.loads(GOLDEN.read_text())
    for seed in SEEDS[split]:
        assert content_hash(make_clip(seed, split_config(split))) == pinned[f"{split} {seed}"], (split, seed)


def test_the_words_and_the_demo_keep_their_bytes() -> None:
    pinned = json.loads(GOLDEN.read_text())
    assert hashlib.sha256(" ".join(vocabulary()).encode()).hexdigest() == pinned["vocabulary"]
    assert demo_hash() == pinned["demo"]
