"""Samples: rounding, objects over each other, proxies, and planes that come back as they were put in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers_delivery import noisy_colours, soft_disc
from rvos_core.delivery.pixels import (
    Picture,
    colours,
    cutout_frame,
    linear_light,
    matte_frame,
    on_background,
    quantised,
    scaled,
    shown_plane,
    together,
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(-2, 3, width=32), min_size=1, max_size=20), st.sampled_from([1, 219, 255, 876, 1023, 65535]))
def test_rounding_is_to_the_nearest_step(values: list[float], top: int) -> None:
    given_values = np.array([values], np.float32)
    found = quantised(given_values, top)
    exact = np.clip(given_values.astype(np.float64), 0, 1) * top
    assert np.abs(found - exact).max() <= 0.5 + top * 1e-7
    assert found.dtype == (np.uint8 if top <= 255 else np.uint16)


def test_what_is_no_number_is_clear() -> None:
    assert quantised(np.array([[np.nan, np.inf, -np.inf]], np.float32), 255).tolist() == [[0, 255, 0]]


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (48, 852), (47, 1366)])
@pytest.mark.parametrize(
    ("pixels", "steps"),
    [
        ("yuva444p10le", 1023),
        ("yuva420p", 255),
        ("bgra", 255),
        ("rgba", 255),
        ("rgba64be", 65535),
        ("gbrap16le", 65535),
    ],
)
def test_alpha_comes_back_from_every_pixel_format(pixels: str, steps: int, size: tuple[int, int]) -> None:
    alpha = soft_disc(*size, 0)
    frame = cutout_frame(Picture(noisy_colours(*size, 0), alpha), pixels, multiply=False)
    assert frame.format.name == pixels
    assert np.abs(shown_plane(frame, alpha=True) - alpha).max() <= 0.501 / steps


@pytest.mark.parametrize(
    ("pixels", "steps"), [("gray", 255), ("gray16le", 65535), ("yuv420p", 219), ("yuv444p", 219), ("yuv422p10le", 876)]
)
def test_mattes_come_back_from_every_pixel_format(pixels: str, steps: int) -> None:
    alpha = soft_disc(47, 853, 0)
    assert np.abs(shown_plane(matte_frame(alpha, pixels), alpha=False) - alpha).max() <= 0.501 / steps


def test_a_frame_without_alpha_says_so() -> None:
    with pytest.raises(ValueError, match="no alpha"):
        shown_plane(matte_frame(soft_disc(8, 8, 0), "gray"), alpha=True)


def test_colours_there_and_back() -> None:
    eight = np.arange(256, dtype=np.uint8).reshape(1, -1, 1).repeat(3, axis=2)
    assert np.array_equal(colours(colours(eight, 16), 8), eight)


def test_over_is_associative_and_clear_objects_change_nothing() -> None:
    dice = np.random.default_rng(0)
    three = [Picture(noisy_colours(9, 9, n, deep=True), dice.random((9, 9), np.float32)) for n in range(3)]
    one, two = together(three), together([together(three[:2]), three[2]])
    assert np.abs(one.alpha - two.alpha).max() < 1e-6
    clear = Picture(three[0].rgb, np.zeros((9, 9), np.float32))
    same = together([three[1], clear])
    assert np.array_equal(same.alpha, three[1].alpha)
    assert np.abs(same.rgb.astype(int) - three[1].rgb).max() <= 1


def test_on_a_background() -> None:
    picture = Picture(np.full((2, 2, 3), 200, np.uint8), np.array([[0, 0.5], [1, 1]], np.float32))
    found = on_background(picture, (0, 100, 0))
    assert found[0, 0].tolist() == [0, 100, 0]
    assert np.abs(found[0, 1].astype(int) - [100, 150, 100]).max() <= 1
    assert found[1, 1].tolist() == [200, 200, 200]


def test_a_proxy_does_not_take_colour_from_where_nothing_is() -> None:
    rgb = np.zeros((4, 4, 3), np.uint8)
    rgb[:, :2] = 200
    alpha = np.zeros((4, 4), np.float32)
    alpha[:, 0] = 1
    small = scaled(Picture(rgb, alpha), width=1, height=1)
    assert small.alpha[0, 0] == pytest.approx(0.25)
    assert small.rgb[0, 0].tolist() == [200, 200, 200]


def test_linear_light_is_that_of_srgb() -> None:
    found = linear_light(np.array([0, 0.04045, 0.5, 1], np.float32))
    assert np.abs(found - [0, 0.0031308, 0.21404114, 1]).max() < 1e-6


def test_pictures_of_a_wrong_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="alpha is"):
        Picture(None, np.zeros((4, 4), np.float64))
    with pytest.raises(ValueError, match="colours are"):
        Picture(np.zeros((4, 5, 3), np.uint8), np.zeros((4, 4), np.float32))
