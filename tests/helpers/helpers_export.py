"""The studio with a small project open, and its export dialog, for tests of exports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from helpers_studio import open_project, running_studio
from rvos_app.bootstrap import Studio
from rvos_app.dialogs.export import ExportDialog
from rvos_core.orders import State

LEFT = Qt.MouseButton.LeftButton


@contextmanager
def studio_with(qtbot: QtBot, folder: Path, project: Path, *, model: str) -> Iterator[Studio]:
    """A window with a project open; `folder` holds its settings and data."""
    with running_studio(folder, model=model) as studio:
        open_project(qtbot, studio, project)
        yield studio


def open_export(qtbot: QtBot, studio: Studio, offer: str, target: Path | None = None) -> ExportDialog:
    """The dialog, with an offer chosen by the mouse, and what it comes to known."""
    studio.hub.trigger("file.export")
    dialog = studio.window.findChildren(ExportDialog)[-1]
    dialog.list.choose(offer)
    if target is not None:
        dialog.target.selectAll()
        qtbot.keyClicks(dialog.target, str(target))
    answered(qtbot, studio)
    return dialog


def answered(qtbot: QtBot, studio: Studio) -> None:
    """Wait until plan and preview are those of what is chosen now."""
    qtbot.waitUntil(lambda: not studio.shipping.preview.busy, timeout=10_000)


def ended(qtbot: QtBot, studio: Studio) -> None:
    """Wait until no order is at work or waits."""
    qtbot.waitUntil(lambda: not studio.exports.active, timeout=20_000)


def states(studio: Studio) -> list[State]:
    return [each.state for each in studio.exports.entries]
