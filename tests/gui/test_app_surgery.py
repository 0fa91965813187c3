"""The Object menu, driven as a person drives it: keys, menus, dialogs, the list; each step undone exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from helpers_studio import error_said, open_project, running_studio, settled
from helpers_tracks import FRAMES, dialog, document, frames, go_to, said, to_the_front, two_tracks, undone_exactly
from rvos_app.bootstrap import Studio
from rvos_app.dialogs.objects import GapDialog, ObjectChooser
from rvos_core.masks import area
from rvos_core.project.edits import ChangeObject
from rvos_core.project.records import MaskRecord
from rvos_core.project.store import Project

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

_CTRL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
_LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def project_path(tmp_path: Path) -> Path:
    return two_tracks(tmp_path)


@pytest.fixture
def studio(qtbot: QtBot, tmp_path: Path, tiny_model: str, project_path: Path) -> Studio:  # type: ignore[misc]
    with running_studio(tmp_path, model=tiny_model) as made:
        open_project(qtbot, made, project_path)
        made.state.select(1)
        made.canvas.setFocus()
        yield made


# -- tracks ------------------------------------------------------------------------------------------------------------


def test_ctrl_b_splits_at_the_playhead(qtbot: QtBot, studio: Studio) -> None:
    before = document(studio)
    go_to(qtbot, studio, 9)
    QTest.keyClick(studio.canvas, Qt.Key.Key_B, _CTRL)
    settled(qtbot, studio)
    assert [each.name for each in studio.state.objects] == ["dog", "cat", "dog 2"]
    new = studio.state.objects[2]
    assert studio.state.selected == new.object_id
    assert new.colour not in {each.colour for each in studio.state.objects[:2]}
    assert frames(studio, 1) == list(range(9))
    assert frames(studio, new.object_id) == [9, *range(14, 20)]
    assert "dog 2" in said(studio)
    undone_exactly(qtbot, studio, before)
    go_to(qtbot, studio, 22)
    studio.state.select(1)
    QTest.keyClick(studio.canvas, Qt.Key.Key_B, _CTRL)
    settled(qtbot, studio)
    assert "no mask from frame 22 on" in said(studio)
    assert len(studio.state.objects) == 3


def test_ctrl_m_merges_into_the_object_that_is_chosen(qtbot: QtBot, studio: Studio) -> None:
    before = document(studio)
    QTest.keyClick(studio.canvas, Qt.Key.Key_M, _CTRL)
    chooser = dialog(qtbot, studio, ObjectChooser)
    assert [chooser.list.item(row).text() for row in range(chooser.list.count())] == ["cat"]
    assert not chooser.list.item(0).icon().isNull()
    assert not chooser.limit.isVisible()
    QTest.keyClick(chooser.list, Qt.Key.Key_Return)
    settled(qtbot, studio)
    assert [each.name for each in studio.state.objects] == ["cat"]
    assert studio.state.selected == 2
    assert frames(studio, 2) == list(range(21))
    assert studio.state.results(2)[9].mask == before["mask", 1, 9].mask  # type: ignore[attr-defined]  # locked
    assert not studio.hub.action("object.merge").isEnabled(), "there is nobody left to merge with"
    undone_exactly(qtbot, studio, before)


@pytest.mark.parametrize("limited", [False, True])
def test_swapping_from_this_frame_on_or_up_to_out(qtbot: QtBot, studio: Studio, limited: bool) -> None:
    studio.state.set_out(15)
    settled(qtbot, studio)
    before = document(studio)
    go_to(qtbot, studio, 8)
    QTest.keyClick(studio.canvas, Qt.Key.Key_W, _CTRL | _SHIFT)
    chooser = dialog(qtbot, studio, ObjectChooser)
    if limited:
        assert "15" in chooser.limit.text()
        QTest.keyClick(chooser.limit, Qt.Key.Key_Space)
    qtbot.mouseClick(chooser.done_button, _LEFT)
    settled(qtbot, studio)
    last = 15 if limited else 23
    dog = [f for f in range(FRAMES) if (5 <= f <= 20 if 8 <= f <= last else (f < 10 or 14 <= f < 20))]
    assert frames(studio, 1) == dog
    assert studio.state.results(2)[9].mask == before["mask", 1, 9].mask  # type: ignore[attr-defined]
    assert ("15" in said(studio)) == limited
    undone_exactly(qtbot, studio, before)


def test_ctrl_t_trims_to_in_and_out(qtbot: QtBot, studio: Studio) -> None:
    assert not studio.hub.action("object.trim").isEnabled(), "in and out are those of the clip"
    studio.state.set_in(3)
    studio.state.set_out(6)
    settled(qtbot, studio)
    before = document(studio)
    QTest.keyClick(studio.canvas, Qt.Key.Key_T, _CTRL)
    settled(qtbot, studio)
    assert frames(studio, 1) == [3, 4, 5, 6, 9], "frame 9 is locked"
    assert frames(studio, 2) == list(range(5, 21))
    assert "11 frames" in said(studio)
    undone_exactly(qtbot, studio, before)
    entries = len(studio.documents.standing.edits)  # type: ignore[union-attr]
    QTest.keyClick(studio.canvas, Qt.Key.Key_T, _CTRL)
    settled(qtbot, studio)
    assert "no mask outside" in said(studio)
    assert len(studio.documents.standing.edits) == entries  # type: ignore[union-attr]


def test_gaps_up_to_the_length_that_is_typed_are_filled(qtbot: QtBot, studio: Studio) -> None:
    before = document(studio)
    QTest.keyClick(studio.canvas, Qt.Key.Key_G, _CTRL)
    asked = dialog(qtbot, studio, GapDialog)
    assert asked.frames.value() == 12
    QTest.keyClicks(asked.frames, "3")
    QTest.keyClick(asked.frames, Qt.Key.Key_Return)
    settled(qtbot, studio)
    assert "no gap of up to 3 frames" in said(studio)
    assert document(studio) == before
    to_the_front(qtbot, studio)
    QTest.keyClick(studio.canvas, Qt.Key.Key_G, _CTRL)
    asked = dialog(qtbot, studio, GapDialog)
    assert asked.frames.value() == 3, "as it was chosen the last time"
    QTest.keyClick(asked.frames, Qt.Key.Key_Up)
    qtbot.mouseClick(asked.done_button, _LEFT)
    settled(qtbot, studio)
    assert frames(studio, 1) == list(range(20))
    assert said(studio) == "Filled: 4 frames."
    undone_exactly(qtbot, studio, before)


def test_a_locked_object_says_so(qtbot: QtBot, studio: Studio) -> None:
    studio.documents.do(lambda project: project.apply(ChangeObject(1, locked=True)), lambda _: None)
    settled(qtbot, studio)
    QTest.keyClick(studio.canvas, Qt.Key.Key_G, _CTRL)
    QTest.keyClick(dialog(qtbot, studio, GapDialog).frames, Qt.Key.Key_Return)
    assert "“dog” is locked" in error_said(qtbot, studio)


# -- marks -------------------------------------------------------------------------------------------------------------


def test_a_mark_on_this_frame_takes_the_mask_away_and_is_said(qtbot: QtBot, studio: Studio) -> None:
    before = document(studio)
    go_to(qtbot, studio, 9)
    studio.hub.trigger("object.occluded")
    settled(qtbot, studio)
    mark = document(studio)["mask", 1, 9]
    assert (mark.absence, mark.locked, area(mark.mask)) == ("occluded", True, 0)  # type: ignore[attr-defined]
    assert 9 not in frames(studio, 1)
    line = studio.window._object_line
    assert line.text() == "“dog” is occluded"
    go_to(qtbot, studio, 8)
    assert line.text() == ""
    go_to(qtbot, studio, 9)
    assert line.text() == "“dog” is occluded"
    studio.state.select(2)
    assert line.text() == ""
    studio.state.select(1)
    undone_exactly(qtbot, studio, before)
    studio.hub.trigger("object.outside")
    settled(qtbot, studio)
    assert line.text() == "“dog” is out of the frame"
    studio.hub.trigger("object.clear_mark")
    settled(qtbot, studio)
    assert line.text() == ""
    assert ("mask", 1, 9) not in document(studio)
    studio.hub.trigger("object.clear_mark")
    settled(qtbot, studio)
    assert "None of those frames is marked" in said(studio)


def test_marks_from_in_to_out_leave_what_was_locked(qtbot: QtBot, studio: Studio) -> None:
    assert not studio.hub.action("object.span_outside").isEnabled()
    studio.state.set_in(7)
    studio.state.set_out(12)
    settled(qtbot, studio)
    before = document(studio)
    studio.hub.trigger("object.span_outside")
    settled(qtbot, studio)
    assert said(studio) == "Out of the frame on 5 frames."
    marks = {f: m.absence for (kind, i, f), m in _masks(studio) if i == 1}
    assert [f for f, absence in marks.items() if absence == "out_of_frame"] == [7, 8, 10, 11, 12]
    assert document(studio)["mask", 1, 9] == before["mask", 1, 9]
    undone_exactly(qtbot, studio, before)
    studio.hub.trigger("object.clear_span")
    settled(qtbot, studio)
    assert not any(m.absence for _, m in _masks(studio))


def _masks(studio: Studio) -> list[tuple[tuple[str, int, int], MaskRecord]]:
    return [(key, value) for key, value in document(studio).items() if key[0] == "mask"]  # type: ignore[index, misc]


def test_a_run_leaves_a_marked_frame_empty(qtbot: QtBot, studio: Studio) -> None:
    go_to(qtbot, studio, 3)
    studio.hub.trigger("object.occluded")
    assert said(studio) == "Mark as occluded on frame 3 …", "a long track takes a while"
    settled(qtbot, studio)
    mark = document(studio)["mask", 1, 3]
    studio.field.setText("dog")
    studio.hub.trigger("run.again")
    qtbot.waitUntil(lambda: studio.state.run.active, timeout=20_000)
    qtbot.waitUntil(lambda: not studio.state.run.active, timeout=20_000)
    settled(qtbot, studio)
    assert document(studio)["mask", 1, 3] == mark
    assert len(studio.state.results(1)) == FRAMES
    assert not studio.state.results(1)[3].visible


# -- when --------------------------------------------------------------------------------------------------------------


def test_without_a_selection_nothing_can_be_done_and_each_has_its_letter(qtbot: QtBot, studio: Studio) -> None:
    commands = [each.id for each in studio.hub.records if each.id.startswith("object.")]
    assert len(commands) == 12
    studio.state.set_out(12)
    assert all(studio.hub.action(each).isEnabled() for each in commands)
    assert all(studio.hub.action(each).toolTip() for each in commands)
    studio.state.select(None)
    assert not any(studio.hub.action(each).isEnabled() for each in commands)
    menu = studio.window.menuBar().findChild(QMenu, "menu.object")
    assert menu is not None
    keys = [each.text()[each.text().index("&") + 1].lower() for each in menu.actions() if each.text()]
    assert len(keys) == 12
    assert len(set(keys)) == 12, "a letter for each in the menu"


def test_of_a_project_for_reading_only_no_object_is_changed(
    qtbot: QtBot, tmp_path: Path, tiny_model: str, project_path: Path
) -> None:
    with Project(project_path, program="another"), running_studio(tmp_path, model=tiny_model) as studio:
        studio.projects.open(project_path)
        qtbot.waitUntil(lambda: studio.documents.read_only, timeout=20_000)
        studio.state.select(1)
        studio.state.set_out(12)
        assert not any(studio.hub.action(each.id).isEnabled() for each in studio.hub.records if "object." in each.id)
        rows = studio.parts.objects.list
        place = rows.visualRect(studio.parts.objects.model.index(0))
        qtbot.mouseDClick(rows.viewport(), _LEFT, pos=QPoint(place.left() + 40, place.top() + 14))
        assert rows.findChild(QLineEdit) is None
