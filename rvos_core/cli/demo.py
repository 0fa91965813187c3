"""`rvos demo`: the main job on the bundled clip, without a display, scored against the clip's true masks."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rvos_core.cli.options import DEFAULT_MODEL, DeviceOption, JsonOption, ModelOption
from rvos_core.cli.output import Output, seconds_in_words
from rvos_core.cli.session import Segmentation, cancel_on_interrupt, checked_span, load_any, run_request
from rvos_core.errors import UserError
from rvos_core.types import CancelToken

if TYPE_CHECKING:
    from rvos_core.evaluation.metrics import SequenceScores
    from rvos_core.media import MediaReader

MAIN_EXPRESSION = "the man in red riding a bike"
_CLIP, _MASKS, _EXPRESSIONS = "street.mp4", "masks", "expressions.json"


@dataclass(frozen=True)
class _Question:
    """An expression and the object of the true masks that it means."""

    text: str
    object_id: int


def demo(
    *,
    folder: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Folder for what is written.")
    ] = Path("out/demo"),
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Type expressions on the bundled clip, write overlay, matte and cut-out, print the score (J&F)."""
    output = Output(as_json=as_json)
    from rvos_core.media import open_media
    from rvos_resources.paths import demo_dir

    began = time.monotonic()
    questions = _read_questions(demo_dir() / _EXPRESSIONS)
    with cancel_on_interrupt() as cancel, open_media(demo_dir() / _CLIP) as reader:
        engine, _ = load_any(model, device=device, output=output)
        rows: list[dict[str, Any]] = []
        outputs: dict[str, Path] = {}
        for question in questions:
            output.note(f"“{question.text}”")
            request = _request(question.text, reader)
            run = run_request(engine, reader, request=request, output=output, cancel=cancel)
            if question.text == MAIN_EXPRESSION:
                outputs = _write_pictures(folder, run, reader=reader, output=output, cancel=cancel)
            scores = _score(run, demo_dir() / _MASKS, object_id=question.object_id, cancel=cancel)
            rows.append(_row(question.text, run, scores))
    seconds = time.monotonic() - began
    main = next(row for row in rows if row["expression"] == MAIN_EXPRESSION)
    _tell(rows, outputs, seconds=seconds, output=output)
    output.result(
        {
            "jf": main["jf"],
            "J": main["J"],
            "F": main["F"],
            "expression": MAIN_EXPRESSION,
            "outputs": {name: str(path) for name, path in outputs.items()},
            "expressions": rows,
            "model": engine.card.name,
            "seconds": round(seconds, 3),
        }
    )


def _read_questions(path: Path) -> list[_Question]:
    """The expressions of the demo clip, the main one first."""
    try:
        listing = json.loads(path.read_text(encoding="utf-8"))["expressions"]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"The demo clip's {path} cannot be read.", hint="Install RVOS Studio again.", code="demo.damaged"
        ) from error
    questions = [_Question(each["text"], each["object_id"]) for each in listing]
    return sorted(questions, key=lambda question: question.text != MAIN_EXPRESSION)


def _request(text: str, reader: MediaReader) -> Any:
    from rvos_core.inference import RunRequest

    return RunRequest(text, checked_span(reader.info, start=None, end=None))


def _write_pictures(
    folder: Path, run: Segmentation, *, reader: MediaReader, output: Output, cancel: CancelToken
) -> dict[str, Path]:
    """Write masks, overlay, matte and cut-out in one pass over the clip. Returns: what it is -> its path."""
    from rvos_core.cli.writing import frames_with_results, write_record
    from rvos_core.delivery.sequences import CutoutPngWriter, MaskPngWriter
    from rvos_core.delivery.video import MatteVideoWriter, OverlayVideoWriter

    info, span = run.info, run.request.span
    outputs = {
        "overlay": folder / "overlay.mp4",
        "matte": folder / "matte.mp4",
        "cutout": folder / "cutout",
        "masks": folder / "masks",
    }
    began = time.monotonic()
    with ExitStack() as stack:
        overlay = stack.enter_context(OverlayVideoWriter(outputs["overlay"], info=info, span=span))
        matte = stack.enter_context(MatteVideoWriter(outputs["matte"], info=info, span=span))
        size = {"height": info.height, "width": info.width}
        cutout = stack.enter_context(CutoutPngWriter(outputs["cutout"], span=span, **size))
        masks = stack.enter_context(MaskPngWriter(outputs["masks"], span=span, **size))
        for frame, each in frames_with_results(run, reader, label="writing", output=output, cancel=cancel):
            overlay.write(frame, [each.mask])
            matte.write(each.mask)
            cutout.write(each.frame_index, frame, each.mask)
            masks.write(each.frame_index, each.mask)
    outputs["result"] = folder / "result.json"
    write_record(outputs, run, load_s=0.0, write_s=time.monotonic() - began)
    return outputs


def _score(run: Segmentation, masks: Path, *, object_id: int, cancel: CancelToken) -> SequenceScores:
    """J and F of every frame against the clip's true masks."""
    from rvos_core.evaluation.metrics import SequenceScores, boundary_f, jaccard
    from rvos_core.masks import decode, read_indexed_png

    j, f = [], []
    for each in run.frames:
        cancel.raise_if_cancelled()
        truth = read_indexed_png(masks / f"{each.frame_index:05d}.png") == object_id
        drawn = decode(each.mask)
        j.append(jaccard(truth, drawn))
        f.append(boundary_f(truth, drawn))
    return SequenceScores(j=tuple(j), f=tuple(f))


def _row(text: str, run: Segmentation, scores: SequenceScores) -> dict[str, Any]:
    from rvos_core.evaluation.metrics import statistics

    return {
        "expression": text,
        "jf": scores.j_and_f,
        "J": statistics(scores.j).mean,
        "F": statistics(scores.f).mean,
        "visible_frames": run.summary.visible_frames,
        "seconds": round(run.seconds, 3),
    }


def _tell(rows: list[dict[str, Any]], outputs: dict[str, Path], *, seconds: float, output: Output) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("expression")
    for name in ("J&F", "J", "F", "seconds"):
        table.add_column(name, justify="right")
    for row in rows:
        figures = (f"{row[key]:.3f}" for key in ("jf", "J", "F"))
        table.add_row(row["expression"], *figures, f"{row['seconds']:.1f}")
    output.show(table)
    for name, path in outputs.items():
        output.say(f"{name:8} {path}")
    output.say(
        f"J&F {rows[0]['jf']:.3f} on “{rows[0]['expression']}” against the true masks, "
        f"{seconds_in_words(seconds)} in all"
    )
