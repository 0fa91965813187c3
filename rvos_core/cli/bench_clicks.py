"""One click on a frame not seen before, against GrabCut on the whole frame, for `rvos bench`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import cv2
import numpy as np

from rvos_core.types import CancelToken

if TYPE_CHECKING:
    from rvos_core.cli.bench_suites import Row

_SIZES = ((480, 854), (1080, 1920))


def clicks(cancel: CancelToken) -> list[Row]:
    """The clicker without weights on 854x480 and 1920x1080."""
    from rvos_core.cli.bench_suites import side_by_side

    rows = []
    for height, width in _SIZES:
        cancel.raise_if_cancelled()
        ours, reference = _calls(height, width)
        note = f"{width}x{height}; against one iteration of GrabCut"
        rows.append(side_by_side("a click, no weights", ours, reference, limit=1.0, note=note))
    return rows


def _calls(height: int, width: int) -> tuple[Callable[[], object], Callable[[], object]]:
    """One click in the middle of an ellipse on noise, by our clicker and by GrabCut."""
    from rvos_core.inference.clicks import PlainClicker
    from rvos_core.models.api import Clicks

    middle = (width // 2, height // 2)
    dice = np.random.default_rng(0)
    frame = cv2.GaussianBlur(dice.integers(0, 160, (height, width, 3)).astype(np.uint8), (0, 0), 2)
    cv2.ellipse(frame, middle, (width // 6, height // 5), 0, 0, 360, (180, 60, 60), -1)

    def ours() -> object:
        return PlainClicker().segment(frame, Clicks(positive=(middle,)))

    def grabcut() -> object:
        """Reference."""
        states = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
        cv2.circle(states, middle, width // 12, int(cv2.GC_PR_FGD), -1)
        cv2.grabCut(
            frame, states, (0, 0, width, height), np.zeros((1, 65)), np.zeros((1, 65)), 1, cv2.GC_INIT_WITH_MASK
        )
        return states

    return ours, grabcut
