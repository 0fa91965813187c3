"""The assembled window: keys, opening, running, exporting, closing, and what it says when something is wrong."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLineEdit,
    QProgressBar,
    QSlider,
    QWidget,
)
from pytestqt.qtbot import QtBot

from helpers_cli import write_clip, write_sound, write_tiny_model
from helpers_studio import error_said, run, running_studio
from rvos_app.actions.hub import keys_of
from rvos_app.bootstrap import Studio
from rvos_app.dialogs.commands import CommandList
from rvos_app.state import RunPhase
from rvos_core.masks import area
from rvos_core.types import FrameSpan

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

_LEFT = Qt.MouseButton.LeftButton
_FRAMES = 24


# -- commands and keys ---------------------------------------------------------------------------------------------


def test_no_two_commands_share_a_key(empty: Studio) -> None:
    taken: dict[str, str] = {}
    for entry in empty.hub.records:
        for text in keys_of(entry):
            key = QKeySequence(text).toString()
            assert key, f"{text} of {entry.id} is no key"
            assert key not in taken, f"{key}: {entry.id} and {taken[key]}"
            taken[key] = entry.id


def test_every_command_of_a_menu_says_what_it_does_and_its_key(empty: Studio) -> None:
    for entry in empty.hub.records:
        action = empty.hub.action(entry.id)
        assert action.toolTip()
        if not action.shortcut().isEmpty():
            assert action.shortcut().toString(QKeySequence.SequenceFormat.NativeText) in action.toolTip()


def test_every_command_can_be_called(empty: Studio) -> None:
    for entry in empty.hub.records:
        inspect.signature(entry.callback)  # a method of Qt itself has none: app-model cannot call it


def test_quit_closes_the_window(qtbot: QtBot, empty: Studio) -> None:
    empty.window.show()
    empty.hub.trigger("file.quit")
    qtbot.waitUntil(lambda: not empty.window.isVisible())


def test_without_a_clip_only_what_makes_sense_is_enabled(empty: Studio) -> None:
    for command in ("run.start", "run.cancel", "playback.play", "file.export", "file.close", "run.remove_object"):
        assert not empty.hub.action(command).isEnabled(), command
    for command in ("file.open", "help.shortcuts", "file.quit"):
        assert empty.hub.action(command).isEnabled(), command


def test_typing_a_sentence_never_plays_steps_or_deletes(qtbot: QtBot, studio: Studio) -> None:
    studio.state.add_object("a car")
    sentence = "j k l i o h m 1 2 , . the man"
    studio.field.setFocus()
    studio.field.clear()
    QTest.keyClicks(studio.field, sentence)
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Home, Qt.Key.Key_Delete, Qt.Key.Key_Right):
        QTest.keyClick(studio.field, key)
    assert studio.field.text() == sentence[1:]
    assert not studio.playback.playing
    assert studio.state.frame_index == 0
    assert studio.state.span == FrameSpan(0, _FRAMES)
    assert studio.state.objects[0].visible


class _X11Line(QLineEdit):
    """Takes the keys of line editing before any command, as fields do under X11."""

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)


@pytest.mark.parametrize(("key", "taken"), [(Qt.Key.Key_E, False), (Qt.Key.Key_K, False), (Qt.Key.Key_A, True)])
def test_a_command_comes_before_the_line_editing_of_a_field(studio: Studio, key: Qt.Key, taken: bool) -> None:
    field = _X11Line(studio.window)
    field.show()
    field.setFocus()
    event = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier.ControlModifier)
    event.ignore()
    QApplication.sendEvent(field, event)
    assert event.isAccepted() == taken


def test_the_same_keys_work_outside_the_field(qtbot: QtBot, studio: Studio) -> None:
    studio.canvas.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Period, Qt.Key.Key_I):
        QTest.keyClick(studio.canvas, key)
    assert (studio.state.frame_index, studio.state.span.start) == (2, 2)
    QTest.keyClick(studio.canvas, Qt.Key.Key_End)
    QTest.keyClick(studio.canvas, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(studio.canvas, Qt.Key.Key_O)
    assert studio.state.span == FrameSpan(2, _FRAMES - 10)
    QTest.keyClick(studio.canvas, Qt.Key.Key_X, Qt.KeyboardModifier.AltModifier)
    assert studio.state.span == FrameSpan(0, _FRAMES)
    QTest.keyClick(studio.canvas, Qt.Key.Key_L)
    assert studio.playback.playing
    QTest.keyClick(studio.canvas, Qt.Key.Key_K)
    assert not studio.playback.playing


def test_space_presses_a_focused_button_and_plays_elsewhere(qtbot: QtBot, studio: Studio) -> None:
    boxes = next(b for b in studio.parts.transport.findChildren(QAbstractButton) if "Boxes" in b.accessibleName())
    boxes.setFocus()
    QTest.keyClick(boxes, Qt.Key.Key_Space)
    assert studio.settings.show_boxes
    assert not studio.playback.playing
    studio.canvas.setFocus()
    QTest.keyClick(studio.canvas, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: studio.playback.playing)
    studio.playback.pause()


def test_the_palette_finds_and_runs_a_command(qtbot: QtBot, studio: Studio) -> None:
    studio.hub.trigger("help.palette")
    palette = studio.window.findChild(CommandList)
    QTest.keyClicks(palette.search, "outline")
    QTest.keyClick(palette.search, Qt.Key.Key_Return)
    assert studio.settings.view_mode == "outline"


def test_every_control_has_a_name_for_a_screen_reader(studio: Studio) -> None:
    kinds = (QAbstractButton, QLineEdit, QComboBox, QSlider, QAbstractItemView, QProgressBar)
    ours: list[QWidget] = [
        w for kind in kinds for w in studio.window.findChildren(kind) if not w.objectName().startswith("qt_")
    ]
    nameless = [w for w in ours if not w.accessibleName() and not getattr(w, "text", str)() and w.isVisible()]
    assert len(ours) > 20
    assert nameless == []


# -- opening -------------------------------------------------------------------------------------------------------


def _bad_files(folder: Path) -> dict[str, Callable[[], Path]]:
    def write(name: str, content: bytes) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    def make_folder() -> Path:
        (folder / "nothing_in_it").mkdir()
        return folder / "nothing_in_it"

    return {
        "missing": lambda: folder / "missing.mp4",
        "empty": lambda: write("empty.mp4", b""),
        "web page": lambda: write("page.mp4", b"<!DOCTYPE html><html><body>404</body></html>"),
        "playlist": lambda: write("list.mp4", b"ffconcat version 1.0\nfile 'street.mp4'\n"),
        "sound": lambda: write_sound(folder / "sound.mp4"),
        "folder": make_folder,
    }


@pytest.mark.parametrize("kind", ["missing", "empty", "web page", "playlist", "sound", "folder"])
def test_what_is_no_clip_gets_one_sentence_and_the_window_stays(
    qtbot: QtBot, empty: Studio, tmp_path: Path, kind: str
) -> None:
    path = _bad_files(tmp_path)[kind]()
    empty.clips.open(path)
    said = error_said(qtbot, empty)
    assert path.name in said
    assert said.endswith(".")
    assert "Traceback" not in said
    assert empty.state.clip is None
    assert not empty.window.shows_clip


def test_a_failed_opening_leaves_the_open_clip_alone(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    run(qtbot, studio, "the red car")
    before = studio.state.clip
    studio.clips.open(tmp_path / "missing.mp4")
    error_said(qtbot, studio)
    assert studio.state.clip is before
    assert studio.state.has_results


def test_a_dropped_file_is_opened(qtbot: QtBot, empty: Studio, clip: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(clip))])
    drop = QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, mime, _LEFT, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, mime, _LEFT, Qt.KeyboardModifier.NoModifier)
    for event in (enter, drop):
        QApplication.sendEvent(empty.parts.welcome, event)
    qtbot.waitUntil(lambda: empty.state.clip is not None, timeout=20_000)
    assert empty.window.shows_clip
    assert "street.mp4" in empty.window.windowTitle()


def test_opening_another_clip_during_a_run_drops_the_old_results(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    other = write_clip(tmp_path / "other.mp4", frames=9)
    studio.field.setText("the red car")
    studio.hub.trigger("run.start")
    studio.clips.open(other)
    qtbot.waitUntil(lambda: studio.state.clip is not None and studio.state.clip.frame_count == 9, timeout=20_000)
    qtbot.waitUntil(lambda: not studio.queues.gpu.tickets, timeout=20_000)
    assert studio.state.objects == ()
    assert not studio.state.has_results
    assert not studio.state.run.active
    assert len(studio.state.results(run(qtbot, studio, "the dog"))) == 9


# -- running -------------------------------------------------------------------------------------------------------


def test_the_cost_is_said_before_the_run(qtbot: QtBot, studio: Studio) -> None:
    qtbot.waitUntil(lambda: "windows" in studio.parts.expression.line_text)
    whole = studio.parts.expression.line_text
    assert "about" in whole
    assert "MB" in whole
    studio.state.set_out(3)
    qtbot.waitUntil(lambda: "1 window " in studio.parts.expression.line_text)


@pytest.mark.parametrize("sentence", ["", "   "])
def test_an_empty_sentence_is_a_notice_not_a_run(studio: Studio, sentence: str) -> None:
    studio.field.setText(sentence)
    studio.hub.trigger("run.start")
    assert "Nothing to look for" in studio.parts.expression.line_text
    assert studio.state.objects == ()
    QTest.keyClicks(studio.field, "a")
    assert "Nothing to look for" not in studio.parts.expression.line_text


@pytest.mark.parametrize("sentence", ["xylophone", "🦜🦜", "?!"])
def test_a_sentence_that_means_nothing_to_the_model_is_an_error_and_leaves_no_object(
    qtbot: QtBot, studio: Studio, sentence: str
) -> None:
    studio.field.setText(sentence)
    studio.hub.trigger("run.start")
    said = error_said(qtbot, studio)
    assert sentence in said
    qtbot.waitUntil(lambda: studio.state.objects == ())
    assert not studio.state.run.active


def test_a_very_long_sentence_runs_and_says_what_was_left_out(qtbot: QtBot, studio: Studio) -> None:
    object_id = run(qtbot, studio, " ".join(["the red car"] * 170))
    thing = studio.state.object(object_id)
    assert thing is not None
    assert "510 words" in thing.note
    assert len(studio.state.results(object_id)) == _FRAMES


def test_unknown_words_are_named_on_the_object(qtbot: QtBot, studio: Studio) -> None:
    thing = studio.state.object(run(qtbot, studio, "the red xylophone car"))
    assert thing is not None
    assert "xylophone" in thing.note


def test_several_sentences_wait_in_line_and_become_objects(qtbot: QtBot, studio: Studio) -> None:
    sentences = ["the man in red", "the man in blue", "the dog"]
    for sentence in sentences:
        studio.field.setText(sentence)
        studio.hub.trigger("run.start")
    assert studio.state.run.waiting == 2
    qtbot.waitUntil(lambda: not studio.state.run.active, timeout=30_000)
    assert [thing.expression for thing in studio.state.objects] == sentences
    assert all(len(studio.state.results(thing.object_id)) == _FRAMES for thing in studio.state.objects)
    assert studio.parts.objects.model.rowCount() == 3


def test_the_same_sentence_again_replaces_its_objects_masks_between_in_and_out(qtbot: QtBot, studio: Studio) -> None:
    first = run(qtbot, studio, "the red car")
    before = dict(studio.state.results(first))
    studio.state.set_span(FrameSpan(4, 9))
    assert run(qtbot, studio, "  the   red car ".strip().replace("   ", " ")) == first
    after = studio.state.results(first)
    assert sorted(after) == list(range(_FRAMES))
    assert all((after[i] is before[i]) == (i not in range(4, 9)) for i in range(_FRAMES))
    assert len(studio.state.objects) == 1


def test_what_is_not_there_is_said_and_a_guess_shows_it_all_the_same(qtbot: QtBot, tmp_path: Path, clip: Path) -> None:
    model = write_tiny_model(tmp_path / "doubting", doubting=True)
    with running_studio(tmp_path, model=str(model)) as studio:
        studio.clips.open(clip)
        qtbot.waitUntil(lambda: studio.runs.engine is not None, timeout=30_000)
        thing = run(qtbot, studio, "the red car")
        assert studio.state.object(thing).note.startswith("Not in this clip")  # type: ignore[union-attr]
        assert "Show a Guess" in studio.window.statusBar().currentMessage()
        assert not any(area(frame.mask) for frame in studio.state.results(thing).values())
        studio.hub.trigger("run.believe")
        qtbot.waitUntil(lambda: studio.state.run.active, timeout=10_000)
        qtbot.waitUntil(lambda: not studio.state.run.active, timeout=20_000)
        assert studio.state.object(thing).note == ""  # type: ignore[union-attr]
        assert any(area(frame.mask) for frame in studio.state.results(thing).values())


def test_pause_holds_the_run_and_escape_ends_it(qtbot: QtBot, studio: Studio) -> None:
    studio.field.setText("the red car")
    studio.hub.trigger("run.start")
    qtbot.waitUntil(lambda: studio.state.run.windows_done >= 1)
    studio.hub.trigger("run.pause")
    assert studio.state.run.phase is RunPhase.PAUSED
    qtbot.wait(150)
    held = studio.state.run.windows_done
    qtbot.wait(300)
    assert studio.state.run.windows_done == held
    assert "Paused" in studio.parts.expression.line_text
    studio.hub.trigger("run.pause")
    qtbot.waitUntil(lambda: studio.state.run.windows_done > held or not studio.state.run.active)
    studio.hub.trigger("run.cancel")
    qtbot.waitUntil(lambda: not studio.state.run.active)
    assert studio.state.has_results


def test_hiding_selecting_and_removing_objects(qtbot: QtBot, studio: Studio) -> None:
    first, second = run(qtbot, studio, "the red car"), run(qtbot, studio, "the dog")
    studio.canvas.setFocus()
    QTest.keyClick(studio.canvas, Qt.Key.Key_1)
    assert studio.state.selected == first
    assert studio.field.text() == "the red car"
    QTest.keyClick(studio.canvas, Qt.Key.Key_H)
    thing = studio.state.object(first)
    assert thing is not None
    assert not thing.visible
    QTest.keyClick(studio.canvas, Qt.Key.Key_Delete)
    assert [o.object_id for o in studio.state.objects] == [second]


def test_a_click_on_the_eye_hides_an_object(qtbot: QtBot, studio: Studio) -> None:
    object_id = run(qtbot, studio, "the red car")
    rows = studio.parts.objects.list
    area = rows.visualRect(studio.parts.objects.model.index(0))
    qtbot.mouseClick(rows.viewport(), _LEFT, pos=QPoint(area.right() - 12, area.center().y()))
    thing = studio.state.object(object_id)
    assert thing is not None
    assert not thing.visible


# -- the model -----------------------------------------------------------------------------------------------------
