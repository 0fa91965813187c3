"""Reading back tells how far it is and can be cancelled; the final name is then absent or as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers_delivery import moving_disc, picture_clip, plan_for
from rvos_core.delivery.exporter import deliver, unfinished
from rvos_core.delivery.spec import NAMED_SPECS
from rvos_core.errors import Cancelled
from rvos_core.types import CancelToken

FRAMES = 12
FORMATS = ["prores4444", "ffv1", "h264", "webm", "png8", "exr"]


def content(path: Path) -> dict[str, bytes]:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return {file.name: file.read_bytes() for file in files}


@pytest.mark.parametrize("name", FORMATS)
def test_how_far_reading_back_is_is_told_frame_by_frame(tmp_path: Path, name: str) -> None:
    info = picture_clip(tmp_path, frames=FRAMES)
    told: list[tuple[int, int]] = []
    written: list[int] = []

    def reading(done: int, total: int) -> None:
        assert written[-1] == FRAMES, "everything is written before it is read back"
        told.append((done, total))

    deliver(
        plan_for(tmp_path, info, NAMED_SPECS[name]),
        moving_disc(info),
        progress=lambda done, _: written.append(done),
        read_back=reading,
    )
    assert told == [(number, FRAMES) for number in range(1, FRAMES + 1)]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("earlier", [False, True], ids=["new", "replaced"])
def test_a_cancel_while_it_is_read_back_leaves_the_final_name_as_it_was(
    tmp_path: Path, name: str, earlier: bool
) -> None:
    info = picture_clip(tmp_path, frames=FRAMES)
    plan = plan_for(tmp_path / "out", info, NAMED_SPECS[name])
    target = plan.outputs[0].path
    if earlier:
        deliver(plan_for(tmp_path / "out", info, NAMED_SPECS[name], revision="earlier"), moving_disc(info))
        before = content(target)
    token = CancelToken()
    told: list[int] = []

    def cancelling(done: int, _total: int) -> None:
        told.append(done)
        if done == 5:
            token.cancel()

    with pytest.raises(Cancelled):
        deliver(plan, moving_disc(info), cancel=token, read_back=cancelling)
    assert told == [1, 2, 3, 4, 5], "the very next frame is not read any more"
    if earlier:
        assert content(target) == before
    else:
        assert not target.exists()
    stands_alone = name != "h264" and name != "webm"
    assert bool(unfinished(plan)) == stands_alone
    (done,) = deliver(plan, moving_disc(info))
    assert done.resumed == (FRAMES if stands_alone else 0), "what is written is not written again"
    assert not unfinished(plan)
