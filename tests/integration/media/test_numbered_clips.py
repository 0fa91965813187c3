"""Frame identity: the number in the picture is the index, for every frame, in any order, in every kind of file."""

from __future__ import annotations

import random
import sys
import threading
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from numbered_clips import ClipSpec, draw_number, read_number, write_clip

from rvos_core.errors import UserError
from rvos_core.media import index as index_module
from rvos_core.media import open_media
from rvos_core.media.table import Anchor, FrameTable
from rvos_core.media.video import VideoReader
from rvos_core.types import FrameSpan

RANDOM_READS = 120
X264 = {"g": "12", "bf": "2", "preset": "veryfast"}
UNEVEN = np.cumsum(np.random.default_rng(1).integers(3, 120, 48)).tolist()  # milliseconds


def x264(parameters: str) -> dict[str, str]:
    return {"preset": "veryfast", "x264-params": parameters}


def mpeg(b_frames: int) -> dict[str, str]:
    return {"g": "12", "bf": str(b_frames)}


SPECS = [
    ClipSpec("cfr.mp4"),
    ClipSpec("cfr.mkv"),
    ClipSpec("cfr.mov"),
    ClipSpec("cfr.ts"),
    ClipSpec("cfr.flv"),
    ClipSpec("fragmented.mp4", container={"movflags": "frag_keyframe+empty_moov"}),
    ClipSpec("ntsc_milliseconds.mkv", rate=Fraction(30000, 1001)),
    ClipSpec("uneven.mp4", time_base=Fraction(1, 90000), pts=[90 * t for t in UNEVEN]),
    ClipSpec("uneven.mkv", time_base=Fraction(1, 1000), pts=UNEVEN),
    ClipSpec("open_gop.mp4", options=x264("open-gop=1:keyint=10:bframes=3:b-pyramid=normal:scenecut=0")),
    ClipSpec("open_gop.ts", options=x264("open-gop=1:keyint=10:bframes=3:scenecut=0")),
    ClipSpec("intra_refresh.ts", options=x264("intra-refresh=1:keyint=16:bframes=0")),
    ClipSpec("interlaced.mp4", options=x264("tff=1:keyint=12")),
    ClipSpec("one_key.mp4", options=x264("keyint=infinite")),
    ClipSpec(
        "starts_before_zero.mp4",
        time_base=Fraction(1, 25),
        pts=range(-16, 32),
        container={"avoid_negative_ts": "disabled"},
        shown=range(16, 48),  # the edit list hides what lies before zero, as in players
    ),
    ClipSpec("starts_late.mp4", time_base=Fraction(1, 25), pts=range(1000, 1048)),
    ClipSpec("starts_before_zero.mkv", time_base=Fraction(1, 25), pts=range(-16, 32),
             container={"avoid_negative_ts": "disabled"}),
    ClipSpec("huge_times.mkv", time_base=Fraction(1, 1000), pts=[2**45 + 40 * i for i in range(48)]),
    ClipSpec("clock_wraps.ts", time_base=Fraction(1, 90000), pts=[2**33 + 3600 * (i - 20) for i in range(48)]),
    ClipSpec("odd_size.mp4", size=(97, 61), pix_fmt="yuv444p"),
    ClipSpec("odd_size.mkv", codec="ffv1", options={}, size=(97, 61)),
    ClipSpec("ten_bits.mp4", pix_fmt="yuv420p10le"),
    ClipSpec("ten_bits_422.mp4", pix_fmt="yuv422p10le"),
    ClipSpec("gray.mkv", codec="ffv1", options={}, pix_fmt="gray"),
    ClipSpec("gray16.mkv", codec="ffv1", options={}, pix_fmt="gray16le"),
    ClipSpec("alpha.mov", codec="prores_ks", options={"profile": "4444"}, pix_fmt="yuva444p10le", frames=6),
    ClipSpec("argb.mov", codec="qtrle", options={}, pix_fmt="argb"),
    ClipSpec("hevc_open_gop.mkv", codec="libx265",
             options={"preset": "ultrafast", "x265-params": "keyint=12:open-gop=1:bframes=3:log-level=none"}),
    ClipSpec("hidden_frames.vp9.webm", codec="libvpx-vp9",
             options={"g": "12", "deadline": "realtime", "cpu-used": "8", "lag-in-frames": "16", "auto-alt-ref": "1"}),
    ClipSpec("hidden_frames.vp8.webm", codec="libvpx",
             options={"g": "12", "deadline": "good", "cpu-used": "5", "lag-in-frames": "16", "auto-alt-ref": "1"}),
    ClipSpec("b_frames.mpg", codec="mpeg2video", options=mpeg(2)),
    ClipSpec("b_frames.avi", codec="mpeg4", options=mpeg(2)),
    ClipSpec("no_times.h264"),
    ClipSpec("no_times.m2v", codec="mpeg2video", options=mpeg(2)),
    ClipSpec("intra.avi", codec="mjpeg", options={}, pix_fmt="yuvj420p"),
    ClipSpec("b_frames.mxf", codec="mpeg2video", options=mpeg(2)),
    ClipSpec("animated.gif", codec="gif", options={}, pix_fmt="rgb8"),
    ClipSpec("one_frame.mp4", frames=1),
    ClipSpec("two_frames.mkv", frames=2),
]  # fmt: skip


@pytest.fixture(params=["decoded", "packets"])
def route(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to index a file: as short ones are (decoded as a whole) and as long ones are (from packets)."""
    if request.param == "packets":
        monkeypatch.setattr(index_module, "FULL_DECODE_PX", 0)
    return str(request.param)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_the_number_in_the_picture_is_the_index(spec: ClipSpec, route: str, tmp_path: Path) -> None:
    path = write_clip(tmp_path, spec)
    numbers = spec.numbers
    with open_media(path) as reader:
        assert len(reader) == reader.info.frame_count == len(numbers)
        in_order = list(reader.frames())
        assert [read_number(frame) for frame in in_order] == numbers
        assert np.array_equal(reader.frame(len(reader) - 1), in_order[-1])
        order = random.Random(spec.name)
        for index in order.choices(range(len(numbers)), k=RANDOM_READS if route == "decoded" else 40):
            assert np.array_equal(reader.frame(index), in_order[index]), index
        start = len(numbers) // 3
        span = FrameSpan(start, min(start + 7, len(numbers)))
        assert [read_number(frame) for frame in reader.frames(span)] == numbers[span.start : span.stop]
        assert (reader.info.width, reader.info.height) == spec.size
        times = reader.info.pts
        assert all(b > a for a, b in pairwise(times))


@pytest.mark.parametrize("name", ["uneven.mp4", "uneven.mkv"])
def test_times_of_uneven_frames_are_their_own(name: str, tmp_path: Path) -> None:
    spec = next(spec for spec in SPECS if spec.name == name)
    with open_media(write_clip(tmp_path, spec)) as reader:
        assert reader.info.is_variable_rate
        assert [reader.info.time_s(i) for i in range(48)] == [Fraction(t - UNEVEN[0], 1000) for t in UNEVEN]


def test_even_clips_are_not_called_uneven(tmp_path: Path) -> None:
    for name in ("cfr.mp4", "ntsc_milliseconds.mkv", "open_gop.ts", "intra.avi"):
        spec = next(spec for spec in SPECS if spec.name == name)
        with open_media(write_clip(tmp_path, spec)) as reader:
            assert not reader.info.is_variable_rate, name
            assert reader.info.rate == spec.rate, name
            assert not reader.info.warnings and not reader.info.damaged, name


@pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_rotation_and_mirroring_are_undone(quarter_turns: int, mirrored: bool, tmp_path: Path) -> None:
    def prepare(picture: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(np.rot90(picture[:, ::-1] if mirrored else picture, quarter_turns))

    spec = ClipSpec(
        "turned.mp4",
        frames=14,
        size=(160, 96),
        prepare=prepare,
        stream=lambda stream: stream.set_display_rotation(-90 * quarter_turns, hflip=mirrored),
    )
    with open_media(write_clip(tmp_path, spec)) as reader:
        assert [read_number(frame) for frame in reader.frames()] == spec.numbers
        assert (reader.info.width, reader.info.height) == (160, 96)
        assert reader.info.coded_width == (96 if quarter_turns % 2 else 160)
        if not mirrored:
            assert reader.info.rotation_deg == 90 * quarter_turns


@pytest.mark.parametrize(
    ("aspect", "coded_width"), [(Fraction(4, 3), 120), (Fraction(1, 2), 320), (Fraction(64, 45), 112)]
)
def test_pixel_aspect_widens_the_picture_and_nothing_else(aspect: Fraction, coded_width: int, tmp_path: Path) -> None:
    spec = ClipSpec(
        "wide.mp4",
        frames=14,
        size=(coded_width, 128),
        stream=lambda stream: setattr(stream.codec_context, "sample_aspect_ratio", aspect),
    )
    with open_media(write_clip(tmp_path, spec)) as reader:
        info = reader.info
        assert (info.width, info.height) == (round(coded_width * aspect), 128)
        assert (info.coded_width, info.coded_height, info.sample_aspect) == (coded_width, 128, aspect)
        assert [read_number(frame) for frame in reader.frames()] == spec.numbers
        assert reader.frame(3).shape == (128, info.width, 3)


def test_pixel_aspect_and_rotation_together(tmp_path: Path) -> None:
    def prepare(picture: np.ndarray) -> np.ndarray:
        turned = np.rot90(picture, 1)  # 128 wide, 160 high; every coded pixel is twice as wide as high
        return np.ascontiguousarray(turned[:, ::2])

    def stream(stream: av.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(2)
        stream.set_display_rotation(-90)

    spec = ClipSpec("both.mp4", frames=14, size=(160, 128), prepare=prepare, stream=stream)
    with open_media(write_clip(tmp_path, spec)) as reader:
        assert (reader.info.width, reader.info.height, reader.info.rotation_deg) == (160, 128, 90)
        assert [read_number(frame) for frame in reader.frames()] == spec.numbers


@pytest.mark.parametrize(
    "name",
    ["zwölf ähm.mp4", "🎬 clip.mp4", "-i.mp4", "a%04d.mp4", "two\nlines.mp4", "concat:x.mp4", "a|b.mp4", "q?#&='\".mp4"]
    + ([] if sys.platform == "darwin" else ["\udcff.mp4"]),
)
def test_any_file_name_is_only_a_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_clip(tmp_path, ClipSpec("plain.mp4", frames=5)).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / name, Path(name), name):
        with open_media(path) as reader:
            assert [read_number(frame) for frame in reader.frames()] == list(range(5))


def test_a_percent_name_is_no_pattern(tmp_path: Path) -> None:
    write_clip(tmp_path, ClipSpec("a0001.gif", codec="gif", options={}, pix_fmt="rgb8", frames=3))
    (tmp_path / "a0001.gif").rename(tmp_path / "a%04d.png")
    with open_media(tmp_path / "a%04d.png") as reader:
        assert len(reader) == 3


@pytest.mark.parametrize("name", ["b_frames.mpg", "no_times.h264", "cfr.mp4"])
def test_a_seek_that_lies_is_found_out_when_it_happens(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where opening trusted the anchors, and they point elsewhere, every frame is the right one."""

    def shift(path: Path, table: FrameTable) -> FrameTable:
        rows = range(0, len(table.pts), 10)
        return replace(table, anchors=tuple(Anchor(row, (table.pts[row] or 0) + 1, None) for row in rows))

    monkeypatch.setattr(index_module, "_keep_exact_anchors", shift)
    spec = next(spec for spec in SPECS if spec.name == name)
    with open_media(write_clip(tmp_path, spec)) as reader:
        for index in random.Random(name).choices(range(48), k=60):
            assert read_number(reader.frame(index)) == index


def test_readers_in_several_threads_agree_and_share_the_index(tmp_path: Path) -> None:
    path = write_clip(tmp_path, ClipSpec("cfr.mp4"))
    wrong: list[int] = []

    def work(reader: VideoReader, seed: int) -> None:
        with reader:
            wrong.extend(i for i in random.Random(seed).choices(range(48), k=60) if read_number(reader.frame(i)) != i)

    with open_media(path) as reader:
        assert isinstance(reader, VideoReader)
        others = [reader.reopen() for _ in range(3)]
        assert all(other.info is reader.info for other in others)
        threads = [threading.Thread(target=work, args=(other, i)) for i, other in enumerate(others)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


def test_stored_frames_give_the_same_picture_later_and_are_smaller(tmp_path: Path) -> None:
    with open_media(write_clip(tmp_path, ClipSpec("cfr.mp4", size=(640, 480), frames=20))) as reader:
        stored = [reader.stored(index) for index in range(20)]
        pictures = list(reader.frames())
    assert all(np.array_equal(a.to_rgb(), b) for a, b in zip(stored, pictures, strict=True))
    assert stored[0].nbytes < 0.6 * pictures[0].nbytes


def test_frames_are_the_callers_own(tmp_path: Path) -> None:
    with open_media(write_clip(tmp_path, ClipSpec("cfr.mp4", frames=4))) as reader:
        reader.frame(2)[:] = 0
        assert read_number(reader.frame(2)) == 2


def test_indices_outside_the_clip_are_errors(tmp_path: Path) -> None:
    with open_media(write_clip(tmp_path, ClipSpec("cfr.mp4", frames=4))) as reader:
        for index in (-1, 4, 10**9):
            with pytest.raises(IndexError):
                reader.frame(index)
        with pytest.raises(IndexError):
            next(reader.frames(FrameSpan(2, 5)))
        assert list(reader.frames(FrameSpan(4, 4))) == []
    with pytest.raises(ValueError, match="closed"):
        reader.frame(0)
    reader.close()


def test_a_replaced_file_is_noticed(tmp_path: Path) -> None:
    path = write_clip(tmp_path, ClipSpec("cfr.mp4"))
    with open_media(path) as reader:
        write_clip(tmp_path, ClipSpec("cfr.mp4", frames=20, size=(96, 64)))
        with pytest.raises(UserError, match="has changed"):
            reader.reopen()
        path.unlink()
        with pytest.raises(UserError, match="does not exist"):
            reader.reopen()


def test_many_opens_leave_no_file_open(tmp_path: Path) -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("no /proc here")
    path = write_clip(tmp_path, ClipSpec("cfr.mp4", frames=4))
    open_media(path).close()
    before = len(list(descriptors.iterdir()))
    for _ in range(30):
        with open_media(path) as reader:
            reader.frame(3)
    assert len(list(descriptors.iterdir())) <= before


def test_the_drawn_number_is_read_back_and_a_turned_one_is_not() -> None:
    for number in (0, 1, 2047, 4095):
        picture = draw_number(number, 160, 128)
        assert read_number(picture) == number
        assert read_number(picture[:, ::-1]) == read_number(picture[::-1]) == read_number(np.rot90(picture)) == -1
