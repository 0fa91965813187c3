"""The line of exports: waiting, pausing, cancelling, failing, and going on after the studio was closed or killed."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from helpers_export import LEFT, ended, open_export, states, studio_with
from helpers_studio import run, running_studio, settled
from ordered_projects import matte_order, write_project
from rvos_app.bootstrap import Studio
from rvos_app.jobs.job import JobContext
from rvos_app.jobs.order_jobs import FulfilOrder, OrderProgress, OrderReadBack
from rvos_core.delivery.journal import job_folders
from rvos_core.errors import Cancelled
from rvos_core.orders import Entry, OrderBook, State

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

_FRAMES = 60


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"), frames=_FRAMES, names=("red car",), width=320, height=240)


def at_work(qtbot: QtBot, studio: Studio) -> None:
    qtbot.waitUntil(lambda: any(0 < each.done < each.total for each in studio.exports.entries), timeout=10_000)


def test_orders_wait_pause_go_on_and_are_cancelled(
    qtbot: QtBot, project: Path, tmp_path: Path, tiny_model: str
) -> None:
    with studio_with(qtbot, tmp_path, project, model=tiny_model) as studio:
        exports, panel = studio.exports, studio.shipping.panel
        for number in range(3):
            exports.start(matte_order(project, tmp_path / f"out{number}", "prores4444"))
        first, second, third = panel.rows.values()
        studio.window.bring_forward(panel)
        at_work(qtbot, studio)
        qtbot.mouseClick(first.pause, LEFT)
        qtbot.mouseClick(third.pause, LEFT)
        assert states(studio) == [State.PAUSED, State.WAITING, State.PAUSED]
        qtbot.wait(150)
        done = exports.entries[0].done
        qtbot.wait(150)
        assert exports.entries[0].done == done < _FRAMES
        assert "Paused at" in first.words
        qtbot.mouseClick(first.resume, LEFT)
        with qtbot.waitSignal(exports.finished, timeout=20_000):
            pass
        at_work(qtbot, studio)
        with qtbot.waitSignal(exports.cancelled, timeout=10_000):
            qtbot.mouseClick(second.cancel, LEFT)
        assert states(studio) == [State.DONE, State.CANCELLED, State.PAUSED]
        assert not list((tmp_path / "out1").iterdir())
        qtbot.mouseClick(second.resume, LEFT)
        qtbot.mouseClick(third.cancel, LEFT)
        ended(qtbot, studio)
        assert states(studio) == [State.DONE, State.DONE, State.CANCELLED]
        asked: list[str] = []
        panel.asked_for_folder.disconnect()
        panel.asked_for_folder.connect(asked.append)
        qtbot.mouseClick(first.folder, LEFT)
        assert asked == [str(tmp_path / "out0" / "street_red_car_cutout_straight.mov")]
        qtbot.mouseClick(panel.clear, LEFT)
        assert exports.entries == ()
        assert OrderBook(tmp_path / "data" / "exports").open() == []


def test_a_failed_order_says_why_and_can_be_tried_again(
    qtbot: QtBot, project: Path, tmp_path: Path, tiny_model: str
) -> None:
    with studio_with(qtbot, tmp_path, project, model=tiny_model) as studio:
        (tmp_path / "in_the_way").write_text("a file")
        with qtbot.waitSignal(studio.exports.failed, timeout=10_000):
            studio.exports.start(matte_order(project, tmp_path / "in_the_way", "png8"))
        (row,) = studio.shipping.panel.rows.values()
        assert "in_the_way" in row.words
        (tmp_path / "in_the_way").unlink()
        studio.window.bring_forward(studio.shipping.panel)
        with qtbot.waitSignal(studio.exports.finished, timeout=20_000):
            qtbot.mouseClick(row.resume, LEFT)
        assert states(studio) == [State.DONE]


def test_orders_follow_a_project_that_gets_a_name(
    qtbot: QtBot, empty: Studio, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerted: list[object] = []
    monkeypatch.setattr(QApplication, "alert", lambda *arguments: alerted.append(arguments))
    empty.projects.open(clip)
    qtbot.waitUntil(lambda: empty.runs.engine is not None, timeout=30_000)
    run(qtbot, empty, "the red car")
    untitled = empty.documents.path
    assert untitled is not None
    order = matte_order(untitled, tmp_path / "out", "png8")
    empty.exports.start(order)
    empty.exports.pause(order.order_id)
    settled(qtbot, empty)
    empty.documents.save_as(tmp_path / "named.rvos")
    qtbot.waitUntil(lambda: empty.exports.entries[0].order.project == tmp_path / "named.rvos", timeout=10_000)
    assert states(empty) == [State.PAUSED]
    monkeypatch.setattr(empty.window, "isActiveWindow", lambda: False)
    with qtbot.waitSignal(empty.exports.finished, timeout=20_000):
        empty.exports.resume(order.order_id)
    assert len(alerted) == 1  # the person looks elsewhere


def test_an_export_goes_on_after_the_studio_was_closed(
    qtbot: QtBot, project: Path, tmp_path: Path, tiny_model: str
) -> None:
    with studio_with(qtbot, tmp_path, project, model=tiny_model) as studio:
        dialog = open_export(qtbot, studio, "prores4444", tmp_path / "out")
        qtbot.mouseClick(dialog.export_button, LEFT)
        at_work(qtbot, studio)
    target = tmp_path / "out" / "street_red_car_cutout_straight.mov"
    assert not target.exists()
    assert job_folders(target)
    with studio_with(qtbot, tmp_path, project, model=tiny_model) as studio:
        panel = studio.shipping.panel
        assert states(studio) == [State.PAUSED]
        assert panel.isVisible()
        assert panel.go_on.isVisible()
        with qtbot.waitSignal(studio.exports.finished, timeout=20_000):
            qtbot.mouseClick(panel.go_on, LEFT)
        (row,) = panel.rows.values()
        assert "from before the interruption" in row.details
        assert not panel.go_on.isVisible()
    assert target.exists()
    assert not job_folders(target)


def test_what_another_program_left_is_offered_without_a_clip(
    qtbot: QtBot, project: Path, tmp_path: Path, tiny_model: str
) -> None:
    book = OrderBook(tmp_path / "data" / "exports")
    book.put(Entry(matte_order(project, tmp_path / "out", "png8"), State.RUNNING, 5, _FRAMES))
    book.close()
    with running_studio(tmp_path, model=tiny_model) as studio:
        assert studio.state.clip is None
        panel = studio.shipping.panel
        assert panel.go_on.isVisible()
        with qtbot.waitSignal(studio.exports.finished, timeout=20_000):
            qtbot.mouseClick(panel.go_on, LEFT)
    assert len(list((tmp_path / "out" / "street_red_car_matte").iterdir())) == _FRAMES


def test_reading_back_is_told_and_stops_at_a_cancel(project: Path, tmp_path: Path) -> None:
    told: list[object] = []
    ticking = count()  # a second passes whenever the clock is looked at
    context = JobContext(told.append)
    job = FulfilOrder(matte_order(project, tmp_path, "h264"), None, clock=lambda: float(next(ticking)))
    job.run(context)
    assert OrderReadBack(30, _FRAMES) in told
    assert told.index(OrderProgress(_FRAMES, _FRAMES)) < told.index(OrderReadBack(1, _FRAMES))

    def stop_at_thirty(event: object) -> None:
        if event == OrderReadBack(30, _FRAMES):
            context.cancel.cancel()

    context = JobContext(stop_at_thirty)
    (target,) = tmp_path.glob("*.mp4")
    before = target.read_bytes()
    with pytest.raises(Cancelled):
        job.run(context)
    assert target.read_bytes() == before
