"""The review panel: frames whose masks may be wrong, the worst first; a click goes there."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from rvos_app.actions.hub import ActionHub
from rvos_app.controllers.suspicion import Suspect
from rvos_app.i18n import tr
from rvos_app.panels.parts import ActionButton, label
from rvos_app.state import StudioState

_PLACE = Qt.ItemDataRole.UserRole
_MOST = 200  # rows
_SWATCH_PX = 10


class ReviewPanel(QWidget):
    """Signals: chosen(int, int): object id and frame to go to."""

    chosen = Signal(int, int)

    def __init__(self, state: StudioState, hub: ActionHub) -> None:
        super().__init__()
        self._state = state
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Suspicious frames"))
        self.list.setUniformItemSizes(True)
        self.list.setIconSize(QSize(_SWATCH_PX, _SWATCH_PX))
        self.list.itemActivated.connect(self._on_chosen)
        self.list.itemClicked.connect(self._on_chosen)
        self._empty = label(tr("No frame looks wrong."), role="muted", wraps=True)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        for command in ("track.previous_suspect", "track.next_suspect", "track.review", "mask.accept"):
            buttons.addWidget(ActionButton(hub.action(command)))
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 8)
        layout.setSpacing(6)
        layout.addLayout(buttons)
        layout.addWidget(self._empty)
        layout.addWidget(self.list, stretch=1)
        self.show_suspects([])

    def show_suspects(self, suspects: list[Suspect]) -> None:
        """List them in this order."""
        self._empty.setVisible(not suspects)
        self.list.setVisible(bool(suspects))
        self.list.clear()
        for each in suspects[:_MOST]:
            thing = self._state.object(each.object_id)
            if thing is None:
                continue
            swatch = QPixmap(_SWATCH_PX, _SWATCH_PX)
            swatch.fill(QColor(*thing.colour))
            text = tr("Frame {frame}, {percent} % doubt", frame=each.frame_index, percent=round(100 * each.doubt))
            item = QListWidgetItem(QIcon(swatch), f"{text}   {thing.name}")
            item.setToolTip(thing.name)
            item.setData(_PLACE, (each.object_id, each.frame_index))
            self.list.addItem(item)

    def _on_chosen(self, item: QListWidgetItem) -> None:
        self.chosen.emit(*item.data(_PLACE))
