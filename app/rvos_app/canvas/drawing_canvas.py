"""The video view with a tool in hand: routes mouse, pen and keys to the tool, and paints what is being drawn.

Only what changed is painted while a gesture lasts. It knows nothing of objects or the document: `prepare` says what a
gesture is drawn on, `gestured` what came of it.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPointingDevice, QTabletEvent, QWheelEvent
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from rvos_app.canvas.decorations import (
    Decorations,
    loupe_area,
    loupe_transform,
    paint_badge,
    paint_clicks,
    paint_loupe_rim,
    paint_neighbours,
)
from rvos_app.canvas.items import NEAREST_ABOVE, ViewMode
from rvos_app.canvas.live import paint_live
from rvos_app.canvas.mask_art import MaskArtCache
from rvos_app.canvas.tools.select import SelectTool
from rvos_app.canvas.tools.sheet import Sheet
from rvos_app.canvas.tools.tool import Outcome, Picked, Pointer, Tool
from rvos_app.canvas.tools.trimap_layer import TrimapLayer
from rvos_app.canvas.view import VideoCanvas

_CLICK_PX = 4  # a press that moves less is a click
_WHEEL_NOTCH = 120
_WHEEL_STEP = 1.15
_TABLET = (QEvent.Type.TabletPress, QEvent.Type.TabletMove, QEvent.Type.TabletRelease)
_LEFT, _RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


class DrawingCanvas(VideoCanvas):
    """A view that is drawn on.

    Signals:
        gestured(Outcome): a gesture has ended, or was refused.
        sizing(factor): the person changes the size of the brush, by Alt and wheel or by Ctrl and drag.
    """

    gestured = Signal(object)
    sizing = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.prepare: Callable[[], Sheet | None] = _nothing
        self._tool: Tool = SelectTool()
        self._decorations = Decorations()
        self._trimap: TrimapLayer | None = None
        self._neighbour_art = MaskArtCache(capacity=8)
        self._magnifies = False
        self._hand: QPointF | None = None
        self._pressed_at: QPointF | None = None  # of a click that may become a drag of the picture
        self._sized_at: float | None = None
        self._held: Qt.MouseButton | None = None
        self._pressure = 1.0  # of the pen's last touch: letting go has none

    # -- what is in hand ---------------------------------------------------------------------------------------------

    @property
    def tool(self) -> Tool:
        return self._tool

    def set_tool(self, tool: Tool) -> None:
        """Take a tool in hand; the gesture under way ends."""
        self.finish_gesture()
        self._let_go()
        self._tool = tool
        self._show_cursor()

    def rest_hand(self) -> None:
        """The gesture under way ends, and nothing follows the hand until it comes back."""
        self.finish_gesture()
        self._follow(None)
        self._let_go()

    def _let_go(self) -> None:
        self._tool.hover(None)
        self._tell(self._tool.take_dirty())

    def frame_place(self, view: QPointF) -> QPointF:
        """The place in the frame, pixels, of one in the view."""
        return self._to_frame(view)

    @property
    def is_drawing(self) -> bool:
        """A gesture is under way."""
        return self._tool.sheet is not None

    def finish_gesture(self) -> None:
        """The frame or the object goes: what makes sense of the gesture is kept, on the frame it began on."""
        if self._tool.sheet is not None:
            self._end(self._tool.finish())
        self._held = None

    def cancel_gesture(self) -> None:
        """The gesture never was."""
        if self._tool.sheet is not None:
            self._tool.cancel()
            self._end(None)
        self._held = None

    def set_decorations(self, shown: Decorations) -> None:
        """What is shown besides the masks."""
        if shown != self._decorations:
            self._decorations = shown
            self.viewport().update()

    @property
    def trimap(self) -> TrimapLayer | None:
        return self._trimap

    def set_trimap(self, layer: TrimapLayer | None) -> None:
        """Show a trimap over the frame in place of its object's mask; a rendered view has it during strokes only."""
        self._trimap = layer
        self._leave_out(None)
        self.viewport().update()

    def set_view_mode(self, mode: ViewMode) -> None:
        super().set_view_mode(mode)
        self._leave_out(None)

    def set_magnifier(self, shown: bool) -> None:
        """A magnifier of what is under the hand."""
        self._magnifies = shown
        self.viewport().update()

    def refresh_tool(self) -> None:
        """What the tool paints looks otherwise now, e.g. its size."""
        self._tell(QRectF(self._frame_item.boundingRect()))

    # -- mouse and pen -----------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        if self._grabbed_at is not None or not self._frame_item.has_frame:
            return
        if self._tool.grabs and event.button() == _LEFT:
            self._pressed_at = event.position()
        elif event.button() == _LEFT and event.modifiers() & Qt.KeyboardModifier.ControlModifier and self._sizes:
            self._sized_at = event.position().x()
        elif self._takes(event.button()):
            self._press(self._pointer(event), event.button())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._takes(event.button()) and not self._space_held:
            self._press(self._pointer(event), event.button(), double=True)
        else:
            self.mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed_at is not None and self._grabbed_at is None:
            way = event.position() - self._pressed_at
            if way.manhattanLength() >= _CLICK_PX:
                self._grabbed_at, self._pressed_at = self._pressed_at.toPoint(), None
                self._show_cursor()
        if self._sized_at is not None:
            self.sizing.emit(1.01 ** (event.position().x() - self._sized_at))
            self._sized_at = event.position().x()
        elif self._grabbed_at is None:
            self._move(self._pointer(event))
        self._follow(event.position())
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pressed_at is not None:
            pixel = self._pixel_at(self._pressed_at)
            self._pressed_at = None
            if pixel != (-1, -1):
                self.gestured.emit(Picked(pixel))
        elif self._sized_at is not None:
            self._sized_at = None
        elif self._held == event.button():
            self._release(self._pointer(event))
        super().mouseReleaseEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self._follow(None)
            self._let_go()
        if isinstance(event, QTabletEvent) and event.type() in _TABLET and self._pen(event):
            event.accept()
            return True
        return super().viewportEvent(event)

    def _pen(self, event: QTabletEvent) -> bool:
        """A pen draws with its pressure; where the tool only grabs, Qt makes mouse events of the pen's."""
        if self._tool.grabs or not self._frame_item.has_frame:
            return False
        at, button = self._pointer(event), event.button()
        if event.type() == QEvent.Type.TabletPress and self._takes(button):
            self._press(at, button)
        elif event.type() == QEvent.Type.TabletMove:
            self._move(at)
            self._follow(event.position())
        elif event.type() == QEvent.Type.TabletRelease and self._held == button:
            self._release(at)
        return True

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.AltModifier and self._sizes:
            turn = event.angleDelta().y() or event.angleDelta().x()  # some systems turn the wheel sideways with Alt
            self.sizing.emit(_WHEEL_STEP ** (turn / _WHEEL_NOTCH))
            event.accept()
        else:
            super().wheelEvent(event)

    @property
    def _sizes(self) -> bool:
        return self._tool.name in ("brush", "eraser", "trimap")

    def _takes(self, button: Qt.MouseButton) -> bool:
        known = button == _LEFT or (button == _RIGHT and self._tool.uses_right)
        return known and self._held is None and not self._tool.grabs and self._frame_item.has_frame

    def _pointer(self, event: QMouseEvent | QTabletEvent) -> Pointer:
        point = self._to_frame(event.position())
        inverts = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        pressure = 1.0
        if isinstance(event, QTabletEvent):
            inverts ^= event.pointerType() == QPointingDevice.PointerType.Eraser
            pressure = event.pressure() if event.type() != QEvent.Type.TabletRelease else self._pressure
            self._pressure = pressure
        right = event.button() == _RIGHT
        return Pointer(point.x(), point.y(), pressure, right, inverts, self.transform().m11())

    # -- to the tool and back ----------------------------------------------------------------------------------------

    def _press(self, at: Pointer, button: Qt.MouseButton, *, double: bool = False) -> None:
        sheet = self._tool.sheet or self.prepare()
        if sheet is None:
            return
        self._held = button
        done = self._tool.double_press(at, sheet) if double else self._tool.press(at, sheet)
        self._after(done)

    def _move(self, at: Pointer) -> None:
        if self._held is not None:
            self._tool.move(at)
        else:
            self._tool.hover(at)
        self._after(None)

    def _release(self, at: Pointer) -> None:
        self._held = None
        if self._tool.sheet is not None:
            self._after(self._tool.release(at))

    def _after(self, done: Outcome | None) -> None:
        sheet = self._tool.sheet
        if done is not None:
            self._held = None
            self._end(done)
            return
        if sheet is not None and sheet.touched and sheet.draws_mask:
            self._leave_out(sheet.object_id)
        self._tell(self._tool.take_dirty())

    def _end(self, done: Outcome | None) -> None:
        """The mask goes back to the overlays, which the answer to `gestured` changes."""
        self._leave_out(None)
        if done is not None:
            self.gestured.emit(done)
        self._tell(self._tool.take_dirty())

    def _leave_out(self, object_id: int | None) -> None:
        """The mask under the hand is painted from here; a rendered picture gives way to masks meanwhile. At rest none
        is left out but that of the object whose trimap is shown."""
        if object_id is None and self._trimap is not None and self.view_mode is ViewMode.OVERLAY:
            object_id = self._trimap.object_id
        if object_id != self._overlay_item.left_out and self._overlay_item.preview is not None:
            self.viewport().update()
        self._overlay_item.left_out = object_id

    def _tell(self, dirty: QRectF) -> None:
        """Have a part of the frame painted anew, and the magnifier with it."""
        if dirty.isNull():
            return
        self._repaint(dirty)
        if self._magnifies and self._hand is not None:
            self.viewport().update(loupe_area(self.viewport().rect(), self._hand))

    def _follow(self, hand: QPointF | None) -> None:
        if self._magnifies:
            for each in (self._hand, hand):
                if each is not None:
                    self.viewport().update(loupe_area(self.viewport().rect(), each))
        self._hand = hand

    # -- keys --------------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._key_of(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = self._key_of(event)
        if key is None:
            super().keyPressEvent(event)
            return
        done = self._tool.key(key)
        if done is not None or self._tool.sheet is None:
            self._held = None
            self._end(done)
        else:
            self._after(None)

    def _key_of(self, event: QKeyEvent) -> Qt.Key | None:
        """The key as the gesture under way understands it; None: it is not the gesture's.

        Undo within a gesture takes its last step back, or all of it: not what the document did before.
        """
        key, modifiers = Qt.Key(event.key()), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        undoes = key == Qt.Key.Key_Z and modifiers == Qt.KeyboardModifier.ControlModifier
        if self._tool.sheet is None or not (undoes or modifiers == Qt.KeyboardModifier.NoModifier):
            return None
        if undoes:
            return key if self._tool.wants(key) else Qt.Key.Key_Escape
        return key if key != Qt.Key.Key_Z and self._tool.wants(key) else None

    def _show_cursor(self) -> None:
        super()._show_cursor()
        if self._grabbed_at is None and not self._space_held:
            self.viewport().setCursor(self._tool.cursor)

    # -- painting ----------------------------------------------------------------------------------------------------

    def drawForeground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        if self._frame_item.has_frame:
            self._paint_hand(painter)
        super().drawForeground(painter, rect)
        if not self._frame_item.has_frame:
            return
        painter.save()
        painter.resetTransform()
        if self._decorations.badge:
            paint_badge(painter, self._decorations.badge)
        if self._magnifies and self._hand is not None:
            self._paint_loupe(painter, self._hand)
        painter.restore()

    def _paint_hand(self, painter: QPainter) -> None:
        """What is being drawn, in frame pixels, with what helps to draw it."""
        painter.save()
        self._paint_live(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._overlay_item.mode is not ViewMode.MATTE:
            paint_neighbours(painter, self._neighbour_art, self._decorations)
        self._tool.paint(painter, self.transform().m11())
        to_view = painter.worldTransform()
        painter.resetTransform()
        paint_clicks(painter, to_view, self._decorations.clicks)
        painter.restore()

    def _paint_live(self, painter: QPainter) -> None:
        smooth = self.transform().m11() <= NEAREST_ABOVE
        paint_live(painter, self._tool.sheet, self._trimap, self.view_mode, smooth=smooth)

    def _paint_loupe(self, painter: QPainter, hand: QPointF) -> None:
        area = loupe_area(self.viewport().rect(), hand)
        transform = loupe_transform(area, self._to_frame(hand), self.transform().m11())
        option = QStyleOptionGraphicsItem()
        painter.save()
        painter.setClipRect(area)
        painter.fillRect(area, self._surround())
        painter.setTransform(transform)
        self._frame_item.paint(painter, option)
        self._overlay_item.paint(painter, option)
        self._paint_live(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._tool.paint(painter, transform.m11())
        painter.resetTransform()
        paint_clicks(painter, transform, self._decorations.clicks)
        paint_loupe_rim(painter, area)
        painter.restore()


def _nothing() -> None:
    return None
