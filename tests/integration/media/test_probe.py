"""The probe says what opening would say, from a process that may die instead of ours; prefetching and thumbnails."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from numbered_clips import ClipSpec, read_number, write_clip

from rvos_core.errors import UserError
from rvos_core.media import FrameCache, Prefetcher, open_media, probe_media, thumbnail


def test_the_probe_says_what_opening_says(tmp_path: Path) -> None:
    path = write_clip(tmp_path, ClipSpec("clip 🎬.mkv", frames=20))
    report = probe_media(path)
    with open_media(path) as reader:
        assert report.info == reader.info
    assert report.is_ok and report.error is None


def test_the_probe_repeats_a_refusal(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"-\xff.mp4")
    path.write_bytes(b"<html>")
    report = probe_media(path)
    with pytest.raises(UserError) as caught:
        open_media(path)
    assert report.error == caught.value.as_dict()
    assert report.info is None and not report.is_ok


def test_the_probe_survives_its_own_limits(tmp_path: Path) -> None:
    path = write_clip(tmp_path, ClipSpec("clip.mp4", frames=4))
    slow = probe_media(path, time_s=0.01)
    assert slow.error is not None and slow.error["code"] == "media.too_slow" and "clip.mp4" in slow.error["message"]
    starved = probe_media(path, memory_bytes=1)
    assert starved.error is not None and not starved.is_ok
    assert probe_media("a\0b.mp4").error is not None


def test_a_module_beside_the_clip_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("open('ran', 'w')\nraise SystemExit(3)\n")
    path = write_clip(tmp_path, ClipSpec("clip.mp4", frames=2))
    monkeypatch.chdir(tmp_path)
    assert probe_media(path).is_ok
    assert not (tmp_path / "ran").exists()


def test_prefetching_a_real_clip_fills_the_cache_with_true_frames(tmp_path: Path) -> None:
    shown: list[tuple[int, int]] = []
    cache = FrameCache(50_000_000)
    with open_media(write_clip(tmp_path, ClipSpec("clip.mp4"))) as reader:
        prefetcher = Prefetcher(
            reader,
            cache,
            on_frame=lambda index, picture: shown.append((index, read_number(picture))),
            on_error=lambda index, error: pytest.fail(str(error)),
        )
        for index, direction in ((20, 1), (47, -1), (0, 1)):
            prefetcher.request(index, direction=direction)
            deadline = time.monotonic() + 20
            while (index, index) not in shown or len(cache) < 20:
                assert time.monotonic() < deadline
                time.sleep(0.002)
        assert prefetcher.stop()
        for index in range(48):
            picture = cache.get(index)
            if picture is not None:
                assert np.array_equal(picture, reader.frame(index))


def test_prefetching_a_vanished_clip_is_told(tmp_path: Path) -> None:
    errors: list[UserError] = []
    path = write_clip(tmp_path, ClipSpec("clip.mp4", frames=4))
    with open_media(path) as reader:
        path.unlink()
        prefetcher = Prefetcher(
            reader, FrameCache(10**6), on_frame=lambda *_: None, on_error=lambda index, error: errors.append(error)
        )
        prefetcher.request(1)
        deadline = time.monotonic() + 20
        while not errors:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        assert prefetcher.stop()
    assert errors[0].code == "media.not_found"


@pytest.mark.parametrize(("height", "width"), [(48, 64), (7, 3), (1, 300)])
def test_thumbnails_keep_the_shape_and_the_brightness(height: int, width: int) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    small = thumbnail(frame, 24)
    assert small.shape == (24, max(1, round(width * 24 / height)), 3) and small.dtype == np.uint8
    assert abs(float(small.mean()) - float(frame.mean())) < 25
    with pytest.raises(ValueError, match="height"):
        thumbnail(frame, 0)
