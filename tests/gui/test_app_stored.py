"""What a long job reads of the document: as it was when the job began."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from documents import numbered_mask, small_project
from helpers_studio import run, running_studio, settled
from rvos_app.jobs.stored_results import CopiedResults, StoredResults, results_of
from rvos_app.mask_shelf import MaskShelf
from rvos_core.inference.events import FrameResult
from rvos_core.project.library import Library
from rvos_core.project.mask_edits import DrawMask


def test_stored_results_are_of_one_instant(tmp_path: Path) -> None:
    with small_project(tmp_path / "p.rvos") as project:
        for number in range(30):
            project.apply(DrawMask(1, number, numbered_mask(number)))
        stored = StoredResults(project.path, 1)
        assert stored.get(3).mask == numbered_mask(3)  # type: ignore[union-attr]
        for number in range(30):
            project.apply(DrawMask(1, number, numbered_mask(number + 500)))
        for number in range(30):
            assert stored.get(number).mask == numbered_mask(number)  # type: ignore[union-attr]
        assert stored.get(99) is None
        stored.close()
        stored.close()
        later = StoredResults(project.path, 1)
        assert later.get(3).mask == numbered_mask(503)  # type: ignore[union-attr]
        later.close()


def test_few_are_copied_and_many_are_read(tmp_path: Path) -> None:
    shelf = MaskShelf()
    shelf.put(FrameResult(index, numbered_mask(index), 0.5, None, True) for index in range(10))
    copied = results_of(shelf, 1, tmp_path / "p.rvos")
    assert isinstance(copied, CopiedResults)
    assert copied.get(4) == shelf[4]
    assert copied.get(40) is None
    shelf.put(FrameResult(index, numbered_mask(1), 0.5, None, True) for index in range(3000))
    assert isinstance(results_of(shelf, 1, tmp_path / "p.rvos"), StoredResults)
    assert isinstance(results_of(shelf, 1, None), CopiedResults)


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
