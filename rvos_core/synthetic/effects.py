"""What light, air and water do to a picture: fog, rain, snow, dusk, reflections, motion blur. Masks are untouched."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from rvos_core.synthetic.background import Panorama
from rvos_core.synthetic.figures.pictures import surface
from rvos_core.synthetic.pen import Sprite
from rvos_core.synthetic.scene import Scene, Weather

_FOG = (206, 210, 214)
_MOST_FOG = 0.62
_SKY_WATER = ((92, 128, 150), (62, 98, 124))


@dataclass(frozen=True)
class Falling:
    """Drops or flakes: (n, 2) places in 0..1, (n,) sizes, shared by all frames so that they fall."""

    places: np.ndarray
    sizes: np.ndarray


def paint_water(panorama: Panorama, band: tuple[float, float], rng: np.random.Generator) -> None:
    """Paint a canal or lake over a band of the background, in place, with ripples that widen towards us."""
    first, last = (round((y - panorama.top) * panorama.density) for y in band)
    first, last = max(first, 0), min(last, panorama.image.shape[0])
    if last <= first:
        return
    rows, columns = last - first, panorama.image.shape[1]
    share = np.linspace(0.0, 1.0, rows)[:, None, None]
    water = np.array(_SKY_WATER[0]) * (1 - share) + np.array(_SKY_WATER[1]) * share
    ripples = rng.uniform(-16.0, 16.0, (max(rows // 3, 1), max(columns // 14, 1))).astype(np.float32)
    wave = cv2.resize(ripples, (columns, rows), interpolation=cv2.INTER_LINEAR)
    panorama.image[first:last] = np.clip(water + wave[..., None], 0, 255).astype(np.uint8)
    bank = max(1, round(0.012 * panorama.density))
    panorama.image[last - bank : last] = (96, 84, 70)


def whiten_ground(panorama: Panorama, horizon: float, strength: float) -> None:
    """Let snow lie on everything below the horizon, in place."""
    first = min(max(round((horizon + 0.03 - panorama.top) * panorama.density), 0), panorama.image.shape[0])
    ground = panorama.image[first:]
    mix = 0.35 + 0.4 * strength
    ground[...] = cv2.addWeighted(ground, 1 - mix, np.full_like(ground, 236), mix, 0)


def plan_falling(rng: np.random.Generator, weather: Weather) -> Falling | None:
    """Drops for rain, flakes for snow, else nothing."""
    if weather.kind not in ("rain", "snow"):
        return None
    count = int((90 if weather.kind == "rain" else 130) * weather.strength) + 20
    return Falling(rng.random((count, 2)), rng.uniform(0.5, 1.0, count))


def fog_of(scene: Scene, y: float) -> float:
    """Share of fog before something that stands at ground height `y`: none near the camera, most at the horizon."""
    if scene.weather.kind != "fog":
        return 0.0
    nearness = min(max((y - scene.horizon) / (0.98 - scene.horizon), 0.0), 1.0)
    return _MOST_FOG * scene.weather.strength * (1.0 - nearness)


def fog_background(frame: np.ndarray, scene: Scene, heights: np.ndarray) -> None:
    """Mix fog into a background, in place; `heights`: (H,) scene height of each row."""
    if scene.weather.kind != "fog":
        return
    shares = np.array([fog_of(scene, float(y)) for y in heights])[:, None, None]
    frame[...] = (frame * (1 - shares) + np.array(_FOG) * shares).astype(np.uint8)


def fogged(sprite: Sprite, share: float) -> Sprite:
    """A sprite seen through a share of fog."""
    if share <= 0.01:
        return sprite
    veil = cv2.multiply(cv2.merge((sprite.alpha,) * 3), np.array([*(c * share / 255 for c in _FOG), 0.0]))
    return replace(
        sprite, rgb=cv2.min(cv2.addWeighted(sprite.rgb, 1 - share, veil, 1.0, 0), cv2.merge((sprite.alpha,) * 3))
    )


def textured(sprite: Sprite, name: str) -> Sprite:
    """A sprite with the light and dark of a photographed surface, mild enough that its colour keeps its name."""
    grey = surface(name)
    rows, columns = sprite.alpha.shape
    side = max(min(rows, columns), 4)
    patch = cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA)
    tiled = np.tile(patch, (rows // side + 1, columns // side + 1))[:rows, :columns]
    gain = cv2.convertScaleAbs(tiled, alpha=0.42, beta=128.0 - 0.42 * float(patch.mean()))
    rgb = cv2.multiply(sprite.rgb, cv2.merge((gain, gain, gain)), scale=1 / 128)
    return replace(sprite, rgb=np.minimum(rgb, sprite.alpha[:, :, None]))


def smeared(sprite: Sprite, dx: float, dy: float) -> Sprite:
    """A sprite blurred along (dx, dy) pixels; what hides the background (`solid`) stays sharp."""
    length = round(max(abs(dx), abs(dy)))
    if length < 2:
        return sprite
    length = min(length, 31) | 1
    half = length // 2
    kernel = np.zeros((length, length), np.float32)
    scale = half / max(abs(dx), abs(dy))
    end = (round(dx * scale), round(dy * scale))
    cv2.line(kernel, (half - end[0], half - end[1]), (half + end[0], half + end[1]), 1.0)
    kernel /= kernel.sum()
    rgb, alpha, owner = (
        cv2.copyMakeBorder(part, half, half, half, half, cv2.BORDER_CONSTANT, value=0)
        for part in (sprite.rgb, sprite.alpha, sprite.owner)
    )
    soft = cv2.filter2D(cv2.merge((*cv2.split(rgb), alpha)), -1, kernel, borderType=cv2.BORDER_CONSTANT)
    veil = np.ascontiguousarray(soft[..., 3])
    return Sprite(
        left=sprite.left - half,
        top=sprite.top - half,
        rgb=np.minimum(soft[..., :3], veil[..., None]),
        alpha=veil,
        owner=owner,
        foot=(sprite.foot[0] + half, sprite.foot[1] + half),
        solid=alpha,
    )


def mirrored(sprite: Sprite, strength: float) -> Sprite:
    """The sprite's reflection in the ground below its foot, squeezed and pale."""
    rows = max(int(sprite.alpha.shape[0] * 0.7), 1)
    size = (sprite.alpha.shape[1], rows)
    gain = strength
    rgb = cv2.convertScaleAbs(cv2.resize(sprite.rgb[::-1], size, interpolation=cv2.INTER_AREA), alpha=gain)
    alpha = cv2.convertScaleAbs(cv2.resize(sprite.alpha[::-1], size, interpolation=cv2.INTER_AREA), alpha=gain)
    shift = np.round(1.2 * np.sin(np.arange(rows) * 0.9)).astype(int)
    columns = (np.arange(size[0])[None] + shift[:, None]) % size[0]
    rgb, alpha = np.take_along_axis(rgb, columns[..., None], 1), np.take_along_axis(alpha, columns, 1)
    below = sprite.alpha.shape[0] - sprite.foot[1]
    top = sprite.top + round(sprite.foot[1] - below * 0.7)
    return Sprite(sprite.left, top, np.minimum(rgb, alpha[..., None]), alpha, np.zeros_like(alpha), sprite.foot)


def precipitate(frame: np.ndarray, scene: Scene, falling: Falling | None, time: float) -> np.ndarray:
    """Rain, snow or dusk over a finished frame. Returns: the frame, (H, W, 3) uint8 RGB."""
    weather = scene.weather
    height, width = frame.shape[:2]
    if weather.kind == "dusk":
        gain = 1.0 - 0.34 * weather.strength
        tint = np.array([gain, gain * 0.98, min(gain * 1.16, 1.0)])
        table = (np.arange(256)[:, None] * tint).astype(np.uint8)
        return np.asarray(cv2.LUT(frame, table[None]))
    if falling is None:
        return frame
    layer = np.zeros((height, width), np.uint8)
    rain = weather.kind == "rain"
    fall = 2.6 if rain else 0.35
    y = (falling.places[:, 1] + fall * time * falling.sizes) % 1.1 - 0.05
    x = (falling.places[:, 0] + weather.wind * 0.3 * fall * time * falling.sizes) % 1.0
    for column, row, size in zip(x * width, y * height, falling.sizes, strict=True):
        if rain:
            long = size * height * 0.07
            end = (int(column + weather.wind * 0.4 * long), int(row + long))
            cv2.line(layer, (int(column), int(row)), end, int(110 * size), max(1, round(height / 220)), cv2.LINE_AA)
        else:
            spot = (int(column * 16), int(row * 16))
            cv2.circle(layer, spot, int(16 * size * height / 130), int(235 * size), -1, cv2.LINE_AA, 4)
    if rain:
        frame = cv2.convertScaleAbs(frame, alpha=1.0 - 0.16 * weather.strength, beta=6.0)
    rest = 255 - layer
    veil = cv2.merge((layer, layer, layer))
    return cv2.add(cv2.multiply(frame, cv2.merge((rest, rest, rest)), scale=1 / 255), veil)
