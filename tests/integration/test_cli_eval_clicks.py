"""`rvos eval clicks` as a person and a program call it, and the robot that it sends."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers_cli import Said, rvos
from helpers_data import shared_data
from helpers_datasets import write_bytes, write_ids
from rvos_core.evaluation import clicks as robot
from rvos_core.inference.clicks import ClickAnswer, PlainClicker
from rvos_core.models.api import Around, Clicks

Call = Callable[..., Said]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    yield lambda *arguments: rvos(capsys, "eval", "clicks", *arguments)


def labels_of(index: int) -> np.ndarray:
    """Two discs that wander; the second is out of sight in the first frame."""
    found = np.zeros((60, 96), np.uint8)
    cv2.circle(found, (25 + 4 * index, 24), 12, 1, -1)
    if index:
        cv2.circle(found, (75, 44 - index), 8, 2, -1)
    return found


def write_folder(root: Path, *, frames: int = 4) -> Path:
    """A folder in DAVIS's layout: a red and a blue disc on green."""
    colours = np.array([(60, 130, 60), (200, 40, 40), (40, 60, 210)], np.uint8)
    dice = np.random.default_rng(0)
    for index in range(frames):
        labels = labels_of(index)
        noisy = colours[labels].astype(np.int16) + dice.normal(0, 6, (*labels.shape, 3)).astype(np.int16)
        picture = cv2.imencode(".jpg", noisy.clip(0, 255).astype(np.uint8)[..., ::-1])[1].tobytes()
        write_bytes(root / "JPEGImages" / "discs" / f"{index:05d}.jpg", picture)
        write_ids(root / "Annotations" / "discs" / f"{index:05d}.png", labels)
    return root


def test_the_robot_scores_a_folder(tmp_path: Path, call: Call) -> None:
    data = write_folder(tmp_path / "data")
    said = call("--data", data, "--clicks", "3", "--clicker", "plain", "--json")
    assert said.code == 0
    scores = said.json
    assert len(scores["iou"]) == 3 and list(scores["clips"]) == ["discs"]
    assert scores["iou"] == scores["clips"]["discs"]
    assert scores["iou"][-1] > 0.85
    assert (scores["objects"], scores["frames"]) == (2, 7), "the second disc is out of sight once"
    assert scores["answers"].keys() == {"plain"} and scores["answers"]["plain"] <= 3 * 7
    assert (scores["clicker"], scores["clickers"]) == ("plain", ["plain"])
    text = call("--data", data, "--clicks", "1", "--clicker", "plain", "--frames", "2")
    assert "mean of clips" in text.out and "4 frames; answers taken: plain 4" in text.out


def test_best_asks_the_network_too(tmp_path: Path, call: Call) -> None:
    data = write_folder(tmp_path / "data", frames=3)
    scores = call("--data", data, "--clicks", "2", "--frames", "1", "--device", "cpu", "--json").json
    assert scores["clickers"] == ["motion", "deep", "plain"]
    assert set(scores["answers"]) <= {"motion", "deep", "plain"}
    assert scores["iou"][-1] > 0.7


def test_the_first_click_is_in_the_middle_and_the_next_in_the_largest_error() -> None:
    truth = np.zeros((50, 80), dtype=bool)
    truth[10:31, 20:41] = True
    asked: list[tuple[Clicks, np.ndarray | None]] = []
    answers = [truth.copy(), truth.copy(), truth.copy()]
    answers[0][10:31, 34:41] = False  # 147 pixels missing
    answers[0][40:45, 60:65] = True  # 25 too many
    answers[1][40:45, 60:65] = True

    def answer(frame: np.ndarray, clicks: Clicks, current: np.ndarray | None, around: Around) -> ClickAnswer:
        del frame, around
        asked.append((clicks, current))
        return ClickAnswer(answers[len(asked) - 1], "fixed", 1.0)

    scores, names = robot.play(answer, np.zeros((50, 80, 3), np.uint8), truth, clicks=5)
    assert [each[0].positive for each in asked] == [((30, 20),), ((30, 20), (37, 13)), ((30, 20), (37, 13))]
    assert [each[0].negative for each in asked] == [(), (), ((62, 42),)]
    assert asked[0][1] is None and asked[1][1] is answers[0] and asked[2][1] is answers[1]
    assert scores == [pytest.approx((441 - 147) / 466), pytest.approx(441 / 466), 1.0, 1.0, 1.0]
    assert names == ["fixed"] * 3, "nobody is asked once all is right"


def test_void_counts_for_nothing() -> None:
    truth, void = np.zeros((20, 20), dtype=bool), np.zeros((20, 20), dtype=bool)
    truth[5:10, 5:10] = True
    void[12:] = True

    def answer(frame: np.ndarray, clicks: Clicks, current: np.ndarray | None, around: Around) -> ClickAnswer:
        del frame, clicks, current, around
        return ClickAnswer(truth | void, "fixed", 1.0)

    assert robot.play(answer, np.zeros((20, 20, 3), np.uint8), truth, clicks=2, void=void)[0] == [1.0, 1.0]


def test_frames_are_spread_evenly_with_both_ends() -> None:
    assert robot.spread(range(50), 20)[:3] == (0, 3, 5) and robot.spread(range(50), 20)[-1] == 49
    assert robot.spread((4, 9), 20) == (4, 9)
    assert robot.spread((4, 9, 11), 1) == (4,)


def test_what_is_missing_is_said(tmp_path: Path, call: Call) -> None:
    said = call("--data", tmp_path / "none", "--clicker", "plain", "--json")
    assert said.code == 1 and said.json["error"]["hint"]
    data = write_folder(tmp_path / "data")
    (data / "JPEGImages" / "discs" / "00001.jpg").unlink()
    error = call("--data", data, "--clicker", "plain", "--json").json["error"]
    assert error["code"] == "evaluation.unpaired" and "00001.png" in error["message"]
    assert call("--data", data, "--clicks", "0").code == 2
    assert call("--data", data, "--clicker", "magic").code == 2


def test_ctrl_c_stops_between_frames(tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_folder(tmp_path / "data")
    segment = PlainClicker.segment
    asked: list[Clicks] = []

    def interrupted(
        self: PlainClicker,
        frame: np.ndarray,
        clicks: Clicks,
        *,
        current: np.ndarray | None = None,
        around: Around | None = None,
    ) -> np.ndarray:
        asked.append(clicks)
        if len(asked) == 2:
            signal.raise_signal(signal.SIGINT)
        return segment(self, frame, clicks, current=current, around=around)

    monkeypatch.setattr(PlainClicker, "segment", interrupted)
    said = call("--data", data, "--clicks", "2", "--clicker", "plain", "--json")
    assert (said.code, said.json["error"]["code"]) == (130, "interrupted")
    assert len(asked) <= 4


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize(("clicker", "least"), [("plain", 0.81), ("best", 0.86)])
def test_four_clicks_on_real_clips(call: Call, clicker: str, least: float) -> None:
    """What is promised after four clicks."""
    data = shared_data() / "davis16"
    scores = call("--data", data, "--clicker", clicker, "--device", "cpu", "--json").json
    assert scores["frames"] == 80
    assert scores["iou"][-1] >= least
