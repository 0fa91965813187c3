"""The training loop: one for every stage. What is minimised is an `Objective`, what is fed are `batches`."""

from __future__ import annotations

import ctypes
import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from rvos_core.errors import RvosError
from rvos_core.language import WordTokenizer
from rvos_core.models.referring import ReferringNetwork
from rvos_core.training.batches import BatchShape, ReferringBatch, WorldBatches, batches
from rvos_core.training.checkpoint import Ema, load_checkpoint, save_checkpoint
from rvos_core.training.objectives import Objective

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # of mallopt(3), glibc
_GPU_BACKENDS = (SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH)

_LOG = logging.getLogger("rvos.training")


@dataclass(frozen=True)
class StageConfig:
    """One stage of a curriculum.

    Attributes:
        name: names the stage's files.
        steps: optimiser steps.
        shape: what a batch holds.
        learning_rate: peak rate of AdamW; linear warm-up, flat, then a cosine tail over the last `tail` share.
        seed: of the batches and of everything random in the step.
        only: train the parameters whose names begin so, and hold the others still.
        bf16: run the network in bfloat16 autocast where that is quick (a GPU, a CPU with AMX); losses stay in float32.
    """

    name: str
    steps: int
    shape: BatchShape = field(default_factory=BatchShape)
    learning_rate: float = 6e-4
    weight_decay: float = 0.02
    warmup: int = 50
    tail: float = 0.35
    clip_norm: float = 1.0
    ema_decay: float = 0.998
    seed: int = 0
    only: str = ""
    bf16: bool = True
    log_every: int = 20
    save_every: int = 100
    validate_every: int = 250


def quick_bf16(device: torch.device) -> bool:
    """Whether bfloat16 saves time on `device`; CPUs without AMX widen every number before they multiply it."""
    return device.type != "cpu" or bool(torch.cpu.get_capabilities().get("amx_bf16", False))


def keep_freed_memory() -> None:
    """Let this process keep memory it frees: a step's large tensors then cost no page faults in the next one.

    Saves a sixth of a training step's time on Linux; elsewhere nothing happens.
    """
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return
    libc.mallopt(_M_MMAP_MAX, 0)
    libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    libc.mallopt(_M_TOP_PAD, 256 * 1024 * 1024)


class Diverged(RvosError):
    """The loss is no longer a number."""


Validation = Callable[[ReferringNetwork], dict[str, float]]


class Trainer:
    """Runs one stage on one device and keeps `FOLDER/<stage>.pt` (resumable) and `FOLDER/<stage>.jsonl` (the curve)."""

    def __init__(
        self,
        model: ReferringNetwork,
        objective: Objective,
        tokenizer: WordTokenizer,
        *,
        config: StageConfig,
        folder: Path,
        device: torch.device,
        workers: int = 1,
        validation: Validation | None = None,
    ) -> None:
        self.model = model.to(device)
        self.objective = objective
        self.objective.heads.to(device)
        self.config = config
        self.device = device
        self.step = 0
        self.ema = Ema(model, decay=config.ema_decay)
        self._workers = workers
        self._validation = validation
        self._checkpoint = folder / f"{config.name}.pt"
        self._curve = folder / f"{config.name}.jsonl"
        self._dataset = WorldBatches(config.shape, tokenizer, seed=config.seed, steps=config.steps)
        trainable = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        self._still = [p for name, p in trainable if not name.startswith(config.only)]
        trained = [p for name, p in trainable if name.startswith(config.only)]
        self._parameters = [*trained, *objective.heads.parameters()]
        self._optimizer = torch.optim.AdamW(self._parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, *, resume: bool = True, until: int | None = None) -> None:
        """Train to the stage's end (or to step `until`), from the last checkpoint where there is one.

        Raises:
            Diverged: the loss became NaN or infinite; the checkpoint before it is kept.
        """
        torch.manual_seed(self.config.seed)
        if resume and self._checkpoint.exists():
            self._restore(load_checkpoint(self._checkpoint, self.device))
        for parameter in self._still:
            parameter.requires_grad_(False)
        try:
            self._run_steps(min(self.config.steps, until or self.config.steps))
        finally:
            for parameter in self._still:
                parameter.requires_grad_(True)

    def _run_steps(self, last: int) -> None:
        started, first = time.monotonic(), self.step
        for batch in batches(self._dataset, self.step, workers=self._workers):
            if self.step >= last:
                break
            figures = self._train_step(batch.to(self.device))
            if self.step % self.config.log_every == 0 or self.step == last:
                rate = (self.step - first) / (time.monotonic() - started)
                self._log(figures | {"step": self.step, "steps_per_s": round(rate, 3)})
            if self._validation and (self.step % self.config.validate_every == 0 or self.step == last):
                self._log({"step": self.step} | self.validate())
            if self.step % self.config.save_every == 0 or self.step == last:
                save_checkpoint(self._checkpoint, self._state())

    def validate(self) -> dict[str, float]:
        """Figures of the averaged weights; the trained ones are back in place afterwards."""
        assert self._validation is not None
        trained = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(self.ema.values)
        self.model.eval()
        try:
            return self._validation(self.model)
        finally:
            self.model.load_state_dict(trained)
            self.model.train()

    def rate_at(self, step: int) -> float:
        """Learning rate of a step."""
        config = self.config
        warm = min(1.0, (step + 1) / max(1, config.warmup))
        tail_from = config.steps * (1 - config.tail)
        late = max(0.0, (step - tail_from) / max(1.0, config.steps - tail_from))
        return config.learning_rate * warm * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * late)))

    def _train_step(self, batch: ReferringBatch) -> dict[str, float]:
        self.model.train()
        for group in self._optimizer.param_groups:
            group["lr"] = self.rate_at(self.step)
        # Short key sequences (words) make the plain form of attention the fastest one on a CPU.
        backends = [SDPBackend.MATH] if self.device.type == "cpu" else list(_GPU_BACKENDS)
        with (
            sdpa_kernel(backends),
            torch.autocast(
                self.device.type, dtype=torch.bfloat16, enabled=self.config.bf16 and quick_bf16(self.device)
            ),
        ):
            loss, figures = self.objective(self.model, batch, self.step / self.config.steps)
        if not math.isfinite(float(loss.detach())):
            raise Diverged(f"the loss of stage {self.config.name} is {float(loss.detach())} at step {self.step}")
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm: Tensor = torch.nn.utils.clip_grad_norm_(self._parameters, self.config.clip_norm)
        self._optimizer.step()
        self.ema.update(self.model)
        self.step += 1
        return {"loss": float(loss.detach()), "norm": float(norm)} | figures

    def _state(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "model": self.model.state_dict(),
            "heads": self.objective.heads.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "ema": self.ema.state_dict(),
            "rng": torch.get_rng_state(),
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.step = int(state["step"])
        self.model.load_state_dict(state["model"])
        self.objective.heads.load_state_dict(state["heads"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.ema.load_state_dict(state["ema"])
        torch.set_rng_state(state["rng"].cpu())

    def _log(self, figures: dict[str, float]) -> None:
        rounded = {name: round(value, 4) for name, value in figures.items()}
        _LOG.info("%s %s", self.config.name, rounded)
        with self._curve.open("a", encoding="utf-8") as file:
            file.write(json.dumps(rounded) + "\n")
