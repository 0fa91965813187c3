"""What following from a run's surest frames gains or loses: the work of `rvos eval refine`.

The same run is scored as it is and refined (`inference/refining.py`), against exact masks: clips of the street world,
or a clip with its true masks and sentences in the layout of the demo clip.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from rvos_core.errors import UserError
from rvos_core.evaluation.clip_reader import clip_reader
from rvos_core.evaluation.metrics import sequence_scores
from rvos_core.evaluation.synth import choose_expressions, seeds_of
from rvos_core.inference.events import FrameResult, FramesRevised, RunRequest, WindowDone
from rvos_core.inference.refining import refined
from rvos_core.inference.runner import Runner
from rvos_core.masks import decode, read_indexed_png
from rvos_core.models.api import Propagator
from rvos_core.models.engine import Engine
from rvos_core.synthetic import make_clip, split_config
from rvos_core.types import CancelToken, FrameSpan

if TYPE_CHECKING:
    from rvos_core.media import MediaReader

Progress: TypeAlias = Callable[[int, int], None]  # sentences scored, sentences in all

_RATE = Fraction(12)


@dataclass(frozen=True)
class RefinedScore:
    """One sentence. `before`: J&F of the run; `after`: best frames followed from -> J&F."""

    clip: str
    text: str
    before: float
    after: dict[int, float]
    run_s: float
    refine_s: dict[int, float]


@dataclass(frozen=True)
class RefineReport:
    """All sentences."""

    model: str
    propagator: str
    source: str
    scores: tuple[RefinedScore, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        numbers = sorted({number for each in self.scores for number in each.after})
        return {
            "model": self.model,
            "propagator": self.propagator,
            "source": self.source,
            "sentences": len(self.scores),
            "jf": _mean(each.before for each in self.scores),
            "refined": {str(number): _mean(each.after[number] for each in self.scores) for number in numbers},
            "better": {
                str(number): _mean(float(each.after[number] > each.before) for each in self.scores)
                for number in numbers
            },
            "run_s": _mean(each.run_s for each in self.scores),
            "refine_s": {str(number): _mean(each.refine_s[number] for each in self.scores) for number in numbers},
            "per_sentence": [
                {"clip": each.clip, "text": each.text, "jf": each.before, "refined": each.after} for each in self.scores
            ],
        }


def refine_world(
    referrer: Engine,
    propagator: Propagator,
    *,
    split: str,
    clips: int,
    numbers: Sequence[int],
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> RefineReport:
    """Score the first sentence of each of the first `clips` clips of a split; words that are unknown are passed over.

    Raises:
        UsageError: the split is unknown or has fewer clips.
        Cancelled: if `cancel` is set.
    """
    cancel = cancel or CancelToken()
    scores = []
    seeds = seeds_of(split, clips)
    for done, seed in enumerate(seeds, start=1):
        clip = make_clip(seed, split_config(split))
        known = [
            each for each in choose_expressions(clip, seed=seed) if not referrer.encode_text(each.text).unknown_words
        ]
        for expression in known[:1]:
            assert expression.target is not None
            truth = clip.labels == expression.target + 1
            with clip_reader(clip.frames, name=f"street-world-{seed}", rate=_RATE) as reader:
                scores.append(
                    _score(referrer, propagator, reader, expression.text, truth=truth, numbers=numbers, cancel=cancel)
                )
        if progress is not None:
            progress(done, len(seeds))
    return RefineReport(referrer.card.name, propagator.card.name, f"street world, {split}", tuple(scores))


def refine_clip(
    referrer: Engine,
    propagator: Propagator,
    folder: Path,
    *,
    numbers: Sequence[int],
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> RefineReport:
    """Score all sentences of a clip that lies as the demo clip does: `street.mp4`, `masks/`, `expressions.json`.

    Raises:
        UserError: a file is missing or cannot be read.
        Cancelled: if `cancel` is set.
    """
    from rvos_core.media import open_media

    cancel = cancel or CancelToken()
    try:
        questions = json.loads((folder / "expressions.json").read_text(encoding="utf-8"))["expressions"]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{folder} has no sentences that can be read: {error}.", code="evaluation.clip") from error
    scores = []
    with open_media(folder / "street.mp4") as reader:
        labels = np.stack(list(_labels(folder / "masks", reader.info.frame_count)))
        for done, question in enumerate(questions, start=1):
            truth = labels == question["object_id"]
            scores.append(
                _score(referrer, propagator, reader, question["text"], truth=truth, numbers=numbers, cancel=cancel)
            )
            if progress is not None:
                progress(done, len(questions))
    return RefineReport(referrer.card.name, propagator.card.name, str(folder), tuple(scores))


def _score(
    referrer: Engine,
    propagator: Propagator,
    reader: MediaReader,
    text: str,
    *,
    truth: np.ndarray,
    numbers: Sequence[int],
    cancel: CancelToken,
) -> RefinedScore:
    began = time.perf_counter()
    latest: dict[int, FrameResult] = {}
    request = RunRequest(text, FrameSpan(0, len(truth)))
    for event in Runner(referrer).run(request, reader=reader, cancel=cancel):
        if isinstance(event, WindowDone | FramesRevised):
            latest.update((each.frame_index, each) for each in event.frames)
    frames = [latest[index] for index in request.span]
    run_s = time.perf_counter() - began
    after, seconds = {}, {}
    for number in numbers:
        began = time.perf_counter()
        after[number] = _jf(truth, refined(frames, propagator, reader, most=number, cancel=cancel))
        seconds[number] = time.perf_counter() - began
    return RefinedScore(str(reader.info.path), text, _jf(truth, frames), after, run_s, seconds)


def _jf(truth: np.ndarray, frames: Sequence[FrameResult]) -> float:
    return round(sequence_scores(truth, np.stack([decode(each.mask) for each in frames])).j_and_f, 4)


def _labels(folder: Path, count: int) -> Iterator[np.ndarray]:
    for index in range(count):
        yield read_indexed_png(folder / f"{index:05d}.png")


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return round(float(np.mean(found)), 4) if found else 0.0
