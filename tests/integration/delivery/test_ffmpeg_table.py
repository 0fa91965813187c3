"""Every format by FFmpeg's own tools: number of frames, rate, timecode, pixel format, and alpha sample by sample.

The one that is left out, `exrmatte`, has nothing but named channels, which FFmpeg does not read.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numbered_clips import ClipSpec, write_clip

from helpers_delivery import moving_disc, plan_for, soft_disc
from rvos_core.delivery.exporter import deliver
from rvos_core.delivery.plan import DeliveryPlan
from rvos_core.delivery.spec import NAMED_SPECS
from rvos_core.media import MediaReader, open_media

FRAMES, WIDTH, HEIGHT = 5, 96, 64
FIRST, RATE, TIMECODE = 2, Fraction(24000, 1001), "01:00:00:21"
EIGHT, SIXTEEN = 0.502 / 255, 0.52 / 65535


@dataclass(frozen=True)
class Seen:
    """What FFmpeg is to find: `kind` of samples ("packed", "last plane", "luma", or "" where there is no alpha)."""

    pixels: str
    sample: str
    top: int
    kind: str
    limit: float | None
    decoder: str = ""


TABLE = {
    "prores4444": Seen("yuva444p12le", "<u2", 4095, "last plane", 1.5 / 1023),
    "prores4444premult": Seen("yuva444p12le", "<u2", 4095, "last plane", 1.5 / 1023),
    "prores422hq": Seen("yuv422p10le", "<u2", 1023, "luma", None),
    "ffv1": Seen("gbrap16le", "<u2", 65535, "last plane", SIXTEEN),
    "ffv1matte": Seen("gray16le", "<u2", 65535, "gray", SIXTEEN),
    "pngmov": Seen("rgba", "u1", 255, "packed", EIGHT),
    "webm": Seen("yuva420p", "u1", 255, "last plane", None, decoder="libvpx-vp9"),
    "h264": Seen("yuv420p", "u1", 255, "", None),
    "h264matte": Seen("yuv420p", "u1", 255, "luma", None),
    "h265": Seen("yuv420p", "u1", 255, "", None),
    "h265matte": Seen("yuv420p", "u1", 255, "luma", None),
    "png8": Seen("gray", "u1", 255, "gray", EIGHT),
    "png16": Seen("gray16be", ">u2", 65535, "gray", SIXTEEN),
    "pngcutout8": Seen("rgba", "u1", 255, "packed", EIGHT),
    "pngcutout16": Seen("rgba64be", ">u2", 65535, "packed", SIXTEEN),
    "tiff8": Seen("gray", "u1", 255, "gray", EIGHT),
    "tiff16": Seen("gray16le", "<u2", 65535, "gray", SIXTEEN),
    "tiffcutout8": Seen("rgba", "u1", 255, "packed", EIGHT),
    "tiffcutout16": Seen("rgba64le", "<u2", 65535, "packed", SIXTEEN),
    "exr": Seen("gbrapf32le", "<f4", 1, "last plane", 2**-12 + 1e-7),
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaReader]:
    if shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None:
        pytest.skip("FFmpeg's tools are not installed")
    spec = ClipSpec(
        "clip.mov", frames=FIRST + FRAMES, size=(WIDTH, HEIGHT), rate=RATE,
        stream=lambda stream: stream.metadata.update(timecode="01:00:00:19"),
    )  # fmt: skip
    with open_media(write_clip(tmp_path_factory.mktemp("clip"), spec)) as reader:
        yield reader


def source_of(plan: DeliveryPlan, path: Path) -> list[str]:
    """How FFmpeg's tools are told of a video, or of a sequence and its rate."""
    if not plan.spec.kind.still:
        return ["-i", str(path)]
    name = plan.outputs[0].name
    pattern = path / f"{name.stem}%0{name.digits}d{name.tail}{name.suffix}"
    return ["-framerate", str(RATE), "-start_number", str(plan.first_number), "-i", str(pattern)]


def probe(plan: DeliveryPlan, path: Path) -> dict[str, Any]:
    command = ["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0", "-show_streams"]
    found = subprocess.run([*command, "-of", "json", *source_of(plan, path)], capture_output=True, check=True).stdout
    stream: dict[str, Any] = json.loads(found)["streams"][0]
    return stream


def alpha_planes(plan: DeliveryPlan, path: Path, seen: Seen) -> np.ndarray:
    """(frames, H, W) in 0..1: samples as FFmpeg decodes them, in the file's own pixel format."""
    decoder = ["-c:v", seen.decoder] if seen.decoder else []
    command = [
        "ffmpeg",
        "-v",
        "error",
        *decoder,
        *source_of(plan, path),
        "-f",
        "rawvideo",
        "-pix_fmt",
        seen.pixels,
        "-",
    ]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    samples = np.frombuffer(raw, seen.sample).reshape(FRAMES, -1).astype(np.float64)
    area = WIDTH * HEIGHT
    if seen.kind == "packed":
        values = samples.reshape(FRAMES, area, 4)[..., 3]
    else:
        values = samples[:, -area:] if seen.kind == "last plane" else samples[:, :area]
    if seen.kind == "luma":
        step = (seen.top + 1) / 256
        return (values.reshape(FRAMES, HEIGHT, WIDTH) - 16 * step) / (219 * step)
    return values.reshape(FRAMES, HEIGHT, WIDTH) / seen.top


@pytest.mark.parametrize("name", TABLE)
def test_ffmpeg_finds_what_was_meant(clip: MediaReader, tmp_path: Path, name: str) -> None:
    seen = TABLE[name]
    plan = plan_for(tmp_path, clip.info, replace(NAMED_SPECS[name], start=FIRST))
    (done,) = deliver(plan, moving_disc(clip.info))
    found = probe(plan, done.path)
    assert int(found["nb_read_frames"]) == FRAMES
    assert (found["width"], found["height"]) == (WIDTH, HEIGHT)
    within = Fraction(1, 10_000) if done.path.suffix in (".mkv", ".webm") else 0  # nanoseconds a frame
    assert abs(Fraction(found["avg_frame_rate"]) / RATE - 1) <= within
    assert found["pix_fmt"] == (seen.pixels if not seen.decoder else "yuv420p")  # FFmpeg's own VP9 leaves alpha out
    tags = {key.lower(): value for key, value in found.get("tags", {}).items()}
    assert tags.get("timecode") == (None if plan.spec.kind.still else TIMECODE)
    if not seen.kind:
        return
    meant = np.stack([soft_disc(HEIGHT, WIDTH, FIRST + index) for index in range(FRAMES)])
    error = np.abs(alpha_planes(plan, done.path, seen) - meant)
    if seen.limit is not None:
        assert error.max() <= seen.limit
    else:
        assert error.mean() < 0.01
        assert abs(done.verification.mean_error - error.mean()) < 2e-3, "the report says the same"


def test_every_format_is_in_the_table() -> None:
    assert set(NAMED_SPECS) - set(TABLE) == {"exrmatte"}
