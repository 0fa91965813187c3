"""Runs of the real network on real readers: the stream equals the plain computation, and memory does not grow."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from helpers_data import REPOSITORY, shared_data
from helpers_inference import MemoryReader, latest, moving_square, real_engine
from rvos_core.errors import UserError
from rvos_core.inference import FrameResult, RunEvent, RunFinished, Runner, RunRequest, WindowDone, estimate_cost
from rvos_core.inference.windows import WindowRule, plan_windows
from rvos_core.masks import decode, mask_along_edges
from rvos_core.media import open_media
from rvos_core.models.referrers import FamilyReferrer
from rvos_core.types import CancelToken, FrameSpan


@pytest.fixture(scope="module")
def engine() -> FamilyReferrer:
    return real_engine()


def run(engine: FamilyReferrer, request: RunRequest, reader: MemoryReader) -> list[RunEvent]:
    return list(Runner(engine).run(request, reader=reader, cancel=CancelToken()))


def same(one: dict[int, FrameResult], two: dict[int, FrameResult], *, shift: int = 0) -> None:
    """Masks equal but for pixels where rounding decides, confidences close."""
    assert [index + shift for index in one] == list(two)
    for index, frame in one.items():
        other = two[index + shift]
        assert np.mean(decode(frame.mask) != decode(other.mask)) < 2e-3
        assert frame.confidence == pytest.approx(other.confidence, abs=1e-3)


def test_a_run_equals_every_window_computed_whole_and_alone() -> None:
    """Without feature cache and stream: each window's frames encoded together, overlaps averaged by hand.

    One query, so that linking and vote have nothing to decide.
    """
    engine, frames = real_engine(queries=1), 20
    request = RunRequest("the red car", FrameSpan(0, frames), window=6, stride=4)
    events = run(engine, request, MemoryReader(moving_square, frames))
    text = engine.encode_text("the red car")
    masks, classes, seen = np.zeros((frames, 16, 24)), np.zeros(frames), np.zeros(frames)
    for window in plan_windows(FrameSpan(0, frames), WindowRule(6, 4)):
        answer = engine.refer(engine.encode_frames([moving_square(index) for index in window]), text)
        rows = slice(window.start, window.stop)
        masks[rows] += answer.mask_logits[:, 0].numpy()
        classes[rows] += answer.class_logits[:, 0].numpy()
        seen[rows] += 1
    logits = masks / seen[:, None, None]
    assert logits.max() > 0 > logits.min(), "the test needs masks that are neither empty nor full"
    for index, frame in latest(events).items():
        expected = mask_along_edges(logits[index], moving_square(index), 48, 80)
        assert np.mean(decode(frame.mask) != expected) < 2e-3
    summary = next(event.summary for event in events if isinstance(event, RunFinished))
    assert summary.score == pytest.approx(float((1 / (1 + np.exp(-classes / seen))).mean()), abs=1e-4)


def test_batched_equals_single(engine: FamilyReferrer) -> None:
    """Frames in windows of one, encoded eight at a time, give what each gives in a run of its own."""
    reader = MemoryReader(moving_square, 12)

    def masks(start: int, stop: int) -> dict[int, FrameResult]:
        span = FrameSpan(start, stop)
        return latest(run(engine, RunRequest("a man", span, window=1, stride=1, vote="window"), reader))

    alone = {index: frame for start in range(12) for index, frame in masks(start, start + 1).items()}
    same(masks(0, 12), alone)


def test_a_span_inside_a_clip_equals_that_part_as_a_clip(engine: FamilyReferrer) -> None:
    inside = latest(run(engine, RunRequest("the dog", FrameSpan(7, 27)), MemoryReader(moving_square, 40)))
    part = MemoryReader(lambda index: moving_square(index + 7), 20)
    same(latest(run(engine, RunRequest("the dog", FrameSpan(0, 20)), part)), inside, shift=7)


def test_the_same_run_twice_gives_the_same_bytes(engine: FamilyReferrer) -> None:
    request, reader = RunRequest("the dog in red", FrameSpan(0, 15)), MemoryReader(moving_square, 15)
    assert latest(run(engine, request, reader)) == latest(run(engine, request, reader))


def test_one_window_for_all_frames_is_the_papers_protocol(engine: FamilyReferrer) -> None:
    request = RunRequest("the red car", FrameSpan(0, 30), window=0)
    events = run(engine, request, MemoryReader(moving_square, 30))
    (done,) = [event for event in events if isinstance(event, WindowDone)]
    assert [frame.frame_index for frame in done.frames] == list(range(30))
    assert events[-1].summary.window == 30  # type: ignore[union-attr]


def test_the_summary_says_what_was_done(engine: FamilyReferrer) -> None:
    request = RunRequest("the Zeppelin in red", FrameSpan(2, 22), size=96)
    summary = run(engine, request, MemoryReader(moving_square, 30))[-1].summary  # type: ignore[union-attr]
    assert (summary.model, summary.expression, summary.span) == ("tiny", "the Zeppelin in red", FrameSpan(2, 22))
    assert (summary.window, summary.stride, summary.size, summary.input_size) == (8, 6, 96, (96, 160))
    assert (summary.windows, summary.queries, summary.device, summary.consensus) == (3, 3, "cpu", None)
    assert summary.unknown_words == ("Zeppelin",) and "Zeppelin" in summary.notes[0]
    assert 0 < summary.score < 1 and summary.visible_frames == 20
    parts = summary.timings.read_s + summary.timings.encode_s + summary.timings.refer_s + summary.timings.masks_s
    assert 0 < parts <= summary.timings.total_s


def test_nothing_known_is_refused(engine: FamilyReferrer) -> None:
    with pytest.raises(UserError, match="“Zeppelin”"):
        run(engine, RunRequest("the Zeppelin", FrameSpan(0, 5)), MemoryReader(moving_square, 5))


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (37, 3)])
def test_tiny_frames_give_masks_of_their_size(engine: FamilyReferrer, size: tuple[int, int]) -> None:
    reader = MemoryReader(lambda index: np.full((*size, 3), index, np.uint8), 3)
    frames = latest(run(engine, RunRequest("a car", FrameSpan(0, 3)), reader))
    assert [(frame.mask.height, frame.mask.width) for frame in frames.values()] == [size] * 3


def test_the_estimate_counts_windows_and_learns_the_pace() -> None:
    engine, reader = real_engine(), MemoryReader(moving_square, 200)
    request = RunRequest("a car", FrameSpan(0, 200))
    assert estimate_cost(engine, reader.info, request).seconds is None
    engine.warm_up()
    before = estimate_cost(engine, reader.info, request)
    assert before.seconds is not None and before.seconds > 0
    assert before.windows == len(plan_windows(FrameSpan(0, 200), WindowRule(8, 6)))
    longer = estimate_cost(engine, reader.info, RunRequest("a car", FrameSpan(0, 200), window=0))
    assert longer.windows == 1 and longer.memory_mib > before.memory_mib
    few = RunRequest("a car", FrameSpan(0, 60))
    events = run(engine, few, reader)
    taken = sum(event.seconds for event in events if isinstance(event, WindowDone))
    again = estimate_cost(engine, reader.info, few)
    assert again.seconds is not None and taken / 4 < again.seconds < taken * 4


@pytest.mark.parametrize("clip", ["bikes.mp4", "caps_xmem2"])
def test_a_real_clip_from_file_to_masks(engine: FamilyReferrer, clip: str) -> None:
    found = shared_data() / "clips" / clip
    folder = found if found.suffix else next(path for path in [found / "JPEGImages", found] if path.is_dir())
    with open_media(folder) as reader:
        events = list(Runner(engine).run(RunRequest("a man", FrameSpan(20, 40)), reader=reader, cancel=CancelToken()))
        frames = latest(events)
        assert sorted(frames) == list(range(20, 40))
        assert all((f.mask.height, f.mask.width) == (reader.info.height, reader.info.width) for f in frames.values())
    if clip == "bikes.mp4":
        assert events[-1].summary.cuts == (30,)  # type: ignore[union-attr]


def peak_mib(code: str, *arguments: object) -> Sequence[float]:
    """Runs `code` in a fresh process; what it prints last, as numbers."""
    helpers = REPOSITORY / "tests" / "helpers"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(helpers)!r})\n{code}", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(value) for value in done.stdout.splitlines()[-1].split()]


RUN_FRAMES = """
from helpers_inference import MemoryReader, moving_square, real_engine
from rvos_core.inference import RunRequest, Runner
from rvos_core.types import CancelToken, FrameSpan
engine = real_engine(window=4, stride=3, size=32, long_side=64)
def peak_after(frames):
    request = RunRequest("the red car", FrameSpan(0, frames))
    for event in Runner(engine).run(request, reader=MemoryReader(moving_square, frames), cancel=CancelToken()):
        pass
    return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(*(peak_after(int(frames)) for frames in sys.argv[1:]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_peak_memory_does_not_grow_with_the_clip() -> None:
    short, long = peak_mib(RUN_FRAMES, 40, 240)
    assert long < 1.03 * short


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_peak_memory_of_a_long_clip() -> None:
    short, long = peak_mib(RUN_FRAMES, 200, 3000)
    assert long < 1.05 * short


ONE_WINDOW = """
import dataclasses, torch
from helpers_inference import CARD, WORDS, MemoryReader, moving_square
from rvos_core.language import WordTokenizer
from rvos_core.models.configs import ifirvos_mini_config
from rvos_core.models.ifirvos import Ifirvos
from rvos_core.models.referrers import FamilyReferrer
def status(key):
    return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith(key))
model = Ifirvos(ifirvos_mini_config(50))
card = dataclasses.replace(CARD, size=128, long_side=224)
engine = FamilyReferrer(model, WordTokenizer.from_words(WORDS), card=card)
before = status("VmRSS")
frames = int(sys.argv[1])
features = engine.encode_frames([moving_square(index, height=128, width=224) for index in range(frames)])
engine.refer(features, engine.encode_text("a man"))
print(status("VmHWM") - before, engine.memory_mib(frames, features.input_size) - CARD.parameters * 4 / 2**20)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_the_memory_estimate_is_near_the_measured_peak() -> None:
    measured, estimated = peak_mib(ONE_WINDOW, 8)
    assert 0.6 * measured < estimated < 2.5 * measured
