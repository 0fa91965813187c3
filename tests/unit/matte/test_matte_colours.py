"""Straight colours on pictures whose layers are known; the tint of a screen."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rvos_core.matte import despilled, straight_colours


def mixture(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A picture (H, W, 3) uint8 of two rough layers, the front one's colours, and alpha."""
    dice = np.random.default_rng(seed)

    def rough(colour: tuple[int, int, int]) -> np.ndarray:
        noise = cv2.GaussianBlur(dice.normal(0, 60, (70, 90, 3)), (0, 0), 4)
        return (np.array(colour) + noise).clip(0, 255)

    front, back = rough((200, 120, 110)), rough((40, 150, 60))
    shape = np.zeros((70, 90), dtype=np.float32)
    cv2.circle(shape, (45, 35), 20, 1, -1)
    for angle in np.linspace(0, 6.2, 30):
        end = (45 + round(30 * np.cos(angle)), 35 + round(30 * np.sin(angle)))
        cv2.line(shape, (45, 35), end, 1, 1)
    alpha = cv2.GaussianBlur(shape, (0, 0), 1.2).clip(0, 1)
    alpha[alpha < 0.002] = 0
    picture = alpha[..., None] * front + (1 - alpha[..., None]) * back
    return np.rint(picture).astype(np.uint8), front, alpha


def test_the_front_layers_colours_are_found() -> None:
    picture, front, alpha = mixture()
    found = straight_colours(picture, alpha)
    mixed = (alpha > 0.02) & (alpha < 0.98)
    error = np.abs(found[mixed] - front[mixed]).mean()
    assert error <= 0.4 * np.abs(picture[mixed] - front[mixed]).mean()
    assert (found[alpha == 1] == picture[alpha == 1]).all()


def test_colours_go_on_outwards_and_nothing_of_the_ground_is_left() -> None:
    picture = np.full((40, 60, 3), (0, 200, 0), dtype=np.uint8)
    alpha = np.zeros((40, 60), dtype=np.float32)
    alpha[10:30, 20:40], picture[10:30, 20:40] = 1, (200, 30, 60)
    found = straight_colours(picture, alpha).astype(int)
    assert np.abs(found - (200, 30, 60)).max() <= 1


def test_all_and_nothing() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    assert (straight_colours(picture, np.ones((9, 7), dtype=np.float32)) == picture).all()
    assert not straight_colours(picture, np.zeros((9, 7), dtype=np.float32)).any()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**20))
def test_any_size_gives_colours(height: int, width: int, seed: int) -> None:
    dice = np.random.default_rng(seed)
    picture = dice.integers(0, 256, (height, width, 3), dtype=np.uint8)
    found = straight_colours(picture, dice.random((height, width), dtype=np.float32))
    assert found.shape == picture.shape
    assert found.dtype == np.uint8


def test_a_screens_tint_is_taken_out_and_brightness_stays() -> None:
    colours = np.full((20, 20, 3), (100, 180, 110), dtype=np.uint8)
    alpha = np.zeros((20, 20), dtype=np.float32)
    alpha[:, 10:] = 1
    found = despilled(colours, alpha, colour=(0, 255, 0), strength=1, reach_px=0)[5, 15].astype(int)
    assert abs(found[1] - (found[0] + found[2]) / 2) <= 1
    assert found.mean() == pytest.approx(130, abs=1)
    half = despilled(colours, alpha, colour=(0, 255, 0), strength=0.5, reach_px=0)[5, 15].astype(int)
    assert found[1] < half[1] < 180


def test_despill_leaves_grey_other_colours_and_the_depth_of_the_object_alone() -> None:
    alpha = np.ones((4, 30), dtype=np.float32)
    alpha[:, :5] = 0
    for colour in ((90, 90, 90), (200, 60, 90)):
        picture = np.full((4, 30, 3), colour, dtype=np.uint8)
        assert (despilled(picture, alpha, colour=(0, 255, 0), strength=1, reach_px=0) == picture).all()
    green = np.full((4, 30, 3), (60, 200, 60), dtype=np.uint8)
    near = despilled(green, alpha, colour=(0, 255, 0), strength=1, reach_px=10)
    assert near[2, 5, 1] < 120
    assert (near[:, 16:] == green[:, 16:]).all()
    assert despilled(green, alpha, colour=(80, 80, 80), strength=1, reach_px=0) is green
