"""Timelines for tests, at every rate that matters, with names that break careless writers; nothing needs the disk."""

from __future__ import annotations

from fractions import Fraction
from pathlib import PurePosixPath

from rvos_core.delivery.timecode import Timecode
from rvos_core.delivery.timelines.fcpxml import VERSIONS, fcpxml
from rvos_core.delivery.timelines.model import (
    PREMULTIPLIED,
    STRAIGHT,
    Clip,
    Marker,
    Media,
    Pictures,
    Sound,
    Timeline,
    Track,
)
from rvos_core.delivery.timelines.otio import otio
from rvos_core.delivery.timelines.xmeml import xmeml

# name -> (rate, timecode of the source's first frame)
CLOCKS = {
    "24": (Fraction(24), "01:00:00:00"),
    "25": (Fraction(25), "10:11:12:13"),
    "23976": (Fraction(24000, 1001), "01:00:00:00"),
    "2997df": (Fraction(30000, 1001), "00:59:59;28"),
    "2997ndf": (Fraction(30000, 1001), "01:00:00:00"),
    "5994": (Fraction(60000, 1001), "23:00:00:59"),
    "5994df": (Fraction(60000, 1001), "01:00:59;59"),
}
FOLDER = PurePosixPath("/Volumes/Schnitt & Ton/Küche “1” 'x' <猫>")
EXPRESSION = 'the cat\'s "red" ball & <everything> ünder 猫'
SOURCE_FRAMES, BEGIN, LENGTH = 240, 30, 100  # of the source; first frame that was delivered; how many were


def example(clock: str = "24", *, channels: int = 2, aspect: Fraction = Fraction(1)) -> Timeline:
    """A source with sound, a straight cut-out of its 100 frames, one of the last 60, and a matte switched off."""
    rate, text = CLOCKS[clock]
    timecode = Timecode.read(text, rate)
    source = Media(
        FOLDER / "clip & co.mp4", SOURCE_FRAMES, 1440 if aspect != 1 else 1920, 1080, start=timecode.frame,
        pixel_aspect=aspect, sound=Sound(channels, 44_100) if channels else None,
    )  # fmt: skip
    facts = {"object": "cat “1”", "object_id": "1", "expression": EXPRESSION}
    first = _delivered("cat_cutout_straight.mov", LENGTH, timecode.frame + BEGIN, alpha=STRAIGHT)
    late = _delivered("dog_cutout_premult.mov", 60, timecode.frame + BEGIN + 40, alpha=PREMULTIPLIED)
    matte = _delivered("cat_matte.mov", LENGTH, timecode.frame + BEGIN)
    return Timeline(
        name="Küche & <co>",
        rate=rate,
        width=1920,
        height=1080,
        tracks=(
            Track("Source", (Clip("clip & co.mp4", source, 0, BEGIN, BEGIN + LENGTH),)),
            Track("Cut-out: cat", (Clip("cat_cutout_straight.mov", first, 0, 0, LENGTH, metadata=facts),)),
            Track("Cut-out: dog", (Clip("dog_cutout_premult.mov", late, 40, 0, 60),)),
            Track("Matte: cat", (Clip("cat_matte.mov", matte, 0, 0, LENGTH, enabled=False, metadata=facts),)),
        ),
        start=timecode.plus(BEGIN),
        markers=(Marker(7, "look & <see>", "a “note”"), Marker(99, "last", "", 1)),
        metadata={"source": "clip & co.mp4"},
    )


def pictures_example() -> Timeline:
    """A numbered sequence of the source below a numbered sequence of EXR cut-outs from 1001."""
    source = Media(FOLDER / "frames", 50, 854, 480, start=0, pictures=Pictures("shot ", 5, ".jpg", 0))
    exr = Media(
        FOLDER / "cat_exr", 50, 854, 480, start=1001, alpha=PREMULTIPLIED, pictures=Pictures("cat.", 4, ".exr", 1001)
    )
    tracks = (
        Track("Source", (Clip("frames", source, 0, 0, 50),)),
        Track("Cut-out: cat", (Clip("cat", exr, 0, 0, 50, metadata={"expression": EXPRESSION}),)),
    )
    return Timeline("frames", Fraction(24), 854, 480, tracks, Timecode(0, 24))


def golden_files() -> dict[str, bytes]:
    """Name -> content of the files in tests/golden/timelines."""
    found = {f"{clock}.fcpxml": fcpxml(example(clock)) for clock in CLOCKS if clock != "24"}
    found |= {f"24-v{version.replace('.', '_')}.fcpxml": fcpxml(example(), version=version) for version in VERSIONS}
    found |= {f"{clock}.xml": xmeml(example(clock)) for clock in ("24", "23976", "2997df")}
    found |= {"24-v5.xml": xmeml(example(), version="5")}
    return found | {"23976.otio": otio(example("23976")), "pictures.otio": otio(pictures_example())}


def _delivered(name: str, frames: int, start: int, *, alpha: str = "none") -> Media:
    return Media(FOLDER / "out" / name, frames, 1920, 1080, start=start, alpha=alpha)
