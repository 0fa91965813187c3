"""Clips for propagation: labels against an independent rasterisation, who covers whom, what may happen in a clip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rvos_core.synthetic.figures.pictures import photograph
from rvos_core.synthetic.warped import WarpedClip, WarpedConfig, make_warped_clip
from rvos_core.synthetic.warped_layers import Layer, Stage, paint
from rvos_core.synthetic.warped_motion import Camera, Motion, Pace, draw_motion, part_poses
from rvos_core.synthetic.warped_shapes import Part, Shape, blob, draw_shape
from rvos_core.synthetic.warped_surfaces import PICTURES, draw_surface

SMALL = WarpedConfig(height=72, width=96)


def crossings(polygon: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Pixel centres inside a polygon (n, 2), by counting the edges that a ray to the right meets: (H, W) bool."""
    y, x = np.mgrid[: size[0], : size[1]].astype(float)
    inside = np.zeros(size, bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 != y1:
            meets = ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
            inside ^= meets
    return inside


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return np.count_nonzero(a & b) / np.count_nonzero(a | b)


def bare_stage(frames: int, size: tuple[int, int]) -> Stage:
    """A grey ground under a camera that stands still."""
    still = np.tile(np.eye(3)[:2], (frames, 1, 1))
    return Stage(np.full((*size, 3), 90, np.uint8), 0, Camera(still, np.zeros((frames, 5, 5, 2), np.float32)))


def straight(shape: Shape, poses: np.ndarray, *, turns: np.ndarray | None = None) -> Motion:
    """A motion of just these poses."""
    count = len(poses)
    return Motion(
        poses,
        np.zeros((count, 5, 5, 2), np.float32),
        np.zeros((count, len(shape))) if turns is None else turns,
        np.zeros((count, 2)),
    )


def pose(x: float, y: float, *, radius: float, angle: float = 0.0) -> np.ndarray:
    cos, sin = radius * np.cos(angle), radius * np.sin(angle)
    return np.array([[cos, -sin, x], [sin, cos, y]])


def disc(label: int, x: float, y: float, radius: float) -> Layer:
    around = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    shape = (Part((np.stack([np.cos(around), np.sin(around)], 1),)),)
    motion = straight(shape, pose(x, y, radius=radius)[None])
    return Layer.covered(np.random.default_rng(label), shape, motion, radius_px=radius, label=label)


@pytest.mark.parametrize("seed", range(4))
def test_labels_are_the_moved_polygon(seed: int) -> None:
    rng = np.random.default_rng(seed)
    outline = blob(rng, 1.0)
    shape = (Part((outline,)),)
    poses = np.stack([pose(60 + 5 * t, 50 - 3 * t, radius=28, angle=0.4 * t) for t in range(3)])
    layer = Layer.covered(rng, shape, straight(shape, poses), radius_px=28, label=3)
    for t in range(3):
        _, labels = paint(bare_stage(3, (100, 130)), [layer], t, size=(100, 130))
        wanted = crossings(outline @ poses[t, :, :2].T + poses[t, :, 2], (100, 130))
        assert set(np.unique(labels)) == {0, 3}
        assert iou(labels == 3, wanted) > 0.96


def test_a_bend_and_the_camera_move_picture_and_label_alike() -> None:
    layer = disc(1, 48, 36, 18)
    white = tuple(np.dstack([sprite[..., 3]] * 4) for sprite in layer.sprites)  # premultiplied
    painted = replace(layer, sprites=white)
    bends = np.random.default_rng(0).normal(0, 0.15, (1, 5, 5, 2)).astype(np.float32)
    shadowless = replace(painted, motion=replace(painted.motion, bends=bends), shadow=0.0)
    stage = bare_stage(1, (72, 96))
    turned = Camera(pose(8, -4, radius=1.1, angle=0.1)[None], np.full((1, 5, 5, 2), 2.0, np.float32))
    for seen in (stage, replace(stage, camera=turned)):
        picture, labels = paint(seen, [shadowless], 0, size=(72, 96))
        bright = picture[..., 0] > (255 + 90) / 2
        assert iou(bright, labels == 1) > 0.97
    moved = (labels == 1).nonzero()
    # The camera maps (48, 36) to 1.1 R (48, 36) + (8, -4); the picture is looked up 2 pixels further right and down.
    x = 1.1 * (48 * np.cos(0.1) - 36 * np.sin(0.1)) + 8 - 2
    y = 1.1 * (48 * np.sin(0.1) + 36 * np.cos(0.1)) - 4 - 2
    assert moved[1].mean() == pytest.approx(x, abs=2.5)
    assert moved[0].mean() == pytest.approx(y, abs=2.5)


def test_a_thing_that_is_nearly_out_of_the_picture_still_casts_its_shadow() -> None:
    size = (200, 60)
    layer = replace(disc(1, 0, 100, 90), shadow=0.5)
    for x in range(-180, -85):  # from beyond the left border to just inside
        pushed = replace(layer, motion=straight(layer.shape, pose(x, 100, radius=90)[None]))
        _, labels = paint(bare_stage(1, size), [pushed], 0, size=size)
        assert labels.any() == (x >= -90)


def test_the_topmost_thing_has_the_pixel_and_occluders_take_labels_away() -> None:
    size = (72, 96)
    below, above, occluder = disc(1, 40, 36, 20), disc(2, 55, 36, 15), disc(0, 40, 30, 8)
    _, alone = paint(bare_stage(1, size), [below], 0, size=size)
    _, top = paint(bare_stage(1, size), [above], 0, size=size)
    _, front = paint(bare_stage(1, size), [replace(occluder, label=9)], 0, size=size)
    _, labels = paint(bare_stage(1, size), [below, above, occluder], 0, size=size)
    wanted = np.where(front == 9, 0, np.where(top == 2, 2, alone))
    np.testing.assert_array_equal(labels, wanted)
    assert {1, 2} == set(np.unique(labels)) - {0}


def test_limbs_turn_about_the_joints_that_they_hang_on() -> None:
    upper = Part((np.array([[0.0, 0.0], [0.1, 0.5], [-0.1, 0.5]]),), pivot=(0.0, 0.0), swing=1.0)
    lower = Part((np.array([[0.0, 0.5], [0.0, 1.0], [0.1, 0.8]]),), pivot=(0.0, 0.5), parent=0, swing=1.0)
    first, second = 0.7, -0.4
    found = part_poses((upper, lower), np.array([first, second]))
    knee = np.array([-0.5 * np.sin(first), 0.5 * np.cos(first)])
    foot = knee + 0.5 * np.array([-np.sin(first + second), np.cos(first + second)])
    np.testing.assert_allclose(found[0] @ (0, 0.5, 1), knee, atol=1e-12)
    np.testing.assert_allclose(found[1] @ (0, 0.5, 1), knee, atol=1e-12)
    np.testing.assert_allclose(found[1] @ (0, 1.0, 1), foot, atol=1e-12)


def test_a_pace_of_nothing_holds_a_thing_still() -> None:
    rng = np.random.default_rng(1)
    shape = draw_shape(rng, "figure")
    still = Pace(0.0, turn=0.0, growth=0.0, bend=0.0, swing=0.0)
    motion = draw_motion(rng, shape, start=np.array([30.0, 20.0]), radius_px=12, frames=4, pace=still)
    for track in (motion.poses, motion.bends, motion.turns):
        np.testing.assert_allclose(track, np.broadcast_to(track[0], track.shape), atol=1e-6)
    np.testing.assert_allclose(motion.poses[0, :, 2], (30, 20))


def test_a_seed_is_a_clip() -> None:
    first = make_warped_clip(5, SMALL)
    np.random.default_rng(0).random(10)
    again, other = make_warped_clip(5, SMALL), make_warped_clip(6, SMALL)
    assert first.frames.shape == (3, 72, 96, 3)
    assert first.labels.shape == (3, 72, 96)
    assert first.frames.dtype == first.labels.dtype == np.uint8
    np.testing.assert_array_equal(first.frames, again.frames)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert not np.array_equal(first.frames, other.frames)


def clips(count: int, config: WarpedConfig) -> list[WarpedClip]:
    return [make_warped_clip(seed, config) for seed in range(count)]


def test_things_leave_and_come_back() -> None:
    gone = 0
    for clip in clips(10, replace(SMALL, excursions=1.0, still=0.0, fast=0.0, occluders=0.0)):
        seen = [set(np.unique(frame)) - {0} for frame in clip.labels]
        gone += bool((seen[0] & seen[2]) - seen[1])
        assert not seen[1], "the way out is farther than the picture is wide"
    assert gone >= 8


def test_something_is_in_sight_at_first_and_no_specks() -> None:
    for clip in clips(16, SMALL):
        assert np.count_nonzero(clip.labels[0]) >= 0.005 * clip.labels[0].size
        for frame in clip.labels:
            counts = np.bincount(frame.ravel())[1:]
            assert not ((counts > 0) & (counts < SMALL.least_px)).any()
            assert len(counts) <= SMALL.max_objects


def test_degrading_touches_the_picture_only() -> None:
    clean, harmed = (make_warped_clip(3, replace(SMALL, degrade=strength)) for strength in (0.0, 1.0))
    np.testing.assert_array_equal(clean.labels, harmed.labels)
    assert not np.array_equal(clean.frames, harmed.frames)


def test_look_alikes_share_their_surface() -> None:
    rng = np.random.default_rng(2)
    first = disc(1, 30, 30, 20)
    twin = Layer.covered(rng, first.shape, first.motion, radius_px=20, label=2, alike=first)
    np.testing.assert_array_equal(twin.sprites[0], first.sprites[0])


@pytest.mark.parametrize("kind", ["blob", "union", "figure", "thin"])
def test_shapes_stay_near_their_radius_and_show_something(kind: str) -> None:
    for seed in range(6):
        shape = draw_shape(np.random.default_rng(seed), kind)  # type: ignore[arg-type]
        corners = np.concatenate([outline for part in shape for outline in part.outlines])
        assert np.abs(corners).max() < 1.7, "the sprite's half side"
        assert all(part.parent is None or part.parent < index for index, part in enumerate(shape))
        motion = straight(shape, pose(48, 48, radius=26)[None])
        layer = Layer.covered(np.random.default_rng(seed), shape, motion, radius_px=26, label=1)
        _, labels = paint(bare_stage(1, (96, 96)), [layer], 0, size=(96, 96))
        assert np.count_nonzero(labels) > 40


def test_every_photograph_is_there_and_surfaces_are_varied() -> None:
    assert all(photograph(name).ndim == 3 for name in PICTURES)
    rng = np.random.default_rng(0)
    for name in (None, *PICTURES[:3]):
        surface = draw_surface(rng, 40, 56, picture=name)
        assert surface.shape == (40, 56, 3)
        assert surface.dtype == np.uint8
        assert surface.std() > 1


@pytest.mark.parametrize("change", [{"height": 8}, {"frames": 0}, {"max_objects": 0}, {"max_objects": 9}])
def test_impossible_settings_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"clip|max_objects"):
        replace(SMALL, **change)
