"""`rvos track VIDEO --mask FRAME:MASK.png -o FOLDER`: given masks, followed through the other frames of a span."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rvos_core.cli.options import (
    DEFAULT_PROPAGATOR,
    DeviceOption,
    JsonOption,
    ModelOption,
    OutputOption,
    Quality,
    QualityOption,
    read_rate,
)
from rvos_core.cli.output import Output, seconds_in_words
from rvos_core.cli.session import cancel_on_interrupt, checked_span, media_notes
from rvos_core.errors import UsageError, UserError
from rvos_core.types import CancelToken, FrameSpan, MediaInfo

if TYPE_CHECKING:
    import numpy as np

    from rvos_core.delivery.result import TrackedObject
    from rvos_core.delivery.sequences import IndexedPngWriter, MaskPngWriter
    from rvos_core.masks import Rle
    from rvos_core.media import MediaReader
    from rvos_core.models.propagators import IsvosPropagator


_LOOKS = 8  # suspicious frames that are named


class Way(StrEnum):
    """Where to go from the given frames."""

    FORWARD = "forward"
    BACKWARD = "backward"
    BOTH = "both"


@dataclass(frozen=True)
class Tracking:
    """What a run gave.

    Attributes:
        span: frames of the run.
        masks: object id -> frame -> (mask, confidence), given ones too; a frame that is missing there was not reached.
        cuts: first frames of the later shots of scene cuts at which following ended.
    """

    info: MediaInfo
    span: FrameSpan
    masks: Mapping[int, Mapping[int, tuple[Rle, float]]]
    cuts: tuple[int, ...]
    seconds: float

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know, in sentences."""
        return (*media_notes(self.info), *_cut_notes(self.cuts))

    def suspicious(self, tracked: TrackedObject) -> list[int]:
        """Frames of an object that are worth a look, the worst first."""
        import numpy as np

        from rvos_core.inference.suspicion import SuspectFrame, suspicion, worth_a_look

        own = self.masks[tracked.object_id]
        frames = [
            SuspectFrame(index, mask, confidence, locked=index in tracked.given)
            for index, (mask, confidence) in sorted(own.items())
        ]
        return worth_a_look(np.array([each.frame_index for each in frames]), suspicion(frames))


def track(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="A video file, or a folder of numbered pictures.")],
    *,
    masks: Annotated[
        list[str],
        typer.Option(
            "--mask",
            metavar="FRAME:PNG",
            help="A frame, from 0, and its mask; may be repeated. Indexed: several objects.",
        ),
    ],
    folder: OutputOption,
    direction: Annotated[Way, typer.Option("--direction", help="Where to go from the given frames.")] = Way.BOTH,
    start: Annotated[int | None, typer.Option("--start", metavar="FRAME", help="First frame, from 0.")] = None,
    end: Annotated[int | None, typer.Option("--end", metavar="FRAME", help="First frame after the span.")] = None,
    span_text: Annotated[
        str | None, typer.Option("--range", metavar="START:END", help="Both in one; either may be left out.")
    ] = None,
    through_cuts: Annotated[
        bool, typer.Option("--through-cuts", help="Go on behind scene cuts; else objects end there.")
    ] = False,
    model: ModelOption = DEFAULT_PROPAGATOR,
    quality: QualityOption = Quality.NORMAL,
    device: DeviceOption = "auto",
    fps: Annotated[
        str | None, typer.Option("--fps", metavar="RATE", help="Frames per second of a folder of pictures (24).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Follow the objects of given masks through VIDEO and write their masks for every frame.

    Writes FOLDER/masks/00000.png ... (one object: mode L, 0 and 255; several: indexed with their ids; display size,
    numbered by the frame's index in the clip) and FOLDER/result.json. Given masks stay as they are.
    """
    output = Output(as_json=as_json)
    wanted, rate = read_masks(masks), read_rate(fps)
    from rvos_core.media import open_media

    with cancel_on_interrupt() as cancel, open_media(video, fps=rate) as reader:
        for note in media_notes(reader.info):
            output.note(note)
        first, stop = (start, end) if span_text is None else read_range(span_text, start=start, end=end)
        span = checked_span(reader.info, start=first, end=stop)
        given = given_masks(wanted, reader.info, span)
        # Opened first: a folder that cannot be written, or a full disk, is said before the long work.
        with _writer(folder / "masks", reader.info, span, given) as writer:
            propagator, load_s = _load(model, quality=quality, device=device, output=output)
            began = time.monotonic()
            run = _follow(
                propagator, reader, given, span=span, way=direction, through=through_cuts, output=output, cancel=cancel
            )
            objects = _write(writer, run, given, cancel=cancel)
        seconds = load_s + time.monotonic() - began
    outputs = {"masks": folder / "masks"}
    outputs["result"] = folder / "result.json"
    settings = {"device": propagator.device, "size": propagator.card.size, "direction": direction.value}
    settings |= {"through_cuts": through_cuts, "ended_at": list(run.cuts), "quality": quality.value}
    _write_record(outputs, run, objects, model=propagator.card.name, settings=settings, load_s=load_s)
    _tell(run, objects, outputs=outputs, device=propagator.device, output=output)
    output.result(_document(run, objects, outputs=outputs, model=propagator.card.name, seconds=seconds))


def read_masks(values: Sequence[str]) -> dict[int, Path]:
    """Frame -> file, of `FRAME:FILE` each.

    Raises:
        UsageError: another form, or a frame that is named twice.
    """
    found: dict[int, Path] = {}
    for value in values:
        frame, colon, name = value.partition(":")
        if not colon or not name or not frame.strip().isdigit():
            raise UsageError(
                f"--mask {value} is not FRAME:PNG.",
                hint="Give the frame's index, from 0, a colon and a file, e.g. --mask 0:person.png.",
                code="usage.mask",
            )
        if int(frame) in found:
            raise UsageError(
                f"--mask names frame {int(frame)} twice.",
                hint="Give several objects of a frame in one indexed PNG.",
                code="usage.mask",
            )
        found[int(frame)] = Path(name)
    return found


def read_range(value: str, *, start: int | None, end: int | None) -> tuple[int | None, int | None]:
    """First frame and first frame after the span, of `START:END`; None where that side is left out.

    Raises:
        UsageError: another form, or --start or --end beside it.
    """
    if start is not None or end is not None:
        raise UsageError("--range says what --start and --end say.", hint="Give one or the other.", code="usage.span")
    first, colon, stop = (part.strip() for part in value.partition(":"))
    if not colon or not all(part.isdigit() or not part for part in (first, stop)):
        raise UsageError(
            f"--range {value} is not START:END.",
            hint="Give the first frame, from 0, and the first frame after the span, e.g. --range 20:80.",
            code="usage.span",
        )
    return (int(first) if first else None), (int(stop) if stop else None)


def given_masks(files: Mapping[int, Path], info: MediaInfo, span: FrameSpan) -> dict[int, dict[int, np.ndarray]]:
    """Frame -> object id -> (H, W) bool, of indexed PNGs or plain masks (id 1).

    Raises:
        UserError: a frame is outside the span; a file cannot be read, has another size than the clip, or no object.
    """
    import numpy as np

    from rvos_core.masks import VOID, read_indexed_png

    given: dict[int, dict[int, np.ndarray]] = {}
    for frame, path in sorted(files.items()):
        if frame not in span:
            raise UsageError(
                f"--mask {frame}:{path} is outside the frames {span.start} to {span.stop - 1} of this run.",
                hint="Frames count from 0; --start and --end choose the span.",
                code="usage.mask",
            )
        labels = read_indexed_png(path, size=(info.height, info.width))
        ids = [int(each) for each in np.unique(labels) if each not in (0, VOID)]
        if not ids:
            raise UserError(
                f"{path} has no object in it.",
                hint="Give a mask in which something is marked.",
                code="track.empty_mask",
            )
        given[frame] = {each: labels == each for each in ids}
    return given


def _load(model: str, *, quality: Quality, device: str, output: Output) -> tuple[IsvosPropagator, float]:
    from rvos_core.models.registry import load_propagator

    output.note(f"loading {model}")
    began = time.monotonic()
    return load_propagator(model, device=device, views=quality.views), time.monotonic() - began


def _follow(
    propagator: IsvosPropagator,
    reader: MediaReader,
    given: Mapping[int, Mapping[int, np.ndarray]],
    *,
    span: FrameSpan,
    way: Way,
    through: bool,
    output: Output,
    cancel: CancelToken,
) -> Tracking:
    """Run to the end. Raises: Cancelled: after Ctrl-C."""
    from rvos_core.inference.propagation import follow, plan_passes
    from rvos_core.inference.suspicion import trusted
    from rvos_core.masks import encode

    info = reader.info
    masks: dict[int, dict[int, tuple[Rle, float]]] = {}
    for frame, shown in given.items():
        for object_id, mask in shown.items():
            masks.setdefault(object_id, {})[frame] = (encode(mask), 1.0)
    plan = plan_passes(span, {frame: tuple(shown) for frame, shown in given.items()}, way.value)
    _announce(propagator, info, steps=plan.steps, objects=len(masks), given=len(given), output=output)
    cuts: set[int] = set()

    def beyond(frame: int) -> bool:
        if not through:
            cuts.add(frame)
        return through

    began, done = time.monotonic(), 0
    with output.progress("following") as meter:
        for each in follow(propagator, reader, given, span=span, direction=way.value, beyond_cut=beyond, cancel=cancel):
            for found in each.objects:
                masks[found.object_id][each.frame_index] = (found.mask, trusted(found.confidence, found.agreement))
            done += 1
            meter.update(done, plan.steps)
    return Tracking(info, span, masks, tuple(sorted(cuts)), time.monotonic() - began)


def _announce(
    propagator: IsvosPropagator, info: MediaInfo, *, steps: int, objects: int, given: int, output: Output
) -> None:
    height, width = propagator.input_size(info.height, info.width)
    seconds = propagator.pace.seconds(frames=steps, pixels=height * width)
    memory = propagator.memory_mib(info.height, info.width, objects=objects, given=given)
    pace = "" if seconds is None else f", about {seconds_in_words(seconds)}"
    output.note(f"{steps} frames to find, about {memory:.0f} MiB{pace}")


def _writer(
    folder: Path, info: MediaInfo, span: FrameSpan, given: Mapping[int, Mapping[int, np.ndarray]]
) -> MaskPngWriter | IndexedPngWriter:
    """Plain masks where object 1 is the only one, else indexed files."""
    from rvos_core.delivery.sequences import IndexedPngWriter, MaskPngWriter

    plain = all(shown.keys() == {1} for shown in given.values())
    return (MaskPngWriter if plain else IndexedPngWriter)(folder, span=span, height=info.height, width=info.width)


def _write(
    writer: MaskPngWriter | IndexedPngWriter,
    run: Tracking,
    given: Mapping[int, Mapping[int, np.ndarray]],
    *,
    cancel: CancelToken,
) -> tuple[TrackedObject, ...]:
    """Masks, frame by frame. Returns: each object's lines."""
    from rvos_core.delivery.result import FrameLine, TrackedObject
    from rvos_core.masks import area, bbox, encode

    lines: dict[int, list[FrameLine]] = {object_id: [] for object_id in sorted(run.masks)}
    for frame in run.span:
        cancel.raise_if_cancelled()
        labels = _labels(run, frame, given.get(frame, {}))
        writer.write(frame, labels)
        for object_id, own in lines.items():
            mask = encode(labels == object_id)
            confidence = run.masks[object_id][frame][1] if frame in run.masks[object_id] else 0.0
            own.append(FrameLine(frame, confidence, area(mask) > 0, bbox(mask), area(mask)))
    return tuple(
        TrackedObject(object_id, tuple(frame for frame, shown in given.items() if object_id in shown), own)
        for object_id, own in lines.items()
    )


def _labels(run: Tracking, frame: int, given: Mapping[int, np.ndarray]) -> np.ndarray:
    """Object ids of a frame, (H, W) uint8. Where objects overlap the surer one has the pixel; a given one always."""
    import numpy as np

    from rvos_core.masks import decode

    found = [(own[frame][1], object_id) for object_id, own in run.masks.items() if frame in own]
    labels = np.zeros((run.info.height, run.info.width), dtype=np.uint8)
    for _, object_id in sorted(found, key=lambda each: (each[1] in given, each[0])):
        labels[decode(run.masks[object_id][frame][0])] = object_id
    return labels


def _cut_notes(cuts: Sequence[int]) -> tuple[str, ...]:
    if not cuts:
        return ()
    frames = ", ".join(map(str, cuts))
    return (
        f"A new shot begins at frame {frames}; objects end there unless a mask is given behind it (--through-cuts).",
    )


def _write_record(
    outputs: Mapping[str, Path],
    run: Tracking,
    objects: Sequence[TrackedObject],
    *,
    model: str,
    settings: dict[str, Any],
    load_s: float,
) -> None:
    """Write `outputs["result"]`. Raises: UserError."""
    from rvos_core.delivery.result import TrackResult, write_result_json

    result = TrackResult(
        model=model,
        media=run.info,
        span=run.span,
        objects=objects,
        notes=run.notes,
        settings=settings,
        timings={"load_s": load_s, "follow_s": run.seconds},
        outputs={name: str(path) for name, path in outputs.items() if name != "result"},
    )
    write_result_json(outputs["result"], result)


def _document(
    run: Tracking, objects: Sequence[TrackedObject], *, outputs: Mapping[str, Path], model: str, seconds: float
) -> dict[str, Any]:
    """The object that `--json` prints."""
    return {
        "frames": len(run.span),
        "outputs": {name: str(path) for name, path in outputs.items()},
        "model": model,
        "seconds": round(seconds, 3),
        "objects": [
            {"id": each.object_id, "visible_frames": _visible(each), "suspicious": run.suspicious(each)}
            for each in objects
        ],
        "notes": list(run.notes),
    }


def _tell(
    run: Tracking, objects: Sequence[TrackedObject], *, outputs: Mapping[str, Path], device: str, output: Output
) -> None:
    for each in objects:
        output.say(f"object {each.object_id}: in sight on {_visible(each)} of {len(run.span)} frames")
        if doubtful := run.suspicious(each):
            output.say(f"  worth a look, the worst first: {', '.join(map(str, doubtful[:_LOOKS]))}")
    output.say(f"{seconds_in_words(run.seconds)} on {device}")
    for note in _cut_notes(run.cuts):
        output.say(note)
    for path in outputs.values():
        output.say(f"  {path}")


def _visible(tracked: TrackedObject) -> int:
    return sum(line.visible for line in tracked.frames)
