"""Cars and buses seen from the side; wheels turn with the distance driven."""

from __future__ import annotations

from math import cos, pi, sin

from rvos_core.synthetic.colours import Rgb, shade
from rvos_core.synthetic.figures.look import Look, Pose
from rvos_core.synthetic.pen import Extent, Pen, Point

CAR_EXTENT: Extent = (-2.1, -0.1, 2.1, 1.75)
BUS_EXTENT: Extent = (-3.5, -0.1, 3.5, 3.15)

_GLASS: tuple[Rgb, ...] = ((74, 96, 112), (52, 66, 78), (120, 146, 160))
_TYRE: Rgb = (30, 30, 32)

_CAR_SHAPES: tuple[tuple[tuple[Point, ...], tuple[Point, ...]], ...] = (
    (  # saloon: body, cabin
        (
            (-1.95, 0.35),
            (-1.97, 0.8),
            (-1.8, 0.95),
            (-1.1, 0.98),
            (1.0, 0.96),
            (1.75, 0.86),
            (1.98, 0.68),
            (1.98, 0.35),
        ),
        ((-1.35, 0.94), (-0.85, 1.42), (0.35, 1.45), (1.05, 0.94)),
    ),
    (  # hatchback
        ((-1.8, 0.35), (-1.85, 0.85), (-1.7, 1.0), (0.9, 1.0), (1.55, 0.9), (1.82, 0.7), (1.82, 0.35)),
        ((-1.72, 0.96), (-1.45, 1.5), (0.2, 1.54), (0.95, 0.96)),
    ),
    (  # off-roader
        ((-1.95, 0.4), (-1.95, 1.05), (0.85, 1.08), (1.7, 1.02), (1.95, 0.85), (1.95, 0.4)),
        ((-1.92, 1.0), (-1.78, 1.64), (0.45, 1.66), (0.95, 1.0)),
    ),
)


def draw_car(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a car of one of three shapes."""
    body, cabin = _CAR_SHAPES[look.variant % len(_CAR_SHAPES)]
    glass = _GLASS[look.variant % 2 + (1 if look.colour == "black" else 0)]
    dark, light = shade(look.paint, 0.72), shade(look.paint, 1.22)
    pen.polygon(cabin, look.paint)
    pen.polygon(body, look.paint)
    pen.polygon(_inset(cabin, 0.13), glass)
    middle = (cabin[1][0] + cabin[2][0]) / 2
    pen.line(((middle, cabin[0][1]), (middle, cabin[1][1])), 0.09, look.paint)
    low = body[0][1]
    rear, front = body[0][0], body[-1][0]
    pen.polygon(((rear, low), (rear, low + 0.16), (front, low + 0.16), (front, low)), dark)
    shoulder = cabin[0][1] - 0.08
    pen.line(((rear + 0.25, shoulder), (front - 0.55, shoulder - 0.02)), 0.04, light)
    if pen.detail > 20:
        for door in (middle, cabin[3][0] - 0.1, cabin[0][0] + 0.3):
            pen.line(((door, low + 0.12), (door, cabin[0][1])), 0.02, dark)
        pen.line(((middle - 0.32, shoulder - 0.1), (middle - 0.16, shoulder - 0.1)), 0.035, dark)
    pen.ellipse((front - 0.14, low + 0.36), (0.13, 0.08), (255, 246, 206))
    pen.ellipse((rear + 0.08, low + 0.4), (0.07, 0.1), (150, 24, 26))
    for x in (-1.2, 1.2):
        draw_wheel(pen, (x, 0.33), 0.35, pose.roll)


def draw_bus(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a bus: a box with a row of windows, doors and a stripe."""
    paint = look.paint
    pen.polygon(
        ((-3.3, 0.35), (-3.35, 2.8), (-3.2, 2.98), (3.15, 2.98), (3.34, 2.75), (3.38, 1.4), (3.36, 0.35)), paint
    )
    pen.polygon(((-3.3, 0.35), (-3.3, 0.62), (3.36, 0.62), (3.36, 0.35)), shade(paint, 0.7))
    pen.line(((-3.2, 2.9), (3.12, 2.9)), 0.1, shade(paint, 1.25))
    glass = _GLASS[look.variant % 3 if look.colour != "black" else 2]
    panes = 5 + look.variant % 2
    width = 5.5 / panes
    for pane in range(panes):
        x = -3.1 + pane * width
        pen.polygon(((x, 1.55), (x, 2.6), (x + width - 0.14, 2.6), (x + width - 0.14, 1.55)), glass)
    pen.polygon(((2.95, 1.35), (2.95, 2.62), (3.28, 2.6), (3.36, 1.35)), shade(glass, 1.15))
    pen.polygon(((2.42, 0.55), (2.42, 2.6), (2.82, 2.6), (2.82, 0.55)), shade(glass, 0.85))
    pen.line(((2.62, 0.6), (2.62, 2.58)), 0.05, shade(paint, 0.8))
    stripe = (236, 236, 232) if look.colour not in {"white", "yellow"} else shade(paint, 0.6)
    if look.variant % 2:
        pen.line(((-3.25, 1.2), (2.35, 1.2)), 0.12, stripe)
    pen.ellipse((3.26, 0.8), (0.09, 0.12), (255, 246, 206))
    for x in (-2.0, 1.75):
        draw_wheel(pen, (x, 0.44), 0.46, pose.roll * 0.8)


def _inset(cabin: tuple[Point, ...], margin: float) -> tuple[Point, ...]:
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = cabin
    return (
        (x0 + margin * 1.7, y0 + 0.02),
        (x1 + margin * 0.7, y1 - margin * 0.75),
        (x2 - margin * 0.5, y2 - margin * 0.75),
        (x3 - margin * 1.9, y3 + 0.02),
    )


def draw_wheel(pen: Pen, hub: Point, radius: float, roll: float) -> None:
    """Draw a road wheel with a bright rim; spokes show that it turns."""
    pen.ellipse(hub, (radius, radius), _TYRE)
    pen.ellipse(hub, (radius * 0.62, radius * 0.62), (168, 170, 172))
    if pen.detail > 14:
        for spoke in range(3):
            angle = -roll + spoke * pi / 3
            dx, dy = radius * 0.56 * cos(angle), radius * 0.56 * sin(angle)
            pen.line(((hub[0] - dx, hub[1] - dy), (hub[0] + dx, hub[1] + dy)), radius * 0.13, (84, 86, 90))
    pen.ellipse(hub, (radius * 0.16, radius * 0.16), (60, 60, 64))
