"""All formats by their names, which one a path is, and the two entrances: `read` and `write`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rvos_core.errors import UsageError, UserError
from rvos_core.formats import (
    a2d,
    coco,
    csv_expressions,
    cvat_images,
    cvat_video,
    davis,
    jhmdb,
    labelme,
    labelme_video,
    mevis,
    mots,
    plain,
    refdavis17,
    refytvos,
    sav,
    voc,
    yolo_seg,
    ytvis,
)
from rvos_core.formats.annotations import AnnotatedClip, AnnotationSet
from rvos_core.formats.format import Format, Loss, ReadOptions, WriteOptions, Written
from rvos_core.formats.names import safe_names
from rvos_core.formats.overlap import first_shared, refuse_shared, require_ids_below

# In the order in which a path is tried: the most particular first, plain folders of masks last.
_ALL: tuple[Format, ...] = (
    refdavis17.FORMAT,
    refytvos.FORMAT,
    mevis.FORMAT,
    a2d.FORMAT,
    jhmdb.FORMAT,
    yolo_seg.FORMAT,
    voc.FORMAT,
    mots.PNG_FORMAT,
    mots.TXT_FORMAT,
    sav.FORMAT,
    labelme_video.FORMAT,
    labelme.FORMAT,
    ytvis.FORMAT,
    coco.FORMAT,
    cvat_images.FORMAT,
    cvat_video.FORMAT,
    davis.FORMAT,
    csv_expressions.FORMAT,
    plain.FORMAT,
)
FORMATS: Mapping[str, Format] = {each.format_id: each for each in _ALL}


def format_of(format_id: str) -> Format:
    """Raises: UsageError: there is no such format."""
    if format_id not in FORMATS:
        raise UsageError(
            f"There is no annotation format {format_id!r}.",
            hint=f"There are: {', '.join(sorted(FORMATS))}.",
            code="usage.format",
        )
    return FORMATS[format_id]


def detect(path: Path) -> Format:
    """Which format a file or folder is, by names and beginnings. Raises: UserError: it is nothing known."""
    if not path.exists():
        raise UserError(f"{path} is not there.", hint="Check the name.", code="formats.missing")
    found = next((each for each in FORMATS.values() if each.detect(path)), None)
    if found is None:
        raise UserError(
            f"{path} is in no annotation format that is known here.",
            hint=f"Say which with --format: {', '.join(sorted(FORMATS))}.",
            code="formats.unknown",
        )
    return found


def read(path: Path, chosen: Format, options: ReadOptions | None = None) -> AnnotationSet:
    """Read a source; masks are read when a frame is asked for.

    Raises:
        UserError: naming what is missing or wrong, and where.
        Cancelled: a person stopped it.
    """
    if not path.exists():
        raise UserError(f"{path} is not there.", hint="Check the name.", code="formats.missing")
    found = chosen.read(path, options or ReadOptions())
    if not found.clips:
        raise UserError(f"{path} holds no clips.", hint="Check the name.", code="formats.empty")
    return found


def write(annotations: AnnotationSet, chosen: Format, target: Path, options: WriteOptions | None = None) -> Written:
    """Write a set, whole or not at all, after everything that can be known before is checked.

    Raises:
        UserError: nothing to write, objects that share pixels where the format has no room for that and no choice was
            made, too many objects, an unknown size, or the disk refuses.
        Cancelled: a person stopped it; nothing is left.
    """
    options = options or WriteOptions()
    _check(annotations, chosen, options)
    named, notes = _with_safe_names(annotations)
    if not chosen.can_overlap and options.overlap == "refuse":
        shared = first_shared(named, cancel=options.cancel)
        if shared is not None:
            raise refuse_shared(shared, title=chosen.title, can_split=chosen.splits_objects)
    written = chosen.write(named, target, options)
    return replace(written, notes=(*notes, *written.notes))


def _check(annotations: AnnotationSet, chosen: Format, options: WriteOptions) -> None:
    if not any(clip.objects or clip.expressions for clip in annotations.clips):
        raise UserError(
            "There is nothing to export: no clip has an object or a sentence.",
            hint="Find or draw an object first.",
            code="formats.nothing_to_write",
        )
    if options.overlap == "files" and not chosen.splits_objects and not chosen.can_overlap:
        raise UsageError(
            f"{chosen.title} has no form with a file per object.",
            hint="Take --overlap order, or a format that has room for objects that overlap.",
            code="usage.overlap",
        )
    for clip in annotations.clips:
        if chosen.max_object_id is not None:
            require_ids_below(clip.objects, chosen.max_object_id, title=chosen.title, clip=clip.name)
        if chosen.needs_size and not clip.width:
            raise UserError(
                f"The size of the clip {clip.name} is not known, which {chosen.title} needs.",
                hint="Import it into a project with its clip first.",
                code="formats.no_size",
            )


def _with_safe_names(annotations: AnnotationSet) -> tuple[AnnotationSet, tuple[str, ...]]:
    names = safe_names(clip.name for clip in annotations.clips)
    notes = tuple(
        f"The clip “{clip.name}” is called “{name}” there."
        for clip, name in zip(annotations.clips, names, strict=True)
        if clip.name != name
    )
    clips = tuple(_renamed(clip, name) for clip, name in zip(annotations.clips, names, strict=True))
    return replace(annotations, clips=clips), notes


def _renamed(clip: AnnotatedClip, name: str) -> AnnotatedClip:
    return replace(clip, name=name, frames=safe_names(clip.frames, instead="frame"))


def losses_table() -> str:
    """The table of docs/formats/annotations.md: format, layout, what does not come back."""
    lines = ["| format | layout | lost |", "|---|---|---|"]
    for each in sorted(FORMATS.values(), key=lambda one: one.format_id):
        lost = "; ".join(loss.value for loss in Loss if loss in each.losses) or "nothing"
        lines.append(f"| `{each.format_id}` {each.title} | {each.layout} | {lost} |")
    return "\n".join(lines) + "\n"
