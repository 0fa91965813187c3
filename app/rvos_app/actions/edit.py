"""The Edit menu: undo and redo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app_model import Action

from rvos_app.actions.record import record


@dataclass(frozen=True)
class EditCommands:
    """What the Edit menu calls."""

    undo: Callable[[], object]
    redo: Callable[[], object]


def edit_actions(do: EditCommands) -> list[Action[Any, Any]]:
    """Records of the Edit menu."""
    return [
        record(
            "edit.undo",
            "&Undo",
            do.undo,
            place="1_history/1",
            keys=("Ctrl+Z",),
            when="can_undo",
            tip="Take the last change back; also a whole run, and also what was done before the program was closed",
        ),
        record(
            "edit.redo",
            "&Redo",
            do.redo,
            place="1_history/2",
            keys=("Ctrl+Shift+Z", "Ctrl+Y"),
            when="can_redo",
            tip="Do again what was undone",
        ),
    ]
