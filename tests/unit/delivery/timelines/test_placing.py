"""What was delivered lies above its clip frame on frame: handles, varying rates, sequences, timecode."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers_delivery import plan_for
from rvos_core.delivery.plan import DeliveryObject
from rvos_core.delivery.spec import DeliverySpec
from rvos_core.delivery.timecode import Timecode
from rvos_core.delivery.timelines import (
    TIMELINE_FORMATS,
    DeliveredFile,
    Pictures,
    delivered_files,
    editing_rate,
    place,
    timeline_of,
    timeline_path,
    write_timelines,
)
from rvos_core.delivery.timelines.placing import source_sound
from rvos_core.errors import UserError
from rvos_core.media import open_media
from rvos_core.types import FrameSpan, MediaInfo

NTSC = Fraction(30000, 1001)
COVERED = FrameSpan(6, 66)


def movie(*, rate: Fraction = NTSC, frames: int = 100, **changes: object) -> MediaInfo:
    info = MediaInfo(
        path=Path("/media/street.mp4"), kind="video", width=854, height=480, frame_count=frames, rate=rate,
        rate_is_assumed=False, is_variable_rate=False, pts=tuple(range(frames)), time_base=1 / rate, codec="h264",
        pixel_format="yuv420p", coded_width=854, coded_height=480, rotation_deg=0, sample_aspect=Fraction(1),
        has_audio=True,
    )  # fmt: skip
    return replace(info, **changes)


def delivered(content: str = "cutout", *, span: FrameSpan = COVERED, **changes: object) -> DeliveredFile:
    alpha = "straight" if content == "cutout" else "none"
    each = DeliveredFile(Path(f"/out/dog_{content}.mov"), content, alpha, span, len(span), NTSC, 854, 480)
    return replace(each, **changes)


def test_clip_cutout_and_matte_are_above_each_other() -> None:
    code = Timecode.read("01:08:59;20", NTSC)
    both = [delivered("matte"), delivered("cutout", timecode=code.plus(6))]
    placed = place(movie(), both, span=FrameSpan(10, 60), timecode=code, sound=(2, 44100))
    line = placed.timeline
    assert str(line.start) == "01:09:00;02"
    assert (line.name, line.rate, line.frames) == ("street", NTSC, 50)
    assert [track.name for track in line.tracks] == ["Source", "cut-out", "luma matte"]
    source, cutout, matte = line.clips
    assert (source.first, source.stop, source.audible, source.media.sample_rate_hz) == (10, 60, True, 44100)
    assert (cutout.first, cutout.stop, cutout.enabled, cutout.media.alpha) == (4, 54, True, "straight")
    assert (matte.first, matte.stop, matte.enabled, matte.media.start) == (4, 54, False, 0)
    assert cutout.media.start == source.media.start + 6
    assert not placed.notes


def test_without_timecode_it_begins_at_one_hour() -> None:
    line = place(movie(), [delivered()]).timeline
    assert str(line.start) == "01:00:00:00"
    assert (line.clips[0].first, line.frames) == (6, 60)


def test_several_objects_keep_their_order_and_mattes_are_on_top() -> None:
    files = [delivered(content, object_name=name) for name in ("dog", "cat") for content in ("cutout", "matte")]
    names = [track.name for track in place(movie(), files).timeline.tracks]
    assert names == ["Source", "dog cut-out", "cat cut-out", "dog luma matte", "cat luma matte"]


def test_a_cutout_without_alpha_does_not_hide_the_clip() -> None:
    (_, above) = place(movie(), [delivered(alpha="none")]).timeline.clips
    assert not above.enabled


def test_a_varying_rate_is_counted_by_time_and_told() -> None:
    # Every second frame is shown twice as long: 60 frames last 90.
    pts = tuple(n + n // 2 for n in range(60))
    info = movie(rate=Fraction(25), frames=60, pts=pts, time_base=Fraction(1, 25), is_variable_rate=True)
    span = FrameSpan(4, 20)
    file = delivered(span=FrameSpan(2, 30), frames=42, rate=Fraction(25))
    placed = place(info, [file], span=span)
    source, above = placed.timeline.clips
    assert (source.first, source.stop) == (6, 30)
    assert (above.first, above.stop) == (3, 27)
    assert "varies" in placed.notes[0]


def test_what_is_turned_is_told() -> None:
    (note,) = place(movie(rotation_deg=90), [delivered()]).notes
    assert "street.mp4 is turned" in note and "854x480" in note


@pytest.mark.parametrize(
    ("files", "span", "said"),
    [
        ([delivered(rate=Fraction(24))], None, "24, 29.97 frames/s"),
        ([delivered(), delivered("matte", rate=Fraction(25))], None, "25, 29.97"),
        ([delivered()], FrameSpan(0, 20), "covers frames 6 to 65, not all of 0 to 19"),
        ([delivered(span=FrameSpan(0, 9)), delivered("matte")], None, "not all of 0 to 65"),
    ],
)
def test_what_cannot_be_placed_is_named(files: list[DeliveredFile], span: FrameSpan | None, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        place(movie(), files, span=span)
    assert caught.value.hint and caught.value.code.startswith("delivery.timeline_")


@pytest.mark.parametrize(
    ("rate", "meant"),
    [
        *((Fraction(2997, 100), NTSC), (Fraction(23976, 1000), Fraction(24000, 1001)), (Fraction(25), Fraction(25))),
        *((Fraction(5994, 100), Fraction(60000, 1001)), (Fraction(2398, 100), Fraction(24000, 1001))),
        (Fraction(24999, 1000), Fraction(25)),
    ],
)
def test_rates_that_are_meant(rate: Fraction, meant: Fraction) -> None:
    assert editing_rate(rate) == meant


@pytest.mark.parametrize("rate", [Fraction(29, 2), Fraction(2987, 100), Fraction(1000), Fraction(1, 2)])
def test_rates_that_no_program_counts_in(rate: Fraction) -> None:
    with pytest.raises(UserError, match="cannot run at") as caught:
        editing_rate(rate)
    assert "deliver at" in caught.value.hint and "Make a movie" in caught.value.hint


def test_plans_become_files(tmp_path: Path) -> None:
    clip = tmp_path / "a clip"
    clip.mkdir()
    for number in range(8, 14):
        cv2.imwrite(str(clip / f"frame{number:05d}.png"), np.zeros((48, 64, 3), np.uint8))
    with open_media(clip, fps=Fraction(24000, 1001)) as reader:
        info = reader.info
    items = [DeliveryObject(1, "dog", "a brown dog"), DeliveryObject(2, "cat")]
    plans = [
        plan_for(tmp_path / "out", info, DeliverySpec(kind, content, start=2, stop=4, handles=1, **more), items=items)
        for kind, content, more in (("prores4444", "cutout", {}), ("exr", "matte", {"start_number": 1001}))
    ]
    cutouts, mattes = (delivered_files(plan) for plan in plans)
    assert [each.alpha for each in (*cutouts, *mattes)] == ["straight", "straight", "none", "none"]
    assert mattes[0].pictures == Pictures("a_clip_dog_matte.", 4, ".exr", 1001)
    assert (cutouts[0].span, cutouts[0].object_name, cutouts[0].expression) == (FrameSpan(1, 5), "dog", "a brown dog")
    line = timeline_of(plans, span=FrameSpan(2, 4)).timeline
    assert [(each.first, each.stop) for each in line.clips] == [(2, 4), *((1, 3),) * 4]
    assert line.clips[0].media.pictures == Pictures("frame", 5, ".png", 8)
    written = write_timelines(line, tmp_path / "out", stem="a clip", kinds=TIMELINE_FORMATS)
    assert [path.name for path in written.paths] == ["a clip.otio"]
    assert len(written.notes) == 2
    assert all("cannot name the pictures" in note and "Make a movie" in note for note in written.notes)


def test_sources_keep_the_pixels_they_are_stored_with() -> None:
    wide = movie(width=1024, height=576, coded_width=720, coded_height=576, sample_aspect=Fraction(64, 45))
    turned = replace(wide, width=576, height=1024, rotation_deg=270)
    for info, size, aspect in ((wide, (720, 576), Fraction(64, 45)), (turned, (576, 720), Fraction(45, 64))):
        line = place(info, [delivered()]).timeline
        source, cutout = (clip.media for clip in line.clips)
        assert ((source.width, source.height), source.pixel_aspect) == (size, aspect)
        assert cutout.pixel_aspect == 1
        assert (line.width, line.height) == (info.width, info.height)


def test_pictures_with_gaps_in_their_numbers_are_named(tmp_path: Path) -> None:
    for number in (1, 2, 4):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros((4, 4, 3), np.uint8))
    with open_media(tmp_path) as reader, pytest.raises(UserError, match="not numbered one by one"):
        place(reader.info, [delivered(span=FrameSpan(0, 3), rate=Fraction(24))])


def test_timelines_are_written_and_read_back(tmp_path: Path) -> None:
    line = place(movie(), [delivered(), delivered("matte")], sound=(1, 48000)).timeline
    written = write_timelines(line, tmp_path / "new", stem="a/b: “c”", kinds=TIMELINE_FORMATS, relative=True)
    assert not written.notes
    assert written.paths == tuple(timeline_path(tmp_path / "new", "a/b: “c”", kind) for kind in TIMELINE_FORMATS)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        *("a_b_ “c”.fcpxml", "a_b_ “c”.otio", "a_b_ “c”.xml")
    ]


def test_what_does_not_read_back_is_not_left_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rvos_core.delivery.timelines import writing

    line = place(movie(), [delivered()]).timeline
    (old,) = write_timelines(line, tmp_path, stem="x", kinds=["fcpxml"]).paths
    before = old.read_bytes()
    for content, said in ((b"<fcpxml>", "no element found"), (b"<fcpxml/>", "0 clips instead of 2")):
        monkeypatch.setattr(writing.fcpxml_format, "fcpxml", lambda *_, content=content, **__: content)
        written = write_timelines(line, tmp_path, stem="x", kinds=["fcpxml"])
        assert not written.paths and said in written.notes[0]
    assert old.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["x.fcpxml"]


def test_a_disk_that_refuses_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError) as caught:
        write_timelines(place(movie(), [delivered()]).timeline, tmp_path / "file", stem="x", kinds=["otio"])
    assert caught.value.code == "files.not_a_folder"


def test_sound_is_found_in_the_file(tmp_path: Path) -> None:
    import av

    path = tmp_path / "tone.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 441), np.int16), format="s16", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert source_sound(path) == (1, 44100)
