"""What a training will cost, before it begins: parameters, memory and time, measured on a small step and scaled up."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from rvos_core.training.assembly import Training
from rvos_core.training.batches import ReferringBatch
from rvos_core.training.set_batches import LabelledBatch

_SHORT_SIDE = 96  # of the measured step, about
_MIB = 1024 * 1024
_BYTES_OF_STATE = 4 + 4 + 8 + 4  # of a parameter: itself, gradient, AdamW's two moments, average


@dataclass(frozen=True)
class Estimate:
    """Figures of a whole training on the device that was measured.

    Attributes:
        parameters, trained: of the network.
        steps, clips: optimiser steps, and clips that they go through.
        seconds: of all steps.
        memory_mib: of weights, optimiser and what one pass keeps for its gradients.
        disk_mib: of a checkpoint.
    """

    parameters: int
    trained: int
    steps: int
    clips: int
    seconds: float
    memory_mib: float
    disk_mib: float


def estimate(training: Training, device: torch.device, *, processes: int = 1) -> Estimate:
    """Measure one clip of the first batch at about a hundred pixels, and scale by pixels and frames.

    Attention over all cells grows faster than that, so long clips cost somewhat more.
    """
    batch = training.data[0].to(device)
    whole = _pixels(batch)
    clip = batch.parts(batch.clips, lambda value: value)[0] if batch.clips > 1 else batch
    small = _shrunk(clip)
    model, objective = training.model.to(device).train(), training.objective
    objective.heads.to(device)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(parameter.requires_grad and name.startswith(training.stage.only))
    kept, seconds = 0, 0.0
    heads = {name: value.clone() for name, value in objective.heads.state_dict().items()}
    for _ in range(2):  # the first one also compiles
        saved = _Saved()
        began = time.perf_counter()
        with torch.autograd.graph.saved_tensors_hooks(saved.keep, lambda tensor: tensor):
            loss, _figures = objective(model, small, 0.0)
        loss.backward()  # type: ignore[no-untyped-call]
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        kept, seconds = saved.bytes, time.perf_counter() - began
        model.zero_grad(set_to_none=True)
    objective.heads.load_state_dict(heads)
    at_once = _pixels(clip) * max(1, batch.clips // min(training.stage.parts, batch.clips))
    parameters = sum(each.numel() for each in model.parameters())
    trained = sum(each.numel() for each in model.parameters() if each.requires_grad)
    steps = training.stage.steps
    return Estimate(
        parameters=parameters,
        trained=trained,
        steps=steps,
        clips=steps * batch.clips * processes,
        seconds=steps * seconds * whole / _pixels(small),
        memory_mib=(8 * parameters + (_BYTES_OF_STATE - 8) * trained + kept * at_once / _pixels(small)) / _MIB,
        disk_mib=(8 * parameters + 8 * trained) / _MIB,
    )


class _Saved:
    """Counts the bytes that a pass keeps, each tensor once."""

    def __init__(self) -> None:
        self.bytes = 0
        self._seen: set[int] = set()

    def keep(self, tensor: Tensor) -> Tensor:
        if tensor.untyped_storage().data_ptr() not in self._seen:
            self._seen.add(tensor.untyped_storage().data_ptr())
            self.bytes += tensor.untyped_storage().nbytes()
        return tensor


def _pixels(batch: Any) -> int:
    own: int = batch.frames.numel() // 3
    images = getattr(batch, "images", None)
    return own + (0 if images is None else _pixels(images))


def _shrunk(batch: Any) -> Any:
    """The same clips with every k-th pixel."""
    step = max(1, min(batch.frames.shape[2:4]) // _SHORT_SIDE)
    changes: dict[str, Any] = {
        "frames": batch.frames[:, :, ::step, ::step],
        "labels": batch.labels[:, :, ::step, ::step],
    }
    names = {field.name for field in fields(batch)}
    if isinstance(batch, ReferringBatch) and batch.sizes is not None:
        changes["sizes"] = -(-batch.sizes // step)
    if isinstance(batch, LabelledBatch) and "images" in names and batch.images is not None:
        changes["images"] = _shrunk(batch.images)
    return replace(batch, **changes)
