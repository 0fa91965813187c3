"""OpenTimelineIO files, read by the library: nothing is lost, sequences and sentences included."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from rvos_core.delivery.timecode import Timecode
from rvos_core.delivery.timelines.otio import otio
from rvos_core.errors import UserError
from timeline_cases import CLOCKS, HARD_NAME, hard_timeline, matte_timeline, picture_timeline

opentimelineio = pytest.importorskip("opentimelineio")


def read(content: bytes) -> Any:
    return opentimelineio.adapters.read_from_string(content.decode(), "otio_json")


@pytest.mark.parametrize("clock", CLOCKS)
def test_every_frame_and_sentence_is_there(clock: str) -> None:
    rate, text = CLOCKS[clock]
    begin = Timecode.read(text, rate)
    found = read(otio(matte_timeline(clock)))
    assert found.global_start_time == opentimelineio.opentime.RationalTime(begin.plus(10).frame, float(rate))
    assert [track.name for track in found.tracks] == ["Source", "dog cut-out", "dog luma matte", "Source sound"]
    assert [track.kind for track in found.tracks] == ["Video", "Video", "Video", "Audio"]
    source, cutout, matte, sound = (next(iter(track)) for track in found.tracks)
    assert [each.enabled for each in (source, cutout, matte)] == [True, True, False]
    for clip, skipped, first in ((source, 0, 10), (cutout, 6, 4), (matte, 6, 4), (sound, 0, 10)):
        start = begin.plus(skipped).frame
        assert clip.media_reference.available_range.start_time.value == start
        assert (clip.source_range.start_time.value, clip.source_range.duration.value) == (start + first, 50)
        assert clip.source_range.start_time.rate == float(rate)
    assert dict(cutout.metadata["rvos"]) == {"alpha": "straight", "object": "dog", "expression": "a brown dog"}
    (marker,) = cutout.markers
    assert (marker.name, marker.comment, marker.marked_range.duration.value) == ("look", "at the ear", 2)
    assert marker.marked_range.start_time.value == begin.plus(6).frame + 20
    assert bool(found.metadata["rvos"]["drop_frame"]) == (";" in text)


def test_a_numbered_sequence_is_one_clip() -> None:
    found = read(otio(picture_timeline()))
    reference = next(iter(found.tracks[1])).media_reference
    assert isinstance(reference, opentimelineio.schema.ImageSequenceReference)
    assert reference.target_url_for_image_number(0) == (
        "file:///media/out%20%26%20about/street_dog_matte/street_dog_matte.1001.exr"
    )
    assert reference.end_frame() == 1040
    assert reference.number_of_images_in_sequence() == 40


def test_gaps_and_hard_names() -> None:
    found = read(otio(hard_timeline()))
    items = [[(type(item).__name__, item.duration().value) for item in track] for track in found.video_tracks()]
    assert items == [
        [("Gap", 5), ("Clip", 30), ("Gap", 5), ("Clip", 53)],
        [("Clip", 10), ("Gap", 40), ("Clip", 60)],
        [("Gap", 120), ("Clip", 30)],
    ]
    assert found.tracks[0][1].name == HARD_NAME
    assert found.tracks[1][0].name == "<&>"


def test_addresses_relative_to_the_document() -> None:
    found = read(otio(matte_timeline("24"), beside=Path("/media/other")))
    assert next(iter(found.tracks[0])).media_reference.target_url == "../shots/street.mov"


def test_without_the_library_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentimelineio", None)
    with pytest.raises(UserError, match="not installed") as caught:
        otio(matte_timeline("24"))
    assert "pip install opentimelineio" in caught.value.hint
