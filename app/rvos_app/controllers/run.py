"""Runs: the model is loaded once, expressions wait in one line, masks stream into the state as windows finish."""

from __future__ import annotations

import logging
from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from rvos_app.controllers.clip import ClipController
from rvos_app.controllers.document import DocumentController
from rvos_app.errors import ErrorReport, ErrorReporter
from rvos_app.i18n import count, tr
from rvos_app.jobs.collector import GarbageCollector
from rvos_app.jobs.job import Ticket
from rvos_app.jobs.model_jobs import (
    EngineChoice,
    EngineReady,
    EngineSlot,
    EstimateRun,
    Keeping,
    LoadEngine,
    RunExpression,
)
from rvos_app.jobs.queue import JobQueue
from rvos_app.settings import Settings
from rvos_app.state import RunPhase, RunStatus, StudioState
from rvos_core.errors import UsageError
from rvos_core.inference.events import FramesRevised, RunCost, RunRequest, RunStarted, RunSummary, WindowDone
from rvos_core.inference.motion.engine import MOTION
from rvos_core.inference.recording import request_of
from rvos_core.media import MediaReader
from rvos_core.types import FrameSpan

_log = logging.getLogger("rvos.jobs")

_ESTIMATE_AFTER_MS = 150


class RunController(QObject):
    """Starts, pauses and cancels runs.

    Signals:
        engine_changed(EngineReady | None): a model is ready; None: it is being loaded, or could not be.
        loading_changed(bool): the model is being loaded.
        cost_changed(RunCost | None): what the next run would cost.
        run_finished(int, RunSummary): the object's run came to its end.
    """

    engine_changed = Signal(object)
    loading_changed = Signal(bool)
    cost_changed = Signal(object)
    run_finished = Signal(int, object)

    def __init__(
        self,
        state: StudioState,
        *,
        queue: JobQueue,
        clips: ClipController,
        documents: DocumentController,
        settings: Settings,
        reporter: ErrorReporter,
    ) -> None:
        super().__init__()
        self._state = state
        self._queue = queue
        self._clips = clips
        self._documents = documents
        self._settings = settings
        self._reporter = reporter
        self._slot = EngineSlot()
        self._engine: EngineReady | None = None
        self._load: Ticket | None = None
        self._estimate: Ticket | None = None
        self._runs: dict[Ticket, tuple[int, RunRequest, Keeping]] = {}
        self._estimate_timer = QTimer(self)
        self._estimate_timer.setSingleShot(True)
        self._estimate_timer.setInterval(_ESTIMATE_AFTER_MS)
        self._estimate_timer.timeout.connect(self._request_estimate)
        queue.started.connect(self._on_started)
        queue.progressed.connect(self._on_progressed)
        queue.finished.connect(self._on_finished)
        queue.failed.connect(self._on_failed)
        queue.cancelled.connect(self._on_cancelled)
        state.clip_changed.connect(self._on_clip_changed, max_args=0)
        state.span_changed.connect(self._estimate_timer.start, max_args=0)

    # -- the model -----------------------------------------------------------------------------------------------

    @property
    def choice(self) -> EngineChoice:
        """The model and device that the next run takes."""
        return EngineChoice(self._settings.model, self._settings.device)

    @property
    def engine(self) -> EngineReady | None:
        """The loaded model, or None."""
        return self._engine

    def choose(self, *, model: str | None = None, device: str | None = None) -> None:
        """Take another model or device and load it."""
        before = self.choice
        self._settings.model = model or before.model
        self._settings.device = device or before.device
        if self.choice != before:
            self._engine = None
            self.engine_changed.emit(None)
            self.load()

    def load(self) -> None:
        """Load the model in the background, unless that is done or under way."""
        if self._engine is not None and self._engine.choice == self.choice:
            return
        if self._load is not None:
            self._queue.cancel(self._load)
        self._load = self._queue.submit(LoadEngine(self._slot, self.choice))
        self.loading_changed.emit(True)

    # -- runs ----------------------------------------------------------------------------------------------------

    def start(
        self, expression: str, *, object_id: int | None = None, believe: bool = False, candidate: int | None = None
    ) -> int:
        """Run an expression between in and out.

        Args:
            object_id: the object whose masks are replaced; None: the object of that expression, or a new one.
            believe: take the expression for true, whatever the model says.
            candidate: the moving thing that a person chose.

        Returns:
            The object's id.

        Raises:
            UsageError: there is no expression.
        """
        words = " ".join(expression.split())
        if not words:
            raise UsageError(
                tr("Nothing to look for yet."),
                hint=tr("Describe one object, for example “the man in red riding a bike”."),
                code="expression.empty",
            )
        reader = self._clips.reader
        if reader is None:
            raise UsageError(tr("No clip is open."), hint=tr("Open a video first."), code="media.none")
        self._documents.require_writable()
        known = self._state.object(object_id) if object_id is not None else self._state.find_object(words)
        target = known or self._state.add_object(words)
        self._state.note_object(target.object_id, tr("Waiting"), expression=words)
        self._settings.remember_expression(words)
        request = RunRequest(
            expression=words, span=self._state.span, believe=believe, candidate=candidate, keep_queries=True
        )
        thing = self._state.object(target.object_id) or target
        keeping = Keeping(*self._documents.begin_run(thing, request, model=self.choice.model))
        self._line_up(target.object_id, request, reader, keeping)
        return target.object_id

    def resume(self) -> None:
        """Go on with the latest run of this clip that was interrupted. Raises: UsageError: there is none."""
        reader, standing = self._clips.reader, self._documents.standing
        known = [
            run for run in (standing.interrupted if standing else ()) if self._state.object(run.object_id) is not None
        ]
        left = self._documents.remaining(known[-1]) if known else FrameSpan(0, 0)
        if reader is None or not len(left):
            raise UsageError(tr("No run was interrupted."), code="run.nothing_to_resume")
        run = known[-1]
        keeping = Keeping(*self._documents.resume_run(run), resumes=True)
        request = replace(request_of(run, left), keep_queries=True)
        self._state.note_object(run.object_id, tr("Waiting"))
        self._line_up(run.object_id, request, reader, keeping)

    def _line_up(self, object_id: int, request: RunRequest, reader: MediaReader, keeping: Keeping) -> None:
        self._state.select(object_id)
        self.load()
        job = RunExpression(self._slot, self.choice, request, reader, keeping)
        ticket = self._queue.submit(job, generation=self._state.generation)
        self._runs[ticket] = (object_id, request, keeping)
        self._tell_waiting()

    def toggle_pause(self) -> None:
        """Hold the run, or let it go on."""
        ticket, run = self._current(), self._state.run
        if ticket is None:
            return
        if run.phase is RunPhase.PAUSED:
            self._queue.resume(ticket)
            self._state.set_run(replace(run, phase=RunPhase.RUNNING))
        elif run.phase is RunPhase.RUNNING:
            self._queue.pause(ticket)
            self._state.set_run(replace(run, phase=RunPhase.PAUSED))

    def cancel(self) -> None:
        """Stop the run and forget those that wait; finished frames stay."""
        for ticket in list(self._runs):
            self._queue.cancel(ticket)
        if self._state.run.active:
            self._state.set_run(replace(self._state.run, phase=RunPhase.STOPPING))

    def forget_object(self, object_id: int) -> None:
        """An object is about to be removed: its runs stop."""
        for ticket in [t for t, (target, _, _) in self._runs.items() if target == object_id]:
            self._queue.cancel(ticket)

    def _line(self) -> list[Ticket]:
        """The runs of this clip: the one at work, then those that wait."""
        return [t for t in self._runs if t.generation == self._state.generation]

    def _current(self) -> Ticket | None:
        return next(iter(self._line()), None)

    def _tell_waiting(self) -> None:
        """Keep the status true about how many runs there are; the first of them is the status's own."""
        line = self._line()
        if not line:
            self._state.set_run(RunStatus())
            return
        object_id = self._runs[line[0]][0]
        run = self._state.run
        waiting = len(line) - 1
        if run.object_id == object_id and run.active:
            self._state.set_run(replace(run, waiting=waiting))
        else:
            self._state.set_run(RunStatus(RunPhase.LOADING, object_id, waiting=waiting))

    @Slot(int, int)
    def take_candidate(self, object_id: int, number: int) -> None:
        """Follow another of the things that move, for the same object."""
        known = self._state.object(object_id)
        if known is not None:
            self.start(known.expression, object_id=object_id, candidate=number)

    # -- what the queue tells --------------------------------------------------------------------------------------

    @Slot(object)
    def _on_started(self, ticket: Ticket) -> None:
        if ticket in self._runs:
            self._tell_waiting()

    @Slot(object, object)
    def _on_progressed(self, ticket: Ticket, event: object) -> None:
        if ticket not in self._runs or ticket.generation != self._state.generation:
            return
        object_id, request, keeping = self._runs[ticket]
        if isinstance(event, RunStarted):
            if not keeping.resumes:
                self._documents.show_kept(object_id, request.span)
            self._state.note_object(object_id, "")
            self._set_progress(object_id, 0, event.windows, event.cost.seconds)
        elif isinstance(event, WindowDone):
            self._state.put_results(object_id, event.frames)
            self._set_progress(object_id, event.window, event.windows, event.eta_s)
        elif isinstance(event, FramesRevised):
            self._state.put_results(object_id, event.frames)
        elif isinstance(event, tuple):
            self._state.put_candidates(object_id, event)

    def _set_progress(self, object_id: int, done: int, windows: int, eta_s: float | None) -> None:
        phase = self._state.run.phase
        kept = phase if phase in (RunPhase.PAUSED, RunPhase.STOPPING) else RunPhase.RUNNING
        self._state.set_run(RunStatus(kept, object_id, done, windows, eta_s, len(self._line()) - 1))

    @Slot(object, object)
    def _on_finished(self, ticket: Ticket, result: object) -> None:
        if ticket == self._load:
            self._on_engine_ready(result)
        elif ticket == self._estimate:
            self._estimate = None
            self.cost_changed.emit(result if isinstance(result, RunCost) else None)
        elif ticket in self._runs and isinstance(result, RunSummary):
            object_id, _, _ = self._runs.pop(ticket)
            if ticket.generation == self._state.generation:
                self._state.note_object(object_id, note_of(result))
                self._documents.refresh()
                self.run_finished.emit(object_id, result)
            self._after_run()

    def _on_engine_ready(self, result: object) -> None:
        self._load = None
        self.loading_changed.emit(False)
        GarbageCollector.freeze()
        if isinstance(result, EngineReady) and result.choice == self.choice:
            _log.info("model %s on %s", result.card.name, result.device)
            self._engine = result
            self.engine_changed.emit(result)
            self._estimate_timer.start()

    @Slot(object, object)
    def _on_failed(self, ticket: Ticket, report: ErrorReport) -> None:
        if ticket == self._load:
            self._load = None
            self.loading_changed.emit(False)
            self.engine_changed.emit(None)
            self._reporter.report(report)
        elif ticket == self._estimate:
            self._estimate = None
            self.cost_changed.emit(None)
            _log.warning("no estimate: %s", report.message)
        elif ticket in self._runs:
            object_id, _, keeping = self._runs.pop(ticket)
            if ticket.generation == self._state.generation:
                self._end_early(object_id, keeping, tr("Failed"))
                self._reporter.report(report)
            self._after_run()

    @Slot(object)
    def _on_cancelled(self, ticket: Ticket) -> None:
        if ticket == self._load:
            self._load = None
            self.loading_changed.emit(False)
        elif ticket == self._estimate:
            self._estimate = None
        elif ticket in self._runs:
            object_id, _, keeping = self._runs.pop(ticket)
            if ticket.generation == self._state.generation:
                self._end_early(object_id, keeping, tr("Cancelled; finished frames are kept"))
            self._after_run()

    def _end_early(self, object_id: int, keeping: Keeping, note: str) -> None:
        """The document says what is left of the run; an object that has no mask yet goes with it."""
        self._documents.forget_if_unbegun(keeping.run)
        self._documents.look_again(object_id, note)

    def _after_run(self) -> None:
        self._tell_waiting()
        if not self._runs:
            self._estimate_timer.start()

    def _on_clip_changed(self) -> None:
        for ticket in list(self._runs):
            self._queue.cancel(ticket)
        self.cost_changed.emit(None)
        if self._state.clip is not None:
            self.load()
            self._estimate_timer.start()

    @Slot()
    def _request_estimate(self) -> None:
        """Ask what the next run would cost, once the model is there and nothing runs."""
        clip, engine = self._state.clip, self._engine
        if clip is None or engine is None or self._runs or not len(self._state.span):
            return
        if self._estimate is not None:
            self._queue.cancel(self._estimate)
        request = RunRequest(expression="", span=self._state.span)
        self._estimate = self._queue.submit(EstimateRun(self._slot, self.choice, clip, request))


def note_of(summary: RunSummary) -> str:
    """What is to be said of a finished run: which engine was taken and why, what was not found or understood."""
    notes = [note for note in summary.notes if note != summary.why]
    if summary.visible_frames:
        return " ".join([*notes, *filter(None, (summary.why,))])
    if summary.absent and summary.model != MOTION and summary.consensus is not None:
        percent = round(100 * (1 - summary.consensus))
        return tr("Not in this clip ({percent} % sure)", percent=percent)
    if summary.absent and notes:
        return " ".join(notes)
    return tr("Not found in {frames}", frames=count(len(summary.span), "frame", "frames"))
