"""The training that makes `isvos-mini` out of random weights, and its command.

    python -m rvos_core.training.propagation_curriculum FOLDER [--threads 1]

begins, or goes on where FOLDER's checkpoints end: they are written every 50 steps and at Ctrl-C. What came out is
measured, and made a bundled model, by `packaging/bundle_isvos.py`. The numbers follow a trial that was measured
to learn on one CPU core: AdamW at 4e-4 with a drop at 75 % of the steps, six clips of three frames a step.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from rvos_core.errors import Cancelled, UserError
from rvos_core.models.isvos import Isvos
from rvos_core.models.isvos_configs import IsvosConfig, isvos_mini_config
from rvos_core.training.checkpoint import load_checkpoint
from rvos_core.training.engine import StageConfig, Trainer, keep_freed_memory
from rvos_core.training.instance_losses import InstanceLossConfig
from rvos_core.training.propagation import PropagationObjective, PropagationWeights
from rvos_core.training.propagation_data import ClipMix, PropagationBatches
from rvos_core.training.propagation_losses import HardPixels

_LOG = logging.getLogger("rvos.training")

WEIGHTS = PropagationWeights(
    instances=0.05,  # of a sum over four layers: about as much as the two terms of the masks
    hard_pixels=HardPixels(share=0.25, begin=0.05, until=0.3),  # the trial: the hardest quarter
    instance_loss=InstanceLossConfig(points=1024),  # masks of 48 x 48 cells need no 12,544
)


@dataclass(frozen=True)
class FollowStage:
    """A stage's numbers and what its batches hold; it begins with the averaged weights of the one before."""

    config: StageConfig
    mix: ClipMix = field(default_factory=ClipMix)
    weights: PropagationWeights = WEIGHTS

    def settings(self, model: Isvos) -> str:
        """JSON of all that a checkpoint must agree on to be resumed; the network's part is read by `averaged_model`."""
        stage: dict[str, Any] = {"stage": asdict(self.config), "mix": asdict(self.mix), "weights": asdict(self.weights)}
        return json.dumps({"network": model.config.to_dict()} | stage)


def _numbers(name: str, *, steps: int, seed: int, ema_decay: float) -> StageConfig:
    return StageConfig(
        name,
        steps=steps,
        learning_rate=4e-4,
        weight_decay=0.01,
        tail=0.0,
        drops=(3 * steps // 4,),
        clip_norm=5.0,
        ema_decay=ema_decay,
        seed=seed,
        log_every=10,
        save_every=50,
    )


MINI: tuple[FollowStage, ...] = (
    FollowStage(
        _numbers("1-pieces", steps=1200, seed=0, ema_decay=0.998),
        ClipMix(world=0.1, still=0.2, fast=0.1, excursions=0.03, occluders=0.15, lookalikes=0.2),
    ),
    FollowStage(
        _numbers("2-films", steps=2200, seed=1, ema_decay=0.999),
        ClipMix(
            sizes=((192, 192), (240, 432)),
            lengths=(3, 5),
            clips=8,
            world=0.25,
            fast=0.3,
            excursions=0.2,
            occluders=0.45,
        ),
    ),
)


def train(
    model: Isvos, folder: Path, *, device: torch.device, workers: int = 1, stages: tuple[FollowStage, ...] = MINI
) -> None:
    """Run (or resume) `stages` in order; `model` ends with the averaged weights of the last.

    Raises:
        Diverged: a loss became NaN. Cancelled: after Ctrl-C. UserError: a checkpoint cannot be written or read.
    """
    for stage in stages:
        config = stage.config
        trainer = Trainer(
            model,
            PropagationObjective(stage.weights),
            PropagationBatches(stage.mix, seed=config.seed, steps=config.steps),
            config=config,
            folder=folder,
            device=device,
            workers=workers,
            settings=stage.settings(model),
        )
        trainer.run()
        model.load_state_dict(trainer.ema.values)
        _LOG.info("%s is done after %d steps", config.name, trainer.step)


def averaged_model(checkpoint: Path) -> tuple[Isvos, int]:
    """The network of a stage's checkpoint with its averaged weights, in evaluation mode; and the stage's steps so far.

    Raises:
        UserError: the file is missing, damaged, or no checkpoint of this training.
    """
    state = load_checkpoint(checkpoint, torch.device("cpu"))
    try:
        model = Isvos(IsvosConfig.from_dict(json.loads(state["settings"])["network"]))
        model.load_state_dict(state["ema"]["values"])
        return model.eval(), int(state["step"])
    except (KeyError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{checkpoint} is no checkpoint of isvos-mini's training.",
            hint="Give a .pt file of the folder that was trained in.",
            code="training.other_checkpoint",
        ) from error


def main() -> int:
    """Parse the command line and train; returns the exit code, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m rvos_core.training.propagation_curriculum")
    parser.add_argument("folder", type=Path, help="checkpoints and learning curves; run again to resume")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: as torch decides)")
    parser.add_argument("--workers", type=int, default=1, help="processes that make clips")
    parser.add_argument("--seed", type=int, default=0, help="of the first random weights")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    keep_freed_memory()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    model, device = Isvos(isvos_mini_config()), torch.device(arguments.device)
    try:
        train(model, arguments.folder, device=device, workers=arguments.workers)
    except UserError as error:
        _LOG.error("%s", error)
        return error.exit_code
    except Cancelled as stop:
        _LOG.info("%s", stop)
        return stop.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
