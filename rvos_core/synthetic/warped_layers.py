"""Painting the clips for propagation: each layer's surface is looked up through its pose, bend and joints.

Labels come from the same lookups as the picture: a pixel belongs to the topmost layer that covers at least half of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from rvos_core.synthetic.warped_motion import Camera, Motion, chained, inverse, part_poses
from rvos_core.synthetic.warped_shapes import Part, Shape
from rvos_core.synthetic.warped_surfaces import draw_surface, octaves

_REACH = 1.7  # a sprite's half side, in radii: limbs swing beyond one radius
_MOST_PX = 420  # side of a sprite
_FINER = 3  # cv2.fillPoly also fills the pixels on the outline itself: the finer, the less that adds
_SUBPIXEL = 16


@dataclass(frozen=True)
class Stage:
    """What stands behind everything.

    Attributes:
        ground: (H + 2 margin, W + 2 margin, 3) uint8 RGB.
        margin: pixels that it is larger than the frame on each side; beyond it is mirrored.
        camera: how the scene is looked at.
    """

    ground: np.ndarray
    margin: int
    camera: Camera


@dataclass(frozen=True)
class Layer:
    """A thing: its parts as pictures, and its way.

    Attributes:
        shape: the parts, drawn in order.
        surfaces: one (side, side, 3) uint8 RGB for each part, the thing's middle in the middle.
        sprites: (side, side, 4) uint8 RGBA for each part, premultiplied.
        density: sprite pixels for one radius.
        motion: where it is.
        label: of its pixels; 0: it has none.
        shadow: how dark the shadow is that it casts; 0: none.
    """

    shape: Shape
    surfaces: tuple[np.ndarray, ...]
    sprites: tuple[np.ndarray, ...]
    density: float
    motion: Motion
    label: int
    shadow: float

    @classmethod
    def covered(
        cls,
        rng: np.random.Generator,
        shape: Shape,
        motion: Motion,
        *,
        radius_px: float,
        label: int,
        picture: str | None = None,
        alike: Layer | None = None,
    ) -> Layer:
        """A thing with random surfaces.

        Args:
            rng: decides them.
            shape, motion, label: the thing's.
            radius_px: its size, which decides how fine its surfaces are.
            picture: the photograph that they are cut from.
            alike: another thing whose surfaces it takes over instead.
        """
        side = min(_MOST_PX, 2 * int(np.ceil(_REACH * max(12.0, radius_px))))
        density = side / (2 * _REACH)
        if alike is None:
            main = draw_surface(rng, side, side, picture=picture)
            light = 1 + 0.12 * octaves(rng, side, side, cells=2, roughness=0.3)[..., :1]
            varied = rng.random() < 0.45
            surfaces: list[np.ndarray] = []
            for _ in shape:
                own = draw_surface(rng, side, side) if varied and rng.random() < 0.4 else main
                surfaces.append(np.clip(own * light, 0, 255).astype(np.uint8))
        else:
            scaled = [cv2.resize(each, (side, side), interpolation=cv2.INTER_AREA) for each in alike.surfaces]
            surfaces = [scaled[index % len(scaled)] for index in range(len(shape))]
        sprites = tuple(
            _premultiplied(surface, _silhouette(part, side, density))
            for surface, part in zip(surfaces, shape, strict=True)
        )
        shadow = float(rng.uniform(0.2, 0.6)) if rng.random() < 0.25 else 0.0
        return cls(shape, tuple(surfaces), sprites, density, motion, label, shadow)


def paint(stage: Stage, layers: Sequence[Layer], index: int, *, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Frame `index`: its picture (H, W, 3) uint8 RGB and its labels (H, W) uint8. `layers`: the farthest first."""
    height, width = size
    y, x = np.mgrid[:height, :width].astype(np.float32)
    bend = cv2.resize(stage.camera.bends[index], (width, height), interpolation=cv2.INTER_CUBIC)
    looked = np.stack([x, y], -1) + bend
    pose = stage.camera.poses[index]
    ground = _mapped(inverse(pose), looked) + np.float32(stage.margin)
    picture = _looked_up(stage.ground, ground, cv2.BORDER_REFLECT_101)
    labels = np.zeros(size, np.uint8)
    for layer in layers:
        _paint_layer(picture, labels, layer, index, camera=pose, looked=looked)
    return picture, labels


def _paint_layer(
    picture: np.ndarray, labels: np.ndarray, layer: Layer, index: int, *, camera: np.ndarray, looked: np.ndarray
) -> None:
    """Put one thing into the picture and the labels, in place."""
    motion = layer.motion
    pose = chained(camera, motion.poses[index])
    window = _window(pose, looked.shape[:2], slack=float(np.abs(looked[0, 0]).max()) + 12)
    if window is None:
        return
    units = _mapped(inverse(pose), looked[window])
    units = units + _bent(motion.bends[index], units)
    seen = np.zeros((*units.shape[:2], 4), np.float32)  # premultiplied
    solid = np.zeros(units.shape[:2], bool)
    for part_pose, sprite in zip(part_poses(layer.shape, motion.turns[index]), layer.sprites, strict=True):
        place = _mapped(inverse(part_pose), units) * np.float32(layer.density) + np.float32(sprite.shape[0] / 2 - 0.5)
        drawn = _looked_up(sprite, place, cv2.BORDER_CONSTANT)
        seen = _over(drawn.astype(np.float32), seen)
        solid |= drawn[..., 3] >= 128
    seen = _smeared(seen, motion.smear[index])
    if layer.shadow:
        _cast(picture, seen[..., 3], window, depth=layer.shadow)
    under = cv2.cvtColor(picture[window], cv2.COLOR_RGB2RGBA).astype(np.float32)
    picture[window] = _over(seen, under)[..., :3].round().astype(np.uint8)
    labels[window][solid] = layer.label


def _over(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Premultiplied RGBA (h, w, 4) float32 0..255, one over the other."""
    through = 1 - upper[..., 3:] * np.float32(1 / 255)
    mixed: np.ndarray = lower * through
    mixed += upper
    return mixed


def _premultiplied(surface: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """(h, w, 3) and (h, w), both uint8 -> (h, w, 4) uint8."""
    faded = cv2.multiply(surface, cv2.merge((cover, cover, cover)), scale=1 / 255)
    return np.dstack([faded, cover])


def _silhouette(part: Part, side: int, density: float) -> np.ndarray:
    """The part's coverage (side, side) uint8: the share of finer pixels that it fills."""
    fine = np.zeros((_FINER * side, _FINER * side), np.uint8)
    for outlines, value in ((part.outlines, 255), (part.holes, 0)):
        for outline in outlines:
            corners = ((outline * density + side / 2) * _FINER - 0.5) * _SUBPIXEL
            cv2.fillPoly(fine, [corners.round().astype(np.int32)], value, cv2.LINE_8, 4)
    return cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA)


def _mapped(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (..., 2) float32 through a (2, 3) matrix."""
    return cv2.transform(points, matrix)


def _looked_up(picture: np.ndarray, places: np.ndarray, border: int) -> np.ndarray:
    """A picture's values at places (h, w, 2) float32, (x, y) in pixels, bilinear."""
    x, y = cv2.split(places)
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=border)


def _bent(grid: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Values of a thing's bend (5, 5, 2), which spans its sprite, at points (h, w, 2) in its units."""
    knots = (units / np.float32(_REACH) + 1) * np.float32((grid.shape[0] - 1) / 2)
    fine = cv2.resize(grid, (65, 65), interpolation=cv2.INTER_CUBIC)
    scale = np.float32(64 / (grid.shape[0] - 1))
    return _looked_up(fine, knots * scale, cv2.BORDER_REPLICATE)


def _window(pose: np.ndarray, size: tuple[int, int], *, slack: float) -> tuple[slice, slice] | None:
    """Rows and columns of the frame that a thing of this pose can touch, or None."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * _REACH
    found = corners @ pose[:, :2].T + pose[:, 2]
    low, high = np.floor(found.min(0) - slack), np.ceil(found.max(0) + slack)
    left, top = (int(max(0, v)) for v in low)
    right, bottom = int(min(size[1], high[0])), int(min(size[0], high[1]))
    if right - left < 2 or bottom - top < 2:
        return None
    return slice(top, bottom), slice(left, right)


def _smeared(seen: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Premultiplied RGBA (h, w, 4) float32, blurred along `way` (pixels) as an open shutter does."""
    length = int(np.hypot(*way))
    if length < 3:
        return seen
    side = min(length, 21) | 1
    kernel = np.zeros((side, side), np.float32)
    middle = side // 2
    reach = np.clip(way / 2, -middle, middle).round().astype(int)
    cv2.line(
        kernel, (middle - int(reach[0]), middle - int(reach[1])), (middle + int(reach[0]), middle + int(reach[1])), 1.0
    )
    return cv2.filter2D(seen, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def _cast(picture: np.ndarray, cover: np.ndarray, window: tuple[slice, slice], *, depth: float) -> None:
    """Darken what lies below and beside a thing, in place; `cover`: (h, w) float32 0..255 of the window."""
    offset = max(3, cover.shape[0] // 10)
    beside = min(offset // 2, cover.shape[1])  # of a window at the border only a few columns can be left
    shadow = np.zeros_like(cover)
    shadow[offset:, beside:] = cover[: max(0, cover.shape[0] - offset), : cover.shape[1] - beside]
    shadow = cv2.GaussianBlur(shadow, (0, 0), offset / 2) / 255
    picture[window] = (picture[window] * (1 - depth * shadow[..., None])).astype(np.uint8)
