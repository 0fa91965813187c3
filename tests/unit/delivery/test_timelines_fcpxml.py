"""FCPXML obeys the DTD of its version, and every time in it is on a frame, at every rate."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fcpxml_strict import NotFcpxml, read_fcpxml
from helpers_timelines import (
    BEGIN,
    CLOCKS,
    EXPRESSION,
    FOLDER,
    LENGTH,
    SOURCE_FRAMES,
    example,
    pictures_example,
)
from rvos_core.delivery.timecode import Timecode
from rvos_core.delivery.timelines.fcpxml import VERSIONS, fcpxml
from rvos_core.delivery.timelines.model import Clip, Media, Timeline, Track
from rvos_core.errors import UserError


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("clock", CLOCKS)
def test_offsets_are_exact_at_every_rate_and_version(clock: str, version: str) -> None:
    rate, text = CLOCKS[clock]
    start = Timecode.read(text, rate).frame
    read = read_fcpxml(fcpxml(example(clock), version=version))
    assert (read.version, read.name, read.size) == (version, "Küche & <co>", (1920, 1080))
    assert (read.frame_s, read.drop) == (1 / rate, ";" in text)
    assert (read.start, read.length) == (start + BEGIN, LENGTH)
    places = [(each.name, each.lane, each.at, each.media_in, each.length, each.enabled) for each in read.clips]
    assert places == [
        ("clip & co.mp4", 0, 0, BEGIN, LENGTH, True),
        ("cat_cutout_straight.mov", 1, 0, 0, LENGTH, True),
        ("dog_cutout_premult.mov", 2, 40, 0, 60, True),
        ("cat_matte.mov", 3, 0, 0, LENGTH, False),
    ]
    source, first, late, _ = (each.asset for each in read.clips)
    assert (source.path, source.start, source.frames) == (str(FOLDER / "clip & co.mp4"), start, SOURCE_FRAMES)
    assert [each.channels for each in (source, first)] == [2, 0]
    assert (first.start, late.start) == (start + BEGIN, start + BEGIN + 40)
    assert read.markers == ((7, 1, "look & <see>", "a “note”"), (99, 1, "last", ""))
    assert read.clips[1].note == EXPRESSION
    assert ("studio.rvos.expression", EXPRESSION) in read.clips[1].metadata


def test_an_hour_of_drop_frame_is_its_real_seconds() -> None:
    """00:59:59;28 is frame 3599 * 30 + 28 less two for each of 54 minutes; the timeline begins 30 frames later."""
    frame = 3599 * 30 + 28 - 2 * 54 + 30
    assert f'tcStart="{frame * 1001}/30000s"'.encode() in fcpxml(example("2997df"))


def test_pixels_that_are_not_square_keep_their_aspect() -> None:
    read = read_fcpxml(fcpxml(example(aspect=Fraction(4, 3))))
    assert [(each.asset.size, each.asset.aspect) for each in read.clips[:2]] == [
        ((1440, 1080), Fraction(4, 3)),
        ((1920, 1080), 1),
    ]


def test_well_known_formats_have_their_names() -> None:
    assert b'name="FFVideoFormat1080p2398"' in fcpxml(example("23976"))
    assert b'<format id="r1" frameDuration="1/24s" width="854"' in fcpxml(replace(example(), width=854, height=480))


def test_gaps_carry_what_lies_above_them() -> None:
    base = example()
    source = replace(base.tracks[0].clips[0], at=10, media_out=BEGIN + 50)
    early = replace(base.tracks[1].clips[0], at=3)
    timeline = replace(base, tracks=(Track("", (source,)), Track("", (early,)), base.tracks[2]))
    read = read_fcpxml(fcpxml(timeline))
    assert [(each.name, each.at) for each in read.clips] == [
        ("cat_cutout_straight.mov", 3),
        ("clip & co.mp4", 10),
        ("dog_cutout_premult.mov", 40),
    ]
    assert read.length == 103
    assert read.markers == ((7, 1, "look & <see>", "a “note”"), (99, 1, "last", ""))


@given(
    clock=st.sampled_from(sorted(CLOCKS)),
    places=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 50), st.integers(1, 60)), min_size=1, max_size=5),
    begin=st.integers(0, 10**7),
)
@settings(max_examples=40, deadline=None)
def test_any_arrangement_comes_back(clock: str, places: list[tuple[int, int, int]], begin: int) -> None:
    rate, _ = CLOCKS[clock]
    start = Timecode.at(begin, rate)
    clips = [
        Clip(f"{number}", Media(FOLDER / f"{number}.mov", 200, 64, 48, start=begin), at, into, into + length)
        for number, (at, into, length) in enumerate(places)
    ]
    timeline = Timeline("x", rate, 64, 48, tuple(Track("", (clip,)) for clip in clips), start)
    read = read_fcpxml(fcpxml(timeline))
    assert sorted((each.name, each.lane, each.at, each.media_in, each.length) for each in read.clips) == [
        (f"{number}", number, at, into, length) for number, (at, into, length) in enumerate(places)
    ]
    assert (read.start, read.length) == (start.frame, timeline.length)


def test_windows_paths_are_file_addresses() -> None:
    base = example()
    clip = base.tracks[0].clips[0]
    for path, url in (
        (PureWindowsPath(r"D:\Söund & Film\a b.mp4"), b"file:///D:/S%C3%B6und%20%26%20Film/a%20b.mp4"),
        (PureWindowsPath(r"\\server\share\a.mp4"), b"file://server/share/a.mp4"),
        (PurePosixPath("/a/100%#?.mp4"), b"file:///a/100%25%23%3F.mp4"),
    ):
        moved = replace(clip, media=replace(clip.media, path=path))
        assert b'src="' + url + b'"' in fcpxml(replace(base, tracks=(Track("", (moved,)),), markers=()))


def test_signs_that_xml_has_not_are_replaced() -> None:
    base = example()
    clip = replace(base.tracks[1].clips[0], name="a\x00\x1b\ud800b", metadata={"expression": "\x0bz"})
    read = read_fcpxml(fcpxml(replace(base, name="q\x01", tracks=(base.tracks[0], Track("", (clip,))))))
    assert read.clips[1].name == "a\ufffd\ufffd\ufffdb"
    assert read.clips[1].note == "\ufffdz"


def test_pictures_in_a_folder_are_refused_with_a_way_out() -> None:
    with pytest.raises(UserError, match="no sequences of pictures") as caught:
        fcpxml(pictures_example())
    assert "OpenTimelineIO" in caught.value.hint


def test_other_versions_are_refused() -> None:
    with pytest.raises(UserError, match=r"no FCPXML 1\.3"):
        fcpxml(example(), version="1.3")


def test_a_rate_beyond_32_bits_is_refused() -> None:
    rate = Fraction(2**31 + 1, 2**26)
    base = example()
    with pytest.raises(UserError, match="cannot count"):
        fcpxml(replace(base, rate=rate, start=Timecode(0, 32)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'lane="1"', b'lane="0"'), (b'lane="1" ', b""), (b'tcFormat="NDF"', b'tcFormat="XX"'),
        (b"<spine>", b"<spine x='1'>"),
        (b'version="1.10"', b'version="1.8"'), (b'version="1.10"', b'version="2.0"'), (b'enabled="0"', b'enabled="no"'),
        (b'duration="100/24s"', b'duration="100/25s"'), (b'ref="r2"', b'ref="r77"'), (b'id="r3"', b'id="r2"'),
        (b"<spine>", b"<spine><note />"), (b'"file:///', b'"C:/'), (b"<!DOCTYPE fcpxml>", b""),
        (b'duration="10s"', b'duration="1s"'),
    ],
)  # fmt: skip
def test_the_strict_reader_is_strict(old: bytes, new: bytes) -> None:
    content = fcpxml(example())
    assert old in content
    with pytest.raises(NotFcpxml):
        read_fcpxml(content.replace(old, new, 1))
