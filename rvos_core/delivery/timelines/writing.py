"""Timelines on the disk: each is written, read back, then named; what one format cannot hold, another still does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from rvos_core.delivery.naming import safe_name
from rvos_core.delivery.timelines import fcpxml as fcpxml_format
from rvos_core.delivery.timelines import xmeml as xmeml_format
from rvos_core.delivery.timelines.model import Timeline
from rvos_core.delivery.timelines.otio import check_otio, otio
from rvos_core.delivery.timelines.xml_text import check_clips
from rvos_core.errors import UserError
from rvos_core.files import atomic_file, writing

REFUSED = "delivery.timeline_"  # how codes begin of what a format cannot hold


@dataclass(frozen=True)
class TimelineFormat:
    """One kind of timeline file. `title` for people, `suffix` with its dot, `programs` that are said to read it."""

    title: str
    suffix: str
    programs: str


TIMELINE_FORMATS: Mapping[str, TimelineFormat] = MappingProxyType(
    {
        "fcpxml": TimelineFormat("Final Cut Pro XML", ".fcpxml", "Final Cut Pro, DaVinci Resolve"),
        "xmeml": TimelineFormat("Final Cut Pro 7 XML", ".xml", "Premiere Pro, After Effects, DaVinci Resolve"),
        "otio": TimelineFormat("OpenTimelineIO", ".otio", "DaVinci Resolve, Nuke Studio, Hiero, Premiere Pro"),
    }
)


@dataclass(frozen=True)
class WrittenTimelines:
    """What lies on the disk. `notes`: which formats could not hold the timeline, and what to do, a sentence each."""

    paths: tuple[Path, ...]
    notes: tuple[str, ...]


def timeline_path(folder: Path, stem: str, kind: str) -> Path:
    """Where `write_timeline` puts a timeline of this kind; `stem` is made safe."""
    suffix = TIMELINE_FORMATS[kind].suffix
    return folder / f"{safe_name(stem, room=len(suffix))}{suffix}"


def write_timeline(timeline: Timeline, folder: Path, *, stem: str, kind: str, relative: bool = False) -> Path:
    """Write one, read it back, and only then give it its name.

    Args:
        stem: of the file's name; made safe.
        kind: of `TIMELINE_FORMATS`.
        relative: addresses of files relative to `folder`, so that all can be moved together (not in xmeml, which has
            absolute ones only).

    Raises:
        UserError: the format cannot hold it, or the disk refuses; what was at the name stays.
    """
    path = timeline_path(folder, stem, kind)
    content, verify = _made(timeline, kind, beside=folder if relative else None)
    with atomic_file(path, verify=verify) as part, writing(path):
        part.write_bytes(content)
    return path


def refusal(timeline: Timeline, kind: str) -> UserError | None:
    """Why this kind of timeline cannot hold it, known without writing anything; None: it can."""
    try:
        _made(timeline, kind, beside=None)
    except UserError as error:
        if not error.code.startswith(REFUSED):
            raise
        return error
    return None


def _made(timeline: Timeline, kind: str, *, beside: Path | None) -> tuple[bytes, Callable[[Path], None]]:
    """A timeline's content, and what reads it back. Raises: UserError: the format cannot hold it."""
    wanted = len(timeline.clips)
    if kind == "otio":
        return otio(timeline, beside=beside), partial(check_otio, wanted=wanted)
    if kind == "fcpxml":
        content = fcpxml_format.fcpxml(timeline, beside=beside)
        return content, partial(check_clips, count=fcpxml_format.count_clips, wanted=wanted)
    return xmeml_format.xmeml(timeline), partial(check_clips, count=xmeml_format.count_clips, wanted=wanted)


def write_timelines(
    timeline: Timeline, folder: Path, *, stem: str, kinds: Iterable[str], relative: bool = False
) -> WrittenTimelines:
    """Write several; what a format cannot hold becomes a note, so that the others are still written.

    Raises:
        UserError: the disk refuses.
    """
    paths, notes = [], []
    for kind in kinds:
        try:
            paths.append(write_timeline(timeline, folder, stem=stem, kind=kind, relative=relative))
        except UserError as error:
            if not error.code.startswith(REFUSED):
                raise
            notes.append(f"No {TIMELINE_FORMATS[kind].title} was written. {error}")
    return WrittenTimelines(tuple(paths), tuple(notes))
