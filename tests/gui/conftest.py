"""A studio for the tests of the window: empty, or with a clip open and the model loaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from helpers_cli import write_clip, write_tiny_model
from helpers_studio import running_studio
from rvos_app.bootstrap import Studio

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

_LEFT = Qt.MouseButton.LeftButton
_FRAMES = 24


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_model(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "street.mp4", frames=_FRAMES)


@pytest.fixture
def empty(tmp_path: Path, tiny_model: str, qtbot: QtBot) -> Iterator[Studio]:
    with running_studio(tmp_path, model=tiny_model) as made:
        yield made


@pytest.fixture
def studio(empty: Studio, clip: Path, qtbot: QtBot) -> Studio:
    """A window with the clip open and the model loaded."""
    empty.clips.open(clip)
    qtbot.waitUntil(lambda: empty.runs.engine is not None, timeout=30_000)
    qtbot.waitUntil(lambda: not empty.queues.gpu.tickets, timeout=10_000)
    return empty
