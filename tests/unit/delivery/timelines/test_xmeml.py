"""Final Cut Pro 7 XML, read by OpenTimelineIO's adapter, and by eye where that reads less than there is."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring

from rvos_core.delivery.timecode import Timecode
from rvos_core.delivery.timelines import Timeline
from rvos_core.delivery.timelines.xmeml import VERSIONS, xmeml
from rvos_core.errors import UserError
from timeline_cases import CLOCKS, HARD_NAME, hard_timeline, matte_timeline, picture_timeline, with_pixels


def by_library(timeline: Timeline, folder: Path) -> Any:
    opentimelineio = pytest.importorskip("opentimelineio")
    if "fcp_xml" not in opentimelineio.adapters.available_adapter_names():
        pytest.skip("otio-fcp-adapter is not installed")
    path = folder / "timeline.xml"
    path.write_bytes(xmeml(timeline))
    found = opentimelineio.adapters.read_from_file(str(path), adapter_name="fcp_xml")
    return found if isinstance(found, opentimelineio.schema.Timeline) else found[0]


@pytest.mark.parametrize("clock", CLOCKS)
def test_the_library_finds_every_frame(clock: str, tmp_path: Path) -> None:
    rate, text = CLOCKS[clock]
    begin = Timecode.read(text, rate)
    read = by_library(matte_timeline(clock), tmp_path)
    assert read.name == "street"
    assert read.global_start_time.value == begin.plus(10).frame
    assert read.global_start_time.rate == pytest.approx(float(rate), rel=1e-12)
    assert (len(list(read.video_tracks())), len(list(read.audio_tracks()))) == (3, 2)
    for track, first, skipped, enabled in zip(
        read.video_tracks(), (10, 4, 4), (0, 6, 6), (True, True, False), strict=True
    ):
        (clip,) = track
        # The adapter counts a clip's range from the start of its media; see its own documentation of `in`.
        available = clip.media_reference.available_range
        assert available.start_time.value == begin.plus(skipped).frame
        assert clip.source_range.start_time.value == begin.plus(skipped).frame + first
        assert clip.source_range.duration.value == 50
        assert clip.source_range.duration.rate == pytest.approx(float(rate), rel=1e-12)
        assert clip.metadata["fcp_xml"].get("enabled", str(enabled).upper()) == str(enabled).upper()
    sound = [clip for track in read.audio_tracks() for clip in track]
    assert [clip.source_range.duration.value for clip in sound] == [50, 50]


def test_gaps_and_cuts_are_found_by_the_library(tmp_path: Path) -> None:
    read = by_library(hard_timeline(), tmp_path)
    assert read.name == 'Cut & "paste" <é>\ufffd'
    found = [
        [(type(item).__name__, item.source_range.duration.value) for item in track] for track in read.video_tracks()
    ]
    assert found == [
        [("Gap", 5), ("Clip", 30), ("Gap", 5), ("Clip", 53)],
        [("Clip", 10), ("Gap", 40), ("Clip", 60)],
        [("Gap", 120), ("Clip", 30)],
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_sequence_has_its_format(version: str) -> None:
    top = fromstring(xmeml(matte_timeline("2997df"), version=version))
    assert top.get("version") == version
    shape = top.find("sequence/media/video/format/samplecharacteristics")
    assert text_of(shape, "rate/timebase", "rate/ntsc", "width", "height", "pixelaspectratio", "fielddominance") == [
        *("30", "TRUE", "854", "480", "square", "none")
    ]
    clock = top.find("sequence/timecode")
    assert text_of(clock, "string", "frame", "displayformat") == ["01:10:00;09", "125883", "DF"]


def test_matte_is_disabled_and_alpha_is_told() -> None:
    top = fromstring(xmeml(matte_timeline("23976")))
    items = top.findall("sequence/media/video/track/clipitem")
    assert [each.findtext("enabled") for each in items] == ["TRUE", "TRUE", "FALSE"]
    assert [each.findtext("alphatype") for each in items] == ["none", "straight", "none"]
    assert items[1].findtext("comments/mastercomment1") == "dog, “a brown dog”, straight alpha"
    assert [each.findtext("rate/timebase") for each in items] == ["24"] * 3
    assert [each.findtext("rate/ntsc") for each in items] == ["TRUE"] * 3
    premultiplied = fromstring(xmeml(hard_timeline())).find("sequence/media/video/track[2]/clipitem")
    assert premultiplied.findtext("alphatype") == "black"


def test_sound_has_items_of_its_own_and_is_linked_with_its_picture() -> None:
    top = fromstring(xmeml(matte_timeline("25")))
    ids = [each.get("id") for each in top.iter("clipitem")]
    assert len(set(ids)) == len(ids) == 5
    picture, left, right = (
        top.find("sequence/media/video/track/clipitem"),
        *top.findall("sequence/media/audio/track/clipitem"),
    )
    group = [picture.get("id"), left.get("id"), right.get("id")]
    for item in (picture, left, right):
        assert [each.findtext("linkclipref") for each in item.findall("link")] == group
        assert [each.findtext("mediatype") for each in item.findall("link")] == ["video", "audio", "audio"]
        assert [each.findtext("trackindex") for each in item.findall("link")] == ["1", "1", "2"]
    assert [text_of(each, "sourcetrack/mediatype", "sourcetrack/trackindex") for each in (left, right)] == [
        ["audio", "1"],
        ["audio", "2"],
    ]
    assert not top.findall("sequence/media/video/track[2]/clipitem/link")


def test_a_file_is_described_once_and_named_then() -> None:
    top = fromstring(xmeml(hard_timeline()))
    described = [each for each in top.iter("file") if len(each)]
    assert len(described) == len({each.get("id") for each in top.iter("file")}) == 2
    paths = {unquote(urlsplit(each.findtext("pathurl")).path) for each in described}
    assert paths == {f"/média & more/it's/{HARD_NAME}", "/b/#2?.mov"}
    assert all(each.findtext("pathurl").startswith("file://localhost/") for each in described)
    wide = next(each for each in described if each.findtext("name") == "#2?.mov")
    assert text_of(wide, "duration", "media/video/samplecharacteristics/width", "media/audio/channelcount") == [
        *("80", "1366", "2")
    ]
    # One channel of the clip below and two of the one above: three tracks of sound.
    assert [len(each.findall("clipitem")) for each in top.findall("sequence/media/audio/track")] == [1, 1, 1]
    linked = top.findall("sequence/media/video/track[2]/clipitem")[1]
    assert [each.findtext("trackindex") for each in linked.findall("link")] == ["2", "2", "3"]


def test_what_it_cannot_hold_is_refused() -> None:
    with pytest.raises(UserError, match="cannot name the pictures"):
        xmeml(picture_timeline())
    with pytest.raises(ValueError, match="3"):
        xmeml(matte_timeline("24"), version="3")


def text_of(element: Element, *paths: str) -> list[str | None]:
    return [element.findtext(path) for path in paths]


@pytest.mark.parametrize(
    ("size", "aspect", "name", "anamorphic"),
    [
        ((720, 576), Fraction(16, 15), "PAL-601", "FALSE"),
        ((720, 576), Fraction(64, 45), "PAL-601", "TRUE"),
        ((720, 480), Fraction(8, 9), "NTSC-601", "FALSE"),
        ((1440, 1080), Fraction(4, 3), "HD-(1440x1080)", "FALSE"),
        ((2880, 2160), Fraction(2), None, "FALSE"),
    ],
)
def test_pixels_that_are_not_square_have_their_name(
    size: tuple[int, int], aspect: Fraction, name: str | None, anamorphic: str
) -> None:
    top = fromstring(xmeml(with_pixels(matte_timeline("25"), size, aspect)))
    source, cutout, _ = top.findall("sequence/media/video/track/clipitem")
    shape = source.find("file/media/video/samplecharacteristics")
    assert shape is not None
    for each in (source, shape):
        assert (each.findtext("pixelaspectratio"), each.findtext("anamorphic", "FALSE")) == (name, anamorphic)
    assert (shape.findtext("width"), shape.findtext("height")) == tuple(map(str, size))
    assert (cutout.findtext("pixelaspectratio"), cutout.findtext("anamorphic")) == ("square", None)
    assert top.findtext("sequence/media/video/format/samplecharacteristics/pixelaspectratio") == "square"
