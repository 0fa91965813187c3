"""Own presets: save what is set, take a file in, give one out, remove one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMenu, QPushButton, QWidget

from rvos_app.i18n import tr
from rvos_core.delivery.preset_files import (
    SUFFIX,
    import_preset,
    load_presets,
    remove_preset,
    save_preset,
    write_preset,
)
from rvos_core.delivery.presets import PRESETS, Preset
from rvos_core.errors import UserError

_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")
_LONGEST_ID = 60


class PresetMenu(QPushButton):
    """A button with a menu.

    Args:
        folder: of the person's own presets.
        current: the settings as a preset; None: what is chosen cannot be one. Raises: UserError.

    Signals:
        changed(str): the presets are others; id of the one to go to, empty: none.
        said(str): what came of it, in words.
    """

    changed = Signal(str)
    said = Signal(str)

    def __init__(self, folder: Path, *, current: Callable[[], Preset | None], parent: QWidget) -> None:
        super().__init__(tr("Presets"), parent)
        self._folder = folder
        self._current = current
        self._own: Preset | None = None
        self.setAutoDefault(False)
        menu = QMenu(self)
        self.save_action = menu.addAction(tr("Save as Preset…"), self._ask_name)
        self.remove_action = menu.addAction(tr("Remove This Preset"), self._remove)
        menu.addSeparator()
        self.import_action = menu.addAction(tr("Import Preset File…"), self._ask_import)
        self.export_action = menu.addAction(tr("Export as Preset File…"), self._ask_export)
        self.setMenu(menu)

    def presets(self) -> tuple[Preset, ...]:
        """Those of the program and the person's own; files that are no presets are told."""
        shelf = load_presets(self._folder)
        for problem in shelf.problems:
            self.said.emit(str(problem))
        return shelf.presets

    def set_chosen(self, preset: Preset | None, *, can_be_kept: bool) -> None:
        """What is chosen in the list. `can_be_kept`: its settings can be a preset."""
        self._own = preset if preset is not None and preset.id not in PRESETS else None
        self.save_action.setEnabled(can_be_kept)
        self.export_action.setEnabled(can_be_kept)
        self.remove_action.setEnabled(self._own is not None)

    def save_as(self, title: str) -> None:
        """Keep the settings under a title; an own preset of the same title is replaced."""
        title = " ".join(title.split())
        if not title:
            return

        def save() -> str:
            current = self._current()
            if current is None:
                return ""
            known = load_presets(self._folder).presets
            preset = replace(current, id=_free_id(title, known), title=title)
            save_preset(self._folder, preset, replace=True)
            return preset.id

        self._do(save)

    def import_file(self, path: str) -> None:
        """Take a preset in; an own one of the same id is replaced."""
        self._do(lambda: import_preset(self._folder, Path(path), replace=True).id)

    def export_file(self, path: str) -> None:
        """Write the settings as a preset to be passed on."""
        try:
            current = self._current()
            if current is not None:
                write_preset(Path(path), current)
                self.said.emit(tr("The preset was written to {path}", path=path))
        except UserError as error:
            self.said.emit(str(error))

    def _do(self, work: Callable[[], str]) -> None:
        try:
            name = work()
        except UserError as error:
            self.said.emit(str(error))
            return
        self.changed.emit(name)

    def _remove(self) -> None:
        own = self._own
        if own is None:
            return
        try:
            remove_preset(self._folder, own.id)
        except UserError as error:
            self.said.emit(str(error))
        self.changed.emit("")

    def _title(self) -> str:
        try:
            current = self._current()
        except UserError:
            current = None
        return current.title if current is not None else tr("Preset")

    def _ask_name(self) -> None:
        dialog = QInputDialog(self)
        dialog.setWindowTitle(tr("Save as Preset"))
        dialog.setLabelText(tr("Its name (an own preset of the same name is replaced):"))
        dialog.setTextValue(self._title())
        dialog.textValueSelected.connect(self.save_as)
        dialog.open()

    def _ask_import(self) -> None:
        dialog = QFileDialog(self, tr("Import Preset File"), str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(tr("Presets (*{suffix})", suffix=SUFFIX))
        dialog.fileSelected.connect(self.import_file)
        dialog.open()

    def _ask_export(self) -> None:
        dialog = QFileDialog(self, tr("Export as Preset File"), str(Path.home() / f"{self._title()}{SUFFIX}"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(SUFFIX[1:])
        dialog.fileSelected.connect(self.export_file)
        dialog.open()


def _free_id(title: str, known: Sequence[Preset]) -> str:
    """The id of the own preset of that title, or a new one made of its letters."""
    same = next((each.id for each in known if each.title.casefold() == title.casefold()), None)
    if same is not None and same not in PRESETS:
        return same
    taken = {each.id for each in known}
    stem = _NOT_IN_IDS.sub("-", title.casefold())[:_LONGEST_ID].strip("-") or "preset"
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return next(each for each in (stem, *numbered) if each not in taken)
