"""Which frames a person should look at first: how doubtful an object's mask is in each frame, from 0 to 1.

Four signs, each a factor that lowers the trust in a frame:

* the model's own doubt: 1 - confidence. A propagator's confidence is the IoU that its probabilities let one expect, so
  blurred edges lower it (entropy there) as well as uncertain areas, and it stays low behind a doubtful stretch of the
  way from the given frame; a referrer's holds its class score and consensus;
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

LEAST_DOUBT = 0.07  # of a propagated mask: J is below 0.75 above it and above 0.8 below it (docs/benchmarks.md)
_STRETCH = 24  # frames of doubt for which a person is shown one
_AROUND = 5  # frames on either side that say what is usual
_DISAGREEMENT, _JUMP, _AREA = 0.5, 0.5, 0.5  # what each sign can take at most
_AGREED = 0.85  # passes whose masks overlap by so much have met; the blend's own confidence knows the rest
_LEAST_JUMP = 0.25  # things that walk and turn overlap by so much less now and then, with right masks
_LEAST_GROWTH, _MOST_GROWTH = np.log(1.5), np.log(4.0)  # changes of area by factors that take nothing, and all


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
    trust = np.array([trusted(each.confidence, each.agreement) for each in frames])
    areas = np.array([area(each.mask) for each in frames], dtype=np.float64)
    # A mask that is empty has no confidence of its own: whether it should be is left to the change of area.
    agreed = np.array([each.agreement in (None, 1.0) for each in frames], dtype=bool)
    trust = np.where((areas == 0) & agreed, 1.0, trust)
    trust = trust * (1 - _JUMP * jumps(frames)) * (1 - _AREA * growth(areas))
    locked = np.array([each.locked for each in frames], dtype=bool)
    return np.where(locked, 0.0, 1 - trust).astype(np.float32)


def trusted(confidence: float, agreement: float | None) -> float:
    """A confidence in [0, 1] that knows of the other pass: what is kept with a mask in a project."""
    share = 0.0 if agreement is None else max(0.0, _AGREED - agreement) / _AGREED
    return min(1.0, max(0.0, confidence)) * (1 - _DISAGREEMENT * share)


def jumps(frames: Sequence[SuspectFrame]) -> np.ndarray:
    """(n,) in [0, 1]: how much less a mask overlaps a neighbour than is usual around it, where that is a lot."""
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
    jump: np.ndarray = np.nan_to_num(np.clip((usual - with_neighbours - _LEAST_JUMP) / (1 - _LEAST_JUMP), 0, 1))
    return jump


def growth(areas: np.ndarray) -> np.ndarray:
    """(n,) in [0, 1]: how far areas (n,) are from the usual around them; 0 up to a factor of 1.5, 1 from 4 on."""
    usual = np.array([_usual(areas[max(0, k - _AROUND) : k + _AROUND + 1]) for k in range(len(areas))])
    change = np.abs(np.log((areas + 1) / (usual + 1)))
    excess: np.ndarray = np.clip((change - _LEAST_GROWTH) / (_MOST_GROWTH - _LEAST_GROWTH), 0, 1)
    return excess


def _usual(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else np.nan


def worth_a_look(frames: np.ndarray, doubt: np.ndarray, *, least: float = LEAST_DOUBT) -> list[int]:
    """One frame for each stretch of doubt, and for every 24 frames of a long one: where it is worst.

    Args:
        frames: (n,) int64, ascending.
        doubt: (n,) as `suspicion` gives it.
        least: a frame below it is not worth a person's time.

    Returns:
        Frames, the worst first.
    """
    stretches: list[list[int]] = []
    for place in np.flatnonzero(doubt >= least).tolist():
        last = stretches[-1] if stretches else None
        if last and frames[place] - frames[last[-1]] <= 2 and frames[place] - frames[last[0]] < _STRETCH:
            last.append(place)
        else:
            stretches.append([place])
    worst = [max(stretch, key=lambda place: doubt[place]) for stretch in stretches]
    return [int(frames[place]) for place in sorted(worst, key=lambda place: -doubt[place])]
