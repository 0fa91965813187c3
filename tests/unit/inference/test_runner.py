"""A run with answers written by the test: events, vote, visibility, cuts, memory trouble, cancel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers_inference import MemoryReader, ScriptedEngine, latest, numbered
from rvos_core.errors import Cancelled, UsageError, UserError
from rvos_core.inference import FramesRevised, RunEvent, RunFinished, Runner, RunRequest, RunStarted, WindowDone
from rvos_core.inference.windows import WindowRule, plan_windows
from rvos_core.masks import decode
from rvos_core.models.api import TextFeatures
from rvos_core.types import CancelToken, FrameSpan

QUERIES = 3
BLOCKS = [slice(0, 4), slice(4, 8), slice(8, 12)]  # columns of the 12 cells wide grid, one per query


def answers(probability: Callable[[int, int], float]) -> Callable[[Sequence[int]], tuple[np.ndarray, np.ndarray]]:
    """Query q always shows block q; `probability(frame, query)` is its class probability."""

    def answer(indices: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        masks = np.full((len(indices), QUERIES, 8, 12), -4.0)
        for query, columns in enumerate(BLOCKS):
            masks[:, query, 2:6, columns] = 4.0
        table = np.array([[probability(index, query) for query in range(QUERIES)] for index in indices])
        return masks, np.log(table / (1 - table))

    return answer


def request(start: int, stop: int, **options: object) -> RunRequest:
    return RunRequest("the red car", FrameSpan(start, stop), **options)  # type: ignore[arg-type]


def run(engine: ScriptedEngine, wanted: RunRequest, reader: MemoryReader | None = None) -> list[RunEvent]:
    clip = reader or MemoryReader(numbered, 300)
    return list(Runner(engine).run(wanted, reader=clip, cancel=CancelToken()))


def shown_query(events: Sequence[RunEvent]) -> dict[int, int | None]:
    """Which query's block each frame ends with; None for an empty mask."""
    found: dict[int, int | None] = {}
    for index, frame in latest(events).items():
        columns = np.flatnonzero(decode(frame.mask).any(axis=0))
        found[index] = int(columns.mean()) // 16 if columns.size else None
    return found


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 30), st.integers(1, 40), st.integers(1, 9), st.data())
def test_every_frame_of_the_span_ends_with_a_result(start: int, frames: int, size: int, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, size))
    engine = ScriptedEngine(answers(lambda frame, query: 0.9 if query == 1 else 0.1))
    events = run(engine, request(start, start + frames, window=size, stride=stride))
    assert isinstance(events[0], RunStarted) and isinstance(events[-1], RunFinished)
    assert shown_query(events) == dict.fromkeys(range(start, start + frames), 1)
    plan = plan_windows(FrameSpan(start, start + frames), WindowRule(min(size, frames), min(stride, frames)))
    assert [tuple(window) for window in engine.windows] == [tuple(window) for window in plan]
    assert engine.encoded == list(range(start, start + frames)), "each frame is encoded once"
    done = [event for event in events if isinstance(event, WindowDone)]
    assert [event.window for event in done] == list(range(1, len(plan) + 1))
    assert {event.windows for event in done} == {len(plan)} == {events[0].windows}


def test_the_final_vote_rewrites_the_frames_that_the_preview_showed_otherwise() -> None:
    engine = ScriptedEngine(answers(lambda frame, query: [0.8 if frame < 20 else 0.1, 0.5, 0.2][query]))
    events = run(engine, request(0, 100))
    preview = shown_query([event for event in events if isinstance(event, WindowDone)])
    assert preview[0] == 0 and preview[99] == 1
    assert shown_query(events) == dict.fromkeys(range(100), 1)
    revisions = [event for event in events if isinstance(event, FramesRevised)]
    revised = [frame.frame_index for event in revisions for frame in event.frames]
    assert revised == [index for index, query in preview.items() if query == 0]
    assert max(len(event.frames) for event in revisions) <= 32
    summary = events[-1].summary  # type: ignore[union-attr]
    assert summary.revised_frames == len(revised)
    assert summary.score == pytest.approx(0.5, abs=1e-3)


def test_a_vote_per_window_lets_each_window_choose_and_revises_nothing() -> None:
    engine = ScriptedEngine(answers(lambda frame, query: [0.8 if frame < 24 else 0.1, 0.5, 0.2][query]))
    events = run(engine, request(0, 48, window=8, stride=8, vote="window"))
    assert shown_query(events) == {index: 0 if index < 24 else 1 for index in range(48)}
    assert not any(isinstance(event, FramesRevised) for event in events)


def test_queries_that_change_places_between_windows_stay_one_object() -> None:
    steady = answers(lambda frame, query: 0.8 if query == 2 else 0.3)

    def answer(indices: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        masks, classes = steady(indices)
        order = np.roll(np.arange(QUERIES), indices[0])
        return masks[:, order], classes[:, order]

    events = run(ScriptedEngine(answer), request(3, 60))
    assert shown_query(events) == dict.fromkeys(range(3, 60), 2)
    assert not any(isinstance(event, FramesRevised) for event in events)


def test_windows_are_independent_so_their_order_changes_nothing() -> None:
    """Answering every window before any is merged, last one first, gives the run's masks again."""
    random = np.random.default_rng(0)
    noise = {index: random.normal(0, 3, (QUERIES, 8, 12)) for index in range(40)}
    steady = answers(lambda frame, query: 0.6 - 0.1 * ((query + frame // 11) % 3))

    def answer(indices: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        masks, classes = steady(indices)
        return masks + np.stack([noise[index] for index in indices]), classes

    in_order = latest(run(ScriptedEngine(answer), request(0, 40)))
    plan = plan_windows(FrameSpan(0, 40), WindowRule(8, 6))
    known = {tuple(window): answer(list(window)) for window in reversed(plan)}
    assert latest(run(ScriptedEngine(lambda indices: known[tuple(indices)]), request(0, 40))) == in_order


def test_out_of_sight_frames_are_empty_with_hysteresis() -> None:
    probabilities = [0.9] * 10 + [0.2] * 5 + [0.5] * 5 + [0.9] * 10
    engine = ScriptedEngine(
        answers(lambda frame, query: probabilities[frame] if query == 0 else 0.05), visible_on=0.6, visible_off=0.3
    )
    events = run(engine, request(0, 30))
    shown = shown_query(events)
    assert [index for index, query in shown.items() if query is None] == list(range(10, 20))
    frames = latest(events)
    assert not frames[12].visible and frames[12].box is None
    assert frames[25].visible and frames[25].box is not None
    assert frames[25].confidence == pytest.approx(0.9 * np.tanh(2.0), abs=1e-3)
    assert frames[25].confidence > frames[17].confidence > frames[12].confidence
    assert events[-1].summary.visible_frames == 20  # type: ignore[union-attr]


def test_an_object_that_is_nowhere_gives_empty_masks_and_a_sentence() -> None:
    found = answers(lambda frame, query: 0.9 if query == 1 else 0.1)
    events = run(ScriptedEngine(found, consensus=lambda indices: 0.3, present_at=0.5), request(2, 90))
    assert shown_query(events) == dict.fromkeys(range(2, 90))
    assert all(not frame.visible and frame.box is None for frame in latest(events).values())
    summary = events[-1].summary  # type: ignore[union-attr]
    assert summary.absent and summary.visible_frames == 0 and summary.consensus == pytest.approx(0.3)
    assert any("the red car" in note and "every mask is empty" in note for note in summary.notes)


def test_an_expression_that_is_believed_is_shown_all_the_same() -> None:
    found = answers(lambda frame, query: 0.9 if query == 1 else 0.1)
    engine = ScriptedEngine(found, consensus=lambda indices: 0.3, present_at=0.5)
    events = run(engine, request(2, 40, believe=True))
    assert shown_query(events) == dict.fromkeys(range(2, 40), 1)
    summary = events[-1].summary  # type: ignore[union-attr]
    assert not summary.absent and summary.consensus == pytest.approx(0.3)


def test_a_model_without_such_a_head_never_says_that_an_object_is_nowhere() -> None:
    found = answers(lambda frame, query: 0.9 if query == 1 else 0.1)
    summary = run(ScriptedEngine(found), request(0, 20))[-1].summary  # type: ignore[union-attr]
    assert not summary.absent and summary.consensus is None and summary.visible_frames == 20


@pytest.mark.parametrize("vote", ["span", "window"])
def test_windows_without_the_object_are_empty_in_a_span_that_has_it(vote: str) -> None:
    engine = ScriptedEngine(
        answers(lambda frame, query: 0.9 if query == 1 else 0.1),
        consensus=lambda indices: 0.9 if indices[0] < 24 else 0.2,
        present_at=0.5,
    )
    events = run(engine, request(0, 48, window=8, stride=8, vote=vote))
    assert shown_query(events) == {index: 1 if index < 24 else None for index in range(48)}
    summary = events[-1].summary  # type: ignore[union-attr]
    assert not summary.absent and summary.visible_frames == 24


def test_an_object_that_is_nowhere_takes_back_what_the_preview_showed() -> None:
    engine = ScriptedEngine(
        answers(lambda frame, query: 0.9 if query == 1 else 0.1),
        consensus=lambda indices: 0.6 if indices[0] == 16 else 0.1,
        present_at=0.5,
    )
    events = run(engine, request(0, 48, window=8, stride=8))
    preview = shown_query([event for event in events if isinstance(event, WindowDone)])
    assert [index for index, query in preview.items() if query == 1] == list(range(16, 24))
    assert shown_query(events) == dict.fromkeys(range(48))
    revised = [frame.frame_index for event in events if isinstance(event, FramesRevised) for frame in event.frames]
    assert revised == list(range(16, 24)), "empty frames stay as they were"
    assert events[-1].summary.revised_frames == 8  # type: ignore[union-attr]


def test_blanks_do_not_change_what_the_model_reads() -> None:
    read: list[str] = []

    class Reading(ScriptedEngine):
        def encode_text(self, expression: str) -> TextFeatures:
            read.append(expression)
            return super().encode_text(expression)

    typed = "  the\tred \n" + " " * 9000 + "car "
    run(Reading(answers(lambda frame, query: 0.5)), RunRequest(typed, FrameSpan(0, 2)))
    assert read == ["the red car"]


def test_the_box_is_the_masks_own_in_display_pixels() -> None:
    frame = latest(run(ScriptedEngine(answers(lambda frame, query: 0.9 - 0.3 * query)), request(0, 3)))[0]
    mask = decode(frame.mask)
    assert mask.shape == (32, 48)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    assert frame.box == (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)


def two_scenes(cut: int) -> Callable[[int], np.ndarray]:
    def draw(index: int) -> np.ndarray:
        frame = numbered(index)
        if index >= cut:
            frame[1:] = (250, 240, 20)
        else:
            frame[1:] = (10, 20, 60)
        return frame

    return draw


@pytest.mark.parametrize("cut", [1, 5, 8, 9, 14, 15, 39])
def test_no_window_straddles_a_scene_cut(cut: int) -> None:
    engine = ScriptedEngine(answers(lambda frame, query: 0.9 if query == 0 else 0.1))
    events = run(engine, request(0, 40), MemoryReader(two_scenes(cut), 40))
    expected = plan_windows(FrameSpan(0, 40), WindowRule(8, 6), cuts=[cut])
    assert [tuple(window) for window in engine.windows] == [tuple(window) for window in expected]
    assert engine.encoded == list(range(40))
    assert sorted(latest(events)) == list(range(40))
    summary = events[-1].summary  # type: ignore[union-attr]
    assert summary.cuts == (cut,) and summary.windows == len(expected)


def out_of_memory_errors() -> list[Exception]:
    return [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        MemoryError(),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to ..."
        ),
    ]


@pytest.mark.parametrize("what", ["encode", "refer"])
@pytest.mark.parametrize("error", out_of_memory_errors(), ids=lambda error: type(error).__name__)
def test_memory_may_run_out_at_any_step_and_the_run_still_ends(what: str, error: Exception) -> None:
    for step in range(5) if isinstance(error, torch.OutOfMemoryError) else (2,):
        calls = {"encode": 0, "refer": 0}

        def fail(now: str, step: int = step, calls: dict[str, int] = calls) -> None:
            calls[now] += 1
            if now == what and calls[now] == step + 1:
                raise error

        engine = ScriptedEngine(answers(lambda frame, query: 0.9 if query == 1 else 0.1), before=fail)
        events = run(engine, request(0, 26))
        assert shown_query(events) == dict.fromkeys(range(26), 1)
        assert sorted(engine.encoded) == list(range(26)), "what was encoded before is kept"
        summary = events[-1].summary  # type: ignore[union-attr]
        failed = calls[what] > step
        assert summary.window == (4 if failed else 8)
        assert any("memory ran out" in note for note in summary.notes) == failed


def test_memory_that_runs_out_while_a_frame_is_read_is_tried_again() -> None:
    failures = [MemoryError()]

    def draw(index: int) -> np.ndarray:
        if index == 9 and failures:
            raise failures.pop()
        return numbered(index)

    engine = ScriptedEngine(answers(lambda frame, query: 0.9 if query == 1 else 0.1))
    assert sorted(latest(run(engine, request(0, 30), MemoryReader(draw, 30)))) == list(range(30))
    assert engine.encoded == list(range(30))


@pytest.mark.parametrize(("device", "remedy"), [("cuda:0", "CPU"), ("cpu", "smaller input size")])
def test_after_three_halvings_a_person_is_told_what_to_do_and_done_windows_stay(
    monkeypatch: pytest.MonkeyPatch, device: str, remedy: str
) -> None:
    monkeypatch.setattr(ScriptedEngine, "device", device)
    monkeypatch.setattr("rvos_core.inference.cost.free_memory_mib", lambda device: None)
    tries: list[int] = []

    def fail(now: str) -> None:
        if now == "refer" and len(engine.windows) >= 2:
            tries.append(1)
            raise torch.OutOfMemoryError("CUDA out of memory")

    engine = ScriptedEngine(answers(lambda frame, query: 0.5), before=fail)
    events = Runner(engine).run(request(0, 40), reader=MemoryReader(numbered, 40), cancel=CancelToken())
    seen: list[RunEvent] = []
    with pytest.raises(UserError, match=remedy) as caught:
        seen += events  # keeps what came before the error
    assert caught.value.code == "run.out_of_memory" and caught.value.exit_code == 1
    assert len(tries) == 4
    assert sorted(latest(seen)) == list(range(14))
    assert all("numpy" not in str(reason) for reason in (caught.value.message, caught.value.hint))


def test_other_errors_are_not_taken_for_memory() -> None:
    def fail(now: str) -> None:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        run(ScriptedEngine(answers(lambda frame, query: 0.5), before=fail), request(0, 4))


def test_a_window_that_cannot_fit_is_shortened_before_the_run_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rvos_core.inference.cost.free_memory_mib", lambda device: 60.0)
    engine = ScriptedEngine(answers(lambda frame, query: 0.5))
    engine.memory = 10.0
    events = run(engine, request(0, 30, window=0))
    assert max(map(len, engine.windows)) == 3
    assert any("memory is short" in note for note in events[0].notes)  # type: ignore[union-attr]
    engine.memory = 100.0
    with pytest.raises(UserError, match=r"100 MiB needed, 60 MiB free"):
        run(engine, request(0, 30))


def test_cancel_takes_effect_before_the_next_window_and_keeps_what_is_done() -> None:
    engine = ScriptedEngine(answers(lambda frame, query: 0.5))
    reader, cancel = MemoryReader(numbered, 300), CancelToken()
    seen = []
    with pytest.raises(Cancelled):
        for event in Runner(engine).run(request(0, 300), reader=reader, cancel=cancel):
            seen.append(event)
            if isinstance(event, WindowDone) and event.window == 3:
                cancel.cancel()
    assert len(engine.windows) == 3
    assert sorted(latest(seen)) == list(range(20))
    assert max(reader.reads) < 24


def test_a_run_that_is_dropped_closes_what_it_holds() -> None:
    closed = []

    class Clip(MemoryReader):
        def frames(self, span=None):  # type: ignore[no-untyped-def]
            try:
                yield from super().frames(span)
            finally:
                closed.append(True)

    engine = ScriptedEngine(answers(lambda frame, query: 0.5))
    events = Runner(engine).run(request(0, 300), reader=Clip(numbered, 300), cancel=CancelToken())
    next(events)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert closed == [True]
    assert len(run(engine, request(0, 20))) > 2, "the next run works"


def test_a_clip_that_ends_early_is_named() -> None:
    engine = ScriptedEngine(answers(lambda frame, query: 0.5))
    with pytest.raises(UserError, match="ends after 13 frames"):
        run(engine, request(0, 40), MemoryReader(numbered, 13, claimed=40))


def test_a_clip_that_breaks_on_the_way_keeps_the_windows_before() -> None:
    class Broken(MemoryReader):
        def frames(self, span=None):  # type: ignore[no-untyped-def]
            yield from super().frames(FrameSpan(span.start, 21))
            raise UserError("frame 21 is gone")

    engine = ScriptedEngine(answers(lambda frame, query: 0.5))
    seen = []
    with pytest.raises(UserError, match="frame 21 is gone"):
        for event in Runner(engine).run(request(0, 40), reader=Broken(numbered, 40), cancel=CancelToken()):
            seen.append(event)
    assert sorted(latest(seen)) == list(range(20))


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (RunRequest("", FrameSpan(0, 5)), "expression.empty"),
        (RunRequest(" \n\t ", FrameSpan(0, 5)), "expression.empty"),
        (RunRequest("\N{BICYCLE} !!", FrameSpan(0, 5)), "expression.no_words"),
        (RunRequest("the", FrameSpan(0, 5)), "expression.no_content"),
        (RunRequest("a car", FrameSpan(3, 3)), "run.bad_span"),
        (RunRequest("a car", FrameSpan(0, 301)), "run.bad_span"),
        (RunRequest("a car", FrameSpan(0, 5), window=-3), "run.bad_window"),
        (RunRequest("a car", FrameSpan(0, 5), stride=0), "run.bad_stride"),
        (RunRequest("a car", FrameSpan(0, 5), size=8), "run.bad_size"),
        (RunRequest("a car", FrameSpan(0, 5), size=100_000), "run.bad_size"),
    ],
)
def test_requests_that_make_no_sense_are_refused_before_anything_is_read(wanted: RunRequest, code: str) -> None:
    reader = MemoryReader(numbered, 300)
    with pytest.raises(UsageError) as caught:
        Runner(ScriptedEngine(answers(lambda frame, query: 0.5))).run(wanted, reader=reader, cancel=CancelToken())
    assert caught.value.code == code and caught.value.exit_code == 2 and caught.value.hint
    assert reader.reads == []
