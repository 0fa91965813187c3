"""Final Cut Pro 7 XML (xmeml 4 and 5), for Premiere Pro, After Effects and DaVinci Resolve.

A clip item's start and end are frames of the sequence, its in and out frames of its file from the file's first one. A
file is described where it is used first and named by its id afterwards. Sound has clip items of its own, one a channel,
linked with the picture's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from xml.etree import ElementTree as ET

from rvos_core.delivery.timelines.model import NO_ALPHA, PREMULTIPLIED, STRAIGHT, Clip, Marker, Media, Timeline
from rvos_core.delivery.timelines.xml_text import child, document, file_url
from rvos_core.errors import UserError

VERSIONS = ("4", "5")
DEFAULT_VERSION = "4"
_ALPHA_TYPES = {NO_ALPHA: "none", STRAIGHT: "straight", PREMULTIPLIED: "black"}
_RATE_ERROR = 1e-4
_SOUND_DEPTH = 16
# The format's names for pixels that are not square, by stored size and aspect; rounded as programs round them.
_PIXELS = {
    (720, 480): "NTSC-601", (720, 486): "NTSC-601", (720, 576): "PAL-601",
    (960, 720): "HD-(960x720)", (1280, 1080): "HD-(1280x1080)", (1440, 1080): "HD-(1440x1080)",
}  # fmt: skip


def xmeml(timeline: Timeline, *, version: str = DEFAULT_VERSION) -> bytes:
    """The file's content.

    Args:
        version: of `VERSIONS`.

    Raises:
        UserError: a version that there is not; the timeline has pictures in a folder, which the format cannot hold, or
            a rate that is neither a whole number nor 1000/1001 of one.
    """
    if version not in VERSIONS:
        raise UserError(
            f"There is no Final Cut Pro 7 XML {version} here.",
            hint=f"There are {' and '.join(VERSIONS)}.",
            code="timeline.version",
        )
    folder = next((each.path for each in timeline.media() if each.pictures is not None), None)
    if folder is not None:
        raise UserError(
            f"Final Cut Pro 7 XML cannot hold {folder}: it has no sequences of pictures.",
            hint="Deliver movies and make one of the source, or write an OpenTimelineIO file instead.",
            code="timeline.pictures",
        )
    root = ET.Element("xmeml", {"version": version})
    _Writer(timeline).sequence(root)
    return document(root, "xmeml")


def timebase(rate: Fraction) -> tuple[int, bool]:
    """Whole frames a second, and whether the clock really runs at 1000/1001 of that.

    Raises:
        UserError: the rate is neither.
    """
    whole = max(1, round(rate))
    for ntsc, exact in ((False, Fraction(whole)), (True, Fraction(1000 * whole, 1001))):
        if abs(rate - exact) <= exact * Fraction(_RATE_ERROR):
            return whole, ntsc
    raise UserError(
        f"Final Cut Pro 7 XML cannot count {float(rate):.6g} frames per second.",
        hint="Deliver at a usual rate, such as 25 or 30000/1001.",
        code="timeline.rate",
    )


@dataclass(frozen=True)
class _Item:
    """A clip item: id, where it is (track and place on it, from 1), and what of the file it shows."""

    id: str
    kind: str
    track: int
    place: int
    clip: Clip
    channel: int = 0


class _Writer:
    """One sequence under way."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._timebase, self._ntsc = timebase(timeline.rate)
        self._file_ids = {media: f"file-{number}" for number, media in enumerate(timeline.media(), start=1)}
        self._described: set[Media] = set()
        self._items = list(self._number())
        self._linked: dict[int, list[_Item]] = {}
        for item in self._items:
            self._linked.setdefault(id(item.clip), []).append(item)

    def sequence(self, root: ET.Element) -> None:
        timeline = self._timeline
        sequence = child(root, "sequence", id="sequence-1")
        child(sequence, "name", timeline.name)
        child(sequence, "duration", timeline.length)
        self._rate(sequence)
        self._timecode(sequence, timeline.start.frame)
        media = child(sequence, "media")
        video = child(media, "video")
        self._picture_format(child(video, "format"), timeline.width, timeline.height, Fraction(1))
        for number, track in enumerate(timeline.tracks, start=1):
            element = child(video, "track", None, **({"MZ.TrackName": track.name} if track.name else {}))
            for item in self._on("video", number):
                self._clipitem(element, item)
            child(element, "enabled", "TRUE")
            child(element, "locked", "FALSE")
        self._audio(child(media, "audio"))
        for marker in timeline.markers:
            self._marker(sequence, marker)

    def _number(self) -> Iterator[_Item]:
        """Clip items of all pictures, then of all sounds, track by track."""
        count = 0
        for number, track in enumerate(self._timeline.tracks, start=1):
            for place, clip in enumerate(track.clips, start=1):
                count += 1
                yield _Item(f"clipitem-{count}", "video", number, place, clip)
        below = 0
        for track in self._timeline.tracks:
            channels = max((clip.media.sound.channels for clip in track.clips if clip.media.sound), default=0)
            for channel in range(1, channels + 1):
                heard = [clip for clip in track.clips if clip.media.sound and clip.media.sound.channels >= channel]
                for place, clip in enumerate(heard, start=1):
                    count += 1
                    yield _Item(f"clipitem-{count}", "audio", below + channel, place, clip, channel)
            below += channels

    def _on(self, kind: str, track: int) -> list[_Item]:
        return [item for item in self._items if (item.kind, item.track) == (kind, track)]

    def _audio(self, audio: ET.Element) -> None:
        sounds = [each.sound for each in self._timeline.media() if each.sound is not None]
        if not sounds:
            return
        child(audio, "numOutputChannels", min(2, sounds[0].channels))
        sample = child(child(audio, "format"), "samplecharacteristics")
        child(sample, "depth", _SOUND_DEPTH)
        child(sample, "samplerate", sounds[0].rate_hz)
        for track in range(1, max(item.track for item in self._items if item.kind == "audio") + 1):
            element = child(audio, "track")
            items = self._on("audio", track)
            for item in items:
                self._clipitem(element, item)
            child(element, "enabled", "TRUE")
            child(element, "locked", "FALSE")
            child(element, "outputchannelindex", 1 + (items[0].channel - 1) % 2)

    def _clipitem(self, track: ET.Element, item: _Item) -> None:
        clip = item.clip
        element = child(track, "clipitem", id=item.id)
        child(element, "masterclipid", self._file_ids[clip.media].replace("file", "masterclip"))
        child(element, "name", clip.name)
        child(element, "enabled", _boolean(clip.enabled))
        child(element, "duration", clip.media.frames)
        self._rate(element)
        child(element, "start", clip.at)
        child(element, "end", clip.end)
        child(element, "in", clip.media_in)
        child(element, "out", clip.media_out)
        if item.kind == "video":
            child(element, "alphatype", _ALPHA_TYPES[clip.media.alpha])
            _pixels(element, clip.media.width, clip.media.height, clip.media.pixel_aspect)
        self._file(element, clip.media)
        if item.kind == "audio":
            source = child(element, "sourcetrack")
            child(source, "mediatype", "audio")
            child(source, "trackindex", item.channel)
        elif clip.metadata:
            comments = child(element, "comments")
            for number, (name, value) in enumerate(list(clip.metadata.items())[:4], start=1):
                child(comments, f"mastercomment{number}", f"{name}: {value}")
        linked = self._linked[id(clip)]
        for other in linked if len(linked) > 1 else ():
            link = child(element, "link")
            child(link, "linkclipref", other.id)
            child(link, "mediatype", other.kind)
            child(link, "trackindex", other.track)
            child(link, "clipindex", other.place)

    def _file(self, parent: ET.Element, media: Media) -> None:
        file = child(parent, "file", id=self._file_ids[media])
        if media in self._described:
            return
        self._described.add(media)
        child(file, "name", media.path.name)
        child(file, "pathurl", file_url(media.path, host="localhost"))
        self._rate(file)
        child(file, "duration", media.frames)
        self._timecode(file, media.start)
        kinds = child(file, "media")
        self._picture_format(child(kinds, "video"), media.width, media.height, media.pixel_aspect)
        if media.sound is not None:
            audio = child(kinds, "audio")
            sample = child(audio, "samplecharacteristics")
            child(sample, "depth", _SOUND_DEPTH)
            child(sample, "samplerate", media.sound.rate_hz)
            child(audio, "channelcount", media.sound.channels)

    def _picture_format(self, parent: ET.Element, width: int, height: int, aspect: Fraction) -> None:
        sample = child(parent, "samplecharacteristics")
        self._rate(sample)
        child(sample, "width", width)
        child(sample, "height", height)
        _pixels(sample, width, height, aspect)
        child(sample, "fielddominance", "none")

    def _rate(self, parent: ET.Element) -> None:
        rate = child(parent, "rate")
        child(rate, "timebase", self._timebase)
        child(rate, "ntsc", _boolean(self._ntsc))

    def _timecode(self, parent: ET.Element, frame: int) -> None:
        timecode = child(parent, "timecode")
        self._rate(timecode)
        child(timecode, "string", self._timeline.timecode(frame))
        child(timecode, "frame", frame)
        child(timecode, "displayformat", "DF" if self._timeline.start.drop else "NDF")

    def _marker(self, parent: ET.Element, marker: Marker) -> None:
        element = child(parent, "marker")
        child(element, "name", marker.name)
        child(element, "comment", marker.note)
        child(element, "in", marker.frame)
        child(element, "out", marker.frame + marker.length if marker.length > 1 else -1)


def _pixels(parent: ET.Element, width: int, height: int, aspect: Fraction) -> None:
    """The aspect by its name; one that has none is left to the program."""
    child(parent, "anamorphic", "FALSE")
    name = "square" if aspect == 1 else _PIXELS.get((width, height))
    if name is not None:
        child(parent, "pixelaspectratio", name)


def _boolean(value: bool) -> str:
    return "TRUE" if value else "FALSE"
