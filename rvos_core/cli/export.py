"""`rvos export`: what of a project goes to other programs, as mattes for editing or as annotations for data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rvos_core.cli.delivering import (
    EvenRateOption,
    FirstNumberOption,
    HandlesOption,
    NamingOption,
    OddSizeOption,
    PlanOption,
    PresetOption,
    Proxy,
    ProxyOption,
    SettingOption,
    SoundOption,
    TogetherOption,
    spec_changes,
    split_names,
)
from rvos_core.cli.exchange import FORMAT_NAMES, OverlapChoice
from rvos_core.cli.export_annotations import AnnotationWish, export_annotations
from rvos_core.cli.export_mattes import MatteWish, export_mattes, matte_formats, object_ids
from rvos_core.cli.options import EndOption, JsonOption, StartOption, read_rate
from rvos_core.cli.output import Output
from rvos_core.cli.session import cancel_on_interrupt
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
    handles: HandlesOption = 0,
    naming: NamingOption = None,
    start_number: FirstNumberOption = None,
    odd_size: OddSizeOption = None,
    fps: Annotated[str | None, typer.Option("--fps", metavar="RATE", help="Of the output (the source's).")] = None,
    even_rate: EvenRateOption = False,
    together: TogetherOption = False,
    proxy: ProxyOption = Proxy.FULL,
    sound: SoundOption = True,
    settings: SettingOption = None,
    plan_only: PlanOption = False,
    overlap: Annotated[
        OverlapChoice,
        typer.Option("--overlap", help="Annotations whose objects share pixels: last object on top, a file each."),
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
    named = split_names(formats)
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
        settings=settings,
    )
    wish = MatteWish(
        named,
        presets=tuple(presets or ()),
        objects=tuple(objects or ()),
        clips=tuple(clips or ()),
        start=start,
        stop=end,
        changes=changes,
        plan_only=plan_only,
    )
    if set(named) & set(FORMAT_NAMES):
        export_annotations(project, _annotations(project, wish, target, overlap=overlap, split=split), output)
        return
    with cancel_on_interrupt() as cancel:
        output.result(export_mattes(project, wish, folder=target, output=output, cancel=cancel))


def _annotations(project: Path, wish: MatteWish, target: Path, *, overlap: OverlapChoice, split: str) -> AnnotationWish:
    """The same wish for a data set. Raises: UsageError: more than that is asked for."""
    if len(wish.formats) > 1 or wish.presets:
        raise UsageError(
            "Annotations are exported one format at a time.", hint="Give one --format.", code="usage.format"
        )
    if wish.changes:
        raise UsageError(
            f"Annotations ({wish.formats[0]}) have no handles, names, rate, size or sound of their own.",
            hint="Of the options for frames, --start and --end are for them too.",
            code="usage.option",
        )
    return AnnotationWish(
        wish.formats[0],
        target,
        objects=tuple(object_ids(project, wish.objects)),
        clips=wish.clips,
        start=wish.start,
        stop=wish.stop,
        overlap=overlap,
        split=split,
        plan_only=wish.plan_only,
    )
