"""`rvos eval refdavis|ytvos|mevis|a2d|r2`: the figures of the published benchmarks, on data sets in their layouts."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rvos_core.cli.options import JsonOption
from rvos_core.cli.output import Output
from rvos_core.cli.scores import PlotOption, finish_scores, jf_line, scoring_output
from rvos_core.cli.session import cancel_on_interrupt
from rvos_core.errors import UsageError

if TYPE_CHECKING:
    from rvos_core.evaluation.expressions import ExpressionReport
    from rvos_core.evaluation.layouts.referring import ReferringDataset
    from rvos_core.evaluation.plot import Series
    from rvos_core.evaluation.report import ObjectScores
    from rvos_core.evaluation.robustness import RobustnessReport

DatasetOption = Annotated[
    Path, typer.Option("--gt", metavar="FOLDER", help="The data set, laid out as its authors publish it.")
]
PredOption = Annotated[Path, typer.Option("--pred", metavar="FOLDER", help="Predictions, as `rvos predict` writes.")]


class Referring(StrEnum):
    """Data sets with one predicted mask for each expression and frame."""

    YTVOS = "ref-youtube-vos"
    MEVIS = "mevis"


def refdavis(
    *,
    gt: DatasetOption,
    pred: PredOption,
    split: Annotated[str, typer.Option("--split", help="valid or train.")] = "valid",
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ref-DAVIS17: four annotators in anno_0 to anno_3, DAVIS's unsupervised measure, the mean of the four."""
    from rvos_core.evaluation.layouts.refdavis import read_refdavis
    from rvos_core.evaluation.refdavis import evaluate_refdavis

    output = scoring_output(as_json=as_json, plot=plot)
    with cancel_on_interrupt() as cancel, output.progress("scoring") as meter:
        dataset = read_refdavis(gt, split=split)
        report = evaluate_refdavis(dataset, pred, progress=meter.update, cancel=cancel)
    scores = report.as_dict()
    for number, each in enumerate(scores["per_annotator"]):
        output.say(f"annotator {number}: {jf_line(each)}")
    output.say(f"{jf_line(scores)}; {scores['objects']} objects, {scores['clips']} clips")
    series = [_object_series(each) for annotator in report.annotators for each in annotator.objects]
    finish_scores(scores, series, plot=plot, title=f"Ref-DAVIS17 {split}, J&F of {pred}", output=output)


def ytvos(
    *,
    gt: DatasetOption,
    pred: PredOption,
    split: Annotated[str, typer.Option("--split", help="train, valid or test.")] = "valid",
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ref-YouTube-VOS: one mask for each expression on the annotated frames, the mean over expressions."""
    _score_expressions(Referring.YTVOS, gt, pred, split=split, plot=plot, as_json=as_json)


def mevis(
    *,
    gt: DatasetOption,
    pred: PredOption,
    split: Annotated[str, typer.Option("--split", help="valid_u or train.")] = "valid_u",
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """MeViS: one mask for each expression, which may mean several objects or none, the mean over expressions."""
    _score_expressions(Referring.MEVIS, gt, pred, split=split, plot=plot, as_json=as_json)


def a2d(
    *,
    gt: Annotated[
        Path,
        typer.Option("--gt", metavar="PATH", help="A2D- or JHMDB-Sentences, or its COCO file of true masks."),
    ],
    pred: Annotated[
        Path, typer.Option("--pred", metavar="PATH", help="Scored masks in COCO's form of results, or their folder.")
    ],
    split: Annotated[str, typer.Option("--split", help="test or train, of A2D-Sentences.")] = "test",
    as_json: JsonOption = False,
) -> None:
    """A2D- and JHMDB-Sentences: precision at K, overall and mean IoU, mean average precision."""
    from rvos_core.evaluation.sentences import evaluate_sentences

    output = Output(as_json=as_json)
    output.note("scoring")
    with cancel_on_interrupt() as cancel:
        scores = evaluate_sentences(gt, pred, split=split).as_dict()
        cancel.raise_if_cancelled()
    precision = ", ".join(f"{name} {value:.4f}" for name, value in scores.items() if name.startswith("P@"))
    ap = ", ".join(
        f"{name} {'none' if value is None else f'{value:.4f}'}" for name, value in scores.items() if "AP" in name
    )
    output.say(precision)
    output.say(f"overall IoU {scores['overall_iou']:.4f}, mean IoU {scores['mean_iou']:.4f}")
    output.say(f"{ap}; {scores['samples']} samples")
    output.result(scores)


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
    data: Annotated[Referring, typer.Option("--data", help="Which data set --gt is.")] = Referring.YTVOS,
    split: Annotated[str | None, typer.Option("--split", help="Default: the validation split.")] = None,
    as_json: JsonOption = False,
) -> None:
    """R2-VOS: J and F on related videos, R on unrelated ones, and the mean of the three."""
    from rvos_core.evaluation.robustness import evaluate_robustness

    output = Output(as_json=as_json)
    _check_r2_call(pred=pred, negative=negative, pairs=pairs, make_pairs=make_pairs)
    dataset = _read(data, gt, split)
    questions, drawn = _questions(dataset, pairs=pairs, seed=make_pairs, output=output)
    if pred is None or negative is None:
        output.result(drawn)
        return
    with cancel_on_interrupt() as cancel, output.progress("scoring") as meter:
        report = evaluate_robustness(
            dataset, questions, positive=pred, negative=negative, progress=meter.update, cancel=cancel
        )
    _say_robustness(report, output)
    output.result({**report.as_dict(), **drawn})


def _check_r2_call(*, pred: Path | None, negative: Path | None, pairs: Path | None, make_pairs: int | None) -> None:
    if pairs is None and make_pairs is None:
        raise UsageError(
            "R needs to know which video each expression was asked of.",
            hint="Draw the pairs with --make-pairs SEED, or give those that were drawn with --pairs FILE.",
            code="usage.pairs",
        )
    if (pred is None) != (negative is None):
        raise UsageError(
            "Masks of related and of unrelated videos belong together.",
            hint="Give both --pred and --negative, or neither to draw pairs only.",
            code="usage.pairs",
        )
    if pred is None and (make_pairs is None or pairs is None):
        raise UsageError(
            "There is nothing to score and nothing to draw.",
            hint="Give --pred and --negative, or --make-pairs SEED and --pairs FILE to write the pairs.",
            code="usage.pairs",
        )


def _questions(
    dataset: ReferringDataset, *, pairs: Path | None, seed: int | None, output: Output
) -> tuple[ReferringDataset, dict[str, Any]]:
    """The unrelated questions, drawn (and written where `pairs` says) or read; and what there is to say of it."""
    from rvos_core.evaluation.unrelated import as_dataset, draw_pairs, read_pairs, write_pairs

    if seed is None:
        assert pairs is not None
        return read_pairs(pairs, dataset=dataset), {"pairs": str(pairs)}
    drawn = draw_pairs(dataset, seed=seed)
    said: dict[str, Any] = {"seed": seed, "pairs_drawn": len(drawn), "videos_used": len({p.video for p in drawn})}
    output.say(f"{said['pairs_drawn']} unrelated pairs over {said['videos_used']} videos, seed {seed}")
    if pairs is not None:
        write_pairs(pairs, drawn, dataset=dataset, seed=seed)
        said["pairs"] = str(pairs)
        output.say(f"pairs: {pairs}")
    return as_dataset(drawn, dataset), said


def _say_robustness(report: RobustnessReport, output: Output) -> None:
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


def _score_expressions(data: Referring, gt: Path, pred: Path, *, split: str, plot: Path | None, as_json: bool) -> None:
    from rvos_core.evaluation.expressions import evaluate_expressions

    output = scoring_output(as_json=as_json, plot=plot)
    with cancel_on_interrupt() as cancel, output.progress("scoring") as meter:
        report = evaluate_expressions(_read(data, gt, split), pred, progress=meter.update, cancel=cancel)
    scores = report.as_dict()
    for note in report.notes:
        output.note(note)
    output.say(f"{jf_line(scores)}; {scores['expressions']} expressions, {scores['videos']} videos")
    kinds = [f"{key} {scores[key]:.4f}" for key in ("J_seen", "F_seen", "J_unseen", "F_unseen", "G") if key in scores]
    if kinds:
        output.say(", ".join(kinds))
    title = f"{data.value} {split}, J&F of {pred}"
    finish_scores(scores, _expression_series(report), plot=plot, title=title, output=output)


def _read(data: Referring, gt: Path, split: str | None) -> ReferringDataset:
    from rvos_core.evaluation.layouts.mevis import read_mevis
    from rvos_core.evaluation.layouts.refytvos import read_refytvos

    if data is Referring.MEVIS:
        return read_mevis(gt, split=split or "valid_u")
    return read_refytvos(gt, split=split or "valid")


def _object_series(scores: ObjectScores) -> Series:
    from rvos_core.evaluation.plot import Series

    return Series(f"{scores.clip}, object {scores.object_id}", scores.frames, scores.j, scores.f)


def _expression_series(report: ExpressionReport) -> list[Series]:
    """Frames by number, or by position where their names are none."""
    from rvos_core.evaluation.plot import Series

    found = []
    for each in report.scores:
        named = all(frame.isascii() and frame.isdigit() for frame in each.frames)
        frames = tuple(int(frame) if named else index for index, frame in enumerate(each.frames))
        found.append(Series(f"{each.video}/{each.expression_id}", frames, each.j, each.f))
    return found
