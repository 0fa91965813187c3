"""An export's memory does not grow with its length."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from helpers_delivery import noisy_colours, picture_clip, plan_for, soft_disc
from rvos_core.delivery.exporter import deliver

FRAMES = 10_000


@pytest.mark.slow
@pytest.mark.parametrize("name", ["prores4444", "png", "h264"])
def test_ten_thousand_frames_take_no_more_memory_than_two_thousand(tmp_path: Path, name: str) -> None:
    info = picture_clip(tmp_path, frames=FRAMES)
    rgb, alpha = noisy_colours(48, 64, 0), soft_disc(48, 64, 0)
    peak_mib: dict[int, float] = {}

    def note(done: int, total: int) -> None:
        del total
        if done in (2000, FRAMES):
            peak_mib[done] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    (done,) = deliver(
        plan_for(tmp_path, info, format=name), lambda item, wanted: ((n, rgb, alpha) for n in wanted), progress=note
    )
    assert done.verification.is_right
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert peak_mib[FRAMES] - peak_mib[2000] < 4
    assert after - peak_mib[2000] < 12, "reading back included"
