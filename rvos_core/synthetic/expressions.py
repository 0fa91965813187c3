"""Chooses what to say about a clip: true sentences for several objects, and sentences that fit nothing in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rvos_core.synthetic.colours import COLOURS
from rvos_core.synthetic.facts import CATEGORIES, Expression, ExpressionSlots, ObjectFacts
from rvos_core.synthetic.grammar import phrase
from rvos_core.synthetic.predicates import Witness

_TRIES = 3
_SWAPS: dict[str, tuple[str, ...]] = {
    "colour": COLOURS,
    "lower_colour": COLOURS,
    "gender": ("man", "woman"),
    "side": ("left", "right"),
    "direction": ("left", "right"),
    "category": CATEGORIES,
}
_ACTION_SWAPS: dict[str, tuple[str, ...]] = {
    "person": ("walking", "running", "standing", "riding"),
    "dog": ("walking", "running", "standing", "sitting"),
    "car": ("moving", "parked"),
    "bus": ("moving", "parked"),
    "ball": ("rolling", "lying"),
}


def describe(
    objects: Sequence[ObjectFacts], witness: Witness, rng: np.random.Generator, *, per_object: int, negatives: int
) -> tuple[Expression, ...]:
    """Sentences about a clip.

    Args:
        objects: the clip's objects.
        witness: judges what is true in the clip.
        rng: chooses what is said and how.
        per_object: most sentences for one object.
        negatives: most sentences that fit nothing.

    Returns:
        Positive sentences grouped by object, then negative ones. Each positive is true of exactly one object.
    """
    positives: list[Expression] = []
    for index, facts in enumerate(objects):
        if not witness.clear(index):
            continue
        said: set[ExpressionSlots] = set()
        for _ in range(per_object):
            slots = _true_of(index, facts, witness, rng)
            if slots is not None and slots not in said:
                said.add(slots)
                text = phrase(slots, rng, rivals=_rivals(slots, witness))
                positives.append(Expression(text, index, slots))
    return (*positives, *_negatives(positives, witness, rng, negatives))


def _rivals(slots: ExpressionSlots, witness: Witness) -> int:
    return witness.rivals(slots) if slots.size is not None else 0


def _true_of(index: int, facts: ObjectFacts, witness: Witness, rng: np.random.Generator) -> ExpressionSlots | None:
    """A description that means object `index` alone: a few attributes, and more where they do not suffice."""
    for _ in range(_TRIES):
        slots = _bare(facts, rng)
        options = _attributes(facts)
        rng.shuffle(options)
        wanted = int(rng.choice(4, p=(0.07, 0.4, 0.4, 0.13)))
        for count, option in enumerate(options):
            if count >= wanted and witness.target(slots) == index:
                return slots
            if count >= wanted + 2:
                break
            slots = extended(slots, additions(slots, option, facts, rng), index, witness)
        if witness.target(slots) == index:
            return slots
    return None


def _bare(facts: ObjectFacts, rng: np.random.Generator) -> ExpressionSlots:
    chance = rng.random()
    if facts.category == "person":
        return ExpressionSlots(category="person", gender=facts.gender if chance < 0.42 else None)
    vehicle = facts.category in {"car", "bus"} and chance < 0.12
    return ExpressionSlots(category="vehicle" if vehicle else facts.category)


def _attributes(facts: ObjectFacts) -> list[str]:
    """What could be said, the usual things more than once (the first draw decides)."""
    usual = ["colour", "colour", "colour", "action", "side", "extreme", "size", "direction"]
    if facts.category == "person":
        usual += ["action", "shirt", "lower", "both"]
    return usual


def extended(
    slots: ExpressionSlots, ways: Sequence[Mapping[str, Any]], index: int, witness: Witness
) -> ExpressionSlots:
    """`slots` with the first addition that is plainly true of object `index`; unchanged where none is."""
    for addition in ways:
        more = replace(slots, **addition)
        if witness.judge(more)[index] is True:
            return more
    return slots


def additions(
    slots: ExpressionSlots, option: str, facts: ObjectFacts, rng: np.random.Generator
) -> list[dict[str, str | None]]:
    """Ways to say one more attribute beside what `slots` says; none where it is said already or would be clumsy."""
    undressed = slots.colour is None and slots.lower_colour is None
    sideless = slots.side is None and slots.direction is None and slots.size is None
    skirt = facts.gender == "woman"
    if option == "colour" and undressed:
        return [{"colour": facts.colour}]
    if option == "shirt" and undressed:
        return [{"colour": facts.colour, "clothing": "shirt"}]
    if option == "lower" and undressed:
        return [{"lower_colour": facts.lower_colour, "clothing": "skirt" if skirt else "trousers"}]
    if option == "both" and undressed:
        return [{"colour": facts.colour, "lower_colour": facts.lower_colour, "clothing": "skirt" if skirt else "both"}]
    if option == "action" and slots.action is None:
        on_foot = facts.category == "person" and facts.action != "riding" and slots.direction is None
        return [{"action": "on foot" if on_foot and rng.random() < 0.3 else facts.action}]
    if option == "side" and sideless:
        return [{"side": side} for side in ("left", "right", "middle")]
    if option == "extreme" and sideless:
        return [{"side": side} for side in ("leftmost", "rightmost")]
    if option == "size" and sideless:
        return [{"size": size} for size in ("biggest", "smallest")]
    if option == "direction" and sideless and slots.action != "on foot" and facts.direction is not None:
        return [{"direction": facts.direction}]
    return []


def _negatives(positives: list[Expression], witness: Witness, rng: np.random.Generator, count: int) -> list[Expression]:
    """True sentences with one attribute exchanged so that they fit nothing."""
    found: list[Expression] = []
    for _ in range(count * 4):
        if len(found) >= count or not positives:
            break
        slots = _swapped(positives[int(rng.integers(len(positives)))].slots, rng)
        if slots is not None and witness.fits_nothing(slots):
            found.append(Expression(phrase(slots, rng), None, slots))
    return found


def _swapped(slots: ExpressionSlots, rng: np.random.Generator) -> ExpressionSlots | None:
    """One attribute of a sentence exchanged for another value; None where nothing can be."""
    names = [name for name in (*_SWAPS, "action") if getattr(slots, name) is not None]
    if slots.clothing is not None or slots.gender is not None or slots.action is not None:
        names.remove("category")
    if slots.side not in (None, "left", "right"):
        names.remove("side")
    if not names:
        return None
    name = str(rng.choice(names))
    values = _ACTION_SWAPS.get(slots.category or "", ()) if name == "action" else _SWAPS[name]
    values = tuple(value for value in values if value != getattr(slots, name))
    if slots.direction is not None and name == "action":
        values = tuple(value for value in values if value not in {"standing", "parked", "sitting", "lying"})
    if name == "gender" and slots.clothing in {"skirt", "trousers", "both"}:
        return None
    if not values:
        return None
    exchanged: dict[str, Any] = {name: str(rng.choice(values))}
    return replace(slots, **exchanged)
