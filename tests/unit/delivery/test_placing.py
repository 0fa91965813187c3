"""What was delivered lies over the frames it was made of, whatever its span, rate and form."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcpxml_strict import read_fcpxml
from helpers_clip import write_numbered_clip
from helpers_delivery import DOG, picture_clip, plan_for
from rvos_core.delivery.plan import DeliveryObject, DeliveryPlan
from rvos_core.delivery.presets import PRESETS
from rvos_core.delivery.timecode import Timecode
from rvos_core.delivery.timelines.fcpxml import fcpxml
from rvos_core.delivery.timelines.model import Marker, Pictures, Sound
from rvos_core.delivery.timelines.otio import otio
from rvos_core.delivery.timelines.placing import delivered_files, place, timeline_of_plans
from rvos_core.delivery.timelines.xmeml import xmeml
from rvos_core.errors import UserError
from rvos_core.media import open_media
from rvos_core.types import MediaInfo

CAT = DeliveryObject(2, "the “cat”", "a cat & its <ball>")


def movie(folder: Path, *, frames: int = 12, **changes: object) -> MediaInfo:
    """Facts of a film that is there but is no film; nothing here needs to read it."""
    info = picture_clip(folder, frames=frames)
    return replace(info, kind="video", path=folder / "clip 1.mov", **changes)


def plans(
    info: MediaInfo, folder: Path, preset: str, monkeypatch: pytest.MonkeyPatch, **span: int
) -> list[DeliveryPlan]:
    from rvos_core.delivery import plan as planning
    from rvos_core.delivery.source import SourceFacts

    facts = SourceFacts(None, Timecode.parse("01:00:00:00", info.rate))
    monkeypatch.setattr(planning, "source_facts", lambda _: facts)
    specs = PRESETS[preset].specs_between(span.get("start"), span.get("stop"))
    return [plan_for(folder, info, spec, items=(DOG, CAT)) for spec in specs]


def test_a_preset_gives_source_cutouts_and_mattes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = movie(tmp_path)
    timeline = timeline_of_plans(
        plans(info, tmp_path / "out", "premiere", monkeypatch, start=3, stop=9),
        markers=(Marker(2, "before"), Marker(4, "in"), Marker(9, "after")),
    )
    assert [track.name for track in timeline.tracks] == [
        "Source", "Cut-out: dog", "Cut-out: the “cat”", "Matte: dog", "Matte: the “cat”",
    ]  # fmt: skip
    assert (timeline.name, timeline.rate, str(timeline.start)) == ("clip 1", info.rate, "01:00:00:03")
    clips = list(timeline.clips())
    assert [(clip.at, clip.media_in, clip.media_out, clip.enabled) for clip in clips] == [
        (0, 3, 9, True), (0, 0, 6, True), (0, 0, 6, True), (0, 0, 6, False), (0, 0, 6, False),
    ]  # fmt: skip
    hour = Timecode.read("01:00:00:00", info.rate).frame
    assert [clip.media.start - hour for clip in clips] == [0, 3, 3, 3, 3]
    assert [clip.media.alpha for clip in clips] == ["none", "straight", "straight", "none", "none"]
    assert [(each.frame, each.name) for each in timeline.markers] == [(1, "in")]
    assert clips[2].metadata == {
        "object": "the “cat”", "object_id": "2", "expression": "a cat & its <ball>", "alpha": "straight",
    }  # fmt: skip
    assert clips[4].metadata["alpha"] == "luma"


def test_places_in_the_file_are_those_of_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = movie(tmp_path, rate=Fraction(24000, 1001))
    made = plans(info, tmp_path / "out", "finalcut", monkeypatch, start=5)
    read = read_fcpxml(fcpxml(timeline_of_plans(made)))
    assert [(each.at, each.media_in, each.length) for each in read.clips] == [(0, 5, 7)] + [(0, 0, 7)] * 4
    assert [Path(each.asset.path) for each in read.clips[1:]] == [
        each.path for plan in made for each in plan.outputs
    ]  # fmt: skip
    assert xmeml(timeline_of_plans(made)).count(b"<clipitem ") == 5


def test_spans_of_different_lengths_keep_their_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = movie(tmp_path)
    early = plans(info, tmp_path, "premiere", monkeypatch, start=2, stop=5)[0]
    late = plans(info, tmp_path, "premiere", monkeypatch, start=4, stop=12)[1]
    timeline = timeline_of_plans([late, early])
    assert [(clip.at, clip.end) for clip in timeline.clips()] == [(0, 10), (0, 3), (0, 3), (2, 10), (2, 10)]
    assert timeline.tracks[0].clips[0].media_in == 2


def test_a_varying_rate_is_counted_evenly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pts = (0, 40, 80, 120, 240, 280, 320, 360)  # at 25 frames/s, three frames' time for the fourth one
    info = replace(
        movie(tmp_path, frames=8, rate=Fraction(25)), pts=pts, time_base=Fraction(1, 1000), is_variable_rate=True
    )
    timeline = timeline_of_plans(plans(info, tmp_path, "premiere", monkeypatch, start=2))
    source, cutout = (track.clips[0] for track in timeline.tracks[:2])
    assert (source.media.frames, source.media_in, source.media_out) == (10, 2, 10)
    assert (cutout.at, cutout.length) == (0, 8)
    late = timeline_of_plans(plans(info, tmp_path, "premiere", monkeypatch, start=4))
    assert [(clip.media_in, clip.length) for clip in late.clips()][:2] == [(6, 4), (0, 4)]
    with pytest.raises(UserError, match="varying rate"):
        delivered_files(plan_for(tmp_path, info, format="prores4444", timing="source"))


def test_another_rate_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_for(tmp_path, picture_clip(tmp_path), format="prores4444", rate=Fraction(30))
    with pytest.raises(UserError, match="30 frames per second") as caught:
        timeline_of_plans([plan])
    assert "rate of the source" in caught.value.hint


def test_numbered_pictures_below_and_above(tmp_path: Path) -> None:
    folder = tmp_path / "shot & 1"
    folder.mkdir()
    for number in range(8, 12):
        Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(folder / f"f{number:03d}.png")
    (folder / "notes.txt").write_text("x")
    info = open_media(folder, fps=Fraction(24)).info
    made = [plan_for(tmp_path / "out", info, spec) for spec in PRESETS["nuke"].specs]
    timeline = timeline_of_plans(made)
    source, exr, png = (track.clips[0] for track in timeline.tracks)
    assert source.media.pictures == Pictures("f", 3, ".png", 8)
    assert exr.media.pictures == Pictures("shot & 1_dog_cutout_premult.", 4, ".exr", 1001)
    assert [each.media.start for each in (source, exr, png)] == [8, 1001, 1001]
    assert (exr.media.alpha, png.media.alpha, exr.enabled, png.enabled) == ("premultiplied", "none", True, False)
    assert exr.media.pictures.name(3) == made[0].outputs[0].name.picture(1004)
    assert b"ImageSequenceReference" in otio(timeline)


@pytest.mark.parametrize("names", [("1.png", "3.png"), ("a.png", "b.png")])
def test_pictures_without_numbers_or_with_gaps_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    folder = tmp_path / "shot"
    folder.mkdir()
    for name in names:
        Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(folder / name)
    plan = plan_for(tmp_path / "out", open_media(folder, fps=Fraction(24)).info, format="prores4444")
    with pytest.raises(UserError, match="not numbered one after the other"):
        timeline_of_plans([plan])


def test_unpadded_numbers_grow(tmp_path: Path) -> None:
    folder = tmp_path / "shot"
    folder.mkdir()
    for number in range(9, 12):
        Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(folder / f"{number}.png")
    info = open_media(folder, fps=Fraction(24)).info
    timeline = timeline_of_plans([plan_for(tmp_path / "out", info, format="prores4444")])
    assert timeline.tracks[0].clips[0].media.pictures == Pictures("", 1, ".png", 9)


def test_sound_is_counted_in_the_source(tmp_path: Path) -> None:
    sound = np.zeros(9600, np.int16)
    path = write_numbered_clip(tmp_path / "clip.mkv", 5, sound=sound)
    info = open_media(path).info
    (silent,) = delivered_files(plan_for(tmp_path, info, format="prores4444", audio=False))
    (heard,) = delivered_files(plan_for(tmp_path, info, format="prores4444"))
    assert (silent.sound, heard.sound) == (None, Sound(1, 48_000))
    timeline = place(info, [silent], timecode=None)
    assert timeline.tracks[0].clips[0].media.sound == Sound(1, 48_000)
    assert str(timeline.start) == "00:00:00:00"


def test_turned_and_anamorphic_sources_keep_their_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = movie(tmp_path, coded_width=96, coded_height=48, sample_aspect=Fraction(2, 3), rotation_deg=90)
    info = replace(info, width=48, height=64)
    media = timeline_of_plans(plans(info, tmp_path, "premiere", monkeypatch)).tracks[0].clips[0].media
    assert (media.width, media.height, media.pixel_aspect) == (48, 96, Fraction(3, 2))


def test_a_cutout_without_alpha_lies_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = movie(tmp_path)
    made = plans(info, tmp_path, "web", monkeypatch)
    timeline = timeline_of_plans(made)
    shown = {clip.name.rpartition(".")[2]: clip.enabled for clip in list(timeline.clips())[1:]}
    assert shown == {"webm": True, "mp4": False}
    assert {clip.media.start for clip in list(timeline.clips())[1:]} == {0}  # neither form holds a timecode
