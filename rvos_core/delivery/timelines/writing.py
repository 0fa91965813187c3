"""Timeline files by the name of their kind, written atomically."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from rvos_core.delivery.timelines.fcpxml import fcpxml
from rvos_core.delivery.timelines.model import Timeline
from rvos_core.delivery.timelines.otio import otio
from rvos_core.delivery.timelines.xmeml import xmeml
from rvos_core.errors import UserError
from rvos_core.files import write_file

SUFFIXES: Mapping[str, str] = MappingProxyType({"fcpxml": ".fcpxml", "xmeml": ".xml", "otio": ".otio"})
TITLES: Mapping[str, str] = MappingProxyType(
    {"fcpxml": "FCPXML", "xmeml": "Final Cut Pro 7 XML", "otio": "OpenTimelineIO"}
)
_WRITERS: Mapping[str, Callable[[Timeline], bytes]] = MappingProxyType({"fcpxml": fcpxml, "xmeml": xmeml, "otio": otio})


def timeline_path(folder: Path, stem: str, kind: str) -> Path:
    """Where a timeline goes. Raises: UserError: a kind that there is not."""
    if kind not in SUFFIXES:
        raise UserError(
            f"There is no timeline “{kind}”.", hint=f"There are {', '.join(SUFFIXES)}.", code="timeline.kind"
        )
    return folder / f"{stem}{SUFFIXES[kind]}"


def write_timeline(timeline: Timeline, folder: Path, stem: str, kind: str) -> Path:
    """Write one timeline file, atomically.

    Args:
        stem: of its name.
        kind: of `SUFFIXES`.

    Returns:
        The file.

    Raises:
        UserError: the kind cannot hold this timeline, or the disk refuses.
    """
    path = timeline_path(folder, stem, kind)
    write_file(path, _WRITERS[kind](timeline))
    return path
