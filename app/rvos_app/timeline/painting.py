"""How the timeline looks. Every function paints one part of a `Picture`; nothing here keeps state or reads events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QImage, QPainter, QPalette, QPen, QPolygonF

from rvos_app.timeline.lanes import Lane
from rvos_app.timeline.scale import TimeScale, minor_step, tick_step
from rvos_app.timeline.thumbnails import ThumbnailStore, filmstrip_slots
from rvos_app.timeline.timecode import nominal_rate, timecode
from rvos_core.types import FrameSpan, MediaInfo

GUTTER_PX = 148
RULER_PX = 40
HANDLE_PX = 13  # the lower part of the ruler, where in and out are dragged
STRIP_PX = 46
LANE_PX = 30
LANE_PAD_PX = 3

PLAYHEAD = QColor(255, 92, 66)
_DAMAGED = QColor(226, 110, 60)


@dataclass(frozen=True)
class Bands:
    """Where the parts lie in a widget of the given size (without its scroll bars)."""

    width: int
    height: int

    @property
    def ruler(self) -> QRectF:
        return QRectF(GUTTER_PX, 0, self.width - GUTTER_PX, RULER_PX)

    @property
    def strip(self) -> QRectF:
        return QRectF(GUTTER_PX, RULER_PX, self.width - GUTTER_PX, STRIP_PX)

    @property
    def lanes(self) -> QRectF:
        top = RULER_PX + STRIP_PX
        return QRectF(GUTTER_PX, top, self.width - GUTTER_PX, max(0, self.height - top))

    def lane_top(self, row: int, scroll_px: int) -> float:
        return RULER_PX + STRIP_PX + row * LANE_PX - scroll_px

    def lane_at(self, y: float, scroll_px: int) -> int | None:
        """The row under `y`, or None above the lanes."""
        below = y - (RULER_PX + STRIP_PX)
        return None if below < 0 else int((below + scroll_px) // LANE_PX)


@dataclass(frozen=True)
class Picture:
    """Everything that is painted except the playhead."""

    info: MediaInfo
    scale: TimeScale
    span: FrameSpan
    lanes: Sequence[tuple[Lane, QImage]]
    selected: int | None
    running: FrameSpan | None
    thumbnails: ThumbnailStore
    lane_scroll_px: int


def paint_backdrop(painter: QPainter, bands: Bands, palette: QPalette, picture: Picture) -> None:
    """Paints ruler, filmstrip, lanes and marks."""
    painter.fillRect(QRectF(0, 0, bands.width, bands.height), palette.color(QPalette.ColorRole.Base))
    _paint_lanes(painter, bands, palette, picture)
    _paint_filmstrip(painter, bands, palette, picture)
    _paint_ruler(painter, bands, palette, picture)
    painter.setClipRect(QRectF(GUTTER_PX, 0, bands.width - GUTTER_PX, bands.height))
    _paint_damaged(painter, bands, picture)
    _paint_running(painter, bands, palette, picture)
    _paint_outside(painter, bands, palette, picture)
    _paint_handles(painter, bands, palette, picture)
    painter.setClipping(False)
    gutter_edge = GUTTER_PX - 0.5
    painter.setPen(palette.color(QPalette.ColorRole.Mid))
    painter.drawLine(QLineF(gutter_edge, 0, gutter_edge, bands.height))


def paint_playhead(painter: QPainter, bands: Bands, scale: TimeScale, frame_index: int) -> None:
    """A line at the frame's left edge, its cell tinted where frames are wide enough to be seen."""
    x = GUTTER_PX + scale.x_of(frame_index)
    painter.setClipRect(QRectF(GUTTER_PX, 0, bands.width - GUTTER_PX, bands.height))
    if scale.frame_px >= 4:
        tint = QColor(PLAYHEAD)
        tint.setAlpha(48)
        painter.fillRect(QRectF(x, RULER_PX, scale.frame_px, bands.height - RULER_PX), tint)
    painter.fillRect(QRectF(round(x), RULER_PX - 10, 1.5, bands.height), PLAYHEAD)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(PLAYHEAD)
    top, middle = RULER_PX - HANDLE_PX, round(x) + 0.75
    head = [(-5.5, 0), (5.5, 0), (5.5, 6), (0, HANDLE_PX), (-5.5, 6)]
    painter.drawPolygon(QPolygonF([QPointF(middle + dx, top + dy) for dx, dy in head]))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setClipping(False)


def paint_position(painter: QPainter, palette: QPalette, info: MediaInfo, frame_index: int) -> None:
    """The playhead's timecode and frame number, in the corner beside the ruler."""
    painter.fillRect(QRectF(0, 0, GUTTER_PX - 1, RULER_PX), palette.color(QPalette.ColorRole.Window))
    font = painter.font()
    painter.setFont(_sized(font, 1.15, tabular=True))
    painter.setPen(palette.color(QPalette.ColorRole.WindowText))
    painter.drawText(QRectF(10, 3, GUTTER_PX - 16, 20), Qt.AlignmentFlag.AlignVCenter, timecode(info, frame_index))
    painter.setFont(_sized(font, 0.85))
    painter.setPen(_faint(palette))
    counted = f"{frame_index} / {info.frame_count - 1}"
    painter.drawText(QRectF(10, 21, GUTTER_PX - 16, 16), Qt.AlignmentFlag.AlignVCenter, counted)
    painter.setFont(font)


def _paint_ruler(painter: QPainter, bands: Bands, palette: QPalette, picture: Picture) -> None:
    area, scale, info = bands.ruler, picture.scale, picture.info
    font = painter.font()
    painter.fillRect(QRectF(0, 0, bands.width, RULER_PX), palette.color(QPalette.ColorRole.Window))
    painter.setClipRect(area)
    times, numbers = _sized(font, 0.9, tabular=True), _sized(font, 0.78)
    room = QFontMetricsF(times).horizontalAdvance("00:00:00:00") + 22
    rate = nominal_rate(info)
    step = tick_step(scale.frame_px, rate, room_px=room)
    minor = minor_step(step, scale.frame_px, rate)
    visible = scale.visible
    text, faint = palette.color(QPalette.ColorRole.WindowText), _faint(palette)
    painter.setPen(palette.color(QPalette.ColorRole.Mid))
    for frame in range(visible.start // minor * minor, visible.stop, minor):
        x = area.left() + round(scale.x_of(frame)) + 0.5
        painter.drawLine(QLineF(x, RULER_PX - (HANDLE_PX if frame % step == 0 else 5), x, RULER_PX))
    for frame in range(visible.start // step * step, visible.stop, step):
        x = area.left() + round(scale.x_of(frame)) + 3
        painter.setFont(times)
        painter.setPen(text)
        painter.drawText(QPointF(x, 13), timecode(info, frame))
        painter.setFont(numbers)
        painter.setPen(faint)
        painter.drawText(QPointF(x, 25), str(frame))
    painter.setFont(font)
    painter.setClipping(False)


def _paint_filmstrip(painter: QPainter, bands: Bands, palette: QPalette, picture: Picture) -> None:
    area = bands.strip
    painter.fillRect(area, palette.color(QPalette.ColorRole.Base).darker(112))
    painter.fillRect(QRectF(0, RULER_PX, GUTTER_PX, STRIP_PX), palette.color(QPalette.ColorRole.Window))
    painter.setClipRect(area)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    end = area.left() + picture.scale.x_of(picture.scale.frame_count)
    slot = slot_width(picture.info)
    for x, frame in filmstrip_slots(picture.scale, slot):
        image = picture.thumbnails.nearest(frame)
        if image is not None:
            cell = QRectF(area.left() + x, area.top() + 1, slot - 1, STRIP_PX - 2)
            painter.drawImage(cell, image, QRectF(image.rect()))
    beyond = QRectF(end, area.top(), area.right() - end, area.height())
    if beyond.width() > 0:
        painter.fillRect(beyond, palette.color(QPalette.ColorRole.Base))
    painter.setClipping(False)


def slot_width(info: MediaInfo) -> float:
    """Width of one filmstrip picture: the frame's shape, within bounds for very wide and very tall clips."""
    return min(max(STRIP_PX * info.width / info.height, STRIP_PX * 0.6), STRIP_PX * 3.0)


def _paint_lanes(painter: QPainter, bands: Bands, palette: QPalette, picture: Picture) -> None:
    area = bands.lanes
    painter.setClipRect(QRectF(0, area.top(), bands.width, area.height()))
    painter.fillRect(QRectF(0, area.top(), GUTTER_PX, area.height()), palette.color(QPalette.ColorRole.Window))
    line = palette.color(QPalette.ColorRole.Mid)
    line.setAlpha(90)
    for row, (lane, image) in enumerate(picture.lanes):
        top = bands.lane_top(row, picture.lane_scroll_px)
        if top + LANE_PX <= area.top() or top >= area.bottom():
            continue
        if lane.object_id == picture.selected:
            glow = palette.color(QPalette.ColorRole.Highlight)
            glow.setAlpha(46)
            painter.fillRect(QRectF(0, top, bands.width, LANE_PX), glow)
        painter.drawImage(QPointF(area.left(), top + LANE_PAD_PX), image)
        painter.setPen(line)
        painter.drawLine(QLineF(0, top + LANE_PX - 0.5, bands.width, top + LANE_PX - 0.5))
        _paint_name(painter, palette, lane, top, is_selected=lane.object_id == picture.selected)
    painter.setClipping(False)


def _paint_name(painter: QPainter, palette: QPalette, lane: Lane, top: float, *, is_selected: bool) -> None:
    painter.fillRect(QRectF(10, top + 10, 10, 10), QColor(*lane.colour))
    font = painter.font()
    name_font = QFont(font)
    name_font.setBold(is_selected)
    room = GUTTER_PX - 36.0
    painter.setFont(name_font)
    painter.setPen(palette.color(QPalette.ColorRole.WindowText))
    name = QFontMetricsF(name_font).elidedText(lane.name, Qt.TextElideMode.ElideRight, room)
    painter.drawText(QRectF(28, top, room, LANE_PX - 1), Qt.AlignmentFlag.AlignVCenter, name)
    painter.setFont(font)


def _paint_damaged(painter: QPainter, bands: Bands, picture: Picture) -> None:
    for span in picture.info.damaged:
        rect = _span_rect(picture.scale, span, top=RULER_PX - 5, bottom=RULER_PX + STRIP_PX)
        veil = QColor(_DAMAGED)
        veil.setAlpha(60)
        painter.fillRect(rect, veil)
        painter.fillRect(rect, QBrush(_DAMAGED, Qt.BrushStyle.BDiagPattern))
        painter.fillRect(QRectF(rect.left(), rect.top(), rect.width(), 2), _DAMAGED)


def _paint_running(painter: QPainter, bands: Bands, palette: QPalette, picture: Picture) -> None:
    if picture.running is None:
        return
    accent = palette.color(QPalette.ColorRole.Highlight)
    rect = _span_rect(picture.scale, picture.running, top=RULER_PX + STRIP_PX, bottom=bands.height)
    painter.fillRect(QRectF(rect.left(), rect.top() - 3, rect.width(), 3), accent)
    accent.setAlpha(34)
    painter.fillRect(rect, accent)


def _paint_outside(painter: QPainter, bands: Bands, palette: QPalette, picture: Picture) -> None:
    scale, span, left = picture.scale, picture.span, float(GUTTER_PX)
    end = min(left + scale.x_of(scale.frame_count), float(bands.width))
    is_dark = palette.color(QPalette.ColorRole.Base).lightness() < 128
    shade = QColor(0, 0, 0, 120 if is_dark else 60)
    for start, stop in ((left, left + scale.x_of(span.start)), (left + scale.x_of(span.stop), end)):
        if stop > start:
            painter.fillRect(QRectF(start, RULER_PX, stop - start, bands.height - RULER_PX), shade)


def _paint_handles(painter: QPainter, bands: Bands, palette: QPalette, picture: Picture) -> None:
    """Two brackets in the lower part of the ruler, joined by a bar: the range a run and a loop use."""
    accent = palette.color(QPalette.ColorRole.Highlight)
    scale, top = picture.scale, RULER_PX - HANDLE_PX
    start, stop = GUTTER_PX + scale.x_of(picture.span.start), GUTTER_PX + scale.x_of(picture.span.stop)
    painter.fillRect(QRectF(start, RULER_PX - 3, stop - start, 3), accent)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(accent)
    for x, inward in ((start, 1), (stop, -1)):
        corners = [(0, 0), (8 * inward, 0), (3 * inward, HANDLE_PX - 3), (0, HANDLE_PX)]
        painter.drawPolygon(QPolygonF([QPointF(x + dx, top + dy) for dx, dy in corners]))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    line = QColor(accent)
    line.setAlpha(150)
    painter.setPen(QPen(line, 1))
    for x in (start, stop - 1):
        painter.drawLine(QLineF(round(x) + 0.5, RULER_PX, round(x) + 0.5, bands.height))


def _span_rect(scale: TimeScale, span: FrameSpan, *, top: float, bottom: float) -> QRectF:
    """Never thinner than two pixels: a single bad frame of a long clip must be seen."""
    left, right = scale.x_of(span.start), scale.x_of(span.stop)
    return QRectF(GUTTER_PX + left, top, max(right - left, 2.0), bottom - top)


def _faint(palette: QPalette) -> QColor:
    colour = palette.color(QPalette.ColorRole.WindowText)
    colour.setAlpha(150)
    return colour


def _sized(font: QFont, factor: float, *, tabular: bool = False) -> QFont:
    sized = QFont(font)
    if font.pointSizeF() > 0:
        sized.setPointSizeF(font.pointSizeF() * factor)
    else:
        sized.setPixelSize(max(1, round(font.pixelSize() * factor)))
    if tabular:
        sized.setFeature(QFont.Tag.fromString("tnum"), 1)
    return sized
