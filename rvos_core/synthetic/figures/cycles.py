"""Bicycles and motorbikes that stand alone; the bare motorbike also carries a rider."""

from __future__ import annotations

from math import cos, pi, sin

from rvos_core.synthetic.colours import Rgb, shade
from rvos_core.synthetic.figures.look import Look, Pose
from rvos_core.synthetic.pen import Extent, Pen, Point

BICYCLE_EXTENT: Extent = (-1.05, -0.08, 1.1, 1.3)
MOTORBIKE_EXTENT: Extent = (-1.2, -0.08, 1.25, 1.4)

_RUBBER: Rgb = (30, 30, 32)
_METAL: Rgb = (150, 152, 156)


def draw_bicycle(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a bicycle on its stand; thick enough that its frame shows its colour from afar."""
    paint = look.paint
    rear, front, crank = (-0.58, 0.38), (0.6, 0.38), (-0.04, 0.36)
    seat, head = (-0.24, 0.86), (0.42, 0.88)
    for hub in (rear, front):
        pen.ring(hub, 0.35, 0.07, _RUBBER)
        if pen.detail > 20:
            for spoke in range(4):
                angle = 0.3 + spoke * pi / 4
                dx, dy = 0.32 * cos(angle), 0.32 * sin(angle)
                pen.line(((hub[0] - dx, hub[1] - dy), (hub[0] + dx, hub[1] + dy)), 0.01, _METAL)
        pen.ring(hub, 0.41, 0.045, shade(paint, 0.9))
    pen.line((crank, (-0.14, 0.02)), 0.03, _METAL)
    for bar in ((rear, crank, seat, rear), (seat, head, crank), (front, head)):
        pen.line(bar, 0.085, paint)
    pen.line(((-0.24, 0.86), (-0.28, 1.02)), 0.05, _RUBBER)
    pen.line(((-0.42, 1.03), (-0.16, 1.03)), 0.085, _RUBBER)
    pen.line(((0.42, 0.88), (0.38, 1.12), (0.54, 1.16)), 0.055, _RUBBER)
    pen.ellipse(crank, (0.09, 0.09), (92, 92, 96))
    if look.variant % 2:
        pen.polygon(((0.5, 1.0), (0.5, 0.78), (0.86, 0.78), (0.9, 1.0)), (150, 116, 74))


def draw_motorbike(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a motorbike without a rider."""
    motorbike_body(pen, look.paint, pose, variant=look.variant)


def motorbike_body(pen: Pen, paint: Rgb, pose: Pose, *, variant: int) -> None:
    """Draw a motorbike of any paint: fat wheels, tank, seat, engine, pipe, lamp."""
    rear, front = (-0.72, 0.34), (0.76, 0.34)
    for hub in (rear, front):
        pen.ellipse(hub, (0.35, 0.35), _RUBBER)
        pen.ellipse(hub, (0.2, 0.2), _METAL)
        for spoke in range(3):
            angle = -pose.roll + spoke * pi / 3
            dx, dy = 0.19 * cos(angle), 0.19 * sin(angle)
            pen.line(((hub[0] - dx, hub[1] - dy), (hub[0] + dx, hub[1] + dy)), 0.04, (84, 86, 90))
    pen.line((front, (0.5, 1.02)), 0.08, _METAL)
    pen.polygon(((-0.35, 0.28), (-0.3, 0.66), (0.3, 0.66), (0.36, 0.3)), (66, 66, 70))
    pen.ellipse((0.02, 0.44), (0.19, 0.15), _METAL)
    pen.line(((-0.02, 0.27), (-0.95, 0.3)), 0.1, _METAL)
    pen.polygon(
        ((-0.98, 0.86), (-0.9, 0.66), (0.34, 0.6), (0.52, 0.86), (0.36, 1.02), (-0.05, 0.98), (-0.3, 0.8)), paint
    )
    pen.line(((-0.86, 0.86), (-0.2, 0.8)), 0.13, _RUBBER)
    pen.line(((-0.2, 0.98), (0.3, 0.98)), 0.05, shade(paint, 1.35))
    if variant % 2:
        pen.polygon(((0.42, 0.66), (0.4, 1.08), (0.72, 1.0), (0.84, 0.76)), paint)
        pen.polygon(((0.46, 1.06), (0.52, 1.3), (0.66, 1.02)), (120, 146, 160))
    pen.line(((0.5, 1.0), (0.36, 1.16)), 0.055, _RUBBER)
    pen.ellipse((0.68, 0.92), (0.1, 0.1), (255, 244, 200))
    _mudguards(pen, paint, rear, front)


def _mudguards(pen: Pen, paint: Rgb, rear: Point, front: Point) -> None:
    for hub in (rear, front):
        arc = [(hub[0] + 0.4 * cos(0.5 + step * 0.35), hub[1] + 0.4 * sin(0.5 + step * 0.35)) for step in range(7)]
        pen.line(arc, 0.06, shade(paint, 0.8))
