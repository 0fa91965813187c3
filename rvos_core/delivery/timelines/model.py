"""A small timeline: tracks of clips over each other, all at one frame rate, every time a whole number of frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import PurePath

from rvos_core.delivery.timecode import Timecode, clock_base

NO_ALPHA, STRAIGHT, PREMULTIPLIED = "none", "straight", "premultiplied"
_USUAL_RATE_ERROR = 2e-5  # of a rate; 24 and 23.976 are fifty times as far apart


@dataclass(frozen=True)
class Pictures:
    """Names of the pictures of a sequence: prefix, number of at least `digits` digits, suffix (its dot included)."""

    prefix: str
    digits: int
    suffix: str
    first: int

    def name(self, place: int) -> str:
        """Name of the picture at `place`, from 0."""
        return f"{self.prefix}{self.first + place:0{self.digits}d}{self.suffix}"


@dataclass(frozen=True)
class Sound:
    """Of a movie: channels, and samples per second."""

    channels: int = 2
    rate_hz: int = 48_000


@dataclass(frozen=True)
class Media:
    """A file, or a folder of pictures, that clips are cut from.

    Attributes:
        path: absolute.
        frames: in all.
        width, height: pixels as they are stored, turned as they are shown.
        start: its first frame, counted from 00:00:00:00: its timecode; of pictures the number of the first.
        alpha: "straight", "premultiplied" (over black), "none".
        pixel_aspect: width of a pixel over its height.
        sound: None: there is none.
        pictures: of a folder; None: `path` is one file.
    """

    path: PurePath
    frames: int
    width: int
    height: int
    start: int = 0
    alpha: str = NO_ALPHA
    pixel_aspect: Fraction = Fraction(1)
    sound: Sound | None = None
    pictures: Pictures | None = None

    def __post_init__(self) -> None:
        if not self.path.is_absolute():
            raise ValueError(f"{self.path} is not absolute")
        if self.frames < 1 or self.width < 1 or self.height < 1 or self.start < 0:
            raise ValueError(f"{self.path}: {self.frames} frames of {self.width}x{self.height} from {self.start}")
        if self.alpha not in (NO_ALPHA, STRAIGHT, PREMULTIPLIED):
            raise ValueError(f"alpha {self.alpha}")


@dataclass(frozen=True)
class Marker:
    """A note at `frame` of the timeline, from its beginning, for `length` frames."""

    frame: int
    name: str
    note: str = ""
    length: int = 1


@dataclass(frozen=True)
class Clip:
    """A stretch of a medium on a track.

    Attributes:
        name: for people.
        at: frame of the timeline, from its beginning.
        media_in, media_out: frames of the medium, from its first; half open.
        enabled: whether it is shown.
        metadata: facts to travel along, such as "object" and "expression".
    """

    name: str
    media: Media
    at: int
    media_in: int
    media_out: int
    enabled: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.media_in < self.media_out <= self.media.frames or self.at < 0:
            raise ValueError(f"{self.media_in}..{self.media_out} of {self.media.frames} frames at {self.at}")

    @property
    def length(self) -> int:
        """Frames."""
        return self.media_out - self.media_in

    @property
    def end(self) -> int:
        """The frame of the timeline after its last one."""
        return self.at + self.length


@dataclass(frozen=True)
class Track:
    """Clips one after the other, none over another."""

    name: str
    clips: tuple[Clip, ...]

    def __post_init__(self) -> None:
        for before, after in zip(self.clips, self.clips[1:], strict=False):
            if after.at < before.end:
                raise ValueError(f"“{after.name}” begins at {after.at}, before “{before.name}” ends at {before.end}")


@dataclass(frozen=True)
class Timeline:
    """Tracks over each other.

    Attributes:
        rate: frames per second of the timeline and all its media.
        width, height: pixels, square.
        tracks: from the lowest to the topmost.
        start: timecode of its first frame.
        markers: notes.
        metadata: facts to travel along.
    """

    name: str
    rate: Fraction
    width: int
    height: int
    tracks: tuple[Track, ...]
    start: Timecode
    markers: tuple[Marker, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.start.base != clock_base(self.rate):
            raise ValueError(f"a clock of {self.start.base} for {self.rate} frames/s")
        if not self.tracks or not any(track.clips for track in self.tracks):
            raise ValueError("nothing on it")
        if any(not 0 <= each.frame < self.length or each.length < 1 for each in self.markers):
            raise ValueError("a marker outside")

    @property
    def length(self) -> int:
        """Frames to the end of the last clip."""
        return max(clip.end for clip in self.clips())

    @property
    def frame_s(self) -> Fraction:
        """Seconds a frame."""
        return 1 / self.rate

    def clips(self) -> Iterator[Clip]:
        """All of them, from the lowest track up."""
        for track in self.tracks:
            yield from track.clips

    def media(self) -> tuple[Media, ...]:
        """Each medium once, in the order of its first use."""
        return tuple(dict.fromkeys(clip.media for clip in self.clips()))

    def timecode(self, frame: int) -> Timecode:
        """`frame`, counted from 00:00:00:00, as this timeline's clock shows it."""
        return Timecode(0, self.start.base, self.start.drop).plus(frame)


def usual_rate(rate: Fraction) -> Fraction:
    """A rate that is all but 24, 23.976 and so on, as that very rate: containers round it. Others stay."""
    whole = clock_base(rate)
    for exact in (Fraction(whole), Fraction(1000 * whole, 1001)):
        if abs(rate - exact) <= exact * Fraction(_USUAL_RATE_ERROR):
            return exact
    return rate
