"""How two objects stand to each other: before, behind, beside, left, right; and how fast they are.

Three answers as in `predicates`: True, False, or None where a person could argue either way.
"""

from __future__ import annotations

import numpy as np

from rvos_core.synthetic.facts import ObjectFacts

Truth = bool | None

_SIDEWAYS = 0.06  # share of the frame's width between centres
_DEPTH = 0.03  # frame heights between feet
_TOUCHING = 0.04  # share of the width between outlines of what is before or behind
_FAR = 0.25
_BESIDE = (0.08, 0.07)  # share of the width between outlines, frame heights between feet
_APART = (0.2, 0.25)


def further_left(first: ObjectFacts, second: ObjectFacts, *, margin: float) -> Truth:
    """Whether `first` is left of `second` by a share of the width wherever both are seen; None otherwise."""
    both = first.visible & second.visible
    if not both.any():
        return None
    gap = second.centre[both, 0] - first.centre[both, 0]
    return True if bool((gap > margin).all()) else None


def judge_relation(first: ObjectFacts, second: ObjectFacts, relation: str) -> Truth:
    """Whether `first` is in a relation (one of `RELATIONS`) to `second`, in all frames that show both."""
    both = first.visible & second.visible
    if first.track is None or second.track is None or not both.any():
        return None
    if relation in ("left of", "right of"):
        gap = (second.centre[both, 0] - first.centre[both, 0]) * (1 if relation == "left of" else -1)
        return True if bool((gap > _SIDEWAYS).all()) else False if bool((gap < 0).all()) else None
    if first.track.lift.any() or second.track.lift.any():
        return None
    apart = _between(first, second)[both]
    nearer = (first.track.y - second.track.y)[both]
    if relation == "next to":
        if bool((apart < _BESIDE[0]).all()) and bool((np.abs(nearer) < _BESIDE[1]).all()):
            return True
        return False if bool((apart > _APART[0]).all()) or bool((np.abs(nearer) > _APART[1]).all()) else None
    if relation == "behind":
        nearer = -nearer
    if bool((nearer > _DEPTH).all()) and bool((apart < _TOUCHING).all()):
        return True
    return False if bool((nearer < 0).all()) or bool((apart > _FAR).all()) else None


def metres_per_second(facts: ObjectFacts) -> tuple[float, float]:
    """Mean pace where it moves, per second: its own metres, frame heights over the ground; zeros where it stands."""
    if facts.track is None:
        return 0.0, 0.0
    pace = np.abs(facts.track.speed)
    moving = pace > 0
    if not moving.any():
        return 0.0, 0.0
    return float(pace[moving].mean()), float((pace * facts.track.metre)[moving].mean())


def _between(first: ObjectFacts, second: ObjectFacts) -> np.ndarray:
    """(T,) share of the frame's width between two outlines; negative where they overlap. Both must be visible."""
    both = first.visible & second.visible
    middle = (first.boxes[both, 0] + first.boxes[both, 2]) / 2
    width = float(np.median(middle / np.maximum(first.centre[both, 0], 1e-6)))
    left = np.maximum(first.boxes[:, 0], second.boxes[:, 0])
    right = np.minimum(first.boxes[:, 2], second.boxes[:, 2])
    return np.asarray((left - right) / width)
