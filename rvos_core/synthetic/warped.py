"""Clips for propagation, made without any video: cut things that move, bend and cover one another, with exact labels.

What they are meant to teach is following a given mask through *real* footage, not to look like it. The recipe follows
what is known to work for memory networks: static pictures warped (STM, STCN: their pre-training), textures cut from
photographs; and adds what such training lacks: limbs, thin structures, look-alikes, occluders, things that leave and
come back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rvos_core.synthetic.degrade import degrade_frames
from rvos_core.synthetic.warped_layers import Layer, Stage, paint
from rvos_core.synthetic.warped_motion import Camera, Motion, Pace, draw_camera, draw_motion
from rvos_core.synthetic.warped_shapes import Shape, ShapeKind, draw_shape
from rvos_core.synthetic.warped_surfaces import draw_picture, draw_surface

_DOMAIN = 0x57415250  # keeps these clips' dice apart from those of the street world
_ATTEMPTS = 8
_KINDS: tuple[ShapeKind, ...] = ("blob", "union", "figure", "thin")


@dataclass(frozen=True)
class WarpedConfig:
    """What a clip should be like; the same seed and settings always give the same clip.

    Attributes:
        height, width: of the frames, pixels.
        frames: of the clip.
        max_objects: things with a label, from 1 on.
        still: share of clips that are one picture, warped as a whole.
        kinds: weights of blobs, unions, figures with limbs, thin structures.
        lookalikes: share of clips where things share shape or surface with the first one.
        hidden_in: share of things cut from the background's own photograph.
        occluders: share of clips with unlabelled things in front.
        excursions: share of things that are out of the picture for one frame.
        fast: share of things that move far from frame to frame.
        camera: strength of pan, zoom and turn.
        degrade: strength of light changes, noise, blur and compression.
    """

    height: int = 192
    width: int = 192
    frames: int = 3
    max_objects: int = 4
    still: float = 0.15
    kinds: tuple[float, float, float, float] = (0.35, 0.2, 0.3, 0.15)
    lookalikes: float = 0.35
    hidden_in: float = 0.25
    occluders: float = 0.3
    excursions: float = 0.12
    fast: float = 0.2
    camera: float = 1.0
    degrade: float = 1.0

    def __post_init__(self) -> None:
        if min(self.height, self.width) < 32 or self.frames < 1:
            raise ValueError(f"not a clip: {self.frames} frames of {self.width}x{self.height}")
        if not 1 <= self.max_objects <= 8:
            raise ValueError(f"max_objects {self.max_objects} must be between 1 and 8")

    @property
    def least_px(self) -> int:
        """A thing that shows fewer pixels than this in a frame counts as hidden there."""
        return max(4, round(0.0004 * self.height * self.width))


@dataclass(frozen=True)
class WarpedClip:
    """A clip with its truth.

    Attributes:
        frames: (t, H, W, 3) uint8 RGB.
        labels: (t, H, W) uint8; 0 background, k + 1 thing k, as it shows.
    """

    frames: np.ndarray
    labels: np.ndarray


def make_warped_clip(seed: int, config: WarpedConfig) -> WarpedClip:
    """Make the clip of a seed (not negative).

    A clip whose first frame shows less than half a percent of things is made anew from the same seed.
    """
    for attempt in range(_ATTEMPTS):
        rng = np.random.default_rng([_DOMAIN, seed, attempt])
        frames, labels = _draft(rng, config)
        if np.count_nonzero(labels[0]) >= 0.005 * labels[0].size:
            break
    frames = degrade_frames(_flicker(rng, frames, config.degrade), rng, strength=config.degrade)
    return WarpedClip(frames, labels)


def _draft(rng: np.random.Generator, config: WarpedConfig) -> tuple[np.ndarray, np.ndarray]:
    """Frames (t, H, W, 3) and labels (t, H, W), clean."""
    still = rng.random() < config.still
    picture = draw_picture(rng)
    stage = _stage(rng, picture, config, still=still)
    layers = _things(rng, picture, config, still=still)
    if rng.random() < config.occluders:
        layers += [_occluder(rng, config) for _ in range(int(rng.integers(1, 4)))]
    frames = np.empty((config.frames, config.height, config.width, 3), np.uint8)
    labels = np.zeros(frames.shape[:3], np.uint8)
    for index in range(config.frames):
        frames[index], labels[index] = paint(stage, layers, index, size=(config.height, config.width))
        _wipe_specks(labels[index], config.least_px)
    return frames, labels


def _stage(rng: np.random.Generator, picture: str, config: WarpedConfig, *, still: bool) -> Stage:
    margin = round(0.3 * max(config.height, config.width))
    rows, columns = config.height + 2 * margin, config.width + 2 * margin
    ground = draw_surface(rng, rows, columns, picture=picture if rng.random() < 0.75 else None)
    strength = config.camera * (1.8 if still else float(rng.uniform(0.0, 1.5)))
    bend = 0.012 if still else 0.003 * float(rng.random() < 0.3)
    camera: Camera = draw_camera(
        rng, size=(config.height, config.width), frames=config.frames, strength=strength, bend=bend
    )
    return Stage(ground, margin, camera)


def _things(rng: np.random.Generator, picture: str, config: WarpedConfig, *, still: bool) -> list[Layer]:
    """The labelled layers, the farthest first."""
    count = int(rng.integers(1, config.max_objects + 1))
    alike = rng.random() < config.lookalikes
    layers: list[Layer] = []
    for index in range(count):
        shape = draw_shape(rng, _KINDS[int(rng.choice(len(_KINDS), p=config.kinds))])
        radius = _radius(rng, config, crowd=count)
        origin = picture if rng.random() < config.hidden_in else None
        model = layers[0] if layers and alike and rng.random() < 0.7 else None
        if model is not None and rng.random() < 0.5:
            shape = model.shape
        motion = _motion(rng, shape, radius, config, still=still)
        layers.append(Layer.covered(rng, shape, motion, radius_px=radius, label=index + 1, picture=origin, alike=model))
    return layers


def _radius(rng: np.random.Generator, config: WarpedConfig, *, crowd: int) -> float:
    """Pixels; large things are rarer in a crowd."""
    largest = 0.55 if crowd == 1 else 0.42
    share = float(np.exp(rng.uniform(np.log(0.1), np.log(largest))))
    return share * float(np.sqrt(config.height * config.width))


def _motion(rng: np.random.Generator, shape: Shape, radius: float, config: WarpedConfig, *, still: bool) -> Motion:
    size = np.array([config.width, config.height])
    fast = rng.random() < config.fast
    share = float(rng.uniform(0.08, 0.25)) if fast else float(abs(rng.normal(0, 0.035)))
    pace = Pace(share * config.height)
    if still:
        pace = Pace(0.0, turn=0.0, growth=0.0, bend=0.0, swing=0.0)
    start = rng.uniform(0.1, 0.9, 2) * size
    motion = draw_motion(rng, shape, start=start, radius_px=radius, frames=config.frames, pace=pace)
    if config.frames > 2 and not still and rng.random() < config.excursions:
        away = int(rng.integers(1, config.frames - 1))
        outwards = 1.0 if motion.poses[away, 0, 2] > size[0] / 2 else -1.0
        motion = motion.leaves(away, np.array([outwards * (size[0] * 0.8 + 1.5 * radius), 0.0]))
    return motion


def _occluder(rng: np.random.Generator, config: WarpedConfig) -> Layer:
    shape = draw_shape(rng, "thin" if rng.random() < 0.6 else "blob")
    radius = float(rng.uniform(0.12, 0.4)) * config.height
    motion = _motion(rng, shape, radius, config, still=False)
    return Layer.covered(rng, shape, motion, radius_px=radius, label=0)


def _flicker(rng: np.random.Generator, frames: np.ndarray, strength: float) -> np.ndarray:
    """Light that drifts from frame to frame: one gain and offset for a frame and channel."""
    if strength <= 0:
        return frames
    gains = np.exp(rng.normal(0, 0.05, (len(frames), 1)) + rng.normal(0, 0.015, (len(frames), 3))) ** strength
    offsets = rng.normal(0, 4, (len(frames), 1)) * strength
    levels = np.arange(256)[None, :, None] * gains[:, None] + offsets[:, None]
    tables = np.clip(levels.round(), 0, 255).astype(np.uint8)
    channels = np.arange(3)
    return np.stack([table[frame, channels] for table, frame in zip(tables, frames, strict=True)])


def _wipe_specks(labels: np.ndarray, least_px: int) -> None:
    """Remove, in place, labels of (H, W) uint8 that show fewer pixels than `least_px`."""
    counts = np.bincount(labels.ravel())
    rare = np.flatnonzero((counts > 0) & (counts < least_px))
    if len(rare):
        labels[np.isin(labels, rare)] = 0
