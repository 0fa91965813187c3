"""A timeline as editing programs have it: tracks of clips over files, counted in whole frames of one rate.

Plain values; what a file format cannot hold is refused in that format's own module.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from rvos_core.delivery.timecode import Timecode, clock_base
from rvos_core.errors import UserError

ALPHAS = ("none", "straight", "premultiplied")
_SNAP = Fraction(1, 5000)  # 29.97 and 23.98, as some files have them, are off by less than 1/6000
_MOST_RATE = 240


@dataclass(frozen=True)
class Pictures:
    """Names of a numbered sequence: `before` + number of at least `digits` digits + `after`, the first is `first`."""

    before: str
    digits: int
    after: str
    first: int

    def name(self, index: int) -> str:
        """Of picture `index`, from 0."""
        return f"{self.before}{self.first + index:0{self.digits}d}{self.after}"


@dataclass(frozen=True)
class Media:
    """A file that clips are taken from.

    Attributes:
        path: the file; of a numbered sequence its folder.
        frames: how long it is.
        width, height: pixels as they are stored, turned as they are shown.
        pixel_aspect: width of one over its height.
        start: its own timecode, frames since 00:00:00:00; 0 where it has none.
        alpha: how its colours relate to its alpha, one of `ALPHAS`.
        audio_channels: 0: no sound.
        sample_rate_hz: of the sound.
        pictures: of a numbered sequence; None: one file.
    """

    path: Path
    frames: int
    width: int
    height: int
    start: int = 0
    alpha: str = "none"
    audio_channels: int = 0
    sample_rate_hz: int = 48000
    pictures: Pictures | None = None
    pixel_aspect: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        if self.frames < 1 or self.width < 1 or self.height < 1 or self.start < 0:
            raise ValueError(f"no media: {self.frames} frames of {self.width}x{self.height} from {self.start}")
        if self.pixel_aspect <= 0:
            raise ValueError(f"no media: pixels of {self.pixel_aspect}")
        if self.alpha not in ALPHAS or self.audio_channels < 0 or self.sample_rate_hz < 1:
            raise ValueError(f"no media: alpha {self.alpha!r}, {self.audio_channels} channels")

    @property
    def has_audio(self) -> bool:
        """Whether there is sound in it."""
        return self.audio_channels > 0

    @property
    def name(self) -> str:
        """For people: the file's, or the first picture's."""
        return self.path.name if self.pictures is None else self.pictures.name(0)


@dataclass(frozen=True)
class Marker:
    """A remark at a frame of the media, from 0, `frames` long."""

    frame: int
    name: str
    note: str = ""
    frames: int = 1


@dataclass(frozen=True)
class Clip:
    """A stretch of a file on a track.

    Attributes:
        media: where it is from.
        at: its first frame on the timeline, from 0.
        first, stop: in and out, frames of the media from 0, half open.
        name: for people; "": the media's.
        enabled: False: it is there, but neither seen nor heard.
        audible: its sound is used, too.
        markers: within in and out.
        object_name, expression: whose matte this is; "" of others.
    """

    media: Media
    at: int
    first: int
    stop: int
    name: str = ""
    enabled: bool = True
    audible: bool = False
    markers: tuple[Marker, ...] = ()
    object_name: str = ""
    expression: str = ""

    def __post_init__(self) -> None:
        if self.at < 0 or not 0 <= self.first < self.stop <= self.media.frames:
            raise ValueError(f"no clip: {self.first}..{self.stop} of {self.media.frames} frames at {self.at}")
        if self.audible and not self.media.has_audio:
            raise ValueError(f"{self.media.path} has no sound")
        if not all(self.first <= each.frame and each.frame + each.frames <= self.stop for each in self.markers):
            raise ValueError(f"a marker outside {self.first}..{self.stop}")

    @property
    def frames(self) -> int:
        """How long it is."""
        return self.stop - self.first

    @property
    def end(self) -> int:
        """The timeline frame after its last one."""
        return self.at + self.frames

    @property
    def title(self) -> str:
        """For people."""
        return self.name or self.media.name

    @property
    def note(self) -> str:
        """What a person should know of it, one line; "": nothing."""
        whose = [part for part in (self.object_name, self.expression and f"“{self.expression}”") if part]
        alpha = [] if self.media.alpha == "none" else [f"{self.media.alpha} alpha"]
        return ", ".join([*whose, *alpha])


@dataclass(frozen=True)
class Track:
    """Clips beside each other, in order; `name` for people."""

    name: str
    clips: tuple[Clip, ...]

    def __post_init__(self) -> None:
        for before, after in zip(self.clips, self.clips[1:], strict=False):
            if after.at < before.end:
                raise ValueError(f"clips overlap on the track {self.name!r}")


@dataclass(frozen=True)
class Timeline:
    """Tracks above each other.

    Attributes:
        name: for people.
        rate: frames per second of everything; see `editing_rate`.
        width, height: of the picture, pixels, square.
        start: timecode of its first frame, on the clock of `rate`.
        tracks: of pictures, from the lowest to the topmost; sound follows its pictures.
    """

    name: str
    rate: Fraction
    width: int
    height: int
    start: Timecode
    tracks: tuple[Track, ...]

    def __post_init__(self) -> None:
        if editing_rate(self.rate) != self.rate:
            raise ValueError(f"{self.rate} frames/s; use `editing_rate`")
        if self.start.base != clock_base(self.rate):
            raise ValueError(f"a clock of {self.start.base} for {self.rate} frames/s")
        if self.frames < 1:
            raise ValueError("a timeline without clips")

    @property
    def frames(self) -> int:
        """From its beginning to the end of the last clip."""
        return max((clip.end for clip in self.clips), default=0)

    @property
    def clips(self) -> tuple[Clip, ...]:
        """Of all tracks, the lowest track's first."""
        return tuple(clip for track in self.tracks for clip in track.clips)

    @property
    def is_ntsc(self) -> bool:
        """Whether the rate is a whole number divided by 1.001."""
        return self.rate.denominator == 1001


def editing_rate(rate: Fraction) -> Fraction:
    """The rate that editing programs mean by `rate`, exact: 2997/100 becomes 30000/1001.

    Raises:
        UserError: neither a whole number of frames per second nor one divided by 1.001 is near.
    """
    base = clock_base(rate)
    for known in (Fraction(base), Fraction(base * 1000, 1001)):
        if abs(rate - known) <= known * _SNAP and base <= _MOST_RATE:
            return known
    raise UserError(
        f"A timeline cannot run at {float(rate):.6g} frames/s: editing programs count whole frames a second, or those "
        "divided by 1.001.",
        hint=f"Make a movie of the clip at {min(base, 60)} frames/s first; where its rate varies, deliver at that.",
        code="delivery.timeline_rate",
    )
