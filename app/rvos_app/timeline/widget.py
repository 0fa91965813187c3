"""The timeline: seek and scrub, set in and out, see what each object does and how sure the model was.

It shows what it is told and asks by signals; it owns no clip, no results and no playback.
"""

from __future__ import annotations

from enum import Enum, auto

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QHelpEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QToolTip, QWidget

from rvos_app.i18n import tr
from rvos_app.timeline.lanes import EMPTY, MASK, NO_RESULT, Lane, LaneTrack
from rvos_app.timeline.matte_marks import GRAB_PX, is_at_keyframes
from rvos_app.timeline.painting import GUTTER_PX, HANDLE_PX, LANE_PAD_PX, LANE_PX, RULER_PX
from rvos_app.timeline.timecode import timecode
from rvos_app.timeline.view import ZOOM_STEP, TimelineView
from rvos_core.types import FrameSpan

__all__ = ["EMPTY", "MASK", "NO_RESULT", "Lane", "TimelineWidget"]

_GRAB_PX = 8
_WHEEL_NOTCH = 120


class _Drag(Enum):
    NONE = auto()
    SCRUB = auto()
    IN = auto()
    OUT = auto()
    PAN = auto()


class TimelineWidget(TimelineView):
    """Ruler, filmstrip, object lanes, in and out, playhead, moved by mouse and wheel.

    Signals (besides `thumbnailsWanted`):
        seekRequested(frame_index): click or drag on ruler, filmstrip or a lane.
        spanChanged(FrameSpan): in or out was dragged.
        laneSelected(object_id): a lane was clicked.
    """

    seekRequested = Signal(int)
    spanChanged = Signal(object)
    laneSelected = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drag = _Drag.NONE
        self._drag_from = QPointF()

    def wheelEvent(self, event: QWheelEvent) -> None:
        across, down = event.angleDelta().x() / _WHEEL_NOTCH, event.angleDelta().y() / _WHEEL_NOTCH
        modifiers = event.modifiers()
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self._set_scale(self._scale.zoomed(ZOOM_STEP**down, event.position().x() - GUTTER_PX))
        elif modifiers & Qt.KeyboardModifier.ShiftModifier:
            self._lane_bar.setValue(self._lane_bar.value() - round((down or across) * LANE_PX))
        else:
            step = self._scale.width_px / 10
            self._scroll_to(self._scale.scrolled_to(self._scale.offset_px - (down + across) * step).offset_px)
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._drag_from = event.position()
        if self._info is None:
            return
        if event.button() == Qt.MouseButton.MiddleButton:
            self._drag = _Drag.PAN
        elif event.button() == Qt.MouseButton.LeftButton:
            keyframe = self._keyframe_at(event.position())
            self._select_lane_at(event.position())
            if keyframe is not None:
                self.seekRequested.emit(keyframe)
            elif event.position().x() >= GUTTER_PX:
                self._drag = self._handle_at(event.position()) or _Drag.SCRUB
                self._drag_to(event.position())
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is _Drag.NONE:
            self._show_cursor_at(event.position())
        else:
            self._drag_to(event.position())

    def _show_cursor_at(self, position: QPointF) -> None:
        shape = Qt.CursorShape.ArrowCursor
        if self._info is not None and self._handle_at(position) is not None:
            shape = Qt.CursorShape.SizeHorCursor
        elif self._keyframe_at(position) is not None:
            shape = Qt.CursorShape.PointingHandCursor
        self.setCursor(shape)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag = _Drag.NONE

    def _drag_to(self, position: QPointF) -> None:
        x = position.x() - GUTTER_PX
        if self._drag is _Drag.PAN:
            self._scroll_to(
                self._scale.scrolled_to(self._scale.offset_px + self._drag_from.x() - position.x()).offset_px
            )
            self._drag_from = position
        elif self._drag is _Drag.SCRUB:
            frame = self._scale.frame_at(x)
            if frame != self._playhead:
                self.seekRequested.emit(frame)
        elif self._drag is _Drag.IN:
            self._change_span(FrameSpan(min(self._scale.edge_at(x), self._span.stop - 1), self._span.stop))
        elif self._drag is _Drag.OUT:
            self._change_span(FrameSpan(self._span.start, max(self._scale.edge_at(x), self._span.start + 1)))

    def _change_span(self, span: FrameSpan) -> None:
        if span != self._span:
            self.set_span(span)
            self.spanChanged.emit(span)

    def _handle_at(self, position: QPointF) -> _Drag | None:
        if not RULER_PX - HANDLE_PX <= position.y() <= RULER_PX:
            return None
        x = position.x() - GUTTER_PX
        to_in, to_out = x - self._scale.x_of(self._span.start), x - self._scale.x_of(self._span.stop)
        near = [(abs(gap), drag) for gap, drag in ((to_in, _Drag.IN), (to_out, _Drag.OUT)) if abs(gap) <= _GRAB_PX]
        return min(near, key=lambda pair: pair[0])[1] if near else None

    def _select_lane_at(self, position: QPointF) -> None:
        row = self._bands().lane_at(position.y(), self._lane_bar.value())
        if row is not None and row < len(self._tracks):
            self.laneSelected.emit(list(self._tracks)[row])

    def _keyframe_at(self, position: QPointF) -> int | None:
        """The frame of the keyframe under a point of the widget, or None."""
        row = self._bands().lane_at(position.y(), self._lane_bar.value())
        if self._info is None or row is None or row >= len(self._tracks) or position.x() < GUTTER_PX:
            return None
        top = self._bands().lane_top(row, self._lane_bar.value()) + LANE_PAD_PX
        keyframes = list(self._tracks.values())[row].keyframes
        if not keyframes or not is_at_keyframes(position.y() - top, LANE_PX - 2 * LANE_PAD_PX):
            return None
        x, half = position.x() - GUTTER_PX, self._scale.frame_px / 2
        away = {frame: abs(self._scale.x_of(frame) + half - x) for frame in keyframes}
        nearest = min(keyframes, key=lambda frame: away[frame])
        return nearest if away[nearest] <= GRAB_PX else None

    def _follows_closely(self) -> bool:
        return self._drag is _Drag.SCRUB

    # What it says

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            text = self.describe(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    def describe(self, position: QPointF) -> str:
        """What lies under a point of the widget: frame, time, and a lane's state and confidence."""
        if self._info is None:
            return ""
        row = self._bands().lane_at(position.y(), self._lane_bar.value())
        tracks = list(self._tracks.values())
        track = tracks[row] if row is not None and row < len(tracks) else None
        if position.x() < GUTTER_PX:
            return track.lane.name if track else ""
        keyframe = self._keyframe_at(position)
        frame = self._scale.frame_at(position.x() - GUTTER_PX) if keyframe is None else keyframe
        lines = [tr("Frame {frame}, {time}", frame=frame, time=timecode(self._info, frame))]
        if any(frame in span for span in self._info.damaged):
            lines.append(tr("This frame is damaged."))
        if track is not None:
            lines.append(f"{track.lane.name}: {self._describe_value(track, frame)}")
            if track.is_locked(frame):
                lines.append(tr("Locked: no run changes it."))
            if frame in track.painted:
                lines.append(tr("Its trimap is painted by hand."))
            if frame in track.keyframes:
                lines.append(tr("Keyframe of the matte: click to go there (Alt+J, Alt+L)."))
        return "\n".join(lines)

    def _describe_value(self, track: LaneTrack, frame: int) -> str:
        state, confidence = track.value(frame)
        if state == MASK and confidence is not None:
            return tr("mask, confidence {percent} %", percent=round(100 * confidence))
        return tr("mask") if state == MASK else tr("not in sight") if state == EMPTY else tr("no result")
