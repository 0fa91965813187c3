"""Cats, horses, cows, sheep and elephants: one articulated four-legged body, a head of its own for each."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

from rvos_core.synthetic.colours import Rgb, shade
from rvos_core.synthetic.figures.look import Look, Pose
from rvos_core.synthetic.pen import Extent, Pen, Point

CAT_EXTENT: Extent = (-0.8, -0.06, 0.75, 0.95)
HORSE_EXTENT: Extent = (-1.25, -0.08, 1.65, 2.2)
COW_EXTENT: Extent = (-1.3, -0.08, 1.55, 1.75)
SHEEP_EXTENT: Extent = (-0.85, -0.06, 0.95, 1.15)
ELEPHANT_EXTENT: Extent = (-1.75, -0.08, 2.2, 2.85)

_DARK: Rgb = (24, 22, 22)


@dataclass(frozen=True)
class Build:
    """A body plan, metres: height of the hips, half their distance, trunk thickness, width and lift of the legs."""

    hip: float
    half: float
    girth: float
    limb: float
    lift: float


_CAT = Build(hip=0.36, half=0.27, girth=0.24, limb=0.085, lift=0.1)
_HORSE = Build(hip=0.98, half=0.6, girth=0.52, limb=0.15, lift=0.2)
_COW = Build(hip=0.76, half=0.66, girth=0.62, limb=0.17, lift=0.1)
_SHEEP = Build(hip=0.42, half=0.34, girth=0.42, limb=0.1, lift=0.08)
_ELEPHANT = Build(hip=1.2, half=0.8, girth=1.15, limb=0.42, lift=0.12)


def draw_cat(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a cat: walking, running, sitting or lying."""
    paint, dark = look.paint, _darker(look)
    wave = 0.1 * sin(pose.phase * 1.5)
    if look.action == "sitting":
        pen.line(((-0.22, 0.06), (-0.5, 0.06), (-0.58, 0.2 + wave)), 0.08, paint)
        pen.polygon(((-0.32, 0.02), (-0.34, 0.26), (-0.16, 0.5), (0.02, 0.66), (0.2, 0.6), (0.2, 0.02)), paint)
        pen.ellipse((-0.17, 0.17), (0.18, 0.16), shade(paint, 0.88))
        pen.line(((0.14, 0.45), (0.17, 0.05)), 0.09, shade(paint, 0.94))
        _cat_head(pen, look, (0.16, 0.68))
        return
    if look.action == "lying":
        pen.line(((-0.4, 0.1), (-0.62, 0.08), (-0.72, 0.2 + wave)), 0.08, paint)
        pen.ellipse((-0.08, 0.17), (0.42, 0.17), paint)
        pen.ellipse((-0.24, 0.15), (0.2, 0.13), shade(paint, 0.88))
        pen.line(((0.2, 0.07), (0.46, 0.05)), 0.09, paint)
        _cat_head(pen, look, (0.36, 0.34))
        return
    top = _legs(pen, _CAT, look, pose)
    pen.line(((-0.3, top + 0.06), (-0.48, top + 0.2), (-0.52, top + 0.44), (-0.42, top + 0.5 + wave)), 0.075, paint)
    pen.line(((-0.25, top + 0.03), (0.0, top + 0.06), (0.25, top + 0.04)), _CAT.girth, paint)
    pen.line(((-0.24, top - 0.05), (0.24, top - 0.04)), 0.06, shade(paint, 0.8))
    if look.variant % 2:
        for x in (-0.2, -0.08, 0.04, 0.16):
            pen.line(((x, top + 0.14), (x - 0.03, top + 0.03)), 0.035, dark)
    _cat_head(pen, look, (0.4, top + 0.2))


def draw_horse(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a horse: walking, running, standing or grazing."""
    horse_body(pen, look, pose, look.paint)


def horse_body(pen: Pen, look: Look, pose: Pose, paint: Rgb) -> float:
    """Draw a horse of any paint, ridden ones too. Returns: height of its back, metres."""
    dark = (62, 44, 34) if sum(paint) > 240 else (92, 84, 80)
    top = _legs(pen, _HORSE, look, pose, paint=paint, hoof=_DARK)
    sway = 0.06 * sin(pose.phase)
    pen.line(((-0.72, top + 0.2), (-0.9, top + 0.1), (-0.98, top - 0.35 + sway)), 0.13, dark)
    pen.ellipse((-0.52, top + 0.06), (0.34, 0.32), paint)
    pen.line(((-0.5, top + 0.05), (0.5, top + 0.07)), _HORSE.girth, paint)
    pen.line(((-0.4, top - 0.15), (0.42, top - 0.13)), 0.1, shade(paint, 0.78))
    pen.line(((-0.5, top + 0.26), (0.4, top + 0.27)), 0.06, shade(paint, 1.12))
    if look.action == "grazing":
        neck, head = ((0.52, top + 0.1), (1.02, top - 0.42)), ((1.04, top - 0.48), (1.22, 0.14))
    else:
        nod = 0.03 * sin(2 * pose.phase)
        neck, head = ((0.5, top + 0.14), (0.98, top + 0.76 + nod)), ((0.98, top + 0.8 + nod), (1.36, top + 0.55 + nod))
    pen.line(neck, 0.33, paint)
    (x0, y0), (x1, y1) = neck
    off = (-0.14, 0.09)
    pen.line(((x0 + off[0], y0 + off[1] + 0.1), (x1 + off[0], y1 + off[1])), 0.1, dark)
    pen.line(head, 0.22, paint)
    pen.ellipse(head[1], (0.12, 0.11), shade(paint, 0.82))
    (hx, hy), _ = head
    pen.polygon(((hx - 0.1, hy + 0.06), (hx - 0.04, hy + 0.27), (hx + 0.05, hy + 0.08)), paint)
    if pen.detail > 20:
        pen.ellipse((hx + 0.11, hy - 0.01), (0.028, 0.028), _DARK)
    return top + 0.3


def draw_cow(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a cow: walking, standing or grazing; horns, udder and mostly patches."""
    paint = look.paint
    patch = (238, 236, 230) if look.colour not in {"white", "yellow"} else (58, 50, 48)
    top = _legs(pen, _COW, look, pose, hoof=_DARK)
    swing = 0.08 * sin(pose.phase)
    pen.line(((-0.84, top + 0.36), (-0.95, top + 0.1), (-0.95 + swing, top - 0.3)), 0.06, paint)
    pen.ellipse((-0.95 + swing, top - 0.34), (0.06, 0.12), shade(paint, 0.6))
    pen.ellipse((-0.3, top - 0.24), (0.16, 0.12), (226, 170, 160))
    pen.polygon(
        ((-0.84, top - 0.12), (-0.9, top + 0.34), (-0.78, top + 0.42), (0.7, top + 0.44), (0.84, top + 0.3),
         (0.8, top - 0.1), (0.4, top - 0.24), (-0.5, top - 0.22)),
        paint,
    )  # fmt: skip
    pen.line(((-0.6, top - 0.17), (0.55, top - 0.16)), 0.09, shade(paint, 0.76))
    if look.variant % 3:
        pen.ellipse((-0.4, top + 0.2), (0.2, 0.16), patch)
        pen.ellipse((0.3, top + 0.06), (0.17, 0.12), patch)
    drop = -0.7 if look.action == "grazing" else 0.03 * sin(2 * pose.phase)
    head = (1.08, top + 0.38 + drop)
    pen.line(((0.7, top + 0.24), (head[0] - 0.06, head[1])), 0.36, paint)
    pen.polygon(
        ((head[0] - 0.14, head[1] + 0.14), (head[0] + 0.08, head[1] + 0.12), (head[0] + 0.34, head[1] - 0.2),
         (head[0] + 0.2, head[1] - 0.32), (head[0] - 0.12, head[1] - 0.14)),
        paint,
    )  # fmt: skip
    pen.ellipse((head[0] + 0.27, head[1] - 0.24), (0.13, 0.1), (222, 176, 164))
    pen.line(((head[0] - 0.06, head[1] + 0.12), (head[0] + 0.06, head[1] + 0.34)), 0.06, (226, 220, 204))
    pen.ellipse((head[0] - 0.2, head[1] + 0.06), (0.14, 0.06), shade(paint, 0.75))
    if pen.detail > 20:
        pen.ellipse((head[0] + 0.07, head[1] + 0.0), (0.03, 0.03), _DARK)


def draw_sheep(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a sheep: a fleece of curls on dark thin legs, with a dark face."""
    face: Rgb = (52, 46, 44) if look.colour != "black" else (176, 164, 150)
    top = _legs(pen, _SHEEP, look, pose, paint=face)
    paint = look.paint
    pen.ellipse((0.0, top + 0.14), (0.5, 0.28), paint)
    for number in range(9):
        angle = number * 2 * pi / 9
        pen.ellipse((0.44 * cos(angle), top + 0.15 + 0.22 * sin(angle)), (0.15, 0.13), paint)
    for x, y in ((-0.25, 0.2), (0.0, 0.26), (0.22, 0.18), (-0.1, 0.06)):
        pen.ellipse((x, top + y), (0.08, 0.05), shade(paint, 0.88 if look.colour != "black" else 1.2))
    drop = -0.3 if look.action == "grazing" else 0.02 * sin(2 * pose.phase)
    head = (0.6, top + 0.28 + drop)
    pen.line(((0.4, top + 0.2), head), 0.2, paint)
    pen.line((head, (head[0] + 0.14, head[1] - 0.12)), 0.17, face)
    pen.ellipse((head[0] - 0.08, head[1] + 0.02), (0.1, 0.045), shade(face, 0.8), turn=0.6)
    pen.ellipse((head[0] - 0.01, head[1] + 0.1), (0.1, 0.07), paint)


def draw_elephant(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw an elephant: trunk, tusk, a large ear."""
    paint, dark = look.paint, shade(look.paint, 0.74)
    top = _legs(pen, _ELEPHANT, look, pose)
    pen.line(((-1.3, top + 0.3), (-1.5, top - 0.1), (-1.48, top - 0.5)), 0.07, dark)
    pen.ellipse((-0.1, top + 0.2), (1.28, 0.72), paint)
    pen.ellipse((-0.1, top - 0.3), (0.9, 0.16), dark)
    head = (1.12, top + 0.55)
    swing = 0.16 * sin(pose.phase * 0.7)
    trunk = ((head[0] + 0.38, head[1] - 0.05), (head[0] + 0.66, head[1] - 0.6), (head[0] + 0.58 + swing, 0.55))
    pen.ellipse(head, (0.56, 0.52), paint)
    pen.line(trunk[:2], 0.34, paint)
    pen.line(trunk[1:], 0.25, paint)
    pen.line((trunk[2], (trunk[2][0] + 0.22, 0.42)), 0.2, paint)
    pen.line(((head[0] + 0.36, head[1] - 0.35), (head[0] + 0.86, head[1] - 0.42)), 0.1, (240, 234, 214))
    pen.ellipse((head[0] - 0.2, head[1] - 0.02), (0.42, 0.56), dark, turn=0.15)
    pen.ellipse((head[0] - 0.2, head[1] - 0.02), (0.33, 0.46), shade(paint, 0.86), turn=0.15)
    pen.ellipse((head[0] + 0.32, head[1] + 0.12), (0.045, 0.045), _DARK)


def _legs(
    pen: Pen, build: Build, look: Look, pose: Pose, *, paint: Rgb | None = None, hoof: Rgb | None = None
) -> float:
    """Draw four legs in the gait of the action. Returns: height of the hips, which bob when it runs."""
    colour = look.paint if paint is None else paint
    running = look.action == "running"
    moving = running or look.action in {"walking", "on horseback"}
    swing = 0.72 if running else 0.42 if moving else 0.0
    top = build.hip + (0.08 * build.hip * abs(sin(pose.phase)) if running else 0.0)
    offsets = (0.0, 0.7, pi, pi + 0.7) if running else (0.0, pi, 0.5 * pi, 1.5 * pi)
    rear, front, far = -build.half, build.half, shade(colour, 0.66)
    gap = build.limb * 0.7
    for x, offset, tone, forward in (
        (rear - gap * 0.3, offsets[1], far, -1),
        (front + gap * 0.6, offsets[3], far, 1),
        (rear - gap, offsets[0], colour, -1),
        (front, offsets[2], colour, 1),
    ):
        angle = swing * sin(pose.phase + offset)
        raised = max(cos(pose.phase + offset), 0.0) * build.lift if moving else 0.0
        foot = (x + top * 0.9 * sin(angle), 0.03 + build.limb * 0.3 + raised)
        knee = ((x + foot[0]) / 2 + forward * 0.05 * top, (top + foot[1]) / 2)
        pen.line(((x, top), knee), build.limb * 1.25, tone)
        pen.line((knee, foot), build.limb * 0.85, tone)
        if hoof is not None:
            pen.line((foot, (foot[0] + build.limb * 0.4, foot[1] - 0.02)), build.limb * 0.9, hoof)
    return top


def _darker(look: Look) -> Rgb:
    return shade(look.paint, 0.62) if look.colour != "black" else (78, 74, 74)


def _cat_head(pen: Pen, look: Look, at: Point) -> None:
    x, y = at
    paint = look.paint
    for side in (-1, 1):
        pen.polygon(
            ((x + side * 0.14, y + 0.03), (x + side * 0.12, y + 0.24), (x + side * 0.02, y + 0.12)),
            shade(paint, 0.85 if side < 0 else 1.0),
        )
    pen.ellipse((x, y), (0.16, 0.14), paint)
    pen.ellipse((x + 0.09, y - 0.05), (0.075, 0.055), shade(paint, 1.3))
    if pen.detail > 25:
        for eye in (-0.03, 0.08):
            pen.ellipse((x + eye, y + 0.03), (0.022, 0.026), (200, 220, 90))
        pen.ellipse((x + 0.12, y - 0.03), (0.02, 0.016), (214, 130, 130))
