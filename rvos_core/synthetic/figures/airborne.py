"""Balloons and kites: what floats above the ground, drawn with its string."""

from __future__ import annotations

from math import sin

from rvos_core.synthetic.colours import shade
from rvos_core.synthetic.figures.look import Look, Pose
from rvos_core.synthetic.figures.pictures import photograph
from rvos_core.synthetic.pen import Extent, Pen, Point

BALLOON_EXTENT: Extent = (-0.5, -0.75, 0.5, 1.05)
KITE_EXTENT: Extent = (-0.85, -1.1, 0.7, 1.05)

_STRING = (120, 116, 112)


def draw_balloon(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a balloon that sways on its string; round, long or heart-shaped."""
    sway = 0.06 * sin(pose.phase)
    pen.line(((sway, 0.1), (-0.03, -0.2), (0.04, -0.45), (0.0, -0.7)), 0.03, _STRING)
    paint = look.paint
    kind = look.variant % 3
    if kind == 2:
        for side in (-1, 1):
            pen.ellipse((sway + side * 0.19, 0.68), (0.25, 0.25), paint)
        pen.polygon(((sway - 0.42, 0.58), (sway + 0.42, 0.58), (sway, 0.08)), paint)
    else:
        pen.ellipse((sway, 0.56), (0.4, 0.45) if kind == 0 else (0.32, 0.48), paint)
    pen.polygon(((sway - 0.07, 0.06), (sway + 0.07, 0.06), (sway, 0.16)), shade(paint, 0.75))
    pen.ellipse((sway - 0.17, 0.72), (0.09, 0.14), shade(paint, 1.5), turn=-0.4)
    pen.ellipse((sway + 0.12, 0.32), (0.14, 0.1), shade(paint, 0.84), turn=0.6)


def draw_kite(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a kite: a diamond or a delta of four cloths with spars, and a tail of bows that waves."""
    wave = pose.phase
    paint, dark = look.paint, shade(look.paint, 0.72)
    tail: list[Point] = [(-0.08 - 0.05 * k + 0.08 * sin(wave + k * 1.1), -0.05 - 0.16 * k) for k in range(7)]
    pen.line(tail, 0.035, _STRING)
    for x, y in tail[1::2]:
        pen.polygon(((x - 0.12, y + 0.06), (x + 0.12, y - 0.06), (x + 0.12, y + 0.06), (x - 0.12, y - 0.06)), paint)
    if look.variant % 2:
        top, left, right, foot = (0.12, 1.0), (-0.46, 0.52), (0.56, 0.6), (-0.06, -0.06)
    else:
        top, left, right, foot = (0.1, 0.98), (-0.62, 0.2), (0.64, 0.28), (0.0, 0.3)
    middle = (left[0] + right[0]) / 2, (left[1] + right[1]) / 2
    pen.polygon((top, left, middle), paint)
    pen.polygon((top, right, middle), dark)
    pen.polygon((foot, left, middle), dark)
    pen.polygon((foot, right, middle), paint)
    if look.picture is not None and look.variant % 2:
        pen.picture(((-0.1, 0.72), (0.22, 0.74), (0.22, 0.42), (-0.1, 0.4)), photograph(look.picture))
    pen.line((top, foot), 0.03, (84, 70, 58))
    pen.line((left, right), 0.03, (84, 70, 58))
