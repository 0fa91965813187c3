"""Boats: sailing, rowing and motor boats; the water line is their ground."""

from __future__ import annotations

from math import cos, sin

from rvos_core.synthetic.colours import Rgb, shade
from rvos_core.synthetic.figures.look import Look, Pose
from rvos_core.synthetic.figures.pictures import photograph
from rvos_core.synthetic.pen import Extent, Pen, Point

BOAT_EXTENT: Extent = (-2.7, -0.25, 2.7, 4.3)

_WOOD: Rgb = (128, 92, 60)
_GLASS: Rgb = (78, 100, 118)


def draw_boat(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a boat that rocks a little."""
    tilt = 0.04 * sin(pose.phase)
    sine, cosine = sin(tilt), cos(tilt)

    def at(x: float, y: float) -> Point:
        return x * cosine - y * sine, x * sine + y * cosine

    paint, dark = look.paint, shade(look.paint, 0.7)
    kind = look.variant % 3
    if kind == 0:
        _sails(pen, look, at)
    elif kind == 1:
        pen.polygon((at(-1.3, 0.7), at(-1.2, 1.75), at(0.5, 1.75), at(0.95, 0.7)), shade(paint, 1.25))
        for x in (-1.0, -0.4, 0.2):
            pen.polygon((at(x, 1.1), at(x, 1.55), at(x + 0.42, 1.55), at(x + 0.42, 1.1)), _GLASS)
        pen.line((at(-0.7, 1.75), at(-0.7, 2.6)), 0.07, (90, 92, 96))
        pen.polygon((at(-0.66, 2.6), at(-0.66, 2.25), at(-0.1, 2.42)), dark)
    else:
        for x in (-0.9, 0.3):
            pen.line((at(x, 0.75), at(x + 0.3, 0.75)), 0.12, _WOOD)
        pen.line((at(-0.2, 0.9), at(-1.2, 0.1 + 0.15 * sin(pose.phase * 2))), 0.07, _WOOD)
    hull = (at(-2.3, 0.85), at(-2.0, 0.0), at(1.7, 0.0), at(2.55, 0.95), at(1.4, 0.72), at(-1.2, 0.68))
    pen.polygon(hull, paint)
    pen.polygon((at(-2.1, 0.25), at(-2.0, 0.0), at(1.7, 0.0), at(1.95, 0.25)), dark)
    pen.line((at(-2.25, 0.8), at(-1.2, 0.66), at(1.4, 0.7), at(2.45, 0.9)), 0.09, shade(paint, 1.35))
    if kind == 2:
        pen.line((at(-1.6, 0.5), at(1.6, 0.5)), 0.05, dark)


def _sails(pen: Pen, look: Look, at: object) -> None:
    assert callable(at)
    cloth = shade(look.paint, 1.18)
    pen.line((at(0.1, 0.6), at(0.1, 4.15)), 0.09, _WOOD)
    pen.polygon((at(0.0, 4.0), at(0.0, 1.05), at(-1.9, 1.05)), cloth)
    pen.polygon((at(0.2, 3.6), at(0.2, 1.05), at(1.9, 1.0)), shade(look.paint, 0.88))
    for level in (1.8, 2.6, 3.3):
        reach = 1.9 * (4.0 - level) / 2.95
        pen.line((at(0.0, level), at(-reach, level - 0.08)), 0.035, shade(look.paint, 0.75))
    if look.picture is not None:
        pen.picture((at(-0.75, 2.3), at(-0.08, 2.3), at(-0.08, 1.5), at(-0.75, 1.5)), photograph(look.picture))
