"""People on foot: articulated legs and arms, seen from the side when they move and from the front when they stand."""

from __future__ import annotations

from math import cos, pi, sin

from rvos_core.synthetic.colours import Rgb, shade
from rvos_core.synthetic.figures.look import Look, Pose
from rvos_core.synthetic.figures.outfit import draw_backpack, draw_hair_and_hat, draw_hair_and_hat_in_front
from rvos_core.synthetic.pen import Extent, Pen, Point

EXTENT: Extent = (-0.75, -0.12, 0.75, 1.95)

_THIGH = _SHIN = 0.45
_UPPER_ARM, _FOREARM = 0.31, 0.28
_HELMETS: tuple[Rgb, ...] = ((70, 72, 78), (146, 148, 150), (206, 206, 202), (104, 100, 96))


def draw_person(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a walking, running or standing person."""
    if look.action == "standing":
        _standing(pen, look, pose)
    else:
        _striding(pen, look, pose, running=look.action == "running")


def draw_head(pen: Pen, look: Look, *, at: Point, helmet: bool = False) -> None:
    """Draw a head seen from the side, its centre at `at`."""
    x, y = at
    if look.gender == "woman" and look.outfit is None:
        pen.polygon(
            ((x + 0.02, y + 0.14), (x - 0.13, y + 0.1), (x - 0.19, y - 0.26), (x - 0.03, y - 0.24), (x, y)), look.hair
        )
    pen.ellipse((x - 0.015, y + 0.025), (0.145, 0.15), look.hair)
    pen.ellipse((x + 0.03, y - 0.02), (0.11, 0.13), look.skin)
    pen.polygon(((x - 0.13, y + 0.07), (x - 0.03, y + 0.17), (x + 0.1, y + 0.12), (x + 0.02, y + 0.05)), look.hair)
    if pen.detail > 60:
        pen.line(((x + 0.12, y - 0.02), (x + 0.15, y - 0.05)), 0.03, look.skin)
        pen.ellipse((x + 0.085, y + 0.01), (0.014, 0.018), (40, 34, 32))
        pen.ellipse((x - 0.02, y - 0.03), (0.022, 0.032), shade(look.skin, 0.85))
    if look.outfit is not None:
        draw_hair_and_hat(pen, look, look.outfit, at=at)
    if helmet:
        pen.polygon(
            (
                (x - 0.17, y + 0.04),
                (x - 0.12, y + 0.16),
                (x + 0.02, y + 0.2),
                (x + 0.13, y + 0.13),
                (x + 0.18, y + 0.05),
            ),
            _HELMETS[look.variant % len(_HELMETS)],
        )


def draw_torso(pen: Pen, look: Look, *, hip: Point, neck: Point) -> None:
    """Draw the upper clothing between hip and neck with a pattern in shades of its own colour."""
    along = (neck[0] - hip[0], neck[1] - hip[1])
    length = (along[0] ** 2 + along[1] ** 2) ** 0.5
    across = (along[1] / length, -along[0] / length)

    def at(share: float, side: float) -> Point:
        return hip[0] + along[0] * share + across[0] * side, hip[1] + along[1] * share + across[1] * side

    pen.polygon(
        (at(-0.08, -0.14), at(0.5, -0.155), at(0.92, -0.15), at(1.0, -0.06), at(1.0, 0.07), at(0.9, 0.16),
         at(0.5, 0.16), at(-0.08, 0.15)),
        look.paint,
    )  # fmt: skip
    if look.variant % 3 == 1:
        for share in (0.2, 0.5, 0.8):
            pen.line((at(share, -0.12), at(share, 0.13)), 0.05, shade(look.paint, 0.78))
    elif look.variant % 3 == 2:
        pen.polygon((at(-0.08, -0.14), at(0.95, -0.15), at(0.95, -0.07), at(-0.08, -0.05)), shade(look.paint, 0.8))


def draw_leg(pen: Pen, look: Look, joints: tuple[Point, Point, Point], *, far: bool) -> None:
    """Draw hip, knee, ankle and a shoe; the far leg a little darker."""
    hip, knee, ankle = joints
    factor = 0.72 if far else 1.0
    bare = look.gender == "woman"
    colour = shade(look.skin if bare else look.lower_paint, factor)
    pen.line((hip, knee), 0.15 if bare else 0.19, colour)
    pen.line((knee, ankle), 0.11 if bare else 0.15, colour)
    _shoe(pen, knee, ankle, shade((70, 60, 56), factor))


def draw_arm(pen: Pen, look: Look, joints: tuple[Point, Point, Point], *, far: bool) -> None:
    """Draw shoulder, elbow, hand: a sleeve and a bare forearm, or a long sleeve."""
    shoulder, elbow, hand = joints
    sleeve = shade(look.paint, 0.68 if far else 0.86)
    long_sleeve = look.variant % 2 == 0
    pen.line((shoulder, elbow), 0.12, sleeve)
    pen.line(
        (elbow, hand), 0.1 if long_sleeve else 0.085, sleeve if long_sleeve else shade(look.skin, 0.8 if far else 1)
    )
    pen.ellipse(hand, (0.055, 0.055), shade(look.skin, 0.8 if far else 1.0))


def two_links(start: Point, end: Point, *, upper: float, lower: float, bend: int) -> Point:
    """The joint between two links from `start` to `end`; `bend` +1 puts it forward (x up), -1 backward."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    distance = min(max((dx * dx + dy * dy) ** 0.5, 1e-6), (upper + lower) * 0.999)
    along = (upper**2 - lower**2 + distance**2) / (2 * distance)
    off = max(upper**2 - along**2, 0.0) ** 0.5 * bend
    ux, uy = dx / distance, dy / distance
    return start[0] + ux * along - uy * off, start[1] + uy * along + ux * off


def _striding(pen: Pen, look: Look, pose: Pose, *, running: bool) -> None:
    lean = 0.22 if running else 0.05
    legs = [_leg_angles(pose.phase + offset, running=running) for offset in (0.0, pi)]
    reach = [_THIGH * cos(hip) + _SHIN * cos(hip - knee) for hip, knee in legs]
    lift = 0.07 * abs(sin(pose.phase + 0.6)) if running else 0.0
    hip = (0.0, max(reach) + 0.06 + lift)
    neck = (hip[0] + 0.55 * sin(lean), hip[1] + 0.55 * cos(lean))
    shoulder = (neck[0] - 0.01, neck[1] - 0.08)
    swing = (0.95 if running else 0.6) * sin(pose.phase)
    draw_arm(pen, look, _arm(shoulder, -swing, running=running), far=True)
    draw_leg(pen, look, _leg(hip, *legs[1]), far=True)
    draw_leg(pen, look, _leg(hip, *legs[0]), far=False)
    if look.gender == "woman":
        _skirt(pen, hip, 0.17 + 0.1 * abs(sin(pose.phase)), shift=0.0, colour=look.lower_paint)
    draw_torso(pen, look, hip=hip, neck=neck)
    if look.outfit is not None:
        draw_backpack(pen, look.outfit, hip=hip, neck=neck)
    elif look.variant % 5 == 0 and not running:
        pen.polygon(_bag(neck), look.accent)
    pen.line((neck, (neck[0] + 0.03, neck[1] + 0.06)), 0.1, shade(look.skin, 0.85))
    draw_head(pen, look, at=(neck[0] + 0.04 + 0.3 * lean, neck[1] + 0.2))
    draw_arm(pen, look, _arm(shoulder, swing, running=running), far=False)


def _standing(pen: Pen, look: Look, pose: Pose) -> None:
    sway = 0.02 * sin(pose.phase)
    hip = (sway, 0.95)
    for side in (-1, 1):
        joints = ((hip[0] + 0.08 * side, hip[1]), (0.1 * side, 0.5), (0.12 * side, 0.07))
        draw_leg(pen, look, joints, far=False)
    if look.outfit is not None and look.outfit.bag is not None:
        pen.polygon(((-0.33, 1.0), (-0.33, 1.46), (0.33, 1.46), (0.33, 1.0)), look.outfit.bag_paint)
    if look.gender == "woman":
        _skirt(pen, hip, 0.27, shift=0.0, colour=look.lower_paint)
        pen.polygon(((-0.17, 1.78), (0.17, 1.78), (0.21, 1.33), (-0.21, 1.33)), look.hair)
    neck = (sway, 1.5)
    pen.polygon(((-0.2, 0.93), (-0.24, 1.4), (-0.1, 1.52), (0.1, 1.52), (0.24, 1.4), (0.2, 0.93)), look.paint)
    if look.variant % 3 == 1:
        for level in (1.05, 1.2, 1.35):
            pen.line(((-0.18, level), (0.18, level)), 0.05, shade(look.paint, 0.78))
    elif look.variant % 3 == 2:
        pen.line(((0.0, 0.95), (0.0, 1.45)), 0.04, shade(look.paint, 0.7))
    for side in (-1, 1):
        spread = 0.3 + 0.03 * sin(pose.phase + side)
        draw_arm(pen, look, ((0.23 * side, 1.4), (spread * side, 1.14), ((spread + 0.01) * side, 0.88)), far=False)
    pen.line((neck, (neck[0], 1.58)), 0.11, shade(look.skin, 0.85))
    pen.ellipse((sway, 1.7), (0.14, 0.16), look.hair)
    pen.ellipse((sway, 1.67), (0.115, 0.14), look.skin)
    if look.outfit is not None:
        draw_hair_and_hat_in_front(pen, look, look.outfit, at=(sway, 1.68))
    if pen.detail > 60:
        for side in (-1, 1):
            pen.ellipse((sway + 0.045 * side, 1.69), (0.014, 0.014), (40, 34, 32))
        pen.line(((sway - 0.035, 1.61), (sway + 0.035, 1.61)), 0.012, (150, 80, 76))


def _leg_angles(phase: float, *, running: bool) -> tuple[float, float]:
    """Hip angle (forward positive) and knee flexion of one leg, radians; it bends while it swings forward."""
    amplitude = 0.8 if running else 0.52
    forward = cos(phase)
    knee = 0.12 + (1.5 if running else 0.75) * max(0.0, forward) ** 1.5
    return amplitude * sin(phase) + (0.15 if running else 0.0), knee


def _leg(hip: Point, angle: float, flexion: float) -> tuple[Point, Point, Point]:
    knee = (hip[0] + _THIGH * sin(angle), hip[1] - _THIGH * cos(angle))
    return hip, knee, (knee[0] + _SHIN * sin(angle - flexion), knee[1] - _SHIN * cos(angle - flexion))


def _arm(shoulder: Point, angle: float, *, running: bool) -> tuple[Point, Point, Point]:
    bend = 1.5 if running else 0.3
    elbow = (shoulder[0] + _UPPER_ARM * sin(angle), shoulder[1] - _UPPER_ARM * cos(angle))
    return shoulder, elbow, (elbow[0] + _FOREARM * sin(angle + bend), elbow[1] - _FOREARM * cos(angle + bend))


def _skirt(pen: Pen, hip: Point, half_width: float, *, shift: float, colour: Rgb) -> None:
    x, y = hip
    pen.polygon(
        (
            (x - 0.14, y + 0.06),
            (x + 0.14, y + 0.06),
            (x + half_width + shift, y - 0.4),
            (x - half_width + shift, y - 0.4),
        ),
        colour,
    )


def _bag(neck: Point) -> tuple[Point, ...]:
    x, y = neck
    return (x - 0.12, y - 0.06), (x - 0.3, y - 0.1), (x - 0.32, y - 0.42), (x - 0.14, y - 0.44)


def _shoe(pen: Pen, knee: Point, ankle: Point, colour: Rgb) -> None:
    lean = (ankle[0] - knee[0]) * 0.9
    x, y = ankle
    pen.line(((x - 0.03, y - 0.02), (x + 0.13, y - 0.02 + lean * 0.25)), 0.085, colour)
