"""What lies over picture and masks to help the hand: neighbours' outlines, clicks, the lock's badge, the magnifier."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPalette, QTransform
from PySide6.QtWidgets import QApplication

from rvos_app.actions.icons import icon
from rvos_app.canvas.mask_art import MaskArtCache
from rvos_app.canvas.tools.tool import cosmetic_pens
from rvos_core.masks import Rle
from rvos_core.models.api import Clicks

BEFORE, AFTER = QColor(255, 159, 64), QColor(86, 180, 255)  # orange and blue: told apart by every eye
_BADGE_MARGIN_PX = 12
_DOT_PX = 6.5
_INSIDE, _OUTSIDE = QColor(46, 160, 67), QColor(218, 54, 51)
LOUPE_PX = 190
_LOUPE_MARGIN_PX = 12
_LOUPE_TIMES = 4.0
_LOUPE_LEAST = 6.0  # screen pixels per frame pixel


@dataclass(frozen=True)
class Decorations:
    """What is shown besides the masks.

    Attributes:
        before, after: masks of the selected object on the neighbouring frames; None: not shown.
        clicks: what was pointed at on this frame.
        badge: a few words in the corner, with a lock; empty: none.
    """

    before: Rle | None = field(default=None, repr=False)
    after: Rle | None = field(default=None, repr=False)
    clicks: Clicks = field(default_factory=Clicks)
    badge: str = ""


def paint_neighbours(painter: QPainter, art: MaskArtCache, shown: Decorations) -> None:
    """Outlines of the frame before (orange, dashed) and after (blue, dotted), in frame pixels."""
    exact = painter.deviceTransform().m11() > 2
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for mask, colour, pattern in ((shown.before, BEFORE, [5.0, 3.0]), (shown.after, AFTER, [1.5, 2.5])):
        if mask is not None:
            below, above = cosmetic_pens(colour, dashed=True)
            above.setDashPattern(pattern)
            for pen in (below, above):
                painter.setPen(pen)
                painter.drawPath(art.outline(mask, exact=exact))


def paint_clicks(painter: QPainter, to_view: QTransform, clicks: Clicks) -> None:
    """Dots with a plus or a minus, and the box; in screen pixels."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if clicks.box is not None:
        left, top, right, bottom = clicks.box
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in cosmetic_pens(QColor(255, 255, 255), dashed=True):
            painter.setPen(pen)
            painter.drawRect(to_view.mapRect(QRectF(left, top, right - left, bottom - top)))
    for pixels, positive in ((clicks.positive, True), (clicks.negative, False)):
        for x, y in pixels:
            _paint_dot(painter, to_view.map(QPointF(x + 0.5, y + 0.5)), positive=positive)


def _paint_dot(painter: QPainter, at: QPointF, *, positive: bool) -> None:
    painter.setPen(QColor(255, 255, 255))
    painter.setBrush(_INSIDE if positive else _OUTSIDE)
    painter.drawEllipse(at, _DOT_PX, _DOT_PX)
    arm = _DOT_PX - 3
    lines = [QLineF(at.x() - arm, at.y(), at.x() + arm, at.y())]
    if positive:
        lines.append(QLineF(at.x(), at.y() - arm, at.x(), at.y() + arm))
    pen = painter.pen()
    pen.setWidthF(1.8)
    painter.setPen(pen)
    painter.drawLines(lines)


def paint_badge(painter: QPainter, text: str) -> None:
    """A lock and a few words at the top left, in screen pixels."""
    metrics = QFontMetricsF(painter.font())
    height = metrics.height() + 8
    plate = QRectF(_BADGE_MARGIN_PX, _BADGE_MARGIN_PX, metrics.horizontalAdvance(text) + height + 10, height)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 185))
    painter.drawRoundedRect(plate, 5, 5)
    glyph = QRect(round(plate.left()) + 6, round(plate.top()) + 4, round(height) - 8, round(height) - 8)
    icon("ph.lock-simple-fill", colour="#ffffff").paint(painter, glyph)
    painter.setPen(Qt.GlobalColor.white)
    painter.drawText(plate.adjusted(height, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, text)


def loupe_area(view: QRect, hand: QPointF) -> QRect:
    """Where the magnifier stands: at the top right, or at the top left where the hand is near."""
    area = QRect(view.right() - LOUPE_PX - _LOUPE_MARGIN_PX, view.top() + _LOUPE_MARGIN_PX, LOUPE_PX, LOUPE_PX)
    if area.adjusted(-60, -60, 60, 60).contains(hand.toPoint()):
        area.moveLeft(view.left() + _LOUPE_MARGIN_PX)
    return area


def loupe_transform(area: QRect, target: QPointF, scale: float) -> QTransform:
    """Frame pixels to screen pixels of the magnifier: `target` (frame pixels) is in its middle."""
    times = max(scale * _LOUPE_TIMES, _LOUPE_LEAST)
    middle = QRectF(area).center()
    return QTransform(times, 0, 0, times, middle.x() - target.x() * times, middle.y() - target.y() * times)


def paint_loupe_rim(painter: QPainter, area: QRect) -> None:
    """The frame of the magnifier and the cross in its middle, in screen pixels."""
    middle = QRectF(area).center()
    gap, reach = 4.0, 12.0
    arms = [
        QLineF(middle.x() + gap * x, middle.y() + gap * y, middle.x() + reach * x, middle.y() + reach * y)
        for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1))
    ]
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in cosmetic_pens(QColor(255, 255, 255), width_px=1):
        painter.setPen(pen)
        painter.drawLines(arms)
    line = QApplication.palette().color(QPalette.ColorRole.Highlight)
    for pen in cosmetic_pens(line, width_px=1.5):
        painter.setPen(pen)
        painter.drawRect(QRectF(area).adjusted(1, 1, -1, -1))
