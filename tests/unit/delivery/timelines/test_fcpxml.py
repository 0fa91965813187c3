"""FCPXML, read by a strict reader of Apple's document types: every time a whole frame, every offset exact."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fcpxml_rules import ReadClip, read_fcpxml
from rvos_core.delivery.timecode import Timecode
from rvos_core.delivery.timelines import Clip, Media, Timeline, Track
from rvos_core.delivery.timelines.fcpxml import VERSIONS, fcpxml
from rvos_core.errors import UserError
from timeline_cases import CLOCKS, HARD_NAME, hard_timeline, matte_timeline, picture_timeline, with_pixels


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("clock", CLOCKS)
def test_clip_cutout_and_matte_lie_frame_on_frame(clock: str, version: str) -> None:
    timeline = matte_timeline(clock)
    rate, text = CLOCKS[clock]
    begin = Timecode.read(text, rate)
    read = read_fcpxml(fcpxml(timeline, version=version))
    assert (read.rate, read.size, read.frames) == (rate, (854, 480), 50)
    assert read.start == begin.plus(10).frame
    assert read.clock == ("DF" if ";" in text else "NDF")
    source, cutout, matte = read.clips
    assert (source.lane, source.at, source.first, source.frames) == (0, 0, 10, 50)
    assert (cutout.lane, cutout.at, cutout.first, cutout.frames) == (1, 0, 4, 50)
    assert (matte.lane, matte.at, matte.first, matte.frames) == (2, 0, 4, 50)
    assert [each.enabled for each in read.clips] == [True, True, False]
    assert [each.heard for each in read.clips] == [True, False, False]
    assert [each.media_start - begin.frame for each in read.clips] == [0, 6, 6]
    assert cutout.path == "/media/shots/street_dog_cutout_straight.mov"
    assert cutout.note == "dog, “a brown dog”, straight alpha"
    assert cutout.markers == [(20, 2, "look")]


def test_frame_durations_are_those_of_the_rates() -> None:
    wanted = {"24": "1/24s", "25": "1/25s", "23976": "1001/24000s", "2997df": "1001/30000s", "5994df": "1001/60000s"}
    for clock, duration in wanted.items():
        assert f'frameDuration="{duration}"'.encode() in fcpxml(matte_timeline(clock))


def test_pixels_that_are_not_square_are_told() -> None:
    timeline = with_pixels(matte_timeline("25"), (720, 576), Fraction(16, 15))
    assert read_fcpxml(fcpxml(timeline)).size == (854, 480)
    assert fcpxml(timeline).count(b'width="720" height="576" paspH="16" paspV="15"') == 1
    assert b"pasp" not in fcpxml(matte_timeline("25"))


@pytest.mark.parametrize("version", VERSIONS)
def test_addresses_move_from_assets_to_representations_after_1_8(version: str) -> None:
    text = fcpxml(matte_timeline("24"), version=version).decode()
    assert f'<fcpxml version="{version}">' in text
    assert bool(re.search(r"<asset [^>]*src=", text)) == (version == "1.8")
    assert ("<media-rep " in text) == (version != "1.8")


def test_gaps_cuts_and_hard_names() -> None:
    read = read_fcpxml(fcpxml(hard_timeline()))
    assert read.name == 'Cut & "paste" <é>\ufffd'
    assert read.gaps == [(0, 5), (35, 5), (93, 57)]
    found = {(each.lane, each.at, each.first, each.frames, each.enabled, each.heard) for each in read.clips}
    assert found == {
        *((0, 5, 100, 30, True, False), (0, 40, 7, 53, True, True)),
        *((1, 0, 0, 10, True, False), (1, 50, 20, 60, True, True), (2, 120, 0, 30, False, False)),
    }
    paths = {each.path for each in read.clips}
    assert paths == {f"/média & more/it's/{HARD_NAME}", "/b/#2?.mov"}
    assert "<&>" in {each.name for each in read.clips}


def test_addresses_relative_to_the_document() -> None:
    timeline = matte_timeline("25", folder=Path("/media/a b/shots"))
    read = read_fcpxml(fcpxml(timeline, beside=Path("/media/a b/shots")))
    assert read.clips[0].path == "./street.mov"
    read = read_fcpxml(fcpxml(timeline, beside=Path("/media/a b/out/x")))
    assert read.clips[0].path == "../../shots/street.mov"


def test_names_that_are_no_text_keep_their_bytes() -> None:
    odd = Path("/a") / b"\xff\xfe.mov".decode("utf-8", "surrogateescape")
    one = Track("one", (Clip(Media(odd, 2, 8, 8), 0, 0, 2),))
    read = read_fcpxml(fcpxml(Timeline("x", Fraction(24), 8, 8, Timecode(0, 24), (one,))))
    assert read.clips[0].path == str(odd)
    assert read.clips[0].name == "\ufffd\ufffd.mov"


def test_what_it_cannot_hold_is_refused() -> None:
    with pytest.raises(UserError, match=r"cannot name the pictures in .*street_dog_matte") as caught:
        fcpxml(picture_timeline())
    assert "OpenTimelineIO" in caught.value.hint
    slow = replace(matte_timeline("24"), rate=Fraction(15), start=Timecode(0, 15))
    with pytest.raises(UserError, match="no timelines of 15 frames/s"):
        fcpxml(slow)
    with pytest.raises(ValueError, match=r"1\.7"):
        fcpxml(matte_timeline("24"), version="1.7")


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_tracks_come_back_where_they_were(data: st.DataObject) -> None:
    rate, text = CLOCKS[data.draw(st.sampled_from(sorted(CLOCKS)))]
    media = [
        Media(Path(f"/m/{n}.mov"), 400, 64, 48, start=data.draw(st.integers(0, 10**6)), audio_channels=n)
        for n in range(2)
    ]
    tracks = []
    for number in range(data.draw(st.integers(1, 3))):
        clips, place = [], 0
        for _ in range(data.draw(st.integers(int(number == 0), 4))):
            place += data.draw(st.integers(0, 50))
            first = data.draw(st.integers(0, 300))
            clip = Clip(data.draw(st.sampled_from(media)), place, first, first + data.draw(st.integers(1, 100)))
            clips.append(clip)
            place = clip.end
        tracks.append(Track(str(number), tuple(clips)))
    timeline = Timeline("t", rate, 64, 48, Timecode.read(text, rate), tuple(tracks))
    read = read_fcpxml(fcpxml(timeline, version=data.draw(st.sampled_from(VERSIONS))))
    assert read.frames == timeline.frames
    wanted = [
        (lane, clip.at, clip.first, clip.frames, str(clip.media.path))
        for lane, track in enumerate(tracks)
        for clip in track.clips
    ]
    assert sorted(map(_place, read.clips)) == sorted(wanted)


def _place(clip: ReadClip) -> tuple[int, int, int, int, str]:
    return clip.lane, clip.at, clip.first, clip.frames, clip.path
