"""`rvos eval ...`: how good masks are. `jf` compares folders; `synth` runs a model on held-out street scenes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rvos_core.cli.options import DEFAULT_MODEL, DeviceOption, JsonOption, ModelOption
from rvos_core.cli.output import Output
from rvos_core.cli.session import cancel_on_interrupt, load_model

evaluate_app = typer.Typer(help="Measure how good masks are.", no_args_is_help=True, rich_markup_mode=None)


class FrameProtocol(StrEnum):
    """Which frames count: all, or all but the first and last of each clip as in DAVIS 2017."""

    ALL = "all"
    DAVIS2017 = "davis2017"


@evaluate_app.command("jf")
def jf(
    *,
    gt: Annotated[
        Path, typer.Option("--gt", metavar="FOLDER", help="True masks: PNG files, or a folder of them per clip.")
    ],
    pred: Annotated[Path, typer.Option("--pred", metavar="FOLDER", help="Masks to score, paired by trailing number.")],
    protocol: Annotated[FrameProtocol, typer.Option("--protocol", help="Which frames count.")] = FrameProtocol.ALL,
    as_json: JsonOption = False,
) -> None:
    """Region similarity J, boundary accuracy F and their mean J&F, as the DAVIS benchmark defines them."""
    from rvos_core.evaluation.folders import evaluate_folders

    output = Output(as_json=as_json)
    with cancel_on_interrupt() as cancel, output.progress("scoring") as meter:
        report = evaluate_folders(gt, pred, protocol=protocol.value, progress=meter.update, cancel=cancel)
    scores = report.as_dict()
    for each in scores["per_clip"] if len(scores["per_clip"]) > 1 else []:
        output.say(f"{each['clip']}: J&F {each['jf']:.4f}, J {each['J']:.4f}, F {each['F']:.4f}")
    output.say(
        f"J&F {scores['jf']:.4f}, "
        f"J {scores['J']:.4f} (recall {scores['J_recall']:.4f}, decay {scores['J_decay']:.4f}), "
        f"F {scores['F']:.4f} (recall {scores['F_recall']:.4f}, decay {scores['F_decay']:.4f}); "
        f"{scores['frames']} frames, {scores['objects']} objects, {scores['clips']} clips"
    )
    output.result(scores)


@evaluate_app.command("synth")
def synth(
    *,
    model: ModelOption = DEFAULT_MODEL,
    split: Annotated[str, typer.Option("--split", help="Which seeds of the street world: val or test.")] = "test",
    clips: Annotated[int | None, typer.Option("--clips", metavar="N", help="Only the first N clips.")] = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Score a model on street scenes that training never drew."""
    from rvos_core.evaluation.synth import evaluate_synth

    output = Output(as_json=as_json)
    with cancel_on_interrupt() as cancel:
        engine, _ = load_model(model, device=device, output=output)
        with output.progress("scoring") as meter:
            report = evaluate_synth(engine, split=split, clips=clips, progress=meter.update, cancel=cancel)
    scores = report.as_dict()
    output.say(f"{report.model} on {report.clips} clips of the split {report.split}, {len(report.scores)} expressions")
    for name, figure in report.figures().items():
        output.say(f"{name:16} {figure.value:.3f}  (95 %: {figure.low:.3f} to {figure.high:.3f})")
    output.result(scores)
