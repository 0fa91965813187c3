"""A project with two tracks in a studio, and what tests of their surgery ask of window and document."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from documents import state_of
from helpers_cli import write_clip
from helpers_studio import settled
from rvos_app.bootstrap import Studio
from rvos_core.masks import encode
from rvos_core.media import open_media
from rvos_core.project.edits import AddObject, PutExpression
from rvos_core.project.mask_edits import DrawMask, PutMasks
from rvos_core.project.reading import ProjectReader
from rvos_core.project.records import ExpressionRecord, MaskRecord, ObjectRecord
from rvos_core.project.relink import take_in
from rvos_core.project.store import Project

FRAMES = 24
_CTRL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
Dialog = TypeVar("Dialog", bound=QWidget)


def square(left: int, height: int, width: int) -> MaskRecord:
    mask = np.zeros((height, width), dtype=bool)
    mask[10:30, left : left + 20] = True
    return MaskRecord(0, 0, encode(mask), "model", 0.8)


def two_tracks(folder: Path) -> Path:
    """A project with “dog” on frames 0 to 9 and 14 to 19 (9 locked) and “cat” on frames 5 to 20, by these sentences."""
    clip = write_clip(folder / "street.mp4", frames=FRAMES)
    path = folder / "p.rvos"
    with open_media(clip) as reader, Project.create(path, program="test") as made:
        info = reader.info
        media = take_in(made, info)
        for number, (name, frames) in enumerate({"dog": (*range(10), *range(14, 20)), "cat": range(5, 21)}.items(), 1):
            made.apply(AddObject(ObjectRecord(number, media.media_id, number, name, (90 * number, 200, 40))))
            made.apply(PutExpression(ExpressionRecord(number, number, name)))
            masks = []
            for frame in frames:
                drawn = square(frame * 2 + 10 * number, info.height, info.width)
                masks.append(MaskRecord(number, frame, drawn.mask, "model", 0.8))
            made.apply(PutMasks(tuple(masks)))
        made.apply(DrawMask(1, 9, square(3, info.height, info.width).mask))
    return path


def document(studio: Studio) -> dict[object, object]:
    assert studio.documents.path is not None
    with ProjectReader(studio.documents.path) as reader:
        return dict(state_of(reader))


def frames(studio: Studio, object_id: int) -> list[int]:
    """Where the window shows a mask; the same as the document holds."""
    found = [i for i, result in studio.state.results(object_id).items() if result.visible]
    assert studio.documents.path is not None
    with ProjectReader(studio.documents.path) as reader:
        assert found == [mask.frame for mask in reader.masks(object_id) if mask.visible]
    return found


def dialog(qtbot: QtBot, studio: Studio, kind: type[Dialog]) -> Dialog:
    qtbot.waitUntil(lambda: any(each.isVisible() for each in studio.window.findChildren(kind)))
    return next(each for each in studio.window.findChildren(kind) if each.isVisible())


def said(studio: Studio) -> str:
    return studio.window.statusBar().currentMessage()


def to_the_front(qtbot: QtBot, studio: Studio) -> None:
    """Where a dialog was closed a window manager would do that; without one nobody does."""
    studio.window.activateWindow()
    qtbot.waitUntil(studio.window.isActiveWindow)


def undone_exactly(qtbot: QtBot, studio: Studio, before: dict[object, object]) -> None:
    """Undo with the key is one step back to `before`, redo one step forward, in the document and in the window."""
    settled(qtbot, studio)
    after = document(studio)
    assert after != before
    to_the_front(qtbot, studio)
    QTest.keyClick(studio.window, Qt.Key.Key_Z, _CTRL)
    settled(qtbot, studio)
    assert document(studio) == before
    for thing in studio.state.objects:
        frames(studio, thing.object_id)
    QTest.keyClick(studio.window, Qt.Key.Key_Z, _CTRL | _SHIFT)
    settled(qtbot, studio)
    assert document(studio) == after
    for thing in studio.state.objects:
        frames(studio, thing.object_id)


def go_to(qtbot: QtBot, studio: Studio, frame: int) -> None:
    studio.playback.seek(frame)
    qtbot.waitUntil(lambda: studio.state.frame_index == frame)
