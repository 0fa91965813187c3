"""The strip of things that move: shown where there is a choice, one click or key takes another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from helpers_studio import running_studio
from rvos_app.jobs.candidate_pictures import CandidatePicture, candidate_pictures
from rvos_app.jobs.model_jobs import RunExpression
from rvos_app.state import RunPhase, RunStatus
from rvos_core.inference.events import Candidate
from rvos_core.masks import encode
from rvos_core.media import open_media
from rvos_resources.paths import demo_dir

CLIP = demo_dir() / "street.mp4"


def candidate(number: int, *, chosen: bool) -> Candidate:
    mask = np.zeros((480, 854), bool)
    mask[100 : 100 + 40 * number, 200:300] = True
    return Candidate(number, 5, encode(mask), 0, 40, (("black", 0.93),), 0.93, chosen)


def pictures(*chosen: bool) -> tuple[CandidatePicture, ...]:
    with open_media(CLIP) as reader:
        return candidate_pictures(reader, [candidate(k, chosen=c) for k, c in enumerate(chosen, start=1)])


def test_pictures_show_the_thing_and_stay_small() -> None:
    for each in pictures(True, False):
        assert each.pixels.ndim == 3 and each.pixels.shape[0] <= 64 and each.pixels.shape[1] <= 112


def test_the_strip_shows_itself_where_there_is_a_choice(qtbot: QtBot, tmp_path: Path) -> None:
    with running_studio(tmp_path, clip=CLIP) as studio:
        qtbot.waitUntil(lambda: studio.state.clip is not None, timeout=20_000)
        strip = studio.parts.candidates
        one, other = studio.state.add_object("the black one"), studio.state.add_object("a dog")
        studio.state.select(one.object_id)
        assert not strip.isVisible()
        studio.state.put_candidates(one.object_id, pictures(True, False))
        assert strip.isVisible() and [button.isChecked() for button in strip.buttons] == [True, False]
        assert strip.buttons[0].accessibleName() == "Moving thing 1: black 93 %"
        studio.state.select(other.object_id)
        assert not strip.isVisible(), "the other object has none"
        studio.state.select(one.object_id)
        assert strip.isVisible()
        studio.state.put_candidates(one.object_id, pictures(True))
        assert not strip.isVisible(), "one that is chosen already is no choice"
        studio.state.put_candidates(one.object_id, pictures(False))
        assert strip.isVisible(), "nothing fitted, and this is what there is"
        studio.state.remove_object(one.object_id)
        assert studio.state.candidates(one.object_id) == ()


def test_a_click_and_a_key_take_another(qtbot: QtBot, tmp_path: Path, monkeypatch) -> None:
    with running_studio(tmp_path, clip=CLIP) as studio:
        qtbot.waitUntil(lambda: studio.state.clip is not None, timeout=20_000)
        asked: list[object] = []
        submit = studio.queues.gpu.submit

        def watch(job: object, **more: object):
            asked.append(job)
            return submit(job, **more)

        monkeypatch.setattr(studio.queues.gpu, "submit", watch)
        made = studio.state.add_object("the black one")
        studio.state.put_candidates(made.object_id, pictures(True, False))
        QTest.mouseClick(studio.parts.candidates.buttons[1], Qt.MouseButton.LeftButton)
        runs = [job for job in asked if isinstance(job, RunExpression)]
        assert [(job.request.expression, job.request.candidate) for job in runs] == [("the black one", 2)]
        assert [button.isChecked() for button in studio.parts.candidates.buttons] == [False, True]
        studio.parts.candidates.buttons[0].setFocus(Qt.FocusReason.TabFocusReason)
        QTest.keyClick(studio.parts.candidates.buttons[0], Qt.Key.Key_Space)
        runs = [job for job in asked if isinstance(job, RunExpression)]
        assert runs[-1].request.candidate == 1
        studio.runs.cancel()
        qtbot.waitUntil(lambda: not studio.state.run.active, timeout=60_000)


def test_why_an_engine_was_taken_is_said_until_the_next_run(qtbot: QtBot, tmp_path: Path) -> None:
    with running_studio(tmp_path, clip=CLIP) as studio:
        qtbot.waitUntil(lambda: studio.state.clip is not None, timeout=20_000)
        bar, width = studio.parts.expression, studio.window.width()
        bar.set_notice("The engine motion was taken: " + "because of this and that, " * 40, warns=False)
        qtbot.wait(50)
        assert studio.window.width() == width, "a long sentence does not widen the window"
        assert "engine motion" in bar.line_text
        bar.set_status(RunStatus(RunPhase.RUNNING, 1, windows_done=1, windows=4))
        assert "engine motion" not in bar.line_text, "progress has the line while a run works"
