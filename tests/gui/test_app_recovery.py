"""Clips that moved or changed, several clips in a project, what a crash left: the window asks, nothing is lost."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from helpers_cli import write_clip
from helpers_studio import open_project, run, running_studio, settled
from rvos_app.bootstrap import Studio
from rvos_app.dialogs.recovery import Decision, RecoveryDialog
from rvos_core.project.reading import ProjectReader

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

_FRAMES = 24


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


def test_a_damaged_project_is_offered_to_be_recovered(
    qtbot: QtBot, tmp_path: Path, tiny_model: str, clip: Path
) -> None:
    path = tmp_path / "named.rvos"
    with running_studio(tmp_path, model=tiny_model) as studio:
        studio.clips.open(clip)
        qtbot.waitUntil(lambda: studio.runs.engine is not None, timeout=30_000)
        run(qtbot, studio, "the red car")
        settled(qtbot, studio)
        studio.documents.save_as(path)
        qtbot.waitUntil(lambda: studio.documents.path == path, timeout=10_000)
    content = bytearray(path.read_bytes())
    content[-8192:] = bytes(8192)
    path.write_bytes(content)
    with running_studio(tmp_path, model=tiny_model) as studio:
        studio.projects.open(path)
        qtbot.waitUntil(lambda: studio.window.findChild(QMessageBox) is not None, timeout=20_000)
        box = studio.window.findChild(QMessageBox)
        assert "damaged" in box.text()
        next(b for b in box.buttons() if box.buttonRole(b) is QMessageBox.ButtonRole.AcceptRole).click()
        qtbot.waitUntil(lambda: studio.state.has_results, timeout=20_000)
        assert "Recovered" in studio.window.statusBar().currentMessage()
        qtbot.waitUntil(lambda: "recovered" in studio.window.windowTitle(), timeout=10_000)  # once the document told
        assert path.read_bytes() == content


def test_after_a_crash_the_last_saved_state_can_be_opened(
    qtbot: QtBot, tmp_path: Path, tiny_model: str, clip: Path
) -> None:
    kept = tmp_path / "kept"
    with running_studio(tmp_path, model=tiny_model) as studio:
        studio.clips.open(clip)
        qtbot.waitUntil(lambda: studio.runs.engine is not None, timeout=30_000)
        run(qtbot, studio, "the red car")
        studio.documents.save_snapshot("with the car")
        studio.hub.trigger("run.remove_object")
        settled(qtbot, studio)
        shutil.copytree(tmp_path / "data", kept)
    shutil.rmtree(tmp_path / "data")
    shutil.move(kept, tmp_path / "data")
    with running_studio(tmp_path, model=tiny_model) as studio:
        recovery_dialog(qtbot, studio).buttons[Decision.SNAPSHOT].click()
        qtbot.waitUntil(lambda: studio.state.has_results, timeout=20_000)
        settled(qtbot, studio)
        assert studio.documents.standing is not None
        assert [each.name for each in studio.documents.standing.edits][-1] == "Revert to “with the car”"
        studio.hub.trigger("edit.undo")
        qtbot.waitUntil(lambda: studio.state.objects == ())
