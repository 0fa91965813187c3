"""The plan of a clip: weather, water, cast and paths. Units as in `scene`."""

from __future__ import annotations

from dataclasses import replace
from math import pi

import numpy as np

from rvos_core.language.phrases import COLOURS
from rvos_core.synthetic import colours
from rvos_core.synthetic.config import WorldConfig
from rvos_core.synthetic.courses import Start, plan_course
from rvos_core.synthetic.facts import CHANGES
from rvos_core.synthetic.figures.catalogue import figure_of
from rvos_core.synthetic.figures.look import Look, Outfit
from rvos_core.synthetic.figures.pictures import SCENES, SURFACES
from rvos_core.synthetic.figures.props import PROPS
from rvos_core.synthetic.kinds import KINDS, RESTS, RIDES, SPEEDS, held_out
from rvos_core.synthetic.scene import Actor, Camera, Scene, Sun, Weather, plan_camera, plan_props, spread

_TWINS = 0.62
_CHANGE_ODDS = (0.22, 0.22, 0.16, 0.16, 0.12, 0.12)
_HORSES = ("brown", "brown", "black", "white")
_CADENCE = {"riding": 2.2, "running": 2.6, "on horseback": 3.2, "skateboarding": 0.8, "flying": 4.5, "swimming": 1.5}
_ODD_COLOUR = 0.25  # share of animals in a colour that animals do not have


def plan_scene(rng: np.random.Generator, config: WorldConfig) -> Scene:
    """Draw up a scene at random."""
    stride = int(rng.integers(1, config.max_stride + 1))
    times = (np.arange(config.frames) - (config.frames - 1) / 2) * stride / config.fps
    horizon = float(rng.uniform(0.2, 0.42))
    camera_height = float(rng.uniform(1.75, 2.7)) * (0.95 - horizon) / 0.6
    camera = _rolled(rng, plan_camera(rng, config, times), times, config)
    wet = [name for name in config.categories if KINDS[name].place == "water"]
    chance = 1.0 if len(wet) == len(config.categories) else 0.3
    water = _plan_water(rng, horizon) if wet and rng.random() < chance else None
    looks = _cast(rng, config, water=water is not None)
    aspect = config.width / config.height
    places = spread(rng, len(looks), aspect / float(camera.zoom.mean()), leaving=0.12 if config.frames > 1 else 0.0)
    actors = tuple(
        _stage(
            rng, look, x, config=config, times=times, camera=camera, horizon=horizon, height=camera_height, water=water
        )
        for look, x in zip(looks, places, strict=True)
    )
    free = tuple(name for name in PROPS if name not in config.categories)
    props = plan_props(rng, config, horizon=horizon, camera_height=camera_height, kinds=free)
    sun = Sun(float(rng.uniform(-0.9, 0.9)), float(rng.uniform(-0.3, 0.32)), float(rng.uniform(0.12, 0.5)))
    weather = _plan_weather(rng, config)
    if weather.kind not in ("clear", "dusk"):
        sun = replace(sun, strength=sun.strength * 0.4)
    shutter = config.shutter * float(rng.uniform(0.3, 1.0)) if rng.random() < 0.6 else 0.0
    dry = tuple(prop for prop in props if water is None or not water[0] - 0.01 < prop.y < water[1] + 0.01)
    return Scene(horizon, camera_height, times, actors, dry, camera, sun, weather, water, shutter)


def random_look(
    rng: np.random.Generator, category: str, config: WorldConfig, *, used: frozenset[str] = frozenset()
) -> Look:
    """An appearance and an action that the configuration's combinations allow.

    Args:
        rng: chooses.
        category: one of `CATEGORIES`.
        config: its `combinations`, `outfits`, `patches` and `photographs_from`.
        used: colours of the same category in the clip, avoided in three of four cases.
    """
    options = combinations(category, config.combinations)
    if not options:
        raise ValueError(f"no combination of {category!r} is {config.combinations}")
    fresh = [each for each in options if each[0] not in used]
    pool = fresh if fresh and rng.random() < 0.75 else options
    weights = np.array([weight for _, _, weight in pool])
    colour, action, _ = pool[int(rng.choice(len(pool), p=weights / weights.sum()))]
    person = category == "person"
    lower = str(rng.choice([word for word in COLOURS if word != colour])) if person else None
    accent = colours.paint(str(rng.choice(_HORSES)), rng) if action == "on horseback" else colours.neutral(rng)
    gender = ("woman" if rng.random() < 0.4 else "man") if person else None
    pictures = [name for name in SCENES if name in config.photographs_from]
    return Look(
        category=category,
        colour=colour,
        paint=colours.paint(colour, rng),
        action=action,
        variant=int(rng.integers(60)),
        skin=colours.skin(rng),
        hair=colours.hair(rng),
        accent=accent,
        gender=gender,
        lower_colour=lower,
        lower_paint=colours.paint(lower, rng) if lower else (0, 0, 0),
        outfit=_outfit(rng, gender, taken={colour, lower}) if person and config.outfits else None,
        picture=str(rng.choice(pictures)) if pictures and rng.random() < config.patches else None,
    )


def combinations(category: str, which: str) -> list[tuple[str, str, float]]:
    """(colour, action, weight) that a category may have: `which` is "all", "seen" or "unseen"."""
    kind = KINDS[category]
    natural = [kind.natural.count(word) for word in COLOURS]
    share = 1.0 - _ODD_COLOUR if kind.natural else 0.0
    found = []
    for word, count in zip(COLOURS, natural, strict=True):
        weight = share * count / max(len(kind.natural), 1) + (1.0 - share) / len(COLOURS)
        for action, often in kind.actions:
            if which == "all" or (which == "unseen") == held_out(category, word, action):
                found.append((word, action, weight * often))
    return found


def _cast(rng: np.random.Generator, config: WorldConfig, *, water: bool) -> list[Look]:
    count = int(rng.integers(config.min_objects, config.max_objects + 1))
    names = [
        name
        for name in config.categories
        if (water or KINDS[name].place != "water") and combinations(name, config.combinations)
    ]
    if not names:
        raise ValueError(f"nothing of {', '.join(config.categories)} is {config.combinations}")
    weights = np.array([KINDS[name].weight * (2.5 if KINDS[name].place == "water" else 1.0) for name in names])
    weights /= weights.sum()
    chosen: list[str] = []
    if count >= 2 and rng.random() < config.lookalikes / 0.55 * _TWINS:
        twin = str(rng.choice(names, p=np.sqrt(weights) / np.sqrt(weights).sum()))
        chosen = [twin] * min(int(rng.integers(2, 4)), count, KINDS[twin].most)
    for _ in range(60):
        if len(chosen) >= count:
            break
        name = str(rng.choice(names, p=weights))
        if chosen.count(name) < KINDS[name].most:
            chosen.append(name)
    looks: list[Look] = []
    for name in chosen:
        used = frozenset(look.colour for look in looks if look.category == name)
        looks.append(random_look(rng, name, config, used=used))
    return looks


def _outfit(rng: np.random.Generator, gender: str | None, *, taken: set[str | None]) -> Outfit:
    words = [word for word in COLOURS if word not in taken]
    hair = int(rng.choice((2, 3, 4) if gender == "woman" else (0, 0, 1)))
    hat = str(rng.choice(words)) if rng.random() < 0.4 else None
    bag = str(rng.choice([word for word in words if word != hat])) if rng.random() < 0.3 else None
    return Outfit(
        hair=hair,
        hat=hat,
        hat_paint=colours.paint(hat, rng) if hat else (0, 0, 0),
        hat_kind=str(rng.choice(("cap", "brim", "beanie"))),
        bag=bag,
        bag_paint=colours.paint(bag, rng) if bag else (0, 0, 0),
    )


def _stage(
    rng: np.random.Generator,
    look: Look,
    x: float,
    *,
    config: WorldConfig,
    times: np.ndarray,
    camera: Camera,
    horizon: float,
    height: float,
    water: tuple[float, float] | None,
) -> Actor:
    kind = KINDS[look.category]
    place = "air" if look.category == "bird" and look.action == "flying" else kind.place
    y = _ground(rng, kind.near, horizon, water, floating=place == "water")
    metre = (y - horizon) / height * kind.size * float(rng.uniform(*kind.vary))
    facing = 1 if rng.random() < 0.5 else -1
    low, high = SPEEDS.get(look.action, (0.0, 0.0))
    speed = float(rng.uniform(low, high)) * facing
    changes = look.category in RESTS and speed != 0.0 and rng.random() < config.changes
    change = str(rng.choice(CHANGES, p=_CHANGE_ODDS)) if changes else None
    if look.action in RIDES and change in ("stops", "starts"):
        change = "turns"  # riders do not put a foot down
    _, extent, _ = figure_of(look)
    reach = max(-extent[0], extent[2])
    course = plan_course(
        rng, Start(x, y, metre, speed, facing, reach, extent[3]), times=times, camera=camera,
        aspect=config.width / config.height, horizon=horizon, change=change, place=place,
    )  # fmt: skip
    phase = float(rng.uniform(0.0, 2 * pi))
    if config.frames == 1 and look.action in {"walking", "running"}:
        phase = float(rng.choice([0.5, 1.5]) * pi + rng.uniform(-0.75, 0.75))
    textures = [name for name in SURFACES if name in config.photographs_from]
    texture = str(rng.choice(textures)) if textures and rng.random() < config.patches else None
    cadence = _CADENCE.get(look.action, 4.0)
    cadence *= 1.9 if look.action == "running" and look.category != "person" else 1.0
    return Actor(
        look, x, y, speed * metre, facing, metre, phase, cadence, float(rng.uniform(1.0, 3.0)), course, texture
    )


def _ground(
    rng: np.random.Generator,
    near: tuple[float, float],
    horizon: float,
    water: tuple[float, float] | None,
    *,
    floating: bool,
) -> float:
    """Height of a foot: in the water for what floats, beside it for everything else."""
    if water is not None and floating:
        return float(rng.uniform(water[0] + 0.045, water[1] - 0.015))
    nearness = float(rng.uniform(*near))
    y = horizon + 0.06 + (0.98 - horizon - 0.06) * nearness
    if water is None or not water[0] - 0.02 < y < water[1] + 0.03:
        return y
    return float(rng.uniform(water[1] + 0.03, 0.98))


def _plan_water(rng: np.random.Generator, horizon: float) -> tuple[float, float]:
    top = horizon + (1.0 - horizon) * float(rng.uniform(0.08, 0.2))
    return top, top + float(rng.uniform(0.2, 0.34))


def _plan_weather(rng: np.random.Generator, config: WorldConfig) -> Weather:
    kind = str(rng.choice(("rain", "snow", "fog", "dusk"))) if rng.random() < config.weather else "clear"
    strength, wind = float(rng.uniform(0.3, 1.0)), float(rng.uniform(-0.5, 0.5))
    return Weather() if kind == "clear" else Weather(kind, strength, wind)


def _rolled(rng: np.random.Generator, camera: Camera, times: np.ndarray, config: WorldConfig) -> Camera:
    """The camera with a tilt that changes a little; half the clips are level."""
    tilt, swing, beat = float(rng.uniform(-0.05, 0.05)), float(rng.uniform(-0.06, 0.06)), float(rng.uniform(0.5, 3.0))
    if config.roll <= 0.0 or rng.random() < 0.5:
        return camera
    return replace(camera, roll=config.roll * (tilt + swing * np.sin(beat * times)))
