"""Filling holes and moving a mask, and edits that a person makes, against plain formulations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rvos_core.masks import encode, fill_holes, moved
from rvos_core.project.edits import Together
from rvos_core.project.mask_edits import DrawMask

_MASKS = arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 11)))


def filled_slowly(mask: np.ndarray) -> np.ndarray:
    """Background is let in from the edge, one step at a time, until nothing more comes in."""
    outside = np.zeros_like(mask)
    outside[0], outside[-1], outside[:, 0], outside[:, -1] = ~mask[0], ~mask[-1], ~mask[:, 0], ~mask[:, -1]
    while True:
        padded = np.pad(outside, 1)
        beside = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
        more = outside | (beside & ~mask)
        if np.array_equal(more, outside):
            return ~outside
        outside = more


@given(_MASKS)
def test_holes_are_what_the_edge_cannot_reach(mask: np.ndarray) -> None:
    before = mask.copy()
    filled = fill_holes(mask)
    assert np.array_equal(filled, filled_slowly(mask))
    assert filled.dtype == bool
    assert np.array_equal(mask, before)


@given(_MASKS, st.integers(-13, 13), st.integers(-13, 13))
def test_a_moved_mask_is_the_mask_elsewhere_cut_at_the_edges(mask: np.ndarray, dx: int, dy: int) -> None:
    height, width = mask.shape
    expected = np.zeros_like(mask)
    for y, x in zip(*np.nonzero(mask), strict=True):
        if 0 <= y + dy < height and 0 <= x + dx < width:
            expected[y + dy, x + dx] = True
    assert np.array_equal(moved(mask, dx, dy), expected)


def test_the_history_says_how_a_mask_was_drawn() -> None:
    mask = encode(np.ones((2, 3), dtype=bool))
    assert DrawMask(1, 12, mask, "Brush").name == "Brush on frame 12"
    assert DrawMask(1, 12, mask).name == "Mask on frame 12"
    drawn = DrawMask(1, 12, mask, "Lasso cut")
    assert Together((drawn, drawn), drawn.name).name == "Lasso cut on frame 12"


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1)])
def test_the_smallest_masks_have_no_holes(size: tuple[int, int]) -> None:
    for mask in (np.zeros(size, dtype=bool), np.ones(size, dtype=bool)):
        assert np.array_equal(fill_holes(mask), mask)
