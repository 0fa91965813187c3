"""Locks as a person sees them, and gestures that make no sense."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from pytestqt.qtbot import QtBot

from helpers_drawing import CTRL, NO_KEY, SHIFT, Hand, given, history, kept, mask_of, square
from helpers_qt import painted
from helpers_studio import open_project, run, running_studio, settled
from rvos_app.bootstrap import Studio
from rvos_app.timeline.lock_marks import lock_bars
from rvos_app.timeline.painting import GUTTER_PX, RULER_PX, STRIP_PX
from rvos_core.errors import UserError
from rvos_core.project.edits import ChangeObject
from rvos_core.project.reading import ProjectReader
from rvos_core.project.store import Project

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

_MASK = square(10, 10, 30, 40)


@pytest.fixture
def studio(tmp_path: Path, tiny_model: str, clip: Path, qtbot: QtBot) -> Iterator[Studio]:
    with running_studio(tmp_path, model=tiny_model, brush_size=9.0) as made:
        made.clips.open(clip)
        qtbot.waitUntil(lambda: made.runs.engine is not None and made.shown.picture is not None, timeout=30_000)
        made.canvas.setFocus()
        yield made


@pytest.fixture
def hand(studio: Studio) -> Hand:
    return Hand(studio)


def locked(studio: Studio, object_id: int) -> list[int]:
    """By the window and by the document, which agree."""
    seen = studio.state.results(object_id).locked_frames().tolist()
    document = studio.documents.document
    assert document is not None
    lane = document.do(lambda project: project.lane(object_id))
    assert lane.frames[lane.locked].tolist() == seen
    return [int(frame) for frame in seen]


def test_lock_unlock_and_accept(qtbot: QtBot, studio: Studio, hand: Hand) -> None:
    object_id = given(studio, _MASK)
    assert locked(studio, object_id) == [0]
    hand.key(Qt.Key.Key_K, CTRL)
    assert hand.said == "Frame 0 is locked already."
    hand.key(Qt.Key.Key_K, CTRL | SHIFT)
    assert locked(studio, object_id) == []
    hand.key(Qt.Key.Key_K, CTRL | SHIFT)
    assert hand.said == "Frame 0 is not locked."
    hand.key(Qt.Key.Key_Y)
    assert locked(studio, object_id) == [0]
    assert np.array_equal(mask_of(studio, object_id, 0), _MASK)
    settled(qtbot, studio)
    assert history(studio) == ["Mask on frame 0", "Unlock frame 0", "Lock frame 0"]
    for expected in ([], [0]):
        studio.hub.trigger("edit.undo")
        settled(qtbot, studio)
        assert locked(studio, object_id) == expected


def test_accepting_a_frame_without_a_mask_says_that_the_object_is_not_in_sight(
    qtbot: QtBot, studio: Studio, hand: Hand
) -> None:
    object_id = given(studio, _MASK, frame=4)
    hand.key(Qt.Key.Key_Y)
    assert hand.said == "“Object 1” is not in sight on frame 0: accepted."
    assert locked(studio, object_id) == [0, 4]
    stored = kept(studio, object_id, 0)
    assert stored is not None
    assert not stored[0].any()


def test_a_run_leaves_what_a_person_drew(qtbot: QtBot, studio: Studio) -> None:
    object_id = run(qtbot, studio, "the red car")
    drawn = square(3, 5, 40, 60) & ~square(10, 20, 30, 40)
    given(studio, drawn, object_id=object_id)
    studio.hub.trigger("run.again")
    qtbot.waitUntil(lambda: not studio.state.run.active, timeout=20_000)
    settled(qtbot, studio)
    assert np.array_equal(mask_of(studio, object_id, 0), drawn)
    stored = kept(studio, object_id, 0)
    assert stored is not None
    assert np.array_equal(stored[0], drawn)
    assert locked(studio, object_id) == [0]


def test_up_and_down_go_to_locked_frames(qtbot: QtBot, studio: Studio, hand: Hand) -> None:
    object_id = given(studio, _MASK, frame=3)
    given(studio, _MASK, object_id=object_id, frame=9)
    other = given(studio, _MASK, frame=5)
    studio.state.select(object_id)
    visited = []
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Up):
        hand.key(key)
        visited.append(studio.state.frame_index)
    assert visited == [3, 9, 9, 3, 3]
    assert hand.said == "No locked frame before."
    studio.state.select(None)
    hand.key(Qt.Key.Key_Down)
    assert studio.state.frame_index == 5, "of any object, where none is selected"
    assert studio.state.object(other) is not None


def test_the_canvas_and_the_timeline_show_locks(qtbot: QtBot, studio: Studio, hand: Hand) -> None:
    object_id = given(studio, _MASK, frame=12)
    studio.playback.seek(12)
    qtbot.waitUntil(lambda: studio.shown.index == 12, timeout=5000)
    corner = painted(studio.canvas.viewport())[12:40, 12:80]
    lanes = slice(RULER_PX + STRIP_PX, None)  # pictures of the strip may still be coming
    lane = painted(studio.parts.timeline)[lanes]
    hand.key(Qt.Key.Key_K, CTRL | SHIFT)
    plain = painted(studio.canvas.viewport())[12:40, 12:80]
    assert (corner != plain).mean() > 0.3, "a badge with a lock"
    changed = np.nonzero((painted(studio.parts.timeline)[lanes] != lane).any(axis=2))
    middle = studio.parts.timeline.scale
    x = GUTTER_PX + middle.x_of(12) + middle.frame_px / 2
    assert changed[1].min() == pytest.approx(x - 5, abs=2)
    assert changed[1].max() == pytest.approx(x + 5, abs=2)
    assert "Locked" not in studio.parts.timeline.describe(QPointF(x, RULER_PX + STRIP_PX + 8))
    hand.key(Qt.Key.Key_K, CTRL)
    assert "Locked" in studio.parts.timeline.describe(QPointF(x, RULER_PX + STRIP_PX + 8))
    assert locked(studio, object_id) == [12]


def hand_of_lane(studio: Studio, x: float):
    from PySide6.QtCore import QPointF

    return QPointF(x, 40 + 46 + 8)


@pytest.mark.parametrize(
    ("frames", "frame_px", "bars"),
    [
        ([], 3.0, []),
        ([7], 0.01, [(7, 7)]),
        ([7, 8, 9], 20.0, [(7, 7), (8, 8), (9, 9)]),
        ([7, 8, 9, 400], 2.0, [(7, 9), (400, 400)]),
        (list(range(0, 5000, 2)), 0.1, [(0, 4998)]),
    ],
)
def test_marks_that_stand_too_close_become_bars(
    frames: list[int], frame_px: float, bars: list[tuple[int, int]]
) -> None:
    assert lock_bars(np.array(frames, np.int64), frame_px) == bars


def test_locks_are_there_again_when_the_project_is_opened(
    qtbot: QtBot, tmp_path: Path, tiny_model: str, clip: Path
) -> None:
    with running_studio(tmp_path, model=tiny_model) as first:
        first.clips.open(clip)
        qtbot.waitUntil(lambda: first.shown.picture is not None, timeout=30_000)
        object_id = given(first, _MASK, frame=2)
        given(first, _MASK, object_id=object_id, frame=3)
        first.hand.editor.lock(object_id, (3,), locked=False)
        settled(qtbot, first)
        path = tmp_path / "kept.rvos"
        first.documents.save_copy(path)
        qtbot.waitUntil(path.exists, timeout=10_000)
        settled(qtbot, first)
    (tmp_path / "again").mkdir()
    with running_studio(tmp_path / "again", model=tiny_model) as second:
        open_project(qtbot, second, path)
        assert second.state.results(object_id).locked_frames().tolist() == [2]
        assert np.array_equal(mask_of(second, object_id, 2), _MASK)


# -- what makes no sense -----------------------------------------------------------------------------------------------


def hidden(studio: Studio, object_id: int) -> str:
    studio.state.change_object(object_id, visible=False)
    return "“Object 1” is hidden; show it first (H)."


def locked_object(studio: Studio, object_id: int) -> str:
    document = studio.documents.document
    assert document is not None
    document.do(lambda project: project.apply(ChangeObject(object_id, locked=True)))
    studio.documents.look_again(object_id, "")
    return "“Object 1” is locked as a whole; unlock it first."


def unreadable(studio: Studio, _object_id: int) -> str:
    studio.playback.frameFailed.emit(0, UserError("frame 0 is gone"))
    return "Frame 0 cannot be read, so nothing can be drawn on it."


@pytest.mark.parametrize("obstacle", [hidden, locked_object, unreadable])
def test_where_nothing_can_be_drawn_a_word_says_why(
    qtbot: QtBot, studio: Studio, hand: Hand, obstacle: Callable[[Studio, int], str]
) -> None:
    object_id = given(studio, _MASK)
    why = obstacle(studio, object_id)
    settled(qtbot, studio)
    entries = history(studio)
    for tool in ("brush", "eraser", "polygon", "lasso", "box", "points", "move"):
        studio.drawing.choose(tool)
        studio.window.statusBar().clearMessage()
        hand.drag([(5.0, 5.0), (30.0, 30.0), (40.0, 10.0)])
        assert hand.said == why, tool
    for command in ("fill_holes", "copy_next", "nudge_up", "accept"):
        studio.window.statusBar().clearMessage()
        studio.hub.trigger(f"mask.{command}")
        assert hand.said == why, command
    settled(qtbot, studio)
    assert history(studio) == entries
    assert np.array_equal(mask_of(studio, object_id, 0), _MASK)
    assert not studio.canvas.is_drawing


@pytest.mark.parametrize(
    ("tool", "points", "why"),
    [
        ("brush", [(-9.0, -9.0), (-7.0, -9.0)], "That is outside the picture."),
        ("brush", [(20.0, 20.0), (22.0, 20.0)], "Nothing changed: the mask is as it was."),
        ("eraser", [(55.0, 40.0), (57.0, 40.0)], "Nothing changed: the mask is as it was."),
        ("lasso", [(5.0, 5.0), (20.0, 5.0)], "That line has nothing inside"),
        ("lasso", [(-9.0, 5.0), (-3.0, 5.0), (-5.0, 9.0)], "That is outside the picture."),
    ],
)
def test_gestures_without_effect_are_no_entries_of_the_history(
    qtbot: QtBot, studio: Studio, hand: Hand, tool: str, points: list[tuple[float, float]], why: str
) -> None:
    object_id = given(studio, _MASK)
    studio.drawing.choose(tool)
    hand.drag(points)
    assert hand.said.startswith(why)
    settled(qtbot, studio)
    assert history(studio) == ["Mask on frame 0"]
    assert np.array_equal(mask_of(studio, object_id, 0), _MASK)


def test_on_an_empty_track_there_is_nothing_to_move_fill_copy_or_delete(
    qtbot: QtBot, studio: Studio, hand: Hand
) -> None:
    given(studio, _MASK, frame=5)
    hand.key(Qt.Key.Key_G)
    hand.drag([(20.0, 20.0), (30.0, 20.0)])
    assert hand.said == "There is no mask to move on this frame."
    for key, keys in (
        (Qt.Key.Key_H, SHIFT),
        (Qt.Key.Key_BracketRight, CTRL),
        (Qt.Key.Key_Delete, SHIFT),
        (Qt.Key.Key_K, CTRL),
        (Qt.Key.Key_Up, CTRL),
    ):
        studio.window.statusBar().clearMessage()
        hand.key(key, keys)
        assert hand.said == "There is no mask on frame 0."
    settled(qtbot, studio)
    assert history(studio) == ["Mask on frame 5"]


def test_in_a_project_for_reading_only_nothing_is_drawn(
    qtbot: QtBot, tmp_path: Path, tiny_model: str, clip: Path, studio: Studio
) -> None:
    object_id = given(studio, _MASK)
    settled(qtbot, studio)
    path = tmp_path / "kept.rvos"
    studio.documents.save_copy(path)
    qtbot.waitUntil(path.exists, timeout=10_000)
    settled(qtbot, studio)
    with Project(path, program="another"):
        studio.projects.open(path)
        qtbot.waitUntil(lambda: studio.documents.read_only and studio.shown.picture is not None, timeout=20_000)
        studio.canvas.setFocus()
        studio.state.select(object_id)
        hand = Hand(studio)
        hand.key(Qt.Key.Key_B)
        hand.drag([(5.0, 5.0), (50.0, 40.0)])
        assert hand.said.startswith("The project is open for reading only.")
        assert np.array_equal(mask_of(studio, object_id, 0), _MASK)
        assert not studio.hub.action("mask.accept").isEnabled()
        assert studio.hub.action("mask.brush").isEnabled()
    with ProjectReader(path) as reader:
        assert [each.name for each in reader.edits()] == ["Mask on frame 0"]


def test_magnifier_and_onion_skin_are_shown_and_hidden(qtbot: QtBot, studio: Studio, hand: Hand) -> None:
    object_id = given(studio, _MASK)
    given(studio, square(20, 30, 40, 60), object_id=object_id, frame=1)
    plain = painted(studio.canvas.viewport())
    hand.key(Qt.Key.Key_O, SHIFT)
    onion = painted(studio.canvas.viewport())
    changed = (onion != plain).any(axis=2)
    ring = square(19, 29, 41, 61) & ~square(22, 32, 38, 58)
    for y, x in zip(*np.nonzero(changed), strict=True):
        inverse, _ = studio.canvas.viewportTransform().inverted()
        column, row = (int(value) for value in inverse.map(float(x), float(y)))
        assert ring[row, column], "only the next frame's outline, as there is no frame before"
    assert changed.any()
    hand.key(Qt.Key.Key_O, SHIFT)
    assert np.array_equal(painted(studio.canvas.viewport()), plain)
    hand.key(Qt.Key.Key_Z, NO_KEY)
    hand.hover((20.0, 20.0))
    assert (painted(studio.canvas.viewport()) != plain).any()
    hand.key(Qt.Key.Key_Z, NO_KEY)
    assert np.array_equal(painted(studio.canvas.viewport()), plain)
