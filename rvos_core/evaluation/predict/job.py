"""One call that predicts a data set: what is wanted, what it tells while it works, and what there is in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from rvos_core.evaluation.predict.selection import Selection
from rvos_core.types import CancelToken

Listener: TypeAlias = Callable[[int, int, str], None]  # expressions done, expressions in all, the one that was done


@dataclass(frozen=True)
class Job:
    """The terms of a call.

    Attributes:
        selection: which videos and expressions.
        cancel: asked before every frame and expression.
        listener: told after each expression.
    """

    selection: Selection
    cancel: CancelToken = field(default_factory=CancelToken)
    listener: Listener | None = None


@dataclass(frozen=True)
class Predicted:
    """What there is now.

    Attributes:
        expressions: that were asked for.
        finished_before: of these, that an earlier call had finished.
        frames: with a mask (A2D, JHMDB: annotated frames).
        outputs: what it is -> its path.
        notes: sentences that a person should read.
    """

    expressions: int
    finished_before: int
    frames: int
    outputs: dict[str, Path]
    notes: tuple[str, ...] = ()


@dataclass
class Tally:
    """Counts expressions and tells the listener."""

    total: int
    finished_before: int
    listener: Listener | None = None
    done: int = field(init=False)

    def __post_init__(self) -> None:
        self.done = self.finished_before

    def add(self, what: str) -> None:
        """One more is finished."""
        self.done += 1
        if self.listener is not None:
            self.listener(self.done, self.total, what)
