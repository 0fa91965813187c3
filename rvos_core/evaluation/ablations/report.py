"""What the runs say: a table for every study, with the spread over seeds, beside the paper's figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rvos_core.evaluation.ablations.laboratory import Result
from rvos_core.evaluation.ablations.studies import Study, Variant, run_key

# Standard errors that a mean of n differences must be away from 0: Student's t, 95 %, by n; more seeds as many.
_CLEAR = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36}
_CLEAR_OF_MANY = 2.3


@dataclass(frozen=True)
class Row:
    """One variant, percent.

    Attributes:
        name: of the variant.
        seeds: runs that it was measured with.
        jf, spread: mean and standard deviation of J&F over seeds.
        less: mean of J&F less that of the study's whole network, seed by seed; None for the latter.
        error: standard error of `less`.
        right: share of sentences whose mask fits the meant object best; None where masks are followed.
        r: R2-VOS's R; None where masks are followed.
        paper, paper_less, paper_r: the same of the paper's row, where it has one.
        verdict: how `less` compares with the paper's.
    """

    name: str
    seeds: int
    jf: float
    spread: float
    less: float | None
    error: float | None
    right: float | None
    r: float | None
    paper: float | None
    paper_less: float | None
    paper_r: float | None
    verdict: str


@dataclass(frozen=True)
class StudyReport:
    """A study's rows, in its order; variants without a result are left out."""

    study: Study
    rows: tuple[Row, ...]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        study = self.study
        rows = [asdict(row) for row in self.rows]
        return {"key": study.key, "title": study.title, "source": study.source, "whole": study.whole, "rows": rows}


def report(study: Study, results: Iterable[Result]) -> StudyReport:
    """Compare the variants of a study."""
    of_runs: dict[str, dict[int, dict[str, float]]] = {}
    for result in results:
        of_runs.setdefault(result.run, {})[result.seed] = result.figures
    found = {each.name: of_runs.get(run_key(each.run), {}) for each in study.variants}
    whole = next(each for each in study.variants if each.name == study.whole)
    rows = [_row(each, found[each.name], whole, found[whole.name]) for each in study.variants if found[each.name]]
    return StudyReport(study, tuple(rows))


def as_markdown(reports: Sequence[StudyReport]) -> str:
    """Tables for docs/benchmarks.md."""
    return "\n\n".join(_table(each) for each in reports if each.rows) + "\n"


def _row(
    variant: Variant,
    of_seeds: dict[int, dict[str, float]],
    whole: Variant,
    whole_of_seeds: dict[int, dict[str, float]],
) -> Row:
    values = [_jf(variant, figures) for figures in of_seeds.values()]
    common = sorted({*of_seeds} & {*whole_of_seeds})
    differences = [_jf(variant, of_seeds[seed]) - _jf(whole, whole_of_seeds[seed]) for seed in common]
    compared = variant.name != whole.name and bool(differences)
    less = float(np.mean(differences)) if compared else None
    error = _deviation(differences) / math.sqrt(len(differences)) if compared and len(differences) > 1 else None
    paper_less = variant.paper - whole.paper if compared and variant.paper and whole.paper else None
    return Row(
        name=variant.name,
        seeds=len(values),
        jf=float(np.mean(values)),
        spread=_deviation(values),
        less=less,
        error=error,
        right=_mean(of_seeds, "right"),
        r=_mean(of_seeds, "r"),
        paper=variant.paper,
        paper_less=paper_less,
        paper_r=variant.paper_r,
        verdict=_verdict(less, error, paper_less, seeds=len(differences)),
    )


def _verdict(less: float | None, error: float | None, paper_less: float | None, *, seeds: int) -> str:
    if less is None:
        return ""
    if error is None or abs(less) < _CLEAR.get(seeds, _CLEAR_OF_MANY) * error:
        return "within the spread"
    if paper_less is None:
        return "higher" if less > 0 else "lower"
    return "as in the paper" if (less > 0) == (paper_less > 0) else "the other way round"


def _jf(variant: Variant, figures: dict[str, float]) -> float:
    return figures[f"jf_{variant.memory}" if variant.memory else "jf"]


def _mean(of_seeds: dict[int, dict[str, float]], name: str) -> float | None:
    values = [figures[name] for figures in of_seeds.values() if name in figures]
    return float(np.mean(values)) if values else None


def _deviation(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _table(report_: StudyReport) -> str:
    study, rows = report_.study, report_.rows
    columns = ["variant", "J&F", "against the whole"]
    refers = any(row.right is not None for row in rows)
    robust = any(row.paper_r is not None for row in rows)
    columns += ["right object"] * refers + ["R"] * robust + ["paper's J&F", "against the whole"]
    columns += ["paper's R"] * robust + ["difference"]
    seeds = max(row.seeds for row in rows)
    lines = [f"**{study.title}.** {study.source}; `{study.key}`, {seeds} seed{'s' * (seeds > 1)}.", ""]
    lines += [_line(columns), _line(["---"] * len(columns))]
    for row in rows:
        cells = [row.name, f"{row.jf:.1f} ± {row.spread:.1f}", _signed(row.less, row.error)]
        cells += [_plain(row.right)] * refers + [_plain(row.r)] * robust
        cells += [_plain(row.paper), _signed(row.paper_less, None)]
        cells += [_plain(row.paper_r)] * robust + [row.verdict]
        lines.append(_line(cells))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _signed(value: float | None, error: float | None) -> str:
    if value is None:
        return ""
    return f"{value:+.1f}" if error is None else f"{value:+.1f} ± {error:.1f}"
