"""`rvos predict DATASET`: a model on a whole benchmark by the benchmark's own protocol, for `rvos eval` or a server."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rvos_core.cli.options import DEFAULT_MODEL, DeviceOption, JsonOption, ModelOption, OutputOption, read_window
from rvos_core.cli.output import Meter, Output, seconds_in_words
from rvos_core.cli.session import cancel_on_interrupt, load_model
from rvos_core.errors import Cancelled, UsageError

if TYPE_CHECKING:
    from rvos_core.datasets.referring import ReferringDataset
    from rvos_core.datasets.sentences import SentencesDataset
    from rvos_core.evaluation.predict.job import Listener, Predicted
    from rvos_core.evaluation.predict.record import Record
    from rvos_core.evaluation.predict.selection import Selection
    from rvos_core.models.api import ModelCard
    from rvos_core.models.engine import Engine
    from rvos_core.types import CancelToken


class Data(StrEnum):
    """The benchmarks that can be predicted."""

    REF_YOUTUBE_VOS = "ref-youtube-vos"
    REF_DAVIS17 = "ref-davis17"
    A2D = "a2d"
    JHMDB = "jhmdb"
    MEVIS = "mevis"


_SENTENCES = (Data.A2D, Data.JHMDB)
_WITH_PAIRS = (Data.REF_YOUTUBE_VOS, Data.MEVIS)


@dataclass(frozen=True)
class _Call:
    """What was asked for. `window`: None: as published; 0: all frames."""

    data: Data
    folder: Path
    selection: Selection
    window: int | None
    pairs: Path | None


def predict(
    dataset: Annotated[
        Path, typer.Argument(metavar="DATASET", help="Folder of the data set as its authors lay it out.")
    ],
    *,
    data: Annotated[Data, typer.Option("--data", help="Which benchmark it is.")],
    folder: OutputOption,
    model: ModelOption = DEFAULT_MODEL,
    split: Annotated[
        str | None, typer.Option("--split", help="valid; MeViS: valid_u or valid; A2D, JHMDB: test.")
    ] = None,
    window: Annotated[
        str | None,
        typer.Option("--window", metavar="N|all", help="Frames of a clip, other than the published protocol has it."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="VIDEO[/EXPRESSION]", help="Predict only this; may be repeated."),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option("--pairs", metavar="FILE", help="Ask the unrelated questions of `rvos eval r2 --make-pairs`."),
    ] = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Predict a benchmark's split by its own protocol, and write what `rvos eval` and the benchmark's server take.

    Finished expressions are kept: the same call goes on where an earlier one stopped.
    """
    output = Output(as_json=as_json)
    from rvos_core.evaluation.predict.record import claim
    from rvos_core.evaluation.predict.selection import Selection
    from rvos_core.models.registry import card

    call = _Call(data, folder, Selection.read(only or []), read_window(window), pairs)
    described = _read(call, dataset, split=split)
    record = _record(call, described, card(model), model=model)
    _check_data(described, call)
    claim(folder, record)
    output.note(f"{record.data}, split {record.split}: {record.rule}")
    with cancel_on_interrupt() as cancel:
        engine, load_s = load_model(model, device=device, output=output)
        began = time.monotonic()
        try:
            with output.progress("predicting") as meter:
                made = _run(engine, described, call, cancel=cancel, listener=_listener(meter))
        except Cancelled:
            output.note("What is finished is kept: the same call goes on from there.")
            raise
    _tell(made, record, seconds=time.monotonic() - began + load_s, output=output)


def _read(call: _Call, root: Path, *, split: str | None) -> ReferringDataset | SentencesDataset:
    """The data set's description. Raises: UserError: as its reader; UsageError: an option does not fit it."""
    from rvos_core.datasets.mevis import read_mevis
    from rvos_core.datasets.refdavis import read_refdavis
    from rvos_core.datasets.refytvos import read_refytvos
    from rvos_core.datasets.sentences import read_a2d, read_jhmdb
    from rvos_core.evaluation.unrelated import read_pairs

    if call.pairs is not None and call.data not in _WITH_PAIRS:
        raise UsageError(
            f"--pairs is for {' and '.join(_WITH_PAIRS)}, not for {call.data}.",
            hint="Leave it out.",
            code="usage.pairs",
        )
    match call.data:
        case Data.REF_YOUTUBE_VOS | Data.MEVIS:
            read = read_refytvos if call.data is Data.REF_YOUTUBE_VOS else read_mevis
            found = read(root, **({} if split is None else {"split": split}))
            return found if call.pairs is None else read_pairs(call.pairs, dataset=found)
        case Data.REF_DAVIS17:
            return read_refdavis(root, split=split or "valid")
        case Data.A2D:
            return read_a2d(root, split=split or "test")
        case Data.JHMDB:
            if split not in (None, "test"):
                raise UsageError(
                    f"{call.data} has no split {split}.",
                    hint="All of it is a test: leave --split out.",
                    code="usage.split",
                )
            return read_jhmdb(root)


def _check_data(described: ReferringDataset | SentencesDataset, call: _Call) -> None:
    """Look for what is asked for before a large model is loaded for it.

    Raises:
        UserError: pictures or films are missing.
        UsageError: `--only` names what the data set does not have.
    """
    from rvos_core.datasets.sentences import SentencesDataset

    if isinstance(described, SentencesDataset):
        replace(described, samples=call.selection.of_samples(described)).require_media()
    elif call.data is Data.REF_DAVIS17:
        call.selection.of_whole_videos(described).require_images()
    else:
        call.selection.of(described).require_images()


def _record(call: _Call, described: ReferringDataset | SentencesDataset, card: ModelCard, *, model: str) -> Record:
    from rvos_core.evaluation.predict.record import Record
    from rvos_core.models.registry import model_folder
    from rvos_core.weights import WEIGHTS_FILE
    from rvos_core.weights.cards import read_checksums

    rule = _rule(call, card)
    if call.pairs is not None:
        rule += f", unrelated pairs {hashlib.sha256(call.pairs.read_bytes()).hexdigest()[:12]}"
    return Record(
        data=described.name,
        split=described.split,
        model=card.name,
        arch=card.arch,
        weights=read_checksums(model_folder(model))[WEIGHTS_FILE],
        size=card.size,
        rule=rule,
    )


def _rule(call: _Call, card: ModelCard) -> str:
    """The protocol in words. Raises: UsageError: a window that makes no sense for it."""
    from rvos_core.evaluation.predict.refdavis import published_clip_length
    from rvos_core.evaluation.predict.sentences import WINDOW

    if call.data in _SENTENCES:
        if call.window == 0:
            raise UsageError(
                "--window all is not possible here: a window surrounds one annotated frame.",
                hint="Give a number of frames.",
                code="usage.window",
            )
        return f"the annotated frame in a window of {call.window or WINDOW} frames"
    length = call.window
    if length is None:
        length = published_clip_length(card.arch) if call.data is Data.REF_DAVIS17 else 0
    return f"clips of {length} frames" if length else "the whole video at once"


def _run(
    engine: Engine,
    described: ReferringDataset | SentencesDataset,
    call: _Call,
    *,
    cancel: CancelToken,
    listener: Listener,
) -> Predicted:
    from rvos_core.datasets.sentences import SentencesDataset
    from rvos_core.evaluation.predict.job import Job
    from rvos_core.evaluation.predict.refdavis import predict_refdavis
    from rvos_core.evaluation.predict.sentences import WINDOW, predict_sentences
    from rvos_core.evaluation.predict.whole_video import predict_whole_videos, write_server_archive

    job = Job(call.selection, cancel, listener)
    if isinstance(described, SentencesDataset):
        return predict_sentences(engine, described, call.folder, window=call.window or WINDOW, job=job)
    if call.data is Data.REF_DAVIS17:
        return predict_refdavis(engine, described, call.folder, chunk=call.window, job=job)
    made = predict_whole_videos(engine, described, call.folder, chunk=call.window or 0, job=job)
    if call.pairs is not None or not call.selection.is_everything:
        return replace(made, notes=(*made.notes, "This is not the whole split as published: no archive was written."))
    archive = write_server_archive(described, call.folder, cancel=cancel)
    return replace(made, outputs={**made.outputs, "archive": archive})


def _listener(meter: Meter) -> Listener:
    began, first = time.monotonic(), [0]

    def listen(done: int, total: int, what: str) -> None:
        first[0] = first[0] or done
        made = done - first[0] + 1
        left = (time.monotonic() - began) / made * (total - done)
        meter.update(done, total, detail=f"{what}, {seconds_in_words(left)} left")

    return listen


def _tell(made: Predicted, record: Record, *, seconds: float, output: Output) -> None:
    before = f", {made.finished_before} of them before" if made.finished_before else ""
    output.say(f"{made.expressions} expressions{before}, {made.frames} masked frames, {seconds_in_words(seconds)}")
    for note in made.notes:
        output.say(note)
    for path in made.outputs.values():
        output.say(f"  {path}")
    output.result(
        {
            "data": record.data,
            "split": record.split,
            "model": record.model,
            "rule": record.rule,
            "expressions": made.expressions,
            "finished_before": made.finished_before,
            "frames": made.frames,
            "outputs": {name: str(path) for name, path in made.outputs.items()},
            "seconds": round(seconds, 3),
            "notes": list(made.notes),
        }
    )
