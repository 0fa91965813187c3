"""Which frames a person should look at first: how doubtful an object's mask is in each frame, from 0 to 1.

Four signs, each a factor that lowers the trust in a frame:

* the model's own doubt: 1 - confidence. A propagator's confidence is the IoU that its probabilities let one expect, so
  blurred edges lower it (entropy there) as well as uncertain areas; a referrer's holds its class score and consensus;
* disagreement of the forward and the backward pass, where both came there;
* a jump: the mask overlaps its neighbours in time less than masks do around it;
* a change of area against the frames around it; a mask that goes missing for a while is the extreme.

Frames that a person has locked are beyond doubt. Figures: `rvos eval suspicion`, docs/benchmarks.md.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from rvos_core.masks import Rle, area, iou

_AROUND = 5  # frames on either side that say what is usual
_DISAGREEMENT, _JUMP, _AREA = 0.5, 0.5, 0.5  # what each sign can take at most
_MOST_GROWTH = np.log(4.0)  # a change of area by this factor takes all of it


@dataclass(frozen=True)
class SuspectFrame:
    """What is known of an object in one frame.

    Attributes:
        confidence: of the model, in [0, 1].
        agreement: IoU of what both passes said, in [0, 1]; None where one pass came there.
        locked: a person accepted or made this mask.
    """

    frame_index: int
    mask: Rle = field(repr=False)
    confidence: float
    agreement: float | None = None
    locked: bool = False


def suspicion(frames: Sequence[SuspectFrame]) -> np.ndarray:
    """How doubtful each frame is.

    Args:
        frames: of one object, ascending; frames without a result are left out.

    Returns:
        (n,) float32 in [0, 1]; 0 where a frame is locked.
    """
    confidence = np.array([each.confidence for each in frames])
    agreement = np.array([1.0 if each.agreement is None else each.agreement for each in frames])
    trust = np.clip(confidence, 0, 1) * (1 - _DISAGREEMENT * (1 - agreement))
    # A mask that is empty has no confidence of its own: whether it should be is left to the change of area.
    areas = np.array([area(each.mask) for each in frames], dtype=np.float64)
    trust = np.where((areas == 0) & (agreement == 1.0), 1.0, trust)
    trust = trust * (1 - _JUMP * jumps(frames)) * (1 - _AREA * growth(areas))
    locked = np.array([each.locked for each in frames], dtype=bool)
    return np.where(locked, 0.0, 1 - trust).astype(np.float32)


def jumps(frames: Sequence[SuspectFrame]) -> np.ndarray:
    """(n,) in [0, 1]: how much less a mask overlaps both its neighbours than is usual around it."""
    if len(frames) < 2:
        return np.zeros(len(frames))
    overlap = np.array(
        [
            iou(one.mask, two.mask) if two.frame_index == one.frame_index + 1 else np.nan
            for one, two in itertools.pairwise(frames)
        ]
    )
    before, after = np.append(np.nan, overlap), np.append(overlap, np.nan)
    with_neighbours = np.fmin(before, after)
    usual = np.array([_usual(overlap[max(0, k - _AROUND) : k + _AROUND]) for k in range(len(frames))])
    jump: np.ndarray = np.nan_to_num(np.clip(usual - with_neighbours, 0, 1))
    return jump


def growth(areas: np.ndarray) -> np.ndarray:
    """(n,) in [0, 1]: how far areas (n,) in pixels are from what is usual around them; 1 from a factor of four on."""
    usual = np.array([_usual(areas[max(0, k - _AROUND) : k + _AROUND + 1]) for k in range(len(areas))])
    change: np.ndarray = np.clip(np.abs(np.log((areas + 1) / (usual + 1))) / _MOST_GROWTH, 0, 1)
    return change


def _usual(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else np.nan
