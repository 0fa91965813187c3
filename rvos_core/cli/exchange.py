"""`rvos import`: annotations of data sets and other programs into a project."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rvos_core.cli.options import JsonOption
from rvos_core.cli.output import Output
from rvos_core.cli.session import cancel_on_interrupt
from rvos_core.errors import UsageError

if TYPE_CHECKING:
    from rvos_core.formats.annotations import AnnotationSet
    from rvos_core.formats.project_import import ClipPlan, ImportPlan
    from rvos_core.project.store import Project
    from rvos_core.types import CancelToken

# The names of rvos_core.formats.registry, which help does not load; a test keeps them equal.
FORMAT_NAMES = (
    *("a2d", "coco", "csv", "cvat-images", "cvat-video", "davis", "jhmdb", "labelme", "labelme-video", "mevis"),
    *("mots-png", "mots-txt", "plain", "refdavis17", "refytvos", "sav", "voc", "yolo-seg", "ytvis"),
)
_PROGRAM = "rvos import"


class OverlapChoice(StrEnum):
    """What is written where two objects share a pixel and the format has room for one."""

    REFUSE = "refuse"
    ORDER = "order"
    FILES = "files"


ProjectArgument = Annotated[Path, typer.Argument(metavar="PROJECT", help="A file that ends in .rvos.")]


def import_annotations(
    project: ProjectArgument,
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A data set's folder, or a file of annotations.")],
    *,
    format_name: Annotated[
        str, typer.Option("--format", metavar="NAME|auto", help=f"auto, {', '.join(FORMAT_NAMES)}.")
    ] = "auto",
    clips: Annotated[
        list[str] | None,
        typer.Option("--clip", metavar="NAME[=N]", help="Only this clip of SOURCE; N: which clip of PROJECT it is."),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="[CLIP:]A=B", help="Object A of SOURCE is object B of PROJECT; else new."),
    ] = None,
    split: Annotated[
        str, typer.Option("--split", metavar="NAME", help="train, valid, ... of a data set (all, or the first).")
    ] = "",
    shift: Annotated[
        int, typer.Option("--shift", metavar="N", help="Frame 0 of SOURCE is frame N, where it counts otherwise.")
    ] = 0,
    with_clips: Annotated[
        bool, typer.Option("--with-clips", help="Take in clips whose pictures lie beside; PROJECT may be new.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be added.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read the annotations in SOURCE into PROJECT, as one entry of its history. Frames that are locked stay."""
    from rvos_core.formats import registry
    from rvos_core.formats.format import ReadOptions
    from rvos_core.formats.project_import import apply_import, plan_import
    from rvos_core.project.reading import ProjectReader

    output = Output(as_json=as_json)
    chosen = registry.detect(source) if format_name == "auto" else registry.format_of(format_name)
    choice = _ClipChoice(source, tuple(clips or ()), None if with_clips else project)
    with cancel_on_interrupt() as cancel, output.progress("reading") as meter:
        options = ReadOptions(split, _size_of(project, chosen.needs_size), meter.update, cancel, choice)
        found = choice.applied(registry.read(source, chosen, options))
        planned = partial(
            plan_import,
            annotations=found,
            clip_of=choice.clip_of,
            object_of=_mapping(mapping or [], found),
            shift=shift,
            options=options,
        )
        if dry_run:
            with ProjectReader(project) as reader:
                plan = planned(reader)
        else:
            with _opened(project, may_be_new=with_clips) as document:
                if with_clips:
                    _take_in(document, found, cancel, output)
                plan = planned(document)
                apply_import(document, plan, title=f"{chosen.title} ({source.name})", options=options)
    said = {"format": chosen.format_id, "source": str(source), **_splits(chosen.splits(source), split, output)}
    _report(plan, output, {**said, "dry_run": dry_run})


def _splits(there: tuple[str, ...], asked: str, output: Output) -> dict[str, Any]:
    """Which split was read and which there are, as JSON values; said where nobody asked for one of several."""
    read, names = asked or next(iter(there), ""), [name for name in there if name]
    if not asked and len(names) > 1:
        output.note(f"There are the splits {', '.join(names)} (--split): read is {read or 'all'}.")
    return {"split": read, "splits": names}


@contextmanager
def _opened(path: Path, *, may_be_new: bool) -> Iterator[Project]:
    from rvos_core.project.store import Project

    made = may_be_new and not path.exists()
    project = Project.create(path, program=_PROGRAM) if made else Project(path, program=_PROGRAM)
    try:
        yield project
    finally:
        project.close()


def _size_of(project: Path, needed: bool) -> tuple[int, int] | None:
    """The size of the project's clips, where all have the same: what YOLO's relative outlines are drawn at."""
    from rvos_core.project.reading import ProjectReader

    if not needed or not project.exists():
        return None
    with ProjectReader(project) as reader:
        sizes = {(each.width, each.height) for each in reader.media()}
    return sizes.pop() if len(sizes) == 1 else None


class _ClipChoice:
    """Which clips of SOURCE are read: those of --clip, else those that PROJECT has.

    Attributes:
        clip_of: name in SOURCE -> number in PROJECT, where --clip NAME=N says so.
    """

    def __init__(self, source: Path, wanted: tuple[str, ...], project: Path | None) -> None:
        self._source = source
        self._wanted = wanted
        self._project = project
        self._notes: tuple[str, ...] = ()
        self.clip_of: dict[str, int] = {}

    def __call__(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Raises: UsageError: there is no clip of such a name."""
        if self._wanted:
            return tuple(self._named(each, names) for each in self._wanted)
        if self._project is None:
            return names
        from rvos_core.formats.clip_matching import clips_in, missing_clips
        from rvos_core.project.reading import ProjectReader

        with ProjectReader(self._project) as reader:
            found = clips_in(reader, names)
        if not found:
            return names
        self._notes = tuple(missing_clips([name for name in names if name not in found]))
        return found

    def applied(self, found: AnnotationSet) -> AnnotationSet:
        """What was read, without the clips that its format read although they are not wanted."""
        from dataclasses import replace

        read = tuple(each.name for each in found.clips)
        names = self(read) if self._wanted else read
        clips = tuple(each for each in found.clips if each.name in names)
        return replace(found, clips=clips, notes=(*found.notes, *self._notes))

    def _named(self, wanted: str, names: tuple[str, ...]) -> str:
        name, _, number = wanted.rpartition("=") if "=" in wanted and wanted not in names else (wanted, "", "")
        if name not in names or (number and not number.isdigit()):
            raise UsageError(
                f"--clip {wanted}: {self._source} has no such clip.",
                hint=f"It has {', '.join(names[:8])}{' ...' if len(names) > 8 else ''}.",
                code="usage.clip",
            )
        if number:
            self.clip_of[name] = int(number)
        return name


def _mapping(values: list[str], found: AnnotationSet) -> dict[tuple[str, int], int]:
    objects = {}
    for value in values:
        clip, _, pair = value.rpartition(":")
        source, _, target = pair.partition("=")
        if not (source.isdigit() and target.isdigit()):
            raise UsageError(
                f"--map {value} is no pair of numbers.", hint="Give --map 1=3, or --map CLIP:1=3.", code="usage.map"
            )
        named = [each.name for each in found.clips if clip in ("", each.name)]
        for name in named:
            objects[name, int(source)] = int(target)
        if not any(each.object_id == int(source) for one in found.clips if one.name in named for each in one.objects):
            raise UsageError(f"--map {value}: the source has no object {source}.", hint="", code="usage.map")
    return objects


def _take_in(project: Project, found: AnnotationSet, cancel: CancelToken, output: Output) -> None:
    from rvos_core.media import open_media
    from rvos_core.project.relink import take_in

    for clip in found.clips:
        cancel.raise_if_cancelled()
        if clip.images is None:
            output.note(f"{clip.name}: no pictures beside the annotations")
            continue
        with open_media(clip.images, fps=clip.rate) as reader:
            take_in(project, reader.info)


def _frames_line(clip: ClipPlan) -> str:
    """`frames 40 to 59, by their names`."""
    ways = {
        "name": "by their names",
        "order": "one for one",
        "number": "by their numbers, from 0",
        "number from 1": "by their numbers, from 1",
    }
    shift = f", shifted by {clip.match.shift:+d}" if clip.match.shift else ""
    ends = clip.match.ends
    where = f"frames {ends[0]} to {ends[1]}" if ends is not None else "no frame of it"
    return f"{where}, {ways[clip.match.way]}{shift}"


def _report(plan: ImportPlan, output: Output, said: dict[str, Any]) -> None:
    for note in plan.notes:
        output.note(note)
    for clip in plan.clips:
        output.say(f"{clip.clip.name} -> {clip.media.absolute_path.name}, {_frames_line(clip)}")
        for each in clip.objects:
            new = "new: " if each.is_new else ""
            kept = f", {each.kept} locked ones stay" if each.kept else ""
            numbers = f"{each.source.object_id} -> {each.target.object_id}"
            sentences = f"{len(each.expressions)} sentences"
            output.say(f"  {numbers}  {new}{each.target.name}: {each.masks} masks{kept}, {sentences}")
    if said["dry_run"]:
        output.say("Nothing was changed (--dry-run).")
    output.result(
        {
            **said,
            "clips": [
                {
                    "name": clip.clip.name,
                    "media": clip.media.media_id,
                    "frames": clip.match.as_dict(),
                    "objects": [
                        {
                            "source": each.source.object_id,
                            "object": each.target.object_id,
                            "name": each.target.name,
                            "new": each.is_new,
                            "masks": each.masks,
                            "kept": each.kept,
                            "expressions": len(each.expressions),
                        }
                        for each in clip.objects
                    ],
                }
                for clip in plan.clips
            ],
            "notes": list(plan.notes),
        }
    )
