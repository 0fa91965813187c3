"""The objects of the clip, each to be ticked."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from rvos_app.i18n import tr
from rvos_app.state import StudioState

_SWATCH_PX = 12
_ROW_PX = 26
_ROWS = (2, 5)  # fewest and most that are seen at once


class ObjectList(QListWidget):
    """Those that are shown in the window and have masks are ticked at first."""

    def __init__(self, state: StudioState) -> None:
        super().__init__()
        self.setAccessibleName(tr("Objects to export"))
        for thing in state.objects:
            swatch = QPixmap(_SWATCH_PX, _SWATCH_PX)
            swatch.fill(QColor(*thing.colour))
            item = QListWidgetItem(QIcon(swatch), thing.name)
            item.setData(Qt.ItemDataRole.UserRole, thing.object_id)
            item.setToolTip(thing.name)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsSelectable)
            has_masks = bool(state.results(thing.object_id))
            item.setCheckState(Qt.CheckState.Checked if thing.visible and has_masks else Qt.CheckState.Unchecked)
            self.addItem(item)
        self.setFixedHeight(min(max(self.count(), _ROWS[0]), _ROWS[1]) * _ROW_PX + 8)

    @property
    def chosen(self) -> tuple[int, ...]:
        """Ids of those that are ticked, in their order."""
        rows = (self.item(row) for row in range(self.count()))
        return tuple(row.data(Qt.ItemDataRole.UserRole) for row in rows if row.checkState() == Qt.CheckState.Checked)


def column_of(*widgets: QWidget) -> QWidget:
    """Widgets one below the other, as one row of a form."""
    made = QWidget()
    layout = QVBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for widget in widgets:
        layout.addWidget(widget)
    return made
