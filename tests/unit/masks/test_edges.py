"""Masks along the picture's edges: against the filter's definition in plain loops, on drawn pictures, on odd sizes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rvos_core.masks import edges, guide_bytes, guide_of, logits_to_mask, mask_along_edges


def plain_coefficients(picture: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each box on its own: least squares with a ridge on the slopes (equation 18), then the mean over boxes."""
    h, w = probability.shape
    radius = edges._RADIUS

    def mirrored(index: int, size: int) -> int:
        return -index if index < 0 else 2 * (size - 1) - index if index >= size else index

    def box(values: np.ndarray, row: int, column: int) -> np.ndarray:
        reach = range(-radius, radius + 1)
        return np.array([values[mirrored(row + i, h), mirrored(column + j, w)] for i in reach for j in reach])

    slopes, shifts = np.zeros((h, w, 3)), np.zeros((h, w))
    for row in range(h):
        for column in range(w):
            colours, wanted = box(picture, row, column).astype(float), box(probability, row, column).astype(float)
            centred = colours - colours.mean(0)
            matrix = centred.T @ centred / len(wanted) + edges._EPSILON * np.eye(3)
            slope = np.linalg.inv(matrix) @ (centred.T @ (wanted - wanted.mean()) / len(wanted))
            slopes[row, column], shifts[row, column] = slope, wanted.mean() - slope @ colours.mean(0)
    means = [
        (box(slopes, row, column).mean(0), box(shifts, row, column).mean()) for row in range(h) for column in range(w)
    ]
    return np.array([mean for mean, _ in means]).reshape(h, w, 3), np.array([mean for _, mean in means]).reshape(h, w)


def test_the_coefficients_are_those_of_the_definition() -> None:
    dice = np.random.default_rng(0)
    picture = dice.random((9, 11, 3)).astype(np.float32)
    probability = dice.random((9, 11)).astype(np.float32)
    ours, plain = edges.filter_coefficients(picture, probability), plain_coefficients(picture, probability)
    for found, wanted in zip(ours, plain, strict=True):
        np.testing.assert_allclose(found, wanted, atol=2e-4, rtol=2e-3)


def drawn(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture (H, W, 3) uint8 of a thing with an arm before a rough ground, and the thing's mask."""
    dice = np.random.default_rng(1)
    mask = np.zeros((height, width), dtype=np.uint8)
    cv2.ellipse(mask, (width // 2, height // 2), (width // 6, height // 4), 20, 0, 360, 1, -1)
    cv2.line(mask, (width // 2, height // 2), (width * 5 // 6, height // 5), 1, max(1, height // 24))
    ground = np.array([90, 120, 80]) + dice.normal(0, 6, (height, width, 3))
    picture = np.where(mask[..., None] > 0, np.array([180, 60, 50]) + dice.normal(0, 6, (height, width, 3)), ground)
    return picture.clip(0, 255).astype(np.uint8), mask > 0


def coarse(mask: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Logits as the family learns them: every fourth pixel of the network's input, the third first."""
    small = cv2.resize(mask.astype(np.float32), (4 * columns, 4 * rows), interpolation=cv2.INTER_AREA)
    return np.where(small[2::4, 2::4] > 0.5, 6.0, -6.0).astype(np.float32)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return np.count_nonzero(a & b) / np.count_nonzero(a | b)


@pytest.mark.parametrize(("height", "width"), [(256, 448), (480, 854), (1080, 1920)])
def test_outlines_follow_the_picture(height: int, width: int) -> None:
    picture, truth = drawn(height, width)
    logits = coarse(truth, 40, 72)
    found = mask_along_edges(logits, guide_of(picture), height, width)
    plain = logits_to_mask(logits, height, width)
    assert found.shape == truth.shape
    assert overlap(found, truth) > 0.99 > 0.96 > overlap(plain, truth)


def test_masks_lie_where_things_are_even_where_the_picture_says_nothing() -> None:
    grey = np.full((240, 432, 3), 128, dtype=np.uint8)
    dice = np.random.default_rng(2)
    away: dict[str, list[np.ndarray]] = {"along edges": [], "enlarged": []}
    for top, left in dice.integers(20, 120, (40, 2)):
        truth = np.zeros((240, 432), dtype=bool)
        truth[top : top + 70, left : left + 90] = True
        logits, middle = coarse(truth, 40, 72), np.argwhere(truth).mean(0)
        away["along edges"].append(np.argwhere(mask_along_edges(logits, grey, 240, 432)).mean(0) - middle)
        away["enlarged"].append(np.argwhere(logits_to_mask(logits, 240, 432)).mean(0) - middle)
    # Enlarging alone puts things too far up and left.
    assert np.abs(np.mean(away["along edges"], axis=0)).max() < 0.2
    assert np.mean(away["enlarged"], axis=0).max() < -0.3


def test_nothing_stays_nothing_and_all_stays_all() -> None:
    picture, _ = drawn(120, 216)
    assert not mask_along_edges(np.full((20, 36), -8.0), picture, 120, 216).any()
    assert mask_along_edges(np.full((20, 36), 8.0), picture, 120, 216).all()


def test_what_is_very_small_is_not_lost() -> None:
    picture, _ = drawn(240, 432)
    logits = np.full((40, 72), -9.0)
    logits[11, 30] = 3.0
    assert mask_along_edges(logits, picture, 240, 432).any()


def test_cells_as_small_as_pixels_are_enlarged_alone() -> None:
    picture, truth = drawn(60, 100)
    logits = coarse(truth, 40, 72)
    assert np.array_equal(mask_along_edges(logits, picture, 60, 100), logits_to_mask(logits, 60, 100))


def test_a_large_frame_is_kept_small_and_a_small_one_as_it_is() -> None:
    small, large = np.zeros((240, 432, 3), np.uint8), np.zeros((1080, 1920, 3), np.uint8)
    assert guide_of(small) is small and guide_of(large).shape == (480, 853, 3)
    for frame in (small, large, np.zeros((1920, 1080, 3), np.uint8)):
        assert guide_of(frame).nbytes == guide_bytes(*frame.shape[:2])


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_any_size_gives_a_mask_of_the_display(height: int, width: int, rows: int, columns: int, seed: int) -> None:
    dice = np.random.default_rng(seed)
    frame = dice.integers(0, 256, (height, width, 3), dtype=np.uint8)
    logits = dice.normal(0, 5, (rows, columns)).astype(np.float32)
    mask = mask_along_edges(logits, guide_of(frame), height, width)
    assert mask.shape == (height, width) and mask.dtype == bool
    assert mask.any() or not logits_to_mask(logits, height, width).any()
