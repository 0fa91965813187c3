"""Every openable file of the shared material is delivered frame by frame, and FFmpeg's tool counts the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from helpers_data import shared_data
from helpers_delivery import ffprobe, plan_for
from rvos_core.delivery.exporter import FrameOf, deliver
from rvos_core.delivery.plan import DeliveryObject
from rvos_core.errors import UserError
from rvos_core.media import MediaReader, open_media

_MOST_PX = 60_000_000
QUICK = {"decord__tests__test_data__video_90.mov", "torchcodec__h265_10bits.mp4"}


def names() -> list[object]:
    """Clips and odd files; all but a few are marked slow. Empty, so skipped, where the material is not there."""
    try:
        root = shared_data()
    except pytest.skip.Exception:
        return []
    paths = [path for name in ("clips", "odd") for path in sorted((root / name).iterdir()) if path.suffix != ".json"]
    return [
        pytest.param(path, id=path.name, marks=() if path.name in QUICK else pytest.mark.slow)
        for path in (*paths, *sorted((root / "davis16" / "JPEGImages").iterdir()))
    ]


def ramp_alpha(reader: MediaReader):
    """Real pictures with a ramp for alpha that moves by a column a frame."""

    def frames(item: DeliveryObject, wanted: Sequence[int]) -> Iterator[FrameOf]:
        del item
        row = np.linspace(0, 1, reader.info.width, dtype=np.float32)
        for index in wanted:
            alpha = np.repeat(np.roll(row, index)[None], reader.info.height, axis=0)
            yield index, reader.frame(index), np.ascontiguousarray(alpha)

    return frames


@pytest.mark.parametrize("path", names())
def test_frames_of_every_real_file_are_delivered(path: Path, tmp_path: Path) -> None:
    """All of them, or the first four of a file that is too large for a test; its end: orders/test_hard_sources.py."""
    try:
        reader = open_media(path)
    except UserError:
        pytest.skip("not openable, and refused with a reason")
    with reader:
        info = reader.info
        stop = None if info.frame_count * info.width * info.height <= _MOST_PX else 4
        plan = plan_for(tmp_path, info, format="ffv1", depth=8, stop=stop)
        (done,) = deliver(plan, ramp_alpha(reader))
    assert int(ffprobe(done.path)["nb_read_frames"]) == len(plan.span)
    with open_media(path) as reader, open_media(done.path) as written:
        for place, index in enumerate(plan.span):
            assert np.array_equal(written.frame(place), reader.frame(index)), f"frame {index}"
    with open_media(path) as reader:
        (prores,) = deliver(plan_for(tmp_path, reader.info, format="prores4444", stop=4), ramp_alpha(reader))
    assert prores.verification.largest_error <= 1.5 / 1023
