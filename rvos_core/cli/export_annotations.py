"""`rvos export PROJECT --format NAME -o OUT`, where NAME is a format of annotations: asked for, done, told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from rvos_core.cli.exchange import OverlapChoice
from rvos_core.cli.export_mattes import clip_called, span_of
from rvos_core.cli.output import Output, plural
from rvos_core.cli.session import cancel_on_interrupt
from rvos_core.errors import UsageError
from rvos_core.types import CancelToken, FrameSpan

if TYPE_CHECKING:
    from rvos_core.formats.annotations import AnnotationSet
    from rvos_core.formats.format import Format
    from rvos_core.project.reading import ProjectReader
    from rvos_core.project.records import MediaRecord


_OF_FILES = (".json", ".xml", ".csv", ".txt", ".zip", ".yaml")


@dataclass(frozen=True)
class AnnotationWish:
    """What the command line asks for.

    Attributes:
        objects: their numbers; empty: all.
        clips: names or numbers; empty: all.
        start, stop: frames of each clip, half open; None: the clip's ends.
        plan_only: say what would be done.
    """

    format_name: str
    target: Path
    objects: tuple[int, ...] = ()
    clips: tuple[str, ...] = ()
    start: int | None = None
    stop: int | None = None
    overlap: OverlapChoice = OverlapChoice.REFUSE
    split: str = "train"
    plan_only: bool = False


def export_annotations(project: Path, wish: AnnotationWish, output: Output) -> None:
    """Do it and tell, or with `plan_only` tell what would be done.

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
    target = _with_suffix(wish.target, chosen.file_suffix)
    with cancel_on_interrupt() as cancel, ProjectReader(project) as reader, output.progress("writing") as meter:
        reader.hold()
        known = reader.media()
        clips = [clip_called(known, name, project) for name in wish.clips] or known
        span = _span(clips, wish)
        which: _Which = {
            "media_ids": [each.media_id for each in clips],
            "object_ids": wish.objects or None,
            "span": span,
        }
        if wish.plan_only:
            output.result(_planned(reader, chosen, target, wish, which, output, cancel))
            return
        options = WriteOptions(wish.split, wish.overlap.value, progress=meter.update, cancel=cancel)
        done = project_export.export_annotations(reader, chosen, target, **which, options=options)
    for note in done.written.notes:
        output.note(note)
    output.say(f"{done.written.path}: {chosen.title}, {_counted(done.annotations, done.written.files)}")
    output.result({**done.as_dict(), "span": None if span is None else [span.start, span.stop]})


class _Which(TypedDict):
    """Arguments of `project_export.annotations_of`."""

    media_ids: list[int]
    object_ids: tuple[int, ...] | None
    span: FrameSpan | None


def _planned(
    reader: ProjectReader,
    chosen: Format,
    target: Path,
    wish: AnnotationWish,
    which: _Which,
    output: Output,
    cancel: CancelToken,
) -> dict[str, Any]:
    """What would be written, and what hinders; every frame is looked at for objects that share pixels."""
    from rvos_core.delivery.plan_checks import Problem, check_masks
    from rvos_core.formats.format import Loss
    from rvos_core.formats.overlap import first_shared, refuse_shared
    from rvos_core.formats.project_export import annotations_of, names_without_masks

    found = annotations_of(reader, **which)
    problems = []
    if (
        not chosen.can_overlap
        and wish.overlap is OverlapChoice.REFUSE
        and (shared := first_shared(found, cancel=cancel)) is not None
    ):
        error = refuse_shared(shared, title=chosen.title, can_split=chosen.splits_objects)
        problems.append(Problem(error.code, error.message, error.hint))
    if Loss.MASKS not in chosen.losses:
        unseen = dict(enumerate(names_without_masks(reader, **which)))
        problems += check_masks(unseen, {})
    replaced = target.exists() and (target.is_file() or any(target.iterdir()))
    output.say(f"{target}: {chosen.title}, {_counted(found)}{'  (replaced)' if replaced else ''}")
    output.say(f"  not in it: {'; '.join(sorted(loss.value for loss in chosen.losses)) or 'nothing'}")
    for problem in problems:
        output.say(f"  {'in the way: ' if problem.blocks else ''}{problem.message} {problem.hint}")
    return {
        "format": chosen.format_id,
        "output": str(target),
        "clips": [clip.name for clip in found.clips],
        "objects": sum(len(clip.objects) for clip in found.clips),
        "frames": sum(len(clip.frames) for clip in found.clips),
        "lost": sorted(loss.value for loss in chosen.losses),
        "replaces": [str(target)] if replaced else [],
        "problems": [each.as_dict() for each in problems],
    }


def _counted(found: AnnotationSet, files: int | None = None) -> str:
    frames = sum(len(clip.frames) for clip in found.clips)
    parts = [plural(len(found.clips), "clip"), plural(frames, "frame")]
    return ", ".join(parts if files is None else [*parts, plural(files, "file")])


def _with_suffix(target: Path, suffix: str) -> Path:
    """A name without a suffix gets the format's, by which it is known again."""
    return target if target.suffix or target.is_dir() else target.with_name(target.name + suffix)


def _span(clips: list[MediaRecord], wish: AnnotationWish) -> FrameSpan | None:
    """The frames of every clip. Raises: UsageError: one does not have them."""
    spans = [span_of(each, wish.start, wish.stop) for each in clips]
    stops = [each.stop for each in spans if each is not None]
    return FrameSpan(wish.start or 0, max(stops)) if stops else None
