"""Every tool by real mouse events: the mask that it leaves, its name in the history, and its undo, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPointingDevice
from pytestqt.qtbot import QtBot

from helpers_drawing import (
    ALT,
    CTRL,
    NO_KEY,
    SHIFT,
    SIZE,
    Hand,
    given,
    history,
    kept,
    mask_of,
    near_line,
    pen,
    square,
    wound,
)
from helpers_studio import running_studio, settled
from rvos_app.bootstrap import Studio
from rvos_core.masks import encode
from rvos_core.types import FrameSpan

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

_LINE = [(12.0, 14.0), (30.0, 22.0), (44.0, 18.0)]
_FIGURE_OF_EIGHT = [(10.0, 10.0), (40.0, 30.0), (40.0, 10.0), (10.0, 30.0)]


@pytest.fixture
def studio(tmp_path: Path, tiny_model: str, clip: Path, qtbot: QtBot) -> Iterator[Studio]:
    with running_studio(tmp_path, model=tiny_model, brush_size=9.0) as made:
        made.clips.open(clip)
        qtbot.waitUntil(lambda: made.shown.picture is not None, timeout=30_000)
        made.canvas.setFocus()
        yield made


@pytest.fixture
def hand(studio: Studio) -> Hand:
    return Hand(studio)


def leaves(qtbot: QtBot, studio: Studio, object_id: int, mask: np.ndarray, *, name: str, before: np.ndarray) -> None:
    """The gesture left `mask`, locked, as one entry; undo brings `before` back, redo the mask."""
    settled(qtbot, studio)
    assert history(studio)[-1] == name
    for step, expected in ((None, mask), ("edit.undo", before), ("edit.redo", mask)):
        if step is not None:
            studio.hub.trigger(step)
            settled(qtbot, studio)
        shown, stored = mask_of(studio, object_id, 0), kept(studio, object_id, 0)
        assert shown is not None
        assert stored is not None
        assert np.array_equal(shown, expected)
        assert np.array_equal(stored[0], expected)
        assert stored[1], "a person's mask is locked"


# -- brush and eraser --------------------------------------------------------------------------------------------------


def test_a_stroke_on_nothing_makes_an_object_and_one_undo_takes_both(qtbot: QtBot, studio: Studio, hand: Hand) -> None:
    hand.key(Qt.Key.Key_B)
    line = hand.drag(_LINE)
    (thing,) = studio.state.objects
    assert (thing.name, studio.state.selected) == ("Object 1", thing.object_id)
    expected = near_line(SIZE, line, 4.5)
    settled(qtbot, studio)
    stored = kept(studio, thing.object_id, 0)
    assert stored is not None
    assert np.array_equal(stored[0], expected)
    assert stored[1]
    assert history(studio) == ["Brush on frame 0"]
    studio.hub.trigger("edit.undo")
    settled(qtbot, studio)
    assert studio.state.objects == ()
    studio.hub.trigger("edit.redo")
    settled(qtbot, studio)
    shown = mask_of(studio, thing.object_id, 0)
    assert shown is not None
    assert np.array_equal(shown, expected)


@pytest.mark.parametrize("tool", [Qt.Key.Key_B, Qt.Key.Key_E])
@pytest.mark.parametrize("inverted", [False, True])
def test_brush_adds_and_eraser_takes_off_and_alt_swaps_them(
    qtbot: QtBot, studio: Studio, hand: Hand, tool: Qt.Key, inverted: bool
) -> None:
    before = square(10, 20, 40, 50)
    object_id = given(studio, before)
    hand.key(tool)
    stroke = near_line(SIZE, hand.drag(_LINE, keys=ALT if inverted else NO_KEY), 4.5)
    adds = (tool == Qt.Key.Key_B) != inverted
    after = before | stroke if adds else before & ~stroke
    leaves(qtbot, studio, object_id, after, name=f"{'Brush' if adds else 'Eraser'} on frame 0", before=before)


def test_a_soft_brush_in_the_window_stays_on_its_colour(qtbot: QtBot, studio: Studio, hand: Hand) -> None:
    """The clip has a red square, 16 pixels wide, on grey noise."""
    picture = studio.shown.required_picture().astype(int)
    red = picture[..., 0] - picture[..., 1] > 60
    rows, columns = np.nonzero(red)
    middle = float(columns.mean() + 0.5), float(rows.mean() + 0.5)
    studio.drawing.set_size(26)
    studio.drawing.set_hardness(0.2)
    hand.key(Qt.Key.Key_B)
    hand.click(middle)
    mask = mask_of(studio, studio.state.objects[0].object_id, 0)
    assert mask is not None
    assert (mask & red).sum() >= 0.7 * red.sum()
    assert (mask & ~red).sum() <= 0.08 * mask.sum()


def test_a_pen_scales_the_brush_by_its_pressure_and_its_other_end_erases(
    qtbot: QtBot, studio: Studio, hand: Hand
) -> None:
    hand.key(Qt.Key.Key_B)
    at = (30.0, 24.0)
    studio.drawing.set_size(20)
    areas = []
    for pressure in (0.2, 0.6, 1.0):
        pen(studio, hand, at, pressure)
        object_id = studio.state.objects[0].object_id
        mask = mask_of(studio, object_id, 0)
        assert mask is not None
        radius = 10 * (0.15 + 0.85 * pressure)
        assert np.array_equal(mask, near_line(SIZE, [hand.real(at)] * 2, radius))
        areas.append(int(mask.sum()))
    assert areas == sorted(set(areas))
    pen(studio, hand, at, 0.2, kind=QPointingDevice.PointerType.Eraser)
    mask = mask_of(studio, object_id, 0)
    assert mask is not None
    assert not mask[24, 30]
    assert mask.any()


# -- outlines ----------------------------------------------------------------------------------------------------------


def close_by_enter(hand: Hand, corners: list[tuple[float, float]]) -> None:
    for corner in corners:
        hand.click(corner)
    hand.key(Qt.Key.Key_Return)


def close_at_the_first_corner(hand: Hand, corners: list[tuple[float, float]]) -> None:
    for corner in [*corners, corners[0]]:
        hand.click(corner)


def close_after_a_corner_taken_back(hand: Hand, corners: list[tuple[float, float]]) -> None:
    for corner in [*corners, (60.0, 45.0)]:
        hand.click(corner)
    hand.key(Qt.Key.Key_Backspace)
    hand.click((1.0, 45.0))
    hand.key(Qt.Key.Key_Z, CTRL)
    hand.key(Qt.Key.Key_Enter)


@pytest.mark.parametrize("close", [close_by_enter, close_at_the_first_corner, close_after_a_corner_taken_back])
def test_a_polygon_adds_what_it_goes_round_also_where_it_crosses_itself(
    qtbot: QtBot, studio: Studio, hand: Hand, close: Callable[[Hand, list[tuple[float, float]]], None]
) -> None:
    before = square(30, 30, 44, 60)
    object_id = given(studio, before)
    hand.key(Qt.Key.Key_P)
    close(hand, _FIGURE_OF_EIGHT)
    inside, sure = wound(SIZE, [hand.real(corner) for corner in _FIGURE_OF_EIGHT])
    after = mask_of(studio, object_id, 0)
    assert after is not None
    assert np.array_equal(after[sure], (before | inside)[sure])
    leaves(qtbot, studio, object_id, after, name="Polygon on frame 0", before=before)


@pytest.mark.parametrize("cuts", [False, True])
def test_a_lasso_adds_and_with_alt_cuts(qtbot: QtBot, studio: Studio, hand: Hand, cuts: bool) -> None:
    before = square(8, 8, 40, 30)
    object_id = given(studio, before)
    hand.key(Qt.Key.Key_P, SHIFT)
    loop = [(15.3, 12.1), (50.2, 15.8), (44.7, 38.4), (20.1, 30.6)]
    inside, sure = wound(SIZE, hand.drag(loop, keys=ALT if cuts else NO_KEY))
    after = mask_of(studio, object_id, 0)
    assert after is not None
    assert np.array_equal(after[sure], (before & ~inside if cuts else before | inside)[sure])
    leaves(qtbot, studio, object_id, after, name=f"Lasso{' cut' if cuts else ''} on frame 0", before=before)


# -- moving and whole masks --------------------------------------------------------------------------------------------


def shifted(mask: np.ndarray, dx: int, dy: int) -> np.ndarray:
    """Pixel by pixel."""
    result = np.zeros_like(mask)
    for y, x in zip(*np.nonzero(mask), strict=True):
        if 0 <= y + dy < mask.shape[0] and 0 <= x + dx < mask.shape[1]:
            result[y + dy, x + dx] = True
    return result


@pytest.mark.parametrize("way", [(7.0, 4.0), (-21.0, 0.0), (0.0, 33.0)])
def test_a_drag_moves_the_mask_and_the_edge_cuts_it(
    qtbot: QtBot, studio: Studio, hand: Hand, way: tuple[float, float]
) -> None:
    before = square(12, 10, 30, 34) & ~square(18, 15, 22, 20)
    object_id = given(studio, before)
    hand.key(Qt.Key.Key_G)
    hand.drag([(30.5, 20.5), (31.0, 22.0), (30.5 + way[0], 20.5 + way[1])])
    after = shifted(before, int(way[0]), int(way[1]))
    leaves(qtbot, studio, object_id, after, name="Move on frame 0", before=before)


def test_ctrl_and_arrows_nudge_as_one_step_while_plain_arrows_go_to_other_frames(
    qtbot: QtBot, studio: Studio, hand: Hand
) -> None:
    before = square(15, 15, 25, 30)
    object_id = given(studio, before)
    for key, keys in (
        (Qt.Key.Key_Right, CTRL),
        (Qt.Key.Key_Down, CTRL),
        (Qt.Key.Key_Down, CTRL),
        (Qt.Key.Key_Right, CTRL | SHIFT),
    ):
        hand.key(key, keys)
    leaves(qtbot, studio, object_id, shifted(before, 11, 2), name="Nudge on frame 0", before=before)
    hand.key(Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: studio.shown.index == 1)


def test_holes_are_filled_and_bays_are_not(qtbot: QtBot, studio: Studio, hand: Hand) -> None:
    ring = square(10, 10, 30, 40) & ~square(15, 15, 25, 30)
    before = ring & ~square(12, 34, 20, 40)
    object_id = given(studio, before)
    hand.key(Qt.Key.Key_H, SHIFT)
    leaves(qtbot, studio, object_id, before | square(15, 15, 25, 30), name="Fill holes on frame 0", before=before)
    hand.key(Qt.Key.Key_H, SHIFT)
    assert hand.said == "The mask has no holes."


def test_a_mask_is_copied_on_and_back_but_never_onto_a_locked_frame(qtbot: QtBot, studio: Studio, hand: Hand) -> None:
    mask = square(10, 10, 30, 40)
    object_id = given(studio, mask)
    hand.key(Qt.Key.Key_BracketRight, CTRL)
    qtbot.waitUntil(lambda: studio.shown.index == 1)
    settled(qtbot, studio)
    assert history(studio)[-1] == "Copy of frame 0 on frame 1"
    stored = kept(studio, object_id, 1)
    assert stored is not None
    assert np.array_equal(stored[0], mask)
    assert stored[1]
    hand.key(Qt.Key.Key_BracketLeft, CTRL)
    assert hand.said == "Frame 0 is locked, so its mask stays; unlock it first."
    assert studio.shown.index == 1
    studio.hub.trigger("edit.undo")
    settled(qtbot, studio)
    assert mask_of(studio, object_id, 1) is None


def test_masks_are_deleted_here_and_from_in_to_out_where_they_are_not_locked(
    qtbot: QtBot, studio: Studio, hand: Hand
) -> None:
    mask = square(10, 10, 30, 40)
    object_id = given(studio, mask)
    for frame in range(1, 6):
        given(studio, mask, object_id=object_id, frame=frame)
    studio.hand.editor.lock(object_id, (2, 3, 4, 5), locked=False)
    studio.state.set_span(FrameSpan(1, 5))
    hand.key(Qt.Key.Key_Delete, CTRL | SHIFT)
    assert hand.said == "Deleted masks of 3 frames. 1 frame locked, and kept."
    assert sorted(studio.state.results(object_id)) == [0, 1, 5]
    hand.key(Qt.Key.Key_Delete, SHIFT)
    assert sorted(studio.state.results(object_id)) == [1, 5]
    settled(qtbot, studio)
    assert history(studio)[-2:] == ["Delete masks of 4 frames", "Delete the mask of frame 0"]
    document = studio.documents.document
    assert document is not None
    assert document.do(lambda project: project.lane(object_id).frames.tolist()) == [1, 5]
    studio.hub.trigger("edit.undo")
    studio.hub.trigger("edit.undo")
    settled(qtbot, studio)
    assert {frame: each.mask for frame, each in studio.state.results(object_id).items()} == dict.fromkeys(
        range(6), encode(mask)
    )
