"""Where the document is kept when the person's own folder cannot be written."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from helpers_studio import run, running_studio, settled
from rvos_core.project.library import Library


def test_a_home_that_cannot_be_written_is_said_and_work_goes_on_elsewhere(
    qtbot: QtBot, tmp_path: Path, tiny_model: str, clip: Path
) -> None:
    assert QApplication.instance() is not None
    with running_studio(tmp_path, model=tiny_model) as studio:
        (tmp_path / "a file").write_text("x")
        studio.documents.library = Library(tmp_path / "a file" / "data")
        studio.clips.open(clip)
        qtbot.waitUntil(lambda: studio.presenter.dialog is not None, timeout=20_000)
        assert studio.presenter.dialog is not None
        studio.presenter.dialog.reject()
        qtbot.waitUntil(lambda: studio.runs.engine is not None, timeout=30_000)
        run(qtbot, studio, "the red car")
        settled(qtbot, studio)
        assert studio.documents.path is not None
        assert studio.documents.path.exists()
