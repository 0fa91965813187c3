"""Keyframes of mattes and painted trimaps on the timeline: what is told of them, and a click that goes there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from helpers_studio import open_project, running_studio, settled
from helpers_tracks import go_to, two_tracks
from rvos_app.bootstrap import Studio
from rvos_app.timeline.painting import GUTTER_PX, LANE_PX
from rvos_core.masks import TrimapStrokes
from rvos_core.masks.trimap_strokes import INSIDE
from rvos_core.project.trimaps import PaintTrimap

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


@pytest.fixture
def studio(qtbot: QtBot, tmp_path: Path, tiny_model: str) -> Iterator[Studio]:
    path = two_tracks(tmp_path)
    with running_studio(tmp_path, model=tiny_model) as made:
        open_project(qtbot, made, path)
        made.state.select(1)
        made.canvas.setFocus()
        yield made


def place(studio: Studio, frame: int, row: int = 0) -> QPoint:
    """The keyframe's place on a lane."""
    timeline = studio.parts.timeline
    x = GUTTER_PX + timeline._scale.x_of(frame) + timeline._scale.frame_px / 2
    return QPoint(round(x), round(timeline._bands().lane_top(row, 0) + LANE_PX * 0.73))


def lane_pixels(qtbot: QtBot, studio: Studio) -> np.ndarray:
    """(LANE_PX, width) of the first 20 frames of the first lane as they are painted, without the playhead."""
    go_to(qtbot, studio, 23)
    image = studio.parts.timeline.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    top = round(studio.parts.timeline._bands().lane_top(0, 0))
    pixels = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.bytesPerLine() // 4)
    return pixels[top : top + LANE_PX, GUTTER_PX : place(studio, 20).x()].copy()


def test_a_keyframe_is_a_mark_and_a_click_on_it_goes_there(qtbot: QtBot, studio: Studio) -> None:
    timeline = studio.parts.timeline
    go_to(qtbot, studio, 5)
    bare = lane_pixels(qtbot, studio)
    assert "Keyframe" not in timeline.describe(QPointF(place(studio, 5)))
    go_to(qtbot, studio, 5)
    QTest.keyClick(studio.canvas, Qt.Key.Key_K, Qt.KeyboardModifier.AltModifier)
    assert "Keyframe of the matte" in timeline.describe(QPointF(place(studio, 5)))
    assert (lane_pixels(qtbot, studio) != bare).any()
    go_to(qtbot, studio, 12)
    studio.state.select(2)
    QTest.mouseMove(timeline, place(studio, 5) + QPoint(2, 1))
    assert timeline.cursor().shape() is Qt.CursorShape.PointingHandCursor
    QTest.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=place(studio, 5) + QPoint(3, 0))
    qtbot.waitUntil(lambda: studio.state.frame_index == 5)
    assert studio.state.selected == 1
    settled(qtbot, studio)
    studio.documents.undo()
    settled(qtbot, studio)
    assert "Keyframe" not in timeline.describe(QPointF(place(studio, 5)))
    assert (lane_pixels(qtbot, studio) == bare).all()


def test_a_click_on_a_keyframe_of_a_long_clip_hits_its_very_frame(studio: Studio) -> None:
    timeline = studio.parts.timeline
    timeline.set_matte_marks(1, (4, 7, 19), ())
    timeline._set_scale(timeline._scale.zoomed(1e-3, 0))
    asked: list[int] = []
    timeline.seekRequested.connect(asked.append)
    for frame in (4, 19):
        QTest.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=place(studio, frame))
    assert asked == [4, 19]


def test_painted_trimaps_are_marked_and_told(qtbot: QtBot, studio: Studio) -> None:
    bare = lane_pixels(qtbot, studio)
    labels = np.full((48, 64), INSIDE, dtype=np.uint8)
    studio.state.paint_trimap(PaintTrimap(1, 8, TrimapStrokes.of(labels)), "")
    assert "painted by hand" in studio.parts.timeline.describe(QPointF(place(studio, 8)))
    assert (lane_pixels(qtbot, studio) != bare).any()
    settled(qtbot, studio)
    studio.documents.undo()
    settled(qtbot, studio)
    assert "painted by hand" not in studio.parts.timeline.describe(QPointF(place(studio, 8)))
    assert (lane_pixels(qtbot, studio) == bare).all()
