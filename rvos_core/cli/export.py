"""`rvos export`: what of a project goes to other programs, as mattes for editing or as annotations for data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rvos_core.cli.exchange import FORMAT_NAMES, OverlapChoice
from rvos_core.cli.export_annotations import AnnotationWish, export_annotations
from rvos_core.cli.export_mattes import MatteWish, export_mattes, matte_formats, object_ids, spec_changes
from rvos_core.cli.options import EndOption, JsonOption, StartOption, read_rate
from rvos_core.cli.output import Output
from rvos_core.cli.session import cancel_on_interrupt
from rvos_core.delivery.presets import PRESETS
from rvos_core.errors import UsageError

FormatOption = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help=f"What to write. For data sets: {', '.join(FORMAT_NAMES)}. For editing, may be repeated: "
        f"{matte_formats()}.",
    ),
]
PresetOption = Annotated[
    list[str] | None,
    typer.Option("--preset", metavar="NAME", help=f"For an editing program: {', '.join(PRESETS)}, or an own one."),
]
NamingOption = Annotated[
    str | None, typer.Option("--naming", metavar="TEMPLATE", help="E.g. {clip}_{object}_{kind}.{frame:04}.")
]
FirstNumberOption = Annotated[
    int | None, typer.Option("--start-number", metavar="N", min=0, help="Of the first picture (its frame's index).")
]
OddSizeOption = Annotated[
    str | None, typer.Option("--odd-size", metavar="pad|crop|444", help="Where the encoder takes even sizes only.")
]
TogetherOption = Annotated[bool, typer.Option("--together", help="All objects in one file.")]


def export(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="A file that ends in .rvos.")],
    *,
    target: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="OUT", help="Folder for what is written; of annotations, see docs."),
    ],
    presets: PresetOption = None,
    formats: FormatOption = None,
    objects: Annotated[
        list[str] | None, typer.Option("--object", metavar="NAME|N", help="Only this one; may be repeated (all).")
    ] = None,
    clips: Annotated[
        list[str] | None, typer.Option("--clip", metavar="NAME|N", help="Only this one; may be repeated (all).")
    ] = None,
    start: StartOption = None,
    end: EndOption = None,
    handles: Annotated[int, typer.Option("--handles", metavar="N", min=0, help="Frames more at either side.")] = 0,
    naming: NamingOption = None,
    start_number: FirstNumberOption = None,
    odd_size: OddSizeOption = None,
    fps: Annotated[str | None, typer.Option("--fps", metavar="RATE", help="Of the output (the source's).")] = None,
    even_rate: Annotated[
        bool, typer.Option("--even-rate", help="Repeat and leave out frames of a source whose rate varies.")
    ] = False,
    together: TogetherOption = False,
    proxy: Annotated[int, typer.Option("--proxy", metavar="1|2|4", help="1/N of the size.")] = 1,
    sound: Annotated[bool, typer.Option("--sound/--no-sound", help="Copy the source's sound into video.")] = True,
    plan_only: Annotated[
        bool, typer.Option("--plan", help="Only say what would be written, and what hinders.")
    ] = False,
    overlap: Annotated[
        OverlapChoice,
        typer.Option("--overlap", help="Annotations whose objects share pixels: first object on top, a file each."),
    ] = OverlapChoice.REFUSE,
    split: Annotated[
        str, typer.Option("--split", metavar="NAME", help="Of a data set, where there are any.")
    ] = "train",
    as_json: JsonOption = False,
) -> None:
    """Write the objects of PROJECT for editing programs, or as annotations.

    Mattes, cut-outs, masks and overlays are read back before they get their names; a report lies beside each.
    Interrupted, the same call goes on where it was. docs/formats/annotations.md says what each annotation format loses.
    """
    output = Output(as_json=as_json)
    named, chosen = tuple(formats or ()), tuple(objects or ())
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
    if set(named) & set(FORMAT_NAMES):
        if len(named) > 1 or presets:
            raise UsageError(
                "Annotations are exported one format at a time.", hint="Give one --format.", code="usage.format"
            )
        if changes or plan_only:
            raise UsageError(
                f"Annotations ({named[0]}) have no handles, names, rate, size or sound of their own, and no --plan.",
                hint="Of the options for frames, --start and --end are for them too.",
                code="usage.option",
            )
        annotations = AnnotationWish(
            named[0],
            target,
            objects=tuple(object_ids(project, chosen)),
            clips=tuple(clips or ()),
            start=start,
            stop=end,
            overlap=overlap,
            split=split,
        )
        export_annotations(project, annotations, output)
        return
    wish = MatteWish(
        named,
        presets=tuple(presets or ()),
        objects=chosen,
        clips=tuple(clips or ()),
        start=start,
        stop=end,
        changes=changes,
        plan_only=plan_only,
    )
    with cancel_on_interrupt() as cancel:
        output.result(export_mattes(project, wish, folder=target, output=output, cancel=cancel))
