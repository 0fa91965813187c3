"""Training and scoring small ISVOS networks: followed from a true first mask through clips they have not seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from rvos_core.evaluation.ablations.budget import Budget
from rvos_core.evaluation.ablations.studies import FollowingRun
from rvos_core.evaluation.metrics import sequence_scores
from rvos_core.models.api import ModelCard
from rvos_core.models.isvos import Isvos
from rvos_core.models.propagators import IsvosPropagator
from rvos_core.training.engine import StageConfig, Trainer, Watch
from rvos_core.training.propagation import PropagationObjective
from rvos_core.training.propagation_curriculum import WEIGHTS
from rvos_core.training.propagation_data import ClipBatch, ClipMix, PropagationBatches

_MIX = ClipMix(sizes=((96, 96),), clips=8, lengths=(3,), world=0.3, still=0.1, occluders=0.3, lookalikes=0.5)
_HELD_OUT = replace(_MIX, sizes=((96, 160),), clips=1, lengths=(24,), still=0.0)


def train_following(
    run: FollowingRun, budget: Budget, *, name: str, seed: int, folder: Path, device: torch.device, watch: Watch | None
) -> Isvos:
    """Train one network; it comes back with its averaged weights, in evaluation mode.

    Raises:
        Diverged, Cancelled, UserError: as `Trainer.run`, which also resumes what was interrupted.
    """
    torch.manual_seed(seed)
    model = Isvos(run.network)
    steps = budget.following_steps
    stage = StageConfig(
        name,
        steps=steps,
        learning_rate=1e-3,
        weight_decay=0.01,
        tail=0.5,
        clip_norm=5.0,
        ema_decay=0.99,
        seed=seed,
        save_every=200,
        validate_every=10**9,
    )
    data = PropagationBatches(_MIX, seed=seed, steps=steps)
    trainer = Trainer(
        model, PropagationObjective(WEIGHTS), data, config=stage, folder=folder, device=device, workers=0, watch=watch
    )
    trainer.run()
    model.load_state_dict(trainer.ema.values)
    return model.eval()


def held_out_clips(budget: Budget) -> list[ClipBatch]:
    """The clips, of 24 frames of 96x160, that every run is scored on."""
    data = PropagationBatches(_HELD_OUT, seed=7, steps=budget.following_clips, split="val")
    return [data[step] for step in range(len(data))]


def score_following(
    run: FollowingRun, model: Isvos, clips: list[ClipBatch], *, device: torch.device
) -> dict[str, float]:
    """J&F over all frames after the first and all objects of the first, percent, for every memory size of the run.

    `jf` is that of the largest memory, `jf_<n>` that of n frames.
    """
    card = ModelCard(
        name="ablation",
        arch="isvos",
        parameters=sum(value.numel() for value in model.parameters()),
        licence="",
        description="",
        trained_on="",
        size=96,
        long_side=160,
        window=1,
        stride=1,
    )
    figures: dict[str, float] = {}
    for most in run.memories:
        memory = replace(run.network.memory, most=most)
        scores = []
        for clip in clips:
            propagator = IsvosPropagator(model, card=card, device=str(device), memory=memory)
            scores += _follow(propagator, clip.frames[0].numpy(), clip.labels[0].numpy())
        figures[f"jf_{most}"] = 100 * float(np.mean(scores))
    return {"jf": figures[f"jf_{max(run.memories)}"]} | figures


def _follow(propagator: IsvosPropagator, frames: np.ndarray, labels: np.ndarray) -> list[float]:
    """J&F of each object of the first frame."""
    ids = [int(each) for each in np.unique(labels[0]) if each]
    propagator.remember(frames[0], {each: labels[0] == each for each in ids}, permanent=True)
    drawn = np.zeros_like(labels[1:])
    for index, frame in enumerate(frames[1:]):
        prediction = propagator.step(frame)
        merged = np.concatenate([1 - prediction.probabilities.sum(0, keepdim=True).numpy(), prediction.probabilities])
        drawn[index] = np.array([0, *prediction.object_ids])[merged.argmax(0)]
    found = [sequence_scores(labels[1:] == each, drawn == each) for each in ids]
    return [float(np.mean(score.j) + np.mean(score.f)) / 2 for score in found]
