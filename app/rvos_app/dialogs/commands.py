"""Two lists of commands: all keys to read, and the palette to choose from."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QObject, QSortFilterProxyModel, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QDialog, QHeaderView, QLineEdit, QTreeView, QVBoxLayout, QWidget

from rvos_app.actions.hub import ActionHub, keys_of
from rvos_app.i18n import tr

_ID = Qt.ItemDataRole.UserRole


class CommandList(QDialog):
    """A field to search in and the commands that fit: name, menu, keys.

    Args:
        hub: where the commands are.
        runs: True for the palette: Enter or a click runs the command; False for reading only.
    """

    def __init__(self, hub: ActionHub, parent: QWidget, *, runs: bool) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Command Palette") if runs else tr("Keyboard Shortcuts"))
        self.resize(620, 460)
        self._hub = hub
        self._runs = runs
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Type a command or a key"))
        self.search.setAccessibleName(tr("Search commands"))
        self.search.setClearButtonEnabled(True)
        self._proxy = QSortFilterProxyModel(self)
        self._proxy.setSourceModel(_model(hub, enabled_only=runs))
        self._proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._proxy.setFilterKeyColumn(-1)
        self.table = _table(self._proxy)
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        if runs:
            self.table.activated.connect(self._run)
            self.table.clicked.connect(self._run)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.addWidget(self.search)
        layout.addWidget(self.table)
        self._filter("")

    def _filter(self, text: str) -> None:
        self._proxy.setFilterFixedString(text)
        if self._proxy.rowCount():
            self.table.setCurrentIndex(self._proxy.index(0, 0))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
                self.table.event(event)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                if self._runs:
                    self._run(self.table.currentIndex())
                return True
        return super().eventFilter(watched, event)

    def _run(self, index: QModelIndex) -> None:
        if index.isValid():
            command_id = index.siblingAtColumn(0).data(_ID)
            self.accept()
            self._hub.trigger(command_id)


def _model(hub: ActionHub, *, enabled_only: bool) -> QStandardItemModel:
    model = QStandardItemModel(0, 3)
    model.setHorizontalHeaderLabels([tr("Command"), tr("Menu"), tr("Keys")])
    for entry in hub.records:
        keys = "   ".join(
            QKeySequence(text).toString(QKeySequence.SequenceFormat.NativeText) for text in keys_of(entry)
        )
        if enabled_only and not (entry.palette and hub.action(entry.id).isEnabled()):
            continue
        if not enabled_only and not keys:
            continue
        name = QStandardItem(tr(entry.title).replace("&", ""))
        name.setData(entry.id, _ID)
        name.setToolTip(tr(entry.tooltip or entry.title))
        model.appendRow([name, QStandardItem(entry.category or ""), QStandardItem(keys)])
    return model


def _table(model: QSortFilterProxyModel) -> QTreeView:
    table = QTreeView()
    table.setModel(model)
    table.setRootIsDecorated(False)
    table.setUniformRowHeights(True)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setAllColumnsShowFocus(True)
    table.setAccessibleName(tr("Commands"))
    table.header().setStretchLastSection(False)
    table.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    table.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
    table.header().setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
    return table
