"""The video view: shows one frame with its overlays; zoom at the cursor, pan, drop of files.

It knows nothing of projects, playback or models: others tell it what to show.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QMetaMethod, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QGraphicsScene, QGraphicsView, QWidget

from rvos_app.canvas.items import FrameItem, Overlay, OverlayItem, ViewMode
from rvos_app.canvas.notices import paint_empty_state, paint_note
from rvos_app.canvas.preview import Preview
from rvos_app.i18n import tr

__all__ = ["MAX_ZOOM", "MIN_ZOOM", "Overlay", "VideoCanvas", "ViewMode"]

MIN_ZOOM = 0.05
MAX_ZOOM = 32.0
_ZOOM_STEP = 1.25
_WHEEL_NOTCH = 120
_REPAINT_MARGIN_PX = 6  # pens are wide


class VideoCanvas(QGraphicsView):
    """One frame, what lies over it, and the person's view of it.

    Zoom 1.0 shows one frame pixel on one screen pixel, whatever the screen's scale factor is.

    Signals:
        pixelHovered(x, y): the frame pixel under the pointer; (-1, -1) when it leaves the frame.
        filesDropped(list[Path]): local files or folders were dropped.
        zoomChanged(factor): the zoom is another one now.
        playPauseRequested(): Space was tapped. Space held while dragging pans; so that holding it does not start
            playback, the canvas keeps Space from the window's shortcuts while something is connected to this signal.
        viewModeChanged(): masks are shown in another way.
        previewDropped(): what was rendered is not shown any more, as masks have changed.
    """

    pixelHovered = Signal(int, int)
    filesDropped = Signal(list)
    zoomChanged = Signal(float)
    playPauseRequested = Signal()
    viewModeChanged = Signal()
    previewDropped = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._frame_item = FrameItem()
        self._overlay_item = OverlayItem()
        scene = QGraphicsScene(self)
        scene.addItem(self._frame_item)
        scene.addItem(self._overlay_item)
        scene.setItemIndexMethod(QGraphicsScene.ItemIndexMethod.NoIndex)
        self.setScene(scene)
        self._message = ""
        self._stale = QRect()  # what `_repaint` has asked for since the last paint
        self._fitted = True
        self._zoom = 1.0
        self._zoom_anchor: tuple[QPointF, QPointF] | None = None  # in the view, in the frame: rounding must not add up
        self._hovered = (-1, -1)
        self._space_held = False
        self._space_used = False
        self._grabbed_at: QPoint | None = None
        self._set_up_view()

    def _set_up_view(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.AnchorViewCenter)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.setOptimizationFlag(QGraphicsView.OptimizationFlag.DontAdjustForAntialiasing)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(True)
        self.viewport().setMouseTracking(True)
        self.setMinimumSize(160, 90)
        self.setAccessibleName(tr("Video"))
        self.setAccessibleDescription(tr("The current frame with the masks of the objects."))

    # What is shown

    @property
    def zoom(self) -> float:
        """Screen pixels per frame pixel."""
        return self._zoom

    @property
    def message(self) -> str:
        return self._message

    def set_frame(self, image: np.ndarray | None) -> None:
        """Shows a frame, (H, W, 3) uint8 RGB; None shows the empty state. A frame of a new size is fitted."""
        before = self._frame_item.size
        self._frame_item.set_frame(image)
        self._overlay_item.backdrop, self._overlay_item.preview = self._frame_item.image, None
        size = self._frame_item.size
        if size == before:
            return
        self._overlay_item.set_size(size)
        if self._frame_item.has_frame:
            self.fit()
        self._report_hover((-1, -1))

    def set_overlays(self, overlays: Sequence[Overlay]) -> None:
        """Replaces everything drawn over the frame; later ones lie on top. Only what changes is painted anew."""
        had_preview = self.preview is not None
        self._repaint(self._overlay_item.set_overlays(overlays))
        if had_preview and self.preview is None:
            self.previewDropped.emit()

    @property
    def preview(self) -> Preview | None:
        """What was rendered for the frame that is shown; None: nothing yet, or something has changed since."""
        return self._overlay_item.preview

    def set_preview(self, preview: Preview | None) -> None:
        """Show a rendered picture of the frame in its view mode; it goes with the next frame or other masks."""
        self._overlay_item.preview = preview
        self._overlay_item.update()

    def _repaint(self, area: QRectF) -> None:
        """Have a part of the frame painted anew. The scene's own updates repaint the whole view.

        Until the next paint such parts grow into one rectangle: clipped to several, Qt scales pictures in another way,
        which moves the edges of magnified pixels by one.
        """
        if not area.isEmpty():
            margin = _REPAINT_MARGIN_PX
            shown = self.viewportTransform().mapRect(area).toAlignedRect()
            self._stale = self._stale.united(shown.adjusted(-margin, -margin, margin, margin))
            self.viewport().update(self._stale)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._stale = QRect()
        super().paintEvent(event)

    @property
    def view_mode(self) -> ViewMode:
        return self._overlay_item.mode

    def set_view_mode(self, mode: ViewMode) -> None:
        """Filled overlay, outlines, the frame alone, or something rendered: matte, cut-out, effects."""
        self._overlay_item.mode = mode
        self._overlay_item.update()
        self.viewModeChanged.emit()

    def set_show_boxes(self, shown: bool) -> None:
        """Shows or hides boxes and labels, in every view mode."""
        self._overlay_item.show_boxes = shown
        self._overlay_item.update()

    def set_message(self, text: str) -> None:
        """The empty state in the middle, or a note at the top of a frame ("this frame is damaged"). "" removes it.

        The first line is drawn larger than the others when there is no frame.
        """
        self._message = text
        self.viewport().update()

    # Zoom

    def fit(self) -> None:
        """Shows the whole frame as large as it goes, and keeps it so when the view is resized."""
        self._fitted, self._zoom_anchor = True, None
        rect = self._frame_item.boundingRect()
        if rect.isEmpty() or self.viewport().width() < 1:
            return
        room = self.viewport().size()
        scale = min(room.width() / rect.width(), room.height() / rect.height()) * self._pixel_ratio()
        self._set_scale(min(scale, MAX_ZOOM))
        self.centerOn(rect.center())

    def zoom_to(self, factor: float) -> None:
        """Zooms about the middle of the view, within 5 % to 3200 %."""
        self._zoom_at(factor, QRectF(self.viewport().rect()).center())

    def zoom_in(self) -> None:
        self.zoom_to(self._zoom * _ZOOM_STEP)

    def zoom_out(self) -> None:
        self.zoom_to(self._zoom / _ZOOM_STEP)

    def _zoom_at(self, factor: float, anchor: QPointF) -> None:
        if not self._frame_item.has_frame:
            return
        self._fitted = False
        if self._zoom_anchor is None or self._zoom_anchor[0] != anchor:
            self._zoom_anchor = (anchor, self._to_frame(anchor))
        target = self._zoom_anchor[1]
        self._set_scale(min(max(factor, MIN_ZOOM), MAX_ZOOM))
        drift = self.viewportTransform().map(target) - anchor
        self._scroll_by(drift)

    def _set_scale(self, zoom: float) -> None:
        scale = zoom / self._pixel_ratio()
        self.setTransform(QTransform.fromScale(scale, scale))
        self._leave_room_to_pan()
        if zoom != self._zoom:
            self._zoom = zoom
            self.zoomChanged.emit(zoom)

    def _leave_room_to_pan(self) -> None:
        """A scene one view larger than the frame on each side: any frame pixel can be brought anywhere in the view."""
        scale = self.transform().m11()
        across, down = self.viewport().width() / scale, self.viewport().height() / scale
        self.setSceneRect(self._frame_item.boundingRect().adjusted(-across, -down, across, down))

    def _pixel_ratio(self) -> float:
        return self.viewport().devicePixelRatioF()

    def _to_frame(self, position: QPointF) -> QPointF:
        inverse, _ = self.viewportTransform().inverted()
        return inverse.map(position)

    def _scroll_by(self, delta: QPointF) -> None:
        self.horizontalScrollBar().setValue(self.horizontalScrollBar().value() + round(delta.x()))
        self.verticalScrollBar().setValue(self.verticalScrollBar().value() + round(delta.y()))

    # Events

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / _WHEEL_NOTCH
        if notches:
            self._zoom_at(self._zoom * _ZOOM_STEP**notches, event.position())
        event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._zoom_anchor = None
        if self._fitted:
            self.fit()
        else:
            self._leave_room_to_pan()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        left_with_space = event.button() == Qt.MouseButton.LeftButton and self._space_held
        if event.button() == Qt.MouseButton.MiddleButton or left_with_space:
            self._grabbed_at = event.position().toPoint()
            self._space_used = self._space_held
            self._show_cursor()
            event.accept()
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grabbed_at is not None:
            position = event.position().toPoint()
            self._fitted, self._zoom_anchor = False, None
            self._scroll_by(QPointF(self._grabbed_at - position))
            self._grabbed_at = position
        self._report_hover(self._pixel_at(event.position()))
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._grabbed_at is not None:
            self._grabbed_at = None
            self._show_cursor()
            event.accept()
            return
        super().mouseReleaseEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self._report_hover((-1, -1))
        return super().viewportEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and _is_plain_space(event):
            if self.isSignalConnected(QMetaMethod.fromSignal(self.playPauseRequested)):
                event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not _is_plain_space(event):
            super().keyPressEvent(event)
        elif not event.isAutoRepeat():
            self._space_held, self._space_used = True, False
            self._show_cursor()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space:
            super().keyReleaseEvent(event)
        elif not event.isAutoRepeat() and self._space_held:
            self._space_held = False
            self._show_cursor()
            if not self._space_used:
                self.playPauseRequested.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._space_held = False
        self._show_cursor()
        super().focusOutEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        event.setAccepted(bool(_local_paths(event)))

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        event.setAccepted(bool(_local_paths(event)))

    def dropEvent(self, event: QDropEvent) -> None:
        paths = _local_paths(event)
        if paths:
            event.acceptProposedAction()
            self.filesDropped.emit(paths)

    def _show_cursor(self) -> None:
        if self._grabbed_at is not None:
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._space_held:
            self.viewport().setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.viewport().unsetCursor()

    def _pixel_at(self, position: QPointF) -> tuple[int, int]:
        point = self._to_frame(position)
        inside = self._frame_item.has_frame and QRectF(self._frame_item.boundingRect()).contains(point)
        x, y = math.floor(point.x()), math.floor(point.y())
        size = self._frame_item.size
        return (x, y) if inside and x < size.width() and y < size.height() else (-1, -1)

    def _report_hover(self, pixel: tuple[int, int]) -> None:
        if pixel != self._hovered:
            self._hovered = pixel
            self.pixelHovered.emit(*pixel)

    # Painting round the frame

    def drawBackground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        painter.fillRect(rect, self._surround())

    def drawForeground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        if not self._message:
            return
        painter.save()
        painter.resetTransform()
        area = QRectF(self.viewport().rect()).adjusted(24, 24, -24, -24)
        paint = paint_note if self._frame_item.has_frame else paint_empty_state
        paint(painter, area, self._message, self.palette())
        painter.restore()

    def _surround(self) -> QColor:
        """A neutral grey as light as the palette's window: a tint round the picture would tint what one sees in it."""
        lightness = self.palette().color(QPalette.ColorRole.Window).lightness()
        return QColor.fromHsl(0, 0, round(lightness * 0.85))


def _is_plain_space(event: QEvent) -> bool:
    return (
        isinstance(event, QKeyEvent)
        and event.key() == Qt.Key.Key_Space
        and event.modifiers() == Qt.KeyboardModifier.NoModifier
    )


def _local_paths(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
