"""The two scene items of the video view: the frame, and everything drawn over it. Both live in frame pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from rvos_app.canvas.mask_art import Colour, MaskArtCache
from rvos_app.canvas.mode import ViewMode
from rvos_app.canvas.preview import Preview, paint_checker, paint_preview
from rvos_core.masks import Rle, bbox

__all__ = ["NEAREST_ABOVE", "FrameItem", "Overlay", "OverlayItem", "ViewMode"]

NEAREST_ABOVE = 2.0  # at more than 200 % a person wants to see pixels, not a blur
_OUTLINE_PX = 2.0
_HALO_PX = 4.0
_HALO = QColor(0, 0, 0, 150)


@dataclass(frozen=True)
class Overlay:
    """One object on the frame that is shown.

    Args:
        object_id: stable id of the object.
        mask: its mask at frame size, or None where nothing is known of it on this frame.
        colour: red, green, blue, 0..255.
        opacity: 0..1, of the filled overlay.
        box: xyxy in frame pixels, or None.
        label: the name beside the box.
    """

    object_id: int
    mask: Rle | None
    colour: Colour
    opacity: float
    box: tuple[float, float, float, float] | None
    label: str


class FrameItem(QGraphicsItem):
    """The video frame. It keeps its own 32-bit copy, which the raster engine scales five times faster than 24-bit."""

    def __init__(self) -> None:
        super().__init__()
        self._image = QImage()

    @property
    def size(self) -> QSize:
        """Frame size in pixels; (0, 0) without a frame."""
        return self._image.size()

    @property
    def image(self) -> QImage:
        """What it shows."""
        return self._image

    @property
    def has_frame(self) -> bool:
        return not self._image.isNull()

    def set_frame(self, frame: np.ndarray | None) -> None:
        """Shows a frame: (H, W, 3) uint8 RGB, of any strides; None shows nothing.

        Raises: ValueError: for any other shape or dtype.
        """
        image = QImage() if frame is None else _to_image(frame)
        if image.size() != self._image.size():
            self.prepareGeometryChange()
        self._image = image
        self.update()

    def boundingRect(self) -> QRectF:
        return QRectF(0, 0, self._image.width(), self._image.height())

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._image.isNull():
            return
        _smooth_unless_magnified(painter)
        painter.drawImage(QPointF(0, 0), self._image)  # whole, though clipped: a part would round its pixels otherwise


class OverlayItem(QGraphicsItem):
    """Masks, outlines, matte and boxes over a frame of the given size."""

    def __init__(self) -> None:
        super().__init__()
        self.mode = ViewMode.OVERLAY
        self.show_boxes = False
        self.preview: Preview | None = None  # rendered for the frame that is shown
        self.backdrop = QImage()  # that frame
        self.left_out: int | None = None  # the object whose mask is under the person's hand and painted from there
        self._size = QSize()
        self._overlays: tuple[Overlay, ...] = ()
        self._art = MaskArtCache()

    def set_size(self, size: QSize) -> None:
        """Frame size in pixels that masks and boxes refer to."""
        if size != self._size:
            self.prepareGeometryChange()
            self._size = size

    def set_overlays(self, overlays: Sequence[Overlay]) -> QRectF:
        """Replaces all overlays; the first is painted first, so later ones lie on top.

        Returns: the part of the frame that looks otherwise now, to be painted anew; empty: none.
        """
        before, self._overlays = self._overlays, tuple(overlays)
        if self._overlays == before:
            return QRectF()
        if self.preview is not None:
            self.preview = None
            return self.boundingRect()
        same_objects = [each.object_id for each in before] == [each.object_id for each in self._overlays]
        if self.show_boxes or not same_objects:
            return self.boundingRect()
        changed = QRectF()
        for old, new in zip(before, self._overlays, strict=True):
            if old != new:
                changed = changed.united(self._reach(old)).united(self._reach(new))
        return changed

    def _reach(self, overlay: Overlay) -> QRectF:
        if overlay.mask is None:
            return QRectF()
        box = bbox(overlay.mask)
        return QRectF() if box is None else QRectF(box[0], box[1], box[2] - box[0], box[3] - box[1])

    def boundingRect(self) -> QRectF:
        return QRectF(0, 0, self._size.width(), self._size.height())

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._size.isEmpty():
            return
        if self.preview is not None and self.preview.mode is self.mode and self.left_out is None:
            _smooth_unless_magnified(painter)
            paint_preview(painter, self.preview)
        else:
            self._paint_masks(painter)
        if self.show_boxes:
            for overlay in self._overlays:
                _paint_box(painter, overlay)

    def _paint_masks(self, painter: QPainter) -> None:
        if self.mode is ViewMode.MATTE:
            painter.fillRect(self.boundingRect(), Qt.GlobalColor.black)
        elif self.mode is ViewMode.CUT_OUT:
            paint_checker(painter, self.boundingRect())
        for overlay in self._overlays:
            if overlay.mask is not None and overlay.object_id != self.left_out:
                self._paint_mask(painter, overlay.mask, overlay)

    def _paint_mask(self, painter: QPainter, mask: Rle, overlay: Overlay) -> None:
        if self.mode is ViewMode.OVERLAY:
            self._paint_fill(painter, mask, overlay.colour, opacity=overlay.opacity)
        elif self.mode is ViewMode.MATTE:
            self._paint_fill(painter, mask, (255, 255, 255), opacity=1.0)
        elif self.mode is ViewMode.CUT_OUT:
            painter.save()
            painter.setClipPath(self._art.outline(mask, exact=False), Qt.ClipOperation.IntersectClip)
            _smooth_unless_magnified(painter)
            painter.drawImage(QPointF(0, 0), self.backdrop)
            painter.restore()
        elif self.mode is ViewMode.OUTLINE:
            path = self._art.outline(mask, exact=_magnified(painter))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for pen in (_cosmetic_pen(_HALO, _HALO_PX), _cosmetic_pen(QColor(*overlay.colour), _OUTLINE_PX)):
                painter.setPen(pen)
                painter.drawPath(path)

    def _paint_fill(self, painter: QPainter, mask: Rle, colour: Colour, *, opacity: float) -> None:
        art = self._art.fill(mask, colour)
        if art is None:
            return
        painter.setOpacity(opacity)
        _smooth_unless_magnified(painter)
        painter.drawImage(QPointF(art.left, art.top), art.image)
        painter.setOpacity(1.0)


def _to_image(frame: np.ndarray) -> QImage:
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        raise ValueError(f"a frame is (H, W, 3) uint8, not {frame.shape} {frame.dtype}")
    if frame.strides[1:] != (3, 1) or frame.strides[0] < 0:
        frame = np.ascontiguousarray(frame)
    height, width = frame.shape[:2]
    wrapped = QImage(frame.data, width, height, frame.strides[0], QImage.Format.Format_RGB888)
    return wrapped.convertToFormat(QImage.Format.Format_RGB32)


def _magnified(painter: QPainter) -> bool:
    return painter.deviceTransform().m11() > NEAREST_ABOVE


def _smooth_unless_magnified(painter: QPainter) -> None:
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not _magnified(painter))


def _cosmetic_pen(colour: QColor, width_px: float) -> QPen:
    pen = QPen(colour, width_px)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.BevelJoin)  # round joins take three times as long to paint
    return pen


def _paint_box(painter: QPainter, overlay: Overlay) -> None:
    """Draws the box and its label in screen pixels, so that both stay readable at every zoom."""
    if overlay.box is None:
        return
    left, top, right, bottom = overlay.box
    screen = painter.worldTransform().mapRect(QRectF(left, top, right - left, bottom - top))
    colour = QColor(*overlay.colour)
    painter.save()
    painter.resetTransform()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for tint, width in ((_HALO, _HALO_PX), (colour, _OUTLINE_PX)):
        painter.setPen(QPen(tint, width))
        painter.drawRect(screen)
    if overlay.label:
        _paint_label(painter, screen, overlay.label, colour=colour)
    painter.restore()


def _paint_label(painter: QPainter, box: QRectF, label: str, *, colour: QColor) -> None:
    metrics = QFontMetricsF(painter.font())
    text = metrics.elidedText(label, Qt.TextElideMode.ElideRight, 280)
    plate = QRectF(box.left() - 1, 0, metrics.horizontalAdvance(text) + 12, metrics.height() + 4)
    plate.moveBottom(box.top() - 1)
    if plate.top() < 0:
        plate.moveTop(max(box.top(), 0.0))
    painter.fillRect(plate, colour)
    painter.setPen(QColor(Qt.GlobalColor.black if colour.lightnessF() > 0.45 else Qt.GlobalColor.white))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
