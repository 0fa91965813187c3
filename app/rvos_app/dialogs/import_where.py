"""Where annotations come from: a file or folder, its format, and the split of a data set that has several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from rvos_app.i18n import tr
from rvos_core.formats import registry


class ImportWhere(QWidget):
    """Signals: asked(): what is named is to be read; edited(): another source is being named."""

    asked = Signal()
    edited = Signal()

    def __init__(self, start: Path) -> None:
        """Args: start: where looking for a file begins."""
        super().__init__()
        self._start = start
        self.path = QLineEdit()
        self.path.setAccessibleName(tr("File or folder of annotations"))
        self.path.setPlaceholderText(tr("A file (.json, .xml, .csv, .txt) or a folder"))
        self.file_button = QPushButton(tr("&File…"))
        self.folder_button = QPushButton(tr("F&older…"))
        self.format = _chooser(tr("Format"))
        self.format.addItem(tr("Detect"), "")
        for each in sorted(registry.FORMATS.values(), key=lambda one: one.title.casefold()):
            self.format.addItem(each.title, each.format_id)
            self.format.setItemData(self.format.count() - 1, each.layout, Qt.ItemDataRole.ToolTipRole)
        self.split = _chooser(tr("Split of the data set"))
        self._split_name = QLabel(tr("Split"))
        self._lay_out()
        self._connect()
        self.show_source("", ())

    def _lay_out(self) -> None:
        where = QHBoxLayout()
        where.setSpacing(6)
        where.addWidget(self.path, stretch=1)
        where.addWidget(self.file_button)
        where.addWidget(self.folder_button)
        what = QHBoxLayout()
        what.setSpacing(10)
        what.addWidget(self.format, stretch=3)
        what.addWidget(self._split_name)
        what.addWidget(self.split, stretch=1)
        self._rows = QGridLayout(self)  # a form's layout puts the labels too high
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setHorizontalSpacing(16)
        self._rows.setVerticalSpacing(8)
        self._rows.setColumnStretch(1, 1)
        for row, (name, line) in enumerate(((tr("From"), where), (tr("Format"), what))):
            self._rows.addWidget(QLabel(name), row, 0)
            self._rows.addLayout(line, row, 1)
        for each in (self.file_button, self.folder_button):
            each.setAutoDefault(False)

    def _connect(self) -> None:
        self.path.returnPressed.connect(self.asked)
        self.path.textEdited.connect(self.edited)
        self.file_button.clicked.connect(self._choose_file)
        self.folder_button.clicked.connect(self._choose_folder)
        self.format.activated.connect(self._on_format)
        self.split.activated.connect(self.asked)

    def add_row(self, name: str, widget: QWidget) -> None:
        """One more row, aligned with the others."""
        row = self._rows.rowCount()
        self._rows.addWidget(QLabel(name), row, 0)
        self._rows.addWidget(widget, row, 1)

    def take(self, path: Path) -> None:
        """Name this file or folder, and have it read."""
        self.path.setText(str(path))
        self.edited.emit()
        self.asked.emit()

    @property
    def named(self) -> Path | None:
        """What is named; None: nothing."""
        text = self.path.text().strip()
        return Path(text).expanduser() if text else None

    def show_source(self, title: str, splits: Sequence[str], *, split: str = "") -> None:
        """Tell which format was detected, and offer the splits that there are; empty: nothing is known yet."""
        self.format.setItemText(0, tr("Detected: {format}", format=title) if title else tr("Detect"))
        self.split.clear()
        for each in splits:
            self.split.addItem(each or tr("All clips"), each)
        self.split.setCurrentIndex(max(self.split.findData(split), 0))
        several = sum(map(bool, splits)) > 1
        self.split.setVisible(several)
        self._split_name.setVisible(several)

    def _on_format(self) -> None:
        self.edited.emit()
        self.asked.emit()

    def _choose_file(self) -> None:
        self._choose(QFileDialog.FileMode.ExistingFile, tr("Annotations"))

    def _choose_folder(self) -> None:
        self._choose(QFileDialog.FileMode.Directory, tr("Folder of Annotations"))

    def _choose(self, mode: QFileDialog.FileMode, title: str) -> None:
        dialog = QFileDialog(self, title, self.path.text() or str(self._start))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(mode)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly, False)
        dialog.fileSelected.connect(self._on_chosen)
        dialog.open()

    def _on_chosen(self, path: str) -> None:
        self.take(Path(path))


def _chooser(name: str) -> QComboBox:
    made = QComboBox()
    made.setAccessibleName(name)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(12)
    return made
