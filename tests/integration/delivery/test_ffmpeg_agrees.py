"""FFmpeg's own tools see the same film: frames, rate, timecode, pixel format, and the alpha that was meant."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from helpers_delivery import ffmpeg_alpha, ffprobe, moving_disc, picture_clip, plan_for, soft_disc
from rvos_core.delivery.exporter import deliver

FRAMES = 5
# format, pixel format that ffprobe tells, FFmpeg's decoder, largest error of alpha
WITH_ALPHA = [
    ("prores4444", 10, "yuva444p12le", None, 1.5 / 1023),
    ("ffv1", 8, "bgra", None, 0.502 / 255),
    ("ffv1", 16, "gbrap16le", None, 0.52 / 65535),
    ("pngmov", 8, "rgba", None, 0.502 / 255),
    ("pngmov", 16, "rgba64be", None, 0.52 / 65535),
    ("webm", 8, None, "libvpx-vp9", None),
]


@pytest.mark.parametrize(("name", "depth", "pixels", "decoder", "limit"), WITH_ALPHA)
def test_alpha_as_ffmpeg_extracts_it(tmp_path: Path, name: str, depth: int, pixels, decoder, limit) -> None:
    info = picture_clip(tmp_path, width=854, height=60, frames=FRAMES)
    (done,) = deliver(plan_for(tmp_path, info, format=name, depth=depth), moving_disc(info))
    found = ffmpeg_alpha(done.path, width=854, height=60, decoder=decoder)
    meant = np.stack([soft_disc(60, 854, index) for index in range(FRAMES)])
    assert found.shape == meant.shape
    error = np.abs(found - meant)
    if limit is not None:
        assert error.max() <= limit
        assert ffprobe(done.path)["pix_fmt"] == pixels
    else:
        assert error.mean() < 0.02
        assert abs(done.verification.mean_error - error.mean()) < 1e-3, "the report says the same"


RATES = ["24000/1001", "24", "25", "30000/1001", "60000/1001"]
OTHERS = [("prores422hq", RATES[0]), ("h264", RATES[3]), ("ffv1", RATES[4]), ("webm", RATES[0])]


@pytest.mark.parametrize(("name", "rate"), [*(("prores4444", rate) for rate in RATES), *OTHERS])
def test_count_size_and_exact_rate(tmp_path: Path, name: str, rate: str) -> None:
    info = picture_clip(tmp_path, frames=FRAMES, rate=Fraction(rate))
    (done,) = deliver(plan_for(tmp_path, info, format=name), moving_disc(info))
    seen = ffprobe(done.path)
    assert (int(seen["nb_read_frames"]), seen["width"], seen["height"]) == (FRAMES, 64, 48)
    within = Fraction(1, 10_000) if name in ("ffv1", "webm") else 0  # Matroska keeps nanoseconds a frame
    assert abs(Fraction(seen["avg_frame_rate"]) / Fraction(rate) - 1) <= within
    assert seen.get("sample_aspect_ratio", "1:1") in ("1:1", "0:1", "N/A")
    if name.startswith(("prores", "h264")):
        tags = [seen[f"color_{part}"] for part in ("range", "space", "transfer", "primaries")]
        assert tags == ["tv", "bt709", "bt709", "bt709"]


def test_codecs_and_tags_are_those_that_editing_programs_know(tmp_path: Path) -> None:
    info = picture_clip(tmp_path, frames=2)
    for name, codec, tag in (
        ("prores4444", "prores", "ap4h"), ("prores422hq", "prores", "apch"),
        ("h264", "h264", "avc1"), ("h265", "hevc", "hvc1"),
    ):  # fmt: skip
        (done,) = deliver(plan_for(tmp_path, info, format=name), moving_disc(info))
        seen = ffprobe(done.path)
        assert (seen["codec_name"], seen["codec_tag_string"]) == (codec, tag)
