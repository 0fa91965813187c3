"""Masks on a frame: inside tinted, outline drawn, outside untouched, later objects on top."""

from __future__ import annotations

import numpy as np
import pytest

from rvos_core.delivery.overlay import OverlayStyle, draw_overlay
from rvos_core.masks import encode, object_colour

FILL = OverlayStyle(opacity=0.5, outline_px=0)


@pytest.fixture
def frame() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def box(top: int, left: int, bottom: int, right: int) -> np.ndarray:
    mask = np.zeros((40, 60), dtype=bool)
    mask[top:bottom, left:right] = True
    return mask


def test_the_fill_is_the_plain_formula_and_the_frame_stays(frame: np.ndarray) -> None:
    before = frame.copy()
    mask = np.random.default_rng(1).random((40, 60)) < 0.3
    drawn = draw_overlay(frame, [encode(mask)], style=FILL)
    expected = np.where(mask[..., None], 0.5 * frame + 0.5 * np.array(object_colour(0)), frame)
    assert np.abs(drawn - expected).max() <= 0.5
    np.testing.assert_array_equal(frame, before)


def test_a_read_only_frame_can_be_drawn_on(frame: np.ndarray) -> None:
    frame.flags.writeable = False
    assert draw_overlay(frame, [box(0, 0, 40, 60)]).flags.writeable


def test_nothing_changes_beyond_the_outline(frame: np.ndarray) -> None:
    mask = box(10, 20, 30, 45)
    drawn = draw_overlay(frame, [mask], style=OverlayStyle(outline_px=3))
    far = np.ones((40, 60), dtype=bool)
    far[10 - 3 : 30 + 3, 20 - 3 : 45 + 3] = False
    np.testing.assert_array_equal(drawn[far], frame[far])
    np.testing.assert_array_equal(drawn[10, 25:40], np.broadcast_to(object_colour(0), (15, 3)))


def test_outlines_at_the_border_of_the_frame(frame: np.ndarray) -> None:
    drawn = draw_overlay(frame, [box(0, 0, 40, 60)], style=OverlayStyle(outline_px=4))
    np.testing.assert_array_equal(drawn[0, 5:55], np.broadcast_to(object_colour(0), (50, 3)))


def test_several_objects_have_several_colours_and_the_last_is_on_top(frame: np.ndarray) -> None:
    style = OverlayStyle(opacity=1.0, outline_px=0, colours=((1, 2, 3),))
    drawn = draw_overlay(frame, [box(0, 0, 20, 20), box(10, 10, 30, 30), box(0, 0, 0, 0)], style=style)
    assert tuple(drawn[5, 5]) == (1, 2, 3)
    assert tuple(drawn[15, 15]) == object_colour(1)


def test_no_masks_no_change_and_other_sizes_are_refused(frame: np.ndarray) -> None:
    np.testing.assert_array_equal(draw_overlay(frame, [np.zeros((40, 60), dtype=bool)]), frame)
    with pytest.raises(ValueError, match="frame of 60x40"):
        draw_overlay(frame, [np.zeros((20, 30), dtype=bool)])
