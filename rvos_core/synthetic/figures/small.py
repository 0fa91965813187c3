"""Dogs and balls."""

from __future__ import annotations

from math import cos, pi, sin

from rvos_core.synthetic.colours import shade
from rvos_core.synthetic.figures.look import Look, Pose
from rvos_core.synthetic.pen import Extent, Pen, Point

DOG_EXTENT: Extent = (-0.95, -0.08, 0.95, 1.15)
BALL_EXTENT: Extent = (-0.36, -0.06, 0.36, 0.72)

_BALL_RADIUS = 0.32


def draw_dog(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a dog: sitting, standing, walking or running."""
    if look.action == "sitting":
        _sitting_dog(pen, look, pose)
        return
    running = look.action == "running"
    swing = {"running": 0.85, "walking": 0.5}.get(look.action, 0.0)
    height = 0.5 + (0.05 * abs(sin(pose.phase)) if running else 0.0)
    paint, far = look.paint, shade(look.paint, 0.68)
    gait = (0.0, pi, pi * 0.9, -pi * 0.1) if not running else (0.0, 0.6, pi, pi + 0.6)
    for hip, offset, colour in (
        (-0.34, gait[1], far),
        (0.32, gait[3], far),
        (-0.38, gait[0], paint),
        (0.36, gait[2], paint),
    ):
        _dog_leg(pen, (hip, height), swing * sin(pose.phase + offset), swing * cos(pose.phase + offset), colour)
    tail = height + 0.32 + 0.08 * sin(2.0 * pose.phase)
    pen.line(((-0.42, height + 0.12), (-0.6, height + 0.2), (-0.74, tail)), 0.075, paint)
    pen.line(((-0.32, height + 0.06), (0.32, height + 0.08)), 0.34, paint)
    pen.line(((-0.25, height - 0.07), (0.25, height - 0.06)), 0.06, shade(paint, 0.8))
    if look.variant % 3 == 0 and look.colour not in {"white", "black"}:
        pen.ellipse((-0.1, height + 0.1), (0.13, 0.09), shade(paint, 0.75))
    pen.line(((0.36, height + 0.1), (0.52, height + 0.32)), 0.22, paint)
    _dog_head(pen, look, (0.58, height + 0.4))


def draw_ball(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a ball with a pattern that turns as it rolls."""
    centre = (0.0, _BALL_RADIUS)
    pen.ellipse(centre, (_BALL_RADIUS, _BALL_RADIUS), look.paint)
    mark = shade(look.paint, 0.66) if look.colour != "black" else (96, 96, 102)
    if look.variant % 3 == 0:
        for wedge in range(3):
            start = -pose.roll + wedge * 2 * pi / 3
            rim = [_on_rim(centre, start + step * pi / 15, 0.97) for step in range(6)]
            pen.polygon((centre, *rim), mark)
    elif look.variant % 3 == 1:
        ends = _on_rim(centre, -pose.roll, 0.85), _on_rim(centre, pi - pose.roll, 0.85)
        pen.line(ends, 0.12, mark)
    else:
        for spot in range(5):
            pen.ellipse(_on_rim(centre, -pose.roll + spot * 2 * pi / 5, 0.6), (0.07, 0.07), mark)
    pen.ellipse((-0.1, _BALL_RADIUS + 0.14), (0.07, 0.05), shade(look.paint, 1.45))


def _on_rim(centre: Point, angle: float, share: float) -> Point:
    return centre[0] + _BALL_RADIUS * share * cos(angle), centre[1] + _BALL_RADIUS * share * sin(angle)


def _dog_leg(pen: Pen, hip: Point, swing: float, lift: float, colour: tuple[int, int, int]) -> None:
    reach = hip[1] - 0.03
    foot = (hip[0] + reach * sin(swing) * 0.9, max(0.04, 0.05 + 0.12 * max(lift, 0.0)))
    knee = ((hip[0] + foot[0]) / 2 + 0.03, (hip[1] + foot[1]) / 2)
    pen.line((hip, knee, foot), 0.11, colour)
    pen.line((foot, (foot[0] + 0.07, foot[1])), 0.08, colour)


def _dog_head(pen: Pen, look: Look, at: Point) -> None:
    x, y = at
    paint, ear = look.paint, shade(look.paint, 0.6) if look.colour != "black" else (70, 66, 66)
    pen.ellipse((x, y), (0.17, 0.15), paint)
    pen.line(((x + 0.08, y - 0.04), (x + 0.27, y - 0.06)), 0.13, paint)
    pen.ellipse((x + 0.33, y - 0.04), (0.035, 0.035), (20, 18, 18) if look.colour != "black" else (92, 84, 84))
    if look.variant % 2:
        pen.polygon(((x - 0.14, y + 0.08), (x - 0.08, y + 0.29), (x + 0.03, y + 0.12)), ear)
    else:
        pen.line(((x - 0.08, y + 0.1), (x - 0.14, y - 0.08)), 0.1, ear)
    if pen.detail > 30:
        pen.ellipse((x + 0.08, y + 0.05), (0.022, 0.022), (18, 16, 16) if look.colour != "black" else (220, 200, 150))


def _sitting_dog(pen: Pen, look: Look, pose: Pose) -> None:
    paint = look.paint
    wag = 0.1 * sin(pose.phase * 2.0)
    pen.line(((-0.34, 0.1), (-0.55, 0.12), (-0.68, 0.22 + wag)), 0.075, paint)
    pen.line(((0.14, 0.6), (0.2, 0.3), (0.2, 0.06)), 0.11, shade(paint, 0.7))
    pen.polygon(
        ((-0.42, 0.03), (-0.4, 0.34), (-0.12, 0.72), (0.12, 0.9), (0.28, 0.74), (0.22, 0.4), (0.02, 0.05)), paint
    )
    pen.ellipse((-0.2, 0.2), (0.24, 0.2), shade(paint, 0.88))
    pen.line(((-0.16, 0.06), (0.06, 0.05)), 0.1, paint)
    pen.line(((0.22, 0.62), (0.26, 0.3), (0.26, 0.06)), 0.11, paint)
    _dog_head(pen, look, (0.24, 0.92))
