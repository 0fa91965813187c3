"""Three frames of cut things on a scene, some moving and some at rest: what the flow network is trained on.

Only the flow between the frames is meant to be real: computed by the algorithm that real clips go through, with its
errors at edges, in flat regions, on water. So scenes have what misleads it: a camera that follows one of the things,
nearer scenery that shifts more than the ground, rippling regions, things that only lie there, light that changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from rvos_core.synthetic.degrade import degrade_frames
from rvos_core.synthetic.warped_layers import Layer, Stage, paint
from rvos_core.synthetic.warped_motion import Camera, Pace, draw_camera, draw_motion
from rvos_core.synthetic.warped_shapes import ShapeKind, draw_shape
from rvos_core.synthetic.warped_surfaces import draw_picture, draw_surface, octaves

_DOMAIN = 0x4D4F5645  # keeps these dice apart from those of the other worlds
_KINDS: tuple[ShapeKind, ...] = ("blob", "union", "figure", "thin")
_FRAMES = 3
_STILL = Pace(0.0, turn=0.0, growth=0.0, bend=0.0, swing=0.0)


@dataclass(frozen=True)
class MovingConfig:
    """What a scene should be like; the same seed and settings always give the same one.

    Attributes:
        height, width: of the frames, pixels.
        movers: most things that move.
        rests: most things that lie on the ground and do not move by themselves.
        deep: share of scenes that have things nearer than the ground, which shift more when the camera moves.
        scenery: most such things.
        followed: share of scenes whose camera follows the first mover.
        ripples: share with a region like water or leaves.
        nothing: share where nothing moves by itself.
    """

    height: int = 192
    width: int = 336
    movers: int = 3
    rests: int = 3
    deep: float = 0.45
    scenery: int = 4
    followed: float = 0.4
    ripples: float = 0.3
    nothing: float = 0.06


@dataclass(frozen=True)
class MovingScene:
    """Three frames (3, H, W, 3) uint8 RGB; labels (H, W) uint8 of the middle one: 0, or 1 + index of the mover."""

    frames: np.ndarray
    labels: np.ndarray


def make_moving_scene(seed: int, config: MovingConfig) -> MovingScene:
    """Make the scene of a seed (not negative)."""
    rng = np.random.default_rng([_DOMAIN, seed])
    size = (config.height, config.width)
    movers = 0 if rng.random() < config.nothing else int(rng.choice([1, 1, 2, 3][: config.movers + 1]))
    picture = draw_picture(rng)
    things = [_mover(rng, config, label=index + 1, crowd=movers, picture=picture) for index in range(movers)]
    camera = _camera(rng, config, things)
    resting = [_thing(rng, config, label=0, pace=_STILL) for _ in range(int(rng.integers(config.rests + 1)))]
    depth = rng.random() < config.deep
    near = [_scenery(rng, config, camera) for _ in range(int(rng.integers(1, config.scenery + 1)) if depth else 0)]
    behind = round(0.6 * len(near))
    layers = [*near[:behind], *_shuffled(rng, [*things, *resting]), *near[behind:]]
    margin = round(0.3 * max(size))
    ground = draw_surface(rng, size[0] + 2 * margin, size[1] + 2 * margin, picture=picture)
    stages = [Stage(each, margin, camera) for each in _rippled(rng, ground, config)]
    painted = [paint(stage, layers, index, size=size) for index, stage in enumerate(stages)]
    frames = np.stack([frame for frame, _ in painted])
    if rng.random() < 0.25:
        gains = np.exp(rng.normal(0, 0.08, (_FRAMES, 1, 1, 1)))
        frames = np.clip(frames * gains, 0, 255).astype(np.uint8)
    return MovingScene(degrade_frames(frames, rng, strength=1.0), painted[1][1])


def _thing(
    rng: np.random.Generator,
    config: MovingConfig,
    *,
    label: int,
    pace: Pace,
    crowd: int = 3,
    picture: str | None = None,
) -> Layer:
    shape = draw_shape(rng, _KINDS[int(rng.choice(len(_KINDS), p=(0.35, 0.2, 0.35, 0.1)))])
    least, largest = (0.1, 0.6) if crowd == 1 else (0.08, 0.38)
    radius = float(np.exp(rng.uniform(np.log(least), np.log(largest)))) * config.height
    start = rng.uniform(0.08, 0.92, 2) * np.array([config.width, config.height])
    motion = draw_motion(rng, shape, start=start, radius_px=radius, frames=_FRAMES, pace=pace)
    origin = picture if rng.random() < 0.35 else None  # cut from the ground's own picture: colour tells nothing
    return Layer.covered(rng, shape, motion, radius_px=radius, label=label, picture=origin)


def _mover(rng: np.random.Generator, config: MovingConfig, *, label: int, crowd: int, picture: str) -> Layer:
    """A thing with a speed of its own, from less than a pixel a frame to what gaps of several frames show."""
    speed = float(np.exp(rng.uniform(np.log(1.2), np.log(16.0))))
    lively = float(rng.uniform(0.0, 1.0))
    pace = Pace(speed, turn=0.08 * lively, growth=0.03 * lively, bend=0.035 * lively, swing=0.7 * lively)
    return _thing(rng, config, label=label, pace=pace, crowd=crowd, picture=picture)


def _camera(rng: np.random.Generator, config: MovingConfig, movers: list[Layer]) -> Camera:
    size = (config.height, config.width)
    kind = rng.random()
    strength = 0.0 if kind < 0.2 else 0.25 if kind < 0.35 else float(rng.uniform(0.2, 1.5))
    bend = 0.004 * float(rng.random() < 0.3) * float(strength > 0)
    camera = draw_camera(rng, size=size, frames=_FRAMES, strength=strength, bend=bend)
    if not movers or rng.random() >= config.followed:
        return camera
    way = movers[0].motion.poses[:, :, 2] - movers[0].motion.poses[1:2, :, 2]
    poses = camera.poses.copy()
    poses[:, :, 2] -= way * float(rng.uniform(0.6, 1.1))
    return replace(camera, poses=poses)


def _scenery(rng: np.random.Generator, config: MovingConfig, camera: Camera) -> Layer:
    """Nearer than the ground: it shifts with the camera, by a share more."""
    layer = _thing(rng, config, label=0, pace=_STILL)
    pan = camera.poses[:, :, 2] - camera.poses[1:2, :, 2]
    poses = layer.motion.poses.copy()
    poses[:, :, 2] += pan * float(rng.uniform(-0.2, 0.5))
    return replace(layer, motion=replace(layer.motion, poses=poses))


def _shuffled(rng: np.random.Generator, layers: list[Layer]) -> list[Layer]:
    return [layers[int(index)] for index in rng.permutation(len(layers))]


def _rippled(rng: np.random.Generator, ground: np.ndarray, config: MovingConfig) -> list[np.ndarray]:
    """The ground of each frame: the same, or with a part that ripples like water or leaves."""
    if rng.random() >= config.ripples:
        return [ground] * _FRAMES
    rows, columns = ground.shape[:2]
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    edge = rows * rng.uniform(0.3, 0.65) + 0.06 * rows * octaves(rng, rows, columns, cells=3, roughness=0.5)[..., 0]
    where = (y > edge) if rng.random() < 0.6 else (y < edge)
    soft = cv2.GaussianBlur(where.astype(np.float32), (0, 0), 3)
    reach = float(np.exp(rng.uniform(np.log(0.4), np.log(4.0))))
    glint = float(rng.uniform(0, 0.25))
    found = []
    fields = [_waves(rng, rows, columns) for _ in range(_FRAMES)]
    for field in fields:
        bent = cv2.remap(
            ground,
            x + reach * soft * field[..., 0],
            y + reach * soft * field[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        light = 1 + glint * soft * field[..., 1]
        found.append(np.clip(bent * light[..., None], 0, 255).astype(np.uint8))
    return found


def _waves(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """(rows, columns, 2) float32: fine bumps about 1 high, flatter than long as ripples are."""
    cells = int(rng.integers(10, 40))
    coarse = rng.normal(0, 1, (2 * cells, cells, 2)).astype(np.float32)
    return cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)
