"""Which pixels a shape covers. A pixel belongs to a shape when its centre does; all coordinates are frame pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage, QPainter, QPolygonF

Point = tuple[float, float]

_CORE_LEAST_PX = 1.5  # fewer pixels say nothing about a colour
_TOLERANCE = 18.0  # levels of 255 that noise and compression move a colour by
_SPREADS = 2.0


@dataclass(frozen=True)
class Patch:
    """Pixels of a frame: (h, w) bool, whose first one lies at (`left`, `top`); never beyond the frame."""

    left: int
    top: int
    pixels: np.ndarray


def capsule(start: Point, stop: Point, radius: float, *, size: tuple[int, int]) -> Patch | None:
    """A disc swept from `start` to `stop`: pixels whose centre is within `radius` of the line between them.

    Args:
        radius: pixels; below 1 the ends snap to pixel centres, so that the finest stroke is one pixel wide.
        size: height and width of the frame.

    Returns:
        The part on the frame; None where there is none.
    """
    if radius < 1:
        start, stop = _snapped(start), _snapped(stop)
    window = _window((start, stop), radius, size=size)
    if window is None:
        return None
    left, top, right, bottom = window
    y = np.arange(top, bottom) + 0.5
    low, high = _disc_rows(start, radius, y)
    for first, last in (_disc_rows(stop, radius, y), _body_rows(start, stop, radius, y)):
        low, high = np.minimum(low, first), np.maximum(high, last)
    x = np.arange(left, right) + 0.5
    return Patch(left, top, (x >= low[:, None]) & (x <= high[:, None]))


def alike(picture: np.ndarray, centre: Point, radius: float, hardness: float) -> Patch | None:
    """A disc whose rim takes only what looks like its core.

    The core, of `hardness` times the radius, is taken whole. Beyond it a pixel is taken when no channel differs from
    the core's mean by more than the core's own spread allows, and ever less towards the rim.

    Args:
        picture: (H, W, 3) uint8 RGB.
        radius: pixels.
        hardness: 0..1; 1 is the plain disc.
    """
    height, width = picture.shape[:2]
    window = _window((centre, centre), radius, size=(height, width))
    if window is None:
        return None
    left, top, right, bottom = window
    across = (np.arange(left, right, dtype=np.float32) + np.float32(0.5 - centre[0])) ** 2
    down = (np.arange(top, bottom, dtype=np.float32) + np.float32(0.5 - centre[1])) ** 2
    distance = down[:, None] + across
    core_squared = max(hardness * radius, _CORE_LEAST_PX) ** 2
    core = distance <= core_squared
    inside = distance <= radius**2
    if not core.any() or radius**2 <= core_squared:
        return Patch(left, top, inside)
    crop = np.ascontiguousarray(picture[top:bottom, left:right])
    mean, spread = cv2.meanStdDev(crop, mask=core.view(np.uint8))
    gap = cv2.absdiff(crop, np.full_like(crop, mean.ravel().round()))
    worst = cv2.max(cv2.max(gap[..., 0], gap[..., 1]), gap[..., 2])
    allowed = _TOLERANCE + _SPREADS * float(spread.max())
    loss = 0.5 * allowed / (radius**2 - core_squared)  # of the tolerance, per squared pixel outwards: half at the rim
    alike_enough = worst + np.float32(loss) * distance <= allowed + loss * core_squared
    return Patch(left, top, core | (inside & alike_enough))


def polygon(corners: Sequence[Point], *, size: tuple[int, int]) -> Patch | None:
    """All that a closed line goes round; where it crosses itself, too (the non-zero winding rule). None: nothing."""
    window = _window(corners, 0.0, size=size)
    if len(corners) < 3 or window is None:
        return None
    left, top, right, bottom = window
    canvas = QImage(right - left, bottom - top, QImage.Format.Format_Grayscale8)
    canvas.fill(0)
    painter = QPainter(canvas)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(Qt.GlobalColor.white)
    outline = QPolygonF([QPointF(x - left, y - top) for x, y in corners])
    painter.drawPolygon(outline, Qt.FillRule.WindingFill)
    painter.end()
    rows = np.frombuffer(canvas.constBits(), np.uint8).reshape(canvas.height(), canvas.bytesPerLine())
    pixels = rows[:, : canvas.width()] > 0
    return Patch(left, top, pixels) if pixels.any() else None


def _snapped(point: Point) -> Point:
    return math.floor(point[0]) + 0.5, math.floor(point[1]) + 0.5


def _window(points: Sequence[Point], margin: float, *, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom (exclusive) of the frame's pixels near `points`."""
    if not points:
        return None
    height, width = size
    left = max(math.floor(min(x for x, _ in points) - margin), 0)
    top = max(math.floor(min(y for _, y in points) - margin), 0)
    right = min(math.ceil(max(x for x, _ in points) + margin) + 1, width)
    bottom = min(math.ceil(max(y for _, y in points) + margin) + 1, height)
    return (left, top, right, bottom) if left < right and top < bottom else None


def _disc_rows(centre: Point, radius: float, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The disc's interval of x in each row; (inf, -inf) in rows that it does not meet."""
    squared = radius**2 - (y - centre[1]) ** 2
    half = np.sqrt(np.maximum(squared, 0.0))
    met = squared >= 0
    return np.where(met, centre[0] - half, np.inf), np.where(met, centre[0] + half, -np.inf)


def _body_rows(start: Point, stop: Point, radius: float, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `_disc_rows`, for the rectangle between the two discs."""
    length = math.hypot(stop[0] - start[0], stop[1] - start[1])
    if length == 0:
        return np.full(len(y), np.inf), np.full(len(y), -np.inf)
    along_x, along_y = (stop[0] - start[0]) / length, (stop[1] - start[1]) / length
    below = y - start[1]
    # Along the line 0 <= dx * along_x + below * along_y <= length,
    # across it -radius <= below * along_x - dx * along_y <= radius.
    low, high = _between(along_x, below * along_y, 0.0, length)
    low2, high2 = _between(-along_y, below * along_x, -radius, radius)
    low, high = np.maximum(low, low2) + start[0], np.minimum(high, high2) + start[0]
    met = low <= high
    return np.where(met, low, np.inf), np.where(met, high, -np.inf)


def _between(slope: float, rest: np.ndarray, least: float, most: float) -> tuple[np.ndarray, np.ndarray]:
    """The interval of dx with `least <= slope * dx + rest <= most`, per row."""
    if abs(slope) < 1e-9:
        fits = (rest >= least) & (rest <= most)
        return np.where(fits, -np.inf, np.inf), np.where(fits, np.inf, -np.inf)
    one, other = (least - rest) / slope, (most - rest) / slope
    return np.minimum(one, other), np.maximum(one, other)
