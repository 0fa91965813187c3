"""A move of the brush repaints what it changed, not the whole 4K view."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from brush_paint import measure


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "hardness", "limit"), [(40, 1.0, 6.0), (200, 1.0, 3.5), (200, 0.5, 2.0)], ids=["small", "large", "soft"]
)
def test_a_move_is_much_cheaper_than_a_whole_repaint(qtbot: QtBot, size: float, hardness: float, limit: float) -> None:
    figures = measure(size=size, hardness=hardness)
    assert figures.ratio >= limit, figures
