"""What a track looks like, learned from its own sightings: colour against the surroundings, over the whole clip.

Motion sees a thing's ripples and shadow as part of it and misses what rests for a moment; colour knows neither. How far
colour is believed comes out of how well it tells the thing from its surroundings: bins that both share say nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from rvos_core.inference.motion.moments import Moment
from rvos_core.inference.motion.tracks import Sighting, Track

_COLOUR_WEIGHT = 1.5  # against motion
_ROUNDS = 3
_SURE_QUANTILE = 0.7
_MUCH_LEFT, _BETTER = 0.8, 1.02  # what the second form must leave out, and how much better its outline must be
_BINS = 16  # a side of the Lab cube
_MOST = 40  # sightings that colours are learned from
_MOTION_CLIP = 3.0  # logits
_COLOUR_CLIP = 2.5
_SMOOTHING = 8.0  # cells that a bin must have seen before it says much


class Appearance:
    """The colours of one track.

    Two forms are learned: of all cells that move, and of the surest ones only. The second is taken where it leaves out
    much of what moves and its outline follows the picture's edges better: then the rest is wake, shadow or reflection.
    """

    def __init__(self, track: Track, moments: Sequence[Moment]) -> None:
        self._moments = moments
        known = spread(track.sightings, _MOST)
        whole_colour = self._learn(known, quantile=None)
        whole = [self.logits(each) > 0 for each in known]
        self._learn(known, quantile=_SURE_QUANTILE)
        sure = [self.logits(each) > 0 for each in known]
        kept = sum(map(np.count_nonzero, sure)) / max(1, sum(map(np.count_nonzero, whole)))
        pictures = [moments[each.moment].picture for each in known]
        if kept > _MUCH_LEFT or _outline(pictures, sure, known) < _BETTER * _outline(pictures, whole, known):
            self._colour = whole_colour

    def logits(self, sighting: Sighting) -> np.ndarray:
        """(h, w) float32: of the thing at one of its sightings, from motion and colour together."""
        moment = self._moments[sighting.moment]
        motion = np.clip(moment.moving, -_MOTION_CLIP, _MOTION_CLIP)
        distance = cv2.distanceTransform((~sighting.mask).astype(np.uint8), cv2.DIST_L2, 3)
        motion = np.where(sighting.mask, motion, np.minimum(motion, 0.5 - 0.35 * distance))
        colour = cv2.GaussianBlur(self._colour[_cells(moment.picture)], (0, 0), 0.8)
        joined = motion + _COLOUR_WEIGHT * colour
        return np.where(_around(sighting), joined, -2 * _MOTION_CLIP).astype(np.float32)

    def _learn(self, known: Sequence[Sighting], *, quantile: float | None) -> np.ndarray:
        """Log odds of each bin of colour; `quantile`: of the cells' logits from where a cell counts as the thing."""
        self._colour = np.zeros(_BINS**3, np.float32)
        for turn in range(_ROUNDS):
            inside, outside = np.zeros(_BINS**3), np.zeros(_BINS**3)
            for each in known:
                logits = self.logits(each) if turn or quantile is None else self._raw(each)
                near, cells = _around(each), _cells(self._moments[each.moment].picture)
                least = 0.0 if quantile is None else float(np.quantile(logits[each.mask], quantile))
                own = 1 / (1 + np.exp(-(logits - least) * (1.0 if quantile is None else 1.5)))
                other = 1 / (1 + np.exp(logits))
                if quantile is not None:
                    other = np.maximum(other, 0.5 * (1 - own))
                inside += np.bincount(cells[near], weights=own[near], minlength=_BINS**3)
                outside += np.bincount(cells[near], weights=other[near], minlength=_BINS**3)
            self._colour = _log_odds(_soft(inside), _soft(outside))
        return self._colour

    def _raw(self, sighting: Sighting) -> np.ndarray:
        """What motion alone says, as sure as it is."""
        moving = self._moments[sighting.moment].moving
        return np.where(sighting.mask, moving, np.minimum(moving, 0.0))


def _log_odds(inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """Of each bin, thing against surroundings, both counted as equally large."""
    total = np.array([max(inside.sum(), 1.0), max(outside.sum(), 1.0)])
    usual = _SMOOTHING * total / total.sum()
    odds = np.log((inside + usual[0]) / total[0]) - np.log((outside + usual[1]) / total[1])
    clipped: np.ndarray = np.clip(odds, -_COLOUR_CLIP, _COLOUR_CLIP).astype(np.float32)
    return clipped


def _outline(pictures: Sequence[np.ndarray], masks: Sequence[np.ndarray], sightings: Sequence[Sighting]) -> float:
    """How much stronger the picture's edges are along the outlines than round about, mean."""
    found = []
    for picture, mask, sighting in zip(pictures, masks, sightings, strict=True):
        outline = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
        if outline.any():
            edges = _edges(picture)
            found.append(float(edges[outline].mean() / max(edges[_around(sighting)].mean(), 1e-3)))
    return float(np.mean(found)) if found else 0.0


def _edges(picture: np.ndarray) -> np.ndarray:
    """(h, w) float32: length of the gradient of Lab."""
    lab = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.float32), (0, 0), 1.0)
    across, down = cv2.Sobel(lab, cv2.CV_32F, 1, 0), cv2.Sobel(lab, cv2.CV_32F, 0, 1)
    lengths: np.ndarray = np.sqrt(np.square(across).sum(-1) + np.square(down).sum(-1))
    return lengths


def spread(sightings: Sequence[Sighting], most: int) -> list[Sighting]:
    """At most so many, evenly over time."""
    if len(sightings) <= most:
        return list(sightings)
    return [sightings[int(index)] for index in np.linspace(0, len(sightings) - 1, most).round()]


def _around(sighting: Sighting) -> np.ndarray:
    """(h, w) bool: where the thing can be at all, about its own size round it."""
    reach = max(3, round(0.35 * np.sqrt(sighting.area)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return cv2.dilate(sighting.mask.astype(np.uint8), kernel) > 0


def _cells(picture: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 RGB -> (h, w) int, bins of Lab; chroma is stretched, as most colours lie near grey."""
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.int32)
    light = lab[..., 0] * _BINS // 256
    chroma = np.clip((lab[..., 1:] - 128) // 5 + _BINS // 2, 0, _BINS - 1)
    cells: np.ndarray = (light * _BINS + chroma[..., 0]) * _BINS + chroma[..., 1]
    return cells


def _soft(counts: np.ndarray) -> np.ndarray:
    """Counts shared with neighbouring bins."""
    cube = counts.reshape(_BINS, _BINS, _BINS)
    for axis in range(3):
        padded = np.pad(cube, [(1, 1) if each == axis else (0, 0) for each in range(3)], mode="edge")
        lower, upper = np.take(padded, range(_BINS), axis), np.take(padded, range(2, _BINS + 2), axis)
        cube = 0.5 * cube + 0.25 * (lower + upper)
    return cube.ravel()
