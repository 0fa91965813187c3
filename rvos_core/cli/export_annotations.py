"""`rvos export PROJECT --format NAME -o OUT`, where NAME is a format of annotations: asked for, done, told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rvos_core.cli.exchange import OverlapChoice
from rvos_core.cli.export_mattes import clip_called, span_of
from rvos_core.cli.output import Output, plural
from rvos_core.cli.session import cancel_on_interrupt
from rvos_core.errors import UsageError
from rvos_core.types import FrameSpan

if TYPE_CHECKING:
    from rvos_core.project.records import MediaRecord


_OF_FILES = (".json", ".xml", ".csv", ".txt", ".zip", ".yaml")


@dataclass(frozen=True)
class AnnotationWish:
    """What the command line asks for.

    Attributes:
        objects: their numbers; empty: all.
        clips: names or numbers; empty: all.
        start, stop: frames of each clip, half open; None: the clip's ends.
    """

    format_name: str
    target: Path
    objects: tuple[int, ...] = ()
    clips: tuple[str, ...] = ()
    start: int | None = None
    stop: int | None = None
    overlap: OverlapChoice = OverlapChoice.REFUSE
    split: str = "train"


def export_annotations(project: Path, wish: AnnotationWish, output: Output) -> None:
    """Do it and tell.

    Raises:
        UsageError: a format, a clip or frames that there are not.
        UserError, Cancelled: as `formats.project_export.export_annotations`.
    """
    from rvos_core.formats import project_export, registry
    from rvos_core.formats.format import WriteOptions
    from rvos_core.project.reading import ProjectReader

    chosen = registry.format_of(wish.format_name)
    if chosen.target == "folder" and wish.target.suffix.lower() in _OF_FILES and not wish.target.is_dir():
        raise UsageError(
            f"{chosen.title} is a folder ({chosen.layout}), and {wish.target.name} is called like a file.",
            hint="Give -o a folder.",
            code="usage.output",
        )
    with cancel_on_interrupt() as cancel, ProjectReader(project) as reader, output.progress("writing") as meter:
        reader.hold()
        known = reader.media()
        clips = [clip_called(known, name, project) for name in wish.clips] or known
        span = _span(clips, wish)
        done = project_export.export_annotations(
            reader,
            chosen,
            _with_suffix(wish.target, chosen.file_suffix),
            media_ids=[each.media_id for each in clips],
            object_ids=wish.objects or None,
            span=span,
            options=WriteOptions(wish.split, wish.overlap.value, progress=meter.update, cancel=cancel),
        )
    for note in done.written.notes:
        output.note(note)
    clip_count = len(done.annotations.clips)
    counted = ", ".join([plural(clip_count, "clip"), plural(done.frames, "frame"), plural(done.written.files, "file")])
    output.say(f"{done.written.path}: {chosen.title}, {counted}")
    output.result({**done.as_dict(), "span": None if span is None else [span.start, span.stop]})


def _with_suffix(target: Path, suffix: str) -> Path:
    """A name without a suffix gets the format's, by which it is known again."""
    return target if target.suffix or target.is_dir() else target.with_name(target.name + suffix)


def _span(clips: list[MediaRecord], wish: AnnotationWish) -> FrameSpan | None:
    """The frames of every clip. Raises: UsageError: one does not have them."""
    spans = [span_of(each, wish.start, wish.stop) for each in clips]
    stops = [each.stop for each in spans if each is not None]
    return FrameSpan(wish.start or 0, max(stops)) if stops else None
