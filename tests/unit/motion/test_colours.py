"""Colour terms of pixels."""

from __future__ import annotations

import numpy as np
import pytest

from rvos_core.inference.motion.colours import TERMS, named, share_of, shares
from rvos_core.language.phrases import COLOURS


def test_every_colour_that_can_be_said_can_be_seen() -> None:
    assert set(TERMS) == set(COLOURS)


@pytest.mark.parametrize(
    ("rgb", "term"),
    [
        ((10, 10, 12), "black"),
        ((128, 128, 128), "grey"),
        ((245, 245, 245), "white"),
        ((200, 20, 30), "red"),
        ((250, 140, 20), "orange"),
        ((110, 70, 40), "brown"),
        ((240, 220, 40), "yellow"),
        ((30, 140, 50), "green"),
        ((30, 70, 200), "blue"),
        ((120, 40, 160), "purple"),
        ((250, 150, 190), "pink"),
        ((20, 24, 38), "black"),  # bluish in the shade
    ],
)
def test_typical_colours_have_their_names(rgb: tuple[int, int, int], term: str) -> None:
    assert TERMS[int(named(np.array([[rgb]], np.uint8))[0, 0])] == term


def test_shares_count_pixels_and_near_terms_in_part() -> None:
    pixels = np.array([(128, 128, 128)] * 3 + [(245, 245, 245)], np.uint8)
    found = shares(pixels)
    assert found.sum() == pytest.approx(1.0)
    assert share_of("grey", found) > share_of("white", found) > 0.25
    assert share_of("red", found) == 0.0
    assert shares(np.zeros((0, 3), np.uint8)).sum() == 0.0


@pytest.mark.parametrize("shade", np.random.default_rng(0).integers(0, 256, (40, 3)).tolist())
def test_every_pixel_has_exactly_one_name(shade: list[int]) -> None:
    assert 0 <= int(named(np.array([[shade]], np.uint8))[0, 0]) < len(TERMS)
