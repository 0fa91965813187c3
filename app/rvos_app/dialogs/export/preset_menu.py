"""Own presets: save what is set, take a file in, give one out, remove one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMenu, QPushButton, QWidget

from rvos_app.i18n import tr
from rvos_core.errors import UserError
from rvos_core.orders.own_presets import SUFFIX, OwnPreset, PresetShelf, read_preset, write_preset


class PresetMenu(QPushButton):
    """A button with a menu.

    Args:
        current: the settings as a preset without a name of its own; None: what is chosen cannot be one.

    Signals:
        changed(str): the presets are others; the key of the one to go to.
        said(str): what came of it, in words.
    """

    changed = Signal(str)
    said = Signal(str)

    def __init__(self, shelf: PresetShelf, *, current: Callable[[], OwnPreset | None], parent: QWidget) -> None:
        super().__init__(tr("Presets"), parent)
        self._shelf = shelf
        self._current = current
        self._own = ""
        self.setAutoDefault(False)
        menu = QMenu(self)
        self.save_action = menu.addAction(tr("Save as Preset…"), self._ask_name)
        self.remove_action = menu.addAction(tr("Remove This Preset"), self._remove)
        menu.addSeparator()
        self.import_action = menu.addAction(tr("Import Preset File…"), self._ask_import)
        self.export_action = menu.addAction(tr("Export as Preset File…"), self._ask_export)
        menu.aboutToShow.connect(self._refresh)
        self.setMenu(menu)

    def set_own(self, name: str) -> None:
        """The person's own preset that is chosen; empty: none."""
        self._own = name
        self._refresh()

    def save_as(self, name: str) -> None:
        """Keep the settings under a name."""
        current = self._current()
        if current is None or not name.strip():
            return
        try:
            preset = OwnPreset(name.strip(), current.specs, current.editor)
            self._shelf.save(preset)
        except UserError as error:
            self.said.emit(str(error))
            return
        self.changed.emit(f"own:{preset.name}")

    def import_file(self, path: str) -> None:
        """Take a preset in."""
        try:
            preset = read_preset(Path(path))
            self._shelf.save(preset)
        except UserError as error:
            self.said.emit(str(error))
            return
        self.changed.emit(f"own:{preset.name}")

    def export_file(self, path: str) -> None:
        """Write the settings as a preset to be passed on."""
        current = self._current()
        if current is None:
            return
        try:
            write_preset(Path(path), current)
        except UserError as error:
            self.said.emit(str(error))
            return
        self.said.emit(tr("The preset was written to {path}", path=path))

    def _refresh(self) -> None:
        has_settings = self._current() is not None
        self.save_action.setEnabled(has_settings)
        self.export_action.setEnabled(has_settings)
        self.remove_action.setEnabled(bool(self._own))

    def _remove(self) -> None:
        if self._own:
            self._shelf.remove(self._own)
            self.changed.emit("")

    def _ask_name(self) -> None:
        current = self._current()
        dialog = QInputDialog(self)
        dialog.setWindowTitle(tr("Save as Preset"))
        dialog.setLabelText(tr("Its name (one of the same name is replaced):"))
        dialog.setTextValue(self._own or (current.name if current is not None else ""))
        dialog.textValueSelected.connect(self.save_as)
        dialog.open()

    def _ask_import(self) -> None:
        dialog = QFileDialog(self, tr("Import Preset File"), str(Path.home()))
        dialog.setNameFilter(tr("Presets (*{suffix})", suffix=SUFFIX))
        dialog.fileSelected.connect(self.import_file)
        dialog.open()

    def _ask_export(self) -> None:
        current = self._current()
        name = f"{current.name if current is not None else 'preset'}{SUFFIX}"
        dialog = QFileDialog(self, tr("Export as Preset File"), str(Path.home() / name))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(SUFFIX[1:])
        dialog.fileSelected.connect(self.export_file)
        dialog.open()
