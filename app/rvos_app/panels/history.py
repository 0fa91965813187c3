"""The history panel: every change by its name, the latest at the bottom; a click goes there."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QPalette
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from rvos_app.actions.hub import ActionHub
from rvos_app.i18n import tr
from rvos_app.jobs.project_work import Standing
from rvos_app.panels.parts import ActionButton, label

_EDIT_ID = Qt.ItemDataRole.UserRole


class HistoryPanel(QWidget):
    """Signals: chosen(int): go to this entry; 0: before the first."""

    chosen = Signal(int)

    def __init__(self, hub: ActionHub) -> None:
        super().__init__()
        self.list = QListWidget()
        self.list.setAccessibleName(tr("History"))
        self.list.setUniformItemSizes(True)
        self.list.itemActivated.connect(self._on_chosen)
        self.list.itemClicked.connect(self._on_chosen)
        self._empty = label(tr("Nothing was changed yet. Every change is kept at once."), role="muted", wraps=True)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        for command in ("edit.undo", "edit.redo"):
            buttons.addWidget(ActionButton(hub.action(command)))
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 8)
        layout.setSpacing(6)
        layout.addLayout(buttons)
        layout.addWidget(self._empty)
        layout.addWidget(self.list, stretch=1)
        self.show_standing(None)

    def show_standing(self, standing: Standing | None) -> None:
        """List the entries; those undone are grey, the one that is current is bold."""
        edits = standing.edits if standing is not None else ()
        self._empty.setVisible(not edits)
        self.list.setVisible(bool(edits))
        self.list.clear()
        if not edits:
            return
        done = [each.edit_id for each in edits if not each.undone]
        current = done[-1] if done else 0
        self._add(tr("Beginning"), 0, undone=False, is_current=current == 0, tip=tr("Before the first change"))
        for each in edits:
            when = time.strftime("%H:%M:%S", time.localtime(each.created))
            self._add(each.name, each.edit_id, undone=each.undone, is_current=each.edit_id == current, tip=when)

    def _add(self, text: str, edit_id: int, *, undone: bool, is_current: bool, tip: str) -> None:
        item = QListWidgetItem(text)
        item.setData(_EDIT_ID, edit_id)
        item.setToolTip(f"{text}   ·   {tip}")
        if undone:
            item.setForeground(self.palette().color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.WindowText))
        if is_current:
            font = QFont(self.list.font())
            font.setBold(True)
            item.setFont(font)
        self.list.addItem(item)
        if is_current:
            self.list.setCurrentItem(item)
            self.list.scrollToItem(item)

    def _on_chosen(self, item: QListWidgetItem) -> None:
        self.chosen.emit(int(item.data(_EDIT_ID)))
