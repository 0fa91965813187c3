"""What a plan says of sizes, against the bytes that come out, on real footage."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from helpers_data import shared_data
from rvos_core.delivery.plan import make_plan
from rvos_core.delivery.spec import NAMED_SPECS
from rvos_core.matte.look import Look
from rvos_core.media import open_media
from rvos_core.orders.fulfilling import deliver_plans
from rvos_core.orders.mask_files import MaskFiles
from rvos_core.orders.mattes import MatteFrames
from rvos_core.types import CancelToken

_FRAMES = 3


@pytest.mark.parametrize("clip", ["dog", "camel"])
def test_expected_sizes_are_near_the_real_ones(tmp_path: Path, clip: str) -> None:
    data = shared_data() / "davis16"
    with open_media(data / "JPEGImages" / clip) as reader:
        files = MaskFiles(data / "Annotations" / clip, reader.info)
        plans = [
            make_plan(
                replace(NAMED_SPECS[name], stop=_FRAMES),
                info=reader.info,
                objects=files.objects,
                folder=tmp_path / name,
                masked_frames=files.seen,
                covered=files.covered,
            )
            for name in ("prores4444", "prores422hq", "png16", "pngcutout8", "exr", "ffv1", "webm")
        ]
        cancel = CancelToken()
        with MatteFrames(reader.frame, files.mask, {1: Look()}, cancel=cancel) as mattes:
            deliver_plans(plans, mattes, cancel=cancel)
    for plan in plans:
        path = plan.outputs[0].path
        real = sum(each.stat().st_size for each in (path.iterdir() if path.is_dir() else [path]))
        assert 0.4 < plan.expected_bytes / real < 2.5, (plan.spec.format, plan.expected_bytes, real)
