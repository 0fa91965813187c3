"""`rvos eval r2`: R2-VOS's robustness, on predictions that are there or on those of a model that is run for it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rvos_core.cli.options import DeviceOption, JsonOption
from rvos_core.cli.output import Output
from rvos_core.cli.scores import DatasetOption
from rvos_core.cli.session import cancel_on_interrupt, load_model
from rvos_core.errors import UsageError

if TYPE_CHECKING:
    from rvos_core.datasets.referring import ReferringDataset
    from rvos_core.evaluation.robustness import RobustnessReport
    from rvos_core.types import CancelToken

_RULE = "the whole video at once"  # as `rvos predict` records it, so that its folders can be taken up


class Asked(StrEnum):
    """Data sets with one predicted mask for each expression and frame."""

    YTVOS = "ref-youtube-vos"
    MEVIS = "mevis"


@dataclass(frozen=True)
class _Call:
    """Where predictions are (`related`, `unrelated`), or the model that makes them in `folder`; how pairs are had."""

    related: Path | None
    unrelated: Path | None
    model: str | None
    folder: Path | None
    pairs: Path | None
    seed: int | None

    def check(self) -> None:
        """Raises: UsageError: something is missing, or does not go together."""
        complaint: tuple[str, str] | None = None
        if self.pairs is None and self.seed is None:
            complaint = (
                "R needs to know which video each expression was asked of.",
                "Draw the pairs with --make-pairs SEED, or give those that were drawn with --pairs FILE.",
            )
        elif self.model is not None and (self.folder is None or self.related or self.unrelated):
            complaint = (
                "--model makes the predictions itself.",
                "Give -o FOLDER for them, and neither --pred nor --negative.",
            )
        elif self.folder is not None and self.model is None:
            complaint = ("-o is for the predictions of --model.", "Give --model too, or leave -o out.")
        elif (self.related is None) != (self.unrelated is None):
            complaint = (
                "Masks of related and of unrelated videos belong together.",
                "Give both --pred and --negative, or neither to draw pairs only.",
            )
        elif self.model is None and self.related is None and (self.seed is None or self.pairs is None):
            complaint = (
                "There is nothing to score and nothing to draw.",
                "Give --model, or --pred and --negative, or --make-pairs SEED and --pairs FILE to write the pairs.",
            )
        if complaint is not None:
            raise UsageError(complaint[0], hint=complaint[1], code="usage.pairs")


def r2(
    *,
    gt: DatasetOption,
    pred: Annotated[
        Path | None,
        typer.Option("--pred", metavar="FOLDER", help="Masks where each expression is about the video."),
    ] = None,
    negative: Annotated[
        Path | None,
        typer.Option("--negative", metavar="FOLDER", help="Masks where it is asked of an unrelated video."),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option("--pairs", metavar="FILE", help="The unrelated pairs: read, or written with --make-pairs."),
    ] = None,
    make_pairs: Annotated[
        int | None,
        typer.Option("--make-pairs", metavar="SEED", min=0, help="Draw an unrelated video for each expression."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME|PATH", help="Predict both sides with this model first."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FOLDER", help="Folder for the model's predictions.")
    ] = None,
    device: DeviceOption = "auto",
    data: Annotated[Asked, typer.Option("--data", help="Which data set --gt is.")] = Asked.YTVOS,
    split: Annotated[str | None, typer.Option("--split", help="Default: the validation split.")] = None,
    as_json: JsonOption = False,
) -> None:
    """R2-VOS: J and F on related videos, R on unrelated ones, and the mean of the three."""
    output = Output(as_json=as_json)
    if folder is not None and pairs is None:
        pairs = folder / "pairs.json"
    call = _Call(pred, negative, model, folder, pairs, make_pairs)
    call.check()
    dataset = _read(data, gt, split)
    questions, drawn = _questions(dataset, call, output=output)
    with cancel_on_interrupt() as cancel:
        sides = call.related, call.unrelated
        if model is not None and folder is not None:
            sides = folder / "related", folder / "unrelated"
            rules = _RULE, f"{_RULE}, unrelated pairs {_digest(pairs)}"
            described = list(zip((dataset, questions), sides, rules, strict=True))
            _predict(model, described, device=device, output=output, cancel=cancel)
        if sides[0] is None or sides[1] is None:
            output.result(drawn)
            return
        report = _score(dataset, questions, related=sides[0], unrelated=sides[1], output=output, cancel=cancel)
    _say(report, output)
    output.result({**report.as_dict(), **drawn})


def _read(data: Asked, gt: Path, split: str | None) -> ReferringDataset:
    from rvos_core.datasets.mevis import read_mevis
    from rvos_core.datasets.refytvos import read_refytvos

    if data is Asked.MEVIS:
        return read_mevis(gt, split=split or "valid_u")
    return read_refytvos(gt, split=split or "valid")


def _questions(dataset: ReferringDataset, call: _Call, *, output: Output) -> tuple[ReferringDataset, dict[str, Any]]:
    """The unrelated questions, drawn (and written where `pairs` says) or read; and what there is to say of it."""
    from rvos_core.evaluation.unrelated import as_dataset, draw_pairs, read_pairs, write_pairs

    if call.seed is None:
        assert call.pairs is not None, "checked"
        return read_pairs(call.pairs, dataset=dataset), {"pairs": str(call.pairs)}
    drawn = draw_pairs(dataset, seed=call.seed)
    said: dict[str, Any] = {"seed": call.seed, "pairs_drawn": len(drawn), "videos_used": len({p.video for p in drawn})}
    output.say(f"{said['pairs_drawn']} unrelated pairs over {said['videos_used']} videos, seed {call.seed}")
    if call.pairs is not None:
        write_pairs(call.pairs, drawn, dataset=dataset, seed=call.seed)
        said["pairs"] = str(call.pairs)
        output.say(f"pairs: {call.pairs}")
    return as_dataset(drawn, dataset), said


def _digest(pairs: Path | None) -> str:
    return hashlib.sha256(pairs.read_bytes()).hexdigest()[:12] if pairs is not None else ""


def _predict(
    model: str,
    sides: list[tuple[ReferringDataset, Path, str]],
    *,
    device: str,
    output: Output,
    cancel: CancelToken,
) -> None:
    """Answer every expression of both sides that is not answered yet. Raises: UserError, Cancelled."""
    from rvos_core.evaluation.predict.job import Job
    from rvos_core.evaluation.predict.record import Record, claim
    from rvos_core.evaluation.predict.selection import Selection
    from rvos_core.evaluation.predict.whole_video import predict_whole_videos
    from rvos_core.models.registry import card, model_folder
    from rvos_core.weights import WEIGHTS_FILE
    from rvos_core.weights.cards import read_checksums

    about = card(model)
    weights = read_checksums(model_folder(model))[WEIGHTS_FILE]
    for dataset, folder, rule in sides:
        claim(folder, Record(dataset.name, dataset.split, about.name, about.arch, weights, about.size, rule))
    engine, _ = load_model(model, device=device, output=output)
    for dataset, folder, _rule in sides:
        with output.progress(f"predicting {folder.name}") as meter:

            def listen(done: int, total: int, what: str, meter: Any = meter) -> None:
                meter.update(done, total, detail=what)

            predict_whole_videos(engine, dataset, folder, job=Job(Selection({}), cancel, listen))


def _score(
    dataset: ReferringDataset,
    questions: ReferringDataset,
    *,
    related: Path,
    unrelated: Path,
    output: Output,
    cancel: CancelToken,
) -> RobustnessReport:
    from rvos_core.evaluation.robustness import evaluate_robustness

    with output.progress("scoring") as meter:
        return evaluate_robustness(
            dataset, questions, positive=related, negative=unrelated, progress=meter.update, cancel=cancel
        )


def _say(report: RobustnessReport, output: Output) -> None:
    scores = report.as_dict()
    for note in scores["notes"]:
        output.note(note)
    if scores["mean"] is not None:
        output.say(f"J {scores['J']:.4f}, F {scores['F']:.4f}, R {scores['R']:.4f}, mean {scores['mean']:.4f}")
    else:
        output.say(f"R {scores['R']:.4f}")
    output.say(
        f"{scores['expressions']} expressions; {scores['left_empty']:.1%} of the unrelated videos were left empty, "
        f"{scores['negative_px']:,} px were painted there and {scores['positive_px']:,} px in the related ones"
    )
