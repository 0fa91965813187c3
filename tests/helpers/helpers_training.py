"""A very small network and runs of the training loop on it, also as processes of their own.

`python helpers_training.py FOLDER STEPS [BYTES]`: trains to STEPS, resumed where FOLDER has a checkpoint; no file may
grow beyond BYTES. Under `torchrun`'s variables several of them train together.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from rvos_core.language import WordTokenizer
from rvos_core.models.configs import ifirvos_mini_config
from rvos_core.models.ifirvos import Ifirvos
from rvos_core.synthetic import vocabulary
from rvos_core.training.batches import BatchShape, WorldBatches
from rvos_core.training.engine import StageConfig, Trainer
from rvos_core.training.objectives import Ramp, ReferringObjective, ReferringWeights
from rvos_core.training.processes import OneProcess, Processes, join_processes

TOKENIZER = WordTokenizer.from_words(vocabulary())
SHAPE = BatchShape(sizes=((32, 48),), clips=2, frames=1)
CPU = torch.device("cpu")
PAPERS = ReferringWeights(all_queries=Ramp(0.0, 0.0), grounding=Ramp(0.0, 0.0))
CHANGES: dict[str, Any] = {
    "backbone": {"widths": [8, 8, 16, 16], "blocks": [1, 1, 1, 1], "stem_width": 8, "norm_groups": 4},
    "text": {"width": 16, "layers": 1, "heads": 2, "ffn": 16},
    "hidden": 16,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "ffn": 16,
    "heads": 2,
    "points": 2,
    "mask_dim": 8,
    "projection_norm_groups": 4,
    "fpn_norm_groups": 4,
    "dropout": 0.0,
    "consensus_ffn": 16,
}
"""Of any network of the family, as a training configuration has them."""
# IFIRVOS's rate (section 4.2). AdamW moves a weight by the rate even where its gradient is nothing but rounding.
OF_PROCESSES: dict[str, Any] = {"ema_decay": 0.9, "learning_rate": 5e-5}


def small_model(*, seed: int = 0) -> Ifirvos:
    mini = ifirvos_mini_config(TOKENIZER.vocab_size)
    values = {key: value for key, value in CHANGES.items() if not isinstance(value, dict)}
    parts = {key: _tuples(CHANGES[key]) for key in ("backbone", "text")}
    config = replace(
        mini,
        **values,
        backbone=replace(mini.backbone, **parts["backbone"]),
        text=replace(mini.text, **parts["text"]),
        consensus=False,
    )
    torch.manual_seed(seed)
    return Ifirvos(config)


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def small_stage(**changes: Any) -> StageConfig:
    base = StageConfig("stage", steps=20, shape=SHAPE, warmup=1, log_every=1, save_every=1, bf16=False, seed=5)
    return replace(base, **changes)


def small_trainer(
    folder: Path, *, model: Ifirvos | None = None, processes: Processes | None = None, **changes: Any
) -> Trainer:
    """A trainer; keywords that are not fields of the stage go to `Trainer`."""
    names = StageConfig.__dataclass_fields__
    config = small_stage(**{name: value for name, value in changes.items() if name in names})
    others = {name: value for name, value in changes.items() if name not in names}
    model, joined = model or small_model(), processes or OneProcess(CPU)
    objective = ReferringObjective(model, PAPERS)
    data = WorldBatches(
        config.shape, TOKENIZER, seed=config.seed, steps=config.steps, rank=joined.rank, processes=joined.count
    )
    values = {"workers": 0, "processes": joined} | others
    return Trainer(model, objective, data, config=config, folder=folder, device=CPU, **values)


def start_run(folder: Path, steps: int, *, limit: int = 0, environment: dict[str, str] | None = None) -> Any:
    """This file as a process."""
    command = [sys.executable, __file__, str(folder), str(steps), str(limit)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | (environment or {}),
    )


def start_together(folder: Path, steps: int, *, count: int) -> list[Any]:
    """`count` processes that train together over the loopback interface."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(count), "ACCELERATE_USE_CPU": "1"}
    ranks = ({"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count))
    return [start_run(folder, steps, environment=shared | rank) for rank in ranks]


def curve(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "stage.jsonl").read_text().splitlines()]


def main() -> None:
    folder, steps, limit = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    processes = join_processes(CPU)
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    small_trainer(folder, processes=processes, **OF_PROCESSES).run(until=steps)


if __name__ == "__main__":
    main()
