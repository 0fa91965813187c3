"""The world: exact masks, facts that agree, combinations that are kept apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from rvos_core.synthetic import (
    CATEGORIES,
    SPLITS,
    WorldConfig,
    background,
    effects,
    make_clip,
    split_config,
    split_seeds,
)
from rvos_core.synthetic.config import UNSEEN_PHOTOGRAPHS
from rvos_core.synthetic.degrade import degrade_frames
from rvos_core.synthetic.figures import pictures
from rvos_core.synthetic.kinds import KINDS, held_out
from rvos_core.synthetic.render import layers_of, render_scene
from rvos_core.synthetic.scene import Scene
from rvos_core.synthetic.staging import combinations, plan_scene

SMALL = replace(split_config("val"), height=96, width=160, frames=5)
TINY = replace(SMALL, height=48, width=80)
UNSEEN = replace(split_config("test-unseen"), height=48, width=80, frames=5)
SEEDS = split_seeds("train")


def generator(*numbers: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([*numbers]))


def test_no_two_splits_share_a_seed_and_each_has_settings() -> None:
    ranges = [split_seeds(name) for name in SPLITS]
    ordered = sorted(ranges, key=lambda seeds: seeds.start)
    assert all(first.stop <= second.start for first, second in pairwise(ordered))
    for name in ("val", "test", "test-unseen"):
        config = split_config(name)
        assert (config.frames, config.height, config.width) == (8, 256, 448)
        assert config.min_objects >= 3
        assert len(split_seeds(name)) == 200
    with pytest.raises(ValueError, match="no split 'dev'"):
        split_config("dev")


@pytest.mark.parametrize(
    "wrong", [{"categories": ("dog", "unicorn")}, {"combinations": "some"}, {"photographs_from": ("moon",)}]
)
def test_impossible_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"unicorn|combinations|photographs"):
        replace(SMALL, **wrong)


def test_masks_are_each_object_alone_at_its_depth() -> None:
    """Composed again from near to far: a pixel belongs to the first figure that covers it, if it owns what covers."""
    for number in range(8):
        scene = plan_scene(generator(number, 1), SMALL)
        drawn = render_scene(scene, generator(number, 2), SMALL).labels
        for index in range(SMALL.frames):
            assert np.array_equal(drawn[index], _composed(scene, index))


def _composed(scene: Scene, index: int) -> np.ndarray:
    labels = np.zeros((SMALL.height, SMALL.width), np.uint8)
    taken = np.zeros(labels.shape, bool)
    grains = [np.zeros((2, 2), np.uint8)] * 9
    for layer in reversed(layers_of(scene, index, SMALL, grains=grains, prop_grains=grains)):
        cover, owned = (np.zeros(labels.shape, np.uint8) for _ in range(2))
        sprite = layer.sprite
        for row in range(sprite.alpha.shape[0]):
            y = sprite.top + row
            left, right = max(sprite.left, 0), min(sprite.left + sprite.alpha.shape[1], SMALL.width)
            if 0 <= y < SMALL.height and right > left:
                cover[y, left:right] = sprite.alpha[row, left - sprite.left : right - sprite.left]
                owned[y, left:right] = sprite.owner[row, left - sprite.left : right - sprite.left]
        fresh = ~taken & ((cover >= 128) | (owned >= 128))
        if layer.value:
            labels[fresh & (owned >= 128)] = layer.value
        taken |= fresh
    return labels


def test_facts_are_what_the_labels_show() -> None:
    for seed in SEEDS[40:48]:
        clip = make_clip(seed, TINY)
        for value, facts in enumerate(clip.objects, start=1):
            assert facts.category == CATEGORIES[facts.category_id]
            track = facts.track
            assert track is not None
            for index in range(TINY.frames):
                rows, columns = np.nonzero(clip.labels[index] == value)
                assert facts.area[index] == len(rows)
                if len(rows):
                    assert facts.boxes[index].tolist() == [*_low(columns, rows), *_high(columns, rows)]
                    assert not track.outside[index]
            assert np.array_equal(np.sign(np.diff(track.x)), np.sign(track.speed[:-1]))
        depths = np.stack([facts.track.depth for facts in clip.objects if facts.track is not None])
        assert np.array_equal(np.sort(depths, axis=0)[:, 0], np.arange(len(clip.objects)))


def _low(columns: np.ndarray, rows: np.ndarray) -> tuple[int, int]:
    return int(columns.min()), int(rows.min())


def _high(columns: np.ndarray, rows: np.ndarray) -> tuple[int, int]:
    return int(columns.max()) + 1, int(rows.max()) + 1


def test_weather_light_and_shutter_leave_masks_and_sentences_alone() -> None:
    plain = replace(TINY, weather=0.0, shutter=0.0, degrade=0.0)
    for seed in SEEDS[60:66]:
        clear, stormy = make_clip(seed, plain), make_clip(seed, replace(TINY, weather=1.0))
        assert np.array_equal(clear.labels, stormy.labels)
        assert clear.expressions == stormy.expressions
        assert not np.array_equal(clear.frames, stormy.frames)
        assert (clear.weather, stormy.weather != "clear") == ("clear", True)


def test_everything_occurs_and_half_the_clips_have_lookalikes_of_what_is_meant() -> None:
    scenes = [plan_scene(generator(number, 3), TINY) for number in range(200)]
    looks = [actor.look for scene in scenes for actor in scene.actors]
    assert {look.category for look in looks} == {*CATEGORIES} == {*KINDS}
    assert len(CATEGORIES) >= 24
    assert {scene.weather.kind for scene in scenes} == {"clear", "rain", "snow", "fog", "dusk"}
    clips = [make_clip(seed, TINY) for seed in SEEDS[200:240]]
    twins = 0
    for clip in clips:
        counts = Counter(facts.category for facts in clip.objects)
        twins += any(counts[clip.objects[e.target].category] > 1 for e in clip.expressions if e.target is not None)
    assert twins >= 20
    gone = np.concatenate([~facts.visible for clip in clips for facts in clip.objects])
    assert 0.03 < gone.mean() < 0.3


def test_training_draws_nothing_that_is_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, unseen = _drawn(TINY, monkeypatch), _drawn(UNSEEN, monkeypatch)
    assert not any(held_out(*each) for each in seen[0])
    assert all(held_out(*each) for each in unseen[0])
    assert seen[1] == {*pictures.PHOTOGRAPHS} - {*UNSEEN_PHOTOGRAPHS}
    assert unseen[1] == {*UNSEEN_PHOTOGRAPHS}
    assert len({category for category, _, _ in unseen[0]}) >= 12


def _drawn(config: WorldConfig, monkeypatch: pytest.MonkeyPatch) -> tuple[set[tuple[str, str, str]], set[str]]:
    """Combinations and photographs of 24 scenes, by what was looked up while they were drawn."""
    photographs: set[str] = set()
    with monkeypatch.context() as patch:
        for module, name in ((background, "photograph"), (background, "surface"), (effects, "surface")):
            original = getattr(pictures, name)
            patch.setattr(module, name, lambda key, original=original: photographs.add(key) or original(key))
        found = set()
        for number in range(24):
            scene = plan_scene(generator(number, 4), config)
            found |= {(a.look.category, a.look.colour, a.look.action) for a in scene.actors}
            photographs |= {a.look.picture for a in scene.actors if a.look.picture is not None}
            render_scene(scene, generator(number, 5), config)
    return found, photographs


def test_about_a_ninth_of_the_combinations_is_held_out() -> None:
    every = [(name, colour, action) for name in CATEGORIES for colour, action, _ in combinations(name, "all")]
    share = sum(held_out(*each) for each in every) / len(every)
    assert 0.07 < share < 0.16


def test_an_encoder_leaves_its_marks_where_it_is_installed() -> None:
    pytest.importorskip("av")
    frames = make_clip(SEEDS[3], replace(TINY, degrade=0.0)).frames
    plain = degrade_frames(frames, generator(1), strength=1.0)
    coded = degrade_frames(frames, generator(1), strength=1.0, h264=1.0)
    assert coded.shape == frames.shape
    assert 0.5 < np.abs(coded.astype(int) - plain).mean() < 20
    odd = degrade_frames(frames[:, :47], generator(1), strength=1.0, h264=1.0)
    assert odd.shape[1] == 47  # no chroma for it: left as it is
