"""The Matte panel and the rendered view modes, driven as a person drives them: mouse, keys, menus; each step undone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QPushButton
from pytestqt.qtbot import QtBot

from helpers_studio import open_project, running_studio, settled
from helpers_tracks import go_to, said, to_the_front, two_tracks
from rvos_app.bootstrap import Studio
from rvos_app.canvas.mode import ViewMode
from rvos_app.panels.knobs import ColourRow, FileRow
from rvos_core.masks import decode
from rvos_core.matte.effects import Blur, EffectChain, Outline
from rvos_core.matte.look import Look, read_looks
from rvos_core.matte.render import MatteRenderer
from rvos_core.matte.scene import Scene
from rvos_core.matte.settings import MatteSettings, MatteStack, Refine
from rvos_core.media import open_media
from rvos_core.project.edits import SetLook
from rvos_core.project.reading import ProjectReader
from rvos_core.project.store import Project

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

_CTRL, _ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier
_LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def studio(qtbot: QtBot, tmp_path: Path, tiny_model: str) -> Iterator[Studio]:
    path = two_tracks(tmp_path)
    with running_studio(tmp_path, model=tiny_model) as made:
        open_project(qtbot, made, path)
        made.state.select(1)
        made.window.bring_forward(made.parts.matte)
        made.canvas.setFocus()
        go_to(qtbot, made, 6)
        yield made


def kept(studio: Studio, object_id: int = 1) -> Look:
    """What the file holds."""
    assert studio.documents.path is not None
    with ProjectReader(studio.documents.path) as reader:
        return Look.from_json(reader.look(object_id))


def entries(studio: Studio) -> list[str]:
    """Names of what undo would take back."""
    assert studio.documents.standing is not None
    return [each.name for each in studio.documents.standing.edits if not each.undone]


def rendered(qtbot: QtBot, studio: Studio) -> np.ndarray:
    """What the canvas shows once nothing is at work."""
    qtbot.waitUntil(lambda: not studio.looking.preview.busy, timeout=20_000)
    assert studio.canvas.preview is not None
    assert studio.canvas.preview.mode is studio.canvas.view_mode
    return studio.canvas.preview.picture


@contextmanager
def scene_of_the_file(studio: Studio) -> Iterator[Scene]:
    """As an export has it: clip and project are opened anew."""
    assert studio.documents.path is not None
    with ProjectReader(studio.documents.path) as project, open_media(project.media()[0].absolute_path) as clip:

        def mask(object_id: int, frame: int) -> np.ndarray | None:
            found = project.mask(object_id, frame)
            return None if found is None else decode(found.mask)

        yield Scene(
            clip.frame, mask, read_looks({each.object_id: project.look(each.object_id) for each in project.objects()})
        )


def undo(qtbot: QtBot, studio: Studio) -> None:
    studio.canvas.setFocus()
    QTest.keyClick(studio.canvas, Qt.Key.Key_Z, _CTRL)
    settled(qtbot, studio)


def test_a_drag_is_shown_at_once_is_one_step_and_equals_what_is_exported(
    qtbot: QtBot, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set()
    matte = MatteRenderer.matte

    def watched(self: MatteRenderer, *args: object, **more: object) -> object:
        threads.add(threading.current_thread().name)
        return matte(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(MatteRenderer, "matte", watched)
    QTest.keyClick(studio.canvas, Qt.Key.Key_F4)
    first = rendered(qtbot, studio)
    before = entries(studio)
    row = studio.parts.matte.rows["feather_px"]
    slider, middle = row.slider, row.slider.height() // 2
    QTest.mousePress(slider, _LEFT, pos=QPoint(6, middle))
    for x in range(10, slider.width() // 2, 4):
        QTest.mouseMove(slider, QPoint(x, middle))
    softer = rendered(qtbot, studio)
    assert row.number.value() > 5
    assert (softer != first).any()
    assert kept(studio) == Look(), "a held slider keeps nothing"
    QTest.mouseRelease(slider, _LEFT, pos=QPoint(slider.width() // 2, middle))
    settled(qtbot, studio)
    assert entries(studio) == [*before, "Matte: feather"]
    assert kept(studio).matte.default.feather_px == row.number.value()
    found = [rendered(qtbot, studio)]
    go_to(qtbot, studio, 7)
    found.append(rendered(qtbot, studio))
    assert threads == {"preview"}
    with scene_of_the_file(studio) as scene:
        for frame, shown in zip((6, 7), found, strict=True):
            assert np.array_equal(shown, np.rint(scene.alpha(frame) * 255).astype(np.uint8))
    go_to(qtbot, studio, 6)
    undo(qtbot, studio)
    assert kept(studio) == Look()
    assert row.number.value() == 0
    assert np.array_equal(rendered(qtbot, studio), first)


def test_keys_change_a_knob_and_keyframes_change_it_over_time(qtbot: QtBot, studio: Studio) -> None:
    before = entries(studio)
    panel, row = studio.parts.matte, studio.parts.matte.rows["grow_px"]
    QTest.keyClick(studio.canvas, Qt.Key.Key_M, _CTRL | _ALT)
    assert row.slider.hasFocus()
    for _ in range(4):
        QTest.keyClick(row.slider, Qt.Key.Key_Right)
    settled(qtbot, studio)
    assert entries(studio) == [*before, "Matte: grow, shrink"], "steps of one knob are one step of undo"
    assert kept(studio).matte.default.grow_px == 2
    QTest.keyClick(row.slider, Qt.Key.Key_K, _ALT)
    go_to(qtbot, studio, 10)
    row.number.setFocus()
    row.number.selectAll()
    QTest.keyClicks(row.number, "-4")
    QTest.keyClick(row.number, Qt.Key.Key_Return)
    settled(qtbot, studio)
    QTest.keyClick(row.number, Qt.Key.Key_Z, _CTRL)
    settled(qtbot, studio)
    assert studio.looks.keyframes(1) == (6,), "undo in the field is the document's"
    QTest.keyClick(row.number, Qt.Key.Key_Y, _CTRL)
    settled(qtbot, studio)
    assert studio.looks.keyframes(1) == (6, 10)
    assert studio.hub.action("matte.keyframe").isChecked()
    go_to(qtbot, studio, 8)
    assert row.number.value() == -1, "half way"
    assert not studio.hub.action("matte.keyframe").isChecked()
    QTest.keyClick(studio.canvas, Qt.Key.Key_J, _ALT)
    qtbot.waitUntil(lambda: studio.state.frame_index == 6)
    QTest.mouseClick(panel.strip, _LEFT, pos=QPoint(panel.strip.width() - 3, 5))
    qtbot.waitUntil(lambda: studio.state.frame_index == 10)
    for frame in (10, 6):
        go_to(qtbot, studio, frame)
        QTest.keyClick(studio.canvas, Qt.Key.Key_K, _ALT)
    settled(qtbot, studio)
    assert kept(studio).matte == MatteStack(MatteSettings(grow_px=2)), "the last keyframe's settings stay"
    studio.hub.trigger("matte.reset")
    settled(qtbot, studio)
    assert kept(studio) == Look()
    undo(qtbot, studio)
    assert kept(studio).matte.default.grow_px == row.number.value() == 2


def test_effects_are_added_ordered_changed_removed_and_copied(qtbot: QtBot, studio: Studio) -> None:
    editor = studio.parts.matte.effects
    QTest.keyClick(studio.canvas, Qt.Key.Key_F8)
    for command in ("matte.add_blur", "matte.add_outline", "matte.add_cut_out"):
        studio.hub.trigger(command)
    assert [editor.list.item(row).text() for row in range(editor.list.count())] == [
        "Blur: background, 12 px",
        "Outline: 3 px, 100 %",
        "Cut-Out: on nothing",
    ]
    assert rendered(qtbot, studio).shape[2] == 4
    editor.list.setFocus()
    QTest.keyClick(editor.list, Qt.Key.Key_Up, _ALT)
    QTest.keyClick(editor.list, Qt.Key.Key_Up, _ALT)
    assert "cannot follow a cut-out" in said(studio)
    QTest.keyClick(editor.list, Qt.Key.Key_Delete)
    settled(qtbot, studio)
    assert kept(studio).effects == EffectChain((Blur(), Outline()))
    colour = studio.parts.matte.effects.findChild(ColourRow)
    assert colour is not None
    QTest.mouseClick(colour.button, _LEFT)
    assert colour.dialog is not None
    colour.dialog.setCurrentColor(Qt.GlobalColor.red)
    colour.dialog.accept()
    to_the_front(qtbot, studio)
    settled(qtbot, studio)
    assert kept(studio).effects.effects[1] == Outline(colour=(255, 0, 0))
    studio.hub.trigger("matte.copy")
    settled(qtbot, studio)
    assert kept(studio, 2) == kept(studio, 1)
    with scene_of_the_file(studio) as scene:
        assert np.array_equal(rendered(qtbot, studio), scene.picture(6))
    undo(qtbot, studio)
    assert kept(studio, 2) == Look()
    studio.hub.trigger("matte.add_replace_background")
    assert "nothing is named" in _failure(qtbot, studio)
    files = studio.parts.matte.effects.findChild(FileRow)
    assert files is not None
    files.chosen.emit(str(studio.state.clip.path if studio.state.clip else ""))
    with_clip = rendered(qtbot, studio)
    assert with_clip.shape[2] == 3


def _failure(qtbot: QtBot, studio: Studio) -> str:
    qtbot.waitUntil(lambda: not studio.looking.preview.busy, timeout=20_000)
    return said(studio)


def test_what_is_rendered_goes_when_masks_or_frames_change(qtbot: QtBot, studio: Studio) -> None:
    QTest.keyClick(studio.canvas, Qt.Key.Key_F7)
    before = rendered(qtbot, studio)
    assert studio.canvas.view_mode is ViewMode.CUT_OUT
    studio.state.change_object(2, visible=False)
    assert studio.canvas.preview is None, "no picture of other masks than those on screen"
    alone = rendered(qtbot, studio)
    assert alone[..., 3].sum() < before[..., 3].sum()
    studio.looks.set_knob(1, "refine", Refine.EDGE, label="Refine")
    drafts: list[bool] = []
    studio.looking.preview.shown.connect(lambda event: drafts.append(event.is_draft))
    rendered(qtbot, studio)
    assert drafts == [True, False]
    for frame in range(12, 3, -1):
        studio.playback.seek(frame)
    go_to(qtbot, studio, 12)
    assert not rendered(qtbot, studio)[..., 3].any(), "the dog has no mask there"
    studio.clips.close()
    assert studio.canvas.preview is None
    assert studio.parts.matte.first.isVisible() is False


def test_a_look_that_cannot_be_read_is_said_and_one_that_cannot_be_kept_is_not_taken(
    qtbot: QtBot, studio: Studio
) -> None:
    panel = studio.parts.matte
    for box in panel.findChildren(QCheckBox):
        assert box.text()
        assert box.toolTip()
    for button in panel.findChildren(QPushButton):
        assert button.accessibleName() or button.text()
    for row in panel.rows.values():
        assert row.number.accessibleName()
        assert row.slider.accessibleName()
        assert "arrow keys" in row.slider.toolTip()
    studio.state.set_looks({1: '{"matte": {"default": {"feather_px": "soft"}}}'}, label="odd")
    assert "feather_px must be a number" in panel.problem
    settled(qtbot, studio)
    path = studio.documents.path
    assert path is not None
    studio.projects.close()
    with Project(path, program="another") as other:
        other.apply(SetLook(1, Look(MatteStack(MatteSettings(feather_px=3))).to_json()))
        open_project_for_reading(qtbot, studio, path)
        studio.state.select(1)
        assert panel.rows["feather_px"].number.value() == 3
        assert not panel.rows["feather_px"].slider.isEnabled()
        studio.looks.set_knob(1, "feather_px", 9.0, label="Feather")
        studio.hub.trigger("matte.reset")
        assert panel.rows["feather_px"].number.value() == 3


def open_project_for_reading(qtbot: QtBot, studio: Studio, path: Path) -> None:
    studio.projects.open(path)
    qtbot.waitUntil(lambda: studio.documents.read_only and bool(studio.state.objects), timeout=20_000)
