"""Every engine by its name: `auto`, `motion`, and the referring models. Torch is imported when one is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rvos_core.errors import UsageError
from rvos_core.inference.auto import AUTO, AutoRunner, auto_card
from rvos_core.inference.cost import estimate_cost
from rvos_core.inference.events import RunCost, RunEvent, RunRequest, WindowDone
from rvos_core.inference.motion.engine import MOTION, load_motion, motion_card
from rvos_core.inference.motion.runner import Choices, MotionRunner
from rvos_core.inference.runner import Runner
from rvos_core.types import CancelToken, MediaInfo

if TYPE_CHECKING:
    from rvos_core.media import MediaReader
    from rvos_core.models.api import ModelCard
    from rvos_core.models.engine import Engine

DEFAULT_ENGINE = AUTO


class LoadedEngine(Protocol):
    """Something that turns requests into masks."""

    @property
    def card(self) -> ModelCard: ...
    @property
    def device(self) -> str: ...
    def estimate(self, info: MediaInfo, request: RunRequest) -> RunCost:
        """What a request will take. Raises: UsageError: it makes no sense on this clip."""
        ...

    def run(self, request: RunRequest, *, reader: MediaReader, cancel: CancelToken) -> Iterator[RunEvent]:
        """See `Runner.run`."""
        ...

    def candidates(
        self, request: RunRequest, *, reader: MediaReader, cancel: CancelToken
    ) -> Iterator[WindowDone | Choices]:
        """What could be meant, without masks. Raises: UsageError: this engine does not look for such."""
        ...


class LearnedEngine:
    """One referring model."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def card(self) -> ModelCard:
        """The model's."""
        return self._engine.card

    @property
    def device(self) -> str:
        """Where it runs."""
        return self._engine.device

    def estimate(self, info: MediaInfo, request: RunRequest) -> RunCost:
        """See `estimate_cost`."""
        return estimate_cost(self._engine, info, request)

    def run(self, request: RunRequest, *, reader: MediaReader, cancel: CancelToken) -> Iterator[RunEvent]:
        """See `Runner.run`."""
        if request.candidate is not None:
            raise self._no_candidates()
        return Runner(self._engine).run(request, reader=reader, cancel=cancel)

    def candidates(
        self, request: RunRequest, *, reader: MediaReader, cancel: CancelToken
    ) -> Iterator[WindowDone | Choices]:
        """Raises: UsageError: a referring model has none."""
        raise self._no_candidates()

    def _no_candidates(self) -> UsageError:
        return UsageError(
            f"{self.card.name} has no candidates to choose from.",
            hint=f"Take --model {MOTION} or --model {AUTO}.",
            code="usage.no_candidates",
        )


def engine_cards() -> tuple[ModelCard, ...]:
    """Cards of everything that takes a sentence, our own engines first; nothing is loaded."""
    from rvos_core.models.registry import DEFAULT_MODEL, DEFAULT_PROPAGATOR, card, referrer_cards

    return (auto_card(card(DEFAULT_MODEL)), motion_card(card(DEFAULT_PROPAGATOR)), *referrer_cards())


def load(name: str | Path = DEFAULT_ENGINE, *, device: str = "auto") -> LoadedEngine:
    """Load an engine. Raises: as `rvos_core.models.registry.load_engine`."""
    from rvos_core.models.registry import DEFAULT_MODEL, load_engine

    if name == MOTION:
        return MotionRunner(load_motion(device=device))
    if name == AUTO:
        learned = load_engine(DEFAULT_MODEL, device=device)
        return AutoRunner(learned, lambda: MotionRunner(load_motion(device=learned.device)))
    return LearnedEngine(load_engine(name, device=device))
