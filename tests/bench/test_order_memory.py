"""The memory of an order does not grow with its length: project, clip, mattes, writing and reading back together."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers_memory import Highest, needs_proc
from ordered_projects import matte_order, write_project
from rvos_core.orders import MASKS, OVERLAY, Order, fulfil

FRAMES = 10_000

pytestmark = [pytest.mark.slow, needs_proc]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("long"), frames=FRAMES, names=("dog",))


@pytest.mark.parametrize("kind", ["prores4444", "png8", "h264", OVERLAY, MASKS])
def test_ten_thousand_frames_take_no_more_memory_than_two_thousand(project: Path, tmp_path: Path, kind: str) -> None:
    if kind in (OVERLAY, MASKS):
        order = Order(kind, kind, project, 1, (1,), tmp_path / ("o.mp4" if kind == OVERLAY else "masks"))
    else:
        order = matte_order(project, tmp_path, kind)
    highest = Highest(early=2000)
    done = fulfil(order, progress=highest.progress, read_back=highest.read_back)
    assert done.outputs[0].exists()
    highest.require_flat(lambda said: print(f"{kind}: {said}"))  # seen with -s
