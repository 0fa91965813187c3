"""How well a model finds what is meant in the street world: the work of `rvos eval synth`.

The product's own run (windows, linking, vote, visibility) is scored at clip size on a split's fixed seeds. In every
clip are asked: two of its expressions, for two different objects (the first is drawn by the seed, the second is one of
the same category where the clip has one that can be named); a pair of sentences that one word tells apart, where two
look-alikes allow it; and one expression that means nothing in the clip and differs from a true one in one attribute.
The figures are the same on every machine up to the model's own arithmetic.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import TypeAlias

import numpy as np

from rvos_core.errors import UsageError
from rvos_core.evaluation.clip_runs import Answer, ClipRuns
from rvos_core.evaluation.metrics import sequence_scores
from rvos_core.evaluation.synth_report import ExpressionScore, NegativeScore, PairScore, SynthReport
from rvos_core.models.engine import Engine
from rvos_core.synthetic import Expression, SyntheticClip, contrasting_pair, make_clip, split_config, split_seeds
from rvos_core.types import CancelToken

Progress: TypeAlias = Callable[[int, int], None]  # clips scored, clips in all

_COVERED = 0.5  # IoU
_NOT_A_PHRASE = ("category", "other")


def evaluate_synth(
    referrer: Engine,
    *,
    split: str = "test",
    clips: int | None = None,
    along_edges: bool = True,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> SynthReport:
    """Score a model on the first `clips` clips of a split (None: all of them; `train` has no end).

    `along_edges` as in `RunRequest`.

    Raises:
        UsageError: if the split is unknown, or has fewer clips.
        Cancelled: if `cancel` is set.
    """
    seeds = seeds_of(split, clips)
    cancel = cancel or CancelToken()
    began = time.perf_counter()
    scores: list[ExpressionScore] = []
    negatives: list[NegativeScore] = []
    pairs: list[PairScore] = []
    for done, seed in enumerate(seeds, start=1):
        clip = make_clip(seed, split_config(split))
        runs = ClipRuns(referrer, clip.frames, name=f"street-world-{seed}", along_edges=along_edges, cancel=cancel)
        scores += [_score(runs, clip, expression, seed=seed) for expression in choose_expressions(clip, seed=seed)]
        if (pair := contrasting_pair(clip, seed=seed)) is not None:
            pairs.append(_score_pair(runs, clip, pair, seed=seed))
        nothing = choose_negative(clip, seed=seed)
        if nothing is not None and not runs.unknown_words(nothing.text):
            negatives.append(NegativeScore(seed, nothing.text, int(runs.ask(nothing.text).masks.sum())))
        if progress is not None:
            progress(done, len(seeds))
    return SynthReport(
        model=referrer.card.name,
        split=split,
        clips=len(seeds),
        scores=tuple(scores),
        negatives=tuple(negatives),
        pairs=tuple(pairs),
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


def _score(runs: ClipRuns, clip: SyntheticClip, expression: Expression, *, seed: int) -> ExpressionScore:
    assert expression.target is not None
    answer, unknown = _asked(runs, clip, expression.text)
    truth = clip.labels == expression.target + 1
    scores = sequence_scores(truth, answer.masks)
    absent = ~truth.any(axis=(1, 2))
    found = np.delete(covers(answer.candidates(), clip.labels, len(clip.objects)), expression.target)
    seen = np.delete([facts.visible.any() for facts in clip.objects], expression.target)
    return ExpressionScore(
        seed=seed,
        text=expression.text,
        category=_category(clip, expression),
        phrases=_phrases(expression),
        unknown_words=unknown,
        j=float(np.mean(scores.j)),
        f=float(np.mean(scores.f)),
        right_object=finds_its_object(answer.masks, clip.labels, expression.target),
        absent_frames=int(absent.sum()),
        false_frames=int((absent & answer.masks.any(axis=(1, 2))).sum()),
        area_px=int(answer.masks.sum()),
        others=int(seen.sum()),
        covered=int((found & seen).sum()),
    )


def _score_pair(runs: ClipRuns, clip: SyntheticClip, pair: tuple[Expression, Expression], *, seed: int) -> PairScore:
    right = []
    for expression in pair:
        assert expression.target is not None
        answer, _ = _asked(runs, clip, expression.text)
        right.append(finds_its_object(answer.masks, clip.labels, expression.target))
    return PairScore(seed, (pair[0].text, pair[1].text), (right[0], right[1]))


def _asked(runs: ClipRuns, clip: SyntheticClip, text: str) -> tuple[Answer, tuple[str, ...]]:
    """The run's answer and the words that the model does not know; empty masks and no query where there are such."""
    unknown = runs.unknown_words(text)
    if not unknown:
        return runs.ask(text), ()
    return Answer(np.zeros(clip.labels.shape, bool), np.zeros((len(clip.labels), 0, 1, 1), np.float32)), unknown


def finds_its_object(masks: np.ndarray, labels: np.ndarray, target: int) -> bool:
    """Whether `masks` (T, H, W) bool have a greater IoU over the clip with object `target` than with each other one.

    Args:
        masks: what was found.
        labels: (T, H, W) uint8, k + 1 where object k is.
        target: the object that is meant.
    """
    ious = clip_ious(masks, labels, target + 1)
    return bool(ious[target] > np.delete(ious, target).max(initial=0.0))


def covers(candidates: np.ndarray, labels: np.ndarray, objects: int) -> np.ndarray:
    """(objects,) bool: with which objects some mask of `candidates` (q, T, H, W) has an IoU over .5 over the clip."""
    ious = [clip_ious(masks, labels, objects)[:objects] for masks in candidates]
    return np.any([each > _COVERED for each in ious], axis=0) if ious else np.zeros(objects, bool)


def clip_ious(masks: np.ndarray, labels: np.ndarray, objects: int) -> np.ndarray:
    """IoU over the whole clip of `masks` (T, H, W) bool with at least the first `objects` objects of `labels`."""
    drawn = int(masks.sum())
    areas = np.bincount(labels.ravel(), minlength=objects + 1)
    common = np.bincount(labels[masks], minlength=areas.size)
    ious: np.ndarray = common[1:] / np.maximum(areas[1:] + drawn - common[1:], 1)
    return ious


def _category(clip: SyntheticClip, expression: Expression) -> str:
    assert expression.target is not None
    return clip.objects[expression.target].category


def _phrases(expression: Expression) -> tuple[str, ...]:
    slots = expression.slots
    named = [field.name for field in fields(slots) if getattr(slots, field.name) is not None]
    return tuple(name for name in named if name not in _NOT_A_PHRASE) or ("category",)
