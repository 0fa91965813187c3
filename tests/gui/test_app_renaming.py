"""Another name for an object: by key and dialog, and in the list; the sentence it is looked for by stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from helpers_studio import open_project, run, running_studio, settled
from helpers_tracks import FRAMES, dialog, document, two_tracks, undone_exactly
from rvos_app.bootstrap import Studio
from rvos_app.dialogs.objects import RenameDialog
from rvos_app.state import StudioObject
from rvos_core.types import FrameSpan

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

_CTRL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
_LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def studio(qtbot: QtBot, tmp_path: Path, tiny_model: str) -> Studio:  # type: ignore[misc]
    with running_studio(tmp_path, model=tiny_model) as made:
        open_project(qtbot, made, two_tracks(tmp_path))
        made.state.select(1)
        made.canvas.setFocus()
        yield made


def test_shift_f2_gives_another_name_and_the_sentence_stays(qtbot: QtBot, studio: Studio) -> None:
    before = document(studio)
    QTest.keyClick(studio.canvas, Qt.Key.Key_F2, _SHIFT)
    asked = dialog(qtbot, studio, RenameDialog)
    assert asked.field.text() == "dog"
    asked.field.clear()
    assert not asked.done_button.isEnabled(), "no name is no name"
    QTest.keyClick(asked.field, Qt.Key.Key_Return)
    assert asked.isVisible()
    QTest.keyClicks(asked.field, "  Rex   the dog ")
    QTest.keyClick(asked.field, Qt.Key.Key_Return)
    thing = studio.state.object(1)
    assert thing is not None
    assert (thing.name, thing.expression) == ("Rex the dog", "dog")
    undone_exactly(qtbot, studio, before)
    assert studio.state.objects[0].name == "Rex the dog"


def test_a_renamed_object_is_run_again_by_its_sentence_also_after_opening_it_anew(
    qtbot: QtBot, tmp_path: Path, tiny_model: str, clip: Path
) -> None:
    with running_studio(tmp_path, model=tiny_model, clip=clip) as studio:
        qtbot.waitUntil(lambda: studio.runs.engine is not None, timeout=30_000)
        object_id = run(qtbot, studio, "the red car")
        studio.state.change_object(object_id, name="Car 1")
        settled(qtbot, studio)
        path = tmp_path / "named.rvos"
        studio.documents.save_as(path)
        qtbot.waitUntil(lambda: studio.documents.path == path)
        settled(qtbot, studio)
    with running_studio(tmp_path, model=tiny_model) as studio:
        open_project(qtbot, studio, path)
        (thing,) = studio.state.objects
        assert (thing.name, thing.expression) == ("Car 1", "the red car")
        studio.state.select(None)
        studio.state.select(object_id)
        assert studio.field.text() == "the red car"
        studio.hub.trigger("run.again")
        qtbot.waitUntil(lambda: studio.state.run.active, timeout=20_000)
        qtbot.waitUntil(lambda: not studio.state.run.active, timeout=20_000)
        settled(qtbot, studio)
        (thing,) = studio.state.objects
        assert (thing.name, thing.expression) == ("Car 1", "the red car")
        studio.state.change_object(object_id, name="the red car")
        settled(qtbot, studio)
        assert studio.state.objects == (StudioObject(object_id, "the red car", thing.colour, note=thing.note),)


def test_a_double_click_renames_in_the_list(qtbot: QtBot, studio: Studio) -> None:
    rows = studio.parts.objects.list
    place = rows.visualRect(studio.parts.objects.model.index(1))
    text = QPoint(place.left() + 40, place.top() + 14)
    qtbot.mouseClick(rows.viewport(), _LEFT, pos=text)
    qtbot.mouseDClick(rows.viewport(), _LEFT, pos=text)
    qtbot.waitUntil(lambda: rows.findChild(QLineEdit) is not None)
    field = rows.findChild(QLineEdit)
    assert field is not None
    assert field.text() == "cat"
    assert place.contains(field.geometry())
    QTest.keyClick(field, Qt.Key.Key_A, _CTRL)
    QTest.keyClicks(field, "tom i")  # I and H are commands elsewhere
    QTest.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: studio.state.objects[1].name == "tom i")
    assert studio.state.span == FrameSpan(0, FRAMES)
    qtbot.mouseDClick(rows.viewport(), _LEFT, pos=text)
    qtbot.waitUntil(lambda: rows.findChild(QLineEdit) not in (None, field))
    other = next(each for each in rows.findChildren(QLineEdit) if each.isVisible())
    QTest.keyClicks(other, "never")
    QTest.keyClick(other, Qt.Key.Key_Escape)
    assert studio.state.objects[1].name == "tom i"
    settled(qtbot, studio)
    assert document(studio)["object", 2].name == "tom i"  # type: ignore[attr-defined]


def test_a_double_click_on_the_eye_hides_and_shows_and_opens_no_field(qtbot: QtBot, studio: Studio) -> None:
    rows = studio.parts.objects.list
    place = rows.visualRect(studio.parts.objects.model.index(0))
    eye = QPoint(place.right() - 12, place.center().y())
    qtbot.mouseClick(rows.viewport(), _LEFT, pos=eye)
    assert not studio.state.objects[0].visible
    qtbot.mouseDClick(rows.viewport(), _LEFT, pos=eye)
    assert studio.state.objects[0].visible
    assert rows.findChild(QLineEdit) is None
