"""What the Help menu opens."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from rvos_app.actions.help import HelpCommands
from rvos_app.actions.hub import ActionHub
from rvos_app.dialogs.about import AboutDialog
from rvos_app.dialogs.commands import CommandList
from rvos_core.logging import log_file


def help_commands(hub: ActionHub, window: QWidget) -> HelpCommands:
    """The Help menu's calls, with dialogs over `window`."""
    return HelpCommands(
        shortcuts=partial(_list_commands, hub, window, runs=False),
        palette=partial(_list_commands, hub, window, runs=True),
        log_folder=_open_log_folder,
        about=partial(_open_about, window),
    )


def _list_commands(hub: ActionHub, window: QWidget, *, runs: bool) -> None:
    CommandList(hub, window, runs=runs).open()


def _open_about(window: QWidget) -> None:
    AboutDialog(window.windowIcon(), window).open()


def _open_log_folder() -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_file("studio").parent)))
