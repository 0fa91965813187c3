"""`rvos eval revote` and `rvos eval refine`: what corrections and a second model bring, on held-out street scenes."""

from __future__ import annotations

from typing import Annotated

import typer

from rvos_core.cli.options import DEFAULT_MODEL, DeviceOption, JsonOption, ModelOption
from rvos_core.cli.output import Output
from rvos_core.cli.session import cancel_on_interrupt, load_model

SplitOption = Annotated[str, typer.Option("--split", help="Which seeds of the street world: val, test or test-unseen.")]


def revote(
    *,
    model: ModelOption = DEFAULT_MODEL,
    split: SplitOption = "test",
    pairs: Annotated[int, typer.Option("--pairs", metavar="N", min=1, help="Clips to find.")] = 50,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Ask for one object, correct one frame to another: does the choice among the run's queries follow?"""
    from rvos_core.evaluation.revote import COVERED, evaluate_revote

    output = Output(as_json=as_json)
    with cancel_on_interrupt() as cancel:
        engine, _ = load_model(model, device=device, output=output)
        with output.progress("correcting") as meter:
            report = evaluate_revote(engine, split=split, pairs=pairs, progress=meter.update, cancel=cancel)
    scores = report.as_dict()
    output.say(
        f"{report.model} on the split {report.split}: {len(report.pairs)} clips in which a query covers the other"
        f" object (IoU over {COVERED}), of {report.clips} clips"
    )
    output.say(f"followed {report.followed:.3f}")
    output.say(
        f"mean IoU with it on the other frames: before {scores['iou_before']:.3f}, after {scores['iou_after']:.3f},"
        f" of the best query {scores['iou_best_query']:.3f}"
    )
    output.result(scores)
