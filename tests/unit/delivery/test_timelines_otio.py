"""Final Cut Pro 7 XML and .otio as OpenTimelineIO reads them: the same places, files and timecodes at every rate."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path, PureWindowsPath
from typing import Any
from urllib.parse import unquote

import pytest
from defusedxml import ElementTree

from helpers_timelines import (
    BEGIN,
    CLOCKS,
    EXPRESSION,
    FOLDER,
    LENGTH,
    SOURCE_FRAMES,
    example,
    golden_files,
    pictures_example,
)
from rvos_core.delivery.timecode import Timecode
from rvos_core.delivery.timelines.model import Timeline
from rvos_core.delivery.timelines.otio import otio
from rvos_core.delivery.timelines.writing import SUFFIXES, write_timeline
from rvos_core.delivery.timelines.xmeml import VERSIONS, timebase, xmeml
from rvos_core.errors import UserError

library = pytest.importorskip("opentimelineio")
GOLDEN = Path(__file__).parents[2] / "golden" / "timelines"


def read(folder: Path, name: str, content: bytes) -> Any:
    path = folder / name
    path.write_bytes(content)
    if name.endswith(".otio"):
        return library.adapters.read_from_file(str(path))
    if "fcp_xml" not in library.adapters.available_adapter_names():
        pytest.skip("otio-fcp-adapter is not installed")
    return library.adapters.read_from_file(str(path), adapter_name="fcp_xml")


def places(track: Any) -> list[tuple[str, int, int, int, int]]:
    """Of each clip: name, frame of the timeline, first frame of its file, first and number of frames shown."""
    found = []
    for clip in track.find_clips():
        whole, shown = clip.media_reference.available_range, clip.source_range
        at = track.range_of_child(clip).start_time
        numbers = [at.value, whole.start_time.value, shown.start_time.value, shown.duration.value]
        assert all(number == int(number) for number in numbers)
        found.append((clip.name, *map(int, numbers)))
    return found


def expected(clock: str) -> list[list[tuple[str, int, int, int, int]]]:
    rate, text = CLOCKS[clock]
    start = Timecode.read(text, rate).frame
    return [
        [("clip & co.mp4", 0, start, start + BEGIN, LENGTH)],
        [("cat_cutout_straight.mov", 0, start + BEGIN, start + BEGIN, LENGTH)],
        [("dog_cutout_premult.mov", 40, start + BEGIN + 40, start + BEGIN + 40, 60)],
        [("cat_matte.mov", 0, start + BEGIN, start + BEGIN, LENGTH)],
    ]


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("kind", ["xml", "otio"])
def test_places_are_exact_at_every_rate(tmp_path: Path, clock: str, kind: str) -> None:
    rate, text = CLOCKS[clock]
    timeline = example(clock)
    found = read(tmp_path, f"a.{kind}", xmeml(timeline) if kind == "xml" else otio(timeline))
    assert found.name == "Küche & <co>"
    assert found.global_start_time.value == timeline.start.frame
    assert abs(found.global_start_time.rate - float(rate)) < 1e-2  # the adapter calls 29.97 just that
    assert [places(track) for track in found.video_tracks()] == expected(clock)
    sounds = [places(track) for track in found.audio_tracks()]
    assert sounds == [expected(clock)[0]] * (2 if kind == "xml" else 1)
    source = next(iter(found.video_tracks()[0].find_clips())).media_reference
    assert unquote(source.target_url).removeprefix("file://").removeprefix("localhost") == str(FOLDER / "clip & co.mp4")
    assert source.available_range.duration.value == SOURCE_FRAMES
    assert [int(each.marked_range.start_time.value) for each in found.tracks.markers] == [7, 99]
    if ";" in text and kind == "otio":
        assert found.metadata["rvos"]["timecode"] == str(timeline.start)


def test_otio_keeps_what_is_off_and_what_was_said(tmp_path: Path) -> None:
    found = read(tmp_path, "a.otio", otio(example("23976")))
    clips = list(found.find_clips())
    assert [clip.enabled for clip in clips[:4]] == [True, True, True, False]
    assert clips[1].metadata["rvos"]["expression"] == EXPRESSION
    assert clips[1].metadata["rvos"]["object"] == "cat “1”"
    assert clips[2].media_reference.metadata["rvos"]["alpha"] == "premultiplied"
    assert found.metadata["rvos"]["rate"] == "24000/1001"
    assert found.global_start_time.rate == pytest.approx(24000 / 1001, abs=1e-12)


def test_otio_holds_sequences_of_pictures(tmp_path: Path) -> None:
    found = read(tmp_path, "a.otio", otio(pictures_example()))
    source, exr = (clip.media_reference for clip in found.find_clips())
    assert isinstance(exr, library.schema.ImageSequenceReference)
    assert exr.number_of_images_in_sequence() == source.number_of_images_in_sequence() == 50
    assert unquote(exr.target_url_for_image_number(49)).endswith("/cat_exr/cat.1050.exr")
    assert unquote(source.target_url_for_image_number(0)) == f"file://{FOLDER}/frames/shot 00000.jpg"
    assert exr.frame_for_time(library.opentime.RationalTime(1003, 24)) == 1003


@pytest.mark.parametrize("version", VERSIONS)
def test_xmeml_has_what_programs_need(version: str) -> None:
    root = ElementTree.fromstring(xmeml(example("2997df"), version=version))
    assert root.get("version") == version
    sequence = root.find("sequence")
    sample = sequence.find("media/video/format/samplecharacteristics")
    assert [sample.findtext(name) for name in ("width", "height", "pixelaspectratio", "fielddominance")] == [
        "1920", "1080", "square", "none",
    ]  # fmt: skip
    assert (sample.findtext("rate/timebase"), sample.findtext("rate/ntsc")) == ("30", "TRUE")
    assert sequence.findtext("timecode/string") == "01:00:00;28"
    assert sequence.findtext("timecode/displayformat") == "DF"
    items = sequence.findall("media/video/track/clipitem")
    assert [each.findtext("alphatype") for each in items] == ["none", "straight", "black", "none"]
    assert [each.findtext("enabled") for each in items] == ["TRUE", "TRUE", "TRUE", "FALSE"]
    assert items[1].findtext("comments/mastercomment3") == f"expression: {EXPRESSION}"
    tracks = sequence.findall("media/video/track")
    assert [each.get("MZ.TrackName") for each in tracks] == ["Source", "Cut-out: cat", "Cut-out: dog", "Matte: cat"]


@pytest.mark.parametrize("channels", [0, 1, 2, 6])
def test_sound_has_items_of_its_own_that_are_linked(channels: int) -> None:
    root = ElementTree.fromstring(xmeml(example(channels=channels)))
    picture = root.find("sequence/media/video/track/clipitem")
    sounds = root.findall("sequence/media/audio/track/clipitem")
    assert [each.findtext("sourcetrack/trackindex") for each in sounds] == [str(n + 1) for n in range(channels)]
    ids = [each.get("id") for each in root.iter("clipitem")]
    assert len(set(ids)) == len(ids) == 4 + channels
    group = [picture.get("id"), *(each.get("id") for each in sounds)] if channels else []
    for each in (picture, *sounds):
        assert [link.findtext("linkclipref") for link in each.findall("link")] == group
    assert len(root.findall(".//file[name='clip & co.mp4']")) == 1  # described once, named by its id afterwards
    assert root.find(".//pathurl").text.startswith("file://localhost/Volumes/Schnitt%20%26%20Ton/")


def test_pixels_that_are_not_square_have_their_name_where_there_is_one() -> None:
    root = ElementTree.fromstring(xmeml(example(aspect=Fraction(4, 3))))
    items = root.findall("sequence/media/video/track/clipitem")
    assert [each.findtext("pixelaspectratio") for each in items[:2]] == ["HD-(1440x1080)", "square"]


def test_windows_drives_are_written_as_premiere_writes_them() -> None:
    base = example()
    clip = base.tracks[0].clips[0]
    media = replace(clip.media, path=PureWindowsPath(r"D:\a b\ü.mp4"))
    track = replace(base.tracks[0], clips=(replace(clip, media=media),))
    assert b"<pathurl>file://localhost/D%3A/a%20b/%C3%BC.mp4<" in xmeml(replace(base, tracks=(track,)))


@pytest.mark.parametrize(
    ("rate", "found"),
    [
        (Fraction(24), (24, False)), (Fraction(24000, 1001), (24, True)), (Fraction(2997, 125), (24, True)),
        (Fraction(30000, 1001), (30, True)), (Fraction(60), (60, False)), (Fraction(5994, 100), (60, True)),
        (Fraction(1), (1, False)),
    ],
)  # fmt: skip
def test_rates_as_a_timebase(rate: Fraction, found: tuple[int, bool]) -> None:
    assert timebase(rate) == found


def test_what_xmeml_cannot_hold_is_refused_with_a_way_out() -> None:
    for rate in (Fraction(25, 2), Fraction(1, 3), Fraction(1597, 100)):
        with pytest.raises(UserError, match="cannot count") as caught:
            timebase(rate)
        assert caught.value.hint
    with pytest.raises(UserError, match="no sequences of pictures"):
        xmeml(pictures_example())
    with pytest.raises(UserError, match="no Final Cut Pro 7 XML 3"):
        xmeml(example(), version="3")


def test_golden_files_pin_every_byte() -> None:
    for name, content in golden_files().items():
        kept = (GOLDEN / name).read_bytes()
        if name.endswith(".otio"):  # the library's own layout may change with its version
            assert library.adapters.read_from_string(content.decode(), "otio_json").is_equivalent_to(
                library.adapters.read_from_string(kept.decode(), "otio_json")
            ), name
        else:
            assert content == kept, name
    assert sorted(golden_files()) == sorted(path.name for path in GOLDEN.iterdir())


@pytest.mark.parametrize("kind", SUFFIXES)
def test_files_are_written_under_their_names(tmp_path: Path, kind: str) -> None:
    timeline: Timeline = example()
    path = write_timeline(timeline, tmp_path / "new", "a & b", kind)
    assert path == tmp_path / "new" / f"a & b{SUFFIXES[kind]}"
    assert path.stat().st_size > 1000
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_kind_that_there_is_not_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no timeline “edl”"):
        write_timeline(example(), tmp_path, "a", "edl")
