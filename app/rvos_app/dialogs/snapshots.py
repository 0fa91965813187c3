"""File > Revert To: the states that were saved under a name."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from rvos_app.i18n import tr
from rvos_app.panels.parts import label
from rvos_core.project.records import SnapshotRecord

_SIZE = (420, 320)


class SnapshotDialog(QDialog):
    """Signals: chosen(int): the id of the snapshot to go back to."""

    chosen = Signal(int)

    def __init__(self, snapshots: Sequence[SnapshotRecord], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Revert To"))
        self.resize(*_SIZE)
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Saved states"))
        for each in reversed(snapshots):
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(each.created))
            item = QListWidgetItem(f"{each.name}   ·   {when}")
            item.setData(Qt.ItemDataRole.UserRole, each.snapshot_id)
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self.list.itemActivated.connect(self.accept)
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.revert = box.addButton(tr("Revert"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.revert.setEnabled(bool(snapshots))
        box.accepted.connect(self.accept)
        box.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 18, 18, 14)
        layout.setSpacing(10)
        layout.addWidget(label(tr("Go back to a saved state. Undo brings the present one back."), wraps=True))
        layout.addWidget(self.list)
        layout.addWidget(box)
        self.accepted.connect(self._on_accepted)

    def _on_accepted(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self.chosen.emit(int(item.data(Qt.ItemDataRole.UserRole)))
