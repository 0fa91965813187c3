"""Running the ablations: every network with every seed, one after the other, each result written down when it is there.

`FOLDER/results.jsonl` has a line for each finished run. What is in it already is not trained again, and a run that was
interrupted goes on from its checkpoint.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from rvos_core.errors import UserError
from rvos_core.evaluation.ablations.budget import Budget
from rvos_core.evaluation.ablations.following_runs import held_out_clips, score_following, train_following
from rvos_core.evaluation.ablations.networks import small_ifirvos
from rvos_core.evaluation.ablations.referring_runs import (
    held_out_batches,
    pretrained_parts,
    score_referring,
    train_referring,
    training_batches,
)
from rvos_core.evaluation.ablations.studies import FollowingRun, Run, Study, run_key
from rvos_core.files import write_file
from rvos_core.language import WordTokenizer
from rvos_core.training.batches import ReferringBatch
from rvos_core.training.engine import Watch, keep_freed_memory
from rvos_core.training.propagation_data import ClipBatch
from rvos_core.types import CancelToken

Progress = Callable[[int, int], None]  # steps done and all steps

RESULTS = "results.jsonl"
_FINE = 1000  # parts of a run that progress is told in


@dataclass(frozen=True)
class Result:
    """One trained and scored network.

    Attributes:
        run: `run_key` of what was trained.
        seed: of weights and batches.
        figures: scores, percent.
        budget: what it was trained with; results of another budget are not compared.
    """

    run: str
    seed: int
    figures: dict[str, float]
    budget: str


def budget_key(budget: Budget) -> str:
    """JSON of the budget, as results carry it."""
    return json.dumps(asdict(budget), sort_keys=True)


def _stamp(budget: Budget) -> str:
    """Part of the names of files that another budget must not take up."""
    return hashlib.sha256(budget_key(budget).encode()).hexdigest()[:6]


def unique_runs(studies: Iterable[Study]) -> dict[str, Run]:
    """What must be trained for these studies, by `run_key`, in their order; rows that share a network share a run."""
    return {run_key(variant.run): variant.run for study in studies for variant in study.variants}


def read_results(folder: Path) -> list[Result]:
    """The results of a folder; none where it has no file. A line that a killed process left half is passed over.

    Raises:
        UserError: a whole line is no result.
    """
    path = folder / RESULTS
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    results = []
    for number, line in enumerate(text.split("\n")[:-1], start=1):  # what follows the last break is not whole
        try:
            results.append(Result(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise UserError(
                f"{path}, line {number}, is no result of an ablation.",
                hint="Remove the line; its run is then done again.",
                code="ablations.results",
            ) from error
    return results


def run_studies(
    studies: Sequence[Study],
    folder: Path,
    *,
    tokenizer: WordTokenizer,
    budget: Budget,
    seeds: int = 3,
    device: torch.device,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> list[Result]:
    """Train and score what `folder` has no result of yet; all results of this budget and these studies.

    The first seed of every run comes before the second of any, so that an early stop leaves whole tables.

    Raises:
        Cancelled: `cancel` is set, or Ctrl-C; the run in progress is in its checkpoint.
        UserError: the folder cannot be written to, or its results cannot be read.
    """
    keep_freed_memory()
    cancel = cancel or CancelToken()
    runs, key = unique_runs(studies), budget_key(budget)
    stamp = _stamp(budget)
    known = read_results(folder)
    done = {(each.run, each.seed) for each in known if each.budget == key}
    missing = [(name, seed) for seed in range(seeds) for name in runs if (name, seed) not in done]
    bench = _Bench(folder, tokenizer, budget, device=device)
    for count, (name, seed) in enumerate(missing):
        cancel.raise_if_cancelled()
        meter = _Meter(progress, count, len(missing), bench.steps_of(runs[name]))
        figures = bench.figures(runs[name], name=f"{name}-{seed}-{stamp}", seed=seed, watch=meter)
        known.append(Result(name, seed, figures, key))
        lines = [json.dumps(asdict(each)) for each in known]
        write_file(folder / RESULTS, "".join(f"{line}\n" for line in lines).encode())
        for checkpoint in folder.glob(f"{name}-{seed}-{stamp}.*"):
            checkpoint.unlink()
    return [each for each in known if each.budget == key and each.run in runs and each.seed < seeds]


@dataclass
class _Meter:
    """Turns the steps of one of several runs into a share of all."""

    progress: Progress | None
    before: int
    runs: int
    steps: int
    _done: int = 0

    def __call__(self, step: int, steps: int, figures: dict[str, float]) -> None:
        self._done += 1
        if self.progress is not None:
            self.progress(round(_FINE * (self.before + self._done / self.steps)), _FINE * self.runs)


class _Bench:
    """What the runs share, made when needed: batches, held-out clips, the weights referring networks begin with."""

    def __init__(self, folder: Path, tokenizer: WordTokenizer, budget: Budget, *, device: torch.device) -> None:
        self._folder = folder
        self._tokenizer = tokenizer
        self._budget = budget
        self._device = device
        self._seed = -1

    def steps_of(self, run: Run) -> int:
        """Optimiser steps of a run, over all its stages."""
        budget = self._budget
        following = isinstance(run, FollowingRun)
        return budget.following_steps if following else budget.picture_steps + budget.film_steps

    def figures(self, run: Run, *, name: str, seed: int, watch: Watch) -> dict[str, float]:
        """Train and score a network."""
        folder, budget, device = self._folder, self._budget, self._device
        if isinstance(run, FollowingRun):
            follower = train_following(run, budget, name=name, seed=seed, folder=folder, device=device, watch=watch)
            return score_following(run, follower, self._clips, device=device)
        if seed != self._seed:
            self._seed, self._batches = seed, training_batches(budget, self._tokenizer, seed=seed)
        network = train_referring(
            run,
            budget,
            self._batches,
            name=name,
            seed=seed,
            parts=self._parts,
            folder=folder,
            device=device,
            watch=watch,
        )
        return score_referring(network, self._held_out, device=device)

    @cached_property
    def _parts(self) -> dict[str, Tensor]:
        config = small_ifirvos(self._tokenizer.vocab_size)
        name = f"parts-{_stamp(self._budget)}"
        return pretrained_parts(config, self._budget, self._tokenizer, self._folder, name=name, device=self._device)

    @cached_property
    def _held_out(self) -> list[ReferringBatch]:
        return held_out_batches(self._budget, self._tokenizer)

    @cached_property
    def _clips(self) -> list[ClipBatch]:
        return held_out_clips(self._budget)
