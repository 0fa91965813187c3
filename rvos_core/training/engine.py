"""The training loop: one for every stage. What is minimised is an `Objective`, what is fed are batches by step."""

from __future__ import annotations

import ctypes
import logging
import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from rvos_core.errors import Cancelled, UserError
from rvos_core.models.memory import unless_out_of_memory
from rvos_core.training.batches import BatchShape, Mean, StepData, batches
from rvos_core.training.checkpoint import Ema, load_checkpoint, refuse_other_settings, save_checkpoint
from rvos_core.training.curves import Curve, JsonCurve
from rvos_core.training.interrupts import Interrupts
from rvos_core.training.optimisers import GroupedAdamW, RateRule, Schedule
from rvos_core.training.processes import OneProcess, Processes
from rvos_core.training.random_state import random_state, restore_random_state

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # of mallopt(3), glibc
_GPU_BACKENDS = (SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH)

_LOG = logging.getLogger("rvos.training")


@dataclass(frozen=True)
class StageConfig:
    """One stage of a curriculum.

    Attributes:
        name: names the stage's files.
        steps: optimiser steps.
        shape: what a batch of the street world holds.
        learning_rate: peak rate of AdamW; linear warm-up, flat, then a cosine tail over the last `tail` share.
        drops: steps from which on the rate is multiplied by `drop_factor` once more.
        rates: parts of the network that learn at another rate, or not at all.
        parts: a batch is worked through in so many pieces, whose gradients add up to the batch's.
        clip_norm: largest norm of the gradient; 0: any.
        seed: of the batches and of everything random in the step.
        only: train the parameters whose names begin so, and hold the others still.
        bf16: run the network in bfloat16 autocast where that is quick (see `quick_bf16`); losses stay in float32.
        fp16: run it in float16 on a GPU, with the loss scaled; goes before `bf16`.
        best: figure of the validation, the largest of which is kept in `<stage>.best.pt`; empty: none is.
    """

    name: str
    steps: int
    shape: BatchShape = field(default_factory=BatchShape)
    learning_rate: float = 6e-4
    weight_decay: float = 0.02
    warmup: int = 50
    tail: float = 0.35
    drops: tuple[int, ...] = ()
    drop_factor: float = 0.1
    rates: tuple[RateRule, ...] = ()
    parts: int = 1
    clip_norm: float = 1.0
    ema_decay: float = 0.998
    seed: int = 0
    only: str = ""
    bf16: bool = True
    fp16: bool = False
    best: str = ""
    log_every: int = 20
    save_every: int = 100
    validate_every: int = 250

    @property
    def schedule(self) -> Schedule:
        """The learning rate over the steps."""
        return Schedule(self.learning_rate, self.steps, self.warmup, self.tail, self.drops, self.drop_factor)

    @property
    def rate_rules(self) -> tuple[RateRule, ...]:
        """`rates` and what `only` says."""
        return (*self.rates, RateRule("", 0.0), RateRule(self.only, 1.0)) if self.only else self.rates


def quick_bf16(device: torch.device) -> bool:
    """Whether bfloat16 saves time on `device`: a CPU that cannot multiply it widens every number first."""
    abilities = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return device.type != "cpu" or any(abilities.get(name, False) for name in ("amx_bf16", "avx512_bf16"))


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


class Diverged(UserError):
    """The loss is no longer a number."""

    def __init__(self, message: str, *, hint: str = "", code: str = "training.diverged") -> None:
        super().__init__(message, hint=hint, code=code)


class TrainingBatch(Protocol):
    """What the loop asks of a batch; `ReferringBatch` has the explanations."""

    @property
    def clips(self) -> int: ...
    def to(self, device: torch.device) -> Self: ...
    def parts(self, count: int, mean: Mean) -> Sequence[Self]: ...
    def state(self) -> dict[str, Any]: ...


# Networks and batches belong to their objective; the loop only hands them on.
Validation = Callable[[Any], dict[str, float]]
Watch = Callable[[int, int, dict[str, float]], None]  # step, steps, figures of the step


class TrainingObjective(Protocol):
    """What is minimised: `objectives.Objective` for any network and batch."""

    heads: nn.Module

    def __call__(self, model: Any, batch: Any, progress: float, /) -> tuple[Tensor, dict[str, float]]: ...


class Trainer:
    """Runs one stage and keeps `FOLDER/<stage>.pt` (resumable) and `FOLDER/<stage>.jsonl` (the curve)."""

    def __init__(
        self,
        model: nn.Module,
        objective: TrainingObjective,
        data: StepData[Any],
        *,
        config: StageConfig,
        folder: Path,
        device: torch.device,
        workers: int = 1,
        validation: Validation | None = None,
        processes: Processes | None = None,
        settings: str = "",
        curves: Sequence[Curve] = (),
        watch: Watch | None = None,
    ) -> None:
        """Args:

        data: this process's share of the batches.
        processes: that train together; None: this one alone.
        settings: JSON of all that a checkpoint must agree on to be resumed.
        curves: further ones beside `<stage>.jsonl`.
        watch: told of every step.
        """
        self.model = model.to(device)
        self.objective = objective
        self.objective.heads.to(device)
        self.config = config
        self.device = device
        self.step = 0
        self.ema = Ema(model, decay=config.ema_decay)
        self.best = -math.inf
        self.parts = config.parts
        self._data = data
        self._workers = workers
        self._validation = validation
        self._processes = processes or OneProcess(device)
        self._settings = settings
        self._watch = watch
        self._checkpoint = folder / f"{config.name}.pt"
        self._curves = [JsonCurve(folder / f"{config.name}.jsonl"), *curves]
        self._optimiser = GroupedAdamW(
            model, objective.heads.parameters(), rules=config.rate_rules, weight_decay=config.weight_decay
        )
        self._scaler = torch.amp.GradScaler(device.type, enabled=config.fp16 and device.type == "cuda")
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, *, resume: bool = True, until: int | None = None) -> None:
        """Train to the stage's end (or to step `until`), from the last checkpoint where there is one.

        Raises:
            Diverged: the loss became NaN or infinite; the checkpoint before it is kept, the batch lies beside it.
            Cancelled: after Ctrl-C, once the step is in the checkpoint.
            UserError: a checkpoint cannot be written, or is of other settings; one clip is too large for the memory.
        """
        torch.manual_seed(self.config.seed + self._processes.rank)
        if resume and self._checkpoint.exists():
            self._restore(load_checkpoint(self._checkpoint, self.device))
        for module in (self.model, self.objective.heads):
            self._processes.spread(module)
        for parameter in self._optimiser.still:
            parameter.requires_grad_(False)
        try:
            with Interrupts() as interrupts:
                self._run_steps(min(self.config.steps, until or self.config.steps), interrupts)
        finally:
            for parameter in self._optimiser.still:
                parameter.requires_grad_(True)

    def _run_steps(self, last: int, interrupts: Interrupts) -> None:
        started, first = time.monotonic(), self.step
        for batch in batches(self._data, self.step, workers=self._workers):
            if self.step >= last:
                break
            figures = self._train_step(batch.to(self.device))
            stop = self._any(interrupts.asked)
            if self.step % self.config.log_every == 0 or self.step == last:
                rate = (self.step - first) / (time.monotonic() - started)
                self._log(figures | {"step": self.step, "steps_per_s": round(rate, 3)})
            if self._watch is not None:
                self._watch(self.step, self.config.steps, figures)
            if self._validation and (self.step % self.config.validate_every == 0 or self.step == last):
                self._judge()
            if stop or self.step % self.config.save_every == 0 or self.step == last:
                self._save(self._checkpoint)
            if stop:
                raise Cancelled(f"Stopped after step {self.step}, which is in {self._checkpoint}.")

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
        return self.config.schedule.at(step)

    def _train_step(self, batch: TrainingBatch) -> dict[str, float]:
        self.model.train()
        self._optimiser.set_rate(self.rate_at(self.step))
        before = random_state(self.device)
        while (done := self._gradients(batch)) is None:
            self._take_smaller_parts(batch)
            restore_random_state(before, self.device)
        loss, figures = done
        if not math.isfinite(loss):
            self._diverge(batch, loss)
        self._processes.average_gradients(self._optimiser.trained)
        self._scaler.unscale_(self._optimiser.adamw)
        norm: Tensor = torch.nn.utils.clip_grad_norm_(self._optimiser.trained, self.config.clip_norm or math.inf)
        self._scaler.step(self._optimiser.adamw)
        self._scaler.update()
        self.ema.update(self.model)
        self.step += 1
        return {"loss": loss, "norm": float(norm)} | figures

    def _gradients(self, batch: TrainingBatch) -> tuple[float, dict[str, float]] | None:
        """The loss over all processes and this one's figures, with gradients left behind; None: too little memory."""
        self._optimiser.adamw.zero_grad(set_to_none=True)
        parts = batch.parts(min(self.parts, batch.clips), self._processes.mean)
        done = unless_out_of_memory(lambda: self._backward(parts))
        if self._any(done is None):
            return None
        assert done is not None
        loss, figures = done
        return float(self._processes.mean(torch.tensor(loss))), figures

    def _backward(self, parts: Sequence[TrainingBatch]) -> tuple[float, dict[str, float]]:
        total, sums = 0.0, dict[str, float]()
        for part in parts:
            with ExitStack() as contexts:
                self._enter_precision(contexts)
                loss, figures = self.objective(self.model, part, self.step / self.config.steps)
            total += float(loss.detach()) / len(parts)
            if not math.isfinite(total):
                break
            self._scaler.scale(loss / len(parts)).backward()  # type: ignore[no-untyped-call]
            for name, value in figures.items():
                sums[name] = sums.get(name, 0.0) + value / len(parts)
        return total, sums

    def _enter_precision(self, contexts: ExitStack) -> None:
        # Short key sequences (words) make the plain form of attention the fastest one on a CPU.
        backends = [SDPBackend.MATH] if self.device.type == "cpu" else list(_GPU_BACKENDS)
        contexts.enter_context(sdpa_kernel(backends))
        half = torch.float16 if self._scaler.is_enabled() else torch.bfloat16
        enabled = self._scaler.is_enabled() or (self.config.bf16 and quick_bf16(self.device))
        contexts.enter_context(torch.autocast(self.device.type, dtype=half, enabled=enabled))

    def _take_smaller_parts(self, batch: TrainingBatch) -> None:
        """Work the batch through in twice as many parts from now on: the same gradients with less memory."""
        if self.parts >= batch.clips:
            raise UserError(
                f"{self.device} has too little memory for one clip of stage {self.config.name}.",
                hint="Take smaller frames (augment.sides) or fewer of them, or another device.",
                code="training.out_of_memory",
            )
        self.parts = min(2 * self.parts, batch.clips)
        _LOG.warning(
            "%s ran out of memory at step %d: batches go through in %d parts from here on; the gradients stay the same",
            self.device,
            self.step,
            self.parts,
        )

    def _diverge(self, batch: TrainingBatch, loss: float) -> None:
        path = self._checkpoint.with_name(f"{self.config.name}.diverged-{self._processes.rank}.pt")
        save_checkpoint(path, {"step": self.step, "batch": batch.state(), "random": random_state(self.device)})
        raise Diverged(
            f"The loss of stage {self.config.name} is {loss} at step {self.step}; the batch is in {path}.",
            hint="The checkpoint before it is kept. Lower optimiser.rate or clip_norm, or train in float32.",
        )

    def _judge(self) -> None:
        """Validate (the first process only), and keep the best weights."""
        if self._processes.rank > 0:
            return
        figures = self.validate()
        self._log({"step": self.step} | figures)
        if (value := figures.get(self.config.best)) is not None and value > self.best:
            self.best = value
            state = {"step": self.step, "figures": figures, "settings": self._settings, "ema": self.ema.state_dict()}
            save_checkpoint(self._checkpoint.with_suffix(".best.pt"), state)

    def _any(self, said: bool) -> bool:
        """Whether any process says so."""
        return said if self._processes.count == 1 else float(self._processes.mean(torch.tensor(float(said)))) > 0

    def _save(self, path: Path) -> None:
        state = self._state()
        if self._processes.rank == 0:
            save_checkpoint(path, state)

    def _state(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "settings": self._settings,
            "best": self.best,
            "parts": self.parts,
            "model": self.model.state_dict(),
            "heads": self.objective.heads.state_dict(),
            "optimizer": self._optimiser.adamw.state_dict(),
            "scaler": self._scaler.state_dict(),
            "ema": self.ema.state_dict(),
            "random": self._processes.gather(random_state(self.device)),
        }

    def _restore(self, state: dict[str, Any]) -> None:
        refuse_other_settings(self._checkpoint, state, self._settings, processes=self._processes.count)
        try:
            self.model.load_state_dict(state["model"])
            self.objective.heads.load_state_dict(state["heads"])
            self._optimiser.adamw.load_state_dict(state["optimizer"])
            self._scaler.load_state_dict(state["scaler"])
            self.ema.load_state_dict(state["ema"])
            self.step, self.best, self.parts = int(state["step"]), float(state["best"]), int(state["parts"])
        except (KeyError, RuntimeError, ValueError) as error:
            raise UserError(
                f"{self._checkpoint} is the checkpoint of another network or stage.",
                hint="Choose another folder, or give the configuration that it was made with.",
                code="training.other_checkpoint",
            ) from error
        restore_random_state(state["random"][self._processes.rank], self.device)
        if self._processes.rank == 0:
            for curve in self._curves:
                curve.rewind(self.step)

    def _log(self, figures: dict[str, float]) -> None:
        if self._processes.rank > 0:
            return
        rounded = {name: round(value, 4) for name, value in figures.items()}
        _LOG.info("%s %s", self.config.name, rounded)
        for curve in self._curves:
            curve.add(rounded)
