"""Steadiness: flicker on drawn hair that moves, agreement with what is asked alone, nothing carried over a cut."""

from __future__ import annotations

import numpy as np
import pytest

from rvos_core.evaluation.matte import flicker_ratio, hairy_clip
from rvos_core.matte import LOOK_BACK, MatteRenderer, MatteSettings, MatteStack, Steadier, steadied


def test_flicker_of_refined_hair_is_halved() -> None:
    flicker, error = flicker_ratio()
    assert flicker <= 0.5
    assert error <= 1.15  # and it is no worse a matte for it


def test_a_stream_gives_what_the_renderer_gives() -> None:
    frames, masks, _ = hairy_clip(count=6, side=72)
    alone = MatteRenderer(lambda i: frames[i], lambda i: masks[i], MatteStack(MatteSettings()))
    steady = MatteRenderer(lambda i: frames[i], lambda i: masks[i], MatteStack(MatteSettings(steady=0.8)))
    stream = Steadier(0.8)
    for index in range(6):
        expected = stream.step(frames[index], alone.matte(index).alpha)
        expected[expected <= 1 / 131070] = 0  # the renderer leaves out what sixteen bits cannot hold
        np.testing.assert_array_equal(steady.matte(index).alpha, expected)


def test_a_still_picture_averages_its_edges() -> None:
    dice = np.random.default_rng(0)
    frame = dice.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    base = np.clip((np.arange(64, dtype=np.float32) - 30) / 8, 0, 1)[None].repeat(64, 0)
    edge = (base > 0) & (base < 1)
    alphas = [np.where(edge, (base + dice.normal(0, 0.1, base.shape)).clip(0, 1), base) for _ in range(4)]
    alphas = [each.astype(np.float32) for each in alphas]
    earlier = [(frame, each) for each in alphas[:3]]
    found = steadied(frame, alphas[3], earlier, strength=1)
    np.testing.assert_allclose(found[:, 32:36], np.mean(alphas, axis=0)[:, 32:36], atol=1e-3)
    half = steadied(frame, alphas[3], earlier, strength=0.5)
    wanted = (alphas[3] + 0.5 * (alphas[0] + alphas[1] + alphas[2])) / 2.5
    np.testing.assert_allclose(half[:, 32:36], wanted[:, 32:36], atol=1e-3)


def test_nothing_is_carried_over_a_cut() -> None:
    dice = np.random.default_rng(1)
    before, after = (
        dice.integers(0, 100, (64, 64, 3), dtype=np.uint8),
        dice.integers(150, 256, (64, 64, 3), dtype=np.uint8),
    )
    old, new = np.zeros((64, 64), dtype=np.float32), np.zeros((64, 64), dtype=np.float32)
    old[:, :40], new[:, :25] = 1, 1
    np.testing.assert_allclose(steadied(after, new, [(before, old)], strength=1), new, atol=1e-3)


def test_what_has_moved_away_leaves_no_ghost() -> None:
    frame = np.full((64, 64, 3), 120, dtype=np.uint8)  # flow cannot tell that anything moved
    old, new = np.zeros((64, 64), dtype=np.float32), np.zeros((64, 64), dtype=np.float32)
    old[:, 10:50], new[:, 10:30] = 1, 1
    assert not steadied(frame, new, [(frame, old)] * 3, strength=1)[:, 34:].any()


@pytest.mark.parametrize("size", [(1, 1), (7, 40), (40, 31)])
def test_small_frames_pass(size: tuple[int, int]) -> None:
    dice = np.random.default_rng(2)
    frame, alpha = dice.integers(0, 256, (*size, 3), dtype=np.uint8), dice.random(size, dtype=np.float32)
    assert (steadied(frame, alpha, [(frame, alpha)], strength=1) == alpha).all()


def test_without_strength_edges_or_earlier_frames_nothing_changes() -> None:
    frame, alpha = np.zeros((50, 50, 3), dtype=np.uint8), np.zeros((50, 50), dtype=np.float32)
    alpha[:, 20:] = 1
    solid = np.ones_like(alpha)
    assert steadied(frame, alpha, [], strength=1) is alpha
    assert steadied(frame, alpha, [(frame, alpha)], strength=0) is alpha
    assert steadied(frame, solid, [(frame, solid)], strength=1) is solid
    assert LOOK_BACK == 3
