"""Learning curves: `<stage>.jsonl`, one line a record; beside it TensorBoard's own files where they are wanted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

from rvos_core.errors import UserError
from rvos_core.files import write_file, writing


class Curve(Protocol):
    """Takes figures as they come."""

    def add(self, figures: dict[str, float]) -> None:
        """A record; `figures["step"]` says where it belongs."""
        ...

    def rewind(self, step: int) -> None:
        """Forget what was recorded after `step`: training goes on from there."""
        ...


class JsonCurve:
    """Lines of JSON."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, figures: dict[str, float]) -> None:
        with writing(self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(figures) + "\n")

    def rewind(self, step: int) -> None:
        if not self._path.exists():
            return
        lines = self._path.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if _step_of(line) <= step]
        if kept != lines:
            write_file(self._path, "".join(f"{line}\n" for line in kept).encode())


def _step_of(line: str) -> float:
    """The step of a line; infinite where a killed process left half a one."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")


class TensorboardCurve:
    """TensorBoard's event files.

    Raises:
        UserError: tensorboard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UserError(
                "--tensorboard needs the package tensorboard.",
                hint="Install it with `pip install 'rvos-studio[train]'`, or leave the option out.",
                code="training.no_tensorboard",
            ) from error
        self._folder = folder
        self._writer = SummaryWriter(str(folder))

    def add(self, figures: dict[str, float]) -> None:
        for name, value in figures.items():
            if name != "step":
                self._writer.add_scalar(name, value, int(figures["step"]))
        self._writer.flush()

    def rewind(self, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer.close()
        self._writer = SummaryWriter(str(self._folder), purge_step=step + 1)
