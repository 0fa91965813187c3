"""A frame as it would be written, over a ground of one's choice, and its edge at 400 %."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from rvos_app.i18n import tr
from rvos_app.jobs.order_jobs import OrderPreview
from rvos_app.panels.parts import label, set_role
from rvos_core.orders.preview import FramePreview

_ZOOM = 4
_GROUNDS = (
    ("checker", "Checker", "Grey squares behind it"),
    ("black", "Black", "Black behind it: bright fringes show"),
    ("white", "White", "White behind it: dark fringes show"),
    ("clip", "Clip", "The clip behind it, darkened and grey"),
)
_CELLS = (np.uint8(104), np.uint8(152))
_DIMMED = 0.35


class PreviewPane(QWidget):
    """Shows what it is given. A click into the picture chooses what is shown large."""

    def __init__(self) -> None:
        super().__init__()
        self._preview: OrderPreview | None = None
        self._focus: tuple[int, int] | None = None
        self.ground = "checker"
        self.picture = _Picture()
        self.picture.pointed.connect(self._on_pointed)
        self.loupe = _Picture(zoom=_ZOOM)
        self.loupe.setFixedHeight(200)
        self._caption = label(role="muted")
        self._caption.setAccessibleName(tr("Preview"))
        self._loupe_caption = label(tr("Edge at 400 %"), role="muted")
        self.buttons: dict[str, QToolButton] = {}
        grounds = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self._caption, stretch=1)
        for name, title, tip in _GROUNDS:
            button = QToolButton()
            button.setText(tr(title))
            button.setToolTip(tr(tip))
            button.setCheckable(True)
            button.setProperty("flat", True)
            button.setProperty("ground", name)
            button.setChecked(name == self.ground)
            grounds.addButton(button)
            row.addWidget(button)
            self.buttons[name] = button
        grounds.buttonClicked.connect(lambda button: self.set_ground(button.property("ground")))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(row)
        layout.addWidget(self.picture, stretch=1)
        layout.addWidget(self._loupe_caption)
        layout.addWidget(self.loupe)

    @property
    def caption(self) -> str:
        """What it says above the picture."""
        return self._caption.text()

    def set_ground(self, name: str) -> None:
        """Put another ground behind the cut-out."""
        self.ground = name
        self.buttons[name].setChecked(True)
        self._paint()

    def show_preview(self, preview: OrderPreview) -> None:
        """Show a frame; the part that is shown large stays where a person pointed."""
        if self._preview is None or self._focus is None:
            self._focus = preview.full.focus
        self._preview = preview
        self._say(tr("Frame {frame}", frame=preview.full.frame_index))
        has_ground = not preview.full.is_matte and bool((preview.small.alpha < 1).any())
        for button in self.buttons.values():
            button.setVisible(has_ground)
        self._paint()

    def say_busy(self) -> None:
        """The next one is being computed."""
        self._say(tr("Computing …"))

    def say_problem(self, text: str) -> None:
        """There is none, and why."""
        self._say(text, role="error")

    def _say(self, text: str, *, role: str = "muted") -> None:
        self._caption.setText(text)
        set_role(self._caption, role)

    def _on_pointed(self, place: QPointF) -> None:
        if self._preview is not None:
            height, width = self._preview.full.alpha.shape
            self._focus = (int(place.x() * width), int(place.y() * height))
            self._paint()

    def _paint(self) -> None:
        if self._preview is None:
            return
        full = self._preview.full
        height, width = full.alpha.shape
        part = _part(self._focus or (width // 2, height // 2), QSize(width, height), self.loupe.seen)
        frame = QRectF(part.x() / width, part.y() / height, part.width() / width, part.height() / height)
        self.picture.show_image(_composed(self._preview.small, self.ground, cell=8), frame)
        rows, columns = slice(part.y(), part.y() + part.height()), slice(part.x(), part.x() + part.width())
        self.loupe.show_image(_composed(full, self.ground, cell=2, rows=rows, columns=columns), None)

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._paint()


class _Picture(QWidget):
    """An image as large as fits, or enlarged by whole pixels. Signals: pointed(QPointF): 0..1 in both directions."""

    pointed = Signal(QPointF)

    def __init__(self, *, zoom: int = 0) -> None:
        super().__init__()
        self._zoom = zoom
        self._image: QImage | None = None
        self._frame: QRectF | None = None
        self.setMinimumSize(240, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @property
    def seen(self) -> QSize:
        """How much of a picture there is room for, enlarged."""
        return QSize(max(8, self.width() // max(1, self._zoom)), max(8, self.height() // max(1, self._zoom)))

    @property
    def image(self) -> QImage | None:
        """What is shown."""
        return self._image

    def show_image(self, image: QImage, frame: QRectF | None) -> None:
        """Show an image. `frame`: a part of it to be marked, 0..1."""
        self._image, self._frame = image, frame
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._point(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(event)

    def _point(self, event: QMouseEvent) -> None:
        place = self._place()
        if place.isEmpty() or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        x = (event.position().x() - place.x()) / place.width()
        y = (event.position().y() - place.y()) / place.height()
        self.pointed.emit(QPointF(min(max(x, 0.0), 0.999), min(max(y, 0.0), 0.999)))

    def _place(self) -> QRectF:
        """Where the image is painted."""
        if self._image is None:
            return QRectF()
        room = QSize(self.size())
        if self._zoom:
            size = self._image.size() * self._zoom
        else:
            size = self._image.size().scaled(room, Qt.AspectRatioMode.KeepAspectRatio)
        return QRectF(
            (room.width() - size.width()) // 2, (room.height() - size.height()) // 2, size.width(), size.height()
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Base))
        place = self._place()
        if self._image is None or place.isEmpty():
            painter.end()
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not self._zoom)
        painter.drawImage(place, self._image)
        if self._frame is not None:
            marked = QRectF(
                place.x() + self._frame.x() * place.width(),
                place.y() + self._frame.y() * place.height(),
                self._frame.width() * place.width(),
                self._frame.height() * place.height(),
            )
            for colour, width in ((QColor(0, 0, 0, 160), 3), (QColor(255, 255, 255, 230), 1)):
                painter.setPen(QPen(colour, width))
                painter.drawRect(marked)
        painter.end()


def _part(focus: tuple[int, int], size: QSize, seen: QSize) -> QRect:
    """The part of a picture of `size` round `focus` that there is room for."""
    width, height = min(seen.width(), size.width()), min(seen.height(), size.height())
    left = min(max(focus[0] - width // 2, 0), size.width() - width)
    top = min(max(focus[1] - height // 2, 0), size.height() - height)
    return QRect(left, top, width, height)


def _composed(
    preview: FramePreview, ground: str, *, cell: int, rows: slice = slice(None), columns: slice = slice(None)
) -> QImage:
    """A part of a frame over a ground. `cell`: side of the checker's squares, pixels."""
    alpha = preview.alpha[rows, columns, None]
    if preview.is_matte:
        pixels = np.repeat((alpha * 255 + 0.5).astype(np.uint8), 3, axis=2)
    else:
        behind = _ground(preview, ground, cell, rows, columns).astype(np.float32)
        mixed = preview.rgb[rows, columns].astype(np.float32) * alpha + behind * (1 - alpha)
        pixels = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def _ground(preview: FramePreview, ground: str, cell: int, rows: slice, columns: slice) -> np.ndarray:
    """(h, w, 3) uint8."""
    source = preview.source[rows, columns]
    if ground == "clip":
        grey = source.astype(np.float32).mean(axis=2, keepdims=True) * _DIMMED
        return np.repeat(grey.astype(np.uint8), 3, axis=2)
    made = np.zeros(source.shape, np.uint8)
    if ground == "white":
        made[:] = 255
    elif ground == "checker":
        down, across = np.indices(source.shape[:2])
        made[:] = np.where((down // cell + across // cell) % 2, *_CELLS)[..., None]
    return made
