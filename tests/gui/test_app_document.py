"""The window on its document: what a person did is kept, can be undone, and is there again."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from helpers_studio import masks, open_project, run, running_studio, settled
from rvos_app.bootstrap import Studio
from rvos_app.dialogs.snapshots import SnapshotDialog
from rvos_core.errors import UserError
from rvos_core.project import store
from rvos_core.project.copies import backup_folder
from rvos_core.project.reading import ProjectReader
from rvos_core.project.store import Project
from rvos_core.types import FrameSpan

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

_CTRL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
_FRAMES = 24


def names(studio: Studio) -> list[str]:
    return [studio.parts.history.list.item(row).text() for row in range(studio.parts.history.list.count())]


# -- undo --------------------------------------------------------------------------------------------------------------


def test_a_run_is_one_step_back_and_one_step_forward(qtbot: QtBot, studio: Studio) -> None:
    object_id = run(qtbot, studio, "the red car")
    before = masks(studio, object_id)
    settled(qtbot, studio)
    QTest.keyClick(studio.window, Qt.Key.Key_Z, _CTRL)
    qtbot.waitUntil(lambda: studio.state.objects == ())
    assert not studio.state.has_results
    settled(qtbot, studio)
    QTest.keyClick(studio.window, Qt.Key.Key_Z, _CTRL | _SHIFT)
    qtbot.waitUntil(lambda: len(studio.state.results(object_id)) == _FRAMES)
    assert masks(studio, object_id) == before
    thing = studio.state.object(object_id)
    assert thing is not None
    assert thing.name == "the red car"


def test_a_removed_object_comes_back_with_its_masks(qtbot: QtBot, studio: Studio) -> None:
    object_id = run(qtbot, studio, "the red car")
    before = masks(studio, object_id)
    studio.hub.trigger("run.remove_object")
    assert studio.state.objects == ()
    settled(qtbot, studio)
    studio.hub.trigger("edit.undo")
    qtbot.waitUntil(lambda: len(studio.state.objects) == 1)
    assert masks(studio, object_id) == before


def test_in_the_field_undo_takes_back_typing_first_and_then_the_document(qtbot: QtBot, studio: Studio) -> None:
    run(qtbot, studio, "the red car")
    settled(qtbot, studio)
    studio.field.setFocus()
    studio.field.setText("the red car")
    QTest.keyClicks(studio.field, "s")
    QTest.keyClick(studio.field, Qt.Key.Key_Z, _CTRL)
    assert studio.field.text() == "the red car"
    assert len(studio.state.objects) == 1
    QTest.keyClick(studio.field, Qt.Key.Key_Z, _CTRL)
    qtbot.waitUntil(lambda: studio.state.objects == ())


def test_the_history_panel_names_the_steps_and_a_click_goes_there(qtbot: QtBot, studio: Studio) -> None:
    object_id = run(qtbot, studio, "the red car")
    studio.hub.trigger("run.toggle_visible")
    studio.state.set_in(5)
    studio.state.set_in(7)
    settled(qtbot, studio)
    assert names(studio) == ["Beginning", "Run “the red car”", "Hide object", "In 7, out 23"]
    panel = studio.parts.history.list
    panel.itemActivated.emit(panel.item(1))
    qtbot.waitUntil(lambda: studio.state.span == FrameSpan(0, _FRAMES))
    thing = studio.state.object(object_id)
    assert thing is not None
    assert thing.visible
    settled(qtbot, studio)
    panel.itemActivated.emit(panel.item(3))
    qtbot.waitUntil(lambda: studio.state.span == FrameSpan(7, _FRAMES))


def test_undo_of_a_run_at_work_ends_it(qtbot: QtBot, studio: Studio) -> None:
    studio.field.setText("the red car")
    studio.hub.trigger("run.start")
    qtbot.waitUntil(lambda: studio.state.run.windows_done >= 1, timeout=20_000)
    studio.hub.trigger("run.pause")
    settled(qtbot, studio)
    studio.hub.trigger("edit.undo")
    qtbot.waitUntil(lambda: studio.state.objects == ())
    studio.hub.trigger("run.pause")
    qtbot.waitUntil(lambda: not studio.queues.gpu.tickets, timeout=20_000)
    settled(qtbot, studio)
    assert studio.state.objects == ()
    assert not studio.state.has_results


# -- runs --------------------------------------------------------------------------------------------------------------


def test_a_cancelled_run_keeps_its_windows_and_goes_on_where_it_stopped(qtbot: QtBot, studio: Studio) -> None:
    studio.field.setText("the red car")
    studio.hub.trigger("run.start")
    qtbot.waitUntil(lambda: studio.state.run.windows_done >= 1, timeout=20_000)
    studio.hub.trigger("run.cancel")
    qtbot.waitUntil(lambda: not studio.state.run.active, timeout=20_000)
    settled(qtbot, studio)
    (thing,) = studio.state.objects
    kept = masks(studio, thing.object_id)
    assert 0 < len(kept) < _FRAMES
    assert studio.hub.action("run.resume").isEnabled()
    studio.hub.trigger("run.resume")
    qtbot.waitUntil(lambda: len(studio.state.results(thing.object_id)) == _FRAMES, timeout=20_000)
    qtbot.waitUntil(lambda: not studio.state.run.active, timeout=20_000)
    settled(qtbot, studio)
    assert not studio.hub.action("run.resume").isEnabled()
    assert len(studio.documents.standing.edits) == 1  # type: ignore[union-attr]  # it is one entry of the history


def test_a_rerun_that_is_cancelled_in_the_line_leaves_the_masks_as_they_were(qtbot: QtBot, studio: Studio) -> None:
    object_id = run(qtbot, studio, "the red car")
    before = masks(studio, object_id)
    studio.field.setText("the dog")
    studio.hub.trigger("run.start")
    qtbot.waitUntil(lambda: studio.state.run.windows_done >= 1, timeout=20_000)
    studio.hub.trigger("run.pause")
    studio.state.select(object_id)
    studio.hub.trigger("run.again")  # behind the one that is held
    studio.hub.trigger("run.cancel")
    qtbot.waitUntil(lambda: not studio.state.run.active, timeout=20_000)
    settled(qtbot, studio)
    assert masks(studio, object_id) == before
    assert names(studio)[1:] == ["Run “the red car”", "Run “the dog”"], "what never ran is not in the history"


# -- files -------------------------------------------------------------------------------------------------------------


def test_closing_loses_nothing_and_the_next_window_goes_on(
    qtbot: QtBot, tmp_path: Path, tiny_model: str, clip: Path
) -> None:
    with running_studio(tmp_path, model=tiny_model) as studio:
        studio.clips.open(clip)
        qtbot.waitUntil(lambda: studio.runs.engine is not None, timeout=30_000)
        object_id = run(qtbot, studio, "the red car")
        before = masks(studio, object_id)
        studio.state.set_in(3)
        settled(qtbot, studio)
        path = studio.documents.path
        assert path is not None
        assert "no name yet" in studio.window.windowTitle()
    assert [each.name for each in path.parent.iterdir()] == [path.name], "one file at rest"
    with running_studio(tmp_path, model=tiny_model) as studio:
        open_project(qtbot, studio, path)
        assert masks(studio, object_id) == before
        assert studio.state.span == FrameSpan(3, _FRAMES)
        studio.hub.trigger("edit.undo")
        qtbot.waitUntil(lambda: studio.state.span == FrameSpan(0, _FRAMES))
        studio.hub.trigger("edit.undo")
        qtbot.waitUntil(lambda: studio.state.objects == ())


def test_a_clip_that_was_only_looked_at_leaves_no_project(
    qtbot: QtBot, tmp_path: Path, tiny_model: str, clip: Path
) -> None:
    with running_studio(tmp_path, model=tiny_model) as studio:
        studio.clips.open(clip)
        qtbot.waitUntil(lambda: studio.state.clip is not None, timeout=20_000)
        folder = studio.documents.library.folder / "projects"
    assert not list(folder.glob("*"))


def test_save_as_gives_a_name_and_save_a_state_to_come_back_to(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    object_id = run(qtbot, studio, "the red car")
    settled(qtbot, studio)
    unnamed = studio.documents.path
    QTest.keyClick(studio.window, Qt.Key.Key_S, _CTRL)  # it has no name yet: asks for one
    dialog = studio.window.findChild(QFileDialog)
    target = tmp_path / "named.rvos"
    dialog.fileSelected.emit(str(target))
    dialog.close()
    qtbot.waitUntil(lambda: studio.documents.path == target, timeout=10_000)
    settled(qtbot, studio)
    assert unnamed is not None
    assert not unnamed.exists()
    assert "named" in studio.window.windowTitle()
    studio.hub.trigger("file.save")
    settled(qtbot, studio)
    assert "Saved" in studio.window.windowTitle()
    studio.hub.trigger("run.remove_object")
    settled(qtbot, studio)
    assert "changed since" in studio.window.windowTitle()
    studio.hub.trigger("file.revert")
    reverts = studio.window.findChild(SnapshotDialog)
    reverts.revert.click()
    qtbot.waitUntil(lambda: len(studio.state.results(object_id)) == _FRAMES)
    settled(qtbot, studio)
    assert next(each.name for each in studio.documents.standing.snapshots).startswith("Saved")  # type: ignore[union-attr]


def test_a_copy_is_whole_and_work_goes_on_in_the_first(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    object_id = run(qtbot, studio, "the red car")
    settled(qtbot, studio)
    here = studio.documents.path
    with qtbot.waitSignal(studio.documents.saved, timeout=10_000):
        studio.documents.save_copy(tmp_path / "copy.rvos")
    assert studio.documents.path == here
    with ProjectReader(tmp_path / "copy.rvos") as copy:
        copy.check()
        assert {each.frame: each.mask for each in copy.masks(object_id)} == masks(studio, object_id)


def test_a_project_in_use_opens_for_reading_and_says_by_whom(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    object_id = run(qtbot, studio, "the red car")
    settled(qtbot, studio)
    studio.documents.save_copy(tmp_path / "shared.rvos")
    settled(qtbot, studio)
    other = Project(tmp_path / "shared.rvos", program="somebody else")
    try:
        studio.projects.open(tmp_path / "shared.rvos")
        qtbot.waitUntil(lambda: studio.documents.read_only, timeout=20_000)
        assert "somebody else" in studio.window.statusBar().currentMessage()
        assert "for reading only" in studio.window.windowTitle()
        assert len(studio.state.results(object_id)) == _FRAMES
        for command in ("run.start", "edit.undo", "file.save", "run.remove_object"):
            assert not studio.hub.action(command).isEnabled(), command
    finally:
        other.close()


def test_a_disk_that_refuses_is_said_and_the_window_shows_what_is_kept(
    qtbot: QtBot, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    object_id = run(qtbot, studio, "the red car")
    settled(qtbot, studio)

    def full(*_args: object, **_more: object) -> None:
        raise UserError("The disk is full.", hint="Free some space.", code="files.disk_full")

    monkeypatch.setattr(store.Project, "apply", full)
    studio.hub.trigger("run.remove_object")
    qtbot.waitUntil(lambda: studio.presenter.dialog is not None, timeout=10_000)
    assert studio.presenter.dialog is not None
    assert "full" in studio.presenter.dialog.report.message
    studio.presenter.dialog.reject()
    assert [each.object_id for each in studio.state.objects] == [object_id]
    assert len(studio.state.results(object_id)) == _FRAMES


def test_what_is_done_while_save_as_writes_is_in_the_named_project(
    qtbot: QtBot, studio: Studio, tmp_path: Path
) -> None:
    object_id = run(qtbot, studio, "the red car")
    settled(qtbot, studio)
    target = tmp_path / "named.rvos"
    studio.documents.save_as(target)
    studio.hub.trigger("run.toggle_visible")  # before the copy is there
    qtbot.waitUntil(lambda: studio.documents.path == target, timeout=10_000)
    settled(qtbot, studio)
    with ProjectReader(target) as reader:
        (thing,) = reader.objects()
        assert thing.object_id == object_id
        assert not thing.visible
        assert reader.edits()[-1].name == "Hide object"


def test_save_as_where_it_cannot_be_leaves_the_work_where_it_was(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    object_id = run(qtbot, studio, "the red car")
    settled(qtbot, studio)
    here = studio.documents.path
    (tmp_path / "a file").write_text("x")
    studio.documents.save_as(tmp_path / "a file" / "named.rvos")
    qtbot.waitUntil(lambda: studio.presenter.dialog is not None, timeout=10_000)
    assert studio.presenter.dialog is not None
    studio.presenter.dialog.reject()
    assert studio.documents.path == here
    studio.hub.trigger("run.toggle_visible")
    settled(qtbot, studio)
    assert len(studio.state.results(object_id)) == _FRAMES
    assert studio.documents.standing is not None
    assert studio.documents.standing.edits[-1].name == "Hide object"


def test_a_closed_project_opens_again_at_once(qtbot: QtBot, studio: Studio) -> None:
    run(qtbot, studio, "the red car")
    settled(qtbot, studio)
    path = studio.documents.path
    assert path is not None
    studio.hub.trigger("file.close")
    assert studio.state.clip is None
    open_project(qtbot, studio, path)
    assert not studio.documents.read_only
    assert studio.state.has_results
    studio.projects.open(path)
    assert "open already" in studio.window.statusBar().currentMessage()


def test_memory_that_runs_out_while_the_model_loads_costs_nothing(
    qtbot: QtBot, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rvos_app.jobs.model_jobs import EngineSlot

    object_id = run(qtbot, studio, "the red car")
    before = masks(studio, object_id)
    settled(qtbot, studio)

    def full(*_args: object) -> None:
        raise MemoryError

    monkeypatch.setattr(EngineSlot, "get", full)
    studio.hub.trigger("run.again")
    qtbot.waitUntil(lambda: studio.presenter.dialog is not None, timeout=20_000)
    assert studio.presenter.dialog is not None
    assert "memory" in studio.presenter.dialog.report.message
    studio.presenter.dialog.reject()
    qtbot.waitUntil(lambda: not studio.state.run.active)
    settled(qtbot, studio)
    assert masks(studio, object_id) == before
    assert len(names(studio)) == 2, "the run that never was is not in the history"
    monkeypatch.undo()
    assert run(qtbot, studio, "the red car") == object_id


def test_backups_are_written_while_something_changes(qtbot: QtBot, studio: Studio) -> None:
    run(qtbot, studio, "the red car")
    settled(qtbot, studio)
    assert studio.documents.path is not None
    folder = backup_folder(studio.documents.path)
    for _ in range(3):
        studio._backups.tick()
    settled(qtbot, studio)
    (first,) = folder.iterdir()
    with ProjectReader(first) as backup:
        assert backup.mask_count() == _FRAMES
    studio.hub.trigger("run.toggle_visible")
    settled(qtbot, studio)
    studio._backups.tick()
    settled(qtbot, studio)
    assert len(list(folder.iterdir())) == 2
