"""Timelines that place mattes above their clip: FCPXML and Final Cut Pro 7 XML by own writers, .otio by its library."""

from rvos_core.delivery.timelines.model import Clip, Marker, Media, Pictures, Timeline, Track, editing_rate
from rvos_core.delivery.timelines.placing import DeliveredFile, Placed, delivered_files, place, timeline_of
from rvos_core.delivery.timelines.writing import (
    REFUSED,
    TIMELINE_FORMATS,
    TimelineFormat,
    WrittenTimelines,
    refusal,
    timeline_path,
    write_timeline,
    write_timelines,
)

__all__ = [
    "REFUSED",
    "TIMELINE_FORMATS",
    "Clip",
    "DeliveredFile",
    "Marker",
    "Media",
    "Pictures",
    "Placed",
    "Timeline",
    "TimelineFormat",
    "Track",
    "WrittenTimelines",
    "delivered_files",
    "editing_rate",
    "place",
    "refusal",
    "timeline_of",
    "timeline_path",
    "write_timeline",
    "write_timelines",
]
