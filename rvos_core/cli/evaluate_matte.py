"""`rvos eval matte`: how good mattes are, on a picture whose matte is known and on drawn hair that moves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rvos_core.cli.options import JsonOption
from rvos_core.cli.output import Output
from rvos_core.cli.session import cancel_on_interrupt

_LINES = {
    "soft_edge": "alpha error, soft edge / mask",
    "refined": "alpha error, refined / mask",
    "given_trimap": "alpha error, trimap given / mask",
    "colours": "colour error, straight / picture",
    "flicker": "flicker, steady / each alone",
    "steady_error": "alpha error, steady / each alone",
}


def matte(
    *,
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            metavar="FOLDER",
            help="A folder NAME with NAME.png, NAME_alpha.png, NAME_foreground.png and NAME_trimap.png.",
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Measure mattes: errors as shares of those of the bare mask, the bare picture and frames refined each alone.

    The mask is the true alpha above one half. Flicker is measured on a drawn head of hair, whose true motion is known.
    """
    from rvos_core.evaluation.matte import measure_mattes

    output = Output(as_json=as_json)
    with cancel_on_interrupt() as cancel, output.progress("measuring") as meter:
        report = measure_mattes(data, progress=meter.update, cancel=cancel)
    figures = report.as_dict()
    for name, line in _LINES.items():
        output.say(f"{line:34} {figures[name]:.3f}")
    output.result(figures)
