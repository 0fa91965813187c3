"""The curriculum that makes `ifirvos-mini` out of random weights: parts, single pictures, candidates, clips.

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
from rvos_core.training.objectives import Objective, Ramp, ReferringObjective, ReferringWeights
from rvos_core.training.parts import PartsObjective
from rvos_core.training.presets import LossConfig, LossWeights
from rvos_core.training.robust import RobustObjective
from rvos_core.training.validation import QuickValidation

_LOG = logging.getLogger("rvos.training")

SMALL = ((96, 160),)
MIXED = ((96, 160), (128, 224), (160, 288))
SHARP = ((128, 224), (160, 288))
LARGE = ((160, 288), (192, 320), (256, 448))


@dataclass(frozen=True)
class Stage:
    """A stage's numbers and what it minimises."""

    config: StageConfig
    objective: Callable[[ReferringNetwork], Objective]


def _referring(weights: ReferringWeights) -> Callable[[ReferringNetwork], Objective]:
    return lambda model: ReferringObjective(model, weights)


_FIRST_QUERY = ReferringWeights(
    matched=LossConfig.of(LossWeights(mask=4.0, dice=8.0)),
    first_query=True,
    all_queries=Ramp(0.0, 0.0),
    grounding=Ramp(0.5, 0.5),
    other_objects=0.5,
    vote=1.0,
    sight=0.5,
)

MINI: tuple[Stage, ...] = (
    Stage(
        StageConfig("1-parts", steps=1400, shape=BatchShape(SMALL, clips=16), learning_rate=1e-3, validate_every=10**9),
        PartsObjective,
    ),
    Stage(
        StageConfig("2-pictures", steps=1600, shape=BatchShape(SMALL, clips=12), tail=0.3, seed=1),
        _referring(ReferringWeights(all_queries=Ramp(1.0, 0.1, begin=0.2, until=0.8))),
    ),
    Stage(
        StageConfig(
            "3-candidates", steps=1100, shape=BatchShape(MIXED, clips=12), learning_rate=4e-4, tail=0.4, seed=2
        ),
        _referring(ReferringWeights(all_queries=Ramp(0.1, 0.0, until=0.2), other_objects=0.5)),
    ),
    Stage(
        StageConfig(
            "4-clips", steps=500, shape=BatchShape(LARGE, clips=2, frames=4), learning_rate=3e-4, tail=0.8, seed=3
        ),
        _referring(
            ReferringWeights(
                matched=LossConfig.of(LossWeights(mask=8.0, dice=16.0)),
                all_queries=Ramp(0.0, 0.0),
                other_objects=0.5,
                vote=2.0,
            )
        ),
    ),
    Stage(
        StageConfig(
            "5-many-clips",
            steps=700,
            shape=BatchShape(((96, 160), (128, 224)), clips=8, frames=3),
            learning_rate=4e-4,
            tail=0.85,
            ema_decay=0.99,
            seed=4,
        ),
        _referring(
            ReferringWeights(
                matched=LossConfig.of(LossWeights(mask=6.0, dice=15.0)),
                all_queries=Ramp(0.0, 0.0),
                other_objects=0.5,
                vote=2.0,
            )
        ),
    ),
    Stage(
        StageConfig(
            "6-twins",
            steps=420,
            shape=BatchShape(((96, 160), (128, 224)), clips=8, frames=2, expressions=3, twins=0.8, min_objects=3),
            learning_rate=5e-4,
            tail=0.75,
            ema_decay=0.99,
            seed=5,
        ),
        _referring(
            ReferringWeights(
                matched=LossConfig.of(LossWeights(classification=4.0, mask=4.0, dice=10.0)),
                all_queries=Ramp(0.0, 0.0),
                other_objects=0.5,
                vote=8.0,
            )
        ),
    ),
    Stage(
        StageConfig(
            "7-first-query",
            steps=1300,
            shape=BatchShape(((96, 160), (128, 224)), clips=10, expressions=3, twins=0.7, min_objects=3),
            learning_rate=5e-4,
            tail=0.4,
            ema_decay=0.995,
            seed=6,
        ),
        _referring(_FIRST_QUERY),
    ),
    Stage(
        StageConfig(
            "8-films",
            steps=900,
            shape=BatchShape(MIXED, clips=6, frames=3, expressions=3, negatives=1, twins=0.7, min_objects=3),
            learning_rate=4e-4,
            tail=0.7,
            ema_decay=0.995,
            seed=7,
        ),
        lambda model: RobustObjective(model, _FIRST_QUERY),
    ),
    Stage(
        StageConfig(
            "9-sharper",
            steps=320,
            shape=BatchShape(SHARP, clips=4, frames=3, expressions=3, negatives=1, twins=0.7, min_objects=3),
            learning_rate=3e-4,
            warmup=20,
            tail=1.0,
            ema_decay=0.99,
            seed=8,
        ),
        lambda model: RobustObjective(model, _FIRST_QUERY),
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
