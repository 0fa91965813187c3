"""What a command leaves beside the masks: the record of a run, overlay video, mattes and cut-outs, indexed masks."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rvos_core.cli.options import Format
from rvos_core.cli.output import Output
from rvos_core.cli.session import Segmentation, media_notes
from rvos_core.delivery.exporter import FrameOf, deliver
from rvos_core.delivery.plan import DeliveryObject, DeliveryPlan, make_plan
from rvos_core.delivery.result import FrameLine, SegmentResult, write_result_json
from rvos_core.delivery.sequences import IndexedPngWriter
from rvos_core.delivery.spec import NAMED_SPECS
from rvos_core.delivery.video import OverlayVideoWriter
from rvos_core.inference import FrameResult
from rvos_core.masks import area, decode
from rvos_core.matte import MatteRenderer, MatteStack
from rvos_core.types import CancelToken, MediaInfo

if TYPE_CHECKING:
    from rvos_core.inference import RunRequest
    from rvos_core.media import MediaReader


def mattes_of(run: Segmentation, reader: MediaReader, *, cancel: CancelToken) -> MatteRenderer:
    """Mattes of a run's masks as the studio shows them when no knob was turned: soft edges, straight colours."""
    first = run.frames[0].frame_index
    return MatteRenderer(
        reader.frame, lambda index: decode(run.frames[index - first].mask), MatteStack(), cancel=cancel
    )


def write_record(outputs: dict[str, Path], run: Segmentation, *, load_s: float, write_s: float) -> None:
    """Write `outputs["result"]`, which says what was asked, what came out and what was written. Raises: UserError."""
    summary = run.summary
    result = SegmentResult(
        model=summary.model,
        expression=summary.expression,
        media=run.info,
        span=summary.span,
        frames=[
            FrameLine(each.frame_index, each.confidence, each.visible, each.box, area(each.mask)) for each in run.frames
        ],
        score=summary.score,
        consensus=summary.consensus,
        absent=summary.absent,
        unknown_words=summary.unknown_words,
        notes=(*media_notes(run.info), *summary.notes),
        settings={
            "device": summary.device,
            "window": summary.window,
            "stride": summary.stride,
            "size": summary.size,
            "vote": summary.vote,
            "scene_cuts": list(summary.cuts),
            "refined": None if run.refinement is None else asdict(run.refinement),
        },
        timings={"load_s": load_s, **asdict(summary.timings), "write_s": write_s},
        outputs={name: str(path) for name, path in outputs.items() if name != "result"},
        why=summary.why,
        candidates=[each.as_dict() for each in summary.candidates],
    )
    write_result_json(outputs["result"], result)


def write_beside(
    folder: Path,
    run: Segmentation,
    *,
    reader: MediaReader,
    formats: frozenset[str],
    output: Output,
    cancel: CancelToken,
) -> dict[str, Path]:
    """Write what `formats` asks for beyond the masks. Returns: what it is -> its path."""
    written: dict[str, Path] = {}
    if Format.DAVIS in formats:
        written["davis"] = write_davis(folder / "davis", run, cancel=cancel)
    if Format.OVERLAY in formats:
        written["overlay"] = write_overlay(folder / "overlay.mp4", run, reader=reader, output=output, cancel=cancel)
    for name in sorted(formats & set(NAMED_SPECS)):
        plan = _plan(folder, run.info, run.request, name, run=run)
        written[name] = _deliver(plan, run, reader, label=name, output=output, cancel=cancel)
    return written


def check_deliveries(folder: Path, info: MediaInfo, request: RunRequest, *, formats: frozenset[str]) -> None:
    """Say before the long work what would be in the way of `formats` after it. Raises: UserError."""
    for name in sorted(formats & set(NAMED_SPECS)):
        _plan(folder, info, request, name).raise_if_blocked()


def _plan(
    folder: Path, info: MediaInfo, request: RunRequest, name: str, *, run: Segmentation | None = None
) -> DeliveryPlan:
    spec = NAMED_SPECS[name]
    number = ".{frame:04}" if spec.kind.still else ""
    spec = replace(
        spec,
        naming=f"{{clip}}_{{kind}}_{name}{number}",
        odd_size="pad",
        start=request.span.start,
        stop=request.span.stop,
    )
    masks = [] if run is None else [each.mask for each in run.frames]
    revision = 0
    for mask in masks:
        revision = zlib.crc32(mask.counts, revision)
    item = DeliveryObject(1, "object", request.expression)
    masked = None if run is None else {1: sum(area(mask) > 0 for mask in masks)}
    return make_plan(spec, info=info, objects=[item], folder=folder, masked_frames=masked, revision=f"{revision:08x}")


def _deliver(
    plan: DeliveryPlan,
    run: Segmentation,
    reader: MediaReader,
    *,
    label: str,
    output: Output,
    cancel: CancelToken,
) -> Path:
    """Write one form of the run's masks. Raises: UserError, Cancelled."""
    renderer = mattes_of(run, reader, cancel=cancel)

    def frames(item: DeliveryObject, wanted: Sequence[int]) -> Iterator[FrameOf]:
        del item
        for index in wanted:
            matte = renderer.matte(index)
            yield index, matte.colours, matte.alpha

    for problem in plan.problems:
        output.note(f"{problem.message} {problem.hint}")
    with output.progress(label) as meter:
        (done,) = deliver(plan, frames, cancel=cancel, progress=meter.update, read_back=meter.read_back)
    for note in done.notes:
        output.note(note)
    return done.path


def write_davis(folder: Path, run: Segmentation, *, cancel: CancelToken) -> Path:
    """Write indexed PNGs with the DAVIS palette, the object as id 1. Raises: UserError, Cancelled."""
    size = {"height": run.info.height, "width": run.info.width}
    with IndexedPngWriter(folder, span=run.request.span, **size) as writer:
        for each in run.frames:
            cancel.raise_if_cancelled()
            writer.write(each.frame_index, decode(each.mask).astype(np.uint8))
    return folder


def write_overlay(path: Path, run: Segmentation, *, reader: MediaReader, output: Output, cancel: CancelToken) -> Path:
    """Write the span with the mask drawn on it, H.264 with the source's sound. Raises: UserError, Cancelled."""
    with OverlayVideoWriter(path, info=run.info, span=run.request.span) as writer:
        for frame, each in frames_with_results(run, reader, label="overlay", output=output, cancel=cancel):
            writer.write(frame, [each.mask])
    for note in writer.report.notes:
        output.note(note)
    return path


def frames_with_results(
    run: Segmentation, reader: MediaReader, *, label: str, output: Output, cancel: CancelToken
) -> Iterator[tuple[np.ndarray, FrameResult]]:
    """Each frame of the span, (H, W, 3) uint8 RGB, with its result; shows progress and stops on Ctrl-C."""
    with output.progress(label) as meter:
        pairs = zip(reader.frames(run.request.span), run.frames, strict=True)
        for done, (frame, each) in enumerate(pairs, start=1):
            cancel.raise_if_cancelled()
            yield frame, each
            meter.update(done, len(run.frames))
