"""Backgrounds: a drawn street, or a place made of photographs. Drawn once a clip; the camera looks at parts of it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from rvos_core.synthetic.colours import Rgb, shade
from rvos_core.synthetic.config import WorldConfig
from rvos_core.synthetic.figures.pictures import SCENES, SURFACES, photograph, surface
from rvos_core.synthetic.scene import Scene

_SKIES: tuple[tuple[Rgb, Rgb], ...] = (
    ((122, 172, 222), (206, 224, 238)),
    ((150, 166, 184), (210, 214, 218)),
    ((172, 186, 206), (236, 222, 206)),
    ((96, 122, 168), (198, 188, 190)),
)
_WALLS: tuple[Rgb, ...] = (
    (176, 150, 130),
    (156, 140, 130),
    (190, 182, 168),
    (146, 150, 156),
    (204, 190, 166),
    (130, 116, 110),
    (168, 172, 164),
)
_GRASSES: tuple[Rgb, ...] = ((112, 136, 88), (128, 144, 96), (98, 124, 82))
_PAVINGS: tuple[Rgb, ...] = ((168, 164, 158), (150, 146, 142), (182, 172, 158))
_ROADS: tuple[Rgb, ...] = ((92, 92, 96), (108, 106, 106), (80, 82, 88))
_FLOORS: tuple[Rgb, ...] = ((150, 146, 140), (128, 132, 118), (168, 154, 134), (120, 120, 126))


@dataclass(frozen=True)
class Panorama:
    """A background picture.

    Attributes:
        image: (h, w, 3) uint8 RGB.
        left, top: scene position of its first pixel's corner, frame heights.
        density: pixels for one frame height.
    """

    image: np.ndarray
    left: float
    top: float
    density: float


def build_background(scene: Scene, rng: np.random.Generator, config: WorldConfig) -> Panorama:
    """Draw the part of the world that the camera will see."""
    canvas = _Canvas(scene, config)
    scenes = tuple(name for name in SCENES if name in config.photographs_from)
    surfaces = tuple(name for name in SURFACES if name in config.photographs_from)
    photographic = rng.random() < config.photographs
    if photographic and rng.random() < 0.4 and scenes:
        _fill_photograph(canvas, rng, scenes)
    elif photographic and surfaces:
        _surfaces(canvas, scene, rng, surfaces)
    else:
        _street(canvas, scene, rng)
        if rng.random() < 0.35 and surfaces:
            canvas.texture(surface(str(rng.choice(surfaces))), scene.horizon, 9.0, tile=0.7, strength=0.35)
    canvas.roughen(rng)
    return Panorama(canvas.image, canvas.left, canvas.top, canvas.density)


class _Canvas:
    """A picture addressed in scene units."""

    def __init__(self, scene: Scene, config: WorldConfig) -> None:
        camera = scene.camera
        half_height = 0.5 / camera.zoom
        half_width = half_height * config.width / config.height
        margin = 2.0 / config.height
        self.density = float(camera.zoom.max()) * config.height
        self.left = float((camera.x - half_width).min()) - margin
        self.top = float((camera.y - half_height).min()) - margin
        self.right = float((camera.x + half_width).max()) + margin
        self.bottom = float((camera.y + half_height).max()) + margin
        width = round((self.right - self.left) * self.density)
        height = round((self.bottom - self.top) * self.density)
        self.image = np.zeros((height, width, 3), np.uint8)

    def row(self, y: float) -> int:
        """Pixel row of scene height y, within the picture."""
        return min(max(round((y - self.top) * self.density), 0), self.image.shape[0])

    def polygon(self, points: list[tuple[float, float]], colour: Rgb) -> None:
        """Fill a polygon with smooth edges."""
        fixed = ((np.array(points) - (self.left, self.top)) * self.density * 16 - 8).astype(np.int32)
        cv2.fillPoly(self.image, [fixed], colour, cv2.LINE_AA, 4)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Rgb) -> None:
        """Fill an upright rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def band(self, top: float, bottom: float, colour: Rgb) -> None:
        """Fill everything between two heights."""
        self.image[self.row(top) : self.row(bottom)] = colour

    def disc(self, x: float, y: float, radii: tuple[float, float], colour: Rgb) -> None:
        """Fill an ellipse with smooth edges."""
        centre = (int((x - self.left) * self.density * 16), int((y - self.top) * self.density * 16))
        axes = (int(radii[0] * self.density * 16), int(radii[1] * self.density * 16))
        cv2.ellipse(self.image, centre, axes, 0, 0, 360, colour, -1, cv2.LINE_AA, 4)

    def gradient(self, top: float, bottom: float, colours: tuple[Rgb, Rgb]) -> None:
        """Fill between two heights with a vertical gradient."""
        first, last = self.row(top), self.row(bottom)
        if last <= first:
            return
        share = np.linspace(0.0, 1.0, last - first)[:, None]
        ramp = np.array(colours[0]) * (1 - share) + np.array(colours[1]) * share
        self.image[first:last] = ramp[:, None].astype(np.uint8)

    def texture(self, grey: np.ndarray, top: float, bottom: float, *, tile: float, strength: float) -> None:
        """Multiply what lies between two heights by a tiled grey photograph; `tile` is its size in scene units."""
        first, last = self.row(top), self.row(bottom)
        if last <= first:
            return
        side = max(8, round(tile * self.density))
        patch = cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA)
        region = self.image[first:last]
        rows, columns = region.shape[:2]
        tiled = np.tile(patch, (rows // side + 1, columns // side + 1))[:rows, :columns]
        gain = cv2.convertScaleAbs(tiled, alpha=strength, beta=128.0 - strength * float(patch.mean()))
        cv2.multiply(region, cv2.merge((gain, gain, gain)), dst=region, scale=1 / 128)

    def roughen(self, rng: np.random.Generator) -> None:
        """Uneven brightness in large and small patches over the whole picture."""
        height, width = self.image.shape[:2]
        gain = np.full((height, width), 128.0, np.float32)
        for cells, amount in ((6, 9.0), (22, 6.0), (64, 5.0)):
            grid = rng.uniform(-amount, amount, (cells, cells * 2)).astype(np.float32)
            gain += cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)
        flat = gain.astype(np.uint8)
        cv2.multiply(self.image, cv2.merge((flat, flat, flat)), dst=self.image, scale=1 / 128)


def _street(canvas: _Canvas, scene: Scene, rng: np.random.Generator) -> None:
    horizon, floor = scene.horizon, canvas.bottom
    canvas.gradient(canvas.top, horizon, _SKIES[int(rng.integers(len(_SKIES)))])
    for _ in range(int(rng.integers(0, 4))):
        x = float(rng.uniform(canvas.left, canvas.right))
        canvas.disc(x, float(rng.uniform(0.0, horizon * 0.7)), (0.14, 0.03), (232, 234, 238))
    grass = _GRASSES[int(rng.integers(len(_GRASSES)))]
    paving = _PAVINGS[int(rng.integers(len(_PAVINGS)))]
    road = _ROADS[int(rng.integers(len(_ROADS)))]
    verge = horizon + float(rng.uniform(0.03, 0.08))
    kerb = horizon + (floor - horizon) * float(rng.uniform(0.16, 0.28))
    edge = horizon + (floor - horizon) * float(rng.uniform(0.62, 0.85))
    kind = rng.random()
    canvas.band(horizon, verge, grass)
    canvas.band(verge, kerb, paving if kind < 0.8 else grass)
    canvas.band(kerb, edge, road if kind < 0.75 else shade(paving, 0.9))
    canvas.band(edge, floor + 1.0, paving if rng.random() < 0.6 else grass)
    for y in (kerb, edge):
        canvas.band(y - 0.004, y + 0.01, shade(paving, 1.25))
    if rng.random() < 0.75:
        _skyline(canvas, rng, verge)
    else:
        _woods(canvas, rng, verge)
    if rng.random() < 0.7:
        _markings(canvas, rng, (kerb + (edge - kerb) * float(rng.uniform(0.3, 0.55))))


def _skyline(canvas: _Canvas, rng: np.random.Generator, ground: float) -> None:
    """Houses along the far side of the street."""
    x = canvas.left - float(rng.uniform(0.0, 0.4))
    while x < canvas.right:
        width, rise = float(rng.uniform(0.22, 0.6)), float(rng.uniform(0.12, 0.5))
        _house(canvas, rng, (x, ground), (width, rise))
        x += width + (float(rng.uniform(0.05, 0.3)) if rng.random() < 0.3 else 0.0)


def _house(canvas: _Canvas, rng: np.random.Generator, corner: tuple[float, float], size: tuple[float, float]) -> None:
    """A house with its lower left corner at `corner`: roof, rows of windows, a plinth and a door."""
    (x, ground), (width, rise) = corner, size
    wall = _WALLS[int(rng.integers(len(_WALLS)))]
    roof = ground - rise
    if rng.random() < 0.4:
        canvas.polygon([(x - 0.02, roof), (x + width / 2, roof - 0.1), (x + width + 0.02, roof)], shade(wall, 0.62))
    canvas.box(x, roof, x + width, ground, wall)
    canvas.box(x + width * 0.86, roof, x + width, ground, shade(wall, 0.9))
    canvas.box(x - 0.006, roof - 0.008, x + width + 0.006, roof + 0.012, shade(wall, 1.25))
    pane, step = float(rng.uniform(0.025, 0.045)), float(rng.uniform(0.075, 0.11))
    glass = shade((96, 110, 124), float(rng.uniform(0.6, 1.2)))
    frame, sill = shade(wall, 1.4), shade(wall, 0.72)
    for column in range(int((width - 0.03) / step)):
        for level in range(int((rise - 0.05) / step)):
            left, top = x + 0.03 + column * step, roof + 0.03 + level * step
            right, bottom = left + pane, top + pane * 1.3
            if canvas.density > 150:
                canvas.box(left - 0.004, top - 0.004, right + 0.004, bottom + 0.004, frame)
            canvas.box(left, top, right, bottom, shade(glass, 1.35) if rng.random() < 0.12 else glass)
            if canvas.density > 150:
                canvas.box(left + pane * 0.46, top, left + pane * 0.54, bottom, frame)
                canvas.box(left - 0.007, bottom + 0.003, right + 0.007, bottom + 0.009, sill)
    canvas.box(x, ground - 0.022, x + width, ground, shade(wall, 0.7))
    door = x + width * float(rng.uniform(0.2, 0.7))
    canvas.box(door, ground - 0.075, door + 0.042, ground, shade(wall, 0.48))


def _woods(canvas: _Canvas, rng: np.random.Generator, ground: float) -> None:
    """A row of trees."""
    x = canvas.left
    while x < canvas.right:
        size = float(rng.uniform(0.08, 0.2))
        leaf = shade((78, 104, 66), float(rng.uniform(0.7, 1.15)))
        canvas.disc(x, ground - size * 0.8, (size * 0.8, size), leaf)
        canvas.disc(x - size * 0.2, ground - size * 1.1, (size * 0.45, size * 0.5), shade(leaf, 1.1))
        x += size * float(rng.uniform(0.5, 1.1))


def _markings(canvas: _Canvas, rng: np.random.Generator, y: float) -> None:
    """A dashed centre line."""
    length, thick = float(rng.uniform(0.12, 0.25)), float(rng.uniform(0.008, 0.016))
    x = canvas.left - float(rng.uniform(0.0, length))
    while x < canvas.right:
        canvas.polygon(
            [(x, y), (x + length, y), (x + length - 0.01, y + thick), (x - 0.01, y + thick)], (206, 204, 196)
        )
        x += length * 2.2


def _fill_photograph(canvas: _Canvas, rng: np.random.Generator, names: tuple[str, ...]) -> None:
    """A random cut of a colour photograph, paled so that it does not shout over the objects."""
    picture = photograph(str(rng.choice(names)))
    height, width = canvas.image.shape[:2]
    ratio = min(picture.shape[1] / width, picture.shape[0] / height) * float(rng.uniform(0.55, 1.0))
    cut_w, cut_h = int(width * ratio), int(height * ratio)
    x = int(rng.integers(0, picture.shape[1] - cut_w + 1))
    y = int(rng.integers(0, picture.shape[0] - cut_h + 1))
    cut = picture[y : y + cut_h, x : x + cut_w]
    if rng.random() < 0.5:
        cut = cut[:, ::-1]
    grey = cut.mean(axis=2, keepdims=True)
    paled = (grey + (cut - grey) * float(rng.uniform(0.2, 0.6))) * 0.75 + float(rng.uniform(30.0, 60.0))
    canvas.image[...] = cv2.resize(paled.astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)


def _surfaces(canvas: _Canvas, scene: Scene, rng: np.random.Generator, names: tuple[str, ...]) -> None:
    """A wall and a floor of photographed brick, grass or gravel."""
    wall, floor = surface(str(rng.choice(names))), surface(str(rng.choice(names)))
    foot = scene.horizon + float(rng.uniform(0.0, 0.08))
    canvas.band(canvas.top, foot, _WALLS[int(rng.integers(len(_WALLS)))])
    canvas.band(foot, canvas.bottom + 1.0, _FLOORS[int(rng.integers(len(_FLOORS)))])
    canvas.texture(wall, canvas.top, foot, tile=float(rng.uniform(0.5, 1.1)), strength=float(rng.uniform(0.3, 0.8)))
    canvas.texture(
        floor, foot, canvas.bottom + 1.0, tile=float(rng.uniform(0.7, 1.6)), strength=float(rng.uniform(0.3, 0.8))
    )
