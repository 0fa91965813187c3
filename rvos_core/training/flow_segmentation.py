"""The training that makes the flow network out of random weights, and its command.

    python -m rvos_core.training.flow_segmentation FOLDER [--threads 1]

begins, or goes on where FOLDER's checkpoint ends. `packaging/bundle_flow.py` measures what came out and bundles it.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from rvos_core.inference.motion.flow import FlowEstimator, motion_input
from rvos_core.models.configs import FlowSegmenterConfig
from rvos_core.models.flow_segmenter import OFFSET_CELLS, FlowSegmenter
from rvos_core.synthetic import split_seeds
from rvos_core.synthetic.moving import MovingConfig, make_moving_scene
from rvos_core.training.batches import Mean
from rvos_core.training.engine import StageConfig, Trainer, keep_freed_memory

MINI = StageConfig(
    "flow", steps=3000, learning_rate=1e-3, weight_decay=0.01, tail=0.7, ema_decay=0.998, log_every=20, save_every=100
)
_SIZES = ((192, 336), (192, 336), (192, 256), (336, 192))
_ONE_SIDED = 0.12  # share of scenes at the clip's end: the other frame counts twice
_BLANKED = 0.3  # share whose picture is hidden, so that flow has to do


@dataclass(frozen=True)
class FlowBatch:
    """b scenes.

    Attributes:
        views: (b, 17, h, w) float32, see `motion_input`.
        labels: (b, h / 2, w / 2) int64: 0, or 1 + index of the mover.
        offsets: (b, 2, h / 2, w / 2) float32, cells from each mover's pixel to the middle of the mover.
    """

    views: Tensor
    labels: Tensor
    offsets: Tensor

    @property
    def clips(self) -> int:
        """b."""
        return len(self.views)

    def parts(self, count: int, mean: Mean) -> list[FlowBatch]:
        """`count` batches of about as many scenes."""
        bounds = [self.clips * part // count for part in range(count + 1)]
        return [
            FlowBatch(self.views[first:last], self.labels[first:last], self.offsets[first:last])
            for first, last in pairwise(bounds)
        ]

    def state(self) -> dict[str, Any]:
        """Tensors, for a file."""
        return dict(vars(self))

    def to(self, device: torch.device) -> FlowBatch:
        """The same batch on `device`."""
        return FlowBatch(self.views.to(device), self.labels.to(device), self.offsets.to(device))


class FlowBatches(Dataset[FlowBatch]):
    """Batch k is a function of seed and k only; map-style over steps."""

    def __init__(self, *, scenes: int = 12, seed: int, steps: int, split: str = "train") -> None:
        self._scenes = scenes
        self._seed = seed
        self._steps = steps
        self._seeds = split_seeds(split)

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> FlowBatch:
        height, width = _SIZES[step % len(_SIZES)]
        rng = np.random.default_rng([self._seed, step])
        made = [self._scene(rng, MovingConfig(height=height, width=width)) for _ in range(self._scenes)]
        views, labels, offsets = (torch.from_numpy(np.stack(parts)) for parts in zip(*made, strict=True))
        return FlowBatch(views, labels, offsets)

    def _scene(self, rng: np.random.Generator, config: MovingConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        scene = make_moving_scene(self._seeds[int(rng.integers(len(self._seeds)))], config)
        before, frame, after = scene.frames
        if rng.random() < _ONE_SIDED:
            before = after
        views = view_of(frame, before, after)
        if rng.random() < _BLANKED:
            views[-3:] = 0
        labels = np.ascontiguousarray(scene.labels[::2, ::2]).astype(np.int64)
        return views, labels, middles(labels)


def view_of(frame: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """`motion_input` of three small frames."""
    estimator = FlowEstimator()
    return motion_input(frame, before, after, (estimator.flow(frame, before), estimator.flow(frame, after)))


def middles(labels: np.ndarray) -> np.ndarray:
    """(h, w) labels -> (2, h, w) float32: (x, y) from each labelled cell to its mover's middle, 0 elsewhere."""
    offsets = np.zeros((2, *labels.shape), np.float32)
    for label in np.unique(labels[labels > 0]):
        y, x = np.nonzero(labels == label)
        offsets[:, y, x] = x.mean() - x, y.mean() - y
    return offsets


class FlowObjective:
    """Cross entropy and dice of "moves", and the distance of the votes for the middle."""

    def __init__(self) -> None:
        self.heads: nn.Module = nn.ModuleList()

    def __call__(self, model: FlowSegmenter, batch: FlowBatch, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Loss to minimise and the figures to log."""
        found = model(batch.views)
        moves = (batch.labels > 0).float()
        cross_entropy = F.binary_cross_entropy_with_logits(found.moving, moves)
        probability = found.moving.sigmoid()
        both = (probability * moves).flatten(1).sum(1)
        sizes = probability.flatten(1).sum(1) + moves.flatten(1).sum(1)
        dice = (1 - (2 * both + 20) / (sizes + 20)).mean()
        distance = (found.offsets - batch.offsets).abs().sum(1) / OFFSET_CELLS
        votes = (distance * moves).sum() / moves.sum().clamp(min=1)
        said = found.moving > 0
        union = (said | (moves > 0)).flatten(1).sum(1)
        iou = ((said & (moves > 0)).flatten(1).sum(1) / union.clamp(min=1))[moves.flatten(1).any(1)].mean()
        figures = {"cross_entropy": cross_entropy, "dice": dice, "votes": votes, "iou": iou}
        return cross_entropy + dice + 0.3 * votes, {name: float(value.detach()) for name, value in figures.items()}


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m rvos_core.training.flow_segmentation", description=__doc__)
    parser.add_argument("folder", type=Path, help="checkpoint and learning curve; run again to resume")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: as torch decides)")
    parser.add_argument("--workers", type=int, default=1, help="processes that draw the scenes")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    keep_freed_memory()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    train(arguments.folder, MINI, device=torch.device(arguments.device), workers=arguments.workers)


def train(folder: Path, config: StageConfig, *, device: torch.device, workers: int) -> FlowSegmenter:
    """Run (or resume) the training; the network ends with its averaged weights."""
    torch.manual_seed(config.seed)
    model = FlowSegmenter(FlowSegmenterConfig())
    trainer = Trainer(
        model,
        FlowObjective(),
        FlowBatches(seed=config.seed, steps=config.steps),
        config=config,
        folder=folder,
        device=device,
        workers=workers,
    )
    trainer.run()
    model.load_state_dict(trainer.ema.values)
    return model


if __name__ == "__main__":
    main()
