"""A strip as long as the clip with a mark for each keyframe; a click goes to the nearest one."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from rvos_app.i18n import count, tr

_HEIGHT_PX = 18
_MARK_PX = 4.5
_MARGIN_PX = 6


class KeyframeStrip(QWidget):
    """Signals: chosen(int): a frame to go to."""

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._frames = 0
        self._keyframes: tuple[int, ...] = ()
        self._playhead = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(tr("Keyframes of the matte"))
        self.show_keyframes(0, ())

    def show_keyframes(self, frames: int, keyframes: tuple[int, ...]) -> None:
        """Marks of a clip of so many frames."""
        self._frames, self._keyframes = frames, keyframes
        said = count(len(keyframes), "keyframe", "keyframes") if keyframes else tr("no keyframes: one matte for all")
        self.setAccessibleDescription(said)
        self.setToolTip(tr("{said}; a click goes to the nearest (Alt+J, Alt+L)", said=said))
        self.update()

    def show_playhead(self, frame: int) -> None:
        """Where the playhead is."""
        self._playhead = frame
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, _HEIGHT_PX)

    def _x(self, frame: int) -> float:
        room = self.width() - 2 * _MARGIN_PX
        return _MARGIN_PX + room * frame / max(1, self._frames - 1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._keyframes:
            self.chosen.emit(min(self._keyframes, key=lambda frame: abs(self._x(frame) - event.position().x())))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette, middle = self.palette(), self.height() / 2
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Mid), 2))
        painter.drawLine(QPointF(self._x(0), middle), QPointF(self.width() - _MARGIN_PX, middle))
        if self._frames:
            painter.setPen(QPen(palette.color(QPalette.ColorRole.WindowText), 1))
            at = self._x(self._playhead)
            painter.drawLine(QPointF(at, 1), QPointF(at, self.height() - 1))
        for frame in self._keyframes:
            here = frame == self._playhead
            colour = palette.color(QPalette.ColorRole.Highlight if here else QPalette.ColorRole.WindowText)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawPolygon(_diamond(QPointF(self._x(frame), middle)))
        painter.end()


def _diamond(centre: QPointF) -> QPolygonF:
    box = QRectF(centre.x() - _MARK_PX, centre.y() - _MARK_PX, 2 * _MARK_PX, 2 * _MARK_PX)
    middle_x, middle_y = centre.x(), centre.y()
    return QPolygonF(
        [
            QPointF(middle_x, box.top()),
            QPointF(box.right(), middle_y),
            QPointF(middle_x, box.bottom()),
            QPointF(box.left(), middle_y),
        ]
    )
