"""`rvos eval refdavis|ytvos|mevis|a2d`: the figures of the published benchmarks, on data sets in their layouts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from rvos_core.cli.options import JsonOption
from rvos_core.cli.output import Output
from rvos_core.cli.scores import DatasetOption, PlotOption, finish_scores, jf_line, scoring_output
from rvos_core.cli.session import cancel_on_interrupt

if TYPE_CHECKING:
    from rvos_core.datasets.referring import ReferringDataset
    from rvos_core.evaluation.expressions import ExpressionReport
    from rvos_core.evaluation.plot import Series
    from rvos_core.evaluation.report import ObjectScores

PredOption = Annotated[Path, typer.Option("--pred", metavar="FOLDER", help="Predictions, as `rvos predict` writes.")]


def refdavis(
    *,
    gt: DatasetOption,
    pred: PredOption,
    split: Annotated[str, typer.Option("--split", help="valid or train.")] = "valid",
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ref-DAVIS17: four annotators in anno_0 to anno_3, DAVIS's unsupervised measure, the mean of the four."""
    from rvos_core.datasets.refdavis import read_refdavis
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
    from rvos_core.datasets.refytvos import read_refytvos

    _score_expressions(read_refytvos, gt, pred, split=split, plot=plot, as_json=as_json)


def mevis(
    *,
    gt: DatasetOption,
    pred: PredOption,
    split: Annotated[str, typer.Option("--split", help="valid_u or train.")] = "valid_u",
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """MeViS: one mask for each expression, which may mean several objects or none, the mean over expressions."""
    from rvos_core.datasets.mevis import read_mevis

    _score_expressions(read_mevis, gt, pred, split=split, plot=plot, as_json=as_json)


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
    with cancel_on_interrupt() as cancel, output.progress("scoring") as meter:
        report = evaluate_sentences(gt, pred, split=split, progress=meter.update, cancel=cancel)
    scores = report.as_dict()
    precision = ", ".join(f"{name} {value:.4f}" for name, value in scores.items() if name.startswith("P@"))
    ap = ", ".join(
        f"{name} {'none' if value is None else f'{value:.4f}'}" for name, value in scores.items() if "AP" in name
    )
    output.say(precision)
    output.say(f"overall IoU {scores['overall_iou']:.4f}, mean IoU {scores['mean_iou']:.4f}")
    output.say(f"{ap}; {scores['samples']} samples")
    output.result(scores)


class _Reader(Protocol):
    def __call__(self, root: Path, *, split: str) -> ReferringDataset: ...


def _score_expressions(read: _Reader, gt: Path, pred: Path, *, split: str, plot: Path | None, as_json: bool) -> None:
    from rvos_core.evaluation.expressions import evaluate_expressions

    output = scoring_output(as_json=as_json, plot=plot)
    with cancel_on_interrupt() as cancel, output.progress("scoring") as meter:
        report = evaluate_expressions(read(gt, split=split), pred, progress=meter.update, cancel=cancel)
    scores = report.as_dict()
    for note in report.notes:
        output.note(note)
    output.say(f"{jf_line(scores)}; {scores['expressions']} expressions, {scores['videos']} videos")
    kinds = [f"{key} {scores[key]:.4f}" for key in ("J_seen", "F_seen", "J_unseen", "F_unseen", "G") if key in scores]
    if kinds:
        output.say(", ".join(kinds))
    title = f"{report.dataset} {split}, J&F of {pred}"
    finish_scores(scores, _expression_series(report), plot=plot, title=title, output=output)


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
