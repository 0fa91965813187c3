"""Points and boxes: asked off the GUI thread, refined click by click, dropped where they come too late."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from helpers_clicks import Answer, GrabCutInDiscs, grab
from helpers_drawing import ALT, RIGHT, Hand, given, history, kept, mask_of, square
from helpers_qt import painted
from helpers_studio import running_studio, settled
from rvos_app.bootstrap import Studio
from rvos_core.errors import UserError
from rvos_core.inference.clicks import ClickSession, PlainClicker
from rvos_core.models.api import Clicks

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

_ON, _BESIDE = (7.5, 23.5), (40.5, 40.5)  # the red square of frame 0 reaches from 0 to 16, 16 to 32


@pytest.fixture
def clicker() -> GrabCutInDiscs:
    return GrabCutInDiscs()


@pytest.fixture
def studio(tmp_path: Path, tiny_model: str, clip: Path, clicker: GrabCutInDiscs, qtbot: QtBot) -> Iterator[Studio]:
    with running_studio(tmp_path, model=tiny_model, answer_clicks=clicker) as made:
        made.clips.open(clip)
        qtbot.waitUntil(lambda: made.runs.engine is not None and made.shown.picture is not None, timeout=30_000)
        made.canvas.setFocus()
        made.drawing.choose("points")
        yield made
        clicker.gate.set()


@pytest.fixture
def hand(studio: Studio) -> Hand:
    return Hand(studio)


def answered(qtbot: QtBot, studio: Studio) -> None:
    qtbot.waitUntil(lambda: not studio.clicking.waits, timeout=10_000)
    settled(qtbot, studio)


def test_clicks_refine_a_mask_each_in_one_step_and_undo_goes_back_through_them(
    qtbot: QtBot, studio: Studio, hand: Hand, clicker: GrabCutInDiscs
) -> None:
    picture = studio.shown.required_picture()
    hand.click(_ON)
    answered(qtbot, studio)
    object_id = studio.state.objects[0].object_id
    first = grab(picture, Clicks(positive=((7, 23),)), None)
    assert first.any()
    assert np.array_equal(mask_of(studio, object_id, 0), first)
    assert hand.said == "Found by GrabCut in discs; it fits the clicks to 100 %."
    hand.click((13.5, 28.5), button=RIGHT)
    answered(qtbot, studio)
    both = Clicks(positive=((7, 23),), negative=((13, 28),))
    second = grab(picture, both, first)
    assert not np.array_equal(first, second)
    assert np.array_equal(mask_of(studio, object_id, 0), second)
    assert clicker.asked[-1] == studio.clicking.clicks == both
    assert set(clicker.threads) == {"gpu"}, "never on the thread that paints"
    assert history(studio) == ["Click on frame 0", "Click on frame 0"]
    stored = kept(studio, object_id, 0)
    assert stored is not None
    assert stored[1]
    studio.hub.trigger("edit.undo")
    settled(qtbot, studio)
    assert np.array_equal(mask_of(studio, object_id, 0), first)
    assert studio.clicking.clicks == Clicks(positive=((7, 23),))
    studio.hub.trigger("edit.redo")
    settled(qtbot, studio)
    assert studio.clicking.clicks == both
    studio.hub.trigger("edit.undo")
    studio.hub.trigger("edit.undo")
    settled(qtbot, studio)
    assert studio.state.objects == ()
    assert studio.clicking.clicks == Clicks()


def test_a_click_that_changes_nothing_is_no_step_but_is_remembered(
    qtbot: QtBot, studio: Studio, hand: Hand, clicker: GrabCutInDiscs
) -> None:
    hand.click(_ON)
    answered(qtbot, studio)
    hand.click(_BESIDE, button=RIGHT)
    answered(qtbot, studio)
    assert history(studio) == ["Click on frame 0"]
    assert studio.clicking.clicks == Clicks(positive=((7, 23),), negative=((40, 40),))


def test_a_box_is_one_step_and_begins_anew(qtbot: QtBot, studio: Studio, hand: Hand, clicker: GrabCutInDiscs) -> None:
    hand.click(_ON)
    answered(qtbot, studio)
    hand.key(Qt.Key.Key_W)
    hand.drag([(-3.0, 12.5), (10.0, 20.0), (22.5, 36.5)])
    answered(qtbot, studio)
    expected = Clicks(box=(0, 12, 23, 37))
    assert clicker.asked[-1] == studio.clicking.clicks == expected
    object_id = studio.state.objects[0].object_id
    assert np.array_equal(mask_of(studio, object_id, 0), grab(studio.shown.required_picture(), expected, None))
    assert history(studio)[-1] == "Box on frame 0"


def test_a_click_that_only_takes_away_leaves_the_middle_of_the_mask_to_stand_for_it(
    qtbot: QtBot, studio: Studio, hand: Hand, clicker: GrabCutInDiscs
) -> None:
    mask = square(14, 0, 34, 30)
    given(studio, mask)
    hand.click((25.5, 24.5), keys=ALT)
    answered(qtbot, studio)
    (asked,) = clicker.asked
    assert asked.negative == ((25, 24),)
    ((x, y),) = asked.positive
    assert mask[y - 6 : y + 7, x - 6 : x + 7].all(), "deep in the mask"
    assert abs(x - 25) > 6
    assert studio.clicking.clicks == Clicks(negative=((25, 24),)), "the person made one click"


def test_dots_are_painted_where_the_clicks_are(qtbot: QtBot, studio: Studio, hand: Hand) -> None:
    hand.click(_ON)
    hand.click(_BESIDE, button=RIGHT)
    answered(qtbot, studio)
    image = painted(studio.canvas.viewport())
    for at, channel in ((_ON, 1), (_BESIDE, 0)):
        place = hand.view((int(at[0]) + 0.5, int(at[1]) + 0.5))
        around = image[place.y() - 5 : place.y() + 6, place.x() - 5 : place.x() + 6].astype(int)
        others = [c for c in range(3) if c != channel]
        assert (around[..., channel] - around[..., others].max(axis=2) > 60).mean() > 0.3
        assert (around.min(axis=2) > 225).any(), "the sign is white"


@pytest.mark.parametrize("what", ["frame", "object", "brush", "clip", "box"])
def test_an_answer_that_comes_too_late_changes_nothing(
    qtbot: QtBot, studio: Studio, hand: Hand, clicker: GrabCutInDiscs, clip: Path, what: str
) -> None:
    object_id = given(studio, square(10, 30, 20, 50))
    other = given(studio, square(0, 60, 4, 64))
    studio.state.select(object_id)
    clicker.gate.clear()
    hand.click(_ON)
    qtbot.waitUntil(lambda: len(clicker.asked) == 1, timeout=5000)
    if what == "frame":
        studio.playback.seek(3)
        qtbot.waitUntil(lambda: studio.shown.index == 3, timeout=5000)
    elif what == "object":
        studio.state.select(other)
    elif what == "brush":
        hand.key(Qt.Key.Key_B)
        hand.click((60.0, 30.0))
    elif what == "clip":
        studio.clips.open(clip)
        qtbot.waitUntil(lambda: not studio.state.objects, timeout=10_000)
    else:
        hand.key(Qt.Key.Key_W)
        hand.drag([(-3.0, 12.5), (22.5, 36.5)])
    before = {each.object_id: mask_of(studio, each.object_id, 0) for each in studio.state.objects}
    clicker.gate.set()
    qtbot.waitUntil(lambda: not studio.queues.gpu.tickets, timeout=10_000)
    answered(qtbot, studio)
    if what == "box":
        assert [each.box is not None for each in clicker.asked] == [False, True]
        assert history(studio)[-1] == "Box on frame 0"
        assert "Click on frame 0" not in history(studio)
        return
    assert studio.clicking.clicks == Clicks()
    for each in studio.state.objects:
        assert np.array_equal(mask_of(studio, each.object_id, 0), before[each.object_id])


def test_contradictory_and_repeated_clicks_are_refused(
    qtbot: QtBot, studio: Studio, hand: Hand, clicker: GrabCutInDiscs
) -> None:
    hand.click(_ON, button=RIGHT)
    assert hand.said == "Click on the object first; then a right click takes away from it."
    hand.click(_ON)
    answered(qtbot, studio)
    hand.click(_ON, button=RIGHT)
    assert hand.said == "That very pixel was marked the other way round; undo that click first."
    hand.click(_ON)
    assert hand.said == "That pixel is marked already."
    hand.click((70.0, 20.0))
    assert hand.said == "That is outside the picture."
    hand.key(Qt.Key.Key_W)
    hand.click(_ON)
    assert hand.said == "That box has no size: drag it from one corner to the other."
    hand.drag([(-20.0, -20.0), (-4.0, -4.0)])
    assert hand.said == "That is outside the picture."
    assert len(clicker.asked) == 1
    assert history(studio) == ["Click on frame 0"]


def test_a_clicker_that_finds_nothing_or_fails_leaves_the_document_alone(
    qtbot: QtBot, studio: Studio, hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_answer = Answer(np.zeros((48, 64), dtype=bool), "blind", 0.0)
    monkeypatch.setattr(GrabCutInDiscs, "__call__", lambda *_: empty_answer)
    hand.click(_ON)
    answered(qtbot, studio)
    assert hand.said == "Nothing was found there; click elsewhere, or draw a box."

    def fails(*_: object) -> Answer:
        raise UserError("The clicker has no weights.", code="clicker.weights")

    monkeypatch.setattr(GrabCutInDiscs, "__call__", fails)
    hand.click(_ON)
    answered(qtbot, studio)
    assert hand.said == "The clicker has no weights."
    assert studio.clicking.clicks == Clicks()
    assert studio.state.objects == ()
    assert history(studio) == []


def test_the_programs_own_clicker_answers_in_the_window(
    tmp_path: Path, tiny_model: str, clip: Path, qtbot: QtBot
) -> None:
    own = ClickSession([PlainClicker()])
    with running_studio(tmp_path, model=tiny_model, answer_clicks=own.answer) as studio:
        studio.clips.open(clip)
        qtbot.waitUntil(lambda: studio.shown.picture is not None, timeout=30_000)
        studio.drawing.choose("points")
        hand = Hand(studio)
        hand.click(_ON)
        answered(qtbot, studio)
        mask = mask_of(studio, studio.state.objects[0].object_id, 0)
        assert mask is not None
        red = square(16, 0, 32, 16)
        assert (mask & red).sum() >= 0.8 * (mask | red).sum()
        assert hand.said.startswith("Found by its colour; it fits the clicks to ")
