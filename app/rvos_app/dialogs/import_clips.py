"""The clips of a source that has several, with a field that searches them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QListWidget, QVBoxLayout, QWidget

from rvos_app.i18n import tr
from rvos_app.panels.parts import label

_WIDTH_PX = 190
_REST_MS = 250  # that the choice stands still before the clip is read
_INTO_THE_LIST = (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class ImportClips(QWidget):
    """Signals: chosen(str): the clip that is to be shown, once the choice stands still."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.search = QLineEdit()
        self.search.setAccessibleName(tr("Find a clip"))
        self.search.setPlaceholderText(tr("Find a clip"))
        self.search.setClearButtonEnabled(True)
        self.search.installEventFilter(self)
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Clips of the source"))
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._line = label(role="muted")
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._tell)
        self.setFixedWidth(_WIDTH_PX)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.search)
        layout.addWidget(self.list, stretch=1)
        layout.addWidget(self._line)
        self.search.textChanged.connect(self._filter)
        self.list.currentItemChanged.connect(lambda *_: self._rest.start())
        self.fill((), "")

    def fill(self, names: Sequence[str], current: str) -> None:
        """List them with `current` chosen, without a signal; one clip is no list."""
        self.list.blockSignals(True)
        self.list.clear()
        self.list.addItems(list(names))
        for row, name in enumerate(names):
            self.list.item(row).setToolTip(name)
        if current in names:
            self.list.setCurrentRow(list(names).index(current))
            self.list.scrollToItem(self.list.currentItem(), QListWidget.ScrollHint.PositionAtCenter)
        self.list.blockSignals(False)
        self._rest.stop()
        self.search.clear()
        self._filter()
        self.setVisible(len(names) > 1)

    @property
    def current(self) -> str:
        """The chosen clip; empty: there is none."""
        item = self.list.currentItem()
        return item.text() if item is not None else ""

    @property
    def shown(self) -> list[str]:
        """The clips that the search leaves."""
        items = (self.list.item(row) for row in range(self.list.count()))
        return [item.text() for item in items if not item.isHidden()]

    def _filter(self) -> None:
        wanted = self.search.text().strip().casefold()
        for row in range(self.list.count()):
            item = self.list.item(row)
            item.setHidden(wanted not in item.text().casefold())
        shown, total = len(self.shown), self.list.count()
        if shown == total:
            self._line.setText(tr("{number:,} clips", number=total))
        else:
            self._line.setText(tr("{shown:,} of {number:,} clips", shown=shown, number=total))

    def _tell(self) -> None:
        if self.current:
            self.chosen.emit(self.current)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Enter and Down lead from the search to the first clip that it leaves, and never import anything."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in _INTO_THE_LIST:
            found = self.shown
            if found:
                if self.current not in found:
                    self.list.setCurrentItem(self.list.findItems(found[0], Qt.MatchFlag.MatchExactly)[0])
                self.list.setFocus()
            return True
        return super().eventFilter(watched, event)
