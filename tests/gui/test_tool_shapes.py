"""Which pixels brush, soft brush and outlines cover, against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers_drawing import near_line, wound
from rvos_app.canvas.tools.shapes import Patch, alike, capsule, polygon

_SIZE = (24, 31)
_COORDINATES = st.floats(-9, 40, allow_nan=False)
_POINTS = st.tuples(_COORDINATES, _COORDINATES)


def whole(patch: Patch | None, size: tuple[int, int] = _SIZE) -> np.ndarray:
    result = np.zeros(size, dtype=bool)
    if patch is not None:
        rows, columns = patch.pixels.shape
        result[patch.top : patch.top + rows, patch.left : patch.left + columns] = patch.pixels
    return result


@given(_POINTS, _POINTS, st.floats(1, 12))
@settings(max_examples=60, deadline=None)
def test_a_stroke_covers_the_pixels_near_its_line(
    start: tuple[float, float], stop: tuple[float, float], radius: float
) -> None:
    ours = whole(capsule(start, stop, radius, size=_SIZE))
    least = near_line(_SIZE, [start, stop], radius - 1e-6)
    most = near_line(_SIZE, [start, stop], radius + 1e-6)
    assert not (least & ~ours).any()
    assert not (ours & ~most).any()


@pytest.mark.parametrize("radius", [0.5, 0.9])
def test_the_finest_stroke_is_one_pixel_wide_and_without_gaps(radius: float) -> None:
    line = whole(capsule((2.1, 3.9), (25.9, 3.2), radius, size=_SIZE))
    assert line[3, 2:26].all()
    assert line.sum() == 24
    steep = whole(capsule((3.0, 2.0), (20.0, 19.0), 0.71, size=_SIZE))
    assert all(steep[k + 2, k + 3] for k in range(17))


@given(st.lists(_POINTS, min_size=3, max_size=9))
@settings(max_examples=40, deadline=None)
def test_an_outline_fills_all_that_it_goes_round(corners: list[tuple[float, float]]) -> None:
    inside, sure = wound(_SIZE, corners)
    ours = whole(polygon(corners, size=_SIZE))
    assert np.array_equal(ours[sure], inside[sure])


def test_a_five_pointed_star_has_no_hole_in_its_middle() -> None:
    turns = np.exp(2j * np.pi * np.arange(0, 10, 2) / 5) * 10
    star = [(15 + float(t.real), 12 + float(t.imag)) for t in turns]
    assert whole(polygon(star, size=_SIZE))[12, 15]


@pytest.mark.parametrize(
    "corners", [[], [(1, 1)], [(1, 1), (9, 9)], [(2, 2), (5, 5), (9, 9)], [(50, 50), (60, 50), (55, 60)]]
)
def test_a_line_without_an_inside_is_nothing(corners: list[tuple[float, float]]) -> None:
    assert polygon(corners, size=_SIZE) is None


def two_colours() -> np.ndarray:
    """(60, 80, 3): left half orange, right half blue, with a little noise."""
    picture = np.empty((60, 80, 3), np.float64)
    picture[:, :40], picture[:, 40:] = (220, 140, 40), (40, 90, 200)
    noise = np.random.default_rng(5).normal(0, 3, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("hardness", [0.0, 0.3, 0.5])
def test_a_soft_brush_stops_at_an_edge_and_fills_its_side(hardness: float) -> None:
    centre, radius = (30.0, 30.0), 18.0
    ours = whole(alike(two_colours(), centre, radius, hardness), (60, 80))
    disc = near_line((60, 80), [centre, centre], radius)
    this_side = np.arange(80) < 40
    assert not ours[:, ~this_side].any(), "the rim beyond the edge has another colour"
    expected = disc & this_side
    assert not (ours & ~expected).any()
    assert ours.sum() >= 0.97 * expected.sum()


def test_the_core_of_a_soft_brush_takes_whatever_lies_there() -> None:
    centre, radius, hardness = (38.0, 30.0), 20.0, 0.5
    ours = whole(alike(two_colours(), centre, radius, hardness), (60, 80))
    core = near_line((60, 80), [centre, centre], radius * hardness)
    assert ours[core].all()
    assert core[:, 40:].any()


def test_a_brush_of_full_hardness_is_a_disc() -> None:
    centre, radius = (30.0, 30.0), 12.0
    ours = whole(alike(two_colours(), centre, radius, 1.0), (60, 80))
    assert np.array_equal(ours, near_line((60, 80), [centre, centre], radius))


def test_beside_the_frame_nothing_is_covered() -> None:
    assert capsule((-50, -50), (-40, -50), 5, size=_SIZE) is None
    assert alike(two_colours(), (-30.0, 10.0), 5.0, 0.5) is None
