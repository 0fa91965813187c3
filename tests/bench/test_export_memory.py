"""An export's memory does not grow with its length."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers_delivery import noisy_colours, picture_clip, plan_for, soft_disc
from helpers_memory import Highest, needs_proc
from rvos_core.delivery.exporter import deliver

FRAMES = 10_000

pytestmark = [pytest.mark.slow, needs_proc]


@pytest.mark.parametrize("name", ["prores4444", "png", "h264"])
def test_ten_thousand_frames_take_no_more_memory_than_two_thousand(tmp_path: Path, name: str) -> None:
    info = picture_clip(tmp_path, frames=FRAMES)
    rgb, alpha = noisy_colours(48, 64, 0), soft_disc(48, 64, 0)
    highest = Highest(early=2000)
    (done,) = deliver(
        plan_for(tmp_path, info, format=name),
        lambda item, wanted: ((n, rgb, alpha) for n in wanted),
        progress=highest.progress,
        read_back=highest.read_back,
    )
    assert done.verification.is_right
    highest.require_flat(lambda said: print(f"{name}: {said}"))  # seen with -s
