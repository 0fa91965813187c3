"""Linking queries over windows: the best pairing, the index where masks say nothing."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rvos_core.inference.linking import link_queries


def blobs(*columns: int) -> np.ndarray:
    """(2, q, 8, 40) bool; query i is a block that starts at `columns[i]`, -1 for an empty mask."""
    masks = np.zeros((2, len(columns), 8, 40), dtype=bool)
    for query, column in enumerate(columns):
        if column >= 0:
            masks[:, query, 2:6, column : column + 6] = True
    return masks


@given(st.permutations(range(5)), st.integers(0, 2))
def test_moved_queries_are_found_again(order: list[int], shift: int) -> None:
    before = blobs(0, 8, 16, 24, 32)
    after = blobs(*(8 * before_query + shift for before_query in order))
    links = link_queries(before, after)
    assert [order[link] for link in links] == [0, 1, 2, 3, 4]


def test_without_common_frames_the_index_decides() -> None:
    nothing = np.zeros((0, 5, 4, 4), dtype=bool)
    assert link_queries(nothing, nothing) == (0, 1, 2, 3, 4)


def test_where_nothing_is_visible_the_index_decides() -> None:
    assert link_queries(blobs(-1, -1, -1), blobs(-1, -1, -1)) == (0, 1, 2)
    assert link_queries(blobs(0, -1, -1), blobs(30, -1, -1)) == (0, 1, 2)


def test_equal_masks_keep_their_index() -> None:
    assert link_queries(blobs(4, 4, 4), blobs(4, 4, 4)) == (0, 1, 2)


def test_a_visible_pair_is_linked_and_the_rest_goes_by_what_is_left() -> None:
    links = link_queries(blobs(0, -1, 20), blobs(-1, 0, 20))
    assert links[0] == 1 and links[2] == 2 and links[1] == 0
