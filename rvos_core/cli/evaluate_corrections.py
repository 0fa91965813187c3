"""`rvos eval revote` and `rvos eval refine`: what corrections and a second model bring, on held-out street scenes."""

from __future__ import annotations

from typing import Annotated

import typer

from rvos_core.cli.options import DEFAULT_MODEL, DEFAULT_PROPAGATOR, DeviceOption, JsonOption, ModelOption
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


def refine(
    *,
    model: ModelOption = DEFAULT_MODEL,
    propagator: Annotated[
        str, typer.Option("--propagator", metavar="NAME|PATH", help="The model that follows.")
    ] = DEFAULT_PROPAGATOR,
    split: SplitOption = "test",
    clips: Annotated[int, typer.Option("--clips", metavar="N", min=1, help="Only the first N clips.")] = 40,
    demo_clip: Annotated[bool, typer.Option("--demo-clip", help="The bundled clip instead of street scenes.")] = False,
    frames: Annotated[
        list[int] | None, typer.Option("--frames", metavar="K", min=1, help="Best frames to follow from; repeatable.")
    ] = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Score the same runs as they are and followed from their surest frames (`rvos segment --refine propagate`)."""
    from rvos_core.evaluation.refine import refine_clip, refine_world
    from rvos_core.inference.refining import BEST_FRAMES
    from rvos_core.models.registry import load_propagator
    from rvos_resources.paths import demo_dir

    output = Output(as_json=as_json)
    numbers = tuple(sorted(set(frames or [BEST_FRAMES])))
    with cancel_on_interrupt() as cancel:
        engine, _ = load_model(model, device=device, output=output)
        following = load_propagator(propagator, device=device)
        with output.progress("scoring") as meter:
            if demo_clip:
                report = refine_clip(
                    engine, following, demo_dir(), numbers=numbers, progress=meter.update, cancel=cancel
                )
            else:
                report = refine_world(
                    engine,
                    following,
                    split=split,
                    clips=clips,
                    numbers=numbers,
                    progress=meter.update,
                    cancel=cancel,
                )
    scores = report.as_dict()
    output.say(f"{report.model}, then {report.propagator}, {scores['sentences']} sentences, {report.source}")
    output.say(f"as it is             J&F {scores['jf']:.3f}   {scores['run_s']:.1f} s")
    for number in map(str, numbers):
        output.say(
            f"from {number} best frame(s)  J&F {scores['refined'][number]:.3f}   {scores['refine_s'][number]:.1f} s"
            f" more, better in {100 * scores['better'][number]:.0f} %"
        )
    output.result(scores)
