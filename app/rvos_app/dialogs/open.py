"""Choosing a project, or a clip: a file, or a folder of numbered images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from rvos_app.i18n import tr
from rvos_core.media import MEDIA_SUFFIXES
from rvos_core.project.schema import SUFFIX


def choose_video(parent: QWidget, *, folder: str, then: Callable[[str], object]) -> QFileDialog:
    """Open the file dialog; `then` gets the chosen path."""
    dialog = QFileDialog(parent, tr("Open Video"), folder)
    patterns = " ".join(f"*{suffix}" for suffix in MEDIA_SUFFIXES)
    dialog.setNameFilters([tr("Videos ({patterns})", patterns=patterns), tr("All files (*)")])
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    return _show(dialog, then)


def choose_project(parent: QWidget, *, folder: str, then: Callable[[str], object]) -> QFileDialog:
    """Open the file dialog for projects; `then` gets the chosen path."""
    dialog = QFileDialog(parent, tr("Open Project"), folder)
    dialog.setNameFilters([tr("Projects (*{suffix})", suffix=SUFFIX), tr("All files (*)")])
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    return _show(dialog, then)


def choose_folder(parent: QWidget, *, folder: str, then: Callable[[str], object]) -> QFileDialog:
    """Open the folder dialog; `then` gets the chosen path."""
    dialog = QFileDialog(parent, tr("Open Image Folder"), folder)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly, False)
    return _show(dialog, then)


def start_folder(recent: list[str]) -> str:
    """Where a dialog begins: beside the last clip, or at home."""
    last = Path(recent[0]).parent if recent else Path.home()
    return str(last if last.is_dir() else Path.home())


def _show(dialog: QFileDialog, then: Callable[[str], object]) -> QFileDialog:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(then)
    dialog.open()
    return dialog
