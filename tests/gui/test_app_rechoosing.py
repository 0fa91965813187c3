"""“I meant this one”: the bundled model's other queries as pictures, and one click that takes one; no model runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from helpers_studio import masks, run, running_studio, settled
from rvos_app.bootstrap import Studio
from rvos_core.masks import Rle, area, encode, iou
from rvos_core.project.mask_edits import DrawMask
from rvos_core.synthetic import SyntheticClip, make_clip, split_config
from rvos_core.types import FrameSpan

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

_SEED = 20_001  # of the test split: two blue benches
_ASKED, _MEANT = "the leftmost blue bench", "bench which is blue at the right"
_LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(scope="module")
def world() -> SyntheticClip:
    return make_clip(_SEED, split_config("test"))


@pytest.fixture
def studio(tmp_path: Path, world: SyntheticClip, qtbot: QtBot) -> Iterator[Studio]:
    folder = tmp_path / "clip"
    folder.mkdir()
    for index, frame in enumerate(world.frames):
        cv2.imwrite(str(folder / f"{index:05d}.png"), frame[..., ::-1])
    with running_studio(tmp_path, clip=folder, model="ifirvos-mini") as made:
        qtbot.waitUntil(lambda: made.runs.engine is not None and made.state.clip is not None, timeout=60_000)
        yield made


def truth(world: SyntheticClip, sentence: str) -> dict[int, Rle]:
    target = next(each.target for each in world.expressions if each.text == sentence)
    assert target is not None
    return {index: encode(labels == target + 1) for index, labels in enumerate(world.labels)}


def likeness(found: dict[int, Rle], wanted: dict[int, Rle]) -> float:
    return float(np.mean([iou(found[index], wanted[index]) for index in wanted]))


def correct(qtbot: QtBot, studio: Studio, object_id: int, frame: int, mask: Rle) -> None:
    """As a tool of the canvas does: the edit goes to the document, the window shows what it holds."""
    span = FrameSpan(frame, frame + 1)
    studio.state.edited.emit(DrawMask(object_id, frame, mask), "")
    settled(qtbot, studio)
    studio.documents.show_kept(object_id, span)


def test_the_other_queries_are_shown_and_a_correction_is_followed_with_one_click(
    qtbot: QtBot, studio: Studio, world: SyntheticClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, meant = truth(world, _ASKED), truth(world, _MEANT)
    strip = studio.parts.candidates
    object_id = run(qtbot, studio, _ASKED)
    first = masks(studio, object_id)
    assert likeness(first, asked) > 0.6
    qtbot.waitUntil(lambda: len(strip.buttons) > 1, timeout=20_000)
    assert strip.isVisible() and not strip.use.isVisible(), "nothing was corrected"
    assert [button.isChecked() for button in strip.buttons].count(True) == 1
    pictures = studio.state.candidates(object_id)
    assert {each.kind for each in pictures} == {"query"} and len(pictures) <= 6
    shown = [each.candidate.mask for each in pictures]
    assert all(iou(one, two) < 0.95 for i, one in enumerate(shown) for two in shown[:i]), "no copies"
    assert max(iou(each, meant[0]) for each in shown) > 0.6

    started: list[object] = []
    monkeypatch.setattr(studio.queues.gpu, "submit", lambda job, **_: started.append(job))
    correct(qtbot, studio, object_id, 4, meant[4])
    qtbot.waitUntil(strip.use.isVisible, timeout=20_000)
    before = masks(studio, object_id)
    assert before == {**first, 4: meant[4]}, "never silently"
    QTest.mouseClick(strip.use, _LEFT)
    qtbot.waitUntil(lambda: masks(studio, object_id)[0] != first[0], timeout=20_000)
    settled(qtbot, studio)
    after = masks(studio, object_id)
    assert after[4] == meant[4], "the person's frame stays"
    assert likeness(after, meant) > 0.6 and likeness(after, asked) < 0.1
    qtbot.waitUntil(lambda: not strip.use.isVisible(), timeout=20_000)
    assert "Another candidate was taken on 7 frames" in studio.parts.expression.line_text
    assert studio.parts.history.list.item(studio.parts.history.list.count() - 1) is not None

    QTest.keyClick(studio.window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: masks(studio, object_id) == before, timeout=10_000)
    qtbot.waitUntil(strip.use.isVisible, timeout=20_000)
    assert not started, "no model ran"


def test_a_picture_is_taken_by_click_and_by_key(
    qtbot: QtBot, studio: Studio, world: SyntheticClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    meant = truth(world, _MEANT)
    strip = studio.parts.candidates
    object_id = run(qtbot, studio, _ASKED)
    first = masks(studio, object_id)
    qtbot.waitUntil(lambda: len(strip.buttons) > 1, timeout=20_000)
    started: list[object] = []
    monkeypatch.setattr(studio.queues.gpu, "submit", lambda job, **_: started.append(job))

    def button_of(wanted: Rle) -> int:
        found = [iou(each.candidate.mask, wanted) for each in studio.state.candidates(object_id)]
        return int(np.argmax(found))

    former = next(each.candidate.mask for each in studio.state.candidates(object_id) if each.candidate.chosen)
    QTest.mouseClick(strip.buttons[button_of(meant[0])], _LEFT)
    qtbot.waitUntil(lambda: masks(studio, object_id)[0] != first[0], timeout=20_000)
    settled(qtbot, studio)
    assert likeness(masks(studio, object_id), meant) > 0.6
    taken = button_of(meant[0])
    qtbot.waitUntil(lambda: strip.buttons[taken].isChecked(), timeout=20_000)

    strip.buttons[button_of(former)].setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(strip.buttons[button_of(former)], Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: likeness(masks(studio, object_id), first) > 0.8, timeout=20_000)
    settled(qtbot, studio)
    studio.hub.trigger("edit.undo")
    studio.hub.trigger("edit.undo")
    qtbot.waitUntil(lambda: masks(studio, object_id) == first, timeout=10_000)
    assert not started, "no model ran"


def test_the_strip_follows_the_playhead_and_a_correction_that_fits_nothing_changes_nothing(
    qtbot: QtBot, studio: Studio, world: SyntheticClip
) -> None:
    strip = studio.parts.candidates
    object_id = run(qtbot, studio, _ASKED)
    qtbot.waitUntil(lambda: len(strip.buttons) > 1, timeout=20_000)
    studio.hub.trigger("playback.last")
    qtbot.waitUntil(
        lambda: {each.candidate.frame_index for each in studio.state.candidates(object_id)} == {7}, timeout=20_000
    )
    nowhere = np.zeros(world.labels.shape[1:], bool)
    nowhere[:9, :9] = True
    correct(qtbot, studio, object_id, 5, encode(nowhere))
    before = masks(studio, object_id)
    assert area(before[5]) == 81
    qtbot.wait(600)
    assert not strip.use.isVisible()
    studio.rechoosing.use_correction(object_id)
    qtbot.waitUntil(lambda: "nothing was changed" in studio.parts.expression.line_text, timeout=20_000)
    assert masks(studio, object_id) == before
