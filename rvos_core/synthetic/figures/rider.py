"""A person riding a bike. The bike is drawn with the rider but belongs to nobody: `pen.own` is False for it."""

from __future__ import annotations

from math import cos, pi, sin

from rvos_core.synthetic.colours import Rgb, shade
from rvos_core.synthetic.figures.look import Look, Pose
from rvos_core.synthetic.figures.person import draw_arm, draw_head, draw_leg, draw_torso, two_links
from rvos_core.synthetic.pen import Extent, Pen, Point

EXTENT: Extent = (-1.0, -0.08, 1.05, 2.1)

_WHEEL_RADIUS = 0.36
_REAR, _FRONT = (-0.54, 0.36), (0.56, 0.36)
_CRANK = (0.0, 0.34)
_CRANK_LENGTH = 0.17
_SADDLE, _BAR = (-0.2, 0.98), (0.44, 1.08)
_RUBBER: Rgb = (32, 32, 34)


def draw_rider(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw bike and rider: far leg, bike, body, near leg."""
    hip = (-0.19, 1.08)
    upright = 0.28 if look.variant % 2 else 0.42
    neck = (hip[0] + 0.56 * sin(upright), hip[1] + 0.56 * cos(upright))
    shoulder = (neck[0] + 0.0, neck[1] - 0.07)
    far_pedal, near_pedal = _pedal(pose.phase + pi), _pedal(pose.phase)
    hand = (_BAR[0] - 0.02, _BAR[1] + 0.04)
    elbow = two_links(shoulder, hand, upper=0.32, lower=0.32, bend=-1)
    draw_arm(pen, look, (shoulder, elbow, hand), far=True)
    draw_leg(pen, look, _leg(hip, far_pedal), far=True)
    pen.own = False
    _bike(pen, look, pose, near_pedal)
    pen.own = True
    draw_torso(pen, look, hip=hip, neck=neck)
    pen.line((neck, (neck[0] + 0.05, neck[1] + 0.07)), 0.1, shade(look.skin, 0.85))
    draw_head(pen, look, at=(neck[0] + 0.09, neck[1] + 0.2), helmet=look.variant % 3 == 0)
    joints = _leg(hip, near_pedal)
    draw_leg(pen, look, joints, far=False)
    if look.gender == "woman":
        knee = joints[1]
        pen.polygon(
            ((hip[0] - 0.16, hip[1] + 0.05), (hip[0] + 0.14, hip[1] + 0.1), (knee[0] + 0.02, knee[1] + 0.12),
             (knee[0] - 0.06, knee[1] - 0.1), (hip[0] - 0.2, hip[1] - 0.14)),
            look.lower_paint,
        )  # fmt: skip
    draw_arm(pen, look, (shoulder, elbow, hand), far=False)


def _pedal(phase: float) -> Point:
    return _CRANK[0] + _CRANK_LENGTH * cos(-phase), _CRANK[1] + _CRANK_LENGTH * sin(-phase)


def _leg(hip: Point, pedal: Point) -> tuple[Point, Point, Point]:
    ankle = (pedal[0] - 0.03, pedal[1] + 0.08)
    return hip, two_links(hip, ankle, upper=0.46, lower=0.46, bend=1), ankle


def _bike(pen: Pen, look: Look, pose: Pose, pedal: Point) -> None:
    frame = look.accent
    for hub in (_REAR, _FRONT):
        pen.ring(hub, _WHEEL_RADIUS - 0.03, 0.06, _RUBBER)
        if pen.detail > 22:
            for spoke in range(4):
                angle = -pose.roll + spoke * pi / 4
                dx, dy = (_WHEEL_RADIUS - 0.05) * cos(angle), (_WHEEL_RADIUS - 0.05) * sin(angle)
                pen.line(((hub[0] - dx, hub[1] - dy), (hub[0] + dx, hub[1] + dy)), 0.008, (150, 150, 152))
    seat, head = (-0.17, 0.84), (0.4, 0.86)
    pen.line((_REAR, _CRANK, seat, _REAR), 0.045, frame)
    pen.line((seat, head, _CRANK), 0.05, frame)
    pen.line((_FRONT, head, _BAR), 0.045, shade(frame, 0.85))
    pen.line((seat, _SADDLE), 0.04, _RUBBER)
    pen.line(((_SADDLE[0] - 0.12, _SADDLE[1]), (_SADDLE[0] + 0.1, _SADDLE[1])), 0.055, _RUBBER)
    pen.line((_BAR, (_BAR[0] + 0.1, _BAR[1] + 0.0)), 0.05, _RUBBER)
    pen.line((_CRANK, pedal), 0.035, (90, 90, 94))
    pen.ellipse(_CRANK, (0.075, 0.075), (90, 90, 94))
