"""What an expression says, as class numbers: what the text encoder is taught before it sees a picture."""

from __future__ import annotations

from typing import cast

from rvos_core.synthetic import (
    ACTIONS,
    CATEGORIES,
    CHANGES,
    CLOTHING,
    COLOURS,
    DIRECTIONS,
    GENDERS,
    ORDERS,
    RELATIONS,
    SIDES,
    SIZES,
    SPEED_WORDS,
    ExpressionSlots,
)

_NAMES = (*CATEGORIES, "vehicle", "animal")
SLOT_VALUES: dict[str, tuple[str, ...]] = {
    "category": _NAMES,
    "gender": GENDERS,
    "colour": COLOURS,
    "lower_colour": COLOURS,
    "clothing": CLOTHING,
    "action": ACTIONS,
    "side": SIDES,
    "size": SIZES,
    "direction": DIRECTIONS,
    "hat": (*COLOURS, "any"),
    "bag": (*COLOURS, "any"),
    "speed": SPEED_WORDS,
    "change": CHANGES,
    "order": ORDERS,
    "relation": RELATIONS,
    "other.category": _NAMES,
    "other.colour": COLOURS,
}
"""What each slot of an expression can say; class 0 of a slot is "nothing", value i is class i + 1. The last two are of
the object that a relation is to."""


def slot_classes(slots: ExpressionSlots) -> list[int]:
    """Class of each slot of `SLOT_VALUES`; 0 where the expression says nothing about it."""
    said = ((values, _said(slots, name)) for name, values in SLOT_VALUES.items())
    return [0 if value is None else values.index(value) + 1 for values, value in said]


def _said(slots: ExpressionSlots, name: str) -> str | None:
    """Value of a slot of `SLOT_VALUES`."""
    if not name.startswith("other."):
        value = getattr(slots, name)
    else:
        value = None if slots.other is None else getattr(slots.other, name.removeprefix("other."))
    return cast("str | None", value)
