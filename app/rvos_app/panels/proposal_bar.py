"""The bar over the picture while corrections spread: progress, then what would change, to accept or discard."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QSizePolicy, QToolButton, QWidget

from rvos_app.actions.hub import ActionHub
from rvos_app.controllers.propagation import PropagationController
from rvos_app.i18n import count, tr
from rvos_app.panels.parts import ActionButton, label
from rvos_app.proposal import Difference
from rvos_app.state import StudioState

_BARS = QSize(180, 26)
_WORDS = {
    "stop": "Stop",
    "through_cuts": "Go On",
    "before": "Show Before",
    "discard": "Discard",
    "accept": "Accept",
}


class ChangeBars(QWidget):
    """How many pixels would change in each frame of the clip; a click goes to the nearest frame that changes.

    Signals:
        chosen(int): a frame that would change.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._frames = 1
        self._pixels: dict[int, int] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Pixels that would change, by frame"))
        self.setToolTip(tr("How much would change in each frame; click to go there"))
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:
        return _BARS

    def show_changes(self, differences: Sequence[Difference], frames: int) -> None:
        """What would change, in a clip of so many frames."""
        self._frames = max(1, frames)
        self._pixels = {}
        for each in differences:
            self._pixels[each.frame_index] = self._pixels.get(each.frame_index, 0) + each.pixels
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Base))
        most = max(self._pixels.values(), default=1)
        wide = self.width() / self._frames
        colour = self.palette().color(QPalette.ColorRole.Highlight)
        for frame, pixels in self._pixels.items():
            high = max(2.0, (self.height() - 2) * pixels / most)
            painter.fillRect(QRectF(frame * wide, self.height() - high, max(1.0, wide), high), colour)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        wanted = event.position().x() / max(1, self.width()) * self._frames - 0.5
        if self._pixels:
            self.chosen.emit(min(self._pixels, key=lambda frame: abs(frame - wanted)))


class ProposalBar(QWidget):
    """Hidden while nothing is followed and nothing waits to be accepted.

    Signals:
        frame_chosen(int): go to this frame.
    """

    frame_chosen = Signal(int)

    def __init__(self, state: StudioState, spread: PropagationController, hub: ActionHub) -> None:
        super().__init__()
        self._state = state
        self._spread = spread
        self.setObjectName("proposal")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.sentence = label("")
        self.progress = QProgressBar()
        self.progress.setMaximumWidth(220)
        self.progress.setTextVisible(False)
        self.bars = ChangeBars()
        self._buttons: dict[str, QToolButton] = {
            name: ActionButton(hub.action(f"track.{name}"), text=tr(words)) for name, words in _WORDS.items()
        }
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 4, 10, 4)
        row.setSpacing(8)
        for widget in (self.sentence, self.progress, self.bars, *self._buttons.values()):
            row.addWidget(widget)
        spread.changed.connect(self._show)
        self.bars.chosen.connect(self.frame_chosen)
        self._show()

    def _show(self) -> None:
        status, proposal = self._spread.status, self._spread.proposal
        waits = bool(proposal)
        self.setVisible(status.active or waits or bool(status.cuts))
        self.progress.setVisible(status.active)
        self.progress.setRange(0, status.steps)  # 0: it only says that it waits
        self.progress.setValue(status.done)
        self.bars.setVisible(waits)
        clip = self._state.clip
        self.bars.show_changes(tuple(proposal.differences()), clip.frame_count if clip else 1)
        self._buttons["stop"].setVisible(status.active)
        self._buttons["through_cuts"].setVisible(bool(status.cuts) and not status.active)
        for name in ("before", "discard", "accept"):
            self._buttons[name].setVisible(waits and not status.active)
        self.sentence.setText(self._words())

    def _words(self) -> str:
        status, proposal = self._spread.status, self._spread.proposal
        if status.active:
            frames = count(status.steps, "frame", "frames")
            return tr("Following the masks: {done} of {frames}", done=status.done, frames=frames)
        if proposal:
            frames = count(len(proposal.frames), "frame", "frames")
            return tr("Would change {frames}, {pixels} pixels", frames=frames, pixels=f"{proposal.pixels:,}")
        if status.cuts:
            return tr("Ended at the scene cut at frame {frame}", frame=", ".join(map(str, status.cuts)))
        return ""
