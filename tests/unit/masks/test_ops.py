"""Logits to display size, outlines and boxes, against torch and against plain pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from rvos_core.masks import bbox, contours, encode, logits_to_mask, object_colour, pixel_bbox


@pytest.mark.parametrize(
    ("small", "large"), [((90, 160), (360, 640)), ((24, 42), (97, 171)), ((30, 40), (17, 23)), ((1, 1), (8, 8))]
)
def test_enlarging_is_that_of_torch(small: tuple[int, int], large: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    logits = np.random.default_rng(0).normal(0, 4, small).astype(np.float32)
    theirs = torch.nn.functional.interpolate(torch.from_numpy(logits)[None, None], size=large, mode="bilinear")[
        0, 0
    ].numpy()
    ours = logits_to_mask(logits, *large, threshold=0.5)
    assert ours.shape == large
    assert ours.dtype == bool
    sure = np.abs(theirs - 0.5) > 1e-4
    np.testing.assert_array_equal(ours[sure], (theirs > 0.5)[sure])


def test_logits_at_display_size_are_only_thresholded() -> None:
    logits = np.array([[-1.0, 0.0], [1e-6, 3.0]])
    np.testing.assert_array_equal(logits_to_mask(logits, 2, 2), [[False, False], [True, True]])
    with pytest.raises(ValueError, match="two dimensions"):
        logits_to_mask(logits[None], 2, 2)


def test_outlines_enclose_exactly_the_mask_and_its_holes() -> None:
    mask = np.zeros((60, 80), dtype=bool)
    mask[10:50, 10:60] = True
    mask[20:30, 20:40] = False
    mask[2, 70] = True
    found = contours(mask)
    assert len(found) == 3
    assert all(outline.ndim == 2 and outline.shape[1] == 2 for outline in found)
    outer = [outline for outline in found if not (10 < outline[0][0] < 45 and 15 < outline[0][1] < 35)]
    drawn = cv2.drawContours(np.zeros((60, 80), np.uint8), outer, -1, 1, cv2.FILLED) > 0
    assert drawn[mask].all()
    assert not contours(np.zeros((5, 5), dtype=bool))


def test_boxes_of_pixels_and_of_runs_agree() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        mask = rng.random(rng.integers(1, 30, 2)) < 0.02
        assert pixel_bbox(mask) == bbox(encode(mask))


def test_object_colours_differ_and_are_rgb() -> None:
    colours = [object_colour(slot) for slot in range(21)]
    assert len(set(colours)) == 21
    assert all(0 <= part <= 255 for colour in colours for part in colour)
    with pytest.raises(ValueError, match="from 0"):
        object_colour(-1)
