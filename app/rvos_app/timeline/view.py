"""The timeline as something to look at: holds what it is told and paints it. `widget.py` adds mouse and wheel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QRect, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QFocusEvent, QImage, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QScrollBar, QSizePolicy, QWidget

from rvos_app.i18n import tr
from rvos_app.timeline.lane_image import lane_image
from rvos_app.timeline.lanes import Lane, LaneTrack
from rvos_app.timeline.lock_marks import lock_bars, paint_locks
from rvos_app.timeline.matte_marks import paint_matte_marks
from rvos_app.timeline.painting import (
    GUTTER_PX,
    LANE_PAD_PX,
    LANE_PX,
    RULER_PX,
    STRIP_PX,
    Bands,
    Picture,
    paint_backdrop,
    paint_playhead,
    paint_position,
    slot_width,
)
from rvos_app.timeline.scale import TimeScale
from rvos_app.timeline.suspect_marks import paint_suspects
from rvos_app.timeline.thumbnails import ThumbnailStore, filmstrip_slots
from rvos_app.timeline.timecode import timecode
from rvos_core.types import FrameSpan, MediaInfo

_SCROLL_BAR_PX = 12
ZOOM_STEP = 1.3
_BAND_SHARE = 0.5  # of a lane's picture: the state band, above the confidence strip
_THUMBNAIL_DELAY_MS = 80


class TimelineView(QWidget):
    """Ruler, filmstrip, object lanes, in and out, playhead.

    Signals:
        thumbnailsWanted(list[int]): frames whose thumbnails are in view and not yet here; answer by `set_thumbnail`.
    """

    thumbnailsWanted = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._info: MediaInfo | None = None
        self._scale = TimeScale.fitted(0, 1)
        self._playhead = 0
        self._span = FrameSpan(0, 0)
        self._tracks: dict[int, LaneTrack] = {}
        self._lane_images: dict[int, tuple[object, QImage]] = {}
        self._selected: int | None = None
        self._running: FrameSpan | None = None
        self._thumbnails = ThumbnailStore()
        self._backdrop: QPixmap | None = None
        self._time_bar = QScrollBar(Qt.Orientation.Horizontal, self)
        self._lane_bar = QScrollBar(Qt.Orientation.Vertical, self)
        self._ask_timer = QTimer(self, singleShot=True, interval=_THUMBNAIL_DELAY_MS)
        self._set_up()

    def _set_up(self) -> None:
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)
        self.setAccessibleName(tr("Timeline"))
        self._time_bar.setAccessibleName(tr("Timeline position"))
        self._lane_bar.setAccessibleName(tr("Objects"))
        for bar in (self._time_bar, self._lane_bar):
            bar.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._time_bar.valueChanged.connect(self._scroll_to)
        self._lane_bar.valueChanged.connect(self._invalidate)
        self._ask_timer.timeout.connect(self._ask_for_thumbnails)

    # What is shown

    @property
    def scale(self) -> TimeScale:
        """Where frames lie, in pixels from the ruler's left edge."""
        return self._scale

    @property
    def span(self) -> FrameSpan:
        return self._span

    @property
    def playhead(self) -> int:
        return self._playhead

    def set_clip(self, info: MediaInfo | None) -> None:
        """Shows another clip, or none: whole span, playhead at 0, lanes emptied, no thumbnails."""
        self._info = info
        count = info.frame_count if info else 0
        self._span, self._playhead, self._running = FrameSpan(0, count), 0, None
        self._thumbnails = ThumbnailStore()
        self._tracks = {key: LaneTrack(track.lane, count) for key, track in self._tracks.items()}
        self._lane_images.clear()
        self._set_scale(TimeScale.fitted(count, self._area_width()))
        self._describe_position()

    def set_playhead(self, frame_index: int) -> None:
        """Moves the playhead; the view follows when it leaves it."""
        if self._info is None:
            return
        before, self._playhead = self._playhead, min(max(frame_index, 0), max(self._info.frame_count - 1, 0))
        self._follow_playhead(forward=self._playhead >= before)
        for frame in (before, self._playhead):
            left = GUTTER_PX + int(self._scale.x_of(frame)) - 8
            self.update(QRect(left, 0, int(self._scale.frame_px) + 18, self.height()))
        self.update(QRect(0, 0, GUTTER_PX, RULER_PX))
        self._describe_position()

    def set_span(self, span: FrameSpan) -> None:
        """In and out, clamped to the clip; does not emit `spanChanged`."""
        count = self._scale.frame_count
        self._span = FrameSpan(min(span.start, count), min(span.stop, count))
        self._invalidate()

    def set_lanes(self, lanes: Sequence[Lane]) -> None:
        """The objects' rows in order. Values of objects that stay are kept."""
        kept = self._tracks
        self._tracks = {}
        for lane in lanes:
            track = kept.get(lane.object_id) or LaneTrack(lane, self._scale.frame_count)
            track.lane = lane
            self._tracks[lane.object_id] = track
        self._lane_images = {key: image for key, image in self._lane_images.items() if key in self._tracks}
        self._place_scroll_bars()
        self._invalidate()

    def set_lane_values(
        self,
        object_id: int,
        frame_index: np.ndarray,
        state: np.ndarray,
        confidence: np.ndarray,
        locked: np.ndarray | None = None,
    ) -> None:
        """Sets some frames of a lane; the others keep their values. Without such a lane (deleted) nothing happens.

        Args:
            object_id: whose lane.
            frame_index: (n,) int.
            state: (n,) uint8, NO_RESULT (0), EMPTY (1) or MASK (2).
            confidence: (n,) float32, 0..1; used where the state is MASK.
            locked: (n,) bool, frames on which a person's word stands; None: none of them.
        """
        track = self._tracks.get(object_id)
        if track is not None:
            track.update(frame_index, state, confidence, locked)
            self._invalidate()

    def set_suspects(self, object_id: int, frames: Sequence[int]) -> None:
        """Marks the frames of a lane that are worth a look, and no others."""
        track = self._tracks.get(object_id)
        if track is not None and track.suspects != tuple(frames):
            track.suspects = tuple(frames)
            track.version += 1
            self._invalidate()

    def set_matte_marks(self, object_id: int, keyframes: Sequence[int], painted: Sequence[int]) -> None:
        """Marks the frames of a lane where the matte has a keyframe or a painted trimap, both in order; no others."""
        track, marks = self._tracks.get(object_id), (tuple(keyframes), tuple(painted))
        if track is not None and (track.keyframes, track.painted) != marks:
            track.keyframes, track.painted = marks
            track.version += 1
            self._invalidate()

    def clear_lane(self, object_id: int) -> None:
        """Forgets a lane's values."""
        if object_id in self._tracks:
            self._tracks[object_id].clear()
            self._invalidate()

    def set_selected(self, object_id: int | None) -> None:
        """Highlights one lane."""
        self._selected = object_id
        self._invalidate()

    def set_run_progress(self, span: FrameSpan | None) -> None:
        """Shades the frames a run is at; None when it is over."""
        self._running = span
        self._invalidate()

    def set_thumbnail(self, frame_index: int, pixels: np.ndarray | None) -> None:
        """A picture for the filmstrip, (h, w, 3) uint8 RGB; None if the frame cannot be shown."""
        self._thumbnails.put(frame_index, pixels)
        self._invalidate()

    # Zoom and scroll

    def fit(self) -> None:
        """Shows the whole clip."""
        self._set_scale(TimeScale.fitted(self._scale.frame_count, self._area_width()))

    def zoom_in(self) -> None:
        """Zooms in about the playhead, or about the middle where it is out of view."""
        self._set_scale(self._scale.zoomed(ZOOM_STEP, self._anchor_x()))

    def zoom_out(self) -> None:
        self._set_scale(self._scale.zoomed(1 / ZOOM_STEP, self._anchor_x()))

    def _anchor_x(self) -> float:
        in_view = self._playhead in self._scale.visible
        return self._scale.x_of(self._playhead) if in_view else self._scale.width_px / 2

    def _set_scale(self, scale: TimeScale) -> None:
        self._scale = scale
        self._place_scroll_bars()
        self._invalidate()

    @Slot(int)
    def _scroll_to(self, offset_px: int) -> None:
        if offset_px != self._scale.offset_px:
            self._set_scale(self._scale.scrolled_to(offset_px))

    def _follow_playhead(self, *, forward: bool) -> None:
        x = self._scale.x_of(self._playhead)
        if 0 <= x < self._scale.width_px:
            return
        if self._follows_closely():
            margin = 0.0 if x < 0 else self._scale.width_px - max(2.0, self._scale.frame_px)
        else:
            margin = self._scale.width_px * (0.1 if forward else 0.9)
        self._set_scale(self._scale.scrolled_to(self._scale.x_of(self._playhead) + self._scale.offset_px - margin))

    def _follows_closely(self) -> bool:
        """False: a playhead that leaves the view turns the page. True: it pushes the view's edge along."""
        return False

    def _area_width(self) -> int:
        return max(1, self._bands().width - GUTTER_PX)

    def _bands(self) -> Bands:
        lanes_px = len(self._tracks) * LANE_PX
        room = self.height() - _SCROLL_BAR_PX
        overflows = lanes_px > room - RULER_PX - STRIP_PX
        return Bands(self.width() - (_SCROLL_BAR_PX if overflows else 0), room)

    def _place_scroll_bars(self) -> None:
        bands = self._bands()
        if self._scale.width_px != max(1, bands.width - GUTTER_PX):
            self._scale = self._scale.resized(max(1, bands.width - GUTTER_PX))
        self._time_bar.setGeometry(GUTTER_PX, bands.height, bands.width - GUTTER_PX, _SCROLL_BAR_PX)
        self._time_bar.setPageStep(self._scale.width_px)
        self._time_bar.setSingleStep(max(1, self._scale.width_px // 20))
        self._time_bar.setRange(0, self._scale.max_offset_px)
        self._time_bar.setValue(self._scale.offset_px)
        hidden_px = len(self._tracks) * LANE_PX - int(bands.lanes.height())
        self._lane_bar.setGeometry(bands.width, RULER_PX + STRIP_PX, _SCROLL_BAR_PX, int(bands.lanes.height()))
        self._lane_bar.setRange(0, max(0, hidden_px))
        self._lane_bar.setSingleStep(LANE_PX)
        self._lane_bar.setPageStep(int(bands.lanes.height()))
        self._lane_bar.setVisible(hidden_px > 0)

    # Painting

    @Slot()
    def _invalidate(self) -> None:
        self._backdrop = None
        if self._info is not None and not self._ask_timer.isActive():
            self._ask_timer.start()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        palette, bands = self.palette(), self._bands()
        painter.fillRect(event.rect(), palette.window())
        if self._info is None or self._info.frame_count == 0:
            painter.setPen(palette.placeholderText().color())
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, tr("No clip"))
            return
        if self._backdrop is None:
            self._backdrop = self._render_backdrop(self._info, bands)
        painter.drawPixmap(0, 0, self._backdrop)
        paint_position(painter, palette, self._info, self._playhead)
        paint_playhead(painter, bands, self._scale, self._playhead)
        if self.hasFocus():
            painter.setPen(palette.highlight().color())
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRect(0, 0, bands.width - 1, bands.height - 1))

    def _render_backdrop(self, info: MediaInfo, bands: Bands) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(round(bands.width * ratio), round(bands.height * ratio))
        pixmap.setDevicePixelRatio(ratio)
        lanes = [(track.lane, self._lane_image(track, ratio)) for track in self._tracks.values()]
        picture = Picture(
            info=info,
            scale=self._scale,
            span=self._span,
            lanes=lanes,
            selected=self._selected,
            running=self._running,
            thumbnails=self._thumbnails,
            lane_scroll_px=self._lane_bar.value(),
        )
        painter = QPainter(pixmap)
        painter.setFont(self.font())
        paint_backdrop(painter, bands, self.palette(), picture)
        painter.end()
        return pixmap

    def _lane_image(self, track: LaneTrack, ratio: float) -> QImage:
        key = (track.version, track.lane.colour, self._scale, ratio)
        cached = self._lane_images.get(track.lane.object_id)
        if cached is not None and cached[0] == key:
            return cached[1]
        columns = track.columns(self._scale.column_edges(max(1, round(self._scale.width_px * ratio))))
        height = round((LANE_PX - 2 * LANE_PAD_PX) * ratio)
        image = lane_image(columns, height=height, band=round(height * _BAND_SHARE), colour=track.lane.colour)
        image.setDevicePixelRatio(ratio)
        high = LANE_PX - 2 * LANE_PAD_PX
        paint_locks(image, self._lock_marks(track), middle=high * _BAND_SHARE / 2)
        paint_matte_marks(image, self._marks(track.keyframes), self._marks(track.painted), height=high)
        half = self._scale.frame_px / 2
        shown = [frame for frame in track.suspects if frame in self._scale.visible]
        paint_suspects(image, [self._scale.x_of(frame) + half for frame in shown], bottom=high)
        self._lane_images[track.lane.object_id] = (key, image)
        return image

    def _lock_marks(self, track: LaneTrack) -> list[tuple[float, float]]:
        """Where the marks of locked frames begin and end, in pixels; those just out of view reach into it."""
        visible = self._scale.visible
        return self._marks(track.locked_frames(visible.start - 1, visible.stop + 1))

    def _marks(self, frames: Sequence[int] | np.ndarray) -> list[tuple[float, float]]:
        """Middles of the first and the last frame of each mark, pixels."""
        bars = lock_bars(np.asarray(frames, np.int64), self._scale.frame_px)
        half, x_of = self._scale.frame_px / 2, self._scale.x_of
        return [(x_of(first) + half, x_of(last) + half) for first, last in bars]

    @Slot()
    def _ask_for_thumbnails(self) -> None:
        if self._info is None or not self.isVisible():
            return
        slots = filmstrip_slots(self._scale, slot_width(self._info))
        missing = sorted({frame for _, frame in slots if frame not in self._thumbnails})
        if missing:
            self.thumbnailsWanted.emit(missing)

    # Size and look

    def sizeHint(self) -> QSize:
        return QSize(900, RULER_PX + STRIP_PX + 3 * LANE_PX + _SCROLL_BAR_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(GUTTER_PX + 160, RULER_PX + STRIP_PX + LANE_PX + _SCROLL_BAR_PX)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._set_scale(self._scale.resized(self._area_width()))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._invalidate()
        super().changeEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def _describe_position(self) -> None:
        if self._info is None or self._info.frame_count == 0:
            self.setAccessibleDescription(tr("No clip"))
            return
        at, last = self._playhead, self._info.frame_count - 1
        place = tr("Frame {frame} of {last}, {time}", frame=at, last=last, time=timecode(self._info, at))
        self.setAccessibleDescription(place)
