"""The plan of a clip before anything is drawn: who is there, how they move, how the camera moves.

Units: the frame's height is 1 (the width is the aspect ratio); y grows downwards. The ground is a plane seen by a
pinhole camera, so one metre at ground height y measures `(y - horizon) / camera_height` of the frame's height.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np

from rvos_core.synthetic import colours
from rvos_core.synthetic.config import WorldConfig
from rvos_core.synthetic.figures.look import Look


@dataclass(frozen=True)
class Course:
    """Where an actor is in each frame; arrays of shape (T,).

    Attributes:
        x, y: its foot, or the ground below it, frame heights.
        metre: frame heights for one of its metres there.
        lift: its height above the ground, in its metres.
        facing: +1 right, -1 left.
        speed: metres per second, signed, right positive.
        travelled: metres gone since the first frame, whichever way.
    """

    x: np.ndarray
    y: np.ndarray
    metre: np.ndarray
    lift: np.ndarray
    facing: np.ndarray
    speed: np.ndarray
    travelled: np.ndarray


@dataclass(frozen=True)
class Actor:
    """An object of the scene: its look and its straight path over the ground.

    Attributes:
        look: appearance and action.
        x, y: position of its foot at time 0 (the clip's middle), frame heights.
        speed: signed frame heights per second along x; 0 stands.
        facing: +1 right, -1 left.
        metre: frame heights for one of its metres (perspective and its own size).
        phase, cadence: gait phase at time 0 and radians for one metre of travel; `idle` radians per second besides.
        course: its path where it is not straight; it then overrides x, y, speed, facing and metre.
        texture: photograph of a surface whose light and dark it has; None for none.
    """

    look: Look
    x: float
    y: float
    speed: float
    facing: int
    metre: float
    phase: float
    cadence: float
    idle: float
    course: Course | None = None
    texture: str | None = None


@dataclass(frozen=True)
class Prop:
    """Something in the way that no sentence means."""

    kind: str
    paint: colours.Rgb
    x: float
    y: float
    metre: float


@dataclass(frozen=True)
class Camera:
    """Centre (x, y) of the view in scene units and zoom, one row a frame: float64 arrays of shape (T,).

    `roll` in radians, clockwise as the picture turns; None holds the camera level.
    """

    x: np.ndarray
    y: np.ndarray
    zoom: np.ndarray
    roll: np.ndarray | None = None


@dataclass(frozen=True)
class Sun:
    """A cast shadow: sideways and upward metres for one metre of height, and darkness 0..1."""

    sideways: float
    upward: float
    strength: float


@dataclass(frozen=True)
class Weather:
    """What lies in the air: "clear", "rain", "snow", "fog" or "dusk"; strength 0..1; `wind` sideways per downward."""

    kind: str = "clear"
    strength: float = 0.0
    wind: float = 0.0


@dataclass(frozen=True)
class Scene:
    """A clip before it is drawn. `times` in seconds, 0 in the middle of the clip.

    `water` is a band of the ground (top, bottom); `shutter` the share of a frame's time that the shutter is open.
    """

    horizon: float
    camera_height: float
    times: np.ndarray
    actors: tuple[Actor, ...]
    props: tuple[Prop, ...]
    camera: Camera
    sun: Sun
    weather: Weather = Weather()
    water: tuple[float, float] | None = None
    shutter: float = 0.0


def spread(rng: np.random.Generator, count: int, width: float, *, leaving: float) -> list[float]:
    """Places along the view at the clip's middle: a slot each, shaken and shuffled; a share is just at its border."""
    slots = (np.arange(count) + 0.5 + rng.uniform(-0.36, 0.36, count)) / count
    places = rng.permutation(slots) * 0.96 + 0.02 - 0.5
    borders = rng.choice((-1.0, 1.0), count) * rng.uniform(0.44, 0.56, count)
    places = np.where(rng.random(count) < leaving, borders, places)
    return [float(x) for x in places * width]


def plan_props(
    rng: np.random.Generator,
    config: WorldConfig,
    *,
    horizon: float,
    camera_height: float,
    kinds: tuple[str, ...],
) -> tuple[Prop, ...]:
    """Things of `kinds` in the way, as many as the configuration has on average, three at most."""
    aspect = config.width / config.height
    props = []
    for _ in range(int(rng.poisson(config.occluders))):
        kind = str(rng.choice(kinds))
        near = float(rng.uniform(0.25, 0.8 if kind in {"kiosk", "bush", "tree"} else 0.95))
        y = horizon + 0.06 + (0.98 - horizon - 0.06) * near
        metre = (y - horizon) / camera_height * float(rng.uniform(0.75, 1.05))
        props.append(Prop(kind, colours.neutral(rng), float(rng.uniform(-0.55, 0.55)) * aspect, y, metre))
    return tuple(props[:3])


def plan_camera(rng: np.random.Generator, config: WorldConfig, times: np.ndarray) -> Camera:
    """A camera that is held, pans or swings, zooms and shakes."""
    strength = config.camera
    zoom = float(rng.uniform(0.95, 1.15)) * np.exp(strength * float(rng.uniform(-0.15, 0.15)) * times)
    kind = rng.random()
    if kind < 0.3:
        x = np.zeros_like(times)
    elif kind < 0.75:
        x = float(rng.uniform(-0.65, 0.65)) * times
    else:
        x = float(rng.uniform(0.15, 0.5)) * np.sin(float(rng.uniform(1.5, 4.0)) * times + float(rng.uniform(0, 2 * pi)))
    shake = rng.standard_normal((2, len(times))) * float(rng.uniform(0.0, 0.006))
    y = 0.5 + float(rng.uniform(-0.03, 0.03)) + strength * (float(rng.uniform(-0.04, 0.04)) * times + shake[1])
    return Camera(x=strength * (x + shake[0]), y=y, zoom=zoom)
