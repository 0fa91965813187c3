"""Region similarity J, boundary accuracy F and their statistics over a sequence, as the DAVIS benchmark defines them.

Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation", CVPR 2016, section 4.
One difference to the published program: bin limits of the decay are whole numbers, not bytes, so that sequences of
more than 255 frames come out right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

_TOLERANCE = 0.008  # of the image diagonal
_BINS = 4


@dataclass(frozen=True)
class Statistics:
    """One measure over a sequence: its mean, the share of frames above one half, first quarter minus last quarter."""

    mean: float
    recall: float
    decay: float


@dataclass(frozen=True)
class SequenceScores:
    """J and F of every frame of one object."""

    j: tuple[float, ...]
    f: tuple[float, ...]

    @property
    def j_and_f(self) -> float:
        """Mean of both over the sequence."""
        return (float(np.mean(self.j)) + float(np.mean(self.f))) / 2


@dataclass(frozen=True)
class Outline:
    """What F needs to know of one mask: made once where a mask is compared with several.

    Attributes:
        boundary: (H, W) bool, see `boundary_map`.
        length_px: number of its pixels.
        near: bool, pixels of `window` within reach of the boundary; there are none outside.
        window: rows and columns of the mask.
    """

    boundary: np.ndarray
    length_px: int
    near: np.ndarray
    window: tuple[slice, slice]


def jaccard(truth: np.ndarray, prediction: np.ndarray, *, void: np.ndarray | None = None) -> float:
    """Intersection over union of two masks (H, W) bool, 0..1; 1 where both are empty.

    Args:
        truth, prediction: masks of one size.
        void: (H, W) bool, pixels that do not count.
    """
    truth, prediction = _scored(truth, prediction, void)
    either = np.count_nonzero(truth | prediction)
    return np.count_nonzero(truth & prediction) / either if either else 1.0


def boundary_f(truth: np.ndarray, prediction: np.ndarray, *, void: np.ndarray | None = None) -> float:
    """F of the boundaries' precision and recall within 0.8 % of the image diagonal, 0..1; arguments as in `jaccard`."""
    truth, prediction = _scored(truth, prediction, void)
    return outlines_f(outline(truth), outline(prediction))


def outline(mask: np.ndarray) -> Outline:
    """Boundary and what lies near it of a mask (H, W) bool from which void pixels are already removed."""
    boundary = boundary_map(mask)
    length_px = int(np.count_nonzero(boundary))
    reach_px = boundary_reach_px(*boundary.shape)
    left, top, width, height = cv2.boundingRect(boundary.view(np.uint8))
    window = (
        slice(max(0, top - reach_px), top + height + reach_px),
        slice(max(0, left - reach_px), left + width + reach_px),
    )
    near = _dilated(boundary[window], reach_px) if length_px else boundary[window]
    return Outline(boundary, length_px, near, window)


def outlines_f(truth: Outline, prediction: Outline) -> float:
    """F of two masks by their outlines, of one size."""
    if not truth.length_px or not prediction.length_px:
        return float(truth.length_px == prediction.length_px)
    precision = np.count_nonzero(prediction.boundary[truth.window] & truth.near) / prediction.length_px
    recall = np.count_nonzero(truth.boundary[prediction.window] & prediction.near) / truth.length_px
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def boundary_map(mask: np.ndarray) -> np.ndarray:
    """Pixels of (H, W) bool that differ from their right, lower or lower-right neighbour, (H, W) bool.

    The last column looks only down, the last row only right, the last corner is never set; a full mask has no boundary.
    """
    solid = np.asarray(mask, dtype=bool)
    boundary = np.zeros_like(solid)
    boundary[:, :-1] |= solid[:, :-1] != solid[:, 1:]
    boundary[:-1] |= solid[:-1] != solid[1:]
    boundary[:-1, :-1] |= solid[:-1, :-1] != solid[1:, 1:]
    return boundary


def boundary_reach_px(height: int, width: int) -> int:
    """How far two boundaries may lie apart and still match, in pixels."""
    return math.ceil(_TOLERANCE * math.hypot(height, width))


def sequence_scores(
    truth: Sequence[np.ndarray] | np.ndarray,
    prediction: Sequence[np.ndarray] | np.ndarray,
    *,
    void: Sequence[np.ndarray] | np.ndarray | None = None,
) -> SequenceScores:
    """J and F of each frame; all arguments are T masks (H, W) bool of one size."""
    voids = [None] * len(truth) if void is None else void
    triples = list(zip(truth, prediction, voids, strict=True))
    return SequenceScores(
        j=tuple(jaccard(a, b, void=v) for a, b, v in triples),
        f=tuple(boundary_f(a, b, void=v) for a, b, v in triples),
    )


def statistics(values: Sequence[float] | np.ndarray) -> Statistics:
    """Mean, recall and decay of one measure's values over the frames of a sequence (at least one)."""
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1 or not series.size:
        raise ValueError("statistics need the values of at least one frame")
    limits = np.round(np.linspace(1, series.size, _BINS + 1) + 1e-10).astype(np.int64) - 1
    first, last = series[: limits[1] + 1], series[limits[-2] :]
    return Statistics(
        mean=float(series.mean()), recall=float((series > 0.5).mean()), decay=float(first.mean() - last.mean())
    )


def _scored(truth: np.ndarray, prediction: np.ndarray, void: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    truth, prediction = np.asarray(truth, dtype=bool), np.asarray(prediction, dtype=bool)
    if truth.shape != prediction.shape or truth.ndim != 2 or (void is not None and void.shape != truth.shape):
        raise ValueError(f"masks of different size: {truth.shape} and {prediction.shape}")
    if void is None:
        return truth, prediction
    counts = ~np.asarray(void, dtype=bool)
    return truth & counts, prediction & counts


def _dilated(boundary: np.ndarray, reach_px: int) -> np.ndarray:
    """Pixels at most `reach_px` (Euclidean) from the boundary."""
    y, x = np.ogrid[-reach_px : reach_px + 1, -reach_px : reach_px + 1]
    disk = (x * x + y * y <= reach_px * reach_px).astype(np.uint8)
    return cv2.dilate(boundary.view(np.uint8), disk).view(bool)
