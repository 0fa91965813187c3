"""`rvos bench SUITE`: our parts beside their references. Ratios travel between machines; times do not."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from rvos_core.cli.options import JsonOption
from rvos_core.cli.output import Output
from rvos_core.cli.session import cancel_on_interrupt

if TYPE_CHECKING:
    from rvos_core.cli.bench_suites import Row


class Suite(StrEnum):
    """What is measured."""

    ALL = "all"
    KERNELS = "kernels"
    MASKS = "masks"
    MEDIA = "media"
    DOCUMENT = "document"
    CLICKS = "clicks"
    EXPORT = "export"


def bench(
    suite: Annotated[Suite, typer.Argument(help="What to measure.")],
    *,
    device: Annotated[
        str, typer.Option("--device", help="With cuda (cuda:N, mps): the networks there against the processor, too.")
    ] = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Measure our parts side by side with their references.

    A ratio of 2 means twice as fast as the reference; `limit` is the least that this part promises.
    """
    from rvos_core.cli.bench_device import on_device
    from rvos_core.cli.bench_suites import SUITES

    output = Output(as_json=as_json)
    rows: list[Row] = []
    with cancel_on_interrupt() as cancel:
        for name, measure in SUITES.items():
            if suite in (Suite.ALL, name):
                output.note(f"measuring {name}")
                rows += measure(cancel)
        if device != "cpu":
            output.note(f"measuring {device}")
            rows += on_device(device, cancel)
    _show(rows, output=output)
    output.result({"rows": [dataclasses.asdict(row) for row in rows]})


def _show(rows: list[Row], *, output: Output) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("part")
    for title in ("ratio", "limit", "ours ms", "reference ms"):
        table.add_column(title, justify="right")
    table.add_column("note")
    for row in rows:
        table.add_row(
            row.name, f"{row.ratio:.2f}", f"{row.limit:.2f}", f"{row.ours_ms:.2f}", f"{row.reference_ms:.2f}", row.note
        )
    output.show(table)
