"""Video: frame count, timing, size, colour and sound of what was written, read back with PyAV; and what goes wrong."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from helpers_data import shared_data
from rvos_core.delivery import video
from rvos_core.delivery.video import MatteVideoWriter, OverlayVideoWriter
from rvos_core.errors import Cancelled, UserError
from rvos_core.masks import encode
from rvos_core.types import FrameSpan, MediaInfo

MakeInfo = Callable[..., MediaInfo]


def read_back(path: Path, *, pixel_format: str = "rgb24") -> tuple[np.ndarray, list[Fraction]]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        pixels = np.stack([f.reformat(format=pixel_format, src_colorspace=1, threads=1).to_ndarray() for f in frames])
        return pixels, [frame.pts * stream.time_base for frame in frames]


def write_overlay(path: Path, info: MediaInfo, frames: Sequence[np.ndarray], **options) -> OverlayVideoWriter:
    nothing = np.zeros((info.height, info.width), dtype=bool)
    writer = OverlayVideoWriter(path, info=info, span=FrameSpan(0, len(frames)), **options)
    with writer:
        for frame in frames:
            writer.write(frame, [nothing])
    return writer


def flat(colour: tuple[int, int, int], *, height: int = 48, width: int = 64, frames: int = 3) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.uint8), (frames, height, width, 3)).copy()


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128), (0, 0, 0), (255, 255, 255)])
def test_colours_survive(tmp_path: Path, make_info: MakeInfo, colour: tuple[int, int, int]) -> None:
    write_overlay(tmp_path / "o.mp4", make_info(frames=3), flat(colour))
    pixels, _ = read_back(tmp_path / "o.mp4")
    assert np.abs(pixels.astype(int) - colour).max() <= 4


def test_tags_say_bt709_limited(tmp_path: Path, make_info: MakeInfo) -> None:
    write_overlay(tmp_path / "o.mp4", make_info(frames=3), flat((200, 30, 30)))
    with av.open(str(tmp_path / "o.mp4")) as container:
        frame = next(container.decode(video=0))
        assert frame.format.name == "yuv420p"
        assert (frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc) == (1, 1, 1, 1)
        assert container.streams.video[0].codec_context.name == "h264"


@pytest.mark.parametrize("width", [852, 853, 854, 856, 1366])
def test_no_row_is_damaged_at_awkward_widths(tmp_path: Path, make_info: MakeInfo, width: int) -> None:
    info = make_info(width=width, height=120, frames=6)
    write_overlay(tmp_path / "o.mp4", info, flat((180, 40, 90), width=width, height=120, frames=6))
    pixels, _ = read_back(tmp_path / "o.mp4")
    assert np.abs(pixels.astype(int) - (180, 40, 90)).max() <= 4


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 2), (8, 8), (241, 321), (33, 64), (48, 65)])
@pytest.mark.parametrize("odd_size", ["pad", "crop"])
def test_odd_and_tiny_sizes_become_even_and_it_is_said(
    tmp_path: Path, make_info: MakeInfo, size: tuple[int, int], odd_size: video.OddSize
) -> None:
    height, width = size
    info = make_info(width=width, height=height, frames=2)
    frames = np.random.default_rng(0).integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    report = write_overlay(tmp_path / "o.mp4", info, frames, odd_size=odd_size).report
    pixels, _ = read_back(tmp_path / "o.mp4")
    assert pixels.shape == (2, report.height, report.width, 3)
    for side, source in ((report.height, height), (report.width, width)):
        assert side == source + source % 2 if odd_size == "pad" or source == 1 else side == source - source % 2
    changed = (report.height, report.width) != size
    assert any("even sizes" in note for note in report.notes) == changed


def test_variable_frame_times_are_kept_exactly(tmp_path: Path, make_info: MakeInfo) -> None:
    pts = (1000, 1040, 1080, 1333, 1334, 1500)
    info = make_info(pts=pts, time_base=Fraction(1, 1000), is_variable_rate=True, rate=Fraction(12))
    span = FrameSpan(1, 6)
    with OverlayVideoWriter(tmp_path / "o.mp4", info=info, span=span) as writer:
        for _ in span:
            writer.write(flat((9, 9, 9))[0], [])
    _, times = read_back(tmp_path / "o.mp4")
    assert times == [Fraction(value - 1040, 1000) for value in pts[1:]]
    assert writer.report.notes == ()


def test_broken_timestamps_become_an_even_rate_and_it_is_said(tmp_path: Path, make_info: MakeInfo) -> None:
    info = make_info(pts=(0, 40, 40, 20, 100, 2**40), time_base=Fraction(1, 1000))
    report = write_overlay(tmp_path / "o.mp4", info, flat((9, 9, 9), frames=6)).report
    _, times = read_back(tmp_path / "o.mp4")
    assert times == [Fraction(index, 25) for index in range(6)]
    assert "even 25.000 frames/s" in report.notes[0]


def test_the_mask_is_tinted_and_the_rest_is_not(tmp_path: Path, make_info: MakeInfo) -> None:
    mask = np.zeros((48, 64), dtype=bool)
    mask[10:30, 10:40] = True
    with OverlayVideoWriter(tmp_path / "o.mp4", info=make_info(frames=3), span=FrameSpan(0, 3)) as writer:
        for frame in flat((100, 100, 100)):
            writer.write(frame, [encode(mask)])
    pixels, _ = read_back(tmp_path / "o.mp4")
    assert np.abs(pixels[:, 36:, 48:].astype(int) - 100).max() <= 4
    assert np.abs(pixels[:, 15:25, 15:35].astype(int) - (94, 136, 160)).max() <= 12


def test_a_matte_is_black_and_white_in_video_range(tmp_path: Path, make_info: MakeInfo) -> None:
    mask = np.zeros((48, 64), dtype=bool)
    mask[16:32, 16:48] = True
    with MatteVideoWriter(tmp_path / "m.mp4", info=make_info(frames=4), span=FrameSpan(0, 4)) as writer:
        for _ in range(4):
            writer.write(encode(mask))
    pixels, _ = read_back(tmp_path / "m.mp4", pixel_format="yuv420p")
    assert np.abs(pixels[:, :48].astype(int) - np.where(mask, 235, 16)).max() <= 3
    assert np.abs(pixels[:, 48:].astype(int) - 128).max() <= 1
    assert not writer.report.has_audio


def test_too_few_frames_are_no_result(tmp_path: Path, make_info: MakeInfo) -> None:
    with (
        pytest.raises(UserError, match="2 of 3 frames"),
        OverlayVideoWriter(tmp_path / "o.mp4", info=make_info(frames=3), span=FrameSpan(0, 3)) as writer,
    ):
        for frame in flat((9, 9, 9), frames=2):
            writer.write(frame, [])
    assert not list(tmp_path.iterdir())


def test_more_frames_than_the_span_or_another_size(tmp_path: Path, make_info: MakeInfo) -> None:
    with pytest.raises(ValueError, match="every frame of the span was written"):
        write_with_extra(tmp_path / "o.mp4", make_info(frames=3))
    with pytest.raises(ValueError, match="not a part of a clip"):
        OverlayVideoWriter(tmp_path / "o.mp4", info=make_info(frames=3), span=FrameSpan(1, 4))
    assert not list(tmp_path.iterdir())


def write_with_extra(path: Path, info: MediaInfo) -> None:
    with OverlayVideoWriter(path, info=info, span=FrameSpan(0, 3)) as writer:
        for frame in flat((9, 9, 9), frames=4):
            writer.write(frame, [])


def test_cancel_keeps_the_earlier_video(tmp_path: Path, make_info: MakeInfo, noise: np.ndarray) -> None:
    path = tmp_path / "o.mp4"
    write_overlay(path, make_info(), noise)
    before = path.read_bytes()
    with pytest.raises(Cancelled), OverlayVideoWriter(path, info=make_info(), span=FrameSpan(0, 6)) as writer:
        writer.write(noise[0], [])
        raise Cancelled("cancelled")
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["o.mp4"]


def test_a_video_that_does_not_read_back_is_not_delivered(
    tmp_path: Path, make_info: MakeInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = OverlayVideoWriter._finish

    def finish_and_truncate(self: OverlayVideoWriter) -> None:
        finish(self)
        part = next(tmp_path.glob(".o.mp4.rvos-part-*"))
        part.write_bytes(part.read_bytes()[:-200])

    monkeypatch.setattr(OverlayVideoWriter, "_finish", finish_and_truncate)
    with pytest.raises(UserError, match="read") as caught:
        write_overlay(tmp_path / "o.mp4", make_info(frames=3), flat((9, 9, 9)))
    assert caught.value.code == "delivery.verify"
    assert not list(tmp_path.iterdir())


def long_noise(frames: int = 60) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    for _ in range(frames):
        yield rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)


def write_noise(path: Path, info: MediaInfo) -> None:
    with OverlayVideoWriter(path, info=info, span=FrameSpan(0, 60)) as writer:
        for frame in long_noise():
            writer.write(frame, [])


def test_a_disk_that_fills_up_leaves_nothing_and_is_named(
    small_disk: Path, make_info: MakeInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = make_info(width=128, height=96, frames=60)
    monkeypatch.setattr(video, "require_free_space", lambda folder, expected_bytes: None)
    (small_disk / "o.mp4").write_bytes(b"earlier")
    with pytest.raises(UserError, match=r"o\.mp4 cannot be written: the disk is full") as caught:
        write_noise(small_disk / "o.mp4", info)
    assert caught.value.code == "files.disk_full"
    assert [path.name for path in small_disk.iterdir()] == ["o.mp4"]
    assert (small_disk / "o.mp4").read_bytes() == b"earlier"


@pytest.mark.parametrize("limit", [20_000, 100_000, 300_000])
def test_a_limit_on_file_size_at_several_levels(tmp_path: Path, make_info: MakeInfo, limit: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(UserError, match="larger than is allowed"):
            write_noise(tmp_path / "o.mp4", make_info(width=128, height=96, frames=60))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def make_source(path: Path, *, codec: str, rate: int = 48_000, seconds: int = 2) -> None:
    """A video of `seconds` at 25 frames/s with a tone that steps up every half second."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=25)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream(codec, rate=rate)
        for index in range(25 * seconds):
            frame = av.VideoFrame.from_ndarray(np.full((72, 64), index, np.uint8), format="yuv420p")
            frame.pts = index
            container.mux(picture.encode(frame))
        samples = np.repeat(np.linspace(0.1, 0.8, 2 * seconds), rate // 2).astype(np.float32)
        samples *= np.sin(np.arange(samples.size) * 0.06)
        block = av.AudioFrame.from_ndarray((samples[None] * 32767).astype(np.int16), format="s16", layout="mono")
        block.sample_rate, block.pts = rate, 0
        resampler = av.AudioResampler(
            format=sound.codec_context.format,
            layout=sound.layout,
            rate=rate,
            frame_size=sound.codec_context.frame_size or 1024,
        )
        for piece in [*resampler.resample(block), *resampler.resample(None)]:
            container.mux(sound.encode(piece))
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))


def source_info(path: Path, make_info: MakeInfo) -> MediaInfo:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pts = tuple(frame.pts for frame in container.decode(stream))
        return make_info(path=path, pts=pts, time_base=stream.time_base, frames=len(pts), has_audio=True)


def loudness(path: Path) -> np.ndarray:
    """Mean absolute sample of each tenth of a second of the file's own time; silence where nothing is decoded."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        samples = np.zeros(4 * stream.rate)
        resampler = av.AudioResampler(format="fltp", layout="mono")
        for frame in container.decode(stream):
            begin = round(frame.pts * stream.time_base * stream.rate)
            pieces = [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
            heard = np.concatenate(pieces)[max(0, -begin) :]
            samples[max(0, begin) : max(0, begin) + heard.size] = heard
    return np.abs(samples).reshape(-1, stream.rate // 10).mean(1)


@pytest.mark.parametrize(("codec", "suffix"), [("aac", ".mp4"), ("libopus", ".mkv"), ("flac", ".mkv"), ("aac", ".mov")])
def test_sound_is_copied_and_stays_in_step(tmp_path: Path, make_info: MakeInfo, codec: str, suffix: str) -> None:
    source = tmp_path / f"source{suffix}"
    make_source(source, codec=codec)
    info = source_info(source, make_info)
    for span in (FrameSpan(0, 50), FrameSpan(25, 45)):
        with OverlayVideoWriter(tmp_path / "o.mp4", info=info, span=span) as writer:
            for _ in span:
                writer.write(flat((9, 9, 9))[0], [])
        assert writer.report.has_audio, writer.report.notes
        ours, whole = loudness(tmp_path / "o.mp4"), loudness(source)
        first, tenths = span.start * 10 // 25, len(span) * 10 // 25
        np.testing.assert_allclose(ours[1:tenths], whole[first + 1 : first + tenths], rtol=0.05)
        assert ours[0] > 0.7 * whole[first]  # Opus finds its voice within the first packet
        assert ours[tenths + 1 :].max() < 0.01


def test_sound_that_mp4_does_not_take_is_left_out_and_it_is_said(tmp_path: Path, make_info: MakeInfo) -> None:
    source = tmp_path / "source.mkv"
    make_source(source, codec="pcm_s16le")
    info = source_info(source, make_info)
    report = write_overlay(tmp_path / "o.mp4", info, flat((9, 9, 9), frames=50)).report
    assert not report.has_audio
    assert report.notes == ("The sound was left out: MP4 does not take pcm_s16le.",)


def test_a_source_that_is_gone_costs_the_sound_only(tmp_path: Path, make_info: MakeInfo) -> None:
    info = make_info(path=tmp_path / "gone.mp4", has_audio=True)
    report = write_overlay(tmp_path / "o.mp4", info, flat((9, 9, 9), frames=6)).report
    assert "cannot be read again" in report.notes[0]
    assert len(read_back(tmp_path / "o.mp4")[0]) == 6


def test_a_real_clip_with_sound(tmp_path: Path, make_info: MakeInfo) -> None:
    source = shared_data() / "clips" / "01_dog.mp4"
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        base = stream.time_base
        decoded = [
            (f.pts, f.to_ndarray(format="rgb24")) for f, _ in zip(container.decode(stream), range(12), strict=False)
        ]
    frames = np.stack([pixels for _, pixels in decoded])
    info = make_info(
        path=source, width=1280, height=720, frames=12, pts=tuple(pts for pts, _ in decoded), time_base=base,
        rate=Fraction(30000, 1001), has_audio=True,
    )  # fmt: skip
    report = write_overlay(tmp_path / "o.mp4", info, frames).report
    pixels, times = read_back(tmp_path / "o.mp4")
    assert times == [(pts - decoded[0][0]) * base for pts, _ in decoded]
    assert report.has_audio
    assert np.abs(pixels[:, ::4, ::4].astype(int) - frames[:, ::4, ::4]).mean() < 3
