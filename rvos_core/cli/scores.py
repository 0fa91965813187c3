"""What the commands that score masks share: the plot they can draw and the line that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rvos_core.cli.output import Output

if TYPE_CHECKING:
    from rvos_core.evaluation.plot import Series

DatasetOption = Annotated[
    Path, typer.Option("--gt", metavar="FOLDER", help="The data set, laid out as its authors publish it.")
]
PlotOption = Annotated[
    Path | None, typer.Option("--plot", metavar="FILE", help="Draw J&F over time into a .png or .svg file.")
]


def scoring_output(*, as_json: bool, plot: Path | None) -> Output:
    """The command's voice. Raises: UsageError: the plot's name is none, before hours of scoring are spent."""
    from rvos_core.evaluation.plot import check_plot_path

    if plot is not None:
        check_plot_path(plot)
    return Output(as_json=as_json)


def jf_line(scores: Mapping[str, Any]) -> str:
    """J&F, J and F with recall and decay as a line for people."""
    return (
        f"J&F {scores['jf']:.4f}, "
        f"J {scores['J']:.4f} (recall {scores['J_recall']:.4f}, decay {scores['J_decay']:.4f}), "
        f"F {scores['F']:.4f} (recall {scores['F_recall']:.4f}, decay {scores['F_decay']:.4f})"
    )


def finish_scores(
    scores: dict[str, Any], series: Sequence[Series], *, plot: Path | None, title: str, output: Output
) -> None:
    """Draw the plot if one is asked for, and give programs the scores. Raises: UserError: the disk refuses."""
    from rvos_core.evaluation.plot import write_plot

    if plot is not None:
        write_plot(plot, series, title=title)
        scores["plot"] = str(plot)
        output.say(f"plot: {plot}")
    output.result(scores)
