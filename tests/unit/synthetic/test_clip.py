"""`make_clip`: the same bytes everywhere, and facts that agree with the labels."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rvos_core.synthetic import CATEGORIES, COLOURS, SyntheticClip, WorldConfig, make_clip, split_config, split_seeds

STILL = WorldConfig()
SHORT = WorldConfig(frames=5)


def digest(clip: SyntheticClip) -> str:
    content = hashlib.sha256(clip.frames.tobytes() + clip.labels.tobytes())
    content.update(repr([(e.text, e.target, e.slots) for e in clip.expressions]).encode())
    content.update(repr([(o.category, o.colour, o.action, o.boxes.tolist()) for o in clip.objects]).encode())
    return content.hexdigest()


def test_a_seed_gives_the_same_bytes_in_every_process() -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_clip as t; "
        "print(t.digest(t.make_clip(1000007, t.SHORT)), t.digest(t.make_clip(1000008, t.STILL)))"
    )
    folder = str(Path(__file__).parent)
    answers = {
        subprocess.run(
            [sys.executable, "-c", script, folder],
            check=True,
            capture_output=True,
            text=True,
            env=_environment(hash_seed),
        ).stdout
        for hash_seed in ("1", "2")
    }
    here = f"{digest(make_clip(1_000_007, SHORT))} {digest(make_clip(1_000_008, STILL))}\n"
    assert answers == {here}


def _environment(hash_seed: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": hash_seed}


def test_seeds_differ() -> None:
    assert len({digest(make_clip(seed, STILL)) for seed in range(1_000_000, 1_000_020)}) == 20


@pytest.mark.parametrize(
    "config", [STILL, SHORT, WorldConfig(height=75, width=131, frames=3)], ids=["still", "short", "odd"]
)
def test_facts_are_what_the_labels_show(config: WorldConfig) -> None:
    for seed in range(1_000_100, 1_000_112):
        clip = make_clip(seed, config)
        assert clip.frames.shape == (config.frames, config.height, config.width, 3)
        assert clip.frames.dtype == clip.labels.dtype == np.uint8
        assert clip.labels.max() <= len(clip.objects) <= config.max_objects
        for number, facts in enumerate(clip.objects, start=1):
            assert facts.category == CATEGORIES[facts.category_id]
            assert facts.colour == COLOURS[facts.colour_id]
            for index in range(config.frames):
                _assert_measured(clip.labels[index] == number, facts, index, config)


def _assert_measured(mask: np.ndarray, facts: object, index: int, config: WorldConfig) -> None:
    rows, columns = np.nonzero(mask)
    assert facts.visible[index] == (len(rows) > 0)
    assert facts.area[index] == len(rows)
    if not len(rows):
        assert not facts.boxes[index].any()
        return
    assert len(rows) >= config.min_visible_px
    assert facts.boxes[index].tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert 0 < facts.whole[index] <= 1.0
    middle = (facts.boxes[index, :2] + facts.boxes[index, 2:]) / 2
    assert facts.centre[index] == pytest.approx(middle / (config.width, config.height), abs=1e-5)


def test_degrading_changes_pixels_and_nothing_else() -> None:
    for seed in range(1_000_200, 1_000_206):
        clean, harmed = make_clip(seed, replace(SHORT, degrade=0.0)), make_clip(seed, SHORT)
        assert np.array_equal(clean.labels, harmed.labels)
        assert clean.expressions == harmed.expressions
        assert not np.array_equal(clean.frames, harmed.frames)
        assert np.abs(clean.frames.astype(int) - harmed.frames).mean() < 45


def test_a_scene_looks_the_same_at_every_size() -> None:
    """The same plan drawn at twice the size has the same masks."""
    small_config = WorldConfig(height=120, width=200, camera=0.0)
    large_config = WorldConfig(height=240, width=400, camera=0.0)
    agreements = []
    for seed in range(1_000_300, 1_000_312):
        small, large = make_clip(seed, small_config).labels[0], make_clip(seed, large_config).labels[0]
        for number in range(1, 6):
            first, second = small == number, large[::2, ::2] == number
            if first.sum() > 150:
                agreements.append((first & second).sum() / (first | second).sum())
    assert np.median(agreements) > 0.85


def test_test_clips_show_three_objects_and_name_two() -> None:
    config = split_config("test")
    assert (config.frames, config.height, config.width) == (8, 256, 448)
    for seed in split_seeds("test")[::25]:
        clip = make_clip(seed, config)
        seen = [facts for facts in clip.objects if 2 * facts.visible.sum() >= config.frames]
        assert len(seen) >= 3
        assert len({e.target for e in clip.expressions if e.target is not None}) >= 2


def test_half_the_clips_have_lookalikes_and_objects_come_and_go() -> None:
    clips = [make_clip(seed, SHORT) for seed in range(1_000_400, 1_000_460)]
    kinds = [[facts.category for facts in clip.objects] for clip in clips]
    assert sum(len(set(names)) < len(names) for names in kinds) >= 30
    assert {name for names in kinds for name in names} == set(CATEGORIES)
    hidden = np.concatenate([~facts.visible for clip in clips for facts in clip.objects])
    assert 0.02 < hidden.mean() < 0.2


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="objects must be"):
        WorldConfig(min_objects=4, max_objects=3)
    with pytest.raises(ValueError, match="not a clip"):
        WorldConfig(frames=0)


def test_splits_share_no_seed() -> None:
    test, val, train = (split_seeds(name) for name in ("test", "val", "train"))
    assert len(test) == len(val) == 200
    assert len(train) > 10**9
    assert not set(test) & set(val)
    assert max(*test, *val) < train.start
    with pytest.raises(ValueError, match="no split"):
        split_seeds("dev")
