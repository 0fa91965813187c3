"""Paths over the ground: straight on, turning round, stopping, starting, leaving, entering, coming back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rvos_core.synthetic.scene import Camera, Course

LEAST_FRAMES = 5  # a change wants some frames before it and some after
_HURRY = 2.0  # times its usual speed that an actor may go to leave the picture within the clip


@dataclass(frozen=True)
class Start:
    """What is known of an actor before its path.

    Attributes:
        x, y: its foot in the middle of the clip, frame heights.
        metre: frame heights for one of its metres there.
        speed: metres per second, signed; 0 stands.
        facing: +1 or -1.
        reach: metres to its farther end.
        top: metres to its upper end.
    """

    x: float
    y: float
    metre: float
    speed: float
    facing: int
    reach: float
    top: float


def plan_course(
    rng: np.random.Generator,
    start: Start,
    *,
    times: np.ndarray,
    camera: Camera,
    aspect: float,
    horizon: float,
    change: str | None = None,
    place: str = "ground",
) -> Course:
    """The path of an actor; a change that cannot be shown in the clip's time is left out.

    Args:
        rng: chooses moments, margins, drift and height.
        start: see there.
        times: (T,) seconds, 0 in the middle.
        camera: leaving is meant as the camera sees it.
        aspect: width of the frame, frame heights.
        horizon: height of the horizon, frame heights.
        change: one of `CHANGES`.
        place: "ground", "water" or "air".
    """
    frames = len(times)
    step = np.diff(times)
    velocity = np.full(frames - 1, start.speed * start.metre)
    x0: float | None = None
    if change is not None and frames >= LEAST_FRAMES and start.speed:
        velocity, x0 = _changed(rng, start, velocity, change=change, edges=_edges(camera, aspect), times=times)
    gone = np.concatenate(([0.0], np.cumsum(velocity * step)))
    x = (start.x - float(np.interp(0.0, times, gone)) if x0 is None else x0) + gone
    drift = float(rng.uniform(-0.012, 0.012)) * (place == "ground" and bool(start.speed))
    y = start.y + drift * times
    metre = start.metre * (y - horizon) / (start.y - horizon)
    now = np.append(velocity, velocity[-1:]) if frames > 1 else np.full(1, start.speed * start.metre)
    return Course(
        x=x,
        y=y,
        metre=metre,
        lift=_lift(rng, start, times) if place == "air" else np.zeros(frames),
        facing=_facing(now, start.facing),
        speed=now / metre,
        travelled=np.concatenate(([0.0], np.cumsum(np.abs(velocity) * step))) / start.metre,
    )


def _changed(
    rng: np.random.Generator,
    start: Start,
    velocity: np.ndarray,
    *,
    change: str,
    edges: tuple[np.ndarray, np.ndarray],
    times: np.ndarray,
) -> tuple[np.ndarray, float | None]:
    """Velocities with the change, and the first x where the change sets it; as they were where there is no time."""
    frames, moment = len(times), int(rng.integers(2, len(times) - 2))
    changed = velocity.copy()
    if change in ("turns", "stops", "starts"):
        if change == "turns":
            changed[moment:] *= -1.0
        elif change == "stops":
            changed[moment:] = 0.0
        else:
            changed[:moment] = 0.0
        return changed, None
    sign = 1 if start.speed > 0 else -1
    half = start.reach * start.metre
    inner, outer = float(rng.uniform(0.5, 1.3)) * half + 0.04, half * 1.08 + 0.03
    edge = edges[1] if (sign > 0) == (change != "enters") else edges[0]
    last = frames - 1
    middle = (frames - 1) // 2 + 1
    if change == "leaves":
        first, goal, until = float(edge[0]) - sign * inner, float(edge[last]) + sign * outer, last
    elif change == "enters":
        first, goal, until = float(edge[0]) - sign * outer, float(edge[last]) + sign * inner, last
    else:
        first, goal, until = float(edge[0]) - sign * inner, float(edge[middle]) + sign * outer, middle
    pace = (goal - first) / float(times[until] - times[0])
    if pace * sign <= 0 or abs(pace) > _HURRY * abs(velocity[0]):
        return velocity, None
    changed[:until] = pace
    if change == "returns":
        changed[until:] = -pace
    return changed, first


def _edges(camera: Camera, aspect: float) -> tuple[np.ndarray, np.ndarray]:
    """Left and right border of the view in each frame, frame heights."""
    half = aspect / 2 / camera.zoom
    return camera.x - half, camera.x + half


def _lift(rng: np.random.Generator, start: Start, times: np.ndarray) -> np.ndarray:
    highest = max((start.y - 0.06) / start.metre - start.top, 0.9)
    base = float(rng.uniform(0.9, max(min(highest, 4.5), 1.0)))
    rise = float(rng.uniform(-0.15, 0.3))
    bob = float(rng.uniform(0.03, 0.12)) * np.sin(2.2 * times + float(rng.uniform(0.0, 6.0)))
    return np.maximum(base + rise * times + bob, 0.8)


def _facing(velocity: np.ndarray, at_rest: int) -> np.ndarray:
    """The way it goes; where it stands, the way it went before, or will go."""
    signs = np.sign(velocity).astype(int)
    moving = np.flatnonzero(signs)
    if not len(moving):
        return np.full(len(velocity), at_rest)
    last = np.maximum.accumulate(np.where(signs != 0, np.arange(len(signs)), -1))
    return np.asarray(np.where(last >= 0, signs[np.maximum(last, 0)], signs[moving[0]]))
