"""People who ride horses, skateboards and motorbikes. As a bike, what they ride belongs to nobody (`pen.own`)."""

from __future__ import annotations

from math import cos, sin

from rvos_core.synthetic.colours import shade
from rvos_core.synthetic.figures.cycles import motorbike_body
from rvos_core.synthetic.figures.look import Look, Pose
from rvos_core.synthetic.figures.outfit import draw_backpack
from rvos_core.synthetic.figures.person import draw_arm, draw_head, draw_leg, draw_torso, two_links
from rvos_core.synthetic.figures.quadrupeds import horse_body
from rvos_core.synthetic.pen import Extent, Pen, Point

HORSEBACK_EXTENT: Extent = (-1.3, -0.08, 1.7, 2.75)
SKATEBOARD_EXTENT: Extent = (-0.8, -0.08, 0.8, 2.05)
ON_MOTORBIKE_EXTENT: Extent = (-1.25, -0.08, 1.3, 1.95)


def draw_on_horseback(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a horse in its accent paint, walking, with a person in the saddle."""
    bob = 0.03 * sin(2 * pose.phase)
    hip = (-0.08, 1.38 + bob)
    pen.own = False
    back = horse_body(pen, look, pose, look.accent)
    pen.polygon(((-0.35, back), (-0.3, back + 0.1), (0.25, back + 0.1), (0.3, back - 0.02)), (72, 48, 36))
    pen.own = True
    hand = (0.42, 1.62 + bob)
    _seated(pen, look, hip=hip, lean=0.06, hand=hand, ankle=(0.12, 0.72 + bob), helmet=look.variant % 2 == 0)
    pen.own = False
    pen.line((hand, (1.1, 1.62)), 0.03, (60, 44, 36))
    pen.own = True


def draw_on_motorbike(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a motorbike in its accent paint with a person who leans to the bars."""
    pen.own = False
    motorbike_body(pen, look.accent, pose, variant=look.variant)
    pen.own = True
    _seated(pen, look, hip=(-0.42, 0.96), lean=0.5, hand=(0.36, 1.14), ankle=(0.0, 0.34), helmet=True)


def draw_skateboarder(pen: Pen, look: Look, pose: Pose) -> None:
    """Draw a person who stands with bent knees on a board that rolls."""
    pen.own = False
    pen.line(((-0.58, 0.2), (-0.46, 0.15), (0.46, 0.15), (0.6, 0.22)), 0.07, shade(look.accent, 0.9))
    for x in (-0.34, 0.34):
        pen.ellipse((x, 0.07), (0.08, 0.08), (40, 40, 44))
    pen.own = True
    sway = 0.04 * sin(pose.phase)
    hip = (-0.05 + sway, 0.9)
    lean = 0.22
    neck = (hip[0] + 0.56 * sin(lean), hip[1] + 0.56 * cos(lean))
    shoulder = (neck[0], neck[1] - 0.07)
    for ankle, far in (((0.3, 0.25), True), ((-0.28, 0.25), False)):
        knee = two_links(hip, ankle, upper=0.45, lower=0.45, bend=1)
        draw_leg(pen, look, (hip, knee, ankle), far=far)
        if not far and look.gender == "woman":
            _lap(pen, look, hip, knee)
    far_hand, near_hand = (neck[0] + 0.55, neck[1] - 0.1 + sway), (neck[0] - 0.5, neck[1] - 0.14 - sway)
    for hand, far in ((far_hand, True), (near_hand, False)):
        elbow = two_links(shoulder, hand, upper=0.31, lower=0.29, bend=-1 if far else 1)
        if not far:
            _upper_body(pen, look, hip=hip, neck=neck, helmet=False)
        draw_arm(pen, look, (shoulder, elbow, hand), far=far)


def _seated(pen: Pen, look: Look, *, hip: Point, lean: float, hand: Point, ankle: Point, helmet: bool) -> None:
    neck = (hip[0] + 0.56 * sin(lean), hip[1] + 0.56 * cos(lean))
    shoulder = (neck[0], neck[1] - 0.07)
    elbow = two_links(shoulder, hand, upper=0.31, lower=0.29, bend=-1)
    draw_arm(pen, look, (shoulder, elbow, hand), far=True)
    _upper_body(pen, look, hip=hip, neck=neck, helmet=helmet)
    knee = two_links(hip, ankle, upper=0.46, lower=0.46, bend=1)
    draw_leg(pen, look, (hip, knee, ankle), far=False)
    if look.gender == "woman":
        _lap(pen, look, hip, knee)
    draw_arm(pen, look, (shoulder, elbow, hand), far=False)


def _upper_body(pen: Pen, look: Look, *, hip: Point, neck: Point, helmet: bool) -> None:
    if look.outfit is not None:
        draw_backpack(pen, look.outfit, hip=hip, neck=neck)
    draw_torso(pen, look, hip=hip, neck=neck)
    pen.line((neck, (neck[0] + 0.04, neck[1] + 0.07)), 0.1, shade(look.skin, 0.85))
    bare = look.outfit is None or look.outfit.hat is None
    draw_head(pen, look, at=(neck[0] + 0.07, neck[1] + 0.2), helmet=helmet and bare)


def _lap(pen: Pen, look: Look, hip: Point, knee: Point) -> None:
    pen.polygon(
        ((hip[0] - 0.16, hip[1] + 0.08), (hip[0] + 0.13, hip[1] + 0.1), (knee[0] + 0.04, knee[1] + 0.1),
         (knee[0] - 0.02, knee[1] - 0.12), (hip[0] - 0.18, hip[1] - 0.14)),
        look.lower_paint,
    )  # fmt: skip
