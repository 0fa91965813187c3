"""Where nothing moves: regions of the colour that the sentence says, as if they moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from rvos_core.inference.motion.colours import TERMS, named
from rvos_core.inference.motion.moments import Moment
from rvos_core.language.slots import ExpressionSlots

_SURE = 4.0  # logit


def still_moments(moments: Sequence[Moment], slots: ExpressionSlots) -> list[Moment]:
    """The same moments, in which cells of the colour count as moving; none do where no colour is said."""
    if slots.colour not in TERMS:
        return list(moments)
    term = TERMS.index(slots.colour)
    return [_coloured(moment, term) for moment in moments]


def _coloured(moment: Moment, term: int) -> Moment:
    share = cv2.GaussianBlur((named(moment.picture) == term).astype(np.float32), (0, 0), 1.5)
    count, regions = cv2.connectedComponents((share > 0.5).astype(np.uint8))
    offsets = np.zeros_like(moment.offsets)
    for region in range(1, count):
        y, x = np.nonzero(regions == region)
        offsets[y, x] = np.stack([x.mean() - x, y.mean() - y], 1)
    return replace(moment, moving=2 * _SURE * (share - 0.5), offsets=offsets)
