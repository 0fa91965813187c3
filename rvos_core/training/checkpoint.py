"""Training state on disk: written beside and renamed, so that a kill at any moment leaves the last good one."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rvos_core.errors import UserError
from rvos_core.files import atomic_file


class Ema:
    """Exponential moving average of a module's parameters and buffers (float32, on the module's device)."""

    def __init__(self, module: nn.Module, *, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.values = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Move towards `module`; the first updates move faster, so that random weights are soon forgotten."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                self.values[name].lerp_(value, 1 - decay)
            else:
                self.values[name].copy_(value)

    def state_dict(self) -> dict[str, Any]:
        """Values, decay and count, for a checkpoint."""
        return {"values": self.values, "updates": self.updates, "decay": self.decay}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        self.updates = int(state["updates"])
        self.decay = float(state["decay"])
        for name, value in state["values"].items():
            self.values[name].copy_(value)


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state` to `path`, all or nothing.

    Raises:
        UserError: the disk is full or the folder cannot be written; the old file is still in place.
    """
    try:
        with atomic_file(path) as part:
            torch.save(state, part)
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"Cannot write the checkpoint {path}: {error}.",
            hint="Free some space or choose another folder; the last checkpoint is still in place.",
            code="training.checkpoint",
        ) from error


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote; tensors only, no code.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise UserError(
            f"{path} is not a readable checkpoint.",
            hint="Put an older one in its place, or remove it to begin the stage again.",
            code="training.bad_checkpoint",
        ) from error
    return state


def averaged_weights(path: Path) -> dict[str, Tensor]:
    """The averaged weights in a stage's checkpoint. Raises: UserError: it has none."""
    try:
        values: dict[str, Tensor] = load_checkpoint(path, torch.device("cpu"))["ema"]["values"]
    except (KeyError, TypeError) as error:
        raise UserError(
            f"{path} is no checkpoint of a training.",
            hint="Give a NAME.pt or NAME.best.pt that `rvos train` wrote.",
            code="training.bad_checkpoint",
        ) from error
    return values


def refuse_other_settings(path: Path, state: dict[str, Any], settings: str, *, processes: int) -> None:
    """Refuse to resume a checkpoint that was made with other settings.

    Args:
        path: of the checkpoint, for the message.
        state: what it holds.
        settings: JSON of the settings now; an empty text is not compared.
        processes: that train now.

    Raises:
        UserError: naming what differs.
    """
    differing = _differences(json.loads(state.get("settings") or "{}"), json.loads(settings or "{}"))
    if settings and differing:
        raise UserError(
            f"{path} was made with another configuration: {'; '.join(differing[:4])}.",
            hint="Give that configuration, or choose another folder with -o.",
            code="training.other_settings",
        )
    if len(state.get("random", ())) != processes:
        raise UserError(
            f"{path} was made by {len(state.get('random', ()))} process(es); now there are {processes}.",
            hint="Start as many as before: batches and random numbers are shared out by their number.",
            code="training.other_settings",
        )


def _differences(old: Any, new: Any, where: str = "") -> list[str]:
    """`key was X, is Y` for every value in which two JSON trees differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = dict.fromkeys([*old, *new])
        return [each for key in keys for each in _differences(old.get(key), new.get(key), f"{where}.{key}".lstrip("."))]
    return [] if old == new else [f"{where} was {old!r:.60}, is {new!r:.60}"]
