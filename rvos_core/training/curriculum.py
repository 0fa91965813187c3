"""The curriculum that makes `ifirvos-mini` out of random weights: parts, single pictures, films, larger films.

The order and the aids follow what was measured to learn within minutes on two CPU cores (the decision page about
weights made in the street world); every stage starts from the averaged weights of the one before.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from rvos_core.language import WordTokenizer
from rvos_core.models.referring import ReferringNetwork
from rvos_core.training.batches import BatchShape, WorldBatches
from rvos_core.training.engine import StageConfig, Trainer
from rvos_core.training.objectives import Objective, Ramp, ReferringWeights
from rvos_core.training.parts import PartsObjective
from rvos_core.training.presets import LossConfig, LossWeights
from rvos_core.training.robust import RobustObjective
from rvos_core.training.validation import QuickValidation

_LOG = logging.getLogger("rvos.training")

SMALL = ((96, 160),)
MEDIUM = ((96, 160), (128, 224))
MIXED = ((96, 160), (128, 224), (160, 288))
SHARP = ((160, 288), (192, 320))


@dataclass(frozen=True)
class Stage:
    """A stage's numbers and what it minimises."""

    config: StageConfig
    objective: Callable[[ReferringNetwork], Objective]


def _referring(every_query: Ramp) -> Callable[[ReferringNetwork], Objective]:
    """The first query is the meant object, and every query at first (`every_query`); who is not there is denied."""
    weights = ReferringWeights(
        matched=LossConfig.of(LossWeights(mask=4.0, dice=8.0)),
        first_query=True,
        all_queries=every_query,
        grounding=Ramp(0.5, 0.5),
        other_objects=0.5,
        vote=1.0,
        sight=0.5,
    )
    return lambda model: RobustObjective(model, weights, deny=0.5)


MINI: tuple[Stage, ...] = (
    Stage(
        StageConfig("1-parts", steps=900, shape=BatchShape(SMALL, clips=16), learning_rate=8e-4, validate_every=10**9),
        PartsObjective,
    ),
    Stage(
        StageConfig(
            "2-pictures",
            steps=2400,
            shape=BatchShape(MEDIUM, clips=12, negatives=1, twins=0.7),
            learning_rate=6e-4,
            tail=0.4,
            ema_decay=0.995,
            validate_every=400,
            seed=1,
        ),
        _referring(Ramp(0.3, 0.0, begin=0.1, until=0.4)),
    ),
    Stage(
        StageConfig(
            "3-films",
            steps=1800,
            shape=BatchShape(MIXED, clips=7, frames=3, negatives=1, twins=0.7, min_objects=3),
            learning_rate=4e-4,
            tail=0.6,
            ema_decay=0.995,
            validate_every=300,
            seed=2,
        ),
        _referring(Ramp(0.0, 0.0)),
    ),
    Stage(
        StageConfig(
            "4-sharper",
            steps=700,
            shape=BatchShape(SHARP, clips=3, frames=3, negatives=1, twins=0.7, min_objects=3),
            learning_rate=3e-4,
            warmup=20,
            tail=1.0,
            ema_decay=0.99,
            validate_every=350,
            seed=3,
        ),
        _referring(Ramp(0.0, 0.0)),
    ),
)


def train(
    model: ReferringNetwork,
    tokenizer: WordTokenizer,
    folder: Path,
    *,
    stages: tuple[Stage, ...] = MINI,
    device: torch.device,
    workers: int = 1,
) -> None:
    """Run (or resume) `stages` in order; finished ones are skipped. `model` ends with the averaged weights of the last.

    Raises:
        Diverged: a loss became NaN. UserError: a checkpoint cannot be written or read.
    """
    for stage in stages:
        objective = stage.objective(model)
        validation = QuickValidation(tokenizer, replace(stage.config.shape, clips=8, negatives=0), device=device)
        trainer = Trainer(
            model,
            objective,
            WorldBatches(stage.config.shape, tokenizer, seed=stage.config.seed, steps=stage.config.steps),
            config=stage.config,
            folder=folder,
            device=device,
            workers=workers,
            validation=validation,
        )
        trainer.run()
        model.load_state_dict(trainer.ema.values)
        _LOG.info("%s is done after %d steps", stage.config.name, trainer.step)
