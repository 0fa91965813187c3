"""The window on its document: what a person did is kept, can be undone, and is there again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from helpers_cli import write_clip
from helpers_studio import run, running_studio
from rvos_app.bootstrap import Studio
from rvos_app.dialogs.recovery import Decision, RecoveryDialog
from rvos_app.dialogs.snapshots import SnapshotDialog
from rvos_core.errors import UserError
from rvos_core.masks import Rle
from rvos_core.project import store
from rvos_core.project.reading import ProjectReader
from rvos_core.project.store import Project
from rvos_core.types import FrameSpan

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

_CTRL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
_FRAMES = 24


def masks(studio: Studio, object_id: int) -> dict[int, Rle]:
    return {index: result.mask for index, result in studio.state.results(object_id).items()}


def settled(qtbot: QtBot, studio: Studio) -> None:
    """Wait until the document has done everything, and the window knows."""
    done: list[object] = []
    studio.documents.do(lambda _project: None, done.append)
    qtbot.waitUntil(lambda: bool(done), timeout=10_000)


def open_project(qtbot: QtBot, studio: Studio, path: Path) -> None:
    studio.projects.open(path)
    qtbot.waitUntil(lambda: studio.documents.path == path and studio.documents.standing is not None, timeout=20_000)
    qtbot.waitUntil(lambda: not studio.queues.gpu.tickets, timeout=30_000)


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
    settled(qtbot, studio)
    studio.hub.trigger("run.again")
    studio.hub.trigger("run.cancel")
    qtbot.waitUntil(lambda: not studio.state.run.active, timeout=20_000)
    settled(qtbot, studio)
    assert len(studio.state.results(object_id)) == _FRAMES
    assert masks(studio, object_id).keys() == before.keys()


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


# -- clips -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def moved(qtbot: QtBot, tmp_path: Path, tiny_model: str) -> Iterator[tuple[Studio, Path, Path]]:
    """A window, a project, and its clip, which lies elsewhere now."""
    path = tmp_path / "b" / "p.rvos"
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    first = write_clip(tmp_path / "a" / "street.mp4", frames=_FRAMES)
    with running_studio(tmp_path, model=tiny_model) as studio:
        studio.clips.open(first)
        qtbot.waitUntil(lambda: studio.runs.engine is not None, timeout=30_000)
        run(qtbot, studio, "the red car")
        settled(qtbot, studio)
        studio.documents.save_as(path)
        qtbot.waitUntil(lambda: studio.documents.path == path, timeout=10_000)
        settled(qtbot, studio)
        studio.hub.trigger("file.close")
    now = tmp_path / "c" / "deep" / "renamed.mp4"
    now.parent.mkdir(parents=True)
    shutil.move(first, now)
    with running_studio(tmp_path, model=tiny_model) as studio:
        yield studio, path, now


def test_a_missing_clip_is_asked_for_and_found_by_its_content(
    qtbot: QtBot, moved: tuple[Studio, Path, Path], tmp_path: Path
) -> None:
    studio, path, now = moved
    studio.projects.open(path)
    qtbot.waitUntil(lambda: studio.window.findChild(QMessageBox) is not None, timeout=20_000)
    box = studio.window.findChild(QMessageBox)
    assert "street.mp4" in box.informativeText()
    studio.projects._search(str(tmp_path / "c"))
    box.close()
    qtbot.waitUntil(lambda: studio.documents.path == path, timeout=20_000)
    settled(qtbot, studio)
    assert studio.state.clip is not None
    assert studio.state.clip.path == now
    with ProjectReader(path) as reader:
        assert reader.media()[0].absolute_path == now


def test_another_file_is_compared_and_taken_only_where_masks_fit(
    qtbot: QtBot, moved: tuple[Studio, Path, Path], tmp_path: Path
) -> None:
    studio, path, _ = moved
    other = write_clip(tmp_path / "other.mp4", frames=_FRAMES - 4)
    studio.projects.open(path)
    qtbot.waitUntil(lambda: studio.window.findChild(QMessageBox) is not None, timeout=20_000)
    studio.window.findChild(QMessageBox).close()
    studio.projects._open_chosen_clip(str(other))
    qtbot.waitUntil(
        lambda: any("has changed" in box.text() for box in studio.window.findChildren(QMessageBox)), timeout=20_000
    )
    box = next(each for each in studio.window.findChildren(QMessageBox) if "has changed" in each.text())
    assert f"{_FRAMES - 4} frames instead of {_FRAMES}" in box.informativeText()
    accept = next(b for b in box.buttons() if box.buttonRole(b) is QMessageBox.ButtonRole.AcceptRole)
    accept.click()
    qtbot.waitUntil(lambda: studio.documents.path == path, timeout=20_000)
    settled(qtbot, studio)
    assert len(studio.state.results(studio.state.objects[0].object_id)) == _FRAMES - 4
    studio.hub.trigger("edit.undo")
    settled(qtbot, studio)
    with ProjectReader(path) as reader:
        assert reader.media()[0].frame_count == _FRAMES, "relinking is undone like anything else"


def test_a_project_holds_several_clips(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    first = run(qtbot, studio, "the red car")
    settled(qtbot, studio)
    one = studio.state.clip
    studio.projects._add_text(str(write_clip(tmp_path / "second.mp4", frames=12)))
    qtbot.waitUntil(lambda: len(studio.documents.clips) == 2, timeout=20_000)
    qtbot.waitUntil(lambda: studio.state.media_id == 2, timeout=20_000)
    assert studio.state.objects == ()
    qtbot.waitUntil(lambda: not studio.queues.gpu.tickets, timeout=30_000)
    second = run(qtbot, studio, "the dog")
    assert second != first
    settled(qtbot, studio)
    studio.hub.trigger("file.next_clip")
    qtbot.waitUntil(lambda: studio.state.media_id == 1 and studio.state.has_results, timeout=20_000)
    assert one is not None
    assert studio.state.clip is not None
    assert studio.state.clip.path == one.path
    assert [each.object_id for each in studio.state.objects] == [first]


# -- after a crash -----------------------------------------------------------------------------------------------------


@pytest.fixture
def crashed(qtbot: QtBot, tmp_path: Path, tiny_model: str, clip: Path) -> Path:
    """The folder of a studio whose process ended in the middle of things, as its files would lie."""
    kept = tmp_path / "kept"
    with running_studio(tmp_path, model=tiny_model) as studio:
        studio.clips.open(clip)
        qtbot.waitUntil(lambda: studio.runs.engine is not None, timeout=30_000)
        run(qtbot, studio, "the red car")
        settled(qtbot, studio)
        shutil.copytree(tmp_path / "data", kept)
    shutil.rmtree(tmp_path / "data")
    shutil.move(kept, tmp_path / "data")
    for lock in (tmp_path / "data").rglob("*.lock"):
        lock.unlink()
    return tmp_path


def recovery_dialog(qtbot: QtBot, studio: Studio) -> RecoveryDialog:
    qtbot.waitUntil(lambda: studio.window.findChild(RecoveryDialog) is not None, timeout=30_000)
    return studio.window.findChild(RecoveryDialog)


def test_after_a_crash_everything_is_offered_and_opens(qtbot: QtBot, crashed: Path, tiny_model: str) -> None:
    with running_studio(crashed, model=tiny_model) as studio:
        dialog = recovery_dialog(qtbot, studio)
        dialog.buttons[Decision.OPEN].click()
        qtbot.waitUntil(lambda: studio.state.has_results, timeout=20_000)
        assert "Recovered" in studio.window.statusBar().currentMessage()
        qtbot.waitUntil(lambda: studio.hub.action("edit.undo").isEnabled())
        studio.hub.trigger("edit.undo")
        qtbot.waitUntil(lambda: studio.state.objects == ())
    with running_studio(crashed, model=tiny_model) as studio:
        qtbot.wait(500)
        assert studio.window.findChild(RecoveryDialog) is None, "it was closed in order this time"


def test_skipping_leaves_the_project_and_does_not_ask_again(qtbot: QtBot, crashed: Path, tiny_model: str) -> None:
    (path,) = (crashed / "data" / "projects").glob("*.rvos")
    with running_studio(crashed, model=tiny_model) as studio:
        recovery_dialog(qtbot, studio).reject()
        assert studio.documents.library.left_open() == []
        open_project(qtbot, studio, path)
        assert studio.state.has_results


def test_discarding_moves_it_to_the_trash(qtbot: QtBot, crashed: Path, tiny_model: str) -> None:
    with running_studio(crashed, model=tiny_model) as studio:
        recovery_dialog(qtbot, studio).buttons[Decision.DISCARD].click()
        assert not list((crashed / "data" / "projects").glob("*.rvos"))
        (thrown,) = (crashed / "data" / "trash").rglob("*.rvos")
        with ProjectReader(thrown) as reader:
            assert reader.mask_count() == _FRAMES


def test_what_cannot_be_recovered_twice_is_left_alone(qtbot: QtBot, crashed: Path, tiny_model: str) -> None:
    with running_studio(crashed, model=tiny_model) as studio:
        recovery_dialog(qtbot, studio).close()
    library = studio.documents.library
    (path,) = (crashed / "data" / "projects").glob("*.rvos")
    library.mark_open(path)
    for _ in range(2):
        (entry,) = library.left_open()
        library.begin_try(entry)
    with running_studio(crashed, model=tiny_model) as studio:
        assert "left alone" in studio.window.statusBar().currentMessage()
        qtbot.wait(300)
        assert studio.window.findChild(RecoveryDialog) is None
