"""Things that stand about in a street and can be asked for: umbrellas, signs, chairs, benches, suitcases."""

from __future__ import annotations

from math import cos, pi, sin

from rvos_core.synthetic.colours import Rgb, shade
from rvos_core.synthetic.figures.look import Look, Pose
from rvos_core.synthetic.figures.pictures import photograph
from rvos_core.synthetic.pen import Extent, Pen, Point

UMBRELLA_EXTENT: Extent = (-1.25, -0.08, 1.25, 2.5)
SIGN_EXTENT: Extent = (-0.6, -0.06, 0.6, 2.15)
CHAIR_EXTENT: Extent = (-0.5, -0.06, 0.5, 1.2)
BENCH_EXTENT: Extent = (-1.05, -0.06, 1.05, 1.1)
SUITCASE_EXTENT: Extent = (-0.5, -0.06, 0.5, 1.25)

_METAL: Rgb = (112, 114, 118)


def draw_umbrella(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a large open umbrella on a stand, its cloths in two shades."""
    paint, other = look.paint, shade(look.paint, 0.76) if look.colour != "black" else (74, 74, 80)
    pen.line(((0.0, 0.08), (0.0, 1.75)), 0.075, _METAL)
    pen.line(((-0.3, 0.05), (0.3, 0.05)), 0.11, (92, 94, 98))
    for k in range(6):
        gore = [*_rib(k / 3 - 1.0), *reversed(_rib((k + 1) / 3 - 1.0))]
        pen.polygon(gore, paint if k % 2 == 0 else other)
    pen.line(((0.0, 2.3), (0.0, 2.45)), 0.06, _METAL)


def draw_sign(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a road sign: a disc, a triangle, an octagon or a board on a pole."""
    paint, light = look.paint, (244, 244, 238) if look.colour not in {"white", "yellow"} else (70, 70, 74)
    pen.line(((0.0, 0.03), (0.0, 1.45)), 0.1, _METAL)
    kind = look.variant % 4
    middle = (0.0, 1.57)
    if kind == 0:
        pen.ellipse(middle, (0.5, 0.5), paint)
        pen.line(((-0.26, 1.57), (0.26, 1.57)), 0.16, light)
    elif kind == 1:
        pen.polygon(((-0.55, 1.15), (0.0, 2.1), (0.55, 1.15)), paint)
        pen.line(((0.0, 1.5), (0.0, 1.75)), 0.1, light)
        pen.ellipse((0.0, 1.33), (0.06, 0.06), light)
    elif kind == 2:
        pen.polygon([_around(middle, pi / 8 + k * pi / 4, 0.52) for k in range(8)], paint)
        pen.line(((-0.28, 1.51), (0.28, 1.51)), 0.07, light)
        pen.line(((-0.2, 1.65), (0.2, 1.65)), 0.07, light)
    else:
        pen.polygon(((-0.55, 1.1), (-0.55, 2.05), (0.55, 2.05), (0.55, 1.1)), paint)
        if look.picture is not None:
            pen.picture(((-0.32, 1.85), (0.32, 1.85), (0.32, 1.3), (-0.32, 1.3)), photograph(look.picture))
        else:
            pen.polygon(
                ((-0.3, 1.5), (0.02, 1.85), (0.34, 1.5), (0.12, 1.5), (0.12, 1.27), (-0.08, 1.27), (-0.08, 1.5)), light
            )


def draw_chair(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a chair from the side: four legs, a seat and a back, of wood or upholstered."""
    paint, far = look.paint, shade(look.paint, 0.66)
    for x in (-0.2, 0.36):
        pen.line(((x, 0.5), (x + 0.04, 0.03)), 0.075, far)
    pen.line(((-0.32, 0.48), (-0.38, 0.03)), 0.085, paint)
    pen.line(((0.28, 0.48), (0.31, 0.03)), 0.085, paint)
    pen.polygon(((-0.38, 0.44), (-0.36, 0.58), (0.4, 0.58), (0.38, 0.44)), paint)
    pen.line(((-0.34, 0.56), (0.36, 0.56)), 0.05, shade(paint, 1.3))
    if look.variant % 2:
        pen.polygon(((-0.4, 0.55), (-0.48, 1.14), (-0.3, 1.16), (-0.22, 0.55)), paint)
        pen.line(((-0.38, 0.65), (-0.42, 1.05)), 0.05, far)
    else:
        for x in (-0.42, -0.26):
            pen.line(((x + 0.05, 0.55), (x, 1.15)), 0.06, paint)
        for level in (0.8, 0.98, 1.13):
            pen.line(((-0.4, level), (-0.22, level)), 0.07, paint)
        pen.line(((-0.36, 0.84), (0.3, 0.8), (0.32, 0.5)), 0.06, far)


def draw_bench(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a park bench from the front: slats of a back and a seat on metal legs."""
    paint = look.paint
    for x in (-0.82, 0.82):
        pen.line(((x, 0.5), (x - 0.03, 0.03)), 0.1, (62, 64, 68))
        pen.line(((x, 0.45), (x, 1.0)), 0.07, (62, 64, 68))
    for level in (0.66, 0.8, 0.94):
        pen.line(((-0.95, level), (0.95, level)), 0.11, paint if level != 0.8 else shade(paint, 0.86))
    pen.polygon(((-1.0, 0.42), (-0.95, 0.54), (0.95, 0.54), (1.0, 0.42)), shade(paint, 1.2))
    pen.line(((-0.98, 0.43), (0.98, 0.43)), 0.09, shade(paint, 0.72))
    if look.variant % 2:
        for x in (-0.95, 0.95):
            pen.line(((x, 0.48), (x, 0.68)), 0.08, (62, 64, 68))


def draw_suitcase(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a suitcase on wheels with its handle pulled out."""
    paint = look.paint
    for x in (-0.16, 0.16):
        pen.line(((x, 0.8), (x, 1.15)), 0.04, _METAL)
    pen.line(((-0.19, 1.17), (0.19, 1.17)), 0.075, (44, 44, 48))
    pen.polygon(((-0.38, 0.12), (-0.42, 0.2), (-0.42, 0.84), (-0.36, 0.9), (0.36, 0.9), (0.42, 0.84), (0.42, 0.2),
                 (0.38, 0.12)), paint)  # fmt: skip
    for x in (-0.22, 0.0, 0.22):
        pen.line(((x, 0.2), (x, 0.82)), 0.045, shade(paint, 0.78))
    pen.line(((-0.36, 0.86), (0.36, 0.86)), 0.05, shade(paint, 1.35))
    if look.picture is not None:
        pen.picture(((-0.2, 0.68), (0.2, 0.68), (0.2, 0.38), (-0.2, 0.38)), photograph(look.picture))
    for x in (-0.3, 0.3):
        pen.ellipse((x, 0.07), (0.08, 0.08), (36, 36, 38))


def _rib(share: float) -> list[Point]:
    """A rib of the dome from the tip to the edge; `share` -1 is the left outline, 1 the right one."""
    return [(1.15 * share * sin(k * pi / 16), 1.6 + 0.76 * cos(k * pi / 16)) for k in range(9)]


def _around(middle: Point, angle: float, radius: float) -> Point:
    return middle[0] + radius * cos(angle), middle[1] + radius * sin(angle)
