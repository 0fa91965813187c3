"""What the model does, in the one GPU queue: load, estimate, run. Torch is imported in these jobs only."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rvos_app.i18n import tr
from rvos_app.jobs.candidate_pictures import candidate_pictures
from rvos_app.jobs.job import JobContext
from rvos_core.inference.events import QueriesSettled, RunCost, RunEvent, RunFinished, RunRequest, RunSummary
from rvos_core.inference.recording import recorded
from rvos_core.media import MediaReader
from rvos_core.project.document import Document
from rvos_core.project.records import RunRecord
from rvos_core.types import MediaInfo

if TYPE_CHECKING:
    from rvos_core.inference.engines import LoadedEngine
    from rvos_core.models.api import ModelCard
    from rvos_core.models.devices import DeviceInfo


@dataclass(frozen=True)
class EngineChoice:
    """Which model on which device."""

    model: str
    device: str


@dataclass(frozen=True)
class EngineReady:
    """A model is loaded."""

    choice: EngineChoice
    card: ModelCard
    device: str
    devices: tuple[DeviceInfo, ...]


class EngineSlot:
    """Holds the loaded model. Touched by jobs of the GPU queue only."""

    def __init__(self) -> None:
        self._choice: EngineChoice | None = None
        self._engine: LoadedEngine | None = None

    def get(self, choice: EngineChoice) -> LoadedEngine:
        """The model of `choice`; loads it where another one (or none) is held. A former model is let go first.

        Raises:
            UserError: no such model, damaged weights, no such device.
        """
        if self._engine is None or self._choice != choice:
            from rvos_core.inference.engines import load

            self._engine = self._choice = None
            self._engine = load(choice.model, device=choice.device)
            self._choice = choice
        return self._engine


@dataclass(frozen=True)
class LoadEngine:
    """Import torch, look which devices there are, load the weights."""

    slot: EngineSlot
    choice: EngineChoice

    @property
    def title(self) -> str:
        return tr("Loading the model")

    def run(self, context: JobContext) -> EngineReady:
        from rvos_core.models.devices import list_devices

        engine = self.slot.get(self.choice)
        return EngineReady(self.choice, engine.card, engine.device, list_devices())


@dataclass(frozen=True)
class EstimateRun:
    """Say what a run would cost."""

    slot: EngineSlot
    choice: EngineChoice
    info: MediaInfo
    request: RunRequest

    @property
    def title(self) -> str:
        return tr("Estimating the run")

    def run(self, context: JobContext) -> RunCost:
        return self.slot.get(self.choice).estimate(self.info, self.request)


@dataclass(frozen=True)
class Keeping:
    """Where a run is kept. `run`: known once the document has begun it; `resumes`: masks of its span stay."""

    document: Document
    run: Future[RunRecord]
    resumes: bool = False


@dataclass(frozen=True)
class RunExpression:
    """Find what one sentence describes; reports the runner's events as windows finish, and pictures of what else
    could be meant."""

    slot: EngineSlot
    choice: EngineChoice
    request: RunRequest
    reader: MediaReader
    keeping: Keeping

    @property
    def title(self) -> str:
        return tr("Finding “{expression}”", expression=self.request.expression)

    def run(self, context: JobContext) -> RunSummary:
        """The clip is read through a second reader, as one reader belongs to one thread."""
        engine = self.slot.get(self.choice)
        context.checkpoint()
        keeping = self.keeping
        with self.reader.reopen() as reader:
            events = engine.run(self.request, reader=reader, cancel=context.cancel)
            kept = recorded(events, keeping.run.result(), keeping.document, keeps_masks=keeping.resumes)
            with closing(kept):
                summary = self._follow(kept, reader, context)
        if summary is None:
            raise RuntimeError("the run ended without a summary")
        return summary

    def _follow(self, kept: Iterable[RunEvent], reader: MediaReader, context: JobContext) -> RunSummary | None:
        summary: RunSummary | None = None
        for event in kept:
            if isinstance(event, QueriesSettled):
                continue
            context.report(event)
            if isinstance(event, RunFinished):
                summary = event.summary
                context.report(candidate_pictures(reader, summary.candidates))
            else:
                context.checkpoint()
        return summary
