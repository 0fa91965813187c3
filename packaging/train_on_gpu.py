"""Train the bundled networks further on one GPU, all at once, for a given time.

    python packaging/train_on_gpu.py FOLDER --minutes 8

Each network has its own process; the processors draw the clips, which takes longer than the GPU's part. The pace is
measured first, so that the learning rate comes down just before the time is over. FOLDER/<name>.pt has the averaged
weights in half precision, written again and again on the way; `packaging/bundle_*.py` measure and bundle them. Where
such a file lies there already, its network goes on from it.
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from rvos_core.language import WordTokenizer
from rvos_core.models.configs import FlowSegmenterConfig
from rvos_core.models.flow_segmenter import FlowSegmenter
from rvos_core.models.ifirvos import Ifirvos
from rvos_core.synthetic import vocabulary
from rvos_core.training.batches import BatchShape, WorldBatches
from rvos_core.training.checkpoint import averaged_weights
from rvos_core.training.curriculum import MINI as REFERRING
from rvos_core.training.engine import StageConfig, Trainer, Watch
from rvos_core.training.flow_segmentation import MINI as FLOW
from rvos_core.training.flow_segmentation import FlowBatches, FlowObjective
from rvos_core.training.propagation import PropagationObjective
from rvos_core.training.propagation_curriculum import MINI as FOLLOWING
from rvos_core.training.propagation_data import ClipMix, PropagationBatches
from rvos_core.training.starting_weights import with_words
from rvos_core.weights.bundle import load_bundle
from rvos_resources.paths import weights_dir

_LOG = logging.getLogger("rvos.training")
_PROBE = 40  # steps that are timed
_WARM = 15  # of these, before the pace is steady
_SAVE_S = 40.0


@dataclass(frozen=True)
class Work:
    """A network to train.

    Attributes:
        config: numbers of the stage; its steps are set by the pace.
        trainer: makes one for a configuration.
        settings: JSON that the checkpoint is read by; empty: none is needed.
    """

    config: StageConfig
    trainer: Callable[[StageConfig, Path, Watch | None], Trainer]
    settings: str = ""


def referring(folder: Path, workers: int) -> Work:
    """`ifirvos-mini`, from the bundled weights: films of three sizes, the largest as sharp as the product's."""
    model, words = load_bundle(weights_dir() / "ifirvos-mini").referring()
    assert isinstance(model, Ifirvos) and isinstance(words, WordTokenizer)
    model, tokenizer = with_words(model, words, vocabulary())
    tokenizer.save(folder / "tokenizer.json")
    shape = BatchShape(((128, 224), (160, 288), (192, 336)), clips=12, frames=3, negatives=1, twins=0.7, min_objects=3)
    films = next(stage for stage in REFERRING if stage.config.name == "3-films")
    config = replace(
        films.config,
        name="ifirvos",
        shape=shape,
        learning_rate=4e-4,
        tail=0.8,
        ema_decay=0.998,
        seed=11,
        validate_every=10**9,
    )

    def trainer(config: StageConfig, folder: Path, watch: Watch | None) -> Trainer:
        data = WorldBatches(config.shape, tokenizer, seed=config.seed, steps=config.steps)
        return Trainer(
            model,
            films.objective(model),
            data,
            config=config,
            folder=folder,
            device=_CUDA,
            workers=workers,
            watch=watch,
        )

    return Work(config, trainer)


def following(folder: Path, workers: int) -> Work:
    """`isvos-mini`, from the bundled weights: longer clips at the product's size."""
    model = load_bundle(weights_dir() / "isvos-mini").following()
    films = FOLLOWING[-1]
    mix = ClipMix(
        sizes=((192, 336), (240, 432)),
        lengths=(3, 5),
        clips=10,
        world=0.15,
        still=0.1,
        fast=0.3,
        excursions=0.2,
        occluders=0.45,
    )
    config = replace(films.config, name="isvos", learning_rate=3e-4, tail=0.8, drops=(), ema_decay=0.998, seed=12)

    def trainer(config: StageConfig, folder: Path, watch: Watch | None) -> Trainer:
        data = PropagationBatches(mix, seed=config.seed, steps=config.steps)
        objective = PropagationObjective(films.weights)
        return Trainer(model, objective, data, config=config, folder=folder, device=_CUDA, workers=workers, watch=watch)

    return Work(config, trainer, settings=films.settings(model))


def flow(folder: Path, workers: int) -> Work:
    """The flow network, from random weights."""
    torch.manual_seed(0)
    model = FlowSegmenter(FlowSegmenterConfig())

    def trainer(config: StageConfig, folder: Path, watch: Watch | None) -> Trainer:
        data = FlowBatches(seed=config.seed, steps=config.steps)
        return Trainer(
            model, FlowObjective(), data, config=config, folder=folder, device=_CUDA, workers=workers, watch=watch
        )

    return Work(replace(FLOW, name="flow"), trainer)


_CUDA = torch.device("cuda" if torch.cuda.is_available() else "cpu")
_WORK: dict[str, tuple[Callable[[Path, int], Work], int]] = {
    "ifirvos": (referring, 6),
    "isvos": (following, 3),
    "flow": (flow, 4),
}


def train(name: str, folder: Path, *, until: float, workers: int) -> None:
    """Train one network until a time (of `time.time`)."""
    make, usual = _WORK[name]
    work = make(folder, workers or usual)
    times: list[float] = []
    probe = work.trainer(
        replace(work.config, steps=_PROBE, seed=99), folder / "probe", lambda *_: times.append(time.time())
    )
    if (before := folder / f"{name}.pt").exists():
        probe.model.load_state_dict(averaged_weights(before))
        _LOG.info("%s goes on from %s", name, before)
    probe.run(resume=False)
    pace = (times[-1] - times[_WARM]) / (len(times) - 1 - _WARM)
    steps = max(50, int(0.94 * (until - time.time() - 8) / pace))
    _LOG.info("%s: %.3f s a step, so %d steps", name, pace, steps)
    saved = time.time()

    def watch(step: int, steps: int, figures: dict[str, float]) -> None:
        nonlocal saved
        if time.time() - saved > _SAVE_S or step == steps:
            saved = time.time()
            _export(folder / f"{name}.pt", trainer, step=step, settings=work.settings)
        if time.time() > until + 5:
            raise SystemExit(f"{name}: out of time at step {step} of {steps}")

    trainer = work.trainer(replace(work.config, steps=steps, save_every=10**9), folder / "run", watch)
    trainer.run(resume=False)


def _export(path: Path, trainer: Trainer, *, step: int, settings: str) -> None:
    state: dict[str, Any] = {"step": step, "settings": settings}
    state["ema"] = {"values": {key: value.half().cpu() for key, value in trainer.ema.values.items()}}
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def main() -> int:
    """Train one network, or start a process for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--only", choices=sorted(_WORK), help="this network, in this process")
    parser.add_argument("--workers", type=int, default=0, help="processes that draw clips (0: as many as usual)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    torch.set_num_threads(1)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    until = time.time() + 60 * arguments.minutes
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.only:
        train(arguments.only, arguments.folder, until=until, workers=arguments.workers)
        return 0
    command = [sys.executable, __file__, str(arguments.folder), "--minutes", str(arguments.minutes), "--only"]
    running = [subprocess.Popen([*command, name]) for name in _WORK]
    codes = [process.wait() for process in running]
    _LOG.info("exit codes: %s", dict(zip(_WORK, codes, strict=True)))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
