"""From a scene to frames and exact labels: background, shadows, then figures from far to near."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from rvos_core.synthetic.background import Panorama, build_background
from rvos_core.synthetic.config import WorldConfig
from rvos_core.synthetic.effects import (
    Falling,
    fog_background,
    fog_of,
    fogged,
    mirrored,
    paint_water,
    plan_falling,
    precipitate,
    smeared,
    textured,
    whiten_ground,
)
from rvos_core.synthetic.figures import props
from rvos_core.synthetic.figures.catalogue import WHEEL_RADIUS_M, figure_of
from rvos_core.synthetic.figures.look import Pose
from rvos_core.synthetic.kinds import RESTS
from rvos_core.synthetic.pen import Extent, Pen, Placement, Sprite
from rvos_core.synthetic.scene import Actor, Course, Prop, Scene, Sun


@dataclass(frozen=True)
class Rendering:
    """Clean frames with what they show.

    Attributes:
        frames: (T, H, W, 3) uint8 RGB.
        labels: (T, H, W) uint8.
        silhouettes: (T, K) float32, pixels of each object with nothing before it, beyond the frame's border too.
        spans: (T, K, 4) float32 xyxy, box of each whole silhouette in frame pixels; zeros where nothing was drawn.
    """

    frames: np.ndarray
    labels: np.ndarray
    silhouettes: np.ndarray
    spans: np.ndarray


@dataclass(frozen=True)
class _Layer:
    """One figure of one frame. `value` 0: in the way, but nobody; `motion`: pixels that it moves in a tick."""

    y: float
    value: int
    sprite: Sprite
    grain: np.ndarray
    texture: str | None = None
    motion: tuple[float, float] = (0.0, 0.0)
    floats: bool = False


def render_scene(scene: Scene, rng: np.random.Generator, config: WorldConfig) -> Rendering:
    """Draw all frames of a scene; `rng` decides textures only."""
    height, width = config.height, config.width
    panorama = build_background(scene, rng, config)
    grains = [_grain(rng, vertical=0.22) for _ in scene.actors]
    prop_grains = [_grain(rng, vertical=0.25) for _ in scene.props]
    if scene.water is not None:
        paint_water(panorama, scene.water, rng)
    if scene.weather.kind == "snow":
        whiten_ground(panorama, scene.horizon, scene.weather.strength)
    falling = plan_falling(rng, scene.weather)
    frames = np.empty((config.frames, height, width, 3), np.uint8)
    labels = np.zeros((config.frames, height, width), np.uint8)
    silhouettes = np.zeros((config.frames, len(scene.actors)), np.float32)
    spans = np.zeros((config.frames, len(scene.actors), 4), np.float32)
    for index in range(config.frames):
        layers = layers_of(scene, index, config, grains=grains, prop_grains=prop_grains)
        frame = _background(panorama, scene, index, config)
        _cast_shadows(frame, [layer.sprite for layer in layers], scene.sun)
        for layer in layers:
            _draw_layer(frame, labels[index], layer, scene)
            if layer.value:
                silhouettes[index, layer.value - 1] = np.count_nonzero(layer.sprite.owner >= 128)
                spans[index, layer.value - 1] = _span(layer.sprite)
        frames[index] = _in_the_air(frame, scene, falling, index)
    return Rendering(frames, labels, silhouettes, spans)


def layers_of(
    scene: Scene, index: int, config: WorldConfig, *, grains: list[np.ndarray], prop_grains: list[np.ndarray]
) -> list[_Layer]:
    """What stands in a frame, from far to near, before light and air."""
    layers: list[_Layer] = []
    for number, actor in enumerate(scene.actors):
        sprite = _draw_actor(scene, actor, index, config)
        if sprite is not None:
            y = actor.y if actor.course is None else float(actor.course.y[index])
            floats = scene.water is not None and scene.water[0] < y < scene.water[1]
            motion = _motion(scene, actor, index, config)
            layers.append(_Layer(y, number + 1, sprite, grains[number], actor.texture, motion, floats))
    for number, prop in enumerate(scene.props):
        sprite = _draw_prop(scene, prop, index, config)
        if sprite is not None:
            layers.append(_Layer(prop.y, 0, sprite, prop_grains[number]))
    return sorted(layers, key=lambda layer: layer.y)


def _draw_layer(frame: np.ndarray, labels: np.ndarray, layer: _Layer, scene: Scene) -> None:
    """Light, air and motion on one figure, then the figure over the frame and its label over the labels, in place."""
    sprite = _shaded(layer.sprite, layer.grain)
    if layer.texture is not None:
        sprite = textured(sprite, layer.texture)
    sprite = fogged(sprite, fog_of(scene, layer.y))
    if layer.floats:
        _blend(frame, mirrored(sprite, 0.42))
    elif scene.weather.kind == "rain":
        _blend(frame, mirrored(sprite, 0.2 * scene.weather.strength))
    sprite = smeared(sprite, layer.motion[0] * scene.shutter, layer.motion[1] * scene.shutter)
    _paste(frame, labels, sprite, layer.value)


def _background(panorama: Panorama, scene: Scene, index: int, config: WorldConfig) -> np.ndarray:
    """What is behind all figures in one frame."""
    frame = _view(panorama, scene, index, config)
    if scene.weather.kind == "fog":
        zoom = float(scene.camera.zoom[index]) * config.height
        rows = (np.arange(config.height) + 0.5 - config.height / 2) / zoom + float(scene.camera.y[index])
        fog_background(frame, scene, rows)
    if scene.shutter and config.frames > 1:
        pan = np.gradient(scene.camera.x)[index] * float(scene.camera.zoom[index]) * config.height * scene.shutter
        pan /= _ticks(scene, config)
        length = min(round(abs(pan)), 31)
        if length >= 2:
            frame = cv2.blur(frame, (length, 1))
    return frame


def _in_the_air(frame: np.ndarray, scene: Scene, falling: Falling | None, index: int) -> np.ndarray:
    clear = scene.weather.kind in ("clear", "fog")
    return frame if clear else precipitate(frame, scene, falling, float(scene.times[index]))


def _span(sprite: Sprite) -> tuple[float, float, float, float]:
    """Box xyxy of the object's own silhouette, frame pixels; zeros where it is empty."""
    own = sprite.owner >= 128
    columns, rows = np.flatnonzero(own.any(axis=0)), np.flatnonzero(own.any(axis=1))
    if not len(rows):
        return 0.0, 0.0, 0.0, 0.0
    left, top = float(sprite.left), float(sprite.top)
    return left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1


def placement(
    scene: Scene, index: int, config: WorldConfig, *, at: tuple[float, float], metre: float, facing: int
) -> Placement:
    """Where a point of the scene appears in frame `index`."""
    zoom = float(scene.camera.zoom[index]) * config.height
    x = (at[0] - float(scene.camera.x[index])) * zoom
    y = (at[1] - float(scene.camera.y[index])) * zoom
    roll = 0.0 if scene.camera.roll is None else float(scene.camera.roll[index])
    if roll:
        x, y = x * float(np.cos(roll)) - y * float(np.sin(roll)), x * float(np.sin(roll)) + y * float(np.cos(roll))
    return Placement(
        x_px=x + config.width / 2, y_px=y + config.height / 2, scale_px=metre * zoom, facing=facing, turn=roll
    )


def _draw_actor(scene: Scene, actor: Actor, index: int, config: WorldConfig) -> Sprite | None:
    if actor.course is not None:
        return _draw_on_course(scene, actor, actor.course, index, config)
    time = float(scene.times[index])
    travelled = actor.speed * time
    place = placement(scene, index, config, at=(actor.x + travelled, actor.y), metre=actor.metre, facing=actor.facing)
    draw, extent, split = figure_of(actor.look)
    if _outside(place, extent, config):
        return None
    metres = abs(travelled) / actor.metre * (1.0 if time >= 0 else -1.0)
    radius = WHEEL_RADIUS_M.get(actor.look.category, 1.0)
    idle = actor.idle * time if actor.speed == 0.0 else 0.0
    pose = Pose(phase=actor.phase + actor.cadence * metres + idle, roll=actor.phase + metres / radius)
    pen = Pen(place, extent, split=split)
    draw(pen, actor.look, pose)
    return pen.finish()


def course_placement(scene: Scene, actor: Actor, course: Course, index: int, config: WorldConfig) -> Placement:
    """Where an actor with a course appears in frame `index`, at its height above the ground."""
    metre = float(course.metre[index])
    at = (float(course.x[index]), float(course.y[index]) - float(course.lift[index]) * metre)
    return placement(scene, index, config, at=at, metre=metre, facing=int(course.facing[index]))


def _draw_on_course(scene: Scene, actor: Actor, course: Course, index: int, config: WorldConfig) -> Sprite | None:
    place = course_placement(scene, actor, course, index, config)
    look = actor.look
    if not course.speed[index] and look.category in RESTS and course.speed.any():
        look = replace(look, action=RESTS[look.category])  # it has stopped, or has not started
    draw, extent, split = figure_of(look)
    if _outside(place, extent, config):
        return None
    metres = float(course.travelled[index])
    flaps = look.action in {"flying", "floating", "swimming"}
    idle = actor.idle * float(scene.times[index]) if flaps or not course.speed[index] else 0.0
    radius = WHEEL_RADIUS_M.get(look.category, 0.35)
    pen = Pen(place, extent, split=split)
    draw(pen, look, Pose(phase=actor.phase + actor.cadence * metres + idle, roll=actor.phase + metres / radius))
    sprite = pen.finish()
    rise = float(course.lift[index]) * place.scale_px
    return replace(sprite, foot=(sprite.foot[0], sprite.foot[1] + rise)) if rise else sprite


def _motion(scene: Scene, actor: Actor, index: int, config: WorldConfig) -> tuple[float, float]:
    """Pixels that an actor's foot moves in the picture in a tick; nothing where the shutter is instant."""
    if actor.course is None or not scene.shutter or config.frames < 2:
        return 0.0, 0.0
    other = index + 1 if index + 1 < config.frames else index - 1
    here, there = (course_placement(scene, actor, actor.course, k, config) for k in (index, other))
    ticks = _ticks(scene, config)
    return (there.x_px - here.x_px) / ticks, (there.y_px - here.y_px) / ticks


def _ticks(scene: Scene, config: WorldConfig) -> float:
    """Ticks of the clock from frame to frame: the shutter closes after one of them at the latest."""
    return max(float(scene.times[1] - scene.times[0]) * config.fps, 1.0)


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
    if place.turn:
        reach = max(reach, max(-extent[1], extent[3]) * place.scale_px)
        return not (-reach <= place.x_px <= config.width + reach and -reach <= place.y_px <= config.height + reach)
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
    if scene.camera.roll is not None and scene.camera.roll[index]:
        degrees = -float(np.degrees(scene.camera.roll[index]))
        middle = ((config.width - 1) / 2, (config.height - 1) / 2)
        turn = np.vstack((cv2.getRotationMatrix2D(middle, degrees, 1.0), (0.0, 0.0, 1.0)))
        matrix = (turn @ np.vstack((matrix, (0.0, 0.0, 1.0))))[:2]
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
    _blend(frame, sprite)
    solid, owner = (sprite.alpha if sprite.solid is None else sprite.solid)[part], sprite.owner[part]
    marks = labels[y0:y1, x0:x1]
    marks[solid >= 128] = 0
    if value:
        marks[owner >= 128] = value


def _blend(frame: np.ndarray, sprite: Sprite) -> None:
    """Put a sprite over a frame, in place."""
    height, width = frame.shape[:2]
    rows, columns = sprite.alpha.shape
    x0, y0 = max(sprite.left, 0), max(sprite.top, 0)
    x1, y1 = min(sprite.left + columns, width), min(sprite.top + rows, height)
    if x1 <= x0 or y1 <= y0:
        return
    part = (slice(y0 - sprite.top, y1 - sprite.top), slice(x0 - sprite.left, x1 - sprite.left))
    rest = 255 - sprite.alpha[part]
    region = frame[y0:y1, x0:x1]
    region[...] = cv2.add(cv2.multiply(region, cv2.merge((rest, rest, rest)), scale=1 / 255), sprite.rgb[part])
