"""Damaged and hostile files: what can be read is read and the rest is said; the rest is one sentence, never a crash."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numbered_clips import ClipSpec, read_number, write_clip

from rvos_core.errors import UserError
from rvos_core.media import index as index_module
from rvos_core.media import open_media, probe_media


def refusal(path: Path) -> UserError:
    with pytest.raises(UserError) as caught:
        open_media(path)
    assert caught.value.hint and caught.value.code.startswith("media.")
    return caught.value


def cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


CUT = [
    ClipSpec("cut.mp4", busy=True, container={"movflags": "faststart"}),
    ClipSpec("cut.mkv", busy=True),
    ClipSpec("cut.ts", busy=True),
    ClipSpec("cut.avi", busy=True, codec="mpeg4", options={"g": "12", "qmax": "3"}),
]


@pytest.mark.parametrize("spec", CUT, ids=lambda spec: spec.name)
def test_a_cut_off_file_gives_its_beginning(spec: ClipSpec, tmp_path: Path) -> None:
    path = cut(write_clip(tmp_path, spec), 0.6)
    with open_media(path) as reader:
        count = len(reader)
        assert 20 <= count < 40
        damaged = {i for span in reader.info.damaged for i in span}
        found = [read_number(frame) for frame in reader.frames()]
        # The cut goes through the last picture: a transport stream does not tell, and the decoder conceals the rest.
        whole = [i for i in range(count - 1) if i not in damaged]
        assert [found[i] for i in whole] == whole
        if spec.name == "cut.mp4":
            assert any("cut off" in warning and "of the 48" in warning for warning in reader.info.warnings)


def test_without_its_index_an_mp4_is_refused_by_name(tmp_path: Path) -> None:
    error = refusal(cut(write_clip(tmp_path, ClipSpec("recording.mp4")), 0.6))
    assert error.code == "media.no_index" and "recording.mp4" in error.message


SHORT_CLUSTERS = {"cluster_time_limit": "100"}


def spoil(path: Path, share: float, count: int) -> None:
    """Overwrite `count` bytes at `share` of the file."""
    data = bytearray(path.read_bytes())
    start = int(len(data) * share)
    data[start : start + count] = b"\xa5" * count
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("name", ["hole.mp4", "hole.mkv", "hole.ts"])
def test_a_hole_is_marked_and_the_frames_around_it_keep_their_times(name: str, tmp_path: Path) -> None:
    path = write_clip(tmp_path, ClipSpec(name, busy=True, container=SHORT_CLUSTERS if name == "hole.mkv" else {}))
    spoil(path, 0.5, 1500)
    with open_media(path) as reader:
        info = reader.info
        assert info.damaged and any("damaged" in warning for warning in info.warnings)
        damaged = {i for span in info.damaged for i in span}
        assert 0 not in damaged and len(damaged) < len(reader)
        pictures = list(reader.frames())
        for i in sorted(set(range(len(reader))) - damaged):
            assert read_number(pictures[i]) == round(info.time_s(i) * 25), i
        for i in (len(reader) - 1, 0, len(reader) // 2, 3):
            assert np.array_equal(reader.frame(i), pictures[i])


def test_a_long_damaged_file_stays_usable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_clip(tmp_path, ClipSpec("hole.mp4", busy=True))
    spoil(path, 0.8, 1500)
    monkeypatch.setattr(index_module, "FULL_DECODE_PX", 0)
    monkeypatch.setattr(index_module, "FULL_DECODE_LIMIT_S", 0.0)
    with open_media(path) as reader:
        assert any("too long" in warning for warning in reader.info.warnings)
        pictures = list(reader.frames())
        assert [read_number(p) for p in pictures[:24]] == list(range(24))
        for i in (len(reader) - 1, 5, 20, 0):
            assert np.array_equal(reader.frame(i), pictures[i])


def test_a_change_of_size_is_refused_by_its_frame(tmp_path: Path) -> None:
    first = write_clip(tmp_path, ClipSpec("first.h264", frames=20, size=(96, 64)))
    second = write_clip(tmp_path, ClipSpec("second.h264", frames=30))
    both = tmp_path / "both.h264"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    with pytest.raises(UserError, match=r"both\.h264” changes size at frame 20, from 96 x 64 to 160 x 128") as caught:
        open_media(both)
    assert caught.value.code == "media.size_change" and "Split it" in caught.value.hint


def test_only_sound(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    error = refusal(path)
    assert error.code == "media.no_video_track" and "song.mp4" in error.message


def test_another_file_is_never_reached_through_a_playlist(tmp_path: Path) -> None:
    write_clip(tmp_path, ClipSpec("secret.mp4", frames=3))
    for name, text in (
        ("a.mp4", "ffconcat version 1.0\nfile secret.mp4\n"),
        ("b.mp4", "#EXTM3U\n#EXTINF:1,\nsecret.mp4\n"),
        ("c.mp4", "\0\0ffconcat version 1.0\nfile secret.mp4\n"),
    ):
        (tmp_path / name).write_text(text)
        assert refusal(tmp_path / name).code == "media.not_a_video"


@pytest.mark.parametrize("claim", ["W30000 H30000", "W16385 H16", "W2000000000 H2"])
def test_huge_claims_allocate_nothing(claim: str, tmp_path: Path) -> None:
    path = tmp_path / "huge.y4m"
    path.write_bytes(f"YUV4MPEG2 {claim} F25:1 Ip A1:1 C420jpeg\nFRAME\n".encode() + bytes(5000))
    report = probe_media(path)
    assert report.error is not None and report.error["code"] in ("media.too_large", "media.not_a_video")
    assert report.seconds < 10


def test_a_rate_beyond_reason_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "fast.y4m"
    path.write_bytes(b"YUV4MPEG2 W16 H16 F1000000:1 Ip A1:1 C420jpeg\n" + (b"FRAME\n" + bytes(384)) * 5)
    with open_media(path) as reader:
        assert len(reader) == 5 and reader.info.rate_is_assumed and reader.info.rate == 25


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (8, 8), (17, 3)])
def test_tiny_pictures(size: tuple[int, int], tmp_path: Path) -> None:
    spec = ClipSpec("tiny.mov", codec="png", options={}, pix_fmt="rgb24", size=size, frames=3)
    with open_media(write_clip(tmp_path, spec)) as reader:
        assert [frame.shape for frame in reader.frames()] == [(size[1], size[0], 3)] * 3


def test_rubbish_under_every_suffix(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for suffix in (".mp4", ".mkv", ".avi", ".ts", ".png", ".mpg", ".webm", ".h264"):
        path = tmp_path / f"rubbish{suffix}"
        path.write_bytes(random.bytes(20_000))
        try:
            with open_media(path) as reader:
                list(reader.frames())
        except UserError as error:
            assert path.name in error.message


def test_mutated_files_open_or_are_refused(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    for name in ("m.mp4", "m.mkv", "m.avi"):
        codec = "mpeg4" if name == "m.avi" else "libx264"
        options = {"g": "12"} if name == "m.avi" else {"g": "12", "preset": "veryfast"}
        path = write_clip(tmp_path, ClipSpec(name, codec=codec, options=options, size=(64, 48), frames=24))
        original = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(12):
            data = original.copy()
            places = random.integers(0, len(data), 20)
            data[places] = random.integers(0, 256, 20)
            path.write_bytes(data.tobytes())
            try:
                with open_media(path) as reader:
                    pictures = list(reader.frames())
                    assert len(pictures) == len(reader)
                    last = len(reader) - 1
                    assert np.array_equal(reader.frame(0), pictures[0])
                    assert np.array_equal(reader.frame(last), pictures[last])
            except UserError as error:
                assert name in error.message
