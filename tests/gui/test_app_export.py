"""The export dialog: what it offers, what it knows before the work starts, and what it shows of the result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from helpers_export import LEFT, answered, ended, open_export, states, studio_with
from helpers_qt import mouse, pixels
from ordered_projects import write_project
from rvos_app.bootstrap import Studio
from rvos_app.dialogs.export import ExportDialog
from rvos_core.orders import State
from rvos_core.types import FrameSpan

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

_FRAMES = 12


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"), frames=_FRAMES, masked=8, width=96, height=72)


@pytest.fixture
def studio(qtbot: QtBot, tmp_path: Path, project: Path, tiny_model: str) -> Iterator[Studio]:
    with studio_with(qtbot, tmp_path, project, model=tiny_model) as made:
        yield made


def test_what_is_chosen_is_written_read_back_and_told(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    studio.state.set_span(FrameSpan(2, 6))
    dialog = open_export(qtbot, studio, "png16", tmp_path / "out")
    assert dialog.plan is not None
    assert "2 outputs" in dialog.status
    assert "8 frames" in dialog.status
    assert "Every frame has a result" in dialog.status
    qtbot.mouseClick(dialog.naming.field, LEFT)
    qtbot.keyClicks(dialog.naming.field, "{id}/m.{frame:05}")
    answered(qtbot, studio)
    assert dialog.naming.example == str(Path("1") / "m.00002.png")
    assert dialog.plan is not None
    assert f"Makes {', '.join(path.name for path in dialog.plan.outputs)}" in dialog.status
    with qtbot.waitSignal(studio.exports.finished, timeout=20_000):
        qtbot.mouseClick(dialog.export_button, LEFT)
    assert sorted(each.name for each in (tmp_path / "out" / "2").iterdir()) == [f"m.{n:05}.png" for n in range(2, 6)]
    (row,) = studio.shipping.panel.rows.values()
    assert "read back and found as meant" in row.words
    assert "checks passed" in row.details
    assert row.isVisible()
    assert "Exported and read back" in studio.window.statusBar().currentMessage()
    studio.state.clear_span()
    studio.hub.trigger("file.export")
    again = studio.window.findChildren(ExportDialog)[-1]
    assert again.list.offer.key == studio.settings.export_offer == "png16"
    qtbot.keyClicks(again.naming.field, "{id}/m.{frame:05}")
    again.target.setText(str(tmp_path / "out"))
    answered(qtbot, studio)
    assert "4 of the frames have no result" in again.status
    assert "Replaces 2 finished outputs" in again.status
    again.reject()


def test_what_an_unfinished_export_makes_too_is_told(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    first = open_export(qtbot, studio, "png16", tmp_path / "out")
    assert "not finished" not in first.status
    names = [path.name for path in first.plan.outputs] if first.plan is not None else []
    qtbot.mouseClick(first.export_button, LEFT)
    (entry,) = studio.exports.entries
    studio.exports.pause(entry.order.order_id)
    again = open_export(qtbot, studio, "png16", tmp_path / "out")
    assert f"not finished makes {', '.join(names)}, too" in again.status
    studio.exports.remove(entry.order.order_id)
    assert "not finished" not in again.status
    again.reject()


def test_annotations_are_of_the_frames_from_in_to_out(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    studio.state.set_span(FrameSpan(2, 6))
    dialog = open_export(qtbot, studio, "data:davis", tmp_path / "davis")
    assert dialog.between.isVisible()
    assert dialog.between.isChecked()
    assert not dialog.handles.isVisible()
    assert dialog.plan is not None
    assert dialog.plan.frames == 4
    with qtbot.waitSignal(studio.exports.finished, timeout=20_000):
        qtbot.mouseClick(dialog.export_button, LEFT)
    masks = tmp_path / "davis" / "Annotations" / "Full-Resolution" / "street"
    assert sorted(each.name for each in masks.iterdir()) == [f"{number:05}.png" for number in range(2, 6)]
    (row,) = studio.shipping.panel.rows.values()
    assert "4 frames" in row.details


def test_what_hinders_is_told_before_with_its_remedy(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "in_the_way").write_text("a file")
    dialog = open_export(qtbot, studio, "prores4444", tmp_path / "in_the_way")
    assert "in_the_way" in dialog.status
    assert not dialog.export_button.isEnabled()
    (remedy,) = dialog.foot.remedies
    qtbot.mouseClick(remedy, LEFT)
    asking = dialog.findChild(QFileDialog)
    assert asking is not None
    asking.reject()
    dialog.target.selectAll()
    qtbot.keyClicks(dialog.target, str(tmp_path / "free"))
    answered(qtbot, studio)
    assert dialog.export_button.isEnabled()
    qtbot.keyClicks(dialog.naming.field, "same")
    answered(qtbot, studio)
    assert not dialog.export_button.isEnabled()
    qtbot.mouseClick(dialog.foot.remedies[0], LEFT)
    answered(qtbot, studio)
    assert dialog.export_button.isEnabled()
    qtbot.keyClicks(dialog.naming.field, "{nonsense}")
    assert "nonsense" in dialog.status
    dialog.naming.field.clear()
    for row in range(dialog.objects.count()):
        dialog.objects.item(row).setCheckState(Qt.CheckState.Unchecked)
    assert "at least one object" in dialog.status
    assert not dialog.export_button.isEnabled()
    dialog.reject()


def test_the_preview_shows_the_edge_over_a_ground_of_ones_choice(qtbot: QtBot, studio: Studio) -> None:
    studio.playback.seek(4)
    qtbot.waitUntil(lambda: studio.state.frame_index == 4)
    dialog = open_export(qtbot, studio, "prores4444")
    pane = dialog.pane
    assert pane.caption == "Frame 4"
    corners = set()
    for ground in ("black", "white", "checker", "clip"):
        qtbot.mouseClick(pane.buttons[ground], LEFT)
        assert pane.picture.image is not None
        corners.add(tuple(pixels(pane.picture.image)[-1, -1].tolist()))
    assert {(0, 0, 0), (255, 255, 255)} < corners
    assert len(corners) == 4
    assert pane.loupe.image is not None
    before = pixels(pane.loupe.image)
    mouse(pane.picture, QMouseEvent.Type.MouseButtonPress, QPointF(pane.picture.rect().bottomRight()), button=LEFT)
    assert not np.array_equal(pixels(pane.loupe.image), before)
    dialog.list.choose("preset:resolve")
    answered(qtbot, studio)
    assert "; with " in dialog.status
    assert "_timeline.otio" in dialog.status
    assert "No Final Cut Pro XML will be written" in dialog.status, "at this rate it cannot be"
    dialog.list.choose("png16")
    answered(qtbot, studio)
    assert not pane.buttons["black"].isVisible()
    assert set(np.unique(pixels(pane.picture.image))) >= {0, 255}
    dialog.reject()


def test_settings_that_mean_nothing_are_not_there_and_presets_keep_those_that_do(
    qtbot: QtBot, studio: Studio, tmp_path: Path
) -> None:
    dialog = open_export(qtbot, studio, "custom")
    boxes = dialog.form.boxes
    assert boxes["format"].isVisible()
    assert boxes["alpha"].isVisible()
    assert not dialog.form.first.isVisible()
    dialog.form.set_field("format", "exr")
    assert boxes["compression"].isVisible()
    assert dialog.form.first.isVisible()
    dialog.form.set_field("compression", "dwaa")
    dialog.form.set_field("format", "h264")
    assert boxes["background"].isVisible()
    assert not boxes["alpha"].isVisible()
    dialog.form.set_field("background", (0, 177, 64))
    dialog.presets.save_as("green")
    assert dialog.list.offer.title == "green"
    assert dialog.form.specs[0].background == (0, 177, 64)
    dialog.presets.export_file(str(tmp_path / "green.rvospreset"))
    dialog.presets.remove_action.trigger()
    assert dialog.list.offer.key == "masks"
    dialog.presets.import_file(str(tmp_path / "green.rvospreset"))
    assert dialog.list.offer.specs[0].format == "h264"
    (tmp_path / "bad.rvospreset").write_text("[]", encoding="utf-8")
    dialog.presets.import_file(str(tmp_path / "bad.rvospreset"))
    assert "bad.rvospreset" in dialog.status
    answered(qtbot, studio)
    dialog.reject()


def test_an_odd_size_is_solved_by_a_button(qtbot: QtBot, tmp_path: Path, tiny_model: str) -> None:
    project = write_project(tmp_path, frames=4, width=63)
    with studio_with(qtbot, tmp_path, project, model=tiny_model) as studio:
        dialog = open_export(qtbot, studio, "h264matte", tmp_path / "out")
        assert not dialog.export_button.isEnabled()
        assert [each.text() for each in dialog.foot.remedies] == ["Repeat the Last Line", "Leave It Out", "Take 4:4:4"]
        qtbot.mouseClick(dialog.foot.remedies[0], LEFT)
        answered(qtbot, studio)
        assert "padded to 64x48" in dialog.status
        assert dialog.form.specs[0].odd_size == "pad"
        qtbot.mouseClick(dialog.export_button, LEFT)
        ended(qtbot, studio)
        assert states(studio) == [State.DONE]
