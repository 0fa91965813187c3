"""A process that exports until it is killed: each line `FORMAT FOLDER` on stdin forks a child that does it once.

The parent writes the child's process id, and `ended` when it is gone.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from helpers_delivery import moving_disc, picture_clip, plan_for
from rvos_core.delivery.exporter import FrameOf, deliver
from rvos_core.delivery.plan import DeliveryObject, DeliveryPlan
from rvos_core.types import MediaInfo

FRAMES = 16


def victim_plan(name: str, folder: Path) -> DeliveryPlan:
    """The export that is killed: sixteen small frames of a moving disc."""
    return plan_for(folder, picture_clip(Path("/nowhere"), frames=FRAMES), format=name)


def slow_disc(info: MediaInfo):
    """The frames of `moving_disc`, three milliseconds apart."""

    def frames(item: DeliveryObject, wanted: Sequence[int]) -> Iterator[FrameOf]:
        for each in moving_disc(info)(item, wanted):
            time.sleep(0.003)
            yield each

    return frames


def main() -> None:
    """Fork a child a line."""
    warm = victim_plan("prores4444", Path("/nowhere"))
    list(moving_disc(warm.info)(warm.outputs[0].objects[0], [0]))
    for line in sys.stdin:
        name, folder = line.rstrip("\n").split(" ", 1)
        child = os.fork()
        if child == 0:
            plan = victim_plan(name, Path(folder))
            deliver(plan, slow_disc(plan.info))
            os._exit(0)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("ended", flush=True)


if __name__ == "__main__":
    main()
