"""Outlines go round exactly the pixels of a mask, and foreign polygons are drawn by the middles of pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_tools

from helpers_formats import random_mask
from rvos_core.errors import UserError
from rvos_core.formats.polygons import filled, joined, outlines
from rvos_core.masks import fill_holes


@pytest.mark.parametrize("seed", range(150))
def test_outlines_filled_are_the_mask_without_holes(seed: int) -> None:
    dice = np.random.default_rng(seed)
    height, width = dice.integers(1, 20, 2)
    mask = random_mask(dice, height, width) if seed % 2 else dice.random((height, width)) < dice.random()
    found = outlines(mask)
    np.testing.assert_array_equal(filled(found, height=height, width=width), fill_holes(mask))
    assert len(found) == cv2.connectedComponents(fill_holes(mask).astype(np.uint8), connectivity=8)[0] - 1
    area = sum(abs(np.dot(p[:, 0], np.roll(p[:, 1], -1)) - np.dot(p[:, 1], np.roll(p[:, 0], -1))) / 2 for p in found)
    assert area == fill_holes(mask).sum()


@pytest.mark.parametrize("seed", range(100))
def test_parts_joined_to_one_outline_keep_their_pixels_after_rounding(seed: int) -> None:
    dice = np.random.default_rng(seed)
    height, width = dice.integers(1, 200 if seed % 10 == 0 else 40, 2)
    mask = dice.random((height, width)) < dice.random() * 0.3
    mask[0, 0] = True
    written = np.round(joined(outlines(mask)) / (width, height), 6) * (width, height)
    np.testing.assert_array_equal(filled([written], height=height, width=width), fill_holes(mask))


def test_pycocotools_draws_our_outlines_as_we_do() -> None:
    mask = np.zeros((20, 30), dtype=bool)
    cv2.circle(mask.view(np.uint8), (14, 9), 7, 1, -1)
    flat = [each.ravel().tolist() for each in outlines(mask)]
    np.testing.assert_array_equal(coco_tools.decode(coco_tools.frPyObjects(flat, 20, 30))[..., 0].astype(bool), mask)


def test_polygons_that_reach_out_are_cut_and_self_crossing_ones_are_even_odd() -> None:
    big = np.array([[-50.0, -50.0], [90.0, -50.0], [90.0, 70.0], [-50.0, 70.0]])
    assert filled([big], height=6, width=8).all()
    bow = np.array([[0.0, 0.0], [8.0, 6.0], [8.0, 0.0], [0.0, 6.0]])
    assert 0 < filled([bow], height=6, width=8).sum() < 48
    assert not filled([np.array([[1.0, 1.0], [5.0, 1.0], [3.0, 1.0]])], height=6, width=8).any()


def test_an_outline_made_to_keep_the_program_busy_is_refused() -> None:
    zigzag = np.tile([[0.0, -1.0], [5.0, 5000.0]], (20_000, 1))
    with pytest.raises(UserError, match="too often"):
        filled([zigzag], height=4000, width=9)
