"""The engine `auto`: for each clip and sentence the learned model or `motion`, and the reason in a sentence.

The learned model knows the street world. It is taken where the frames look like that to it and it knows the words; on
other footage what moves, its colour and its side are the better guide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rvos_core.inference.cost import estimate_cost
from rvos_core.inference.events import RunCost, RunEvent, RunFinished, RunRequest, RunStarted, WindowDone
from rvos_core.inference.expression import checked_expression
from rvos_core.inference.looks import looks
from rvos_core.inference.runner import Runner
from rvos_core.types import CancelToken, FrameSpan, MediaInfo

if TYPE_CHECKING:
    from rvos_core.inference.motion.runner import Choices, MotionRunner
    from rvos_core.media import MediaReader
    from rvos_core.models.api import ModelCard
    from rvos_core.models.engine import Engine

AUTO = "auto"
_LOOKED_AT = 5  # frames of the span
_LEARNED_FROM = -0.25  # score: one world clip in a hundred has less, real footage seldom more
_UNKNOWN = 1.5  # what a word that the learned model does not know takes off the score


def auto_card(learned: ModelCard) -> ModelCard:
    """The engine's card; `learned`: that of the model which it may take."""
    description = (
        f"Takes {learned.name} where the clip looks like what it has learned and it knows the words, and the engine"
        " motion on other footage. It says which, and why."
    )
    return replace(learned, name=AUTO, description=description)


@dataclass(frozen=True)
class Choice:
    """Which engine, and why in one sentence. `score`: the higher, the more the learned model is at home."""

    learned: bool
    score: float
    why: str


class AutoRunner:
    """Runs requests on whichever engine suits them; `motion` is loaded when it is first wanted."""

    def __init__(self, learned: Engine, motion: Callable[[], MotionRunner]) -> None:
        self._learned = learned
        self._load_motion = motion
        self._motion: MotionRunner | None = None

    @property
    def card(self) -> ModelCard:
        """What it is, in the words of a model card."""
        return auto_card(self._learned.card)

    @property
    def device(self) -> str:
        """Where it runs."""
        return self._learned.device

    def estimate(self, info: MediaInfo, request: RunRequest) -> RunCost:
        """As the learned model; once `motion` has been wanted, the larger of both. Raises: UsageError."""
        cost = estimate_cost(self._learned, info, request)
        if self._motion is None:
            return cost
        other = self._motion.estimate(info, request)
        return max(cost, other, key=lambda each: (each.seconds or 0.0, each.memory_mib))

    def run(self, request: RunRequest, *, reader: MediaReader, cancel: CancelToken) -> Iterator[RunEvent]:
        """Events of the engine that is taken; the choice is the first note. Raises: as the engines' own `run`."""
        expression = checked_expression(request.expression)
        if request.candidate is None:
            choice = self.choose(expression, request.span, reader)
        else:
            choice = Choice(False, 0.0, "The engine motion was taken, because a candidate was chosen.")
        runner = Runner(self._learned) if choice.learned else self._moving()
        return _explained(runner.run(request, reader=reader, cancel=cancel), choice)

    def candidates(
        self, request: RunRequest, *, reader: MediaReader, cancel: CancelToken
    ) -> Iterator[WindowDone | Choices]:
        """As the engine motion finds them. Raises: as its `run`."""
        return self._moving().candidates(request, reader=reader, cancel=cancel)

    def choose(self, expression: str, span: FrameSpan, reader: MediaReader) -> Choice:
        """Look at a few frames of the span and at the words."""
        places = np.unique(np.linspace(span.start, span.stop - 1, _LOOKED_AT).round().astype(int))
        look = float(np.mean([looks(reader.frame(int(index))) for index in places]))
        unknown = self._learned.encode_text(" ".join(expression.split())).unknown_words
        score = look - _UNKNOWN * len(unknown)
        name = self._learned.card.name
        if score > _LEARNED_FROM:
            return Choice(True, score, f"{name} was taken: the clip looks like what it has learned.")
        words = ", ".join(f"“{word}”" for word in unknown)
        if look > _LEARNED_FROM:
            return Choice(False, score, f"The engine motion was taken: {name} does not know {words}.")
        return Choice(
            False, score, f"The engine motion was taken: the clip does not look like what {name} has learned."
        )

    def _moving(self) -> MotionRunner:
        if self._motion is None:
            self._motion = self._load_motion()
        return self._motion


def _explained(events: Iterator[RunEvent], choice: Choice) -> Iterator[RunEvent]:
    for event in events:
        if isinstance(event, RunStarted):
            yield replace(event, notes=(choice.why, *event.notes))
        elif isinstance(event, RunFinished):
            summary = replace(event.summary, why=choice.why, notes=(choice.why, *event.summary.notes))
            yield RunFinished(summary)
        else:
            yield event
