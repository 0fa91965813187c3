"""The frames of a track whose masks the propagator is given: few, sure, and spread over the track's time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from rvos_core.inference.motion.moments import Moment
from rvos_core.inference.motion.tracks import Sighting, Track
from rvos_core.types import FrameSpan

FRAMES_PER_SEED = 18
MOST_SEEDS = 6


def choose_seeds(track: Track, moments: Sequence[Moment], *, frames: int) -> list[Sighting]:
    """The best sighting of each stretch of the track; `frames`: of the shot, which decides how many."""
    most = int(np.clip(round(frames / FRAMES_PER_SEED), 2, MOST_SEEDS))
    usual = float(np.median([each.area for each in track.sightings]))
    stretches = np.array_split(np.arange(len(track.sightings)), min(most, len(track.sightings)))
    best = [
        max((track.sightings[int(i)] for i in stretch), key=lambda each: _worth(each, usual))
        for stretch in stretches
        if len(stretch)
    ]
    worths = [_worth(each, usual) for each in best]
    return [each for each, worth in zip(best, worths, strict=True) if worth >= 0.6 * max(worths)]


def shot_spans(span: FrameSpan, cuts: Sequence[int]) -> list[FrameSpan]:
    """The shots of a span."""
    bounds = [span.start, *cuts, span.stop]
    return [FrameSpan(first, last) for first, last in pairwise(bounds)]


def _worth(sighting: Sighting, usual_area: float) -> float:
    """How good a mask is to be expected: sure, of the usual size, whole within the picture."""
    size = min(sighting.area, usual_area) / max(sighting.area, usual_area)
    cut_off = sighting.mask[[0, -1]].any() or sighting.mask[:, [0, -1]].any()
    return float(sighting.certainty * np.sqrt(size) * (0.8 if cut_off else 1.0))
