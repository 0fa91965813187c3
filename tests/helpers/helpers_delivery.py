"""What tests of delivered files share: soft edges that move, plans, and reading alpha back by FFmpeg's command line."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rvos_core.delivery.exporter import FrameOf
from rvos_core.delivery.plan import DeliveryObject, DeliveryPlan, make_plan
from rvos_core.delivery.spec import DeliverySpec
from rvos_core.types import MediaInfo

DOG = DeliveryObject(1, "dog", "a brown dog")


def picture_clip(folder: Path, *, width: int = 64, height: int = 48, frames: int = 6, **changes: Any) -> MediaInfo:
    """Facts of a clip that is a folder of pictures, which nothing needs to read."""
    rate = changes.pop("rate", Fraction(24))
    facts: dict[str, Any] = {
        "path": folder / "clip",
        "kind": "images",
        "frame_count": frames,
        "rate_is_assumed": False,
        "is_variable_rate": False,
        "pts": tuple(range(frames)),
        "time_base": 1 / rate,
        "codec": "png",
        "pixel_format": "rgb24",
        "coded_width": width,
        "coded_height": height,
        "rotation_deg": 0,
        "sample_aspect": Fraction(1),
        "has_audio": False,
    }
    return MediaInfo(width=width, height=height, rate=rate, **(facts | changes))


def soft_disc(height: int, width: int, index: int) -> np.ndarray:
    """(H, W) float32: a disc with an edge six pixels wide that moves by three a frame, and a thin half-clear line."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    away = np.hypot(y - height / 2, x - width / 3 - 3 * index)
    alpha = np.clip((min(height, width) * 0.35 - away) / 6 + 0.5, 0, 1)
    alpha[height // 4, :] = np.maximum(alpha[height // 4, :], 0.5)
    return alpha.astype(np.float32)


def noisy_colours(height: int, width: int, index: int, *, deep: bool = False) -> np.ndarray:
    """(H, W, 3) uint8 or uint16: a gradient with a little noise."""
    dice = np.random.default_rng(index)
    ramp = np.linspace(40, 200, width)[None, :, None] + dice.integers(0, 8, (height, width, 3))
    return (ramp * 257).astype(np.uint16) if deep else ramp.astype(np.uint8)


def moving_disc(info: MediaInfo, *, deep: bool = False) -> Callable[[DeliveryObject, Sequence[int]], Iterable[FrameOf]]:
    """Frames of a moving soft disc for every object, another place for each."""

    def frames(item: DeliveryObject, wanted: Sequence[int]) -> Iterator[FrameOf]:
        for index in wanted:
            alpha = soft_disc(info.height, info.width, index + 2 * (item.object_id - 1))
            yield index, noisy_colours(info.height, info.width, index, deep=deep), alpha

    return frames


def plan_for(
    folder: Path,
    info: MediaInfo,
    spec: DeliverySpec | None = None,
    *,
    items: Sequence[DeliveryObject] = (DOG,),
    revision: str = "",
    **settings: Any,
) -> DeliveryPlan:
    """A plan into `folder` of `spec`, or of a `DeliverySpec` with `settings`."""
    return make_plan(spec or DeliverySpec(**settings), info=info, objects=items, folder=folder, revision=revision)


def ffprobe(path: Path) -> dict[str, Any]:
    """The first video track as FFmpeg's own tool sees it, frames counted."""
    _need("ffprobe")
    command = [
        "ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0", "-show_streams", "-of", "json", str(path)
    ]  # fmt: skip
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    stream: dict[str, Any] = found["streams"][0]
    return stream


def ffmpeg_alpha(path: Path, *, width: int, height: int, decoder: str | None = None) -> np.ndarray:
    """(frames, H, W) float32 in 0..1: the alpha planes that FFmpeg's own tool extracts."""
    _need("ffmpeg")
    command = ["ffmpeg", "-v", "error", *(["-c:v", decoder] if decoder else []), "-i", str(path)]
    command += ["-vf", "alphaextract,format=gray16le", "-f", "rawvideo", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(raw, "<u2").reshape(-1, height, width).astype(np.float32) / 65535


def _need(tool: str) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
