"""The edge without refinement: moved by exact amounts, led by the picture, whole at the border and on odd sizes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rvos_core.masks.edges import filter_coefficients
from rvos_core.matte import cleaned, edges, feathered, grown, levels, mended_at_border, signed_distance, soft_edge


def disc(side: int, radius: float) -> np.ndarray:
    """(side, side) bool."""
    rows, columns = np.indices((side, side)) - (side - 1) / 2
    return np.hypot(rows, columns) < radius


def test_the_distance_is_measured_to_the_line_between_pixels() -> None:
    mask = np.zeros((5, 9), dtype=bool)
    mask[:, :4] = True
    np.testing.assert_allclose(signed_distance(mask)[2], [3.5, 2.5, 1.5, 0.5, -0.5, -1.5, -2.5, -3.5, -4.5])
    assert (signed_distance(np.ones((3, 4), dtype=bool)) > 4).all()
    assert (signed_distance(np.zeros((3, 4), dtype=bool)) < -4).all()


def test_the_distance_is_exact_and_always_the_same() -> None:
    mask = np.random.default_rng(0).random((23, 31)) > 0.9
    places, others = np.argwhere(mask), np.argwhere(~mask)
    wanted = np.empty(mask.shape)
    for row, column in np.ndindex(mask.shape):
        opposite = others if mask[row, column] else places
        nearest = np.sqrt(((opposite - (row, column)) ** 2).sum(1).min()) - 0.5
        wanted[row, column] = nearest if mask[row, column] else -nearest
    found = signed_distance(mask)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    kept = []
    for size in range(1, 400, 7):  # memory lies elsewhere each time
        kept.append(np.ones(size * 13))
        np.testing.assert_array_equal(signed_distance(mask), found)


@pytest.mark.parametrize("grow", [-3.0, -0.25, 0.5, 1.0, 2.75])
def test_a_straight_edge_moves_by_parts_of_a_pixel(grow: float) -> None:
    hard = np.zeros((12, 40), dtype=np.float32)
    hard[:, :20] = 1
    assert grown(hard, grow).sum() == pytest.approx(12 * (20 + grow), abs=1e-3)
    soft = np.clip((20 - np.arange(40, dtype=np.float32)) / 6 + 0.5, 0, 1)[None].repeat(12, 0)
    moved = grown(soft, grow)
    assert moved.sum() - soft.sum() == pytest.approx(12 * grow, abs=0.05)
    assert np.abs(np.diff(moved[6])).max() < 0.25  # as soft as before


@pytest.mark.parametrize("grow", [-4.5, 3.3])
def test_a_disc_grows_to_a_larger_disc(grow: float) -> None:
    alpha = disc(61, 18).astype(np.float32)
    assert np.sqrt(grown(alpha, grow).sum() / np.pi) == pytest.approx(18 + grow, abs=0.4)


def test_more_than_there_is_can_be_taken_away() -> None:
    alpha = disc(31, 5).astype(np.float32)
    assert not grown(alpha, -20).any()
    assert not grown(feathered(alpha, 4), -20).any()
    assert not grown(np.zeros_like(alpha), 5).any()


def test_feather_fades_over_its_width_and_makes_no_rim() -> None:
    alpha = np.zeros((20, 60), dtype=np.float32)
    alpha[:, 30:] = 1
    faded = feathered(alpha, 12)
    assert faded[10, 29] + faded[10, 30] == pytest.approx(1, abs=1e-3)
    assert faded[10, 23] < 0.03
    assert faded[10, 36] > 0.97
    np.testing.assert_allclose(faded[0], faded[10], atol=1e-4)
    np.testing.assert_allclose(feathered(np.ones((7, 9), dtype=np.float32), 8), 1, atol=1e-5)


def test_levels_are_exact_at_both_ends() -> None:
    ramp = np.linspace(0, 1, 11, dtype=np.float32)[None]
    found = levels(ramp, black=0.2, white=0.7)
    assert (found[0, :3] == 0).all()
    assert (found[0, 7:] == 1).all()
    np.testing.assert_allclose(found[0, 2:8], np.linspace(0, 1, 6), atol=1e-6)
    assert levels(ramp, black=0, white=1) is ramp


def test_holes_specks_and_pinholes_go_and_the_largest_part_stays() -> None:
    mask = np.zeros((40, 40), dtype=bool)
    mask[5:25, 5:25] = True
    mask[10:16, 10:16] = False  # a hole of 36 pixels
    mask[20, 20] = False  # a pinhole
    mask[30:33, 30:33] = True  # a speck
    only_specks = cleaned(mask, holes=False, despeckle_px=4)
    assert not only_specks[28:, 28:].any()
    assert only_specks[20, 20]
    assert not only_specks[12, 12]
    assert cleaned(mask, holes=True, despeckle_px=0)[5:25, 5:25].all()
    small = np.zeros_like(mask)
    small[3:5, 3:5] = True
    assert (cleaned(small, holes=False, despeckle_px=50) == small).all()


def test_a_mask_that_stops_short_of_the_border_reaches_it() -> None:
    mask = np.zeros((20, 30), dtype=bool)
    mask[8:18, 10:20] = True  # two rows short of the bottom
    mended = mended_at_border(mask, 3)
    assert mended[18:, 10:20].all()
    assert mended.sum() == mask.sum() + 20
    assert mended_at_border(np.ones((1, 1), dtype=bool), 5).all()


def test_the_filter_is_that_of_the_coarse_masks() -> None:
    dice = np.random.default_rng(0)
    picture, values = dice.random((24, 31, 3)).astype(np.float32), dice.random((24, 31)).astype(np.float32)
    slopes, shift = filter_coefficients(picture, values, radius=3)
    inner = np.s_[6:-6, 6:-6]  # both continue the picture differently past its border
    wanted = (slopes * picture).sum(-1) + shift
    np.testing.assert_allclose(edges.guided(picture, values, radius=3)[inner], wanted[inner], atol=2e-4)


def test_the_edge_follows_the_picture() -> None:
    picture = np.full((40, 60, 3), (40, 90, 60), dtype=np.uint8)
    picture[:, 30:] = (200, 160, 150)
    mask = np.zeros((40, 60), dtype=bool)
    mask[:, 28:] = True  # two pixels too wide
    alpha = soft_edge(picture, mask, band_px=8)
    assert (alpha[:, 30:36] - alpha[:, 24:30].max() > 0.5).all()
    assert (alpha[:, 50:] == 1).all()
    assert (alpha[:, :15] == 0).all()


def test_probabilities_are_filtered_in_place_of_the_mask() -> None:
    picture = np.full((30, 40, 3), 100, dtype=np.uint8)
    softness = np.tile(np.linspace(0, 1, 40, dtype=np.float32), (30, 1))
    alpha = soft_edge(picture, softness > 0.5, band_px=6, softness=softness)
    assert np.abs(alpha[15, 17:23] - softness[15, 17:23]).max() < 0.06


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**20), st.floats(-5, 5))
def test_all_of_it_works_on_any_size(height: int, width: int, seed: int, grow: float) -> None:
    dice = np.random.default_rng(seed)
    picture = dice.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = cleaned(dice.random((height, width)) > 0.5, holes=True, despeckle_px=2)
    alpha = soft_edge(picture, mask_ := mended_at_border(mask, 2), band_px=3)
    result = levels(feathered(grown(alpha, grow), 2.5), black=0.1, white=0.9)
    assert mask_.shape == result.shape == (height, width)
    assert result.dtype == np.float32
    assert 0 <= result.min() <= result.max() <= 1


def test_a_blurred_disc_moves_all_round() -> None:
    alpha = cv2.GaussianBlur(disc(81, 20).astype(np.float32), (0, 0), 2)
    assert np.sqrt(grown(alpha, 3.5).sum() / np.pi) == pytest.approx(23.5, abs=0.3)
