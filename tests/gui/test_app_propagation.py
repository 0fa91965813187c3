"""A correction spreads: real keys, the bundled propagator, and a person who has the last word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from helpers_qt import until
from helpers_studio import masks, open_project, running_studio, settled
from rvos_app.bootstrap import Studio
from rvos_core.errors import UsageError
from rvos_core.masks import Rle, encode, iou
from rvos_core.project.reading import ProjectReader
from rvos_core.synthetic import make_clip, split_config
from rvos_core.types import FrameSpan

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

_FRAMES = 7


def pictures(frames: int = _FRAMES) -> tuple[np.ndarray, np.ndarray]:
    """A disc with a pattern that goes over a quiet ground: (t, 96, 160, 3) uint8 and (t, 96, 160) bool."""
    rows, columns = np.mgrid[:96, :160]
    ground = np.stack([90 + 30 * np.sin(columns / 17), 110 + 20 * np.cos(rows / 11), np.full(rows.shape, 80)], -1)
    shown, truth = [], []
    for index in range(frames):
        inside = (rows - 48) ** 2 + (columns - 40 - 6 * index) ** 2 <= 20**2
        picture = ground.copy()
        picture[inside] = (210, 60 + 40 * np.sin(rows[inside] / 4)[0], 40)
        shown.append(picture.astype(np.uint8))
        truth.append(inside)
    return np.stack(shown), np.stack(truth)


def write_clip(folder: Path, frames: np.ndarray) -> Path:
    folder.mkdir()
    for index, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{index:05d}.png"), np.ascontiguousarray(frame[..., ::-1]))
    return folder


@pytest.fixture
def studio(tmp_path: Path, qtbot: QtBot) -> Iterator[Studio]:
    with running_studio(tmp_path, clip=write_clip(tmp_path / "clip", pictures()[0])) as made:
        qtbot.waitUntil(lambda: made.shown.picture is not None, timeout=20_000)
        made.canvas.setFocus()
        yield made


def truth(index: int) -> Rle:
    return encode(pictures()[1][index])


def draw(qtbot: QtBot, studio: Studio, object_id: int | None, index: int, mask: Rle) -> int:
    """As a tool of the canvas leaves it."""
    drawn = studio.hand.editor.draw(object_id, index, mask, what="Brush")
    settled(qtbot, studio)
    return drawn


def go(qtbot: QtBot, studio: Studio, index: int) -> None:
    studio.playback.seek(index)
    qtbot.waitUntil(lambda: studio.shown.index == index and studio.state.frame_index == index, timeout=10_000)


def press(studio: Studio, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(studio.canvas, key, modifiers)


def spread(qtbot: QtBot, studio: Studio, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> None:
    press(studio, key, modifiers)
    assert studio.spread.status.active
    finished(qtbot, studio)


def finished(qtbot: QtBot, studio: Studio) -> None:
    until(lambda: not studio.spread.status.active)
    settled(qtbot, studio)


_PLAIN, _SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier


def test_one_mask_spreads_forward_and_one_undo_takes_it_back(qtbot: QtBot, studio: Studio) -> None:
    object_id = draw(qtbot, studio, None, 0, truth(0))
    spread(qtbot, studio, Qt.Key.Key_F, _PLAIN)
    found = masks(studio, object_id)
    assert sorted(found) == list(range(_FRAMES))
    assert found[0] == truth(0)
    assert np.mean([iou(found[index], truth(index)) for index in range(1, _FRAMES)]) > 0.8
    assert not studio.spread.proposal, "nothing was there before, so nothing is asked"
    standing = studio.documents.standing
    assert standing is not None
    assert [each.name for each in standing.edits] == ["Brush on frame 0", "Propagate"]
    QTest.keyClick(studio.window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: masks(studio, object_id) == {0: truth(0)}, timeout=10_000)


def test_a_drawn_object_has_a_name_and_no_sentence_also_when_it_is_opened_again(
    qtbot: QtBot, studio: Studio, tmp_path: Path
) -> None:
    studio.field.setText("an older sentence")
    object_id = draw(qtbot, studio, None, 0, truth(0))
    assert studio.field.text() == "", "its name is nothing to look for"
    target = tmp_path / "kept.rvos"
    studio.documents.save_copy(target)
    settled(qtbot, studio)
    open_project(qtbot, studio, target)
    thing = studio.state.object(object_id)
    assert thing is not None
    assert (thing.name, thing.expression) == ("Object 1", "")


def test_what_would_be_replaced_is_asked_first(qtbot: QtBot, studio: Studio) -> None:
    object_id = draw(qtbot, studio, None, 0, truth(0))
    wrong = encode(np.roll(pictures()[1][3], 40, axis=1))
    studio.state.put_results(object_id, [])
    for index in (2, 3):
        draw(qtbot, studio, object_id, index, wrong)
    studio.hand.editor.lock(object_id, (2, 3), locked=False)
    last = draw(qtbot, studio, object_id, _FRAMES - 1, truth(_FRAMES - 1))
    assert last == object_id
    before = masks(studio, object_id)
    spread(qtbot, studio, Qt.Key.Key_F, _PLAIN)
    proposal, bar = studio.spread.proposal, studio.parts.proposal
    assert proposal.frames == (2, 3)
    now = masks(studio, object_id)
    assert {index: now[index] for index in before} == before, "nothing is replaced before it is accepted"
    assert set(now) == set(range(_FRAMES)), "frames that had nothing are written at once"
    assert bar.isVisible() and "2 frames" in bar.sentence.text() and f"{proposal.pixels:,}" in bar.sentence.text()
    shown = studio.spread.shown(object_id, 3)
    assert shown is not None and iou(shown.mask, truth(3)) > 0.8
    press(studio, Qt.Key.Key_X)
    assert studio.spread.shown(object_id, 3) is None, "as it is now"
    press(studio, Qt.Key.Key_X)
    with pytest.raises(UsageError, match="Accept or discard"):
        studio.spread.forward()
    press(studio, Qt.Key.Key_Return)
    settled(qtbot, studio)
    after = masks(studio, object_id)
    assert iou(after[3], truth(3)) > 0.8
    assert after[0] == truth(0) and after[_FRAMES - 1] == truth(_FRAMES - 1), "locked frames stay, bit for bit"
    assert not bar.isVisible()
    QTest.keyClick(studio.window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: masks(studio, object_id) == now, timeout=10_000)


def test_discarding_leaves_everything_as_it_was(qtbot: QtBot, studio: Studio) -> None:
    object_id = draw(qtbot, studio, None, 0, truth(0))
    draw(qtbot, studio, object_id, 2, encode(np.roll(pictures()[1][2], 40, axis=1)))
    studio.hand.editor.lock(object_id, (2,), locked=False)
    studio.state.set_span(FrameSpan(0, 3))
    spread(qtbot, studio, Qt.Key.Key_F, _PLAIN)
    before = masks(studio, object_id)
    chosen: list[int] = []
    studio.parts.proposal.frame_chosen.connect(chosen.append)
    QTest.mouseClick(studio.parts.proposal.bars, Qt.MouseButton.LeftButton, pos=QPoint(2, 5))
    assert chosen == [2], "the nearest frame that would change"
    press(studio, Qt.Key.Key_Escape)
    settled(qtbot, studio)
    assert not studio.spread.proposal
    assert masks(studio, object_id) == before


def test_a_correction_made_meanwhile_is_not_proposed_away(qtbot: QtBot, studio: Studio) -> None:
    object_id = draw(qtbot, studio, None, 0, truth(0))
    draw(qtbot, studio, object_id, 2, encode(np.roll(pictures()[1][2], 40, axis=1)))
    studio.hand.editor.lock(object_id, (2,), locked=False)
    studio.state.set_span(FrameSpan(0, 3))
    spread(qtbot, studio, Qt.Key.Key_F, _PLAIN)
    assert studio.spread.proposal.frames == (2,)
    draw(qtbot, studio, object_id, 2, truth(2))
    assert not studio.spread.proposal
    assert masks(studio, object_id)[2] == truth(2)


def test_stopping_keeps_what_was_finished(qtbot: QtBot, studio: Studio) -> None:
    object_id = draw(qtbot, studio, None, 0, truth(0))
    studio.spread.changed.connect(lambda: studio.spread.status.done >= 2 and studio.spread.cancel())
    press(studio, Qt.Key.Key_F)
    finished(qtbot, studio)
    found = masks(studio, object_id)
    assert {0, 1, 2} <= set(found)
    assert found[0] == truth(0)
    assert "stopped" in studio.window.statusBar().currentMessage()


def test_what_a_person_draws_while_it_works_stays_also_on_screen(qtbot: QtBot, studio: Studio) -> None:
    object_id, drawn = draw(qtbot, studio, None, 0, truth(0)), encode(np.roll(pictures()[1][1], 30, axis=1))

    def draw_on_a_frame_that_waits_to_be_written() -> None:
        if studio.spread.status.done == 2 and not studio.state.results(object_id).is_locked(1):
            studio.hand.editor.draw(object_id, 1, drawn, what="Brush")

    studio.spread.changed.connect(draw_on_a_frame_that_waits_to_be_written)
    spread(qtbot, studio, Qt.Key.Key_F, _PLAIN)
    assert masks(studio, object_id)[1] == drawn, "on screen"
    path = studio.documents.path
    assert path is not None
    with ProjectReader(path) as project:
        record = project.mask(object_id, 1)
    assert record is not None and record.locked and record.mask == drawn, "and in the document"


def test_an_object_that_is_removed_takes_its_proposal_along(qtbot: QtBot, studio: Studio) -> None:
    object_id = draw(qtbot, studio, None, 0, truth(0))
    draw(qtbot, studio, object_id, 2, encode(np.roll(pictures()[1][2], 40, axis=1)))
    studio.hand.editor.lock(object_id, (2,), locked=False)
    studio.state.set_span(FrameSpan(0, 3))
    spread(qtbot, studio, Qt.Key.Key_F, _PLAIN)
    assert studio.spread.proposal
    studio.state.remove_object(object_id)
    studio.spread.accept()
    settled(qtbot, studio)
    assert studio.presenter.dialog is None, "nothing went wrong"
    assert not studio.spread.proposal and not studio.state.objects


def test_backward_goes_to_the_in_point_and_both_ways_to_both(qtbot: QtBot, studio: Studio) -> None:
    object_id = draw(qtbot, studio, None, 4, truth(4))
    studio.state.set_span(FrameSpan(2, 6))
    go(qtbot, studio, 4)
    spread(qtbot, studio, Qt.Key.Key_F, _SHIFT)
    assert sorted(masks(studio, object_id)) == [2, 3, 4]
    spread(qtbot, studio, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert sorted(masks(studio, object_id)) == [2, 3, 4, 5]


def test_what_cannot_be_done_is_said(qtbot: QtBot, studio: Studio) -> None:
    object_id = draw(qtbot, studio, None, 0, truth(0))
    go(qtbot, studio, 3)
    press(studio, Qt.Key.Key_F)
    assert "no mask on this frame" in studio.window.statusBar().currentMessage()
    go(qtbot, studio, 0)
    press(studio, Qt.Key.Key_F, _SHIFT)
    assert "no frame to go to" in studio.window.statusBar().currentMessage()
    studio.hand.editor.lock(object_id, (0,), locked=False)
    press(studio, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier | _SHIFT)
    assert "No object has a locked frame" in studio.window.statusBar().currentMessage()
    studio.state.set_span(FrameSpan(2, 5))
    press(studio, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    assert "this frame lies outside" in studio.window.statusBar().currentMessage()
    assert not studio.spread.status.active
    assert masks(studio, object_id) == {0: truth(0)}


def test_stopping_at_once_leaves_nothing_at_work(qtbot: QtBot, studio: Studio) -> None:
    object_id = draw(qtbot, studio, None, 0, truth(0))
    press(studio, Qt.Key.Key_F)
    press(studio, Qt.Key.Key_Escape)
    assert not studio.spread.status.active
    settled(qtbot, studio)
    until(lambda: not studio.queues.gpu.tickets)
    assert masks(studio, object_id) == {0: truth(0)}


def test_a_scene_cut_ends_it_and_one_click_goes_on(qtbot: QtBot, tmp_path: Path) -> None:
    shots = np.concatenate([pictures(3)[0], 255 - pictures(6)[0][3:]])
    with running_studio(tmp_path, clip=write_clip(tmp_path / "clip", shots)) as made:
        qtbot.waitUntil(lambda: made.shown.picture is not None, timeout=20_000)
        made.canvas.setFocus()
        object_id = draw(qtbot, made, None, 0, truth(0))
        spread(qtbot, made, Qt.Key.Key_F, _PLAIN)
        assert sorted(masks(made, object_id)) == [0, 1, 2]
        assert made.spread.status.cuts == (3,)
        assert "scene cut at frame 3" in made.parts.proposal.sentence.text()
        made.hub.trigger("track.through_cuts")
        finished(qtbot, made)
        assert sorted(masks(made, object_id)) == list(range(6))


def test_review_walks_through_what_looks_wrong(qtbot: QtBot, studio: Studio) -> None:
    object_id = draw(qtbot, studio, None, 0, truth(0))
    for index in range(1, _FRAMES):
        draw(qtbot, studio, object_id, index, truth(index) if index != 3 else encode(np.zeros((96, 160), bool)))
    studio.hand.editor.lock(object_id, tuple(range(_FRAMES)), locked=False)
    qtbot.waitUntil(lambda: not studio.doubts.busy and bool(studio.doubts.suspects()), timeout=10_000)
    worst = studio.doubts.suspects()[0].frame_index
    assert worst in (2, 3, 4), "where the object is lost"
    go(qtbot, studio, _FRAMES - 1)
    press(studio, Qt.Key.Key_PageDown)
    qtbot.waitUntil(lambda: studio.state.frame_index == worst, timeout=10_000)
    rows = studio.parts.review.list
    assert rows.count() and f"Frame {worst}" in rows.item(0).text()
    go(qtbot, studio, 0)
    press(studio, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: studio.shown.index == worst, timeout=10_000)
    press(studio, Qt.Key.Key_Y)
    settled(qtbot, studio)
    assert studio.state.results(object_id).is_locked(worst)
    qtbot.waitUntil(lambda: worst not in [each.frame_index for each in studio.doubts.suspects()], timeout=10_000)


def test_two_objects_are_followed_together(qtbot: QtBot, tmp_path: Path) -> None:
    clip = make_clip(20_001, split_config("test"))
    ids = sorted(np.unique(clip.labels[0])[1:], key=lambda each: -(clip.labels[0] == each).sum())[:2]
    with running_studio(tmp_path, clip=write_clip(tmp_path / "clip", clip.frames[:4])) as made:
        qtbot.waitUntil(lambda: made.shown.picture is not None, timeout=20_000)
        made.canvas.setFocus()
        known = {}
        for each in ids:
            made.state.select(None)
            known[int(each)] = draw(qtbot, made, None, 0, encode(clip.labels[0] == each))
        press(made, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier | _SHIFT)
        assert made.spread.status.active
        finished(qtbot, made)
        for each, object_id in known.items():
            found = masks(made, object_id)
            assert sorted(found) == [0, 1, 2, 3]
            assert np.mean([iou(found[index], encode(clip.labels[index] == each)) for index in (1, 2, 3)]) > 0.6
