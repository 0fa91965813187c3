"""Confidence intervals by resampling clips: expressions of one clip stand or fall together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_RESAMPLES = 2000
_TAIL = 0.025


@dataclass(frozen=True)
class Interval:
    """A figure and the 95 % interval it lies in."""

    value: float
    low: float
    high: float


def ratio_interval(rows: Sequence[tuple[int, float, float]]) -> Interval:
    """Sum of numerators over sum of denominators, with a percentile bootstrap over clips; the same on every call.

    Args:
        rows: (clip, numerator, denominator); rows of one clip are drawn together. Denominators are not all zero.
    """
    clips, members = np.unique([row[0] for row in rows], return_inverse=True)
    sums = np.zeros((len(clips), 2))
    np.add.at(sums, members, np.array([row[1:] for row in rows], dtype=np.float64))
    draws = np.random.Generator(np.random.PCG64(0)).integers(len(clips), size=(_RESAMPLES, len(clips)))
    resampled = sums[draws].sum(axis=1)
    ratios = resampled[resampled[:, 1] > 0]
    low, high = np.quantile(ratios[:, 0] / ratios[:, 1], [_TAIL, 1 - _TAIL])
    total = sums.sum(axis=0)
    return Interval(value=float(total[0] / total[1]), low=float(low), high=float(high))
