"""`rvos eval clicks`: a robot that clicks where the truth says, and how good masks become with each click."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rvos_core.cli.options import DeviceOption, JsonOption
from rvos_core.cli.output import Output, seconds_in_words
from rvos_core.cli.session import cancel_on_interrupt


class ClickerChoice(StrEnum):
    """Who answers: the clicker without any weights, or for each click the best answer of all there are."""

    PLAIN = "plain"
    BEST = "best"


def clicks(
    *,
    data: Annotated[
        Path, typer.Option("--data", metavar="FOLDER", help="JPEGImages and Annotations, as DAVIS lays them out.")
    ],
    count: Annotated[int, typer.Option("--clicks", metavar="N", min=1, max=100, help="Clicks on each frame.")] = 4,
    frames: Annotated[
        int, typer.Option("--frames", metavar="N", min=1, help="Frames of each object at most, evenly spread.")
    ] = 20,
    clicker: Annotated[
        ClickerChoice, typer.Option("--clicker", help="`plain` needs no weights; `best` takes what agrees best.")
    ] = ClickerChoice.BEST,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Click at the object, then at the middle of the largest error, and score the mask after each click.

    Every frame begins without a mask. The protocol stands in rvos_core/evaluation/clicks.py.
    """
    from rvos_core.evaluation.clicks import evaluate_clicks
    from rvos_core.inference.clicks import ClickSession, PlainClicker, load_clickers

    output = Output(as_json=as_json)
    with cancel_on_interrupt() as cancel:
        session = ClickSession([PlainClicker()] if clicker is ClickerChoice.PLAIN else load_clickers(device=device))
        began = time.monotonic()
        with output.progress("clicking") as meter:
            report = evaluate_clicks(
                session.answer, data, clicks=count, frames=frames, progress=meter.update, cancel=cancel
            )
    seconds = time.monotonic() - began
    scores = report.as_dict() | {"clicker": clicker.value, "clickers": list(session.clickers), "seconds": seconds}
    for name, values in report.per_clip().items():
        output.say(f"{name:16} {_row(values)}")
    output.say(f"{'mean of clips':16} {_row(report.mean())}   IoU after 1 to {count} clicks")
    answers = ", ".join(f"{name} {number}" for name, number in report.asked.items())
    output.say(f"{scores['frames']} frames; answers taken: {answers}; {seconds_in_words(seconds)}")
    output.result(scores)


def _row(values: object) -> str:
    import numpy as np

    return " ".join(f"{each:.4f}" for each in np.asarray(values))
