"""FCPXML 1.8 to 1.11, for Final Cut Pro and DaVinci Resolve. Elements, attributes and their order follow Apple's DTDs.

Times are rational seconds, whole multiples of the frame's duration. The lowest track is the spine; clips above are
connected to the spine's item below their first frame, at lanes 1, 2, ... A connected clip's offset is in its parent's
own time, which begins at the parent's `start`, not at 0.
"""

from __future__ import annotations

from fractions import Fraction
from xml.etree import ElementTree as ET

from rvos_core.delivery.timelines.model import Clip, Marker, Media, Timeline, Track
from rvos_core.delivery.timelines.xml_text import child, document, file_url
from rvos_core.errors import UserError

VERSIONS = ("1.8", "1.9", "1.10", "1.11")
DEFAULT_VERSION = "1.10"
_WITHOUT_MEDIA_REP = ("1.8",)
_MAX_DENOMINATOR = 2**31 - 1
_COLOUR_SPACE = "1-1-1 (Rec. 709)"
_RATE_NAMES = {
    Fraction(24000, 1001): "2398", Fraction(24): "24", Fraction(25): "25", Fraction(30000, 1001): "2997",
    Fraction(30): "30", Fraction(50): "50", Fraction(60000, 1001): "5994", Fraction(60): "60",
}  # fmt: skip
_SIZE_NAMES = {(1280, 720): "720", (1920, 1080): "1080", (3840, 2160): "3840x2160", (4096, 2160): "4096x2160"}
_AUDIO_RATES = {
    32000: "32k",
    44100: "44.1k",
    48000: "48k",
    88200: "88.2k",
    96000: "96k",
    176400: "176.4k",
    192000: "192k",
}
_KEY = "studio.rvos."  # of our own facts among the metadata


def fcpxml(timeline: Timeline, *, version: str = DEFAULT_VERSION) -> bytes:
    """The file's content.

    Args:
        version: of `VERSIONS`.

    Raises:
        UserError: a version that there is not; the timeline has pictures in a folder, which FCPXML cannot hold, or a
            rate that it cannot count in.
    """
    if version not in VERSIONS:
        raise UserError(
            f"There is no FCPXML {version} here.", hint=f"There are {', '.join(VERSIONS)}.", code="timeline.version"
        )
    _check(timeline)
    return _Writer(timeline, version).document()


def _check(timeline: Timeline) -> None:
    folder = next((each.path for each in timeline.media() if each.pictures is not None), None)
    if folder is not None:
        raise UserError(
            f"FCPXML cannot hold {folder}: it has no sequences of pictures.",
            hint="Deliver movies and make one of the source, or write an OpenTimelineIO file instead.",
            code="timeline.pictures",
        )
    if timeline.rate.numerator > _MAX_DENOMINATOR:
        raise UserError(
            f"FCPXML cannot count {timeline.rate} frames per second.",
            hint="Deliver at a usual rate, such as 25.",
            code="timeline.rate",
        )


class _Writer:
    """One document under way."""

    def __init__(self, timeline: Timeline, version: str) -> None:
        self._timeline = timeline
        self._version = version
        self._formats: dict[tuple[int, int, Fraction], str] = {}
        self._assets: dict[Media, str] = {}
        self._frame_s = timeline.frame_s
        self._tc_format = "DF" if timeline.start.drop else "NDF"

    def document(self) -> bytes:
        timeline = self._timeline
        root = ET.Element("fcpxml", {"version": self._version})
        resources = child(root, "resources")
        sequence_format = self._format(resources, timeline.width, timeline.height, Fraction(1))
        for media in timeline.media():
            self._asset(resources, media)
        event = child(child(root, "library"), "event", name=timeline.name)
        project = child(event, "project", name=timeline.name)
        sounds = [media.sound for media in timeline.media() if media.sound is not None]
        sequence = child(
            project,
            "sequence",
            format=sequence_format,
            duration=self._time(timeline.length),
            tcStart=self._time(timeline.start.frame),
            tcFormat=self._tc_format,
            audioLayout=("mono" if sounds[0].channels == 1 else "stereo") if sounds else None,
            audioRate=_AUDIO_RATES.get(sounds[0].rate_hz, "48k") if sounds else None,
        )
        self._spine(child(sequence, "spine"))
        return document(root, "fcpxml")

    def _time(self, frames: int) -> str:
        """Seconds, as a whole number or a fraction over the clock's own ticks."""
        ticks, per_second = frames * self._frame_s.numerator, self._frame_s.denominator
        return f"{ticks // per_second}s" if ticks % per_second == 0 else f"{ticks}/{per_second}s"

    def _format(self, resources: ET.Element, width: int, height: int, aspect: Fraction) -> str:
        key = (width, height, aspect)
        if key not in self._formats:
            self._formats[key] = f"r{len(resources) + 1}"
            size, rate = _SIZE_NAMES.get((width, height)), _RATE_NAMES.get(self._timeline.rate)
            square = aspect == 1
            child(
                resources,
                "format",
                id=self._formats[key],
                name=f"FFVideoFormat{size}p{rate}" if size and rate and square else None,
                frameDuration=f"{self._frame_s.numerator}/{self._frame_s.denominator}s",
                width=width,
                height=height,
                paspH=None if square else aspect.numerator,
                paspV=None if square else aspect.denominator,
                colorSpace=_COLOUR_SPACE,
            )
        return self._formats[key]

    def _asset(self, resources: ET.Element, media: Media) -> None:
        video_format = self._format(resources, media.width, media.height, media.pixel_aspect)
        self._assets[media] = f"r{len(resources) + 1}"
        url = file_url(media.path)
        sound = media.sound
        asset = child(
            resources,
            "asset",
            id=self._assets[media],
            name=media.path.stem,
            src=url if self._version in _WITHOUT_MEDIA_REP else None,
            start=self._time(media.start),
            duration=self._time(media.frames),
            hasVideo=1,
            format=video_format,
            hasAudio=None if sound is None else 1,
            audioSources=None if sound is None else 1,
            audioChannels=None if sound is None else sound.channels,
            audioRate=None if sound is None else sound.rate_hz,
        )
        if self._version not in _WITHOUT_MEDIA_REP:
            child(asset, "media-rep", kind="original-media", src=url)

    def _spine(self, spine: ET.Element) -> None:
        """Items of the lowest track and the gaps between them, each with what is connected above it."""
        timeline = self._timeline
        lowest = timeline.tracks[0].clips
        at = 0
        for clip in lowest:
            if clip.at > at:
                self._gap(spine, at, clip.at)
            self._item(spine, clip)
            at = clip.end
        if timeline.length > at:
            self._gap(spine, at, timeline.length)

    def _gap(self, spine: ET.Element, start: int, stop: int) -> None:
        timeline = self._timeline
        gap = child(
            spine,
            "gap",
            name="Gap",
            offset=self._time(timeline.start.frame + start),
            start="0s",
            duration=self._time(stop - start),
        )
        self._above(gap, start, stop, origin=0)

    def _item(self, spine: ET.Element, clip: Clip) -> None:
        origin = clip.media.start + clip.media_in
        element = self._clip(spine, clip, offset=self._timeline.start.frame + clip.at, lane=None)
        self._note(element, clip)
        self._above(element, clip.at, clip.end, origin=origin)
        self._metadata(element, clip)

    def _above(self, parent: ET.Element, start: int, stop: int, *, origin: int) -> None:
        """Clips and markers that begin while `parent` is on the spine; its own time at `start` is `origin`."""
        for lane, track in enumerate(self._timeline.tracks[1:], start=1):
            for clip in _beginning(track, start, stop):
                element = self._clip(parent, clip, offset=origin + clip.at - start, lane=lane)
                self._note(element, clip)
                self._metadata(element, clip)
        for marker in self._timeline.markers:
            if start <= marker.frame < stop:
                self._marker(parent, marker, origin + marker.frame - start)

    def _clip(self, parent: ET.Element, clip: Clip, *, offset: int, lane: int | None) -> ET.Element:
        return child(
            parent,
            "asset-clip",
            ref=self._assets[clip.media],
            lane=lane,
            offset=self._time(offset),
            name=clip.name,
            start=self._time(clip.media.start + clip.media_in),
            duration=self._time(clip.length),
            enabled=None if clip.enabled else 0,
            format=self._formats[clip.media.width, clip.media.height, clip.media.pixel_aspect],
            tcFormat=self._tc_format,
            audioRole="dialogue" if clip.media.sound is not None else None,
        )

    def _note(self, element: ET.Element, clip: Clip) -> None:
        if clip.metadata.get("expression"):
            child(element, "note", clip.metadata["expression"])

    def _metadata(self, element: ET.Element, clip: Clip) -> None:
        if clip.metadata:
            metadata = child(element, "metadata")
            for name, value in clip.metadata.items():
                child(metadata, "md", key=_KEY + name, value=value)

    def _marker(self, parent: ET.Element, marker: Marker, at: int) -> None:
        child(
            parent,
            "marker",
            start=self._time(at),
            duration=self._time(marker.length),
            value=marker.name,
            note=marker.note or None,
        )


def _beginning(track: Track, start: int, stop: int) -> list[Clip]:
    return [clip for clip in track.clips if start <= clip.at < stop]
