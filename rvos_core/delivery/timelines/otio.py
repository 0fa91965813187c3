"""OpenTimelineIO files, written by its own library: the one form that holds everything, sequences of pictures too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rvos_core.delivery.timelines.model import Clip, Media, Timeline, Track
from rvos_core.delivery.timelines.xml_text import file_url
from rvos_core.errors import UserError

if TYPE_CHECKING:
    from fractions import Fraction

_OURS = "rvos"  # our facts among the metadata


def otio(timeline: Timeline) -> bytes:
    """The file's content.

    Raises:
        UserError: the library is not installed.
    """
    try:
        import opentimelineio as library
    except ImportError as error:
        raise UserError(
            "OpenTimelineIO files need the package opentimelineio, which is not installed.",
            hint="pip install opentimelineio",
            code="timeline.no_otio",
        ) from error
    text: str = library.adapters.write_to_string(_Builder(library, timeline).timeline(), "otio_json")
    return (text.rstrip("\n") + "\n").encode("utf-8", "replace")


class _Builder:
    """One timeline under way, as the library's objects."""

    def __init__(self, library: Any, timeline: Timeline) -> None:
        self._library = library
        self._timeline = timeline
        self._rate = _as_float(timeline.rate)

    def timeline(self) -> Any:
        schema, timeline = self._library.schema, self._timeline
        found = schema.Timeline(
            name=timeline.name,
            global_start_time=self._time(timeline.start.frame),
            metadata={
                _OURS: {
                    **timeline.metadata,
                    "rate": str(timeline.rate),
                    "size": f"{timeline.width}x{timeline.height}",
                    "timecode": str(timeline.start),
                }
            },
        )
        for track in timeline.tracks:
            found.tracks.append(self._track(track, schema.TrackKind.Video))
        for track in timeline.tracks:
            heard = Track(track.name, tuple(clip for clip in track.clips if clip.media.sound is not None))
            if heard.clips:
                found.tracks.append(self._track(heard, schema.TrackKind.Audio))
        for marker in timeline.markers:
            found.tracks.markers.append(
                schema.Marker(
                    name=marker.name,
                    marked_range=self._range(marker.frame, marker.length),
                    metadata={_OURS: {"note": marker.note}},
                )
            )
        return found

    def _track(self, track: Track, kind: str) -> Any:
        schema = self._library.schema
        found = schema.Track(name=track.name, kind=kind)
        at = 0
        for clip in track.clips:
            if clip.at > at:
                found.append(schema.Gap(source_range=self._range(0, clip.at - at)))
            found.append(self._clip(clip))
            at = clip.end
        return found

    def _clip(self, clip: Clip) -> Any:
        found = self._library.schema.Clip(
            name=clip.name,
            media_reference=self._media(clip.media),
            source_range=self._range(clip.media.start + clip.media_in, clip.length),
            metadata={_OURS: dict(clip.metadata)},
        )
        found.enabled = clip.enabled
        return found

    def _media(self, media: Media) -> Any:
        schema = self._library.schema
        facts = {
            "available_range": self._range(media.start, media.frames),
            "metadata": {
                _OURS: {
                    "alpha": media.alpha,
                    "size": f"{media.width}x{media.height}",
                    "pixel_aspect": f"{media.pixel_aspect.numerator}:{media.pixel_aspect.denominator}",
                }
            },
        }
        if media.pictures is None:
            return schema.ExternalReference(target_url=file_url(media.path), **facts)
        return schema.ImageSequenceReference(
            target_url_base=file_url(media.path) + "/",
            name_prefix=media.pictures.prefix,
            name_suffix=media.pictures.suffix,
            start_frame=media.pictures.first,
            frame_step=1,
            rate=self._rate,
            frame_zero_padding=media.pictures.digits,
            **facts,
        )

    def _time(self, frames: int) -> Any:
        return self._library.opentime.RationalTime(frames, self._rate)

    def _range(self, start: int, length: int) -> Any:
        return self._library.opentime.TimeRange(self._time(start), self._time(length))


def _as_float(rate: Fraction) -> float:
    return rate.numerator / rate.denominator
