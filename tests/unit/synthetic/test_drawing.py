"""Vector drawing: sizes, mirrors, what belongs to whom, who hides whom."""

from __future__ import annotations

from dataclasses import replace
from math import pi

import numpy as np
import pytest

from rvos_core.synthetic import WorldConfig, colours
from rvos_core.synthetic.degrade import degrade_frames
from rvos_core.synthetic.figures.look import Look, Pose
from rvos_core.synthetic.figures.rider import EXTENT, draw_rider
from rvos_core.synthetic.pen import Pen, Placement
from rvos_core.synthetic.render import render_scene
from rvos_core.synthetic.scene import Camera, Scene
from rvos_core.synthetic.staging import plan_scene, random_look


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def look_of(seed: int, category: str, action: str) -> Look:
    """An appearance in red."""
    drawn = random_look(generator(seed), category, WorldConfig(combinations="all", patches=0.0, outfits=False))
    red = colours.paint("red", generator(seed))
    return replace(drawn, colour="red", paint=red, action=action)


@pytest.mark.parametrize("scale", [12.0, 30.0, 77.5, 160.0])
def test_a_disc_has_its_area_at_every_size(scale: float) -> None:
    pen = Pen(Placement(50.3, 60.7, scale, 1), (-0.6, -0.1, 0.6, 1.1))
    pen.ellipse((0.0, 0.5), (0.45, 0.45), (255, 0, 0))
    sprite = pen.finish()
    coverage = sprite.alpha.sum() / 255
    assert coverage == pytest.approx(pi * (0.45 * scale) ** 2, rel=0.06)
    rows, columns = np.nonzero(sprite.alpha >= 128)
    assert columns.mean() + 0.5 + sprite.left == pytest.approx(50.3, abs=0.35)
    assert rows.mean() + 0.5 + sprite.top == pytest.approx(60.7 - 0.5 * scale, abs=0.35)
    assert np.all(sprite.rgb[..., 0] <= sprite.alpha)


def test_facing_left_mirrors() -> None:
    look = look_of(3, "person", "riding")
    sprites = []
    for facing in (1, -1):
        pen = Pen(Placement(100.0, 100.0, 40.0, facing), EXTENT, split=True)
        draw_rider(pen, look, Pose(0.7, 0.3))
        sprites.append(pen.finish())
    right, left = (np.zeros((200, 200), bool) for _ in range(2))
    for canvas, sprite in zip((right, left), sprites, strict=True):
        h, w = sprite.alpha.shape
        canvas[sprite.top : sprite.top + h, sprite.left : sprite.left + w] = sprite.alpha >= 128
    mirrored = left[:, ::-1]
    assert (right & mirrored).sum() / (right | mirrored).sum() > 0.9


def test_a_riders_bike_belongs_to_nobody() -> None:
    """Wheels and frame, painted in a colour the rider does not wear, are drawn but lie outside the mask."""
    look = replace(look_of(5, "person", "riding"), accent=(0, 255, 0), gender="man")
    pen = Pen(Placement(150.0, 200.0, 100.0, 1), EXTENT, split=True)
    draw_rider(pen, look, Pose(1.0, 0.0))
    sprite = pen.finish()
    owned = sprite.owner >= 128
    solid = sprite.alpha >= 250
    frame = solid & (sprite.rgb[..., 1] > 240) & (sprite.rgb[..., 0] < 15)
    shirt = solid & (sprite.rgb[..., 0] > 150) & (sprite.rgb[..., 1] < 70) & (sprite.rgb[..., 2] < 80)
    assert frame.sum() > 200
    assert not (owned & frame).any()
    assert shirt.sum() > 500
    assert owned[shirt].all()
    assert solid.sum() - owned.sum() > 1000


def test_nearer_things_hide_farther_ones_and_props_hide_both() -> None:
    config = WorldConfig(height=120, width=200, degrade=0.0, camera=0.0, min_objects=2, max_objects=2)
    scene = plan_scene(generator(11), replace(config, occluders=0.0))
    parked = look_of(1, "car", "parked")
    far = replace(scene.actors[0], look=parked, x=0.0, y=0.75, metre=0.2, course=None)
    near = replace(far, look=look_of(2, "car", "parked"), y=0.8)
    camera = Camera(np.zeros(1), np.full(1, 0.5), np.ones(1))

    def areas(*actors: object) -> list[int]:
        staged = Scene(0.3, 2.0, np.zeros(1), tuple(actors), (), camera, scene.sun)
        labels = render_scene(staged, generator(0), config).labels
        return [int((labels == value).sum()) for value in (1, 2)]

    alone, _ = areas(far)
    hidden, front = areas(far, near)
    assert alone > 1000
    assert hidden < 0.5 * alone
    assert front == pytest.approx(alone, rel=0.25)
    assert areas(near, far)[0] == front


def test_degrade_keeps_shape_and_can_be_off() -> None:
    frames = generator(0).integers(0, 256, (3, 40, 64, 3)).astype(np.uint8)
    assert degrade_frames(frames, generator(1), strength=0.0) is frames
    for seed in range(8):
        harmed = degrade_frames(frames, generator(seed), strength=1.0)
        assert harmed.shape == frames.shape
        assert harmed.dtype == np.uint8
        assert np.array_equal(harmed, degrade_frames(frames, generator(seed), strength=1.0))
