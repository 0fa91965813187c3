"""One frame prepared for clicks: reduced to a bounded size, with its edges and what its places look like."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from rvos_core.inference.clicks.appearance import Appearance
from rvos_core.inference.clicks.fields import edge_lengths, geodesic, neighbour_weights, walking_cost
from rvos_core.inference.clicks.movement import Movement
from rvos_core.models.api import Clicks

SIDE = 320  # longer side of the picture that is worked on, pixels
_SEED_SHARE = 0.012  # radius of what a click surely means, against the side of a square as large as the picture


@dataclass(frozen=True)
class Scene:
    """A frame at working size.

    Attributes:
        scale: working pixels in one of the frame's.
        weights: how much neighbours hold together.
        cost: of walking through a pixel.
        appearance: what is learned anew with every click.
        movement: what moves on the frame; None where that is not known, or nothing does.
    """

    scale: float
    weights: tuple[np.ndarray, np.ndarray]
    cost: np.ndarray
    appearance: Appearance
    movement: Movement | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w) of the working picture."""
        return self.cost.shape[0], self.cost.shape[1]

    @property
    def side(self) -> float:
        """Of a square as large as the working picture, pixels."""
        return float(np.sqrt(self.cost.size))

    @property
    def seed_radius(self) -> int:
        """Of what a click surely means, working pixels."""
        return max(2, round(_SEED_SHARE * self.side))

    def places(self, points: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
        """Pixels of the frame as working pixels."""
        height, width = self.shape
        return [
            (min(width - 1, int((x + 0.5) * self.scale)), min(height - 1, int((y + 0.5) * self.scale)))
            for x, y in points
        ]

    def reduced(self, mask: np.ndarray) -> np.ndarray:
        """(H, W) bool -> (h, w) bool at working size."""
        height, width = self.shape
        share = cv2.resize(mask.astype(np.uint8) * 255, (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(share > 127)

    def distances(self, seeds: np.ndarray) -> np.ndarray:
        """(h, w) float32: of each pixel from `seeds`, (h, w) bool, as `geodesic`."""
        return geodesic(self.cost, seeds)


@dataclass(frozen=True)
class Seeds:
    """What clicks and a box surely mean, (h, w) bool, and the clicks at working size."""

    inside: np.ndarray
    outside: np.ndarray
    positive: list[tuple[int, int]]
    negative: list[tuple[int, int]]


def prepared(frame: np.ndarray, *, extra: np.ndarray | None = None, extra_weight: float = 0.0) -> Scene:
    """`frame`: (H, W, 3) uint8 RGB; `extra`, `extra_weight`: as `Appearance`."""
    height, width = frame.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(cv2.GaussianBlur(picture, (0, 0), 0.6), cv2.COLOR_RGB2LAB).astype(np.float32)
    return Scene(
        scale=scale,
        weights=neighbour_weights(lab),
        cost=walking_cost(edge_lengths(lab)),
        appearance=Appearance(picture, extra=extra, extra_weight=extra_weight),
    )


def seeds_of(scene: Scene, clicks: Clicks) -> Seeds:
    """Discs round the clicks, each kept to its own side, and everything outside the box."""
    positive, negative = scene.places(clicks.positive), scene.places(clicks.negative)
    inside, outside = (discs(scene.shape, each, scene.seed_radius) for each in (positive, negative))
    both = inside & outside
    inside, outside = inside & ~both, outside & ~both
    if clicks.box is not None:
        outside = outside | ~boxed(scene, clicks.box)
    for x, y in negative:
        inside[y, x], outside[y, x] = False, True
    for x, y in positive:
        inside[y, x], outside[y, x] = True, False
    return Seeds(inside & ~outside, outside, positive, negative)


def boxed(scene: Scene, box: tuple[int, int, int, int]) -> np.ndarray:
    """(h, w) bool: the working pixels in a box of the frame; at least one."""
    left, top, right, bottom = (each * scene.scale for each in box)
    height, width = scene.shape
    found = np.zeros(scene.shape, dtype=bool)
    first_row, first_column = min(max(0, int(top)), height - 1), min(max(0, int(left)), width - 1)
    found[first_row : max(first_row + 1, round(bottom)), first_column : max(first_column + 1, round(right))] = True
    return found


def discs(shape: tuple[int, int], points: list[tuple[int, int]], radius: int) -> np.ndarray:
    """(h, w) bool."""
    drawn = np.zeros(shape, np.uint8)
    for point in points:
        cv2.circle(drawn, point, radius, 1, -1)
    return drawn > 0
