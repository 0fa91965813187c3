"""Dialogs of the Object menu: another name, another object, how short a gap is. Each returns at once."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from rvos_app.i18n import tr
from rvos_app.panels.parts import label
from rvos_app.state import StudioObject

LONGEST_NAME = 200
_WIDTH_PX = 380
_SWATCH_PX = 14
_LONGEST_GAP = 250


class _Question(QDialog):
    """A sentence, something to answer it with, and two buttons. `done_button` does what is asked."""

    def __init__(self, title: str, sentence: str, *, button: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.setMinimumWidth(_WIDTH_PX)
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.done_button: QPushButton = box.addButton(button, QDialogButtonBox.ButtonRole.AcceptRole)
        box.accepted.connect(self.accept)
        box.rejected.connect(self.reject)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(18, 18, 18, 14)
        self._layout.setSpacing(10)
        self._layout.addWidget(label(sentence, wraps=True))
        self._layout.addWidget(box)
        self.done_button.setDefault(True)  # Enter in a field does it; a button can be so only within its window

    def _add(self, widget: QWidget) -> None:
        """Put a widget above the buttons."""
        self._layout.insertWidget(self._layout.count() - 1, widget)


class RenameDialog(_Question):
    """Signals: chosen(str): the new name, never empty."""

    chosen = Signal(str)

    def __init__(self, thing: StudioObject, parent: QWidget | None = None) -> None:
        super().__init__(
            tr("Rename Object"),
            tr("The sentence that it is looked for by stays: “{sentence}”", sentence=thing.expression),
            button=tr("Rename"),
            parent=parent,
        )
        self.field = QLineEdit(thing.name)
        self.field.setAccessibleName(tr("Name"))
        self.field.setMaxLength(LONGEST_NAME)
        self.field.selectAll()
        self.field.textChanged.connect(self._judge)
        self._add(self.field)
        self.field.setFocus()
        self.accepted.connect(self._on_accepted)

    def _judge(self, text: str) -> None:
        self.done_button.setEnabled(bool(text.strip()))

    def _on_accepted(self) -> None:
        self.chosen.emit(self.field.text())


class ObjectChooser(_Question):
    """One of some objects, with their colours.

    Args:
        limit: the words of a box to tick that narrows what is done; empty: there is none.

    Signals:
        chosen(int, bool): the id of the object, and whether the box is ticked.
    """

    chosen = Signal(int, bool)

    def __init__(
        self,
        objects: Sequence[StudioObject],
        *,
        title: str,
        sentence: str,
        button: str,
        limit: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(title, sentence, button=button, parent=parent)
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Objects"))
        for each in objects:
            swatch = QPixmap(_SWATCH_PX, _SWATCH_PX)
            swatch.fill(QColor(*each.colour))
            item = QListWidgetItem(QIcon(swatch), each.name)
            item.setData(Qt.ItemDataRole.UserRole, each.object_id)
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self.list.itemActivated.connect(self.accept)
        self._add(self.list)
        self.limit = QCheckBox(limit)
        self.limit.setVisible(bool(limit))
        self._add(self.limit)
        self.list.setFocus()
        self.accepted.connect(self._on_accepted)

    def _on_accepted(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self.chosen.emit(int(item.data(Qt.ItemDataRole.UserRole)), self.limit.isChecked())


class GapDialog(_Question):
    """Signals: chosen(int): the longest gap that is to be filled, frames."""

    chosen = Signal(int)

    def __init__(self, longest: int, *, where: str, parent: QWidget | None = None) -> None:
        super().__init__(
            tr("Fill Short Gaps"),
            tr(
                "The masks of a gap move and change evenly from the one before it to the one behind it. {where}",
                where=where,
            ),
            button=tr("Fill"),
            parent=parent,
        )
        self.frames = QSpinBox()
        self.frames.setRange(1, _LONGEST_GAP)
        self.frames.setValue(longest)
        self.frames.setSuffix(tr(" frames"))
        self.frames.setAccessibleName(tr("Longest gap that is filled"))
        self.frames.selectAll()
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(label(tr("Longest gap that is filled")), stretch=1)
        line.addWidget(self.frames)
        self._add(row)
        self.frames.setFocus()
        self.accepted.connect(self._on_accepted)

    def _on_accepted(self) -> None:
        self.chosen.emit(self.frames.value())
