"""The window's model panel, its export and its closing."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QApplication,
)
from pytestqt.qtbot import QtBot

from helpers_studio import error_said, run, running_studio
from rvos_app.bootstrap import Studio
from rvos_app.dialogs.export import ExportDialog
from rvos_app.settings import SettingsStore
from rvos_core.types import FrameSpan

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

_LEFT = Qt.MouseButton.LeftButton
_FRAMES = 24


def test_the_model_panel_says_what_the_weights_know_and_why_there_is_no_gpu(studio: Studio) -> None:
    import torch

    assert "Random weights for tests." in studio.parts.model.note
    assert "Trained on: nothing" in studio.parts.model.note
    assert "Runs on" in studio.parts.model.device_line
    if not torch.cuda.is_available():
        assert "CUDA" in studio.parts.model.device_line


def test_a_model_that_is_not_there_is_one_error_and_the_old_choice_can_be_taken_again(
    qtbot: QtBot, studio: Studio, tmp_path: Path, tiny_model: str
) -> None:
    studio.parts.model.model_chosen.emit(str(tmp_path / "no_model"))
    assert "no_model" in error_said(qtbot, studio)
    assert studio.runs.engine is None
    studio.parts.model.model_chosen.emit(tiny_model)
    qtbot.waitUntil(lambda: studio.runs.engine is not None, timeout=20_000)
    run(qtbot, studio, "the red car")


# -- exporting -----------------------------------------------------------------------------------------------------


def open_export(studio: Studio, target: Path) -> ExportDialog:
    studio.hub.trigger("file.export")
    dialog = studio.window.findChild(ExportDialog)
    assert isinstance(dialog, ExportDialog)
    dialog.target.setText(str(target))
    return dialog


def test_an_export_that_cannot_be_written_says_so_in_the_dialog(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    run(qtbot, studio, "the red car")
    (tmp_path / "in_the_way").write_text("a file")
    dialog = open_export(studio, tmp_path / "in_the_way")
    with qtbot.waitSignal(studio.exports.failed, timeout=10_000):
        qtbot.mouseClick(dialog.export_button, _LEFT)
    assert "in_the_way" in dialog.status
    assert dialog.export_button.isEnabled()
    dialog.reject()


def test_a_cancelled_export_leaves_nothing(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    run(qtbot, studio, "the red car")
    dialog = open_export(studio, tmp_path / "out" / "overlay.mp4")
    dialog.overlay.setChecked(True)
    dialog.target.setText(str(tmp_path / "out" / "overlay.mp4"))
    with qtbot.waitSignal(studio.exports.cancelled, timeout=10_000):
        qtbot.mouseClick(dialog.export_button, _LEFT)
        dialog.reject()
    assert dialog.isVisible()
    assert not list((tmp_path / "out").iterdir()) if (tmp_path / "out").exists() else True
    dialog.reject()


def test_frames_without_a_result_are_counted_before_the_export(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    studio.state.set_span(FrameSpan(0, 6))
    run(qtbot, studio, "the red car")
    dialog = open_export(studio, tmp_path / "masks")
    assert "every one with a result" in dialog.status
    dialog.whole.setChecked(True)
    assert f"{_FRAMES - 6} of them have no result" in dialog.status
    dialog.reject()


# -- closing -------------------------------------------------------------------------------------------------------


def test_view_and_size_are_there_again_at_the_next_start(qtbot: QtBot, tmp_path: Path, tiny_model: str) -> None:
    with running_studio(tmp_path, model=tiny_model) as studio:
        studio.hub.trigger("view.matte")
        studio.hub.trigger("view.theme_light")
        studio.window.resize(798, 600)
    stored = SettingsStore(tmp_path / "settings.json").load()
    assert (stored.view_mode, stored.theme) == ("matte", "light")
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    again = Studio(app, settings=stored)
    again.start()
    assert again.hub.action("view.matte").isChecked()
    assert again.window.width() == 798
    again.window.close()
