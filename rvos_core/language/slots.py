"""What a referring expression says, slot by slot: what the street world's grammar words and the reader reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExpressionSlots:
    """What an expression says; None where it says nothing.

    Attributes:
        category: one of the street world's `CATEGORIES`, or "vehicle" or "animal"; "bird" holds for swans too.
        gender: "man" or "woman".
        colour: colour of the object, or of a person's upper clothing.
        lower_colour: colour of trousers or skirt.
        clothing: which garment is named: "shirt", "trousers", "skirt", "both".
        action, side, size, direction: values as in the street world's `ACTIONS`, `SIDES`, `SIZES`, `DIRECTIONS`.
        hat, bag: colour word, or "any".
        speed, change, order: as in `SPEED_WORDS`, `CHANGES`, `ORDERS`; an order may have any place ("second to enter").
        relation, other: as in `RELATIONS`; and the description of the one object that it is to.
    """

    category: str | None = None
    gender: str | None = None
    colour: str | None = None
    lower_colour: str | None = None
    clothing: str | None = None
    action: str | None = None
    side: str | None = None
    size: str | None = None
    direction: str | None = None
    hat: str | None = None
    bag: str | None = None
    speed: str | None = None
    change: str | None = None
    order: str | None = None
    relation: str | None = None
    other: ExpressionSlots | None = None
