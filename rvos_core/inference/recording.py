"""A run written into a project as it goes: what a consumer sees has been committed before it sees it."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from dataclasses import replace

from rvos_core.errors import Cancelled
from rvos_core.inference.events import (
    FrameResult,
    FramesRevised,
    QueriesSettled,
    RunEvent,
    RunFinished,
    RunRequest,
    RunStarted,
    RunSummary,
    WindowDone,
)
from rvos_core.masks import bbox
from rvos_core.project.document import Document
from rvos_core.project.records import MaskRecord, RunRecord, RunState
from rvos_core.types import FrameSpan

_KEPT_RUNS = 20  # whose candidates stay in the project


def recorded(
    events: Iterable[RunEvent], run: RunRecord, document: Document, *, keeps_masks: bool = False
) -> Generator[RunEvent, None, None]:
    """Pass a run's events on, each after its masks and progress are on disk; locked frames are left out.

    Args:
        events: of one run, from its start.
        run: as `Project.begin_run` made it.
        keeps_masks: masks of the span stay until they are replaced (a run that goes on); else they go at the start.

    Raises:
        Cancelled: the run was undone meanwhile.
        UserError: the disk refuses; or as the run itself. Either way finished windows stay.
    """
    kept_any = keeps_masks
    finished = False
    keeper = _Keeper(run, document, goes_on=keeps_masks)
    try:
        for event in events:
            told = keeper.keep(event)
            kept_any = kept_any or (isinstance(event, WindowDone | FramesRevised) and bool(event.frames))
            finished = isinstance(event, RunFinished)
            yield told
    except Exception as error:
        finished = True
        state: RunState = "stopped" if isinstance(error, Cancelled) else "failed"
        _end(document, run, state if kept_any else None, str(error))
        raise
    finally:
        if not finished:  # the consumer stopped to listen
            _end(document, run, "stopped" if kept_any else None, "stopped")


def _end(document: Document, run: RunRecord, state: RunState | None, message: str) -> None:
    """The run ends early. `state`: None where it left no mask: it is as if it had never begun."""
    if state is None:
        document.submit(lambda project: project.abandon_run(run.run_id))
    else:
        document.submit(lambda project: project.finish_run(run.run_id, state, message=message))


class _Keeper:
    """Commits a run's events one by one. `goes_on`: it was interrupted, and its windows are counted from there."""

    def __init__(self, run: RunRecord, document: Document, *, goes_on: bool) -> None:
        self._run = run
        self._document = document
        self._goes_on = goes_on
        self._windows: int | None = None

    def keep(self, event: RunEvent) -> RunEvent:
        """Commit; the event as a consumer may see it."""
        run_id = self._run.run_id
        match event:
            case RunStarted():
                if not self._goes_on:
                    self._document.do(lambda project: project.clear_for_run(run_id))
            case WindowDone():
                written = [each for frames in _neighbours(event.frames) for each in self._window(frames)]
                return replace(event, frames=_those_of(event.frames, written))
            case FramesRevised():
                records = [mask_record(each, self._run) for each in event.frames]
                written = self._document.do(lambda project: project.revise(run_id, records))
                return replace(event, frames=_those_of(event.frames, written))
            case QueriesSettled():
                self._document.do(lambda project: project.keep_queries(run_id, event.queries))
            case RunFinished(summary):
                self._finish(summary)
        return event

    def _window(self, frames: list[FrameResult]) -> list[MaskRecord]:
        """Frames that follow one another: their masks, and that they are done."""
        if self._windows is None:
            self._windows = self._document.do(lambda project: project.windows_done(self._run))
        number = self._windows = self._windows + 1
        span = FrameSpan(frames[0].frame_index, frames[-1].frame_index + 1)
        records = [mask_record(each, self._run) for each in frames]
        return self._document.do(lambda project: project.commit_window(self._run.run_id, number, span, records))

    def _finish(self, summary: RunSummary) -> None:
        self._document.do(
            lambda project: project.finish_run(
                self._run.run_id,
                "done",
                note=" ".join(summary.notes),
                model=summary.model,
                score=summary.score,
                consensus=summary.consensus,
            )
        )
        self._document.submit(lambda project: project.prune_queries(keep_runs=_KEPT_RUNS))


def _neighbours(frames: tuple[FrameResult, ...]) -> list[list[FrameResult]]:
    """The frames in stretches without a gap: what moves is followed from its best frames, not from the first one."""
    stretches: list[list[FrameResult]] = []
    for each in sorted(frames, key=lambda frame: frame.frame_index):
        if stretches and each.frame_index == stretches[-1][-1].frame_index + 1:
            stretches[-1].append(each)
        else:
            stretches.append([each])
    return stretches


def mask_record(result: FrameResult, run: RunRecord) -> MaskRecord:
    """A result as the project keeps it."""
    return MaskRecord(
        run.object_id, result.frame_index, result.mask, "model", result.confidence, result.visible, run_id=run.run_id
    )


def frame_result(record: MaskRecord) -> FrameResult:
    """A mask of the project as a result. Raises: UserError: its run lengths are damaged."""
    box = bbox(record.mask) if record.visible else None
    floats = None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
    return FrameResult(record.frame, record.mask, record.confidence, floats, record.visible, record.absence)


def settings_of(request: RunRequest) -> str:
    """What a run was asked beside its sentence and span, as JSON."""
    return json.dumps(
        {
            "window": request.window,
            "stride": request.stride,
            "size": request.size,
            "vote": request.vote,
            "believe": request.believe,
            "along_edges": request.along_edges,
            "candidate": request.candidate,
        }
    )


def request_of(run: RunRecord, span: FrameSpan) -> RunRequest:
    """The request of a run that goes on, for the frames of `span`; what cannot be read has its default."""
    try:
        found = json.loads(run.settings)
        return RunRequest(run.expression, span, **{name: found[name] for name in found if name in _SETTINGS})
    except (ValueError, TypeError):
        return RunRequest(run.expression, span)


def _those_of(frames: tuple[FrameResult, ...], written: list[MaskRecord]) -> tuple[FrameResult, ...]:
    kept = {each.frame for each in written}
    return tuple(each for each in frames if each.frame_index in kept)


_SETTINGS = ("window", "stride", "size", "vote", "believe", "along_edges", "candidate")
