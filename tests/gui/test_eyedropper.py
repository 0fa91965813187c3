"""The eyedropper of the Matte panel: shows the frame's own colour live, a click takes it, Esc and right click leave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from helpers_drawing import Hand, history
from helpers_studio import open_project, running_studio, settled
from helpers_tracks import document, go_to, two_tracks, undone_exactly
from rvos_app.bootstrap import Studio
from rvos_app.canvas.eyedropper import colour_at
from rvos_app.panels.knobs import ColourRow
from rvos_core.matte.look import Look

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

_LEFT, _RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


@pytest.fixture
def studio(qtbot: QtBot, tmp_path: Path, tiny_model: str) -> Iterator[Studio]:
    path = two_tracks(tmp_path)
    with running_studio(tmp_path, model=tiny_model) as made:
        open_project(qtbot, made, path)
        made.state.select(1)
        made.window.bring_forward(made.parts.matte)
        go_to(qtbot, made, 6)
        qtbot.waitUntil(lambda: made.shown.index == 6)
        made.looks.set_knob(1, "despill", 0.5, label="Despill")
        yield made


def take_up(studio: Studio, row: ColourRow | None = None) -> QWidget:
    """Click the button. Returns: what hears the mouse over the picture."""
    row = row or studio.parts.matte.screen_colour
    QTest.mouseClick(row.pipette, _LEFT)
    assert row.pipette.isChecked()
    assert studio.looking.eyedropper.active
    veil = QApplication.focusWidget()
    assert veil is not None
    assert veil.parent() is studio.canvas.viewport()
    assert veil.cursor().shape() is Qt.CursorShape.CrossCursor
    return veil


def expected(studio: Studio, at: tuple[int, int]) -> tuple[int, ...]:
    picture, (x, y) = studio.shown.required_picture().astype(float), at
    return tuple(np.rint(picture[y - 1 : y + 2, x - 1 : x + 2].mean((0, 1))).astype(int).tolist())


def test_a_click_takes_the_colour_of_the_frame_not_of_the_mask_in_one_step(qtbot: QtBot, studio: Studio) -> None:
    settled(qtbot, studio)
    before, hand = document(studio), Hand(studio)
    inside = (25, 20)  # under the mask's colour
    veil = take_up(studio)
    QTest.mouseMove(veil, hand.view((inside[0] + 0.5, inside[1] + 0.5)))
    assert studio.looking.eyedropper.shown == expected(studio, inside)
    QTest.mouseMove(veil, QPoint(1, 1))
    assert studio.looking.eyedropper.shown is None, "beside the picture"
    QTest.mouseClick(veil, _LEFT, pos=QPoint(1, 1))
    assert studio.looking.eyedropper.active
    QTest.mouseClick(veil, _LEFT, pos=hand.view((inside[0] + 0.5, inside[1] + 0.5)))
    assert not studio.looking.eyedropper.active
    assert not studio.parts.matte.screen_colour.pipette.isChecked()
    assert not veil.isVisible()
    kept = Look.from_json(studio.state.objects[0].look).matte.default
    assert kept.despill_colour == expected(studio, inside)
    settled(qtbot, studio)
    assert history(studio)[-1] == "Matte: screen"
    assert "#" in hand.said
    undone_exactly(qtbot, studio, before)


@pytest.mark.parametrize("how", ["escape", "right", "button", "selection", "elsewhere", "closed"])
def test_it_is_put_away_without_a_change(qtbot: QtBot, studio: Studio, how: str) -> None:
    settled(qtbot, studio)
    before, hand = document(studio), Hand(studio)
    veil = take_up(studio)
    QTest.mouseMove(veil, hand.view((20.0, 20.0)))
    if how == "escape":
        hand.key(Qt.Key.Key_Escape)
    elif how == "right":
        QTest.mouseClick(veil, _RIGHT, pos=hand.view((20.0, 20.0)))
    elif how == "button":
        QTest.mouseClick(studio.parts.matte.screen_colour.pipette, _LEFT)
    elif how == "selection":
        studio.state.select(2)
    elif how == "elsewhere":
        studio.field.setFocus()
    else:
        dock = studio.parts.matte.parentWidget()
        assert dock is not None
        dock.close()
    qtbot.waitUntil(lambda: not studio.looking.eyedropper.active)
    assert not veil.isVisible()
    assert not studio.parts.matte.screen_colour.pipette.isChecked()
    settled(qtbot, studio)
    assert document(studio) == before
    hand.hover((20.0, 20.0))
    assert studio.canvas._hovered == (20, 20), "the canvas hears the mouse again"


def test_one_zooms_with_it_in_hand_and_effects_have_it_too(qtbot: QtBot, studio: Studio) -> None:
    studio.hub.trigger("matte.add_outline")
    row = studio.parts.matte.effects.findChild(ColourRow)
    assert row is not None
    veil = take_up(studio, row)
    zoom, hand = studio.canvas.zoom, Hand(studio)
    at = QPointF(hand.view((30.0, 24.0)))
    none, keys = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    turn = QWheelEvent(
        at, veil.mapToGlobal(at), QPoint(), QPoint(0, 120), none, keys, Qt.ScrollPhase.NoScrollPhase, False
    )
    QApplication.sendEvent(veil, turn)
    assert studio.canvas.zoom > zoom
    middle, start = Qt.MouseButton.MiddleButton, hand.view((30.0, 24.0))
    QTest.mousePress(veil, middle, pos=start)
    move = QMouseEvent(QEvent.Type.MouseMove, QPointF(start + QPoint(40, 0)), QPointF(), none, middle, keys)
    QApplication.sendEvent(veil, move)
    QTest.mouseRelease(veil, middle, pos=start + QPoint(40, 0))
    assert hand.view((30.0, 24.0)) == start + QPoint(40, 0), "the picture went with the hand"
    QTest.mouseClick(veil, _LEFT, pos=hand.view((30.5, 24.5)))
    kept = Look.from_json(studio.state.objects[0].look).effects.effects[0]
    assert kept.colour == expected(studio, (30, 24))  # type: ignore[attr-defined]


def test_at_the_border_the_mean_is_of_what_is_there() -> None:
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert colour_at(picture, 0, 0) == tuple(np.rint(picture[:2, :2].mean((0, 1))).astype(int))
    assert colour_at(picture, 3, 1) == tuple(np.rint(picture[0:3, 2:4].mean((0, 1))).astype(int))
