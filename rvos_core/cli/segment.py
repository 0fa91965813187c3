"""`rvos segment VIDEO "EXPRESSION" -o FOLDER`: one object's masks on every frame of a span."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rvos_core.cli.options import (
    DEFAULT_ENGINE,
    BelieveOption,
    CandidateOption,
    DeviceOption,
    EndOption,
    EngineOption,
    FormatsOption,
    JsonOption,
    ListCandidatesOption,
    OutputOption,
    PlainMasksOption,
    ProjectOption,
    Quality,
    QualityOption,
    RateOption,
    Refine,
    RefineOption,
    ResumeOption,
    SizeOption,
    StartOption,
    StrideOption,
    Vote,
    VoteOption,
    WindowOption,
    read_formats,
    read_rate,
    read_window,
)
from rvos_core.cli.output import Output, seconds_in_words
from rvos_core.cli.project_runs import ProjectRun, project_run
from rvos_core.cli.refining import refine_run
from rvos_core.cli.session import Segmentation, cancel_on_interrupt, checked_span, load_any, media_notes, run_request
from rvos_core.errors import UsageError
from rvos_core.types import CancelToken, FrameSpan

if TYPE_CHECKING:
    from rvos_core.inference import RunRequest
    from rvos_core.inference.engines import LoadedEngine
    from rvos_core.media import MediaReader


def segment(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="A video file, or a folder of numbered pictures.")],
    expression: Annotated[str, typer.Argument(metavar="EXPRESSION", help="What to look for, in one sentence.")],
    *,
    folder: OutputOption,
    model: EngineOption = DEFAULT_ENGINE,
    start: StartOption = None,
    end: EndOption = None,
    window: WindowOption = None,
    stride: StrideOption = None,
    size: SizeOption = None,
    vote: VoteOption = Vote.SPAN,
    believe: BelieveOption = False,
    candidate: CandidateOption = None,
    list_candidates: ListCandidatesOption = False,
    plain_masks: PlainMasksOption = False,
    refine: RefineOption = Refine.NONE,
    quality: QualityOption = Quality.NORMAL,
    device: DeviceOption = "auto",
    fps: RateOption = None,
    formats: FormatsOption = None,
    project: ProjectOption = None,
    resume: ResumeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find what EXPRESSION says in VIDEO and write its mask for every frame.

    Writes FOLDER/masks/00000.png ... (mode L, 0 and 255, display size, numbered by the frame's index in the clip) and
    FOLDER/result.json; with --format mattes and cut-outs for editing programs, each with a report of how it read back.
    """
    output = Output(as_json=as_json)
    wanted, window_frames, rate = read_formats(formats), read_window(window), read_rate(fps)
    from rvos_core.cli.candidates import show_candidates
    from rvos_core.inference import RunRequest
    from rvos_core.inference.expression import checked_expression
    from rvos_core.media import open_media

    _check_together(resume=resume, project=project, quality=quality, refine=refine)
    request = RunRequest(
        checked_expression(expression),
        FrameSpan(0, 0),
        window=window_frames,
        stride=stride,
        size=size,
        vote=vote.value,
        believe=believe,
        along_edges=not plain_masks,
        candidate=candidate,
    )
    with cancel_on_interrupt() as cancel, open_media(video, fps=rate) as reader:
        for note in media_notes(reader.info):
            output.note(note)
        request = replace(request, span=checked_span(reader.info, start=start, end=end))
        if list_candidates:
            engine, _ = load_any(model, device=device, output=output)
            show_candidates(engine, reader, request=request, folder=folder, output=output, cancel=cancel)
        else:
            engine_of = partial(load_any, model, device=device, output=output)
            refining = partial(refine_run, quality=quality, device=device) if refine is Refine.PROPAGATE else None
            place = _Place(folder, wanted, output, cancel, refining)
            if project is None:
                _segment(engine_of, reader, request=request, place=place)
                return
            with project_run(project, reader.info, request=request, resume=resume, output=output) as kept:
                _segment(engine_of, reader, request=kept.request, place=place, kept=kept)


def _check_together(*, resume: bool, project: Path | None, quality: Quality, refine: Refine) -> None:
    """Raises: UsageError: an option was given without the one that it is about."""
    if resume and project is None:
        raise UsageError("--resume needs --project.", hint="Say which project the run was kept in.", code="usage")
    if quality is Quality.BEST and refine is Refine.NONE:
        raise UsageError("--quality best needs --refine propagate.", hint="It is about following.", code="usage")


@dataclass(frozen=True)
class _Place:
    """Where a run's results go, who hears of it, and what is done with its masks before."""

    folder: Path
    formats: frozenset[str]
    output: Output
    cancel: CancelToken
    refining: Callable[..., Segmentation] | None


def _segment(
    engine_of: Callable[[], tuple[LoadedEngine, float]],
    reader: MediaReader,
    *,
    request: RunRequest,
    place: _Place,
    kept: ProjectRun | None = None,
) -> None:
    """Run, write and tell. Raises: UserError, Cancelled."""
    from rvos_core.cli.writing import check_deliveries, write_beside, write_record
    from rvos_core.delivery.sequences import MaskPngWriter

    info, folder, output, cancel = reader.info, place.folder, place.output, place.cancel
    span = request.span if kept is None else kept.span
    check_deliveries(folder, info, replace(request, span=span), formats=place.formats)
    # Opened first: a folder that cannot be written, or a full disk, is said before the long work.
    with MaskPngWriter(folder / "masks", span=span, height=info.height, width=info.width) as writer:
        engine, load_s = engine_of()
        run = run_request(engine, reader, request=request, output=output, cancel=cancel, kept=kept)
        if place.refining is not None:
            run = place.refining(run, reader, output=output, cancel=cancel, kept=kept)
        began = time.monotonic()
        for each in run.frames:
            cancel.raise_if_cancelled()
            writer.write(each.frame_index, each.mask)
    outputs = {"masks": folder / "masks"}
    outputs |= write_beside(folder, run, reader=reader, formats=place.formats, output=output, cancel=cancel)
    write_s = time.monotonic() - began
    outputs["result"] = folder / "result.json"
    write_record(outputs, run, load_s=load_s, write_s=write_s)
    _tell(run, outputs, output=output)
    seconds = load_s + run.seconds + write_s
    output.result(_document(run, outputs, seconds=seconds, notes=media_notes(info)))


def _document(run: Segmentation, outputs: dict[str, Path], *, seconds: float, notes: Sequence[str]) -> dict[str, Any]:
    """The object that `--json` prints."""
    summary = run.summary
    return {
        "frames": len(run.frames),
        "outputs": {name: str(path) for name, path in outputs.items()},
        "model": summary.model,
        "seconds": round(seconds, 3),
        "expression": summary.expression,
        "score": summary.score,
        "consensus": summary.consensus,
        "absent": summary.absent,
        "visible_frames": summary.visible_frames,
        "unknown_words": list(summary.unknown_words),
        "why": summary.why,
        "candidates": [each.as_dict() for each in summary.candidates],
        "refined_from": [] if run.refinement is None else list(run.refinement.frames),
        "notes": [*notes, *summary.notes],
    }


def _tell(run: Segmentation, outputs: dict[str, Path], *, output: Output) -> None:
    summary = run.summary
    output.say(
        f"“{summary.expression}”: in sight on {summary.visible_frames} of {len(run.frames)} frames, "
        f"score {summary.score:.2f}, {seconds_in_words(run.seconds)} on {summary.device}"
    )
    for note in summary.notes:
        output.say(note)
    if summary.absent:
        output.say("With --believe the masks show what fits best all the same.")
    if len(summary.candidates) > 1:
        output.say(f"{len(summary.candidates)} things move: --list-candidates shows them, --candidate N takes another.")
    for path in outputs.values():
        output.say(f"  {path}")
