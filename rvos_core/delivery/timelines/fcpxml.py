"""Final Cut Pro XML (FCPXML) 1.8 to 1.11: the lowest track is the primary storyline, the others are connected in lanes.

Elements, attributes and their order follow Apple's published document types. All times are whole multiples of the
frame duration, written as fractions of a second.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from rvos_core.delivery.timelines.model import Clip, Media, Timeline
from rvos_core.delivery.timelines.xml_text import Element, add, document, file_url, refuse_sequences, root
from rvos_core.errors import UserError

VERSIONS = ("1.8", "1.9", "1.10", "1.11")
_RATES = frozenset(
    {*(Fraction(rate) for rate in (24, 25, 30, 48, 50, 60, 90, 100, 120))}
    | {Fraction(base * 1000, 1001) for base in (24, 30, 60, 120)}
)
_COLOUR_SPACE = "1-1-1 (Rec. 709)"
_AUDIO_RATES = {
    32000: "32k",
    44100: "44.1k",
    48000: "48k",
    88200: "88.2k",
    96000: "96k",
    176400: "176.4k",
    192000: "192k",
}


def fcpxml(timeline: Timeline, *, version: str = "1.10", beside: Path | None = None) -> bytes:
    """The document.

    Args:
        version: of `VERSIONS`; until 1.8 an asset has its own address, later it has media representations.
        beside: folder of the document, for addresses relative to it; None: absolute ones.

    Raises:
        UserError: a rate that Final Cut Pro does not have, or clips that are numbered sequences.
        ValueError: an unknown version.
    """
    if version not in VERSIONS:
        raise ValueError(f"FCPXML {version}")
    if timeline.rate not in _RATES:
        raise UserError(
            f"Final Cut Pro has no timelines of {float(timeline.rate):.6g} frames/s.",
            hint="Make a movie of the clip at 24, 25, 30, 50 or 60 frames/s first (where its rate varies, deliver at "
            "one of them), or take another timeline.",
            code="delivery.timeline_rate",
        )
    refuse_sequences(timeline, "Final Cut Pro XML")
    outermost = root("fcpxml", version=version)
    names = _Resources(outermost, timeline, version, beside)
    event = add(add(outermost, "library"), "event", name=timeline.name)
    project = add(event, "project", name=timeline.name)
    sound = next((clip.media for clip in timeline.clips if clip.audible), None)
    sequence = add(
        project,
        "sequence",
        format=names.main_format,
        duration=names.time(timeline.frames),
        tcStart=names.time(timeline.start.frame),
        tcFormat=names.clock,
        audioLayout=None if sound is None else _layout(sound.audio_channels),
        audioRate=None if sound is None else _AUDIO_RATES.get(sound.sample_rate_hz, "48k"),
    )
    _fill_spine(add(sequence, "spine"), timeline, names)
    return document(outermost)


def count_clips(outermost: Element) -> int:
    """Clips in a document."""
    return sum(1 for _ in outermost.iter("asset-clip"))


class _Resources:
    """Formats and assets, each written once, and how times are told."""

    def __init__(self, outermost: Element, timeline: Timeline, version: str, beside: Path | None) -> None:
        self._element = add(outermost, "resources")
        self._frame = 1 / timeline.rate
        self._is_old = version == "1.8"
        self._beside = beside
        self._formats: dict[tuple[int, int, Fraction], str] = {}
        self._assets: dict[Media, str] = {}
        self.clock = "DF" if timeline.start.drop else "NDF"
        self.main_format = self._format(timeline.width, timeline.height, Fraction(1))
        for clip in timeline.clips:
            self._format(clip.media.width, clip.media.height, clip.media.pixel_aspect)
        for clip in timeline.clips:
            self._asset(clip.media)

    def asset(self, media: Media) -> str:
        """Name of the asset."""
        return self._assets[media]

    def format_of(self, media: Media) -> str:
        """Name of its format."""
        return self._formats[media.width, media.height, media.pixel_aspect]

    def time(self, frames: int) -> str:
        """So many frames in seconds, exact; the denominator is that of the frame duration."""
        numerator, denominator = frames * self._frame.numerator, self._frame.denominator
        return f"{numerator}/{denominator}s" if numerator % denominator else f"{numerator // denominator}s"

    def _next(self) -> str:
        return f"r{len(self._formats) + len(self._assets) + 1}"

    def _format(self, width: int, height: int, aspect: Fraction) -> str:
        key = (width, height, aspect)
        if key not in self._formats:
            name = self._next()
            add(
                self._element,
                "format",
                id=name,
                frameDuration=self.time(1),
                width=width,
                height=height,
                paspH=None if aspect == 1 else aspect.numerator,
                paspV=None if aspect == 1 else aspect.denominator,
                colorSpace=_COLOUR_SPACE,
            )
            self._formats[key] = name
        return self._formats[key]

    def _asset(self, media: Media) -> None:
        if media in self._assets:
            return
        name, address = self._next(), file_url(media.path, beside=self._beside)
        asset = add(
            self._element,
            "asset",
            id=name,
            name=media.path.stem,
            src=address if self._is_old else None,
            start=self.time(media.start),
            duration=self.time(media.frames),
            hasVideo=1,
            format=self.format_of(media),
            hasAudio=1 if media.has_audio else None,
            audioSources=1 if media.has_audio else None,
            audioChannels=media.audio_channels if media.has_audio else None,
            audioRate=media.sample_rate_hz if media.has_audio else None,
        )
        if not self._is_old:
            add(asset, "media-rep", kind="original-media", src=address)
        self._assets[media] = name


def _fill_spine(spine: Element, timeline: Timeline, names: _Resources) -> None:
    """The lowest track without holes; every other clip is connected to what lies under its first frame."""
    items: list[tuple[int, int, Clip | None]] = []
    place = 0
    for clip in timeline.tracks[0].clips:
        if clip.at > place:
            items.append((place, clip.at, None))
        items.append((clip.at, clip.end, clip))
        place = clip.end
    if place < timeline.frames:
        items.append((place, timeline.frames, None))
    connected = [(lane, clip) for lane, track in enumerate(timeline.tracks[1:], start=1) for clip in track.clips]
    begin = timeline.start.frame
    for start, stop, below in items:
        # A connected clip's offset counts in the time of what it is connected to, not of the sequence.
        local = 0 if below is None else below.media.start + below.first
        if below is None:
            item = add(
                spine,
                "gap",
                name="Gap",
                offset=names.time(begin + start),
                start=names.time(local),
                duration=names.time(stop - start),
            )
        else:
            item = _asset_clip(spine, below, names, offset=begin + start)
        for lane, clip in connected:
            if start <= clip.at < stop:
                child = _asset_clip(item, clip, names, offset=local + clip.at - start, lane=lane)
                _add_markers(child, clip, names)
        if below is not None:
            _add_markers(item, below, names)


def _asset_clip(parent: Element, clip: Clip, names: _Resources, *, offset: int, lane: int | None = None) -> Element:
    media = clip.media
    item = add(
        parent,
        "asset-clip",
        ref=names.asset(media),
        lane=lane,
        offset=names.time(offset),
        name=clip.title,
        start=names.time(media.start + clip.first),
        duration=names.time(clip.frames),
        enabled=None if clip.enabled else 0,
        srcEnable="video" if media.has_audio and not clip.audible else None,
        format=names.format_of(media),
        tcFormat=names.clock,
        audioRole="dialogue" if clip.audible else None,
    )
    if clip.note:
        add(item, "note", clip.note)
    return item


def _add_markers(item: Element, clip: Clip, names: _Resources) -> None:
    """After connected clips, where the document type has them."""
    for each in clip.markers:
        add(
            item,
            "marker",
            start=names.time(clip.media.start + each.frame),
            duration=names.time(each.frames),
            value=each.name,
            note=each.note or None,
        )


def _layout(channels: int) -> str:
    return {1: "mono", 2: "stereo"}.get(channels, "surround" if channels >= 6 else "stereo")
