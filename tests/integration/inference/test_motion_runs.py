"""The engine motion on clips that move, rest, flash and stop short; with the real weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers_inference import MemoryReader, latest
from rvos_core.errors import Cancelled, UsageError, UserError
from rvos_core.inference import RunFinished, RunRequest, RunStarted, WindowDone
from rvos_core.inference.motion.engine import load_motion
from rvos_core.inference.motion.runner import Choices, MotionRunner
from rvos_core.inference.motion.segmenters import ClassicSegmenter, load_segmenter
from rvos_core.masks import decode
from rvos_core.types import CancelToken, FrameSpan
from rvos_resources.paths import weights_dir

HEIGHT, WIDTH, FRAMES = 180, 320, 20
Draw = Callable[[int], np.ndarray]


@pytest.fixture(scope="module")
def runner() -> MotionRunner:
    return MotionRunner(load_motion(device="cpu"))


def photograph(name: str) -> np.ndarray:
    picture = cv2.imread(str(weights_dir().parent / "photographs" / name))
    return cv2.cvtColor(cv2.resize(picture, (500, 320), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)


GROUND, FUR = photograph("gravel.jpg"), photograph("chelsea.jpg")


def ground(index: int) -> np.ndarray:
    return np.ascontiguousarray(GROUND[60 : 60 + HEIGHT, 60 + 2 * index : 60 + 2 * index + WIDTH])


def box(index: int, *, start: tuple[float, float], way: tuple[float, float]) -> tuple[int, int]:
    return round(start[0] + way[0] * index), round(start[1] + way[1] * index)


def cat(index: int) -> np.ndarray:
    """A piece of fur, 70 x 60 pixels, goes right over ground that the camera pans."""
    frame = ground(index)
    x, y = box(index, start=(40, 60), way=(4, 1))
    frame[y : y + 60, x : x + 70] = FUR[100:160, 200:270]
    return frame


def two(index: int) -> np.ndarray:
    """The fur, and a blue thing that goes left."""
    frame = cat(index)
    x, y = box(index, start=(270, 14), way=(-5, 0))
    frame[y : y + 40, x : x + 44] = (FUR[20:60, 20:64] * (0.15, 0.3, 0.5) + (10, 40, 120)).astype(np.uint8)
    return frame


def run(runner: MotionRunner, sentence: str, draw: Draw, *, frames: int = FRAMES, **more: object):
    reader = MemoryReader(draw, frames)
    request = RunRequest(sentence, FrameSpan(0, frames), **more)
    events = list(runner.run(request, reader=reader, cancel=CancelToken()))
    assert isinstance(events[0], RunStarted) and isinstance(events[-1], RunFinished)
    found = latest(events)
    assert sorted(found) == list(range(frames)), "every frame has a result"
    return {index: decode(result.mask) for index, result in found.items()}, events[-1].summary


def overlap(mask: np.ndarray, x: int, y: int, width: int, height: int) -> float:
    truth = np.zeros((HEIGHT, WIDTH), bool)
    truth[y : y + height, x : x + width] = True
    return float((mask & truth).sum() / (mask | truth).sum())


def test_what_moves_is_found_on_every_frame(runner: MotionRunner) -> None:
    masks, summary = run(runner, "the cat", cat)
    scores = [overlap(masks[t], *box(t, start=(40, 60), way=(4, 1)), 70, 60) for t in range(FRAMES)]
    assert np.mean(scores) > 0.75 and min(scores) > 0.5
    assert summary.model == "motion" and summary.visible_frames == FRAMES and not summary.absent
    assert "“cat” is not checked" in summary.notes[0]


@pytest.mark.parametrize(("sentence", "left_to_right"), [("the blue one", False), ("the one going right", True)])
def test_the_sentence_chooses_between_two(runner: MotionRunner, sentence: str, left_to_right: bool) -> None:
    masks, summary = run(runner, sentence, two)
    fur = np.mean([overlap(masks[t], *box(t, start=(40, 60), way=(4, 1)), 70, 60) for t in range(FRAMES)])
    blue = np.mean([overlap(masks[t], *box(t, start=(270, 14), way=(-5, 0)), 44, 40) for t in range(FRAMES)])
    assert (fur > 0.6 and blue < 0.1) if left_to_right else (blue > 0.5 and fur < 0.1)
    assert len(summary.candidates) >= 2 and summary.candidates[0].chosen


def test_a_person_takes_another_candidate(runner: MotionRunner) -> None:
    _, first = run(runner, "the blue one", two)
    other = next(each.number for each in first.candidates if not each.chosen)
    masks, second = run(runner, "the blue one", two, candidate=other)
    assert overlap(masks[10], *box(10, start=(40, 60), way=(4, 1)), 70, 60) > 0.6
    assert [each.number for each in second.candidates if each.chosen] == [other]
    with pytest.raises(UsageError, match="no candidate 99"):
        run(runner, "the blue one", two, candidate=99)


def test_candidates_alone_bring_no_masks(runner: MotionRunner) -> None:
    request = RunRequest("the blue one", FrameSpan(0, FRAMES))
    events = list(runner.candidates(request, reader=MemoryReader(two, FRAMES), cancel=CancelToken()))
    assert all(isinstance(event, WindowDone) and not event.frames for event in events[:-1])
    assert isinstance(events[-1], Choices) and len(events[-1].candidates) >= 2


def test_nothing_fits_so_all_masks_are_empty(runner: MotionRunner) -> None:
    masks, summary = run(runner, "the purple one", two)
    assert summary.absent and summary.visible_frames == 0 and not any(mask.any() for mask in masks.values())
    assert "No moving object here is purple" in " ".join(summary.notes)


def still(index: int) -> np.ndarray:
    return ground(0)


def flashing(index: int) -> np.ndarray:
    return np.clip(ground(0) * (0.5 if index % 2 else 1.2), 0, 255).astype(np.uint8)


def grain(index: int) -> np.ndarray:
    noise = np.random.default_rng(index).normal(0, 18, (HEIGHT, WIDTH, 3))
    return np.clip(ground(0) + noise, 0, 255).astype(np.uint8)


def black(index: int) -> np.ndarray:
    return np.zeros((HEIGHT, WIDTH, 3), np.uint8)


def water(index: int) -> np.ndarray:
    """The whole picture ripples: no cell moves the way its neighbours do."""
    dice = np.random.default_rng(index)
    field = cv2.resize(
        dice.normal(0, 2.0, (24, 20, 2)).astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC
    )
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    return cv2.remap(ground(0), x + field[..., 0], y + field[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def titles(index: int) -> np.ndarray:
    """White lines roll up over black."""
    frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for row in range(12):
        y = 40 * row + 100 - 5 * index
        cv2.putText(frame, f"Directed by number {row}", (60, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
    return frame


@pytest.mark.parametrize("draw", [water, titles])
def test_what_moves_everywhere_is_never_the_blue_one(runner: MotionRunner, draw: Draw) -> None:
    masks, summary = run(runner, "the blue one", draw)
    assert summary.absent and not any(mask.any() for mask in masks.values()) and summary.notes


@pytest.mark.parametrize("draw", [still, ground, flashing, grain, black])
def test_where_nothing_moves_nothing_is_called_found(runner: MotionRunner, draw: Draw) -> None:
    masks, summary = run(runner, "the dog", draw)
    assert summary.absent and not any(mask.any() for mask in masks.values())
    assert "Nothing moves" in " ".join(summary.notes) and "rvos track" in " ".join(summary.notes)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_few_frames_are_enough_not_to_fail(runner: MotionRunner, frames: int) -> None:
    run(runner, "the cat", cat, frames=frames)


def test_a_still_region_is_proposed_by_its_colour(runner: MotionRunner) -> None:
    def parked(index: int) -> np.ndarray:
        frame = still(index)
        frame[80:130, 100:170] = (200, 20, 30)
        return frame

    masks, summary = run(runner, "the red car", parked)
    assert overlap(masks[5], 100, 80, 70, 50) > 0.7
    assert "Nothing moves; a region was chosen by its colour" in summary.notes[0]


def test_a_clip_that_is_shorter_than_it_claims_is_told(runner: MotionRunner) -> None:
    reader = MemoryReader(cat, 14, claimed=20)
    with pytest.raises(UserError, match="ends after 14 frames"):
        list(runner.run(RunRequest("the cat", FrameSpan(0, 20)), reader=reader, cancel=CancelToken()))


def test_it_stops_where_it_is_told_to(runner: MotionRunner) -> None:
    cancel = CancelToken()
    events = runner.run(RunRequest("the cat", FrameSpan(0, 60)), reader=MemoryReader(cat, 60), cancel=cancel)
    next(events)
    next(events)
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(events)


def test_without_the_flow_network_it_works_and_says_that_it_is_coarser(
    runner: MotionRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("rvos_core.models.registry.model_folder", lambda name: tmp_path / name)
    segmenter, note = load_segmenter()
    assert isinstance(segmenter, ClassicSegmenter) and "more coarsely" in note
    engine = load_motion(device="cpu")
    masks, summary = run(MotionRunner(engine), "the cat", cat)
    assert note in summary.notes
    assert np.mean([overlap(masks[t], *box(t, start=(40, 60), way=(4, 1)), 70, 60) for t in range(FRAMES)]) > 0.3


def test_a_scene_cut_is_followed_on_both_sides(runner: MotionRunner) -> None:
    def cut(index: int) -> np.ndarray:
        if index < 14:
            return cat(index)
        frame = np.ascontiguousarray(photograph("coffee.jpg")[60 : 60 + HEIGHT, 60 : 60 + WIDTH])
        x = 200 - 5 * (index - 14)
        frame[40:100, x : x + 70] = FUR[100:160, 200:270]
        return frame

    masks, summary = run(runner, "the cat", cut, frames=28)
    assert summary.cuts == (14,)
    assert overlap(masks[6], *box(6, start=(40, 60), way=(4, 1)), 70, 60) > 0.6
    assert overlap(masks[20], 170, 40, 70, 60) > 0.6
