"""The learning curves of a training's stages, one after the other: figures of held-out data over the steps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rvos_core.errors import UserError
from rvos_core.evaluation.plot import draw_curves, painter_for
from rvos_core.files import write_file

FIGURES: dict[str, str] = {
    "val_J": "J",
    "val_oracle": "best query",
    "val_right": "right object",
    "val_others_covered": "others drawn",
}


@dataclass(frozen=True)
class StageCurve:
    """What a stage's `.jsonl` says of held-out data.

    Attributes:
        name: of the stage.
        steps: the last step that is recorded.
        validated: (step, figures) in order; figures are shares.
    """

    name: str
    steps: int
    validated: tuple[tuple[int, dict[str, float]], ...]


def read_curves(folder: Path) -> tuple[StageCurve, ...]:
    """The stages of a training's folder, by name. A line that a killed process left half is passed over.

    Raises:
        UserError: the folder has no curve with figures of held-out data.
    """
    stages = tuple(_stage(path) for path in sorted(folder.glob("*.jsonl")))
    if not any(stage.validated for stage in stages):
        raise UserError(
            f"{folder} has no learning curve with figures of held-out data.",
            hint="Give the folder that a training with validation writes its .jsonl files to.",
            code="evaluation.no_curve",
        )
    return stages


def write_curves(path: Path, stages: Sequence[StageCurve], *, title: str) -> None:
    """Draw the stages one after the other; a line stands where one ends.

    Raises:
        UsageError, UserError: as `plot.write_plot`.
    """
    curves: dict[str, list[tuple[int, float]]] = {}
    before, ends = 0, []
    for stage in stages:
        for step, figures in stage.validated:
            for key, name in FIGURES.items():
                if key in figures:
                    curves.setdefault(name, []).append((before + step, figures[key]))
        before += stage.steps
        ends.append(before)
    painter = painter_for(path)
    names = ", ".join(stage.name for stage in stages)
    draw_curves(painter, curves, title=title, label=f"optimiser steps ({names})", marks=ends[:-1])
    write_file(path, painter.content())


def _stage(path: Path) -> StageCurve:
    records = [record for line in path.read_text(encoding="utf-8").splitlines() if "step" in (record := _record(line))]
    steps = [int(record["step"]) for record in records]
    validated = [
        (int(record["step"]), {key: float(record[key]) for key in FIGURES if key in record})
        for record in records
        if any(key in record for key in FIGURES)
    ]
    return StageCurve(path.stem, max(steps, default=0), tuple(validated))


def _record(line: str) -> dict[str, Any]:
    """A line's object; empty where it is none."""
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
