"""The timeline under a person's hands, and what it paints and says."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QHelpEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from helpers_qt import drag, mouse, painted, wheel
from rvos_app.timeline.painting import GUTTER_PX, LANE_PX, RULER_PX, STRIP_PX
from rvos_app.timeline.widget import EMPTY, MASK, Lane, TimelineWidget
from rvos_core.types import FrameSpan, MediaInfo

LEFT = Qt.MouseButton.LeftButton
PRESS, RELEASE, MOVE = (
    QMouseEvent.Type.MouseButtonPress,
    QMouseEvent.Type.MouseButtonRelease,
    QMouseEvent.Type.MouseMove,
)
RED, BLUE = (220, 40, 30), (40, 90, 230)
WIDTH = 800
STRIP_Y, LANES_Y = RULER_PX + STRIP_PX / 2, RULER_PX + STRIP_PX
HANDLE_Y = RULER_PX - 4


def clip_info(count: int, *, damaged: tuple[FrameSpan, ...] = ()) -> MediaInfo:
    return MediaInfo(
        path=Path("clip.mp4"),
        kind="video",
        width=160,
        height=90,
        frame_count=count,
        rate=Fraction(25),
        rate_is_assumed=False,
        is_variable_rate=False,
        pts=tuple(range(count)),
        time_base=Fraction(1, 25),
        codec="h264",
        pixel_format="yuv420p",
        coded_width=160,
        coded_height=90,
        rotation_deg=0,
        sample_aspect=Fraction(1),
        has_audio=False,
        damaged=damaged,
    )


@pytest.fixture
def timeline(qtbot: QtBot) -> TimelineWidget:
    """400 frames over 800 pixels: two pixels to a frame; lanes of objects 7 and 9."""
    widget = TimelineWidget()
    qtbot.addWidget(widget)
    widget.resize(GUTTER_PX + WIDTH, 260)
    widget.show()
    widget.set_clip(clip_info(400, damaged=(FrameSpan(300, 310),)))
    widget.set_lanes([Lane(7, "dog", RED), Lane(9, "cat", BLUE)])
    return widget


def _at(widget: TimelineWidget, frame: float, y: float) -> QPointF:
    return QPointF(GUTTER_PX + widget.scale.x_of(frame), y)


def _lane_y(row: int, part: float = 0.25) -> float:
    return LANES_Y + row * LANE_PX + part * LANE_PX


@pytest.mark.parametrize("y", [8, STRIP_Y, LANES_Y + 10, LANES_Y + 100])
def test_a_click_seeks_to_the_frame_under_it(timeline: TimelineWidget, y: float) -> None:
    sought: list[int] = []
    timeline.seekRequested.connect(sought.append)
    mouse(timeline, PRESS, _at(timeline, 123.5, y), button=LEFT)
    mouse(timeline, RELEASE, _at(timeline, 123.5, y), button=LEFT, held=Qt.MouseButton.NoButton)
    assert sought == [123]


def test_scrubbing_asks_for_each_frame_once_and_stays_in_the_clip(timeline: TimelineWidget) -> None:
    sought: list[int] = []
    timeline.seekRequested.connect(sought.append)
    timeline.seekRequested.connect(timeline.set_playhead)
    drag(timeline, _at(timeline, 50.5, 8), _at(timeline, 60.5, 8), steps=40)
    assert sought == list(range(50, 61))
    drag(timeline, _at(timeline, 390.5, 8), QPointF(5000, 8), steps=5)
    assert sought[-1] == 399
    drag(timeline, _at(timeline, 3.5, 8), QPointF(-500, 8), steps=5)
    assert sought[-1] == 0


def test_in_and_out_are_dragged_and_never_cross(timeline: TimelineWidget) -> None:
    spans: list[FrameSpan] = []
    timeline.spanChanged.connect(spans.append)
    drag(timeline, _at(timeline, 0, HANDLE_Y), _at(timeline, 100, HANDLE_Y))
    drag(timeline, _at(timeline, 400, HANDLE_Y), _at(timeline, 150, HANDLE_Y))
    assert timeline.span == spans[-1] == FrameSpan(100, 150)
    drag(timeline, _at(timeline, 100, HANDLE_Y), _at(timeline, 390, HANDLE_Y))
    assert timeline.span == FrameSpan(149, 150)
    seen = len(spans)
    timeline.set_span(FrameSpan(10, 20))
    assert timeline.span == FrameSpan(10, 20)
    assert len(spans) == seen, "what the program sets is not reported as the person's doing"


def test_the_cursor_says_where_in_and_out_can_be_dragged(timeline: TimelineWidget) -> None:
    mouse(timeline, MOVE, _at(timeline, 0, HANDLE_Y), button=Qt.MouseButton.NoButton)
    assert timeline.cursor().shape() == Qt.CursorShape.SizeHorCursor
    mouse(timeline, MOVE, _at(timeline, 200, HANDLE_Y), button=Qt.MouseButton.NoButton)
    assert timeline.cursor().shape() == Qt.CursorShape.ArrowCursor


def test_a_lane_is_selected_by_its_name_and_by_its_body(timeline: TimelineWidget) -> None:
    selected: list[int] = []
    sought: list[int] = []
    timeline.laneSelected.connect(selected.append)
    timeline.seekRequested.connect(sought.append)
    mouse(timeline, PRESS, QPointF(20, _lane_y(1)), button=LEFT)
    mouse(timeline, RELEASE, QPointF(20, _lane_y(1)), button=LEFT, held=Qt.MouseButton.NoButton)
    assert (selected, sought) == ([9], [])
    mouse(timeline, PRESS, _at(timeline, 40.5, _lane_y(0)), button=LEFT)
    mouse(timeline, RELEASE, _at(timeline, 40.5, _lane_y(0)), button=LEFT, held=Qt.MouseButton.NoButton)
    assert (selected, sought) == ([9, 7], [40])


def test_ctrl_and_wheel_zooms_at_the_cursor_and_the_wheel_scrolls(timeline: TimelineWidget) -> None:
    cursor = _at(timeline, 200.5, STRIP_Y)
    wheel(timeline, cursor, 6, keys=Qt.KeyboardModifier.ControlModifier)
    assert timeline.scale.frame_px > 5
    assert timeline.scale.frame_at(cursor.x() - GUTTER_PX) == 200
    first = timeline.scale.visible.start
    wheel(timeline, cursor, -2)
    assert timeline.scale.visible.start > first
    wheel(timeline, cursor, 500)
    assert timeline.scale.visible.start == 0
    wheel(timeline, cursor, -60, keys=Qt.KeyboardModifier.ControlModifier)
    assert timeline.scale.visible == FrameSpan(0, 400)


def test_middle_drag_moves_the_view(timeline: TimelineWidget) -> None:
    for _ in range(8):
        timeline.zoom_in()
    timeline.set_playhead(200)
    under = timeline.scale.frame_at(300)
    start = QPointF(GUTTER_PX + 300, STRIP_Y)
    drag(timeline, start, start + QPointF(-120, 0), button=Qt.MouseButton.MiddleButton)
    assert abs(timeline.scale.frame_at(180) - under) <= 1


def test_the_view_follows_the_playhead(timeline: TimelineWidget) -> None:
    for _ in range(10):
        timeline.zoom_in()
    for frame in (0, 399, 200, 60, 61, 62):
        timeline.set_playhead(frame)
        assert frame in timeline.scale.visible
    timeline.fit()
    assert timeline.scale.visible == FrameSpan(0, 400)


def test_resizing_keeps_the_whole_clip_in_view(timeline: TimelineWidget) -> None:
    timeline.resize(GUTTER_PX + 333, 260)
    assert timeline.scale.visible == FrameSpan(0, 400)
    assert timeline.scale.width_px == 333


def test_lanes_show_masks_empties_and_confidence(timeline: TimelineWidget) -> None:
    frames = np.arange(100, 200)
    state = np.where(frames < 150, MASK, EMPTY).astype(np.uint8)
    timeline.set_lane_values(7, frames, state, np.linspace(0.2, 1, 100, dtype=np.float32))
    image = painted(timeline)
    x_mask, x_empty, x_none = (int(_at(timeline, frame + 0.5, 0).x()) for frame in (120, 180, 250))
    band = slice(int(LANES_Y) + 3, int(LANES_Y) + 15)
    assert (image[band, x_mask] == RED).all()
    reds = [(image[band, x] == RED).all(axis=1).sum() for x in (x_empty, x_none)]
    assert reds[0] in (1, 2) and reds[1] == 0
    strip = slice(int(LANES_Y) + 16, int(LANES_Y) + 28)
    height = {x: (image[strip, x] != image[strip, x_none]).any(axis=1).sum() for x in (x_mask, x_empty)}
    assert height[x_mask] > 0 and height[x_empty] == 0
    timeline.clear_lane(7)
    assert not (painted(timeline)[band, x_mask] == RED).all(axis=1).any()


def test_lanes_keep_their_values_when_others_come_and_go(timeline: TimelineWidget) -> None:
    timeline.set_lane_values(9, np.array([100]), np.array([MASK], np.uint8), np.array([0.5], np.float32))
    timeline.set_lanes([Lane(9, "the cat", BLUE), Lane(11, "ball", RED)])
    timeline.set_lane_values(7, np.array([1]), np.array([MASK], np.uint8), np.array([0.5], np.float32))
    assert timeline.describe(_at(timeline, 100.5, _lane_y(0))).endswith("the cat: mask, confidence 50 %")
    timeline.set_clip(clip_info(50))
    assert timeline.describe(_at(timeline, 10.5, _lane_y(0))).endswith("the cat: no result")


def test_outside_in_and_out_is_darker_and_damage_is_marked(timeline: TimelineWidget) -> None:
    timeline.set_lane_values(7, np.arange(400), np.full(400, MASK, np.uint8), np.ones(400, np.float32))
    before = painted(timeline).astype(int)
    timeline.set_span(FrameSpan(100, 350))
    after = painted(timeline).astype(int)
    y = int(_lane_y(0))
    outside, inside = int(_at(timeline, 50, 0).x()), int(_at(timeline, 200, 0).x())
    assert after[y, outside].sum() < before[y, outside].sum()
    assert (after[y, inside] == before[y, inside]).all()
    hurt, sound = int(_at(timeline, 305, 0).x()), int(_at(timeline, 250, 0).x())
    strip = slice(RULER_PX + 4, RULER_PX + STRIP_PX - 2)
    assert not (after[strip, hurt] == after[strip, sound]).all()


def test_run_progress_and_selection_are_shown(timeline: TimelineWidget) -> None:
    before = painted(timeline)
    timeline.set_run_progress(FrameSpan(40, 80))
    running = painted(timeline)
    timeline.set_run_progress(None)
    assert np.array_equal(painted(timeline), before)
    assert not np.array_equal(running, before)
    timeline.set_selected(9)
    assert not np.array_equal(painted(timeline), before)
    timeline.set_selected(None)
    assert np.array_equal(painted(timeline), before)


def test_thumbnails_in_view_are_asked_for_and_painted(timeline: TimelineWidget, qtbot: QtBot) -> None:
    with qtbot.waitSignal(timeline.thumbnailsWanted, timeout=2000) as asked:
        timeline.fit()
    wanted = asked.args[0]
    assert wanted == sorted(set(wanted))
    assert wanted[0] == 0 and len(wanted) == round(WIDTH / (STRIP_PX * 16 / 9))
    for frame in wanted:
        timeline.set_thumbnail(frame, np.full((88, 156, 3), (10, 200, 30), np.uint8))
    assert (painted(timeline)[int(STRIP_Y), GUTTER_PX + 20] == (10, 200, 30)).all()
    with qtbot.assertNotEmitted(timeline.thumbnailsWanted, wait=200):
        timeline.set_playhead(5)
        timeline.set_selected(7)
    with qtbot.waitSignal(timeline.thumbnailsWanted, timeout=2000) as more:
        timeline.zoom_in()
    assert not set(more.args[0]) & set(wanted)


def test_tooltips_tell_frame_time_and_confidence(timeline: TimelineWidget) -> None:
    timeline.set_lane_values(7, np.array([30]), np.array([MASK], np.uint8), np.array([0.876], np.float32))
    timeline.set_lane_values(9, np.array([30]), np.array([EMPTY], np.uint8), np.array([0.0], np.float32))
    assert timeline.describe(_at(timeline, 30.5, _lane_y(0))) == "Frame 30, 00:00:01:05\ndog: mask, confidence 88 %"
    assert timeline.describe(_at(timeline, 30.5, _lane_y(1))).endswith("cat: not in sight")
    assert "damaged" in timeline.describe(_at(timeline, 305.5, STRIP_Y))
    assert timeline.describe(QPointF(20, _lane_y(1))) == "cat"
    here = _at(timeline, 30.5, 8).toPoint()
    QApplication.sendEvent(timeline, QHelpEvent(QEvent.Type.ToolTip, here, timeline.mapToGlobal(here)))
    assert QToolTip.text() == "Frame 30, 00:00:01:05"
    QToolTip.hideText()


def test_many_lanes_scroll(timeline: TimelineWidget) -> None:
    timeline.set_lanes([Lane(k, f"object {k}", RED) for k in range(40)])
    selected: list[int] = []
    timeline.laneSelected.connect(selected.append)
    wheel(timeline, QPointF(300, _lane_y(1)), -3, keys=Qt.KeyboardModifier.ShiftModifier)
    mouse(timeline, PRESS, QPointF(20, _lane_y(1)), button=LEFT)
    mouse(timeline, RELEASE, QPointF(20, _lane_y(1)), button=LEFT, held=Qt.MouseButton.NoButton)
    assert selected == [4]


def test_it_can_be_used_without_sight_and_without_a_mouse(timeline: TimelineWidget) -> None:
    assert timeline.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert timeline.accessibleName()
    timeline.set_playhead(30)
    assert timeline.accessibleDescription() == "Frame 30 of 399, 00:00:01:05"


@pytest.mark.parametrize("count", [1, 2])
def test_the_shortest_clips_work(timeline: TimelineWidget, count: int) -> None:
    timeline.set_clip(clip_info(count))
    sought: list[int] = []
    timeline.seekRequested.connect(sought.append)
    timeline.set_playhead(count - 1)
    drag(timeline, QPointF(GUTTER_PX + 1, 8), QPointF(GUTTER_PX + WIDTH - 1, 8))
    assert set(sought) <= {0, 1}
    assert painted(timeline).any()


def test_without_a_clip_nothing_can_go_wrong(timeline: TimelineWidget) -> None:
    timeline.set_clip(None)
    sought: list[int] = []
    timeline.seekRequested.connect(sought.append)
    drag(timeline, QPointF(300, 8), QPointF(400, 60))
    wheel(timeline, QPointF(300, 50), 3, keys=Qt.KeyboardModifier.ControlModifier)
    timeline.set_playhead(5)
    timeline.fit()
    assert timeline.describe(QPointF(300, 50)) == ""
    assert sought == []
    assert painted(timeline).any()


def test_a_million_frames_repaint_about_as_fast_as_a_thousand(timeline: TimelineWidget) -> None:
    short, long = (_repaint_ms(timeline, count) for count in (1_000, 1_000_000))
    assert long["playhead"] < 5 * short["playhead"] + 1
    assert long["values"] < 10 * short["values"] + 5
    assert long["zoom"] < 10 * short["zoom"] + 5


def _repaint_ms(widget: TimelineWidget, count: int) -> dict[str, float]:
    widget.set_clip(clip_info(count))
    rng = np.random.default_rng(0)
    widget.set_lane_values(
        7, np.arange(count), rng.integers(0, 3, count).astype(np.uint8), rng.random(count, np.float32)
    )

    def values(k: int) -> None:
        widget.set_lane_values(7, np.arange(8) + k, np.full(8, MASK, np.uint8), np.full(8, 0.5, np.float32))

    return {
        "playhead": _best_ms(lambda k: widget.set_playhead(k * count // 10), widget),
        "values": _best_ms(values, widget),
        "zoom": _best_ms(lambda k: widget.zoom_in() if k % 2 == 0 else widget.zoom_out(), widget),
    }


def _best_ms(change: Callable[[int], None], widget: TimelineWidget) -> float:
    best = float("inf")
    for k in range(8):
        start = time.process_time()
        change(k)
        widget.grab()
        best = min(best, time.process_time() - start)
    return best * 1000


def test_a_click_means_nothing_to_other_buttons(timeline: TimelineWidget) -> None:
    sought: list[int] = []
    timeline.seekRequested.connect(sought.append)
    mouse(timeline, PRESS, _at(timeline, 10.5, 8), button=Qt.MouseButton.RightButton)
    mouse(timeline, RELEASE, _at(timeline, 10.5, 8), button=Qt.MouseButton.RightButton, held=Qt.MouseButton.NoButton)
    assert sought == []
    assert timeline.childAt(QPoint(10, 8)) is None
