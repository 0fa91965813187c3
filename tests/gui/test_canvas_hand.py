"""The hand and its tools: keys, sizes, giving up, selecting, and that only what changes is painted anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from helpers_drawing import ALT, CTRL, NO_KEY, SHIFT, SIZE, Hand, given, history, mask_of, near_line, square, wound
from helpers_qt import painted, pixels, wheel
from helpers_studio import running_studio, settled
from rvos_app.bootstrap import Studio
from rvos_core.masks import bbox

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

_LINE = [(12.0, 14.0), (30.0, 22.0), (44.0, 18.0)]


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


def test_each_tool_has_its_key_and_the_line_above_the_picture_says_which(studio: Studio, hand: Hand) -> None:
    for key, keys, name in (
        (Qt.Key.Key_Q, NO_KEY, "points"),
        (Qt.Key.Key_W, NO_KEY, "box"),
        (Qt.Key.Key_B, NO_KEY, "brush"),
        (Qt.Key.Key_E, NO_KEY, "eraser"),
        (Qt.Key.Key_P, NO_KEY, "polygon"),
        (Qt.Key.Key_P, SHIFT, "lasso"),
        (Qt.Key.Key_G, NO_KEY, "move"),
        (Qt.Key.Key_V, NO_KEY, "select"),
    ):
        hand.key(key, keys)
        assert studio.drawing.tool == name
        assert studio.hub.action(f"mask.{name}").isChecked()
        assert studio.parts.tool_line.shows_brush == (name in ("brush", "eraser"))


def test_typing_a_sentence_never_takes_a_tool_in_hand(studio: Studio, hand: Hand) -> None:
    given(studio, square(10, 10, 30, 40))
    studio.field.setFocus()
    studio.field.clear()
    for letter in "qwebpgvyzh[]":
        hand.key(Qt.Key(ord(letter.upper())))
    hand.key(Qt.Key.Key_Delete, SHIFT)
    hand.key(Qt.Key.Key_Left, CTRL)
    assert studio.field.text() == "qwebpgvyzh[]"
    assert studio.drawing.tool == "select"
    assert mask_of(studio, 1, 0) is not None
    assert np.array_equal(mask_of(studio, 1, 0), square(10, 10, 30, 40))


def test_the_brush_is_sized_by_keys_wheel_drag_and_field(studio: Studio, hand: Hand) -> None:
    hand.key(Qt.Key.Key_B)
    sizes = []
    for key, keys in (
        (Qt.Key.Key_BracketRight, NO_KEY),
        (Qt.Key.Key_BracketRight, SHIFT),
        (Qt.Key.Key_BracketLeft, NO_KEY),
        (Qt.Key.Key_BracketLeft, SHIFT),
        (Qt.Key.Key_BracketLeft, SHIFT),
    ):
        hand.key(key, keys)
        sizes.append(studio.drawing.options.size)
    assert sizes == [10, 20, 19, 9, 1], "never smaller than one pixel"
    studio.parts.tool_line.diameter.setValue(30)
    zoom = studio.canvas.zoom
    wheel(studio.canvas.viewport(), QPointF(100, 100), 2, keys=ALT)
    assert studio.drawing.options.size == pytest.approx(30 * 1.15**2)
    assert studio.canvas.zoom == zoom
    hand.drag([(10.0, 10.0), (14.0, 10.0)], keys=CTRL)
    assert studio.drawing.options.size > 30 * 1.15**2
    assert studio.state.objects == (), "sizing draws nothing"
    assert studio.settings.brush_size == studio.drawing.options.size


@pytest.mark.parametrize("tool", ["brush", "eraser", "box", "polygon", "lasso", "move", "points"])
def test_escape_gives_a_gesture_up(qtbot: QtBot, studio: Studio, hand: Hand, tool: str) -> None:
    before = square(10, 10, 30, 40)
    object_id = given(studio, before)
    settled(qtbot, studio)
    entries = history(studio)
    studio.drawing.choose(tool)
    hand.press((15.0, 15.0))
    hand.move((50.0, 40.0))
    hand.key(Qt.Key.Key_Escape)
    hand.move((5.0, 40.0))
    hand.release((5.0, 40.0))
    settled(qtbot, studio)
    assert history(studio) == entries
    assert not studio.canvas.is_drawing
    shown = mask_of(studio, object_id, 0)
    assert shown is not None
    assert np.array_equal(shown, before)
    assert not studio.clicking.waits


def test_a_stroke_during_which_the_frame_changes_stays_on_the_frame_it_began_on(
    qtbot: QtBot, studio: Studio, hand: Hand
) -> None:
    hand.key(Qt.Key.Key_B)
    hand.press(_LINE[0])
    hand.move(_LINE[1])
    studio.playback.seek(5)
    qtbot.waitUntil(lambda: studio.shown.index == 5, timeout=5000)
    hand.move(_LINE[2])
    hand.release(_LINE[2])
    object_id = studio.state.objects[0].object_id
    assert list(studio.state.results(object_id)) == [0]
    shown = mask_of(studio, object_id, 0)
    assert shown is not None
    assert np.array_equal(shown, near_line(SIZE, [hand.real(point) for point in _LINE[:2]], 4.5))


def test_a_polygon_closes_on_the_mask_as_undo_has_left_it(qtbot: QtBot, studio: Studio, hand: Hand) -> None:
    first = square(10, 10, 20, 20)
    object_id = given(studio, first)
    given(studio, square(30, 30, 44, 60), object_id=object_id)
    settled(qtbot, studio)
    studio.drawing.choose("polygon")
    corners = [(22.0, 4.0), (50.0, 4.0), (50.0, 14.0), (22.0, 14.0)]
    for corner in corners:
        hand.click(corner)
    studio.hub.trigger("edit.undo")
    settled(qtbot, studio)
    hand.key(Qt.Key.Key_Return)
    inside, sure = wound(SIZE, [hand.real(corner) for corner in corners])
    after = mask_of(studio, object_id, 0)
    assert after is not None
    assert np.array_equal(after[sure], (first | inside)[sure])


def test_the_arrow_selects_the_topmost_object_and_pans(studio: Studio, hand: Hand) -> None:
    lower, upper = given(studio, square(5, 5, 30, 30)), given(studio, square(20, 20, 45, 45))
    studio.state.select(None)
    hand.key(Qt.Key.Key_V)
    for at, picked in (((25.0, 25.0), upper), ((8.0, 8.0), lower), ((60.0, 3.0), None)):
        hand.click(at)
        assert studio.state.selected == picked
    there = hand.view((30.0, 30.0))
    hand.drag([(30.0, 30.0), (34.0, 30.0), (40.0, 33.0)])
    assert hand.view((30.0, 30.0)) != there
    box = bbox(studio.state.results(lower)[0].mask)
    assert box == (5, 5, 30, 30)


@pytest.mark.parametrize("tool", ["brush", "eraser", "move", "lasso", "box", "polygon"])
def test_what_is_on_screen_during_and_after_a_gesture_is_what_a_whole_repaint_shows(
    qtbot: QtBot, studio: Studio, hand: Hand, tool: str
) -> None:
    """Only parts are painted anew; nothing stale may stay beside them."""
    given(studio, square(10, 10, 30, 40))
    given(studio, square(20, 20, 44, 60))
    studio.drawing.choose(tool)
    hand.hover((50.0, 8.0))
    hand.press((14.0, 14.0))
    for at in ((30.0, 25.0), (44.0, 40.0), (20.0, 36.0)):
        hand.move(at)
        assert on_screen(studio), at
    hand.release((20.0, 36.0))
    assert on_screen(studio), "let go"
    hand.key(Qt.Key.Key_Escape)
    assert on_screen(studio), "given up, where it was not over"
    hand.hover((60.0, 4.0))
    assert on_screen(studio), "moved away"


def on_screen(studio: Studio) -> bool:
    """What is on screen is what a whole repaint shows; edges of magnified pixels may lie one screen pixel beside."""
    QApplication.processEvents()
    viewport, window = studio.canvas.viewport(), studio.window
    place = viewport.mapTo(window, viewport.rect().topLeft())
    seen = window.screen().grabWindow(window.winId())
    shown = pixels(seen.copy(place.x(), place.y(), viewport.width(), viewport.height()).toImage())
    whole = painted(viewport)
    rows, columns = np.nonzero((shown != whole).any(axis=2))
    round_it = np.pad(whole, ((1, 1), (1, 1), (0, 0)), mode="edge")
    beside = [
        (shown[rows, columns] == round_it[rows + dy, columns + dx]).all(axis=1)
        for dy, dx in ((1, 2), (1, 0), (2, 1), (0, 1))
    ]
    return bool(np.any(beside, axis=0).all())
