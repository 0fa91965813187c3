"""Questions about what lies on the disk: a clip that is missing or has changed, a project that is damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from rvos_app.i18n import tr
from rvos_core.project.records import MediaRecord


def ask_for_clip(
    parent: QWidget,
    clip: MediaRecord,
    *,
    chosen: Callable[[str], object],
    folder: Callable[[str], object],
    given_up: Callable[[], object],
) -> QMessageBox:
    """Say that a clip is missing. `chosen` gets a file, `folder` a folder to look through. Returns at once."""
    box = QMessageBox(QMessageBox.Icon.NoIcon, "RVOS Studio", tr("A clip of this project is missing."), parent=parent)
    box.setInformativeText(
        tr("{path} is not there. Your masks are kept; show where the clip lies now.", path=clip.absolute_path)
    )
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    locate = box.addButton(tr("Choose It…"), QMessageBox.ButtonRole.AcceptRole)
    look = box.addButton(tr("Search a Folder…"), QMessageBox.ButtonRole.ActionRole)
    cancel = box.addButton(tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(locate)
    box.setEscapeButton(cancel)
    start = str(_nearest(clip.absolute_path.parent))

    def choose() -> None:
        dialog = QFileDialog(parent, tr("Where Is {name}?", name=clip.absolute_path.name), start)
        images = clip.kind == "images"
        dialog.setFileMode(QFileDialog.FileMode.Directory if images else QFileDialog.FileMode.ExistingFile)
        _show(dialog, chosen)

    def search() -> None:
        dialog = QFileDialog(parent, tr("Search for {name} In", name=clip.absolute_path.name), start)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        _show(dialog, folder)

    locate.clicked.connect(choose)
    look.clicked.connect(search)
    cancel.clicked.connect(given_up)
    box.open()
    return box


def ask_about_difference(
    parent: QWidget,
    path: Path,
    sentences: tuple[str, ...],
    *,
    possible: bool,
    then: Callable[[], object],
    given_up: Callable[[], object],
) -> QMessageBox:
    """The file is another than the one annotated; `then` where the person takes it all the same, else `given_up`."""
    box = QMessageBox(QMessageBox.Icon.NoIcon, "RVOS Studio", tr("{name} has changed.", name=path.name), parent=parent)
    box.setInformativeText(" ".join(sentences))
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    cancel = box.addButton(tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
    if possible:
        accept = box.addButton(tr("Use It Anyway"), QMessageBox.ButtonRole.AcceptRole)
        accept.clicked.connect(then)
    cancel.clicked.connect(given_up)
    box.setDefaultButton(cancel)
    box.setEscapeButton(cancel)
    box.open()
    return box


def ask_to_recover(parent: QWidget, message: str, *, then: Callable[[], object]) -> QMessageBox:
    """A project is damaged; `then` where the person wants what can be read of it in a new one."""
    box = QMessageBox(QMessageBox.Icon.NoIcon, "RVOS Studio", message, parent=parent)
    box.setInformativeText(
        tr("What can be read of it can be written into a new project beside it. The file itself is not changed.")
    )
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    accept = box.addButton(tr("Recover"), QMessageBox.ButtonRole.AcceptRole)
    accept.clicked.connect(then)
    cancel = box.addButton(tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(accept)
    box.setEscapeButton(cancel)
    box.open()
    return box


def _show(dialog: QFileDialog, then: Callable[[str], object]) -> None:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(then)
    dialog.open()


def _nearest(folder: Path) -> Path:
    """The folder, or the closest one above it that exists."""
    return next((each for each in (folder, *folder.parents) if each.is_dir()), Path.home())
