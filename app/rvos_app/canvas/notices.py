"""Words on the canvas: why it is empty, or a note above a frame."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPalette

_TEXT_FLAGS = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
_BELOW_FLAGS = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
_NOTE_FLAGS = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap


def paint_empty_state(painter: QPainter, area: QRectF, message: str, palette: QPalette) -> None:
    """In the middle of `area`; the first line is larger than the others."""
    title, _, rest = message.partition("\n")
    text, faint = QPalette.ColorRole.WindowText, QPalette.ColorRole.PlaceholderText
    usual = painter.font()
    large = painter.font()
    large.setPointSizeF(large.pointSizeF() * 1.5)
    painter.setFont(large)
    needed = painter.boundingRect(area, _TEXT_FLAGS, title)
    painter.setPen(palette.color(text))
    title_box = needed.translated(0, -needed.height() / 2 if rest else 0)
    painter.drawText(title_box, _TEXT_FLAGS, title)
    if rest:
        painter.setFont(usual)
        painter.setPen(palette.color(faint))
        below = QRectF(area.left(), title_box.bottom() + 8, area.width(), area.bottom() - title_box.bottom())
        painter.drawText(below, _BELOW_FLAGS, rest)


def paint_note(painter: QPainter, area: QRectF, message: str, _palette: QPalette) -> None:
    """On a dark plate at the top of `area`."""
    text = painter.boundingRect(area, _NOTE_FLAGS, message)
    plate = text.adjusted(-14, -9, 14, 9)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 190))
    painter.drawRoundedRect(plate, 6, 6)
    painter.setPen(Qt.GlobalColor.white)
    painter.drawText(text, _NOTE_FLAGS, message)
