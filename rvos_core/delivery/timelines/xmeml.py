"""Final Cut Pro 7 XML (xmeml) version 4 and 5, which Premiere Pro, After Effects' importer and Resolve read.

Whole frames at `timebase`, with `ntsc` where the rate is divided by 1.001. A file is described where it is first used
and named by its id afterwards; every audio channel is a clip item of its own, linked with its picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from rvos_core.delivery.timecode import Timecode
from rvos_core.delivery.timelines.model import Clip, Media, Timeline
from rvos_core.delivery.timelines.xml_text import Element, add, document, file_url, refuse_sequences, root

VERSIONS = ("4", "5")
_ALPHA = {"none": "none", "straight": "straight", "premultiplied": "black"}  # multiplied over black
_HOST = "localhost"
_SAMPLE_BITS = 16
# Names of pixels that are not square, by the stored size; only these sizes have any.
_PIXELS = {
    (720, 480): "NTSC-601",
    (720, 486): "NTSC-601",
    (720, 576): "PAL-601",
    (960, 720): "HD-(960x720)",
    (1280, 1080): "HD-(1280x1080)",
    (1440, 1080): "HD-(1440x1080)",
}
_WIDE = Fraction(6, 5)  # pixels of 16:9 in standard definition are wider than that, those of 4:3 narrower


def xmeml(timeline: Timeline, *, version: str = "5") -> bytes:
    """The document; addresses are absolute, as its readers expect.

    Raises:
        UserError: clips that are numbered sequences.
        ValueError: an unknown version.
    """
    if version not in VERSIONS:
        raise ValueError(f"xmeml {version}")
    refuse_sequences(timeline, "Final Cut Pro 7 XML")
    outermost = root("xmeml", version=version)
    sequence = add(outermost, "sequence", id="sequence-1")
    add(sequence, "name", timeline.name)
    add(sequence, "duration", timeline.frames)
    _add_rate(sequence, timeline)
    _add_timecode(sequence, timeline, timeline.start.frame)
    _Body(timeline).write(add(sequence, "media"))
    return document(outermost)


def count_clips(outermost: Element) -> int:
    """Clip items with a picture in a document."""
    return len(outermost.findall("./sequence/media/video/track/clipitem"))


@dataclass(frozen=True)
class _Item:
    """One clip item: which clip, where, and what it is called. `channel`: of sound, from 1; 0: picture."""

    id: str
    clip: Clip
    track: int
    place: int
    channel: int = 0


class _Body:
    """Tracks of pictures and of sound. All items are known before one is written, as links name later ones."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._files: dict[Media, str] = {}
        self._numbers = 0
        self._video = [self._items(track.clips, number) for number, track in enumerate(timeline.tracks, start=1)]
        self._audio: list[list[_Item]] = []
        for track in timeline.tracks:  # channels of each picture track have audio tracks of their own
            heard = [clip for clip in track.clips if clip.audible]
            for channel in range(1, max((clip.media.audio_channels for clip in heard), default=0) + 1):
                having = [clip for clip in heard if clip.media.audio_channels >= channel]
                self._audio.append(self._items(having, len(self._audio) + 1, channel))

    def write(self, media: Element) -> None:
        """Append both kinds of tracks."""
        timeline = self._timeline
        video = add(media, "video")
        shape = add(add(video, "format"), "samplecharacteristics")
        _add_rate(shape, timeline)
        _add_picture_shape(shape, timeline.width, timeline.height)
        for items in self._video:
            self._write_track(video, items)
        audio = add(media, "audio")
        sound = next((item.clip.media for items in self._audio for item in items), None)
        if sound is not None:
            add(audio, "numOutputChannels", min(2, sound.audio_channels))
        _add_sound_shape(add(audio, "format"), 48000 if sound is None else sound.sample_rate_hz)
        for items in self._audio:
            self._write_track(audio, items)

    def _items(self, clips: tuple[Clip, ...] | list[Clip], track: int, channel: int = 0) -> list[_Item]:
        items = []
        for place, clip in enumerate(clips, start=1):
            self._numbers += 1
            items.append(_Item(f"clipitem-{self._numbers}", clip, track, place, channel))
        return items

    def _write_track(self, parent: Element, items: list[_Item]) -> None:
        track = add(parent, "track")
        for item in items:
            self._write_item(track, item)
        add(track, "enabled", "TRUE")
        add(track, "locked", "FALSE")
        if items and items[0].channel:
            add(track, "outputchannelindex", 1 + (items[0].channel - 1) % 2)

    def _write_item(self, track: Element, item: _Item) -> None:
        clip = item.clip
        element = add(track, "clipitem", id=item.id)
        add(element, "name", clip.title)
        add(element, "enabled", "TRUE" if clip.enabled else "FALSE")
        add(element, "duration", clip.media.frames)
        _add_rate(element, self._timeline)
        add(element, "start", clip.at)
        add(element, "end", clip.end)
        add(element, "in", clip.first)
        add(element, "out", clip.stop)
        if not item.channel:
            _add_aspect(element, *_pixels(clip.media))
            add(element, "alphatype", _ALPHA[clip.media.alpha])
        self._write_file(element, clip.media)
        if item.channel:
            source = add(element, "sourcetrack")
            add(source, "mediatype", "audio")
            add(source, "trackindex", item.channel)
        else:
            self._write_remarks(element, clip)
        self._write_links(element, item)

    def _write_remarks(self, element: Element, clip: Clip) -> None:
        if clip.note:
            add(add(element, "comments"), "mastercomment1", clip.note)
        for each in clip.markers:
            marker = add(element, "marker")
            add(marker, "name", each.name)
            add(marker, "comment", each.note)
            add(marker, "in", each.frame)
            add(marker, "out", each.frame + each.frames)

    def _write_links(self, element: Element, item: _Item) -> None:
        """Picture and sound of one clip belong together; an item without company has no links."""
        group = [each for items in (*self._video, *self._audio) for each in items if each.clip is item.clip]
        for each in group if len(group) > 1 else ():
            link = add(element, "link")
            add(link, "linkclipref", each.id)
            add(link, "mediatype", "audio" if each.channel else "video")
            add(link, "trackindex", each.track)
            add(link, "clipindex", each.place)
            if each.channel:
                add(link, "groupindex", 1)

    def _write_file(self, parent: Element, media: Media) -> None:
        if media in self._files:
            add(parent, "file", id=self._files[media])
            return
        self._files[media] = f"file-{len(self._files) + 1}"
        element = add(parent, "file", id=self._files[media])
        add(element, "name", media.name)
        add(element, "pathurl", file_url(media.path, host=_HOST))
        _add_rate(element, self._timeline)
        add(element, "duration", media.frames)
        _add_timecode(element, self._timeline, media.start)
        inner = add(element, "media")
        shape = add(add(inner, "video"), "samplecharacteristics")
        _add_rate(shape, self._timeline)
        _add_picture_shape(shape, media.width, media.height, media)
        if media.has_audio:
            audio = add(inner, "audio")
            _add_sound_shape(audio, media.sample_rate_hz)
            add(audio, "channelcount", media.audio_channels)


def _add_rate(parent: Element, timeline: Timeline) -> None:
    rate = add(parent, "rate")
    add(rate, "timebase", timeline.start.base)
    add(rate, "ntsc", "TRUE" if timeline.is_ntsc else "FALSE")


def _add_timecode(parent: Element, timeline: Timeline, frame: int) -> None:
    code = Timecode(frame, timeline.start.base, timeline.start.drop)
    element = add(parent, "timecode")
    _add_rate(element, timeline)
    add(element, "string", str(code))
    add(element, "frame", frame)
    add(element, "displayformat", "DF" if code.drop else "NDF")


def _add_picture_shape(parent: Element, width: int, height: int, media: Media | None = None) -> None:
    """`media`: whose pixels these are; None: square ones."""
    name, is_wide = ("square", False) if media is None else _pixels(media)
    add(parent, "width", width)
    add(parent, "height", height)
    if not is_wide:
        add(parent, "anamorphic", "FALSE")
    _add_aspect(parent, name, is_wide)
    add(parent, "fielddominance", "none")


def _pixels(media: Media) -> tuple[str | None, bool]:
    """Name of the pixels' aspect, None: it has none; and whether they are those of 16:9 in standard definition."""
    if media.pixel_aspect == 1:
        return "square", False
    name = _PIXELS.get((media.width, media.height))
    return name, name is not None and name.endswith("601") and media.pixel_aspect > _WIDE


def _add_aspect(parent: Element, name: str | None, is_wide: bool) -> None:
    """An aspect without a name is left out; programs then look into the file."""
    if is_wide:
        add(parent, "anamorphic", "TRUE")
    if name is not None:
        add(parent, "pixelaspectratio", name)


def _add_sound_shape(parent: Element, sample_rate_hz: int) -> None:
    shape = add(parent, "samplecharacteristics")
    add(shape, "depth", _SAMPLE_BITS)
    add(shape, "samplerate", sample_rate_hz)
