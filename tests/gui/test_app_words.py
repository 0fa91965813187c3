"""Numbers as a person reads them."""

from __future__ import annotations

import pytest

from rvos_app.i18n import count, duration, memory
from rvos_app.panels.expression_bar import cost_line, progress_line
from rvos_app.state import RunPhase, RunStatus
from rvos_core.inference.events import RunCost


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
