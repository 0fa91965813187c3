"""Runs that are kept as they go: what a consumer saw is on disk, whatever ends the run, and it can go on from there."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers_inference import MemoryReader, ScriptedEngine, latest, numbered
from rvos_core.errors import Cancelled, UserError
from rvos_core.inference import RunEvent, Runner, RunRequest, WindowDone
from rvos_core.inference.recording import frame_result, recorded, request_of, settings_of
from rvos_core.project.document import Document
from rvos_core.project.mask_edits import DrawMask
from rvos_core.project.records import MaskRecord, ObjectRecord, RunRecord
from rvos_core.project.relink import media_record
from rvos_core.project.store import Project
from rvos_core.types import CancelToken, FrameSpan

_FRAMES = 40
_SPAN = FrameSpan(0, _FRAMES)


def answer(indices: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Two queries: the second is the object, a bar whose place says the frame."""
    masks = np.full((len(indices), 2, 8, 12), -5.0)
    for row, index in enumerate(indices):
        masks[row, 1, 2:6, index % 8 : index % 8 + 4] = 5.0
        masks[row, 0, 0:2, 0:2] = 5.0
    classes = np.tile(np.array([-3.0, 3.0]), (len(indices), 1))
    return masks, classes


def engine(before: Callable[[str], None] = lambda what: None) -> ScriptedEngine:
    return ScriptedEngine(lambda indices: answer(list(indices)), before=before)


@pytest.fixture
def document(tmp_path: Path) -> Iterator[Document]:
    made = Document(partial(new_project, tmp_path / "p.rvos"))
    yield made
    made.close().result()


def new_project(path: Path) -> Project:
    project = Project.create(path, program="test")
    info = MemoryReader(numbered, _FRAMES).info
    clip = path.with_name("clip.mp4")
    clip.write_bytes(b"a clip")
    project.add_media(media_record(replace(info, path=clip), media_id=1, position=0, project=path), info.pts)
    return project


def begin(document: Document, request: RunRequest) -> RunRecord:
    target = ObjectRecord(1, 1, 0, request.expression, (1, 2, 3))
    return document.do(
        lambda project: project.begin_run(
            target, expression=request.expression, span=request.span, settings=settings_of(request)
        )
    )


def request(span: FrameSpan = _SPAN) -> RunRequest:
    return RunRequest("the bar", span, along_edges=False, keep_queries=True)


def record(
    document: Document,
    run: RunRecord,
    of: ScriptedEngine,
    *,
    asked: RunRequest | None = None,
    cancel: CancelToken | None = None,
    resumes: bool = False,
) -> Iterator[RunEvent]:
    events = Runner(of).run(asked or request(), reader=MemoryReader(numbered, _FRAMES), cancel=cancel or CancelToken())
    return recorded(events, run, document, keeps_masks=resumes)


def kept(document: Document) -> dict[int, MaskRecord]:
    return document.do(lambda project: {each.frame: each for each in project.masks(1)})


def state(document: Document, run: RunRecord) -> RunRecord:
    found = document.do(lambda project: project.run(run.run_id))
    assert found is not None
    return found


def test_what_a_consumer_sees_is_on_disk_when_it_sees_it(document: Document) -> None:
    run = begin(document, request())
    seen: list[RunEvent] = []
    for event in record(document, run, engine()):
        seen.append(event)
        if isinstance(event, WindowDone):
            now = kept(document)
            for frame in event.frames:
                assert frame_result(now[frame.frame_index]) == frame
    found = latest(seen)
    assert {index: frame_result(each) for index, each in kept(document).items()} == found
    assert sorted(found) == list(_SPAN)
    assert state(document, run).status == "done"
    queries = document.do(lambda project: list(project.query_masks(run.run_id)))
    assert [index for each in queries for index in each.span] == list(_SPAN)
    for each in queries:
        truth, classes = answer(list(each.span))
        assert np.array_equal(each.masks, truth > 0)
        assert np.allclose(each.probability, 1 / (1 + np.exp(-classes)), atol=1e-6)


@pytest.mark.slow
def test_a_run_may_be_interrupted_again_and_again(document: Document) -> None:
    run = begin(document, request())
    asked, left, before = request(), _SPAN, 0
    for window in (3, 2, 3):
        with pytest.raises(UserError):
            for _ in record(document, run, engine(always_out_of_memory(window)), asked=asked, resumes=before > 0):
                pass
        assert len(kept(document)) > before
        before = len(kept(document))
        (run,) = document.do(lambda project: project.interrupted())
        left = document.do(lambda project, run=run: project.remaining(run))
        assert left == FrameSpan(before, _FRAMES), "what was done stays done"
        asked = request_of(run, left)
    for _ in record(document, run, engine(), asked=asked, resumes=True):
        pass
    assert sorted(kept(document)) == list(_SPAN)
    assert document.do(lambda project: project.interrupted()) == []


def always_out_of_memory(window: int) -> Callable[[str], None]:
    calls = {"refer": 0, "encode": 0}

    def fail(what: str) -> None:
        calls[what] += 1
        if what == "refer" and calls["refer"] >= window:
            raise torch.OutOfMemoryError("CUDA out of memory")

    return fail


@pytest.mark.parametrize("window", [1, 4, 7, *(pytest.param(each, marks=pytest.mark.slow) for each in (2, 3, 5, 6))])
def test_memory_that_runs_out_at_any_window_keeps_the_windows_before(document: Document, window: int) -> None:
    run = begin(document, request())
    seen: list[RunEvent] = []
    with pytest.raises(UserError):
        for event in record(document, run, engine(always_out_of_memory(window))):
            seen.append(event)
    found = latest(seen)
    assert {index: frame_result(each) for index, each in kept(document).items()} == found
    if window == 1:
        assert document.do(lambda project: project.edits()) == [], "it left nothing, so it never was"
        return
    assert state(document, run).status == "failed"
    (again,) = document.do(lambda project: project.interrupted())
    left = document.do(lambda project: project.remaining(again))
    assert left == FrameSpan(max(found) + 1, _FRAMES)
    for _ in record(document, again, engine(), asked=request_of(again, left), resumes=True):
        pass
    assert sorted(kept(document)) == list(_SPAN)
    assert state(document, run).status == "done"
    assert len(document.do(lambda project: project.edits())) == 1, "it went on in its own entry of the history"
    document.do(lambda project: project.undo())
    assert kept(document) == {}


@pytest.mark.parametrize("window", range(1, 8))
def test_memory_that_runs_out_once_costs_nothing(document: Document, window: int) -> None:
    calls: list[str] = []

    def fail(what: str) -> None:
        calls.append(what)
        if what == "refer" and calls.count("refer") == window:
            raise torch.OutOfMemoryError("CUDA out of memory")

    run = begin(document, request())
    for _ in record(document, run, engine(fail)):
        pass
    assert sorted(kept(document)) == list(_SPAN)
    assert state(document, run).status == "done"


@pytest.mark.parametrize("moments", [25, pytest.param(200, marks=pytest.mark.slow)])
def test_cancelled_at_any_moment_there_are_whole_windows_and_nothing_else(tmp_path: Path, moments: int) -> None:
    dice = random.Random(moments)
    for moment in range(moments):
        path = tmp_path / f"{moment}.rvos"
        document = Document(partial(new_project, path))
        run = begin(document, request())
        cancel = CancelToken()
        timer = threading.Timer(dice.uniform(0, 0.06), cancel.cancel)
        timer.start()
        seen: list[RunEvent] = []
        try:
            for event in record(document, run, engine(), cancel=cancel):
                seen.append(event)
                time.sleep(0.004)
        except Cancelled:
            pass
        timer.join()
        found = latest(seen)
        assert {index: frame_result(each) for index, each in kept(document).items()} == found
        if found and len(found) < _FRAMES:
            assert state(document, run).status == "stopped"
        document.close().result()
        path.unlink()


def test_a_consumer_that_stops_listening_stops_the_run(document: Document) -> None:
    run = begin(document, request())
    events = record(document, run, engine())
    while not isinstance(next(events), WindowDone):
        pass
    events.close()  # type: ignore[attr-defined]
    assert state(document, run).status == "stopped"
    assert sorted(kept(document)) == list(range(8))


def test_a_run_over_masks_that_is_cancelled_before_its_first_window_leaves_them(document: Document) -> None:
    for _ in record(document, begin(document, request()), engine()):
        pass
    before = kept(document)
    cancel = CancelToken()
    again = begin(document, request())
    with pytest.raises(Cancelled):
        for _ in record(document, again, engine(), cancel=cancel):
            cancel.cancel()  # as soon as it says that it starts
    assert kept(document) == before
    assert len(document.do(lambda project: project.edits())) == 1


def test_a_locked_frame_is_left_alone_and_left_out(document: Document) -> None:
    for _ in record(document, begin(document, request()), engine()):
        pass
    mine = kept(document)[3].mask
    document.do(lambda project: project.apply(DrawMask(1, 11, mine)))
    seen = list(record(document, begin(document, request()), engine()))
    assert 11 not in latest(seen)
    assert kept(document)[11].mask == mine
    assert kept(document)[11].locked


def test_undo_in_the_middle_ends_the_run(document: Document) -> None:
    run = begin(document, request())
    events = record(document, run, engine())
    while not isinstance(next(events), WindowDone):
        pass
    document.do(lambda project: project.undo())
    with pytest.raises(Cancelled):
        list(events)
    assert kept(document) == {}
    document.do(lambda project: project.redo())
    assert sorted(kept(document)) == list(range(8))


def test_a_request_survives_the_project(document: Document) -> None:
    asked = replace(request(), window=4, stride=2, size=64, vote="window", believe=True, candidate=3)
    run = begin(document, asked)
    again = request_of(run, FrameSpan(5, 9))
    assert again == replace(asked, span=FrameSpan(5, 9), keep_queries=False)
    assert request_of(replace(run, settings="[["), _SPAN) == RunRequest("the bar", _SPAN)
    assert request_of(replace(run, settings='{"window": 4, "other": 1}'), _SPAN).window == 4


def test_windows_that_come_out_of_order_leave_true_gaps(document: Document) -> None:
    """As the engine motion hands them out: seeds first."""
    frames = latest(list(record(document, begin(document, request()), engine())))
    document.do(lambda project: project.undo())

    def out_of_order() -> Iterator[RunEvent]:
        for places in ((3, 20, 35), (4, 5, 19, 21), (0, 1, 2)):
            yield WindowDone(1, 9, tuple(frames[index] for index in places), 0.1, 1.0)
        raise Cancelled("stopped")

    run = begin(document, request())
    with pytest.raises(Cancelled):
        for _ in recorded(out_of_order(), run, document):
            pass
    (found,) = document.do(lambda project: project.interrupted())
    assert document.do(lambda project: project.remaining(found)) == FrameSpan(6, _FRAMES)
    assert sorted(kept(document)) == [0, 1, 2, 3, 4, 5, 19, 20, 21, 35]
