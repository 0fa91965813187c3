"""`rvos eval effort`, `suspicion`, `both-ways`: what correcting a clip takes, and whether its parts do their work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rvos_core.cli.options import (
    DEFAULT_PROPAGATOR,
    DeviceOption,
    JsonOption,
    ModelOption,
    Quality,
    QualityOption,
    SizeOption,
)
from rvos_core.cli.output import Output
from rvos_core.cli.session import cancel_on_interrupt
from rvos_core.errors import UsageError

if TYPE_CHECKING:
    from rvos_core.models.propagators import IsvosPropagator

DataOption = Annotated[
    Path,
    typer.Option("--data", metavar="FOLDER", help="A folder with JPEGImages and Annotations, as DAVIS has it."),
]
ClipOption = Annotated[
    list[str] | None, typer.Option("--clip", metavar="NAME", help="Only this clip; may be repeated.")
]


def effort(
    *,
    data: DataOption,
    target: Annotated[float, typer.Option("--target", metavar="J", help="Mean J of a clip that is right.")] = 0.90,
    oracle: Annotated[
        bool, typer.Option("--oracle", help="Correct the worst frame, not the one that the program suspects.")
    ] = False,
    clip: ClipOption = None,
    model: ModelOption = DEFAULT_PROPAGATOR,
    size: SizeOption = None,
    quality: QualityOption = Quality.NORMAL,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Let a robot correct clips whose masks are known until each is right, and count the frames it touched.

    The true masks of the first annotated frame are the first correction. Then the frame that the program finds most
    suspicious gets its true masks, and they spread both ways, until the clip's mean J reaches the target.
    """
    if not 0 < target <= 1:
        raise UsageError(f"--target {target} is not above 0 and at most 1.", code="usage.target")
    from rvos_core.evaluation.effort import measure_effort

    output = Output(as_json=as_json)
    with cancel_on_interrupt() as cancel:
        propagator = _follower(model, size=size, quality=quality, device=device, output=output)
        with output.progress("correcting") as meter:
            report = measure_effort(
                propagator, data, target=target, oracle=oracle, clips=clip, progress=meter.update, cancel=cancel
            )
    for each in report.clips:
        curve = ", ".join(f"{frame}: {j:.3f}" for frame, j in zip(each.corrected, each.j, strict=True))
        missed = "" if each.reached else f"  (J {target} not reached)"
        output.say(f"{each.clip:20} {len(each.corrected):3} of {each.frames} frames; mean J after {curve}{missed}")
    corrected = sum(len(each.corrected) for each in report.clips)
    frames = sum(each.frames for each in report.clips)
    output.say(f"corrected {corrected} of {frames} frames, {report.corrected_share:.1%}, to mean J {target}")
    output.result(report.as_dict())


MaybeDataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="FOLDER", help="A folder as DAVIS has it; without it, clips of the street world."),
]


def suspicion(
    *,
    data: MaybeDataOption = None,
    clips: Annotated[
        int, typer.Option("--clips", metavar="N", min=1, help="Without --data: this many long clips of the world.")
    ] = 20,
    clip: ClipOption = None,
    model: ModelOption = DEFAULT_PROPAGATOR,
    size: SizeOption = None,
    quality: QualityOption = Quality.NORMAL,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """How well doubt finds frames that are wrong: AUROC of the suspicion for "J below 0.75".

    First masks are followed through clips with known masks: real ones in --data, or long clips of the street world.
    """
    from rvos_core.evaluation.suspicion import judge_suspicion

    output = Output(as_json=as_json)
    with cancel_on_interrupt() as cancel:
        propagator = _follower(model, size=size, quality=quality, device=device, output=output)
        with output.progress("following") as meter:
            report = judge_suspicion(propagator, data, names=clip, clips=clips, progress=meter.update, cancel=cancel)
    for name, value in report.auroc.items():
        output.say(f"{name:14} AUROC {value:.3f}")
    output.say(f"{report.wrong} of {report.masks} masks have J below {report.limit}")
    output.result(report.as_dict())


def both_ways(
    *,
    data: MaybeDataOption = None,
    clips: Annotated[
        int, typer.Option("--clips", metavar="N", min=1, help="Without --data: this many clips of the world.")
    ] = 50,
    clip: ClipOption = None,
    model: ModelOption = DEFAULT_PROPAGATOR,
    size: SizeOption = None,
    quality: QualityOption = Quality.NORMAL,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Between two given frames: the two-sided pass beside the one-sided ones, in mean J, and whether masks jump."""
    from rvos_core.evaluation.two_sided import compare_sides

    output = Output(as_json=as_json)
    with cancel_on_interrupt() as cancel:
        propagator = _follower(model, size=size, quality=quality, device=device, output=output)
        with output.progress("following") as meter:
            report = compare_sides(propagator, data, names=clip, clips=clips, progress=meter.update, cancel=cancel)
    for way in ("forward", "backward", "nearest", "both"):
        output.say(f"{way:12} J {report.j(way):.4f}")
    output.say(f"{'better side':12} J {report.better_side:.4f}")
    output.say(f"neighbouring masks overlap by {report.worst_drop:.3f} less than in the truth, at worst")
    output.result(report.as_dict())


def _follower(model: str, *, size: int | None, quality: Quality, device: str, output: Output) -> IsvosPropagator:
    """The model that follows masks. Torch is imported here, not before. Raises: UserError."""
    from rvos_core.models.registry import load_propagator

    output.note(f"loading {model}")
    return load_propagator(model, device=device, size=size, views=quality.views)
