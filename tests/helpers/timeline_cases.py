"""Timelines that tests of writers share: a clip, its cut-out and its matte, and one with all that can be hard."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from rvos_core.delivery.timecode import Timecode
from rvos_core.delivery.timelines import Clip, Marker, Media, Pictures, Timeline, Track

NTSC_24, NTSC_30, NTSC_60 = Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)
# name -> rate, timecode of the clip's first frame; ";" is drop frame
CLOCKS = {
    "24": (Fraction(24), "01:00:00:00"),
    "25": (Fraction(25), "10:30:15:24"),
    "23976": (NTSC_24, "00:59:59:23"),
    "2997df": (NTSC_30, "01:09:59;29"),
    "2997": (NTSC_30, "00:00:59:29"),
    "50": (Fraction(50), "00:00:00:01"),
    "5994df": (NTSC_60, "23:10:00;04"),
    "5994": (NTSC_60, "23:09:59:59"),
    "60": (Fraction(60), "01:00:00:00"),
}
HARD_NAME = 'R&D “täst” <1> 100% 猫\'s "b".mov'


def matte_timeline(clock: str, *, folder: Path = Path("/media/shots"), frames: int = 100) -> Timeline:
    """Frames 10 to 59 of a clip with sound, its cut-out from frame 6 on and its disabled luma matte."""
    rate, text = CLOCKS[clock]
    code = Timecode.read(text, rate)
    source = Media(folder / "street.mov", frames, 854, 480, start=code.frame, audio_channels=2)
    from_six = code.plus(6).frame
    cutout = Media(folder / "street_dog_cutout_straight.mov", 60, 854, 480, start=from_six, alpha="straight")
    matte = Media(folder / "street_dog_matte.mov", 60, 854, 480, start=from_six)
    about = {"object_name": "dog", "expression": "a brown dog"}
    return Timeline(
        name="street",
        rate=rate,
        width=854,
        height=480,
        start=code.plus(10),
        tracks=(
            Track("Source", (Clip(source, 0, 10, 60, audible=True),)),
            Track("dog cut-out", (Clip(cutout, 0, 4, 54, markers=(Marker(20, "look", "at the ear", 2),), **about),)),
            Track("dog luma matte", (Clip(matte, 0, 4, 54, enabled=False, **about),)),
        ),
    )


def hard_timeline() -> Timeline:
    """Gaps, cuts, an upper clip over a gap, sound above, another size, a name that XML and addresses must quote."""
    rate = Fraction(25)
    base = Media(Path("/média & more/it's") / HARD_NAME, 500, 1920, 1080, start=90000, audio_channels=1)
    wide = Media(Path("/b/#2?.mov"), 80, 1366, 769, alpha="premultiplied", audio_channels=2, sample_rate_hz=44100)
    return Timeline(
        name='Cut & "paste" <é>\x07',
        rate=rate,
        width=1920,
        height=1080,
        start=Timecode(3600 * 25, 25),
        tracks=(
            Track("Source", (Clip(base, 5, 100, 130), Clip(base, 40, 7, 60, audible=True))),
            Track("above", (Clip(wide, 0, 0, 10, name="<&>"), Clip(wide, 50, 20, 80, audible=True))),
            Track("late", (Clip(wide, 120, 0, 30, enabled=False),)),
        ),
    )


def picture_timeline() -> Timeline:
    """A sequence from 1001 on over a clip."""
    source = Media(Path("/media/street.mov"), 40, 854, 480)
    pictures = Pictures("street_dog_matte.", 4, ".exr", 1001)
    exr = Media(Path("/media/out & about/street_dog_matte"), 40, 854, 480, alpha="premultiplied", pictures=pictures)
    return Timeline(
        name="street",
        rate=NTSC_24,
        width=854,
        height=480,
        start=Timecode(24 * 3600, 24),
        tracks=(
            Track("Source", (Clip(source, 0, 0, 40),)),
            Track("dog", (Clip(exr, 0, 8, 40, expression="a brown dog"),)),
        ),
    )


def with_pixels(timeline: Timeline, size: tuple[int, int], aspect: Fraction) -> Timeline:
    """The same over a clip of this stored size and pixel aspect."""
    lowest = timeline.tracks[0]
    clips = tuple(
        replace(clip, media=replace(clip.media, width=size[0], height=size[1], pixel_aspect=aspect))
        for clip in lowest.clips
    )
    return replace(timeline, tracks=(replace(lowest, clips=clips), *timeline.tracks[1:]))
