"""`rvos export`: what of a project goes to other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rvos_core.cli.export_mattes import MatteWish, export_mattes, matte_formats, spec_changes
from rvos_core.cli.options import EndOption, JsonOption, OutputOption, StartOption, read_rate
from rvos_core.cli.output import Output
from rvos_core.cli.session import cancel_on_interrupt


def export(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="A file that ends in .rvos.")],
    *,
    folder: OutputOption,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", metavar="NAME", help=f"What to write; may be repeated. {matte_formats()}."),
    ] = None,
    objects: Annotated[
        list[str] | None, typer.Option("--object", metavar="NAME|ID", help="Only this one; may be repeated (all).")
    ] = None,
    clips: Annotated[
        list[str] | None, typer.Option("--clip", metavar="NAME|ID", help="Only this one; may be repeated (all).")
    ] = None,
    start: StartOption = None,
    end: EndOption = None,
    handles: Annotated[int, typer.Option("--handles", metavar="N", min=0, help="Frames more at either side.")] = 0,
    naming: Annotated[
        str | None, typer.Option("--naming", metavar="TEMPLATE", help="E.g. {clip}_{object}_{kind}.{frame:04}.")
    ] = None,
    start_number: Annotated[
        int | None, typer.Option("--start-number", metavar="N", min=0, help="Of the first picture (its frame's index).")
    ] = None,
    odd_size: Annotated[
        str | None, typer.Option("--odd-size", metavar="pad|crop|444", help="Where the encoder takes even sizes only.")
    ] = None,
    fps: Annotated[str | None, typer.Option("--fps", metavar="RATE", help="Of the output (the source's).")] = None,
    even_rate: Annotated[
        bool, typer.Option("--even-rate", help="Repeat and leave out frames of a source whose rate varies.")
    ] = False,
    together: Annotated[bool, typer.Option("--together", help="All objects in one file.")] = False,
    proxy: Annotated[int, typer.Option("--proxy", metavar="1|2|4", help="1/N of the size.")] = 1,
    sound: Annotated[bool, typer.Option("--sound/--no-sound", help="Copy the source's sound into video.")] = True,
    plan_only: Annotated[
        bool, typer.Option("--plan", help="Only say what would be written, and what hinders.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write mattes, cut-outs, masks or overlays of PROJECT's objects into FOLDER.

    Each output is read back before it gets its name; a report lies beside it. Interrupted, the same call goes on where
    it was.
    """
    output = Output(as_json=as_json)
    changes = spec_changes(
        naming=naming,
        start_number=start_number,
        handles=handles,
        odd_size=odd_size,
        rate=read_rate(fps),
        even_rate=even_rate,
        together=together,
        proxy=proxy,
        sound=sound,
    )
    wish = MatteWish(
        tuple(formats or ()),
        objects=tuple(objects or ()),
        clips=tuple(clips or ()),
        start=start,
        stop=end,
        changes=changes,
        plan_only=plan_only,
    )
    with cancel_on_interrupt() as cancel:
        output.result(export_mattes(project, wish, folder=folder, output=output, cancel=cancel))
