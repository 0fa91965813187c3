"""Clips and disks for the writers' tests."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rvos_core.types import MediaInfo

MakeInfo = Callable[..., MediaInfo]


@pytest.fixture
def make_info() -> MakeInfo:
    """Facts of a clip with an even rate unless told otherwise."""

    def make(*, width: int = 64, height: int = 48, frames: int = 6, **changes: Any) -> MediaInfo:
        rate = changes.pop("rate", Fraction(25))
        facts: dict[str, Any] = {
            "path": Path("clip.mp4"),
            "kind": "video",
            "frame_count": frames,
            "rate_is_assumed": False,
            "is_variable_rate": False,
            "pts": tuple(range(frames)),
            "time_base": 1 / rate,
            "codec": "h264",
            "pixel_format": "yuv420p",
            "coded_width": width,
            "coded_height": height,
            "rotation_deg": 0,
            "sample_aspect": Fraction(1),
            "has_audio": False,
        }
        return MediaInfo(width=width, height=height, rate=rate, **(facts | changes))

    return make


@pytest.fixture
def noise() -> np.ndarray:
    """(6, 48, 64, 3) uint8 RGB that does not compress."""
    return np.random.default_rng(0).integers(0, 256, (6, 48, 64, 3), dtype=np.uint8)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 128 kB; skips where none can be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no permission to mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)
