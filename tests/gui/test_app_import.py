"""Annotations into the open project, driven as a person drives it: keys, lists, a drop; each import undone exactly."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from helpers_cli import write_clip
from helpers_studio import open_project, running_studio, settled
from helpers_tracks import FRAMES, dialog, document, frames, said, two_tracks, undone_exactly
from rvos_app.bootstrap import Studio
from rvos_app.dialogs.importing import ImportDialog
from rvos_core.formats import registry
from rvos_core.formats.annotations import AnnotatedClip, AnnotatedObject, AnnotationSet, Expression, Sight, Sights
from rvos_core.masks import area, encode
from rvos_core.project.reading import ProjectReader

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

_CTRL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
_WIDTH, _HEIGHT = 64, 48
_DOG, _BIRD = range(4, 12), range(6, 9)


@pytest.fixture
def studio(qtbot: QtBot, tmp_path: Path, tiny_model: str) -> Studio:  # type: ignore[misc]
    with running_studio(tmp_path, model=tiny_model) as made:
        open_project(qtbot, made, two_tracks(tmp_path))
        made.canvas.setFocus()
        yield made


def annotated(name: str, *, width: int = _WIDTH) -> AnnotatedClip:
    """A “dog” on frames 4 to 11, a “bird” on 6 to 8, a sentence about each and one about both."""

    def sights(index: int) -> Sights:
        mask = np.zeros((_HEIGHT, width), dtype=bool)
        mask[20:40, 30:60] = True
        here = {1: _DOG, 2: _BIRD}
        return {number: Sight(encode(mask)) for number, where in here.items() if index in where}

    said = (("the dog runs", (1,)), ("a bird on the left", (2,)), ("both of them", (1, 2)))
    return AnnotatedClip(
        name,
        width,
        _HEIGHT,
        tuple(f"{index:05d}" for index in range(FRAMES)),
        (AnnotatedObject(1, "dog", "animal"), AnnotatedObject(2, "bird", "animal")),
        sights,
        tuple(Expression(str(number), text, about) for number, (text, about) in enumerate(said)),
    )


def written(path: Path, *clips: AnnotatedClip) -> Path:
    return registry.write(AnnotationSet(clips), registry.format_of("ytvis"), path).path


def asked(qtbot: QtBot, studio: Studio, path: Path) -> ImportDialog:
    """The dialog, opened by its key, with the path typed into it."""
    QTest.keyClick(studio.canvas, Qt.Key.Key_I, _CTRL | _SHIFT)
    found = dialog(qtbot, studio, ImportDialog)
    found.where.path.setFocus()
    found.where.path.setText(str(path))
    QTest.keyClick(found.where.path, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not studio.importing.active, timeout=10_000)
    return found


def column(found: ImportDialog, number: int) -> list[str]:
    table = found.objects.table
    return [table.topLevelItem(row).text(number) for row in range(table.topLevelItemCount())]


def choose(found: ImportDialog, row: int, goal: str) -> None:
    """Arrows in the table, then in the list under it."""
    table = found.objects.table
    table.setFocus()
    QTest.keyClick(table, Qt.Key.Key_Home)
    for _ in range(row):
        QTest.keyClick(table, Qt.Key.Key_Down)
    found.objects.goal.setFocus()
    QTest.keyClick(found.objects.goal, Qt.Key.Key_Home)
    for _ in range(found.objects.goal.findText(goal)):
        QTest.keyClick(found.objects.goal, Qt.Key.Key_Down)
    assert found.objects.goal.currentText() == goal


def gone(qtbot: QtBot, studio: Studio) -> None:
    qtbot.waitUntil(lambda: not studio.window.findChildren(ImportDialog), timeout=10_000)


def test_what_is_found_is_shown_mapped_imported_and_taken_back(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    before = document(studio)
    found = asked(qtbot, studio, written(tmp_path / "a.json", annotated("street")))
    assert "YouTube-VIS" in found.where.format.currentText()
    assert not found.clips.isVisible(), "there is one clip only"
    assert column(found, 0) == ["dog", "bird"]
    assert column(found, 1) == ["8", "3"]
    assert column(found, 2) == ["Goes to “dog”", "New object"]
    assert column(found, 3) == ["1", "–"], "frame 9 of the dog is locked"
    assert found.status.endswith("1 locked frame stays as it is.")
    assert found.status.startswith("10 masks and 3 sentences for 1 new object and 1 object that is there.")
    assert found.lists.sentences.count() == 3
    assert "“both of them”  →  dog, bird" in found.lists.sentences.item(2).text()

    qtbot.waitUntil(lambda: not found.preview.picture.pixmap().isNull())
    picture = found.preview.picture.pixmap().toImage()
    red, green, blue = (picture.pixelColor(35, 25).red(), picture.pixelColor(35, 25).green(), 0)
    assert green > red + 20 > blue, "the dog's colour lies on the frame"
    assert found.preview.slider.maximum() == len(_DOG) - 1

    choose(found, 1, "cat")
    assert column(found, 2) == ["Goes to “dog”", "Goes to “cat”"]
    qtbot.waitUntil(lambda: found.preview.slider.maximum() == len(_BIRD) - 1)
    choose(found, 0, "cat")
    assert not found.import_button.isEnabled()
    assert "“cat”" in found.status
    choose(found, 0, "New object")
    found.import_button.setFocus()
    QTest.keyClick(found.import_button, Qt.Key.Key_Space)
    gone(qtbot, studio)
    settled(qtbot, studio)
    assert "11 masks of 2 objects" in said(studio)
    assert [each.name for each in studio.state.objects] == ["dog", "cat", "dog"]
    new = studio.state.objects[2].object_id
    assert studio.state.selected == new
    assert frames(studio, new) == list(_DOG)
    assert frames(studio, 2) == list(range(5, 21))
    with ProjectReader(studio.documents.path) as reader:  # type: ignore[arg-type]
        assert [each.text for each in reader.expressions(2)] == ["cat", "a bird on the left", "both of them"]
        assert reader.edits(1)[0].name == "Import YouTube-VIS (with SA-Co's noun phrases) (a.json)"
    undone_exactly(qtbot, studio, before)


def test_a_clip_without_a_project_gets_one_and_shows_its_masks(qtbot: QtBot, tmp_path: Path, tiny_model: str) -> None:
    clip = write_clip(tmp_path / "street.mp4", frames=FRAMES)
    with running_studio(tmp_path, model=tiny_model, clip=clip) as studio:
        qtbot.waitUntil(lambda: studio.state.clip is not None and not studio.queues.gpu.tickets, timeout=30_000)
        studio.canvas.setFocus()
        found = asked(qtbot, studio, written(tmp_path / "a.json", annotated("street")))
        qtbot.waitUntil(found.import_button.isEnabled, timeout=10_000)
        QTest.keyClick(found.objects.table, Qt.Key.Key_Return)  # Enter anywhere is Import
        gone(qtbot, studio)
        settled(qtbot, studio)
        assert [each.name for each in studio.state.objects] == ["dog", "bird"]
        assert frames(studio, 1) == list(_DOG)
        assert area(studio.state.results(2)[6].mask) == 20 * 30


def test_one_of_several_clips_without_an_object(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    other = replace(annotated("other", width=32), objects=(AnnotatedObject(1, "cow"),), expressions=(), sights=_none)
    found = asked(qtbot, studio, written(tmp_path / "a.json", other, annotated("street")))
    assert found.clips.isVisible()
    assert found.clips.current == "street", "the one that is called like the open clip"
    found.clips.list.setFocus()
    QTest.keyClick(found.clips.list, Qt.Key.Key_Up)
    qtbot.waitUntil(lambda: "32x48" in found.status and "64x48" in found.status, timeout=10_000)
    assert not found.import_button.isEnabled()
    assert found.clips.list.hasFocus(), "one can go on along the list"
    QTest.keyClick(found.clips.list, Qt.Key.Key_Down)
    qtbot.waitUntil(found.import_button.isEnabled, timeout=10_000)
    choose(found, 0, "Leave out")
    assert column(found, 2) == ["Left out", "New object"]
    assert "left out" in found.lists.sentences.item(2).text()
    assert found.status == "3 masks and 1 sentence for 1 new object."
    qtbot.mouseClick(found.import_button, Qt.MouseButton.LeftButton)
    gone(qtbot, studio)
    settled(qtbot, studio)
    assert [each.name for each in studio.state.objects] == ["dog", "cat", "bird"]
    with ProjectReader(studio.documents.path) as reader:  # type: ignore[arg-type]
        said_of_it = [each.text for each in reader.expressions(3)]
    assert said_of_it == ["a bird on the left"], "the sentence about both means an object that is left out"


def test_a_data_set_of_splits_and_many_clips(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    """The split and the clip are chosen, the clip is searched for, and only its masks are read."""
    clips = [one_object(name) for name in ("avenue", "park", "street", "street-2")]
    davis = registry.write(AnnotationSet(tuple(clips)), registry.format_of("davis"), tmp_path / "DAVIS").path
    (davis / "ImageSets" / "2017" / "val.txt").write_text("park\navenue\n", encoding="utf-8")
    for path in (davis / "Annotations" / "Full-Resolution" / "street-2").iterdir():
        path.write_bytes(b"damaged")
    found = asked(qtbot, studio, davis)
    qtbot.waitUntil(found.import_button.isEnabled, timeout=10_000)
    assert (found.clips.current, found.clips.list.count()) == ("street", 4)
    assert found.frames.sentence == "street: 24 frames, matched by their names: 0 to 23 of the clip’s 24"
    assert [found.where.split.itemText(row) for row in range(found.where.split.count())] == [
        "All clips",
        "train",
        "val",
    ]
    found.clips.search.setFocus()
    QTest.keyClicks(found.clips.search, "-2")
    assert found.clips.shown == ["street-2"]
    QTest.keyClick(found.clips.search, Qt.Key.Key_Return)
    assert found.isVisible(), "Enter in the search imports nothing"
    assert found.clips.list.hasFocus()
    qtbot.waitUntil(lambda: "00000.png" in found.status, timeout=10_000)
    assert not found.import_button.isEnabled()

    found.where.split.setFocus()
    QTest.keyClick(found.where.split, Qt.Key.Key_End)
    assert found.where.split.currentText() == "val"
    qtbot.waitUntil(found.import_button.isEnabled, timeout=10_000)
    assert found.clips.shown == ["park", "avenue"]
    assert found.where.split.currentText() == "val"
    assert "“park” is not called as the open clip is" in found.status
    found.clips.list.setFocus()
    QTest.keyClick(found.clips.list, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: "“avenue”" in found.status and found.import_button.isEnabled(), timeout=10_000)
    assert found.clips.list.hasFocus()
    QTest.keyClick(found, Qt.Key.Key_Escape)
    gone(qtbot, studio)


def test_frames_are_shifted(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    names = tuple(f"img_{number:03d}" for number in range(1, 13))  # from 1, and fewer than the clip has
    found = asked(qtbot, studio, written(tmp_path / "a.json", replace(annotated("street"), frames=names)))
    qtbot.waitUntil(found.import_button.isEnabled, timeout=10_000)
    assert found.frames.sentence == "12 frames, matched by their numbers, from 0: 1 to 12 of the clip’s 24"
    found.frames.shift.setFocus()
    QTest.keyClick(found.frames.shift, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: found.frames.sentence.endswith("0 to 11 of the clip’s 24"), timeout=10_000)
    assert found.frames.shift.hasFocus()
    qtbot.waitUntil(found.import_button.isEnabled, timeout=10_000)
    choose(found, 0, "New object")
    qtbot.mouseClick(found.import_button, Qt.MouseButton.LeftButton)
    gone(qtbot, studio)
    settled(qtbot, studio)
    assert frames(studio, studio.state.objects[2].object_id) == list(_DOG)


def one_object(name: str) -> AnnotatedClip:
    whole = annotated(name)
    return replace(
        whole,
        objects=whole.objects[:1],
        expressions=(),
        sights=lambda index: {1: Sight(encode(np.eye(_HEIGHT, _WIDTH, dtype=bool)))},
    )


def _none(_: int) -> Sights:
    return {}


def test_what_cannot_be_read_says_what_and_what_to_do(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    before = document(studio)
    plain = tmp_path / "letter.txt"
    plain.write_text("Dear Sir or Madam")
    found = asked(qtbot, studio, plain)
    assert "letter.txt" in found.status
    assert "Choose its format in the list" in found.status
    broken = tmp_path / "broken.json"
    broken.write_text('{"videos": [{"id": 1, "file_names": ["street/00000.jpg"]}], "annotations": [' + "[" * 5000)
    found.where.format.setCurrentIndex(found.where.format.findData("ytvis"))
    found.take(broken)
    qtbot.waitUntil(lambda: "broken.json" in found.status, timeout=10_000)
    found.take(tmp_path / "gone")
    qtbot.waitUntil(lambda: "is not there" in found.status, timeout=10_000)
    assert not found.import_button.isEnabled()
    assert found.where.path.hasFocus()
    QTest.keyClick(found, Qt.Key.Key_Escape)
    settled(qtbot, studio)
    assert document(studio) == before


def test_a_drop_is_shown_and_a_cancelled_import_leaves_nothing(qtbot: QtBot, studio: Studio, tmp_path: Path) -> None:
    before = document(studio)
    path = written(tmp_path / "a.json", annotated("street"))
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    copy, left, nothing = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    studio.canvas.dropEvent(QDropEvent(QPointF(QPoint(9, 9)), copy, mime, left, nothing))
    found = dialog(qtbot, studio, ImportDialog)
    qtbot.waitUntil(found.import_button.isEnabled, timeout=10_000)
    assert found._source is not None
    assert found._plan is not None
    (plan,) = found._plan.clips
    read = plan.clip.sights

    def sights(index: int) -> Sights:
        if index == 7:
            while not studio.importing.active:  # the work may begin before `apply` returns
                time.sleep(0.001)
            studio.importing.cancel()
        return read(index)

    slow = replace(found._plan, clips=(replace(plan, clip=replace(plan.clip, sights=sights)),))
    studio.importing.apply(found._source, slow, {})
    qtbot.waitUntil(lambda: "nothing was changed" in found.status, timeout=10_000)
    settled(qtbot, studio)
    assert document(studio) == before
    assert found.import_button.isEnabled(), "it can be tried again"
    QTest.keyClick(found, Qt.Key.Key_Escape)
    gone(qtbot, studio)
