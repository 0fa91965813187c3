"""Numbers as a person reads them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rvos_app.controllers.front import absence
from rvos_app.controllers.run import note_of
from rvos_app.i18n import count, duration, memory
from rvos_app.panels.expression_bar import cost_line, progress_line
from rvos_app.state import RunPhase, RunStatus
from rvos_core.inference.events import RunCost, RunSummary, Timings
from rvos_core.types import FrameSpan


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (3599, "1 h 0 min"),
        (1000, "17 min"),
        (7500, "2 h 5 min"),
    ],
)
def test_a_length_of_time(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(("mib", "said"), [(640.4, "640 MB"), (1000, "1.0 GB"), (3174, "3.1 GB")])
def test_an_amount_of_memory(mib: float, said: str) -> None:
    assert memory(mib) == said


def test_one_frame_and_many() -> None:
    assert [count(n, "frame", "frames") for n in (0, 1, 1200)] == ["0 frames", "1 frame", "1,200 frames"]


def test_the_cost_says_windows_time_and_memory() -> None:
    assert cost_line(RunCost(640.0, 41.0, 6)) == "This run: 6 windows · about 41 s · 640 MB of memory"
    assert "known after the first window" in cost_line(RunCost(640.0, None, 1))


def test_progress_says_what_is_left_and_what_waits() -> None:
    running = RunStatus(RunPhase.RUNNING, 1, 3, 9, eta_s=12.0, waiting=2)
    assert progress_line(running) == "Running: window 3 of 9 · about 12 s left · 2 waiting"
    assert "kept" in progress_line(RunStatus(RunPhase.STOPPING, 1, 3, 9))
    assert "Paused at window 3 of 9" in progress_line(RunStatus(RunPhase.PAUSED, 1, 3, 9))


def summary(**changes: object) -> RunSummary:
    found = RunSummary(
        model="m",
        expression="the red bus",
        span=FrameSpan(0, 90),
        vote="span",
        score=0.5,
        consensus=0.06,
        absent=False,
        unknown_words=(),
        notes=(),
        device="cpu",
        window=8,
        stride=6,
        size=128,
        input_size=(128, 224),
        queries=5,
        windows=15,
        cuts=(),
        visible_frames=80,
        revised_frames=0,
        timings=Timings(1.0, 1.0, 1.0, 1.0, 4.0),
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def test_a_finished_run_says_where_the_object_is_not() -> None:
    assert note_of(summary()) == "" and absence(summary()) == ""
    assert note_of(summary(visible_frames=0)) == "Not found in 90 frames"
    absent = summary(absent=True, visible_frames=0)
    assert note_of(absent) == "Not in this clip (94 % sure)"
    assert absence(absent).startswith("Nothing in these frames is “the red bus”; Run > Show a Guess")
    assert note_of(summary(notes=("The window was shortened.",))) == "The window was shortened."
