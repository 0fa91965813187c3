"""Birds that stand or fly, and swans on the water."""

from __future__ import annotations

from math import sin

from rvos_core.synthetic.colours import Rgb, shade
from rvos_core.synthetic.figures.look import Look, Pose
from rvos_core.synthetic.pen import Extent, Pen

BIRD_EXTENT: Extent = (-0.75, -0.75, 0.75, 0.95)
SWAN_EXTENT: Extent = (-0.85, -0.12, 0.85, 1.2)

_BEAK: Rgb = (236, 150, 40)
_DARK: Rgb = (22, 20, 20)


def draw_bird(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a bird: flying (its origin is below the breast) or standing on the ground."""
    if look.action == "flying":
        _flying(pen, look, pose)
    else:
        _perched(pen, look, pose)


def draw_swan(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a swan that floats: the water line is its ground."""
    paint = look.paint
    shadow = shade(paint, 0.84) if look.colour != "black" else (70, 70, 76)
    nod = 0.02 * sin(pose.phase)
    pen.polygon(
        ((-0.78, 0.42), (-0.6, 0.34), (-0.45, 0.44), (-0.1, 0.46), (0.3, 0.36), (0.52, 0.2), (0.42, 0.02), (-0.35, 0.0),
         (-0.6, 0.14)),
        paint,
    )  # fmt: skip
    pen.polygon(((-0.72, 0.42), (-0.3, 0.5), (0.1, 0.42), (0.22, 0.2), (-0.2, 0.14), (-0.5, 0.24)), shadow)
    for level in (0.26, 0.34):
        pen.line(((-0.5, level + 0.04), (-0.05, level), (0.12, level)), 0.03, shade(paint, 0.72))
    neck = ((0.38, 0.2), (0.6, 0.42), (0.5, 0.68), (0.38, 0.86 + nod), (0.44, 1.02 + nod), (0.56, 1.02 + nod))
    pen.line(neck, 0.12, paint)
    pen.ellipse((0.56, 1.01 + nod), (0.11, 0.09), paint)
    pen.polygon(((0.63, 1.06 + nod), (0.83, 0.96 + nod), (0.63, 0.95 + nod)), _BEAK)
    pen.polygon(((0.6, 1.07 + nod), (0.68, 1.03 + nod), (0.62, 0.97 + nod)), _DARK)


def _perched(pen: Pen, look: Look, pose: Pose) -> None:
    paint, wing = look.paint, _wing(look)
    nod = 0.03 * sin(pose.phase * 1.3)
    for x in (-0.04, 0.08):
        pen.line(((x, 0.26), (x + 0.01, 0.03), (x + 0.12, 0.03)), 0.045, (196, 120, 48))
    pen.polygon(((-0.25, 0.42), (-0.66, 0.24), (-0.68, 0.12), (-0.14, 0.24)), wing)
    pen.ellipse((0.0, 0.42), (0.34, 0.23), paint, turn=0.35)
    pen.ellipse((0.12, 0.36), (0.16, 0.14), shade(paint, 1.28))
    pen.ellipse((-0.1, 0.44), (0.27, 0.13), wing, turn=0.45)
    head = (0.26, 0.72 + nod)
    pen.ellipse(head, (0.16, 0.15), paint)
    pen.polygon(
        ((head[0] + 0.12, head[1] + 0.06), (head[0] + 0.36, head[1] - 0.03), (head[0] + 0.12, head[1] - 0.07)), _BEAK
    )
    pen.ellipse((head[0] + 0.06, head[1] + 0.04), (0.03, 0.03), _DARK if look.colour != "black" else (240, 230, 200))


def _flying(pen: Pen, look: Look, pose: Pose) -> None:
    paint, wing = look.paint, _wing(look)
    beat = sin(pose.phase)
    tip = 0.62 * (beat if abs(beat) > 0.35 else 0.35 if beat >= 0 else -0.35)
    far = ((0.22, 0.08), (0.2, 0.12 + tip * 0.8), (-0.06, 0.06 + tip), (-0.3, 0.06))
    pen.polygon(far, shade(wing, 0.8))
    pen.polygon(((-0.24, 0.08), (-0.68, 0.18), (-0.7, 0.04), (-0.24, -0.06)), wing)
    pen.ellipse((0.0, 0.03), (0.38, 0.15), paint, turn=0.06)
    pen.ellipse((0.06, -0.03), (0.22, 0.07), shade(paint, 1.28))
    pen.ellipse((0.38, 0.12), (0.14, 0.12), paint)
    pen.polygon(((0.49, 0.16), (0.71, 0.1), (0.49, 0.05)), _BEAK)
    pen.ellipse((0.43, 0.15), (0.025, 0.025), _DARK if look.colour != "black" else (240, 230, 200))
    near = ((0.24, 0.06), (0.1, 0.1 + tip * 0.82), (-0.26, 0.06 + tip * 1.08), (-0.32, 0.03))
    pen.polygon(near, wing)
    pen.line((near[1], near[2]), 0.05, shade(wing, 0.7))


def _wing(look: Look) -> Rgb:
    return shade(look.paint, 0.72) if look.colour != "black" else (72, 72, 80)
