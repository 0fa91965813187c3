"""The window's model panel and its closing."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import (
    QApplication,
)
from pytestqt.qtbot import QtBot

from helpers_studio import error_said, run, running_studio
from rvos_app.bootstrap import Studio
from rvos_app.settings import SettingsStore

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


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
