"""Which clicker's answer is taken: the one that agrees best with all clicks and leaves alone what nobody clicked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import cv2
import numpy as np

from rvos_core.inference.clicks.checking import check_request
from rvos_core.models.api import Around, Clicker, Clicks

HELD_SHARE = 0.004  # radius of what a click holds for certain, against the frame's longer side
_LOOKED_AT_SHARE = 0.012  # radius in which an answer is asked whether it agrees with a click
_FAR_SHARE = 0.25  # from a click that the current mask contradicts; farther away little should change
_CHANGE_WEIGHT = 0.5
_TIE = 0.02


@runtime_checkable
class OfClips(Protocol):
    """A clicker that has nothing of its own to say about a still picture; there the others are asked."""

    needs_neighbours: bool


@dataclass(frozen=True)
class ClickAnswer:
    """An object's mask on one frame.

    Attributes:
        mask: (H, W) bool; every positive click is inside, every negative one outside.
        clicker: name of the one that gave it.
        agreement: 0 to 1: how far its answer, before clicks were enforced, agreed with them and with the mask before.
    """

    mask: np.ndarray
    clicker: str
    agreement: float


class ClickSession:
    """Asks several clickers the same question and takes one answer. Keeps nothing from question to question.

    Args:
        clickers: the preferred one first: it is taken where others agree no better.
    """

    def __init__(self, clickers: Sequence[Clicker]) -> None:
        if not clickers:
            raise ValueError("a click needs at least one clicker")
        self._clickers = tuple(clickers)

    @property
    def clickers(self) -> tuple[str, ...]:
        """Names, the preferred one first."""
        return tuple(each.name for each in self._clickers)

    def answer(
        self, frame: np.ndarray, clicks: Clicks, current: np.ndarray | None = None, around: Around | None = None
    ) -> ClickAnswer:
        """The object's mask.

        Args:
            frame: (H, W, 3) uint8 RGB.
            clicks: all that were made about this object on this frame.
            current: (H, W) bool, the mask that is being corrected; None: there is none.
            around: the frame's neighbours in its clip; None: a still picture.

        Raises:
            UserError: as `check_request`.
        """
        check_request(frame, clicks, current)
        best: ClickAnswer | None = None
        of_stills = [each for each in self._clickers if not isinstance(each, OfClips)]
        for clicker in self._clickers if around is not None else of_stills or self._clickers:
            if best is not None and best.agreement + _TIE >= 1:
                break  # none could be better
            mask = clicker.segment(frame, clicks, current=current, around=around)
            found = agreement(mask, clicks, current)
            if best is None or found > best.agreement + _TIE:
                best = ClickAnswer(enforced(mask, clicks), clicker.name, found)
        assert best is not None
        return best


def agreement(mask: np.ndarray, clicks: Clicks, current: np.ndarray | None) -> float:
    """0 to 1: how well a mask fits clicks, and the current mask away from the clicks that correct it.

    The mean over clicks of the share of right pixels close by, less half of what changed far from every correction,
    against the area of the current mask.
    """
    radius = max(1, round(_LOOKED_AT_SHARE * max(mask.shape)))
    shares = [float(mask[_around(mask, point, radius)].mean()) for point in clicks.positive]
    shares += [1 - float(mask[_around(mask, point, radius)].mean()) for point in clicks.negative]
    fit = float(np.mean(shares)) if shares else 1.0
    if current is None or not current.any():
        return fit
    wrong = [(x, y) for x, y in clicks.positive if not current[y, x]] + [
        (x, y) for x, y in clicks.negative if current[y, x]
    ]
    far = np.ones(mask.shape, np.uint8)
    for point in wrong:
        cv2.circle(far, point, round(_FAR_SHARE * max(mask.shape)), 0, -1)
    changed = float(((mask != current) & (far > 0)).sum()) / float(current.sum())
    return max(0.0, fit - _CHANGE_WEIGHT * min(1.0, changed))


def enforced(mask: np.ndarray, clicks: Clicks) -> np.ndarray:
    """A copy of `mask`, (H, W) bool, with the close neighbourhood of every click as it says.

    Where neighbourhoods of opposite clicks overlap, a pixel goes with the nearer click.
    """
    radius = max(1, round(HELD_SHARE * max(mask.shape)))
    held = mask.copy()
    nearest = np.full(mask.shape, np.inf, np.float32)
    for point, inside in [(each, True) for each in clicks.positive] + [(each, False) for each in clicks.negative]:
        rows, columns = _around(mask, point, radius)
        down, across = np.ogrid[rows, columns]
        distance = np.hypot(down - point[1], across - point[0]).astype(np.float32)
        window = nearest[rows, columns]
        taken = (distance <= radius) & (distance < window)
        window[taken] = distance[taken]
        held[rows, columns][taken] = inside
    return held


def _around(mask: np.ndarray, point: tuple[int, int], radius: int) -> tuple[slice, slice]:
    """The square of that radius round a pixel, cut at the border."""
    x, y = point
    height, width = mask.shape
    rows = slice(max(0, y - radius), min(height, y + radius + 1))
    return rows, slice(max(0, x - radius), min(width, x + radius + 1))
