"""The Help menu: keys, command palette, log, about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app_model import Action

from rvos_app.actions.record import record


@dataclass(frozen=True)
class HelpCommands:
    """What the Help menu calls."""

    shortcuts: Callable[[], object]
    palette: Callable[[], object]
    log_folder: Callable[[], object]
    about: Callable[[], object]


def help_actions(do: HelpCommands) -> list[Action[Any, Any]]:
    """Records of the Help menu."""
    return [
        record(
            "help.shortcuts",
            "&Keyboard Shortcuts",
            do.shortcuts,
            place="1_help/1",
            keys=("F1", "Ctrl+/"),
            tip="All keys, to search in",
        ),
        record(
            "help.palette",
            "Command &Palette…",
            do.palette,
            place="1_help/2",
            keys=("Ctrl+Shift+P",),
            tip="Find a command by its name",
            palette=False,
        ),
        record(
            "help.log", "Open &Log Folder", do.log_folder, place="2_log/1", tip="The folder of the program's log file"
        ),
        record("help.about", "&About RVOS Studio", do.about, place="3_about/1", tip="Version, licence, parts"),
    ]
