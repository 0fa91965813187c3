"""`rvos eval ...`: how good masks are. `jf` compares folders; `synth` runs a model on held-out street scenes; the
benchmarks' own figures are in `evaluate_benchmarks` and `evaluate_r2`, trainings in `evaluate_training`, clicks in
`evaluate_clicks`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rvos_core.cli.evaluate_benchmarks import a2d, mevis, refdavis, ytvos
from rvos_core.cli.evaluate_clicks import clicks
from rvos_core.cli.evaluate_corrections import refine, revote
from rvos_core.cli.evaluate_effort import both_ways, effort, suspicion
from rvos_core.cli.evaluate_matte import matte
from rvos_core.cli.evaluate_r2 import r2
from rvos_core.cli.evaluate_training import ablations, curves
from rvos_core.cli.options import DEFAULT_MODEL, DeviceOption, JsonOption, ModelOption, PlainMasksOption
from rvos_core.cli.output import Output
from rvos_core.cli.scores import PlotOption, finish_scores, jf_line, scoring_output
from rvos_core.cli.session import cancel_on_interrupt, load_model

evaluate_app = typer.Typer(help="Measure how good masks are.", no_args_is_help=True, rich_markup_mode=None)
evaluate_app.command("refdavis")(refdavis)
evaluate_app.command("ytvos")(ytvos)
evaluate_app.command("mevis")(mevis)
evaluate_app.command("a2d")(a2d)
evaluate_app.command("r2")(r2)
evaluate_app.command("refine")(refine)
evaluate_app.command("revote")(revote)
evaluate_app.command("ablations")(ablations)
evaluate_app.command("curves")(curves)
evaluate_app.command("effort")(effort)
evaluate_app.command("suspicion")(suspicion)
evaluate_app.command("both-ways")(both_ways)
evaluate_app.command("clicks")(clicks)
evaluate_app.command("matte")(matte)


class FrameProtocol(StrEnum):
    """What counts: all frames; all but the first and last of each clip, as DAVIS 2017 has it for given objects
    (semi-supervised); or all frames with ids matched to those of the truth, as for objects that are found."""

    ALL = "all"
    DAVIS2017 = "davis2017"
    UNSUPERVISED = "unsupervised"


@evaluate_app.command("jf")
def jf(
    *,
    gt: Annotated[
        Path, typer.Option("--gt", metavar="FOLDER", help="True masks: PNG files, or a folder of them per clip.")
    ],
    pred: Annotated[Path, typer.Option("--pred", metavar="FOLDER", help="Masks to score, paired by trailing number.")],
    protocol: Annotated[
        FrameProtocol,
        typer.Option("--protocol", help="Which frames count; `unsupervised` also matches the ids of both sides."),
    ] = FrameProtocol.ALL,
    clips: Annotated[
        Path | None,
        typer.Option("--clips", metavar="FILE", help="Only the clips that FILE names, one a line (DAVIS's ImageSets)."),
    ] = None,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Region similarity J, boundary accuracy F and their mean J&F, as the DAVIS benchmark defines them."""
    from rvos_core.datasets.davis import read_names
    from rvos_core.evaluation.folders import evaluate_folders
    from rvos_core.evaluation.plot import Series

    output = scoring_output(as_json=as_json, plot=plot)
    with cancel_on_interrupt() as cancel, output.progress("scoring") as meter:
        names = read_names(clips) if clips is not None else None
        report = evaluate_folders(gt, pred, protocol=protocol.value, clips=names, progress=meter.update, cancel=cancel)
    scores = report.as_dict()
    for each in scores["per_clip"] if len(scores["per_clip"]) > 1 else []:
        output.say(f"{each['clip']}: J&F {each['jf']:.4f}, J {each['J']:.4f}, F {each['F']:.4f}")
    output.say(f"{jf_line(scores)}; {scores['frames']} frames, {scores['objects']} objects, {scores['clips']} clips")
    series = [Series(each.clip, each.frames, each.j, each.f) for each in report.objects]
    finish_scores(scores, series, plot=plot, title=f"J&F of {pred}", output=output)


@evaluate_app.command("synth")
def synth(
    *,
    model: ModelOption = DEFAULT_MODEL,
    split: Annotated[
        str, typer.Option("--split", help="Which seeds of the street world: val, test or test-unseen.")
    ] = "test",
    clips: Annotated[int | None, typer.Option("--clips", metavar="N", help="Only the first N clips.")] = None,
    plain_masks: PlainMasksOption = False,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Score a model on street scenes that training never drew; sentences with words it does not know are missed."""
    from rvos_core.evaluation.synth import evaluate_synth

    output = Output(as_json=as_json)
    with cancel_on_interrupt() as cancel:
        engine, _ = load_model(model, device=device, output=output)
        with output.progress("scoring") as meter:
            report = evaluate_synth(
                engine,
                split=split,
                clips=clips,
                along_edges=not plain_masks,
                progress=meter.update,
                cancel=cancel,
            )
    scores = report.as_dict()
    output.say(f"{report.model} on {report.clips} clips of the split {report.split}, {len(report.scores)} expressions")
    for name, figure in report.figures().items():
        output.say(f"{name:18} {figure.value:.3f}  (95 %: {figure.low:.3f} to {figure.high:.3f})")
    for title, groups in (("what is said", report.by_phrase()), ("category", report.by_category())):
        output.say(f"{title:18} expressions  J&F    right object")
        for name, group in groups.items():
            output.say(f"  {name:16} {group['expressions']:11}  {group['jf']:.3f}  {group['right_object']:.3f}")
    if strange := report.strange_words():
        output.say(
            f"{scores['unknown_words']} expressions have words that {report.model} does not know and count as missed:"
        )
        output.say(f"  {', '.join(strange)}")
    output.say(f"{report.seconds:.0f} s")
    output.result(scores)


@evaluate_app.command("consensus")
def consensus(
    *,
    model: ModelOption = DEFAULT_MODEL,
    split: Annotated[
        str, typer.Option("--split", help="Which seeds of the street world: val, test or test-unseen.")
    ] = "val",
    clips: Annotated[int, typer.Option("--clips", metavar="N", help="Only the first N clips.")] = 40,
    frames: Annotated[int, typer.Option("--frames", metavar="N", min=1, help="Frames of each clip.")] = 40,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Compare the rules that make one "is it there?" of the answers of many windows, on long street scenes."""
    from rvos_core.evaluation.consensus_rules import evaluate_rules

    output = Output(as_json=as_json)
    with cancel_on_interrupt() as cancel:
        engine, _ = load_model(model, device=device, output=output)
        with output.progress("asking") as meter:
            report = evaluate_rules(
                engine, split=split, clips=clips, frames=frames, progress=meter.update, cancel=cancel
            )
    output.say(
        f"{report.model} on {report.clips} clips of {report.frames} frames of the split {report.split}: "
        f"{report.present} true and {report.absent} false expressions, {report.windows:.1f} windows each"
    )
    for rule in report.rules:
        output.say(f"{rule.name:16} AUC {rule.auc:.3f}, false ones caught {rule.caught:.3f}")
    output.result(report.as_dict())
