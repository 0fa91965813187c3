"""Descriptions near a border are arguable and block a sentence on both sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rvos_core.synthetic import CATEGORIES, COLOURS, ExpressionSlots, ObjectFacts
from rvos_core.synthetic.predicates import Witness

FRAME_PX = 100 * 100


def thing(category: str, colour: str, *, x: float = 0.5, frames: int = 4, **more: object) -> ObjectFacts:
    """An object of 4 % of the frame whose centre stays at column `x`."""
    centre = np.tile(np.array([x, 0.5], np.float32), (frames, 1))
    half = np.array([0.1, 0.1], np.float32)
    plain = ObjectFacts(
        category=category,
        category_id=CATEGORIES.index(category),
        colour=colour,
        colour_id=COLOURS.index(colour),
        action="walking" if category == "person" else "parked",
        facing="right",
        travel=0.0,
        size=0.04,
        depth=0,
        boxes=np.concatenate((centre - half, centre + half), axis=1) * 100,
        visible=np.ones(frames, bool),
        area=np.full(frames, 400.0, np.float32),
        whole=np.ones(frames, np.float32),
        centre=centre,
    )
    return replace(plain, **more)


def judge(slots: ExpressionSlots, *objects: ObjectFacts) -> list[bool | None]:
    return Witness(objects, frame_px=FRAME_PX).judge(slots)


def person(shirt: str, lower: str, gender: str = "man", **more: object) -> ObjectFacts:
    return thing("person", shirt, gender=gender, lower_colour=lower, **more)


def test_in_red_means_the_shirt_and_red_trousers_make_it_arguable() -> None:
    slots = ExpressionSlots(category="person", colour="red")
    assert judge(slots, person("red", "blue"), person("blue", "red"), person("blue", "black")) == [True, None, False]
    shirt = replace(slots, clothing="shirt")
    assert judge(shirt, person("red", "blue"), person("blue", "red")) == [True, False]


def test_sides_need_a_margin_over_the_whole_clip() -> None:
    slots = ExpressionSlots(category="car", side="left")
    cars = [thing("car", "red", x=x) for x in (0.2, 0.45, 0.7)]
    assert judge(slots, *cars) == [True, None, False]
    wanderer = replace(cars[0], centre=np.array([[0.2, 0.5], [0.3, 0.5], [0.4, 0.5], [0.5, 0.5]], np.float32))
    assert judge(slots, wanderer) == [None]


def test_extremes_compare_what_else_fits() -> None:
    slots = ExpressionSlots(category="car", side="leftmost")
    objects = [thing("car", "red", x=0.4), thing("car", "blue", x=0.6), thing("dog", "black", x=0.1)]
    assert judge(slots, *objects) == [True, False, False]
    assert judge(slots, objects[0], thing("car", "blue", x=0.43)) == [None, None]
    assert judge(slots, objects[0], objects[2]) == [None, False]  # nothing to compare with
    speck = replace(objects[1], area=np.full(4, 10.0, np.float32))
    assert judge(slots, objects[0], speck)[0] is None  # nothing that is plainly there to compare with


def test_sizes_need_a_clear_ratio() -> None:
    slots = ExpressionSlots(category="ball", size="biggest")
    small = thing("ball", "red")
    large = replace(small, size=0.06, area=small.area * 1.5)
    nearly = replace(small, size=0.048, area=small.area * 1.2)
    assert judge(slots, small, large) == [False, True]
    assert judge(slots, small, nearly) == [None, None]
    assert judge(replace(slots, size="smallest"), small, large) == [True, False]


def test_directions_need_frames_and_travel() -> None:
    slots = ExpressionSlots(category="car", direction="left")
    moving = thing("car", "red", direction="left", travel=-0.2, action="moving")
    assert judge(slots, moving, replace(moving, direction="right", travel=0.2), thing("car", "blue")) == [
        True,
        False,
        False,
    ]
    assert judge(slots, replace(moving, travel=-0.01)) == [None]
    still = thing("car", "red", frames=1, direction="left", travel=0.0, action="moving")
    assert judge(slots, still) == [None]
    assert judge(ExpressionSlots(category="car", action="parked"), still) == [None]


def test_what_is_hardly_seen_is_arguable_and_what_is_never_seen_does_not_count() -> None:
    slots = ExpressionSlots(category="dog")
    speck = thing("dog", "black", area=np.full(4, 20.0, np.float32))
    brief = thing("dog", "black", visible=np.array([True, False, False, False]))
    behind = thing("dog", "black", whole=np.full(4, 0.2, np.float32))
    never = thing("dog", "black", visible=np.zeros(4, bool))
    assert judge(slots, speck, brief, behind, never) == [None, None, None, False]
    witness = Witness([thing("dog", "white"), never], frame_px=FRAME_PX)
    assert witness.target(slots) == 0
    assert Witness([thing("dog", "white"), speck], frame_px=FRAME_PX).target(slots) is None


def test_man_and_woman_are_told_apart_only_where_it_shows() -> None:
    slots = ExpressionSlots(category="person", gender="man")
    far_woman = person("red", "blue", "woman", size=0.004)
    assert judge(slots, person("red", "blue"), person("red", "blue", "woman"), far_woman) == [True, False, None]


def test_target_and_nothing() -> None:
    witness = Witness([thing("car", "red"), thing("car", "blue")], frame_px=FRAME_PX)
    assert witness.target(ExpressionSlots(category="car")) is None
    assert witness.target(ExpressionSlots(category="car", colour="blue")) == 1
    assert witness.fits_nothing(ExpressionSlots(category="car", colour="green"))
    assert not witness.fits_nothing(ExpressionSlots(category="vehicle"))
    assert witness.rivals(ExpressionSlots(category="car", size="biggest")) == 2
