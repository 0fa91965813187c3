"""Trucks, vans and tractors: vehicles that carry; boats have a file of their own."""

from __future__ import annotations

from math import cos, pi, sin

from rvos_core.synthetic.colours import Rgb, shade
from rvos_core.synthetic.figures.look import Look, Pose
from rvos_core.synthetic.figures.pictures import photograph
from rvos_core.synthetic.figures.vehicles import draw_wheel
from rvos_core.synthetic.pen import Extent, Pen

TRUCK_EXTENT: Extent = (-3.6, -0.1, 3.4, 3.35)
VAN_EXTENT: Extent = (-2.55, -0.1, 2.55, 2.5)
TRACTOR_EXTENT: Extent = (-1.75, -0.1, 1.95, 2.75)

_GLASS: Rgb = (82, 104, 120)
_LAMP: Rgb = (255, 246, 206)
_METAL: Rgb = (70, 72, 76)


def draw_truck(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a truck: a cab, then a gap, then a box, tipper or tank on a bare chassis."""
    paint, dark = look.paint, shade(look.paint, 0.72)
    pen.line(((-3.3, 0.72), (3.0, 0.72)), 0.26, _METAL)
    kind = look.variant % 3
    if kind == 0:
        pen.polygon(((-3.45, 0.95), (-3.45, 3.2), (1.3, 3.2), (1.3, 0.95)), shade(paint, 1.1))
        pen.polygon(((-3.45, 0.95), (-3.45, 1.15), (1.3, 1.15), (1.3, 0.95)), dark)
        for x in (-2.6, -1.7, -0.8, 0.1, 0.9):
            pen.line(((x, 1.2), (x, 3.1)), 0.05, shade(paint, 0.86))
        if look.picture is not None:
            pen.picture(((-2.5, 2.8), (0.2, 2.8), (0.2, 1.5), (-2.5, 1.5)), photograph(look.picture))
    elif kind == 1:
        pen.polygon(((-3.5, 1.0), (-3.55, 2.3), (1.3, 2.1), (1.2, 1.0)), paint)
        pen.polygon(((-3.3, 2.28), (-1.2, 2.85), (1.0, 2.1)), (124, 104, 82))
        for x in (-2.7, -1.6, -0.5, 0.6):
            pen.line(((x, 1.05), (x, 2.15)), 0.1, dark)
    else:
        pen.line(((-2.75, 1.75), (0.6, 1.75)), 1.5, paint)
        pen.line(((-2.7, 2.25), (0.5, 2.25)), 0.16, shade(paint, 1.4))
        pen.line(((-2.7, 1.25), (0.5, 1.25)), 0.2, dark)
    pen.polygon(((1.5, 0.5), (1.5, 2.75), (2.5, 2.8), (3.1, 1.85), (3.2, 1.5), (3.25, 0.5)), paint)
    pen.polygon(((1.9, 1.7), (1.9, 2.5), (2.45, 2.52), (2.85, 1.75)), _GLASS)
    pen.polygon(((1.5, 0.5), (1.5, 0.8), (3.25, 0.8), (3.25, 0.5)), dark)
    pen.line(((1.75, 0.9), (1.75, 2.6)), 0.05, dark)
    pen.ellipse((3.1, 1.0), (0.12, 0.14), _LAMP)
    for x in (-2.6, -1.5, 2.3):
        draw_wheel(pen, (x, 0.5), 0.52, pose.roll * 0.9)


def draw_van(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a delivery van: one tall body that slopes at the front, windows at the front only."""
    paint, dark = look.paint, shade(look.paint, 0.74)
    pen.polygon(
        (
            (-2.35, 0.35),
            (-2.4, 2.2),
            (-2.25, 2.35),
            (0.85, 2.35),
            (1.2, 2.25),
            (1.85, 1.35),
            (2.35, 1.15),
            (2.42, 0.35),
        ),
        paint,
    )
    pen.polygon(((0.75, 1.35), (0.75, 2.1), (1.12, 2.08), (1.62, 1.35)), _GLASS)
    pen.polygon(((-2.35, 0.35), (-2.35, 0.58), (2.42, 0.58), (2.42, 0.35)), dark)
    for x in (-0.75, 0.6):
        pen.line(((x, 0.62), (x, 2.2)), 0.035, dark)
    pen.line(((-2.2, 2.27), (0.8, 2.27)), 0.07, shade(paint, 1.3))
    pen.line(((-2.2, 1.3), (0.5, 1.3)), 0.05, dark)
    if look.picture is not None:
        pen.picture(((-2.1, 2.1), (-0.95, 2.1), (-0.95, 1.45), (-2.1, 1.45)), photograph(look.picture))
    elif look.variant % 2:
        pen.polygon(((-2.05, 2.1), (-2.05, 1.5), (-1.15, 1.5), (-1.15, 2.1)), _GLASS)
    pen.ellipse((2.26, 0.95), (0.12, 0.1), _LAMP)
    pen.ellipse((-2.33, 0.95), (0.07, 0.14), (150, 24, 26))
    for x in (-1.45, 1.5):
        draw_wheel(pen, (x, 0.38), 0.4, pose.roll)


def draw_tractor(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a tractor: one large and one small wheel, a glass cabin, an engine hood and a pipe."""
    paint, dark = look.paint, shade(look.paint, 0.7)
    pen.polygon(((-0.2, 0.7), (-0.2, 1.5), (1.55, 1.4), (1.68, 0.7)), paint)
    pen.polygon(((-0.2, 0.7), (-0.2, 0.88), (1.68, 0.88), (1.68, 0.7)), dark)
    for x in (0.7, 0.9, 1.1, 1.3):
        pen.line(((x, 1.0), (x, 1.28)), 0.05, dark)
    pen.line(((1.05, 1.4), (1.05, 2.1)), 0.09, _METAL)
    pen.polygon(((-1.35, 1.25), (-1.25, 2.5), (0.1, 2.5), (0.2, 1.25)), _GLASS)
    for left, right in (((-1.35, 1.25), (-1.25, 2.5)), ((-0.5, 1.3), (-0.48, 2.5)), ((0.18, 1.25), (0.1, 2.5))):
        pen.line((left, right), 0.09, paint)
    pen.line(((-1.4, 2.55), (0.2, 2.55)), 0.18, paint)
    pen.ellipse((-0.75, 0.95), (1.0, 0.82), dark)
    for hub, radius in (((-0.75, 0.82), 0.84), ((1.25, 0.45), 0.46)):
        pen.ellipse(hub, (radius, radius), (30, 30, 32))
        for lug in range(10):
            angle = -pose.roll * 0.5 + lug * pi / 5
            rim = (hub[0] + radius * 0.88 * cos(angle), hub[1] + radius * 0.88 * sin(angle))
            pen.ellipse(rim, (radius * 0.1, radius * 0.1), (66, 66, 70))
        pen.ellipse(hub, (radius * 0.55, radius * 0.55), shade(paint, 1.2) if look.variant % 2 else (206, 196, 60))
        pen.ellipse(hub, (radius * 0.18, radius * 0.18), _METAL)
