"""OpenTimelineIO (.otio), by its library: everything a timeline holds, numbered sequences and sentences included."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rvos_core.delivery.timelines.model import Clip, Timeline
from rvos_core.delivery.timelines.xml_text import clean, file_url, name_url, unreadable
from rvos_core.errors import UserError

KEY = "rvos"  # of our own metadata


def otio(timeline: Timeline, *, beside: Path | None = None) -> bytes:
    """The document, JSON.

    Args:
        beside: folder of the document, for addresses relative to it; None: absolute ones.

    Raises:
        UserError: the library is not installed.
    """
    library = _library()
    document = library.schema.Timeline(
        name=clean(timeline.name),
        global_start_time=_time(timeline, timeline.start.frame),
        metadata={KEY: {"drop_frame": timeline.start.drop, "size": [timeline.width, timeline.height]}},
    )
    for track in timeline.tracks:
        document.tracks.append(_track(timeline, track.name, track.clips, "Video", beside))
    for track in timeline.tracks:
        heard = [clip for clip in track.clips if clip.audible]
        if heard:
            document.tracks.append(_track(timeline, f"{track.name} sound", heard, "Audio", beside))
    text: str = library.adapters.write_to_string(document, "otio_json", indent=1)
    return f"{text.rstrip()}\n".encode()


def check_otio(path: Path, wanted: int) -> None:
    """Read a finished document back. Raises: UserError: the library cannot, or there are not `wanted` picture clips."""
    library = _library()
    try:
        document = library.adapters.read_from_file(str(path), "otio_json")
        found = sum(len(list(track.find_clips())) for track in document.video_tracks())
    except (library.exceptions.OTIOError, ValueError, AttributeError) as error:
        raise unreadable(path, str(error)) from error
    if found != wanted:
        raise unreadable(path, f"it has {found} clips instead of {wanted}")


def _track(timeline: Timeline, name: str, clips: Sequence[Clip], kind: str, beside: Path | None) -> Any:
    schema = _library().schema
    track = schema.Track(name=clean(name), kind=kind)
    place = 0
    for clip in clips:
        if clip.at > place:
            track.append(schema.Gap(source_range=_range(timeline, 0, clip.at - place)))
        track.append(_clip(timeline, clip, beside))
        place = clip.end
    return track


def _clip(timeline: Timeline, clip: Clip, beside: Path | None) -> Any:
    schema, begin = _library().schema, clip.media.start
    metadata = {"alpha": clip.media.alpha}
    if clip.object_name or clip.expression:
        metadata |= {"object": clean(clip.object_name), "expression": clean(clip.expression)}
    item = schema.Clip(
        name=clean(clip.title),
        media_reference=_reference(timeline, clip, beside),
        source_range=_range(timeline, begin + clip.first, clip.frames),
        metadata={KEY: metadata},
    )
    item.enabled = clip.enabled
    for each in clip.markers:
        marker = schema.Marker(name=clean(each.name), marked_range=_range(timeline, begin + each.frame, each.frames))
        marker.comment = clean(each.note)
        item.markers.append(marker)
    return item


def _reference(timeline: Timeline, clip: Clip, beside: Path | None) -> Any:
    schema, media = _library().schema, clip.media
    available = _range(timeline, media.start, media.frames)
    address = file_url(media.path, beside=beside)
    if media.pictures is None:
        return schema.ExternalReference(target_url=address, available_range=available)
    return schema.ImageSequenceReference(
        target_url_base=f"{address}/",
        name_prefix=name_url(media.pictures.before),
        name_suffix=name_url(media.pictures.after),
        start_frame=media.pictures.first,
        frame_step=1,
        rate=float(timeline.rate),
        frame_zero_padding=media.pictures.digits,
        available_range=available,
    )


def _range(timeline: Timeline, first: int, frames: int) -> Any:
    return _library().opentime.TimeRange(_time(timeline, first), _time(timeline, frames))


def _time(timeline: Timeline, frames: int) -> Any:
    return _library().opentime.RationalTime(frames, float(timeline.rate))


def _library() -> Any:
    try:
        import opentimelineio
    except ImportError as error:
        raise UserError(
            "OpenTimelineIO is not installed.",
            hint="Run `pip install opentimelineio`, or take another timeline.",
            code="delivery.timeline_library",
        ) from error
    return opentimelineio
