"""Which rule makes one answer of many windows' consensus? Measured on long street scenes: `rvos eval consensus`.

R2-VOS decides window by window whether the object is there at all; its published script lets the last window speak for
the whole video. Here every rule is asked to tell expressions that mean an object (which may leave or come late) from
expressions that mean none, over the windows of the product's own run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rvos_core.errors import UserError
from rvos_core.evaluation.synth import Progress, choose_expressions, choose_negative, seeds_of
from rvos_core.inference.consensus import span_consensus
from rvos_core.inference.windows import plan_windows, window_rule
from rvos_core.models.api import FrameFeatures
from rvos_core.models.engine import Engine
from rvos_core.synthetic import make_clip, split_config
from rvos_core.types import CancelToken, FrameSpan

Rule = Callable[[Sequence[float]], float]

RULES: Mapping[str, Rule] = {
    "surer half": span_consensus,
    "mean": lambda windows: float(np.mean(windows)),
    "surest": max,
    "last window": lambda windows: windows[-1],
    "any (noisy or)": lambda windows: 1.0 - float(np.prod(1.0 - np.asarray(windows))),
}
SIZE = (128, 224)  # height, width of the scenes, pixels
_DENIED = 0.03


@dataclass(frozen=True)
class RuleScore:
    """How well one rule tells present from absent.

    Attributes:
        name: of the rule.
        auc: probability that a true expression gets a higher value than a false one (ties count half).
        caught: share of false expressions below the value that denies three of a hundred true ones.
    """

    name: str
    auc: float
    caught: float


@dataclass(frozen=True)
class RulesReport:
    """All rules on the same windows. `present`, `absent`: numbers of expressions; `windows`: mean number a clip."""

    model: str
    split: str
    clips: int
    frames: int
    present: int
    absent: int
    windows: float
    rules: tuple[RuleScore, ...]

    def as_dict(self) -> dict[str, Any]:
        """The object that `rvos eval consensus --json` prints."""
        return vars(self) | {"rules": [vars(rule) for rule in self.rules]}


def evaluate_rules(
    referrer: Engine,
    *,
    split: str = "val",
    clips: int = 40,
    frames: int = 40,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> RulesReport:
    """Ask for true and false expressions on the first `clips` clips of a split, drawn with `frames` frames.

    Raises:
        UsageError: the split is unknown, or has fewer clips.
        UserError: the model has no consensus head.
        Cancelled: if `cancel` is set.
    """
    seeds, cancel = seeds_of(split, clips), cancel or CancelToken()
    config = replace(split_config(split), frames=frames, height=SIZE[0], width=SIZE[1])
    present: list[list[float]] = []
    absent: list[list[float]] = []
    for done, seed in enumerate(seeds, start=1):
        clip = make_clip(seed, config)
        features = referrer.encode_frames(list(clip.frames))
        for expression in choose_expressions(clip, seed=seed):
            present.append(_windows(referrer, features, expression.text, cancel=cancel))
        if (nothing := choose_negative(clip, seed=seed)) is not None:
            absent.append(_windows(referrer, features, nothing.text, cancel=cancel))
        if progress is not None:
            progress(done, len(seeds))
    return RulesReport(
        model=referrer.card.name,
        split=split,
        clips=len(seeds),
        frames=frames,
        present=len(present),
        absent=len(absent),
        windows=float(np.mean([len(windows) for windows in present + absent])),
        rules=tuple(score_rule(name, rule, present, absent) for name, rule in RULES.items()),
    )


def score_rule(
    name: str, rule: Rule, present: Sequence[Sequence[float]], absent: Sequence[Sequence[float]]
) -> RuleScore:
    """One rule's figures; `present`, `absent`: the windows' consensus of each expression, neither empty."""
    there = np.array([rule(windows) for windows in present])
    not_there = np.array([rule(windows) for windows in absent])
    above = (there[:, None] > not_there).mean() + 0.5 * (there[:, None] == not_there).mean()
    caught = (not_there < np.quantile(there, _DENIED)).mean()
    return RuleScore(name, float(above), float(caught))


def _windows(referrer: Engine, features: FrameFeatures, text: str, *, cancel: CancelToken) -> list[float]:
    """Consensus of every window of the model card's rule."""
    said = referrer.encode_text(text)
    rule = window_rule(referrer.card, features.frames)
    found = []
    for window in plan_windows(FrameSpan(0, features.frames), rule):
        cancel.raise_if_cancelled()
        levels = tuple(level[window.start : window.stop] for level in features.levels)
        consensus = referrer.refer(FrameFeatures(levels, features.input_size), said).consensus
        if consensus is None:
            raise UserError(
                f"The model {referrer.card.name} does not say whether an object is there at all.",
                hint="Take one with a consensus head, e.g. R2-VOS.",
                code="evaluation.no_consensus",
            )
        found.append(consensus)
    return found
