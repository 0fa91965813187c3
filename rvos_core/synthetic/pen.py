"""Vector drawing of one object: shapes in metres become a small supersampled RGBA patch ("sprite").

A figure never sees pixels. Its local system has x forward (the way it faces), y up, the origin on the ground below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from rvos_core.synthetic.colours import Rgb

Point = tuple[float, float]
Extent = tuple[float, float, float, float]  # x_min, y_min, x_max, y_max in metres, before scaling

_SHIFT = 4
_ONE = 1 << _SHIFT


@dataclass(frozen=True)
class Placement:
    """Where and how large a figure stands in one frame.

    Attributes:
        x_px, y_px: the figure's origin, continuous pixel coordinates (the first pixel spans 0..1).
        scale_px: pixels for one metre.
        facing: +1 faces right, -1 left.
        turn: radians by which the picture is turned about the origin, clockwise as seen (a camera that rolls).
    """

    x_px: float
    y_px: float
    scale_px: float
    facing: int
    turn: float = 0.0


@dataclass(frozen=True)
class Sprite:
    """A drawn figure.

    Attributes:
        left, top: pixel position of the patch in the frame; may be negative.
        rgb: (h, w, 3) uint8, premultiplied by alpha.
        alpha: (h, w) uint8, coverage of everything drawn.
        owner: (h, w) uint8, coverage of the parts that belong to the object (without a rider's bike).
        foot: origin of the figure within the patch, pixels.
        solid: (h, w) uint8, coverage that hides what is behind where `alpha` is smeared by motion; None: `alpha`.
    """

    left: int
    top: int
    rgb: np.ndarray
    alpha: np.ndarray
    owner: np.ndarray
    foot: Point
    solid: np.ndarray | None = None


class Pen:
    """Draws filled shapes into one figure's patch; later shapes cover earlier ones.

    Args:
        placement: where the figure stands.
        extent: metres the figure may reach; anything outside is cut.
        split: True where some shapes do not belong to the object (`own = False` while they are drawn).
    """

    def __init__(self, placement: Placement, extent: Extent, *, split: bool = False) -> None:
        scale = placement.scale_px
        self._turn = placement.turn
        if placement.turn:
            extent = _turned(extent, placement.turn)
        reach = (extent[0], extent[2]) if placement.facing > 0 else (-extent[2], -extent[0])
        self._left = int(np.floor(placement.x_px + reach[0] * scale)) - 1
        self._top = int(np.floor(placement.y_px - extent[3] * scale)) - 1
        width = int(np.ceil(placement.x_px + reach[1] * scale)) + 1 - self._left
        height = int(np.ceil(placement.y_px - extent[1] * scale)) + 1 - self._top
        self._factor = factor = _supersampling(height)
        self._foot = (placement.x_px - self._left, placement.y_px - self._top)
        self._scale = scale * factor
        self._gain = np.array([placement.facing * scale * factor * _ONE, -scale * factor * _ONE], np.float32)
        self._offset = (np.array(self._foot, np.float32) * factor - 0.5) * _ONE
        self._facing = placement.facing
        self._canvas = np.zeros((height * factor, width * factor, 4), np.uint8)
        self._owner = np.zeros((height * factor, width * factor), np.uint8) if split else None
        self.own = True

    @property
    def detail(self) -> float:
        """Pixels of the frame for one metre: figures leave out what would be smaller than a pixel."""
        return self._scale / self._factor

    def polygon(self, points: Sequence[Point], colour: Rgb) -> None:
        """Fill a simple polygon."""
        fixed = [self._fixed(points)]
        cv2.fillPoly(self._canvas, fixed, (*colour, 255), cv2.LINE_8, _SHIFT)
        if self._owner is not None:
            cv2.fillPoly(self._owner, fixed, 255 if self.own else 0, cv2.LINE_8, _SHIFT)

    def line(self, points: Sequence[Point], width: float, colour: Rgb) -> None:
        """Draw a polyline of `width` metres with round joints and ends."""
        fixed = [self._fixed(points)]
        thickness = max(1, round(width * self._scale))
        cv2.polylines(self._canvas, fixed, False, (*colour, 255), thickness, cv2.LINE_8, _SHIFT)
        if self._owner is not None:
            cv2.polylines(self._owner, fixed, False, 255 if self.own else 0, thickness, cv2.LINE_8, _SHIFT)

    def ellipse(self, centre: Point, radii: Point, colour: Rgb, *, turn: float = 0.0) -> None:
        """Fill an ellipse; `turn` in radians, counter-clockwise in the figure's own system."""
        self._ellipse(centre, radii, colour, turn, -1)

    def ring(self, centre: Point, radius: float, width: float, colour: Rgb) -> None:
        """Draw a circle's outline of `width` metres."""
        self._ellipse(centre, (radius, radius), colour, 0.0, max(1, round(width * self._scale)))

    def picture(self, corners: tuple[Point, Point, Point, Point], image: np.ndarray) -> None:
        """Paste a photograph into a convex patch; the object owns it already.

        Args:
            corners: where the picture's upper left, upper right, lower right and lower left corners go.
            image: (h, w, 3) uint8 RGB.
        """
        height, width = image.shape[:2]
        if self._facing < 0:  # letters and faces are not mirrored with the figure
            corners = (corners[1], corners[0], corners[3], corners[2])
        target = self._fixed(corners).astype(np.float32) / _ONE
        source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        x0, y0 = np.maximum(np.floor(target.min(axis=0)).astype(int), 0)
        x1, y1 = np.minimum(np.ceil(target.max(axis=0)).astype(int) + 1, self._canvas.shape[1::-1])
        if x1 <= x0 or y1 <= y0:
            return
        matrix = cv2.getPerspectiveTransform(source, target - np.array([x0, y0], np.float32))
        patch = cv2.warpPerspective(image, matrix, (int(x1 - x0), int(y1 - y0)), flags=cv2.INTER_LINEAR)
        inside = np.zeros(patch.shape[:2], np.uint8)
        cv2.fillConvexPoly(inside, np.round(target - (x0, y0)).astype(np.int32), 1)
        region = self._canvas[y0:y1, x0:x1]
        np.copyto(region[..., :3], patch, where=((inside > 0) & (region[..., 3] > 0))[..., None])

    def finish(self) -> Sprite:
        """The patch at frame resolution."""
        size = (self._canvas.shape[1] // self._factor, self._canvas.shape[0] // self._factor)
        patch = cv2.resize(self._canvas, size, interpolation=cv2.INTER_AREA)
        alpha = np.ascontiguousarray(patch[:, :, 3])
        owner = alpha if self._owner is None else cv2.resize(self._owner, size, interpolation=cv2.INTER_AREA)
        rgb = np.ascontiguousarray(patch[:, :, :3])
        return Sprite(left=self._left, top=self._top, rgb=rgb, alpha=alpha, owner=owner, foot=self._foot)

    def _fixed(self, points: Sequence[Point]) -> np.ndarray:
        if self._turn:
            local = np.array(points, np.float32) * self._gain
            turn = np.array([[np.cos(self._turn), np.sin(self._turn)], [-np.sin(self._turn), np.cos(self._turn)]])
            return np.asarray(local @ turn + self._offset).astype(np.int32)
        return (np.array(points, np.float32) * self._gain + self._offset).astype(np.int32)

    def _ellipse(self, centre: Point, radii: Point, colour: Rgb, turn: float, thickness: int) -> None:
        middle = self._fixed((centre,))[0]
        axes = (int(radii[0] * self._scale * _ONE), int(radii[1] * self._scale * _ONE))
        angle = -float(np.degrees(turn)) * self._facing + float(np.degrees(self._turn))
        place = (int(middle[0]), int(middle[1]))
        cv2.ellipse(self._canvas, place, axes, angle, 0, 360, (*colour, 255), thickness, cv2.LINE_8, _SHIFT)
        if self._owner is not None:
            value = 255 if self.own else 0
            cv2.ellipse(self._owner, place, axes, angle, 0, 360, value, thickness, cv2.LINE_8, _SHIFT)


def _supersampling(height_px: int) -> int:
    """Sub-pixels a side: more for small figures, whose outline is a larger part of them."""
    return 4 if height_px <= 96 else 3 if height_px <= 200 else 2


def _turned(extent: Extent, turn: float) -> Extent:
    """The reach of a figure that is turned, whichever way it faces."""
    x, y = max(-extent[0], extent[2]), (extent[1], extent[3])
    sine, cosine = abs(float(np.sin(turn))), float(np.cos(turn))
    highest = max(abs(y[0]), abs(y[1]))
    return (
        -x * cosine - highest * sine,
        min(y[0] * cosine, y[0]) - x * sine,
        x * cosine + highest * sine,
        y[1] * cosine + x * sine,
    )
