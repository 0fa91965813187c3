"""How well a model finds what is meant in the street world: the work of `rvos eval synth`.

The product's own run (windows, linking, vote, visibility) is scored at clip size on a split's fixed seeds. In every
clip two expressions are taken, for two different objects: the first object is drawn by the seed; the second is one of
its category where the clip has one that can be named, so that only an attribute tells them apart. One more expression
means nothing in the clip: it differs from a true one in one attribute. The figures are the same on every machine up to
the model's own arithmetic.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from rvos_core.errors import UsageError
from rvos_core.evaluation.bootstrap import Interval, ratio_interval
from rvos_core.evaluation.clip_reader import clip_reader
from rvos_core.evaluation.metrics import sequence_scores
from rvos_core.inference.events import FrameResult, FramesRevised, RunRequest, WindowDone
from rvos_core.inference.runner import Runner
from rvos_core.masks import decode
from rvos_core.models.engine import Engine
from rvos_core.synthetic import Expression, SyntheticClip, make_clip, split_config, split_seeds
from rvos_core.types import CancelToken, FrameSpan

Progress: TypeAlias = Callable[[int, int], None]  # clips scored, clips in all

EXPRESSIONS_PER_CLIP = 2


@dataclass(frozen=True)
class ExpressionScore:
    """One expression on one clip.

    Attributes:
        seed: of the clip.
        text: the expression.
        category: of the object that is meant.
        phrases: what tells the object apart: names of the slots that the expression fills, or `category` alone.
        j, f: means over the clip's frames.
        right_object: whether the mask's IoU over the whole clip is greater with the meant object than with any other.
        absent_frames: frames where the meant object is out of sight.
        false_frames: those of them on which the mask is not empty.
        area_px: pixels of the masks, over all frames.
    """

    seed: int
    text: str
    category: str
    phrases: tuple[str, ...]
    j: float
    f: float
    right_object: bool
    absent_frames: int
    false_frames: int
    area_px: int

    @property
    def jf(self) -> float:
        return (self.j + self.f) / 2


@dataclass(frozen=True)
class NegativeScore:
    """An expression that means nothing in the clip; `area_px`: pixels of its masks, over all frames; 0 is right."""

    seed: int
    text: str
    area_px: int


@dataclass(frozen=True)
class SynthReport:
    """Scores of one model on one split.

    Attributes:
        model: name on the model card.
        split: which seeds.
        clips: number of clips.
        scores: one an expression, in order of clips.
        negatives: one a clip that has an expression without an object.
        swaps: (seed, whether both expressions of the clip found their own object), for clips whose two objects share
            a category.
        seconds: wall time.
    """

    model: str
    split: str
    clips: int
    scores: tuple[ExpressionScore, ...]
    negatives: tuple[NegativeScore, ...]
    swaps: tuple[tuple[int, bool], ...]
    seconds: float

    def figures(self) -> dict[str, Interval]:
        """Each figure with its 95 % interval (bootstrap over clips): `jf`, `J`, `F`, `right_object`,
        `attribute_swap`, `false_on_absent`, `R` (R2-VOS, section 5.1, over all clips), `false_on_negatives` (share of
        clips whose negative expression has a mask on any frame). A figure without a single case is left out.
        """
        areas: list[tuple[int, float, float]] = []
        if self.negatives:
            areas = [(score.seed, score.area_px, score.area_px) for score in self.scores]
        rows: dict[str, list[tuple[int, float, float]]] = {
            "jf": [(score.seed, score.jf, 1) for score in self.scores],
            "J": [(score.seed, score.j, 1) for score in self.scores],
            "F": [(score.seed, score.f, 1) for score in self.scores],
            "right_object": [(score.seed, score.right_object, 1) for score in self.scores],
            "attribute_swap": [(seed, both, 1) for seed, both in self.swaps],
            "false_on_absent": [(score.seed, score.false_frames, score.absent_frames) for score in self.scores],
            "R": [*areas, *((negative.seed, -negative.area_px, 0) for negative in self.negatives)],
            "false_on_negatives": [(negative.seed, negative.area_px > 0, 1) for negative in self.negatives],
        }
        return {name: ratio_interval(values) for name, values in rows.items() if any(row[2] for row in values)}

    def as_dict(self) -> dict[str, Any]:
        """The object that `rvos eval synth --json` prints."""
        figures = self.figures()
        return {
            **{name: figure.value for name, figure in figures.items()},
            "model": self.model,
            "split": self.split,
            "clips": self.clips,
            "expressions": len(self.scores),
            "absent_frames": sum(score.absent_frames for score in self.scores),
            "swap_pairs": len(self.swaps),
            "negatives": len(self.negatives),
            "interval_95": {name: [figure.low, figure.high] for name, figure in figures.items()},
            "by_phrase": self._grouped(lambda score: score.phrases),
            "by_category": self._grouped(lambda score: (score.category,)),
            "seconds": self.seconds,
        }

    def _grouped(self, names_of: Callable[[ExpressionScore], Sequence[str]]) -> dict[str, dict[str, float]]:
        groups: dict[str, list[ExpressionScore]] = {}
        for score in self.scores:
            for name in names_of(score):
                groups.setdefault(name, []).append(score)
        return {
            name: {
                "expressions": len(group),
                "jf": float(np.mean([score.jf for score in group])),
                "right_object": float(np.mean([score.right_object for score in group])),
            }
            for name, group in sorted(groups.items())
        }


def evaluate_synth(
    referrer: Engine,
    *,
    split: str = "test",
    clips: int | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> SynthReport:
    """Score a model on the first `clips` clips of a split (None: all of them; `train` has no end).

    Raises:
        UsageError: if the split is unknown, or has fewer clips.
        Cancelled: if `cancel` is set.
    """
    seeds = seeds_of(split, clips)
    cancel = cancel or CancelToken()
    runner = Runner(referrer)
    began = time.perf_counter()
    scores: list[ExpressionScore] = []
    negatives: list[NegativeScore] = []
    swaps: list[tuple[int, bool]] = []
    for done, seed in enumerate(seeds, start=1):
        clip = make_clip(seed, split_config(split))
        chosen = choose_expressions(clip, seed=seed)
        found = [_score(runner, clip, expression, seed=seed, cancel=cancel) for expression in chosen]
        scores += found
        if len(found) == EXPRESSIONS_PER_CLIP and len({score.category for score in found}) == 1:
            swaps.append((seed, all(score.right_object for score in found)))
        if (nothing := choose_negative(clip, seed=seed)) is not None:
            masks = _predict(runner, clip, nothing.text, seed=seed, cancel=cancel)
            negatives.append(NegativeScore(seed, nothing.text, int(masks.sum())))
        if progress is not None:
            progress(done, len(seeds))
    return SynthReport(
        model=referrer.card.name,
        split=split,
        clips=len(seeds),
        scores=tuple(scores),
        negatives=tuple(negatives),
        swaps=tuple(swaps),
        seconds=time.perf_counter() - began,
    )


def choose_expressions(clip: SyntheticClip, *, seed: int) -> tuple[Expression, ...]:
    """The two expressions that are scored, for two objects, of one category if possible; fewer where that is all."""
    positives = [expression for expression in clip.expressions if expression.target is not None]
    if not positives:
        return ()
    draw = np.random.Generator(np.random.PCG64(seed))
    first = positives[int(draw.integers(len(positives)))]
    others = [expression for expression in positives if expression.target != first.target]
    twins = [expression for expression in others if _category(clip, expression) == _category(clip, first)]
    pool = twins or others
    return (first, pool[int(draw.integers(len(pool)))]) if pool else (first,)


def choose_negative(clip: SyntheticClip, *, seed: int) -> Expression | None:
    """The expression without an object that is scored, drawn by the seed; None where the clip has none."""
    options = [expression for expression in clip.expressions if expression.target is None]
    draw = np.random.Generator(np.random.PCG64([seed, len(options)]))
    return options[int(draw.integers(len(options)))] if options else None


def seeds_of(split: str, clips: int | None) -> Sequence[int]:
    """The first `clips` seeds of a split (None: all). Raises: UsageError: it is unknown, endless or has fewer."""
    try:
        seeds = split_seeds(split)
    except ValueError as error:
        raise UsageError(f"{error}.", code="evaluation.split") from None
    if clips is None and len(seeds) > 1_000_000:
        raise UsageError(f"The split {split} has no end.", hint="Say how many clips.", code="evaluation.clips")
    if clips is not None and not 1 <= clips <= len(seeds):
        raise UsageError(
            f"The split {split} has {len(seeds)} clips, not {clips}.", hint="Ask for fewer.", code="evaluation.clips"
        )
    return seeds[:clips]


def _score(
    runner: Runner, clip: SyntheticClip, expression: Expression, *, seed: int, cancel: CancelToken
) -> ExpressionScore:
    assert expression.target is not None
    masks = _predict(runner, clip, expression.text, seed=seed, cancel=cancel)
    truth = clip.labels == expression.target + 1
    scores = sequence_scores(truth, masks)
    absent = ~truth.any(axis=(1, 2))
    return ExpressionScore(
        seed=seed,
        text=expression.text,
        category=_category(clip, expression),
        phrases=_phrases(expression),
        j=float(np.mean(scores.j)),
        f=float(np.mean(scores.f)),
        right_object=finds_its_object(masks, clip.labels, expression.target),
        absent_frames=int(absent.sum()),
        false_frames=int((absent & masks.any(axis=(1, 2))).sum()),
        area_px=int(masks.sum()),
    )


def finds_its_object(masks: np.ndarray, labels: np.ndarray, target: int) -> bool:
    """Whether `masks` (T, H, W) bool have a greater IoU over the clip with object `target` than with each other one.

    Args:
        masks: what was found.
        labels: (T, H, W) uint8, k + 1 where object k is.
        target: the object that is meant.
    """
    drawn = int(masks.sum())
    areas = np.bincount(labels.ravel(), minlength=target + 2)
    common = np.bincount(labels[masks], minlength=areas.size)
    ious = common[1:] / np.maximum(areas[1:] + drawn - common[1:], 1)
    return bool(ious[target] > np.delete(ious, target).max(initial=0.0))


def _predict(runner: Runner, clip: SyntheticClip, text: str, *, seed: int, cancel: CancelToken) -> np.ndarray:
    """Masks (T, H, W) bool of the product's own run."""
    latest: dict[int, FrameResult] = {}
    span = FrameSpan(0, len(clip.frames))
    with clip_reader(clip.frames, name=f"street-world-{seed}", rate=Fraction(12)) as reader:
        for event in runner.run(RunRequest(expression=text, span=span), reader=reader, cancel=cancel):
            if isinstance(event, WindowDone | FramesRevised):
                latest.update((frame.frame_index, frame) for frame in event.frames)
    return np.stack([decode(latest[index].mask) for index in span])


def _category(clip: SyntheticClip, expression: Expression) -> str:
    assert expression.target is not None
    return clip.objects[expression.target].category


def _phrases(expression: Expression) -> tuple[str, ...]:
    slots = expression.slots
    named = [field.name for field in fields(slots) if getattr(slots, field.name) is not None]
    return tuple(name for name in named if name != "category") or ("category",)
