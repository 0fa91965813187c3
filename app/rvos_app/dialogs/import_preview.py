"""A small picture of what is about to be imported, with a slider over the frames that have a mask."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QPalette, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSlider, QToolButton, QVBoxLayout, QWidget

from rvos_app.actions.icons import icon
from rvos_app.i18n import tr
from rvos_app.jobs.import_jobs import ImportPicture
from rvos_app.panels.parts import label
from rvos_core.types import MediaInfo

ROOM = (400, 260)  # pixels
_REST_MS = 40  # that the slider stands still before a frame is drawn


class ImportPreview(QWidget):
    """Signals: asked(int): the frame of the clip that is to be drawn."""

    asked = Signal(int)

    def __init__(self, clip: MediaInfo | None) -> None:
        super().__init__()
        self._frames = np.zeros(0, np.int64)
        self.picture = QLabel()
        self.picture.setAccessibleName(tr("Preview"))
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setWordWrap(True)
        self.picture.setTextFormat(Qt.TextFormat.PlainText)
        self.picture.setFixedSize(_room(clip))
        self.picture.setAutoFillBackground(True)
        self.picture.setBackgroundRole(QPalette.ColorRole.Base)
        self.back = self._step("ph.caret-left", tr("Previous frame with a mask"), -1)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName(tr("Frame of the preview"))
        self.slider.valueChanged.connect(self._on_moved)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._ask)
        self.forward = self._step("ph.caret-right", tr("Next frame with a mask"), 1)
        self._line = label(role="muted")
        self._line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.back)
        row.addWidget(self.slider, stretch=1)
        row.addWidget(self.forward)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.picture)
        layout.addLayout(row)
        layout.addWidget(self._line)
        self.show_nothing()

    def _step(self, picture: str, name: str, step: int) -> QToolButton:
        made = QToolButton()
        made.setIcon(icon(picture))
        made.setAccessibleName(name)
        made.setToolTip(name)
        made.setProperty("flat", True)
        made.clicked.connect(lambda: self.slider.setValue(self.slider.value() + step))
        return made

    # -- what is shown -----------------------------------------------------------------------------------------------

    def show_frames(self, frames: np.ndarray) -> None:
        """Go over these (n,) frames of the clip, from the first."""
        self._frames = frames
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(len(frames) - 1, 0))
        self.slider.setPageStep(max(1, len(frames) // 10))
        self.slider.setValue(0)
        self.slider.blockSignals(False)
        for each in (self.slider, self.back, self.forward):
            each.setEnabled(len(frames) > 1)
        if len(frames):
            self._on_moved(0)
        else:
            self._rest.stop()
            self.say(tr("This object has no mask."))
            self._line.setText("")

    def show_nothing(self) -> None:
        """No object is chosen."""
        self.show_frames(np.zeros(0, np.int64))
        self.say("")

    def ask_again(self) -> None:
        """The frame is to be drawn anew, as the colour has changed."""
        self._rest.start()

    def show_picture(self, drawn: ImportPicture) -> None:
        """Show a frame that was asked for."""
        height, width = drawn.pixels.shape[:2]
        pixels = np.ascontiguousarray(drawn.pixels)
        image = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_RGB888)
        self.picture.setPixmap(QPixmap.fromImage(image))
        self._tell(tr("out of sight") if not drawn.has_mask else "")

    def say(self, text: str) -> None:
        """Words in place of the picture."""
        self.picture.setPixmap(QPixmap())
        self.picture.setText(text)

    def _tell(self, more: str = "") -> None:
        number = self.slider.value()
        frame, of = int(self._frames[number]), len(self._frames)
        said = tr("Frame {frame}, {number} of {of} of this object", frame=frame, number=number + 1, of=of)
        self._line.setText(f"{said}: {more}" if more else said)

    def _on_moved(self, _value: int) -> None:
        self._tell()
        self._rest.start()

    def _ask(self) -> None:
        if len(self._frames):
            self.asked.emit(int(self._frames[self.slider.value()]))


def _room(clip: MediaInfo | None) -> QSize:
    """As high as the clip's frames are at the full width, within `ROOM`."""
    width, height = ROOM
    return QSize(width, height if clip is None else min(height, round(width * clip.height / clip.width)))
