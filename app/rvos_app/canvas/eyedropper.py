"""The eyedropper: takes a colour from the frame on screen, whatever lies over it.

A veil over the canvas hears the mouse meanwhile; wheel and middle button are handed on, so that one can zoom and pan.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from rvos_app.canvas.drawing_canvas import DrawingCanvas
from rvos_app.i18n import tr

Colour = tuple[int, int, int]

_SWATCH_PX, _PAD_PX, _AWAY_PX = 26, 6, 18
_PANS = Qt.MouseButton.MiddleButton
_STAYS = (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason)


def colour_at(picture: np.ndarray, x: int, y: int) -> Colour:
    """Mean of the 3x3 pixels round (x, y), those beyond the border left out. `picture`: (H, W, 3) uint8 RGB."""
    near = picture[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].reshape(-1, 3)
    red, green, blue = np.rint(near.mean(axis=0)).astype(int).tolist()
    return red, green, blue


class Eyedropper(QObject):
    """One at a time takes a colour.

    Args:
        canvas: what is picked from.
        picture: gives the frame on screen, (H, W, 3) uint8 RGB, or None.

    Signals:
        began(): it is in hand.
        ended(): it is not any more, whether a colour was taken or not.
        said(str): a sentence for the status bar.
    """

    began = Signal()
    ended = Signal()
    said = Signal(str)

    def __init__(self, canvas: DrawingCanvas, picture: Callable[[], np.ndarray | None]) -> None:
        super().__init__()
        self._canvas = canvas
        self._picture = picture
        self._then: Callable[[Colour], object] | None = None
        self._veil = _Veil(canvas, self)

    @property
    def active(self) -> bool:
        return self._then is not None

    @property
    def shown(self) -> Colour | None:
        """The colour under the pointer; None beside the frame."""
        return self._veil.colour

    def begin(self, then: Callable[[Colour], object]) -> bool:
        """Take it in hand; `then` gets the colour that is clicked. Returns: whether there is a frame to pick from."""
        self.end()
        if self._picture() is None:
            self.said.emit(tr("No frame is on screen yet."))
            return False
        self._canvas.rest_hand()
        self._then = then
        self._veil.lay()
        self.began.emit()
        self.said.emit(tr("Click the colour in the picture (mean of 3x3 pixels); Esc or a right click leaves."))
        return True

    def end(self) -> None:
        """Put it away without a colour. Safe to call twice."""
        if self._then is not None:
            self._then = None
            self._veil.lift()
            self.said.emit("")
            self.ended.emit()

    def at(self, x: int, y: int) -> Colour | None:
        """The colour of a place of the frame; None beside it."""
        picture = self._picture()
        if picture is None or not (0 <= x < picture.shape[1] and 0 <= y < picture.shape[0]):
            return None
        return colour_at(picture, x, y)

    def take(self, colour: Colour) -> None:
        """It was clicked."""
        then = self._then
        self.end()
        if then is not None:
            then(colour)
            self.said.emit(tr("The colour is {colour} now.", colour=QColor(*colour).name().upper()))


class _Veil(QWidget):
    """Over the viewport while the eyedropper is in hand."""

    def __init__(self, canvas: DrawingCanvas, owner: Eyedropper) -> None:
        super().__init__(canvas.viewport())
        self._canvas = canvas
        self._owner = owner
        self._hand: QPointF | None = None
        self.colour: Colour | None = None
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Eyedropper"))
        canvas.viewport().installEventFilter(self)
        self.hide()

    def lay(self) -> None:
        self._hand = self.colour = None
        self.setGeometry(self._canvas.viewport().rect())
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def lift(self) -> None:
        had_focus = self.hasFocus()
        self.hide()
        if had_focus:
            self._canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self.setGeometry(self._canvas.viewport().rect())
        return False

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Escape:
                event.accept()
                return True
        elif event.type() == QEvent.Type.Leave:
            self._follow(None)
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._owner.end()
        else:
            event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() not in _STAYS:
            self._owner.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == _PANS:
            self._canvas.mousePressEvent(event)
        elif event.button() == Qt.MouseButton.LeftButton:
            self._follow(event.position())
            if self.colour is not None:
                self._owner.take(self.colour)
        else:
            self._owner.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & _PANS:
            self._canvas.mouseMoveEvent(event)
        self._follow(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == _PANS:
            self._canvas.mouseReleaseEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._canvas.wheelEvent(event)
        self._follow(event.position())

    def _follow(self, hand: QPointF | None) -> None:
        self._hand = hand
        self.colour = None
        if hand is not None:
            place = self._canvas.frame_place(hand)
            self.colour = self._owner.at(math.floor(place.x()), math.floor(place.y()))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._hand is None or self.colour is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        said = QColor(*self.colour).name().upper()
        metrics = QFontMetricsF(self.font())
        plate = QRectF(0, 0, _SWATCH_PX + metrics.horizontalAdvance(said) + 3 * _PAD_PX, _SWATCH_PX + 2 * _PAD_PX)
        plate.moveTopLeft(self._hand + QPointF(_AWAY_PX, _AWAY_PX))
        if plate.right() > self.width():
            plate.moveRight(self._hand.x() - _AWAY_PX)
        if plate.bottom() > self.height():
            plate.moveBottom(self._hand.y() - _AWAY_PX)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 200))
        painter.drawRoundedRect(plate, 5, 5)
        painter.setPen(QPen(QColor(255, 255, 255), 1))
        painter.setBrush(QColor(*self.colour))
        painter.drawRect(QRectF(plate.left() + _PAD_PX, plate.top() + _PAD_PX, _SWATCH_PX, _SWATCH_PX))
        text = plate.adjusted(_SWATCH_PX + 2 * _PAD_PX, 0, 0, 0)
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, said)
        painter.end()
