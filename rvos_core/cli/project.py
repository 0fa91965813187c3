"""`rvos project`: look at a project, check it, save what can be saved, write it out as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rvos_core.cli.options import JsonOption
from rvos_core.cli.output import Output
from rvos_core.errors import UserError

if TYPE_CHECKING:
    from rvos_core.project.reading import ProjectReader
    from rvos_core.project.records import ObjectRecord

project_app = typer.Typer(no_args_is_help=True, help="Look at a project, check it, recover it, write it out as JSON.")

ProjectArgument = Annotated[Path, typer.Argument(metavar="PROJECT", help="A file that ends in .rvos.")]


@project_app.command("info")
def info(project: ProjectArgument, *, as_json: JsonOption = False) -> None:
    """Say what PROJECT holds: clips and where they lie now, objects, masks, history, snapshots, interrupted runs."""
    from rvos_core.project.reading import ProjectReader
    from rvos_core.project.relink import locate

    output = Output(as_json=as_json)
    with ProjectReader(project) as reader:
        clips = [(each, locate(each, project)) for each in reader.media()]
        objects = reader.objects()
        edits, snapshots, session = reader.edits(), reader.snapshots(), reader.last_session()
        interrupted = reader.interrupted()
        found: dict[str, Any] = {
            "project": str(project),
            "format": reader.version,
            "media": [
                {
                    "id": each.media_id,
                    "path": str(each.absolute_path),
                    "found": str(place) if place is not None else None,
                    "size": [each.width, each.height],
                    "frames": each.frame_count,
                    "rate": str(each.rate),
                }
                for each, place in clips
            ],
            "objects": [_object(reader, each) for each in objects],
            "edits": len(edits),
            "snapshots": [{"id": each.snapshot_id, "name": each.name, "created": each.created} for each in snapshots],
            "interrupted": [
                {"expression": run.expression, "frames_left": len(reader.remaining(run))} for run in interrupted
            ],
            "closed": session is None or session.closed is not None,
        }
    for clip in found["media"]:
        lies = clip["found"] or f"missing (was {clip['path']})"
        output.say(f"{lies}  {clip['size'][0]}x{clip['size'][1]}, {clip['frames']} frames")
    for each in found["objects"]:
        locks = f", {each['locked']} locked" if each["locked"] else ""
        output.say(f"  {each['id']}  {each['name']}: {each['masks']} masks{locks}")
    output.say(f"{found['edits']} entries of history, {len(snapshots)} snapshots")
    for each in found["interrupted"]:
        output.say(f"interrupted: “{each['expression']}”, {each['frames_left']} frames left (rvos segment --resume)")
    if not found["closed"]:
        output.say("It is open in a program, or that program ended without closing it; nothing is lost by that.")
    output.result(found)


def _object(reader: ProjectReader, thing: ObjectRecord) -> dict[str, Any]:
    lane = reader.lane(thing.object_id)
    return {
        "id": thing.object_id,
        "name": thing.name,
        "media": thing.media_id,
        "masks": len(lane.frames),
        "locked": int(lane.locked.sum()),
        "expressions": [each.text for each in reader.expressions(thing.object_id)],
    }


@project_app.command("check")
def check(project: ProjectArgument, *, as_json: JsonOption = False) -> None:
    """Check PROJECT: its structure, the checksum and the run lengths of every mask and painted trimap, and that its
    clips are there.

    Exit code 1 where something is damaged; a clip that is missing is only said.
    """
    from rvos_core.masks import area
    from rvos_core.project.reading import ProjectReader
    from rvos_core.project.relink import locate

    output = Output(as_json=as_json)
    problems: list[str] = []
    masks = 0
    with ProjectReader(project) as reader, output.progress("checking") as meter:
        reader.check()
        objects = reader.objects()
        total = reader.mask_count()
        for thing in objects:
            try:
                for record in reader.masks(thing.object_id):
                    area(record.mask)
                    masks += 1
                    if masks % 1000 == 0:
                        meter.update(masks, total)
                for painted in reader.trimaps(thing.object_id).values():
                    painted.strokes.labels()
            except UserError as error:
                problems.append(f"Object {thing.object_id}: {error.message}")
        missing = [str(each.absolute_path) for each in reader.media() if locate(each, project) is None]
    for path in missing:
        output.say(f"missing clip: {path}")
    for problem in problems:
        output.say(problem)
    if problems:
        raise UserError(
            f"{project} is damaged in {len(problems)} places; {problems[0]}",
            hint=f"“rvos project recover {project.name}” writes what can be read into a new project.",
            code="project.damaged",
        )
    output.say(f"{project}: sound; {masks} masks, each as it was written.")
    output.result({"sound": True, "masks": masks, "missing_media": missing})


@project_app.command("recover")
def recover(
    project: ProjectArgument,
    *,
    target: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="NEW.rvos", help="The new project (beside the old one).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write what can be read of a damaged PROJECT into a new one. PROJECT itself is never changed.

    Clips, objects, expressions, settings and masks are saved; history and snapshots are not.
    """
    from rvos_core.project.recovery import recover as save_what_is_readable
    from rvos_core.project.recovery import recovered_path

    output = Output(as_json=as_json)
    new = target or recovered_path(project)
    report = save_what_is_readable(project, new)
    for name, number in report.kept.items():
        lost = f", {report.lost[name]} lost" if report.lost[name] else ""
        output.say(f"{name}: {number} saved{lost}")
    for note in report.notes:
        output.say(note)
    output.say(f"written to {new}")
    output.result({"output": str(new), "kept": report.kept, "lost": report.lost, "notes": list(report.notes)})


@project_app.command("export-json")
def export_json(
    project: ProjectArgument,
    *,
    target: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="A file; without it, to stdout.")
    ] = None,
) -> None:
    """Write PROJECT as JSON lines that any program can read: one object a line, masks in COCO's run lengths."""
    import sys

    from rvos_core.files import atomic_file, writing
    from rvos_core.project.reading import ProjectReader

    with ProjectReader(project) as reader:
        if target is None:
            for line in _lines(reader):
                sys.stdout.write(line)
            return
        with atomic_file(target) as part, writing(target), part.open("w", encoding="utf-8") as file:
            file.writelines(_lines(reader))


def _lines(reader: ProjectReader) -> Any:
    from rvos_core.masks import to_coco

    for clip in reader.media():
        yield _line(
            kind="media",
            id=clip.media_id,
            path=str(clip.absolute_path),
            width=clip.width,
            height=clip.height,
            rate=str(clip.rate),
            time_base=str(clip.time_base),
            pts=reader.pts(clip.media_id).tolist(),
        )
    for thing in reader.objects():
        yield _line(
            kind="object",
            id=thing.object_id,
            media=thing.media_id,
            name=thing.name,
            colour=list(thing.colour),
            visible=thing.visible,
            locked=thing.locked,
            look=reader.look(thing.object_id) or None,
        )
        for each in reader.expressions(thing.object_id):
            yield _line(
                kind="expression",
                id=each.expression_id,
                object=each.object_id,
                text=each.text,
                language=each.language,
                expression_kind=each.kind,
                positive=each.positive,
                annotator=each.annotator,
                paraphrase_group=each.paraphrase_group,
                span=[each.span.start, each.span.stop],
                model=each.model,
                score=each.score,
                consensus=each.consensus,
            )
        for mask in reader.masks(thing.object_id):
            yield _line(
                kind="mask",
                object=mask.object_id,
                frame=mask.frame,
                segmentation=to_coco(mask.mask),
                origin=mask.origin,
                confidence=mask.confidence,
                visible=mask.visible,
                absence=mask.absence,
                locked=mask.locked,
            )
        for frame, painted in reader.trimaps(thing.object_id).items():
            yield _line(
                kind="trimap",
                object=thing.object_id,
                frame=frame,
                outside=to_coco(painted.strokes.outside),
                unknown=to_coco(painted.strokes.unknown),
                inside=to_coco(painted.strokes.inside),
            )


def _line(**values: Any) -> str:
    return json.dumps(values, allow_nan=False) + "\n"
