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
from rvos_core.synthetic.figures.props import PROPS

_WEIGHTS = {"person": 0.46, "car": 0.18, "bus": 0.09, "dog": 0.13, "ball": 0.14}
_MOST = {"person": 8, "car": 3, "bus": 2, "dog": 8, "ball": 8}
_ACTIONS: dict[str, tuple[tuple[str, float], ...]] = {
    "person": (("walking", 0.34), ("riding", 0.34), ("running", 0.16), ("standing", 0.16)),
    "car": (("moving", 0.7), ("parked", 0.3)),
    "bus": (("moving", 0.7), ("parked", 0.3)),
    "dog": (("walking", 0.35), ("running", 0.3), ("sitting", 0.2), ("standing", 0.15)),
    "ball": (("rolling", 0.7), ("lying", 0.3)),
}
_SPEED: dict[tuple[str, str], tuple[float, float]] = {
    ("person", "walking"): (1.1, 1.7),
    ("person", "running"): (2.6, 3.8),
    ("person", "riding"): (2.6, 4.6),
    ("car", "moving"): (2.5, 6.0),
    ("bus", "moving"): (2.0, 4.5),
    ("dog", "walking"): (0.9, 1.5),
    ("dog", "running"): (2.4, 4.0),
    ("ball", "rolling"): (1.0, 3.0),
}
_GROUND: dict[
    str, tuple[float, float]
] = {  # how near: 0 at the far edge of the ground, 1 at the lower edge of the frame
    "person": (0.28, 0.92),
    "car": (0.26, 0.66),
    "bus": (0.2, 0.42),
    "dog": (0.4, 0.96),
    "ball": (0.42, 0.97),
}
_DOG_COLOURS = ("black", "white", "orange")
_TYPICAL_SIZE = {"person": 1.0, "car": 0.92, "bus": 0.88, "dog": 1.15, "ball": 1.25}


@dataclass(frozen=True)
class Course:
    """Where an actor of the whole world is in each frame; arrays of shape (T,).

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


def plan_scene(rng: np.random.Generator, config: WorldConfig) -> Scene:
    """Draw up a scene at random."""
    stride = int(rng.integers(1, config.max_stride + 1))
    times = (np.arange(config.frames) - (config.frames - 1) / 2) * stride / config.fps
    horizon = float(rng.uniform(0.2, 0.42))
    camera_height = float(rng.uniform(1.75, 2.7)) * (0.95 - horizon) / 0.6
    camera = plan_camera(rng, config, times)
    looks = _cast(rng, config)
    places = spread(
        rng,
        len(looks),
        config.width / config.height / float(camera.zoom.mean()),
        leaving=0.18 if config.frames > 1 else 0.0,
    )
    actors = tuple(
        _stage(rng, look, x, horizon=horizon, camera_height=camera_height, single=config.frames == 1)
        for look, x in zip(looks, places, strict=True)
    )
    props = plan_props(rng, config, horizon=horizon, camera_height=camera_height)
    sun = Sun(float(rng.uniform(-0.9, 0.9)), float(rng.uniform(-0.3, 0.32)), float(rng.uniform(0.12, 0.5)))
    return Scene(horizon, camera_height, times, actors, props, camera, sun)


def random_look(
    rng: np.random.Generator, category: str, *, colour: str | None = None, action: str | None = None
) -> Look:
    """An appearance for a category; `colour` and `action` are drawn where they are not given."""
    words = list(colours.COLOURS)
    if colour is None:
        natural = category == "dog" and rng.random() < 0.6
        colour = str(rng.choice(_DOG_COLOURS if natural else words))
    if action is None:
        names, weights = zip(*_ACTIONS[category], strict=True)
        action = str(rng.choice(names, p=weights))
    person = category == "person"
    lower = str(rng.choice([word for word in words if word != colour])) if person else None
    accent = colours.neutral(rng)
    if action == "riding" and rng.random() < 0.45:
        accent = colours.paint(str(rng.choice(words)), rng)
    return Look(
        category=category,
        colour=colour,
        paint=colours.paint(colour, rng),
        action=action,
        variant=int(rng.integers(30)),
        skin=colours.skin(rng),
        hair=colours.hair(rng),
        accent=accent,
        gender=("woman" if rng.random() < 0.3 else "man") if person else None,
        lower_colour=lower,
        lower_paint=colours.paint(lower, rng) if lower else (0, 0, 0),
    )


def _cast(rng: np.random.Generator, config: WorldConfig) -> list[Look]:
    count = int(rng.integers(config.min_objects, config.max_objects + 1))
    names, weights = list(_WEIGHTS), np.array(list(_WEIGHTS.values()))
    chosen: list[str] = []
    if count >= 2 and rng.random() < config.lookalikes:
        twin = str(rng.choice(names, p=weights))
        chosen = [twin] * min(int(rng.integers(2, 4)), count, _MOST[twin])
    while len(chosen) < count:
        name = str(rng.choice(names, p=weights))
        if chosen.count(name) < _MOST[name] and not (name == "bus" and "bus" in chosen):
            chosen.append(name)
    looks: list[Look] = []
    for name in chosen:
        used = {look.colour for look in looks if look.category == name}
        fresh = [word for word in colours.COLOURS if word not in used]
        twin_colour = None if not used or rng.random() < 0.25 else str(rng.choice(fresh))
        looks.append(random_look(rng, name, colour=twin_colour))
    return looks


def spread(rng: np.random.Generator, count: int, width: float, *, leaving: float) -> list[float]:
    """Places along the view at the clip's middle: a slot each, shaken and shuffled; a share is just at its border."""
    slots = (np.arange(count) + 0.5 + rng.uniform(-0.36, 0.36, count)) / count
    places = rng.permutation(slots) * 0.96 + 0.02 - 0.5
    borders = rng.choice((-1.0, 1.0), count) * rng.uniform(0.44, 0.56, count)
    places = np.where(rng.random(count) < leaving, borders, places)
    return [float(x) for x in places * width]


def _stage(
    rng: np.random.Generator, look: Look, x: float, *, horizon: float, camera_height: float, single: bool
) -> Actor:
    near = float(rng.uniform(*_GROUND[look.category]))
    y = horizon + 0.06 + (0.98 - horizon - 0.06) * near
    metre = (y - horizon) / camera_height * _TYPICAL_SIZE[look.category]
    metre *= float(rng.uniform(0.6, 1.3) if look.category in {"dog", "ball"} else rng.uniform(0.88, 1.12))
    facing = 1 if rng.random() < 0.5 else -1
    low, high = _SPEED.get((look.category, look.action), (0.0, 0.0))
    speed = float(rng.uniform(low, high)) * metre * facing
    cadence = {"riding": 2.2, "running": 2.6 if look.category == "person" else 5.0}.get(look.action, 4.0)
    phase = float(rng.uniform(0.0, 2 * pi))
    if single and look.action in {"walking", "running"}:
        phase = float(rng.choice([0.5, 1.5]) * pi + rng.uniform(-0.75, 0.75))  # a single frame must show the stride
    return Actor(look, x, y, speed, facing, metre, phase, cadence, idle=float(rng.uniform(1.0, 3.0)))


def plan_props(
    rng: np.random.Generator,
    config: WorldConfig,
    *,
    horizon: float,
    camera_height: float,
    kinds: tuple[str, ...] = PROPS,
) -> tuple[Prop, ...]:
    """Things in the way, as many as the configuration has on average, three at most."""
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
