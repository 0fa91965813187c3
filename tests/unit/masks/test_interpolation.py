"""Masks between two masks: what moves evenly moves evenly, nothing vanishes, time has no direction."""

from __future__ import annotations

import time
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rvos_core.masks import Rle, area, decode, empty, encode, iou
from rvos_core.masks.interpolation import between

_HEIGHT, _WIDTH = 90, 140


def disc(x: float, y: float, radius: float, *, height: int = _HEIGHT, width: int = _WIDTH) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.asarray((columns - x) ** 2 + (rows - y) ** 2 <= radius * radius)


def rectangle(x: int, y: int, width: int, height: int) -> np.ndarray:
    mask = np.zeros((_HEIGHT, _WIDTH), dtype=bool)
    mask[y : y + height, x : x + width] = True
    return mask


def parts(mask: Rle) -> int:
    return int(cv2.connectedComponents(decode(mask).astype(np.uint8))[0]) - 1


shapes = st.one_of(
    st.builds(disc, st.floats(10, 130), st.floats(10, 80), st.floats(1.5, 20)),
    st.builds(rectangle, st.integers(0, 100), st.integers(0, 60), st.integers(1, 40), st.integers(1, 30)),
    st.builds(
        np.logical_or,
        st.builds(rectangle, *[st.integers(1, 40)] * 4),
        st.builds(disc, st.just(100), *[st.floats(9, 70)] * 2),
    ),
    st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).random((_HEIGHT, _WIDTH)) > 0.97),
)


@settings(max_examples=60, deadline=None)
@given(
    start=st.tuples(st.floats(25, 115), st.floats(25, 65), st.floats(4, 20)),
    stop=st.tuples(st.floats(25, 115), st.floats(25, 65), st.floats(4, 20)),
    count=st.integers(1, 12),
)
def test_a_disc_that_moves_and_grows_evenly_is_one_in_between(
    start: tuple[float, float, float], stop: tuple[float, float, float], count: int
) -> None:
    found = list(between(encode(disc(*start)), encode(disc(*stop)), count))
    assert len(found) == count
    for number, mask in enumerate(found, start=1):
        x, y, radius = np.array(start) + (np.array(stop) - start) * number / (count + 1)
        true = disc(x, y, radius)
        rim = disc(x, y, radius + 1.2) & ~disc(x, y, radius - 1.2)
        assert not ((decode(mask) ^ true) & ~rim).any(), "it differs at most along its rim"


@settings(max_examples=80, deadline=None)
@given(first=shapes, last=shapes, count=st.integers(0, 6))
def test_time_has_no_direction_and_nothing_vanishes_or_jumps(first: np.ndarray, last: np.ndarray, count: int) -> None:
    if not (first.any() and last.any()):
        return
    forward = list(between(encode(first), encode(last), count))
    assert forward == list(between(encode(last), encode(first), count))[::-1]
    assert len(forward) == count
    low, high = sorted((first.sum(), last.sum()))
    for mask in forward:
        assert (mask.height, mask.width) == (_HEIGHT, _WIDTH)
        assert low * 0.9 - 2 <= area(mask) <= high * 1.35 + 40, "as large as something between its ends"


@settings(max_examples=40, deadline=None)
@given(mask=shapes, count=st.integers(1, 4))
def test_between_equal_ends_nothing_changes(mask: np.ndarray, count: int) -> None:
    if mask.any():
        assert list(between(encode(mask), encode(mask), count)) == [encode(mask)] * count


def test_the_way_from_end_to_end_is_even() -> None:
    """Close to an end the mask is close to that end; the steps are of one size."""
    first, last = encode(rectangle(20, 20, 30, 20)), encode(disc(90, 50, 16))
    chain = [first, *between(first, last, 40), last]
    neighbours = [iou(a, b) for a, b in pairwise(chain)]
    assert min(neighbours) > 0.8
    assert iou(chain[1], first) > 0.85
    assert iou(chain[-2], last) > 0.85


def test_parts_join_holes_close_and_shapes_that_do_not_overlap_are_never_lost() -> None:
    pair = encode(disc(50, 45, 9) | disc(90, 45, 9))
    one = encode(disc(70, 45, 13))
    chain = [parts(mask) for mask in between(pair, one, 9)]
    assert chain[0] == 2
    assert chain[-1] == 1
    ring, filled = encode(disc(70, 45, 20) & ~disc(70, 45, 8)), encode(disc(70, 45, 20))
    holes = [int((~decode(mask))[38:53, 63:78].sum()) for mask in between(ring, filled, 7)]
    assert holes[0] > 100
    assert holes[-1] < holes[0] / 3
    assert holes == sorted(holes, reverse=True)
    far, dot = encode(disc(20, 45, 4) | disc(120, 45, 4)), encode(disc(70, 45, 6))
    assert all(40 < area(mask) < 140 for mask in between(far, dot, 5))


def test_at_the_edge_of_the_frame_it_stays_within_it() -> None:
    first, last = encode(disc(0, 0, 20)), encode(disc(139, 89, 30))
    found = list(between(first, last, 3))
    assert all(area(mask) > 200 for mask in found)
    lines = [rectangle(0, 44, 140, 1), rectangle(70, 0, 1, 90), rectangle(0, 0, 140, 90), rectangle(139, 89, 1, 1)]
    for a in lines:
        for b in lines:
            assert all(area(mask) >= 1 for mask in between(encode(a), encode(b), 3))


def test_ends_that_have_nothing_between_are_refused() -> None:
    some = encode(disc(50, 40, 9))
    with pytest.raises(ValueError, match="empty"):
        list(between(some, empty(_HEIGHT, _WIDTH), 3))
    with pytest.raises(ValueError, match="empty"):
        list(between(empty(_HEIGHT, _WIDTH), some, 3))
    with pytest.raises(ValueError, match="9x9"):
        list(between(some, encode(np.ones((9, 9), dtype=bool)), 3))


def test_memory_and_time_are_those_of_the_object_also_where_its_size_changes_wildly() -> None:
    """A dot and a line as wide as a 4K frame: the blend must not be made at the size of their ratio."""
    line = np.zeros((2160, 3840), dtype=bool)
    line[1000, :] = True
    big = disc(1900, 1080, 900, height=2160, width=3840)
    began = time.process_time()
    found = list(between(encode(big), encode(line), 3))
    assert time.process_time() - began < 12
    sizes = [area(mask) for mask in found]
    assert sizes == sorted(sizes, reverse=True)
