"""From a scene to frames and exact labels: background, shadows, then figures from far to near."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from rvos_core.synthetic.background import Panorama, build_background
from rvos_core.synthetic.config import WorldConfig
from rvos_core.synthetic.figures import person, props, rider, small, vehicles
from rvos_core.synthetic.figures.look import Look, Pose
from rvos_core.synthetic.pen import Extent, Pen, Placement, Sprite
from rvos_core.synthetic.scene import Actor, Prop, Scene, Sun

_Draw = Callable[[Pen, Look, Pose], None]
_FIGURES: dict[str, tuple[_Draw, Extent]] = {
    "person": (person.draw_person, person.EXTENT),
    "car": (vehicles.draw_car, vehicles.CAR_EXTENT),
    "bus": (vehicles.draw_bus, vehicles.BUS_EXTENT),
    "dog": (small.draw_dog, small.DOG_EXTENT),
    "ball": (small.draw_ball, small.BALL_EXTENT),
}
_WHEEL_RADIUS_M = {"person": 0.36, "car": 0.35, "bus": 0.46, "ball": 0.32}


@dataclass(frozen=True)
class Rendering:
    """Clean frames with what they show.

    Attributes:
        frames: (T, H, W, 3) uint8 RGB.
        labels: (T, H, W) uint8.
        silhouettes: (T, K) float32, pixels of each object with nothing before it, beyond the frame's border too.
    """

    frames: np.ndarray
    labels: np.ndarray
    silhouettes: np.ndarray


def render_scene(scene: Scene, rng: np.random.Generator, config: WorldConfig) -> Rendering:
    """Draw all frames of a scene; `rng` decides textures only."""
    height, width = config.height, config.width
    panorama = build_background(scene, rng, config)
    grains = [_grain(rng, vertical=0.22) for _ in scene.actors]
    prop_grains = [_grain(rng, vertical=0.25) for _ in scene.props]
    frames = np.empty((config.frames, height, width, 3), np.uint8)
    labels = np.zeros((config.frames, height, width), np.uint8)
    silhouettes = np.zeros((config.frames, len(scene.actors)), np.float32)
    for index in range(config.frames):
        layers = [
            (actor.y, number + 1, _draw_actor(scene, actor, index, config), grains[number])
            for number, actor in enumerate(scene.actors)
        ]
        layers += [
            (prop.y, 0, _draw_prop(scene, prop, index, config), prop_grains[number])
            for number, prop in enumerate(scene.props)
        ]
        layers.sort(key=lambda layer: layer[0])
        frame = _view(panorama, scene, index, config)
        _cast_shadows(frame, [sprite for _, _, sprite, _ in layers if sprite is not None], scene.sun)
        for _, value, sprite, grain in layers:
            if sprite is None:
                continue
            _paste(frame, labels[index], _shaded(sprite, grain), value)
            if value:
                silhouettes[index, value - 1] = np.count_nonzero(sprite.owner >= 128)
        frames[index] = frame
    return Rendering(frames, labels, silhouettes)


def placement(
    scene: Scene, index: int, config: WorldConfig, *, at: tuple[float, float], metre: float, facing: int
) -> Placement:
    """Where a point of the scene appears in frame `index`."""
    zoom = float(scene.camera.zoom[index]) * config.height
    return Placement(
        x_px=(at[0] - float(scene.camera.x[index])) * zoom + config.width / 2,
        y_px=(at[1] - float(scene.camera.y[index])) * zoom + config.height / 2,
        scale_px=metre * zoom,
        facing=facing,
    )


def _draw_actor(scene: Scene, actor: Actor, index: int, config: WorldConfig) -> Sprite | None:
    time = float(scene.times[index])
    travelled = actor.speed * time
    place = placement(scene, index, config, at=(actor.x + travelled, actor.y), metre=actor.metre, facing=actor.facing)
    riding = actor.look.action == "riding"
    draw, extent = (rider.draw_rider, rider.EXTENT) if riding else _FIGURES[actor.look.category]
    if _outside(place, extent, config):
        return None
    metres = abs(travelled) / actor.metre * (1.0 if time >= 0 else -1.0)
    radius = _WHEEL_RADIUS_M.get(actor.look.category, 1.0)
    idle = actor.idle * time if actor.speed == 0.0 else 0.0
    pose = Pose(phase=actor.phase + actor.cadence * metres + idle, roll=actor.phase + metres / radius)
    pen = Pen(place, extent, split=riding)
    draw(pen, actor.look, pose)
    return pen.finish()


def _draw_prop(scene: Scene, prop: Prop, index: int, config: WorldConfig) -> Sprite | None:
    place = placement(scene, index, config, at=(prop.x, prop.y), metre=prop.metre, facing=1)
    extent = props.prop_extent(prop.kind)
    if _outside(place, extent, config):
        return None
    pen = Pen(place, extent)
    props.draw_prop(pen, prop.kind, prop.paint)
    return pen.finish()


def _outside(place: Placement, extent: Extent, config: WorldConfig) -> bool:
    reach = max(-extent[0], extent[2]) * place.scale_px
    if place.x_px + reach < 0 or place.x_px - reach > config.width:
        return True
    return place.y_px - extent[3] * place.scale_px > config.height or place.y_px - extent[1] * place.scale_px < 0


def _grain(rng: np.random.Generator, *, vertical: float) -> np.ndarray:
    """A small map of brightness (128 is neutral): lighter above, darker below, a little uneven."""
    slope = np.linspace(1.0 + vertical * 0.45, 1.0 - vertical * 0.55, 8)[:, None]
    rough = rng.uniform(-0.06, 0.06, (8, 6))
    return np.clip((slope + rough) * 128, 0, 255).astype(np.uint8)


def _shaded(sprite: Sprite, grain: np.ndarray) -> Sprite:
    height, width = sprite.alpha.shape
    gain = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
    rgb = cv2.multiply(sprite.rgb, cv2.merge((gain, gain, gain)), scale=1 / 128)
    rgb = np.minimum(rgb, sprite.alpha[:, :, None])
    return Sprite(sprite.left, sprite.top, rgb, sprite.alpha, sprite.owner, sprite.foot)


def _view(panorama: Panorama, scene: Scene, index: int, config: WorldConfig) -> np.ndarray:
    """The background as the camera sees it in one frame."""
    ratio = float(scene.camera.zoom[index]) * config.height / panorama.density
    x = (float(scene.camera.x[index]) - panorama.left) * panorama.density * ratio - config.width / 2
    y = (float(scene.camera.y[index]) - panorama.top) * panorama.density * ratio - config.height / 2
    centre = 0.5 * ratio - 0.5
    matrix = np.array([[ratio, 0.0, centre - x], [0.0, ratio, centre - y]])
    return cv2.warpAffine(
        panorama.image, matrix, (config.width, config.height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _cast_shadows(frame: np.ndarray, sprites: list[Sprite], sun: Sun) -> None:
    """Darken the ground by each figure's silhouette laid flat, in place."""
    height, width = frame.shape[:2]
    layer = np.zeros((height, width), np.uint8)
    for sprite in sprites:
        foot_y = sprite.foot[1]
        # patch (u, v) -> ground: x = foot + (u - foot) + sideways * rise, y = foot - upward * rise, rise = foot_y - v
        matrix = np.array(
            [
                [1.0, -sun.sideways, sprite.left + sun.sideways * foot_y],
                [0.0, sun.upward, sprite.top + foot_y * (1.0 - sun.upward)],
            ]
        )
        rows, columns = sprite.alpha.shape
        corners = matrix @ np.array([[0, columns, 0, columns], [0, 0, rows, rows], [1, 1, 1, 1]], np.float64)
        x0, y0 = (int(v) for v in np.floor(corners.min(axis=1)))
        x1, y1 = (int(v) + 1 for v in np.ceil(corners.max(axis=1)))
        x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
        if x1 <= x0 or y1 <= y0:
            continue
        matrix[:, 2] -= (x0, y0)
        flat = cv2.warpAffine(sprite.alpha, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
        region = layer[y0:y1, x0:x1]
        np.maximum(region, flat, out=region)
    softness = max(1, round(height / 96)) * 2 + 1
    soft = cv2.blur(layer, (softness, softness))
    gain = cv2.convertScaleAbs(soft, alpha=-sun.strength, beta=255.0)
    cv2.multiply(frame, cv2.merge((gain, gain, gain)), dst=frame, scale=1 / 255)


def _paste(frame: np.ndarray, labels: np.ndarray, sprite: Sprite, value: int) -> None:
    """Put a sprite over a frame and its label over the labels, in place. `value` 0: in the way, but nobody."""
    height, width = labels.shape
    rows, columns = sprite.alpha.shape
    x0, y0 = max(sprite.left, 0), max(sprite.top, 0)
    x1, y1 = min(sprite.left + columns, width), min(sprite.top + rows, height)
    if x1 <= x0 or y1 <= y0:
        return
    part = (slice(y0 - sprite.top, y1 - sprite.top), slice(x0 - sprite.left, x1 - sprite.left))
    alpha, owner = sprite.alpha[part], sprite.owner[part]
    rest = 255 - alpha
    region = frame[y0:y1, x0:x1]
    region[...] = cv2.add(cv2.multiply(region, cv2.merge((rest, rest, rest)), scale=1 / 255), sprite.rgb[part])
    marks = labels[y0:y1, x0:x1]
    marks[alpha >= 128] = 0
    if value:
        marks[owner >= 128] = value
