"""Painting a trimap as a person does: brush and pen on the canvas, keys, buttons of the panel; each stroke one undo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, QRect, Qt
from PySide6.QtGui import QMouseEvent, QPaintEvent, QPointingDevice
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from helpers_data import shared_data
from helpers_drawing import ALT, CTRL, NO_KEY, Hand, given, near_line, pen
from helpers_studio import open_project, running_studio, settled
from helpers_tracks import document, go_to, two_tracks, undone_exactly
from rvos_app.bootstrap import Studio
from rvos_app.canvas.drawing_canvas import DrawingCanvas
from rvos_app.canvas.tools.brush import BrushOptions
from rvos_app.canvas.tools.trimap import TrimapOptions, TrimapSheet, TrimapTool
from rvos_app.canvas.tools.trimap_layer import TrimapLayer
from rvos_core.delivery.spec import NAMED_SPECS
from rvos_core.masks import TrimapStrokes, decode
from rvos_core.masks.trimap_strokes import INSIDE, OUTSIDE, UNKNOWN, UNPAINTED
from rvos_core.matte.band import frame_trimap
from rvos_core.matte.look import Look
from rvos_core.matte.settings import MatteSettings, MatteStack, Refine
from rvos_core.orders import MATTE, Order
from rvos_core.orders.preview import preview_frame
from rvos_core.orders.source import open_source

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


@pytest.fixture
def studio(qtbot: QtBot, tmp_path: Path, tiny_model: str) -> Iterator[Studio]:
    path = two_tracks(tmp_path)
    with running_studio(tmp_path, model=tiny_model) as made:
        open_project(qtbot, made, path)
        made.state.select(1)
        go_to(qtbot, made, 6)
        qtbot.waitUntil(lambda: made.shown.index == 6)
        made.drawing.set_size(6)
        made.canvas.setFocus()
        yield made


@pytest.fixture
def hand(qtbot: QtBot, studio: Studio) -> Hand:
    """With the trimap brush in it, taken by its key."""
    hand = Hand(studio)
    hand.key(Qt.Key.Key_T)
    qtbot.waitUntil(lambda: studio.canvas.trimap is not None)
    return hand


def painted(studio: Studio, frame: int = 6, object_id: int = 1) -> np.ndarray | None:
    """As the window has it."""
    found = studio.state.trimaps.at(object_id, frame)
    return None if found is None else found.labels()


def kept(studio: Studio) -> dict[tuple[int, int], TrimapStrokes]:
    """As the file has it."""
    found = document(studio)
    return {key[1:]: each.strokes for key, each in found.items() if key[0] == "trimap"}  # type: ignore[index,attr-defined]


def test_a_stroke_is_painted_live_is_one_step_and_switches_refining_on(
    qtbot: QtBot, studio: Studio, hand: Hand
) -> None:
    before = document(studio)
    layer = studio.canvas.trimap
    assert layer is not None
    assert (layer.labels == UNPAINTED).all()
    automatic = frame_trimap(decode(studio.state.results(1)[6].mask), MatteSettings(), height=48, width=64)
    assert (layer.codes == np.select([automatic == OUTSIDE, automatic == UNKNOWN], [0, 1], 2)).all()
    assert studio.parts.tool_line.shows_brush
    hand.key(Qt.Key.Key_1, ALT)
    line = [(30.0, 20.0), (40.0, 22.0), (44.0, 28.0)]
    hand.press(line[0])
    hand.move(line[1])
    assert (layer.labels == INSIDE).any(), "the hand is still down"
    assert not studio.state.trimaps.frames(1)
    hand.move(line[2])
    hand.release(line[2])
    real = [hand.real(point) for point in line]
    expected = near_line((48, 64), real, 3.0)
    found = painted(studio)
    assert found is not None
    assert ((found == INSIDE) == expected).all()
    assert "switched on" in hand.said
    settled(qtbot, studio)
    assert kept(studio)[1, 6] == studio.state.trimaps.at(1, 6)
    assert Look.from_json(studio.state.objects[0].look).matte.default.refine is Refine.EDGE
    assert studio.parts.matte.switches["refine"].isChecked()
    assert 'href="6"' in studio.parts.matte.trimap.said
    undone_exactly(qtbot, studio, before)
    hand.key(Qt.Key.Key_Z, CTRL)
    settled(qtbot, studio)
    assert painted(studio) is None
    assert not studio.parts.matte.switches["refine"].isChecked()
    qtbot.waitUntil(lambda: not studio.looking.painting.busy)
    assert (studio.canvas.trimap.labels == UNPAINTED).all()  # type: ignore[union-attr]


def test_brushes_by_key_and_button_and_alt_gives_back(qtbot: QtBot, studio: Studio, hand: Hand) -> None:
    buttons = studio.parts.tool_line.kinds
    QTest.mouseClick(buttons["outside"], Qt.MouseButton.LeftButton)
    assert buttons["outside"].isChecked()
    hand.click((10.0, 10.0))
    assert painted(studio)[10, 10] == OUTSIDE  # type: ignore[index]
    hand.key(Qt.Key.Key_2, ALT)
    hand.click((50.0, 40.0))
    assert painted(studio)[40, 50] == UNKNOWN  # type: ignore[index]
    hand.click((10.0, 10.0), keys=ALT)
    assert painted(studio)[10, 10] == UNPAINTED  # type: ignore[index]
    size = studio.drawing.options.size
    hand.key(Qt.Key.Key_BracketRight)
    assert studio.drawing.options.size == size + 1, "the brush of masks and of trimaps are of one size"
    hand.key(Qt.Key.Key_4, ALT)
    hand.click((50.0, 40.0))
    assert painted(studio) is None, "all is automatic again"
    settled(qtbot, studio)
    assert kept(studio) == {}
    hand.click((50.0, 40.0))
    assert "Nothing changed" in hand.said


def test_a_pen_paints_by_its_pressure_and_rubs_out_with_its_other_end(studio: Studio, hand: Hand) -> None:
    studio.drawing.set_size(20)
    hand.key(Qt.Key.Key_3, ALT)
    pen(studio, hand, (30.0, 24.0), 0.5)
    found = painted(studio)
    assert found is not None
    assert ((found == OUTSIDE) == near_line((48, 64), [hand.real((30.0, 24.0))] * 2, 10 * (0.15 + 0.85 * 0.5))).all()
    pen(studio, hand, (30.0, 24.0), 0.2, kind=QPointingDevice.PointerType.Eraser)
    rubbed = painted(studio)
    assert rubbed is not None
    assert 0 < (rubbed == OUTSIDE).sum() < (found == OUTSIDE).sum()
    assert rubbed[24, 30] == UNPAINTED


def test_preview_and_export_are_equal_with_what_is_painted(qtbot: QtBot, studio: Studio, hand: Hand) -> None:
    look = Look(MatteStack(MatteSettings(refine=Refine.EDGE, inside_px=4, outside_px=4)))
    studio.state.set_looks({1: look.to_json()}, label="Refine")
    hand.key(Qt.Key.Key_F4)
    qtbot.waitUntil(lambda: not studio.looking.preview.busy and studio.canvas.preview is not None)
    first = studio.canvas.preview.picture  # type: ignore[union-attr]
    hand.key(Qt.Key.Key_1, ALT)
    hand.drag([(5.0, 40.0), (20.0, 42.0)])
    qtbot.waitUntil(lambda: not studio.looking.preview.busy and studio.canvas.preview is not None)
    picture = studio.canvas.preview.picture  # type: ignore[union-attr]
    inside = painted(studio) == INSIDE
    assert (picture[inside] == 255).all()
    assert first[inside].max() == 0
    settled(qtbot, studio)
    path = studio.documents.path
    assert path is not None
    order = Order(MATTE, "png16", path, 1, target=path.parent, specs=(NAMED_SPECS["png16"],), object_ids=(1,))
    with open_source(order) as source:
        alpha = preview_frame(source, 6).alpha
    studio.state.change_object(2, visible=False)
    qtbot.waitUntil(lambda: not studio.looking.preview.busy and studio.canvas.preview is not None)
    shown = studio.canvas.preview.picture  # type: ignore[union-attr]
    assert np.array_equal(shown, np.rint(alpha * 255).astype(np.uint8))


def test_undo_within_a_stroke_and_leaving_the_frame(qtbot: QtBot, studio: Studio, hand: Hand) -> None:
    hand.press((20.0, 20.0))
    hand.move((30.0, 20.0))
    hand.key(Qt.Key.Key_Escape)
    hand.release((30.0, 20.0))
    assert (studio.canvas.trimap.labels == UNPAINTED).all()  # type: ignore[union-attr]
    assert painted(studio) is None
    hand.press((20.0, 20.0))
    hand.move((30.0, 20.0))
    go_to(qtbot, studio, 7)
    qtbot.waitUntil(lambda: studio.shown.index == 7)
    assert painted(studio, 6) is not None, "the stroke is kept on the frame that it began on"
    assert painted(studio, 7) is None
    qtbot.waitUntil(lambda: studio.canvas.trimap is not None)
    assert studio.canvas.trimap.frame_index == 7  # type: ignore[union-attr]
    hand.key(Qt.Key.Key_B)
    assert studio.canvas.trimap is None, "another tool: it is not shown any more"


def test_clearing_and_going_to_painted_frames(qtbot: QtBot, studio: Studio, hand: Hand) -> None:
    row = studio.parts.matte.trimap
    assert not row.clear.isEnabled()
    hand.click((20.0, 20.0))
    go_to(qtbot, studio, 8)
    assert not row.clear.isEnabled()
    row._where.linkActivated.emit("6")
    qtbot.waitUntil(lambda: studio.shown.index == 6)
    settled(qtbot, studio)
    before = document(studio)
    assert row.clear.isEnabled()
    studio.window.bring_forward(studio.parts.matte)
    QTest.mouseClick(row.clear, Qt.MouseButton.LeftButton)
    assert painted(studio) is None
    settled(qtbot, studio)
    undone_exactly(qtbot, studio, before)
    assert studio.state.trimaps.frames(1) == ()
    studio.state.drop_object(1)


def test_what_cannot_be_painted_is_said(qtbot: QtBot, studio: Studio, hand: Hand) -> None:
    before = document(studio)
    go_to(qtbot, studio, 11)
    qtbot.waitUntil(lambda: studio.shown.index == 11)
    hand.click((20.0, 20.0))
    assert "has no mask on frame 11" in hand.said
    go_to(qtbot, studio, 6)
    qtbot.waitUntil(lambda: studio.shown.index == 6)
    studio.state.select(None)
    hand.click((20.0, 20.0))
    assert "Select an object first" in hand.said
    studio.state.select(1)
    studio.state.change_object(1, visible=False)
    hand.click((20.0, 20.0))
    assert "is hidden" in hand.said
    settled(qtbot, studio)
    hand.key(Qt.Key.Key_Z, CTRL)
    settled(qtbot, studio)
    studio.documents.read_only = True
    studio.documents._document, document_of = None, studio.documents._document
    hand.click((20.0, 20.0))
    assert "reading only" in hand.said
    studio.documents.read_only, studio.documents._document = False, document_of
    assert document(studio) == before


def test_what_is_painted_is_there_again_and_goes_with_its_object(qtbot: QtBot, studio: Studio, hand: Hand) -> None:
    hand.click((20.0, 20.0))
    settled(qtbot, studio)
    strokes = studio.state.trimaps.at(1, 6)
    assert strokes is not None
    studio.state.remove_object(1)
    settled(qtbot, studio)
    assert studio.state.trimaps.frames(1) == ()
    assert kept(studio) == {}
    studio.documents.undo()
    settled(qtbot, studio)
    assert studio.state.trimaps.at(1, 6) == strokes
    path = studio.documents.path
    assert path is not None
    studio.projects.close()
    assert studio.state.trimaps.frames(1) == ()
    qtbot.waitUntil(lambda: all(each.done() for each in studio.documents.closing()))
    open_project(qtbot, studio, path)
    assert studio.state.trimaps.at(1, 6) == strokes


@pytest.mark.parametrize("name", ["decord__tests__test_data__video_90.mov", "fate__video__mpeg2video__sony-ct3.mp4"])
def test_on_turned_and_anamorphic_clips_it_lies_where_it_is_seen(qtbot: QtBot, empty: Studio, name: str) -> None:
    empty.clips.open(shared_data() / "odd" / name)
    qtbot.waitUntil(lambda: empty.shown.picture is not None, timeout=20_000)
    height, width = empty.shown.required_picture().shape[:2]
    mask = np.zeros((height, width), dtype=bool)
    mask[height // 4 : height // 2, width // 4 : width // 2] = True
    given(empty, mask)
    hand = Hand(empty)
    empty.canvas.setFocus()
    empty.canvas.zoom_to(2.5)
    empty.canvas.centerOn(width * 0.6, height * 0.6)
    empty.drawing.set_size(21)
    hand.key(Qt.Key.Key_T)
    hand.key(Qt.Key.Key_1, ALT)
    at = (width * 0.6, height * 0.6)
    hand.click(at)
    found = painted(empty, frame=0)
    assert found is not None
    assert ((found == INSIDE) == near_line((height, width), [hand.real(at)] * 2, 10.5)).all()
    hand.key(Qt.Key.Key_F4)
    qtbot.waitUntil(lambda: not empty.looking.preview.busy and empty.canvas.preview is not None, timeout=20_000)
    assert (empty.canvas.preview.picture[found == INSIDE] == 255).all()  # type: ignore[union-attr]
    settled(qtbot, empty)
    assert kept(empty)[1, 0].size == (height, width)


class _Watched(DrawingCanvas):
    """Notes what it paints anew."""

    def __init__(self) -> None:
        super().__init__()
        self.painted: list[QRect] = []

    def paintEvent(self, event: QPaintEvent) -> None:
        self.painted.append(event.rect())
        super().paintEvent(event)


def test_a_stroke_on_a_large_frame_touches_only_what_it_goes_over(qtbot: QtBot) -> None:
    height, width = 2160, 3840
    automatic = np.full((height, width), OUTSIDE, dtype=np.uint8)
    layer, canvas = TrimapLayer(1, 0, automatic, None), _Watched()
    qtbot.addWidget(canvas)
    canvas.resize(960, 540)
    frame = np.zeros((height, width, 3), dtype=np.uint8)
    canvas.set_frame(frame)
    canvas.set_trimap(layer)
    sheet = TrimapSheet(0, 1, frame, None, (0, 0, 0), 1.0, layer=layer, painted=None)
    canvas.prepare = lambda: sheet
    canvas.set_tool(TrimapTool(BrushOptions(80.0), TrimapOptions(UNKNOWN)))
    done: list[object] = []
    canvas.gestured.connect(done.append)
    canvas.show()
    qtbot.waitExposed(canvas)
    none, left = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton

    def send(kind: QEvent.Type, x: int, button: Qt.MouseButton) -> None:
        at = QPointF(x, 200)
        QApplication.sendEvent(
            canvas.viewport(), QMouseEvent(kind, at, canvas.viewport().mapToGlobal(at), button, left, NO_KEY)
        )
        QApplication.processEvents()

    send(QEvent.Type.MouseButtonPress, 300, left)
    canvas.painted.clear()
    for x in range(310, 400, 10):
        send(QEvent.Type.MouseMove, x, none)
    assert len(canvas.painted) >= 9
    assert max(rect.width() * rect.height() for rect in canvas.painted) < 80 * 80
    send(QEvent.Type.MouseButtonRelease, 390, left)
    assert done
    whole = TrimapLayer(1, 0, automatic, TrimapStrokes.of(layer.labels))
    assert (whole.labels == layer.labels).all()
    assert (whole.codes == layer.codes).all(), "piece by piece as all at once"
