"""Frame n of the output is frame n of the source: a number painted into the picture proves it, whatever the source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numbered_clips import ClipSpec, read_number, write_clip

from helpers_delivery import DOG, ffprobe, plan_for
from rvos_core.delivery.exporter import FrameOf, deliver
from rvos_core.delivery.plan import DeliveryObject, make_plan
from rvos_core.delivery.report import DeliveredOutput
from rvos_core.delivery.spec import DeliverySpec
from rvos_core.media import MediaReader, open_media
from rvos_core.media.probe import info_from_json, info_to_json

NTSC = Fraction(30000, 1001)
UNEVEN = np.cumsum(np.random.default_rng(1).integers(3, 120, 24)).tolist()  # milliseconds
SMALL: dict[str, Any] = {"frames": 24}
CLIPS = [
    ClipSpec("film.mp4", rate=Fraction(24000, 1001), **SMALL),
    ClipSpec("ntsc_milliseconds.mkv", rate=NTSC, **SMALL),
    ClipSpec("sixty.mov", rate=Fraction(60000, 1001), **SMALL),
    ClipSpec("uneven.mp4", time_base=Fraction(1, 90000), pts=[90 * t for t in UNEVEN], **SMALL),
    ClipSpec("uneven.mkv", time_base=Fraction(1, 1000), pts=UNEVEN, **SMALL),
    ClipSpec(
        "edit_list.mp4",
        time_base=Fraction(1, 25),
        pts=range(-8, 16),
        container={"avoid_negative_ts": "disabled"},
        shown=range(8, 24),
        **SMALL,
    ),
    ClipSpec("starts_late.mp4", time_base=Fraction(1, 25), pts=range(1000, 1024), **SMALL),
    ClipSpec("ten_bits.mkv", pix_fmt="yuv420p10le", **SMALL),
    ClipSpec("odd.mkv", codec="ffv1", size=(161, 127), pix_fmt="yuv444p", options={}, **SMALL),
    ClipSpec(
        "turned.mp4",
        prepare=lambda picture: np.ascontiguousarray(np.rot90(picture)),
        stream=lambda stream: stream.set_display_rotation(-90),
        **SMALL,
    ),
    ClipSpec(
        "anamorphic.mp4",
        prepare=lambda picture: np.ascontiguousarray(picture[:, ::2]),
        stream=lambda stream: setattr(stream.codec_context, "sample_aspect_ratio", Fraction(2)),
        **SMALL,
    ),
]


def from_reader(reader: MediaReader):
    """The reader's own pictures, opaque but for one line."""

    def frames(item: DeliveryObject, wanted: Sequence[int]) -> Iterator[FrameOf]:
        del item
        for index in wanted:
            picture = reader.frame(index)
            alpha = np.ones(picture.shape[:2], np.float32)
            alpha[-1] = 0.25
            yield index, picture, alpha

    return frames


def numbers_in(path: Path) -> list[int]:
    with open_media(path) as reader:
        return [read_number(frame) for frame in reader.frames()]


def export(path: Path, folder: Path, **settings: Any) -> DeliveredOutput:
    with open_media(path) as reader:
        (done,) = deliver(plan_for(folder, reader.info, **settings), from_reader(reader))
    return done


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name)
@pytest.mark.parametrize("name", ["prores4444", "h264", "png"])
def test_frame_n_is_frame_n(tmp_path: Path, clip: ClipSpec, name: str) -> None:
    path = write_clip(tmp_path, clip)
    done = export(path, tmp_path / "out", format=name, content="cutout", odd_size="pad")
    assert numbers_in(done.path) == clip.numbers
    with open_media(path) as source, open_media(done.path) as written:
        if name == "prores4444" and source.info.is_variable_rate:
            times = [source.info.time_s(n) for n in range(len(source))]
            assert [written.info.time_s(n) for n in range(len(written))] == times
        elif name == "prores4444":
            assert written.info.rate == source.info.rate
        assert (written.info.rotation_deg, written.info.sample_aspect) == (0, 1)


def test_in_and_out_keep_the_numbers(tmp_path: Path) -> None:
    path = write_clip(tmp_path, CLIPS[0])
    done = export(path, tmp_path / "out", format="ffv1", start=7, stop=12, handles=1)
    assert numbers_in(done.path) == list(range(6, 13))


def test_an_even_rate_made_of_a_varying_one_shows_what_players_show(tmp_path: Path) -> None:
    path = write_clip(tmp_path, CLIPS[3])
    done = export(path, tmp_path / "out", format="ffv1", rate=Fraction(25))
    times = [(t - UNEVEN[0]) / 1000 for t in UNEVEN]
    shown = [
        max(n for n, time in enumerate(times) if time <= (k + 0.5) / 25) for k in range(len(numbers_in(done.path)))
    ]
    assert numbers_in(done.path) == shown
    assert Fraction(ffprobe(done.path)["avg_frame_rate"]) == 25


@pytest.mark.parametrize(
    ("rate", "given", "start", "expected"),
    [
        (Fraction(25), "01:00:00:00", 10, "01:00:00:10"),
        (Fraction(24000, 1001), "10:59:59:23", 1, "11:00:00:00"),
        (NTSC, "00:59:59;29", 1, "01:00:00;00"),
        (NTSC, "00:00:59;29", 1, "00:01:00;02"),
        (Fraction(60000, 1001), "00:00:59;59", 1, "00:01:00;04"),
    ],
)
def test_the_timecode_of_the_source_is_that_of_the_same_frame(
    tmp_path: Path, rate: Fraction, given: str, start: int, expected: str
) -> None:
    clip = ClipSpec("coded.mov", rate=rate, stream=lambda stream: stream.metadata.update({"timecode": given}), **SMALL)
    path = write_clip(tmp_path, clip)
    with open_media(path) as reader:
        assert reader.info.timecode == given
        assert info_from_json(path, info_to_json(reader.info)) == reader.info
    in_matroska = export(path, tmp_path / "mkv", format="ffv1", start=start)
    assert ffprobe(in_matroska.path)["tags"]["TIMECODE"] == expected
    done = export(path, tmp_path / "out", format="prores4444", start=start)
    with av.open(str(done.path)) as container:
        assert container.streams.video[0].metadata["timecode"] == expected
    assert ffprobe(done.path)["tags"]["timecode"] == expected
    assert numbers_in(done.path) == list(range(start, 24))


@pytest.mark.parametrize(("name", "copied"), [("prores4444", True), ("h264", True), ("ffv1", True), ("webm", False)])
def test_sound_comes_along_where_the_container_takes_it(tmp_path: Path, name: str, copied: bool) -> None:
    path = tmp_path / "loud.mp4"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=25)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("aac", rate=48000)
        for index in range(25):
            frame = av.VideoFrame.from_ndarray(np.full((72, 64), 5 * index, np.uint8), format="yuv420p")
            frame.pts = index
            container.mux(picture.encode(frame))
        tone = np.sin(np.arange(48000, dtype=np.float32) * 0.05)[None]
        for start in range(0, 48000, 1024):
            block = av.AudioFrame.from_ndarray(np.ascontiguousarray(tone[:, start : start + 1024]), "fltp", "mono")
            block.sample_rate, block.pts = 48000, start
            container.mux(sound.encode(block))
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))
    with open_media(path) as reader:
        problems = plan_for(tmp_path / "out", reader.info, format=name).problems
    assert [problem.code for problem in problems] == ([] if copied else ["delivery.no_sound"]), "told before"
    done = export(path, tmp_path / "out", format=name, start=5, stop=20)
    with av.open(str(done.path)) as container:
        assert bool(container.streams.audio) == copied
        if copied:
            seconds = sum(frame.samples for frame in container.decode(audio=0)) / 48000
            assert abs(seconds - 0.6) < 0.06
    assert any("sound was left out" in note for note in done.notes) == (not copied)
    silent = export(path, tmp_path / "silent", format=name, audio=False)
    with av.open(str(silent.path)) as container:
        assert not container.streams.audio


def test_objects_together_lie_over_each_other(tmp_path: Path) -> None:
    path = write_clip(tmp_path, ClipSpec("two.mp4", frames=2))
    cat = DeliveryObject(2, "cat")

    def frames(item: DeliveryObject, wanted: Sequence[int]) -> Iterator[FrameOf]:
        for index in wanted:
            alpha = np.zeros((128, 160), np.float32)
            alpha[:, : 80 if item.object_id == 1 else 40] = 0.5
            yield index, np.full((128, 160, 3), 200 if item.object_id == 1 else 100, np.uint8), alpha

    with open_media(path) as reader:
        spec = DeliverySpec("ffv1", objects="together")
        plan = make_plan(spec, info=reader.info, objects=[DOG, cat], folder=tmp_path)
        (done,) = deliver(plan, frames)
    with av.open(str(done.path)) as container:
        pixels = next(container.decode(video=0)).to_ndarray(format="rgba64le").astype(float) / 65535
    assert np.abs(pixels[0, [0, 60, 120], 3] - [0.75, 0.5, 0]).max() < 1e-4
    mixed = (100 * 0.5 + 200 * 0.25) / 0.75 / 255
    assert np.abs(pixels[0, [0, 60], 0] - [mixed, 200 / 255]).max() < 0.003


@pytest.mark.parametrize(
    ("transfer", "primaries", "named"), [(16, 9, "PQ (HDR)"), (18, 9, "HLG (HDR)"), (1, 9, "BT.2020"), (1, 1, "")]
)
def test_colours_beyond_what_is_written_are_told_before_and_in_the_report(
    tmp_path: Path, transfer: int, primaries: int, named: str
) -> None:
    def tag(stream) -> None:
        stream.codec_context.color_trc, stream.codec_context.color_primaries = transfer, primaries

    path = write_clip(tmp_path, ClipSpec("deep.mov", pix_fmt="yuv420p10le", stream=tag, **SMALL))
    with open_media(path) as reader:
        cutout = plan_for(tmp_path / "out", reader.info, format="prores4444")
        matte = plan_for(tmp_path / "out", reader.info, format="png")
    told = [each for each in cutout.problems if each.code == "delivery.wide_colours"]
    assert [named in each.message and not each.blocks for each in told] == [True] * bool(named)
    assert not matte.problems
    deep = "Colours are made of 8 of the 10 bits that the source has; alpha keeps its depth."
    assert deep in cutout.notes
    assert deep not in matte.notes
    if named:
        done = export(path, tmp_path / "out", format="prores4444", stop=2)
        assert named in done.path.with_name(f"{done.path.name}.report.txt").read_text(encoding="utf-8")
