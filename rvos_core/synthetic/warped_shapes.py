"""Shapes of the things that move in the clips for propagation: blobs, unions, figures with limbs, thin structures.

Coordinates are in units of the thing's radius, its middle at (0, 0), y downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

ShapeKind = Literal["blob", "union", "figure", "thin"]


@dataclass(frozen=True)
class Part:
    """A stiff part of a thing.

    Attributes:
        outlines: polygons (n, 2) float64 that are filled together.
        holes: polygons that are cut out again.
        pivot: the joint about which the part turns.
        parent: index of the part that it hangs on, which comes before it; None: it is fixed to the thing.
        swing: how far it turns at the joint, radians.
    """

    outlines: tuple[np.ndarray, ...]
    holes: tuple[np.ndarray, ...] = ()
    pivot: tuple[float, float] = (0.0, 0.0)
    parent: int | None = None
    swing: float = 0.0


Shape = tuple[Part, ...]  # drawn in this order


def draw_shape(rng: np.random.Generator, kind: ShapeKind) -> Shape:
    """A random shape of this kind, within about one radius of the middle."""
    makers = {"blob": _blob_shape, "union": _union, "figure": _figure, "thin": _thin}
    return makers[kind](rng)


def blob(
    rng: np.random.Generator, radius: float, *, centre: tuple[float, float] = (0.0, 0.0), aspect: float = 1.0
) -> np.ndarray:
    """A closed outline around `centre`, smooth or with corners: (n, 2)."""
    smooth = rng.random() < 0.65
    count = 64 if smooth else int(rng.integers(4, 11))
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    if smooth:
        waves = np.arange(2, 8)
        size = rng.normal(0, 0.32, len(waves)) / waves**0.8
        lengths = 1 + (size * np.cos(waves * angles[:, None] + rng.uniform(0, 2 * np.pi, len(waves)))).sum(1)
    else:
        angles = angles + rng.uniform(-0.35, 0.35, count) * 2 * np.pi / count
        lengths = rng.uniform(0.45, 1.0, count)
    lengths = np.clip(lengths, 0.25, None) / max(1.0, float(lengths.max()))
    around = np.stack([np.cos(angles), np.sin(angles) * aspect], 1) * lengths[:, None] * radius
    turned: np.ndarray = around @ _turn(float(rng.uniform(0, 2 * np.pi))).T + centre
    return turned


def strip(start: np.ndarray, end: np.ndarray, *, widths: tuple[float, float], curl: float = 0.0) -> np.ndarray:
    """A tapered band from one point to another, bent sideways by `curl` of its length: (n, 2)."""
    share = np.linspace(0, 1, 9)[:, None]
    along = end - start
    across = np.array([-along[1], along[0]])
    spine = start + share * along + curl * np.sin(np.pi * share) * across
    normal = across / max(1e-9, float(np.hypot(*across)))
    half = (widths[0] * (1 - share) + widths[1] * share) / 2
    return np.concatenate([spine + half * normal, (spine - half * normal)[::-1]])


def _blob_shape(rng: np.random.Generator) -> Shape:
    return (Part((blob(rng, 1.0, aspect=float(rng.uniform(0.45, 1.0))),)),)


def _union(rng: np.random.Generator) -> Shape:
    outlines = []
    for _ in range(int(rng.integers(2, 5))):
        radius = float(rng.uniform(0.3, 0.65))
        x, y = rng.uniform(-0.45, 0.45, 2)
        outlines.append(blob(rng, radius, centre=(float(x), float(y)), aspect=float(rng.uniform(0.4, 1.0))))
    holes = (blob(rng, 0.22),) if rng.random() < 0.2 else ()
    return (Part(tuple(outlines), holes),)


def _figure(rng: np.random.Generator) -> Shape:
    """A trunk with a head and limbs of two segments: upright as a person, or lying as an animal."""
    upright = rng.random() < 0.5
    trunk = blob(rng, float(rng.uniform(0.46, 0.58)), aspect=float(rng.uniform(0.65, 0.95)))
    trunk = trunk * (0.62, 1.0) if upright else trunk * (1.25, 0.72)
    parts = [Part((trunk,))]
    neck = np.array([0.0, -0.15] if upright else [0.3 * float(rng.choice([-1.0, 1.0])), -0.05])
    face = neck * 2.0 + (0.0, -0.32)
    size = float(rng.uniform(0.16, 0.27))
    head = blob(rng, size, centre=(float(face[0]), float(face[1])), aspect=float(rng.uniform(0.7, 1.0)))
    throat = strip(neck, face, widths=(size * 1.2, size * 0.9))
    parts.append(Part((head, throat), pivot=(float(neck[0]), float(neck[1])), parent=0, swing=0.25))
    width = float(rng.uniform(0.09, 0.22))
    joints = [(-0.12, 0.22), (0.12, 0.22)] if upright else [(-0.4, 0.1), (-0.28, 0.1), (0.28, 0.1), (0.4, 0.1)]
    if upright:
        joints += [(-0.16, -0.2), (0.16, -0.2)]
    for x, y in joints[: int(rng.integers(2, len(joints) + 1))]:
        spread = float(rng.normal(0, 0.25)) + (1.1 * np.sign(x) if y < 0 else 0.0)
        _limb(rng, parts, (x, y), (spread, width))
    return tuple(parts)


def _limb(rng: np.random.Generator, parts: list[Part], joint: tuple[float, float], look: tuple[float, float]) -> None:
    """Two segments that hang from `joint`; `look` is (angle from straight down, width)."""
    spread, width = look
    length = float(rng.uniform(0.28, 0.42))
    down = np.array([np.sin(spread), np.cos(spread)])
    start = np.array(joint)
    knee = start + down * length
    foot = knee + (down + np.array([rng.normal(0, 0.3), 0.0])) * length * 0.9
    parent = len(parts)
    upper = strip(start - down * 0.06, knee + down * 0.04, widths=(width, width * 0.8))
    lower = strip(knee - down * 0.04, foot, widths=(width * 0.8, width * 0.55))
    parts.append(Part((upper,), pivot=joint, parent=0, swing=0.5))
    parts.append(Part((lower,), pivot=(float(knee[0]), float(knee[1])), parent=parent, swing=0.4))


def _thin(rng: np.random.Generator) -> Shape:
    """Bands, rings and forks as of bicycles, poles, necks, strings and racks."""
    outlines: list[np.ndarray] = []
    holes: list[np.ndarray] = []
    width = float(rng.uniform(0.05, 0.13))
    if rng.random() < 0.4:
        around = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        ring = np.stack([np.cos(around), np.sin(around)], 1)
        for x in (-0.55, 0.55):
            radius = float(rng.uniform(0.3, 0.42))
            outlines.append(ring * radius + (x, 0.3))
            holes.append(ring * (radius - width) + (x, 0.3))
    bands = []
    for _ in range(int(rng.integers(2, 5))):
        start, end = rng.uniform(-0.9, 0.9, (2, 2))
        taper = (width * float(rng.uniform(0.7, 2.2)), width)
        bands.append(strip(start, end, widths=taper, curl=float(rng.normal(0, 0.2))))
    parts = [Part(tuple(outlines), tuple(holes))] if outlines else []
    parts.append(Part(tuple(bands), swing=0.15))
    if rng.random() < 0.5:
        x, y = (float(v) for v in rng.uniform(-0.5, 0.5, 2))
        parts.append(Part((blob(rng, float(rng.uniform(0.15, 0.35)), centre=(x, y)),)))
    return tuple(parts)


def _turn(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
