"""Chooses what to say about a clip: sentences that mean one object, and near misses that mean none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rvos_core.language.phrases import COLOURS
from rvos_core.language.slots import ExpressionSlots
from rvos_core.synthetic.facts import CATEGORIES, CHANGES, ORDERS, RELATIONS, Expression, ObjectFacts
from rvos_core.synthetic.grammar import phrase
from rvos_core.synthetic.kinds import HYPERNYMS, KINDS
from rvos_core.synthetic.predicates import Witness

_TRIES = 3
_HYPERNYM = 0.14
_OPPOSITES = {
    "behind": "in front of", "in front of": "behind", "left of": "right of", "right of": "left of",
}  # fmt: skip
_USUAL = (
    "colour", "colour", "colour", "action", "action", "side", "extreme", "size", "direction", "speed",
    "change", "change", "change", "change", "order", "relation", "relation", "relation",
)  # fmt: skip
_OF_PEOPLE = ("shirt", "lower", "both", "hat", "hat", "hat", "bag", "bag", "bag")


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
        Positive sentences grouped by object, then near misses. Each positive is true of exactly one object.
    """
    positives: list[Expression] = []
    for index, facts in enumerate(objects):
        if not witness.clear(index):
            continue
        said: set[ExpressionSlots] = set()
        for _ in range(per_object):
            slots = _true_of(index, facts, objects, witness, rng)
            if slots is not None and slots not in said:
                said.add(slots)
                positives.append(Expression(say(slots, witness, rng), index, slots))
    return (*positives, *_near_misses(positives, witness, rng, negatives))


def say(slots: ExpressionSlots, witness: Witness, rng: np.random.Generator) -> str:
    """Words for a description in the clip of `witness`; where it compares two objects, "the bigger" may be said."""
    compares = slots.size is not None or slots.speed is not None
    return phrase(slots, rng, rivals=witness.rivals(slots) if compares else 0)


def _true_of(
    index: int, facts: ObjectFacts, objects: Sequence[ObjectFacts], witness: Witness, rng: np.random.Generator
) -> ExpressionSlots | None:
    """A description that means object `index` alone: a few attributes, and more where they do not suffice."""
    for _ in range(_TRIES):
        slots = _bare(facts, rng)
        options = [*_USUAL, *(_OF_PEOPLE if facts.category == "person" else ())]
        rng.shuffle(options)
        wanted = int(rng.choice(4, p=(0.06, 0.42, 0.4, 0.12)))
        filled = 0
        for option in options[:12]:
            if filled >= wanted and witness.target(slots) == index:
                return slots
            if filled >= wanted + 2:
                break
            more = _extended(slots, _ways_to_add(slots, option, facts, objects, witness, rng), index, witness)
            filled += more is not slots
            slots = more
        if witness.target(slots) == index:
            return slots
    return None


def _bare(facts: ObjectFacts, rng: np.random.Generator) -> ExpressionSlots:
    if facts.category == "person":
        return ExpressionSlots(category="person", gender=facts.gender if rng.random() < 0.4 else None)
    words = [word for word, members in HYPERNYMS.items() if facts.category in members and word != facts.category]
    if words and rng.random() < _HYPERNYM:
        return ExpressionSlots(category=str(rng.choice(words)))
    return ExpressionSlots(category=facts.category)


def _ways_to_add(
    slots: ExpressionSlots,
    option: str,
    facts: ObjectFacts,
    objects: Sequence[ObjectFacts],
    witness: Witness,
    rng: np.random.Generator,
) -> list[dict[str, object]]:
    """Ways to say one more attribute beside what `slots` says; none where it is said already or would be clumsy."""
    placed = slots.side or slots.direction or slots.size or slots.speed or slots.order or slots.relation
    moves = slots.action or slots.change or slots.direction
    if option == "action" and (facts.action == "still" or moves or slots.relation):
        return []
    if option in ("hat", "bag"):
        worn = facts.hat if option == "hat" else facts.bag
        if worn is None or slots.hat or slots.bag or slots.clothing:
            return []
        return [{option: worn if rng.random() < 0.7 else "any"}]
    if option in ("shirt", "lower", "both") and (slots.hat or slots.bag):
        return []
    if option == "change":
        return [] if moves or placed else [{"change": change} for change in CHANGES]
    if option in ("side", "extreme", "size", "direction", "speed", "order", "relation") and (placed or slots.change):
        return []
    if option == "speed":
        return [] if slots.action in ("standing", "parked") else [{"speed": word} for word in ("fastest", "slowest")]
    if option == "order":
        return [{"order": order} for order in rng.permutation(ORDERS).tolist()]
    if option == "relation":
        return _relations(facts, objects, witness, rng)
    return [dict(each) for each in _plain_ways(slots, option, facts, rng)]


def _extended(
    slots: ExpressionSlots, ways: Sequence[Mapping[str, Any]], index: int, witness: Witness
) -> ExpressionSlots:
    """`slots` with the first addition that is plainly true of object `index`; unchanged where none is."""
    for addition in ways:
        more = replace(slots, **addition)
        if witness.judge(more)[index] is True:
            return more
    return slots


def _plain_ways(
    slots: ExpressionSlots, option: str, facts: ObjectFacts, rng: np.random.Generator
) -> list[dict[str, str | None]]:
    """As `_ways_to_add`, for the attributes that need nothing but the object's own facts."""
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


def _relations(
    facts: ObjectFacts, objects: Sequence[ObjectFacts], witness: Witness, rng: np.random.Generator
) -> list[dict[str, object]]:
    """Relations to each other object that a noun, or a noun and a colour, mean alone."""
    found: list[dict[str, object]] = []
    for number in rng.permutation(len(objects)).tolist():
        other = objects[number]
        if other is facts or other.category == facts.category:
            continue
        reference = ExpressionSlots(category=other.category)
        if witness.target(reference) != number or rng.random() < 0.4:
            reference = replace(reference, colour=other.colour)
        if witness.target(reference) == number:
            names = rng.permutation(RELATIONS).tolist()
            if rng.random() < 0.7:  # left and right are nearly always true of something
                names = [name for name in names if name not in ("left of", "right of")]
            found += [{"relation": name, "other": reference} for name in names]
    return found


def _near_misses(
    positives: list[Expression], witness: Witness, rng: np.random.Generator, count: int
) -> list[Expression]:
    """True sentences with one attribute exchanged so that they fit nothing."""
    found: list[Expression] = []
    for _ in range(count * 5):
        if len(found) >= count or not positives:
            break
        slots = _swapped(positives[int(rng.integers(len(positives)))].slots, rng)
        if slots is not None and witness.fits_nothing(slots):
            found.append(Expression(say(slots, witness, rng), None, slots))
    return found


def _swapped(slots: ExpressionSlots, rng: np.random.Generator) -> ExpressionSlots | None:
    """One attribute of a sentence exchanged for another value; None where nothing can be."""
    values: dict[str, tuple[str, ...]] = {
        "colour": COLOURS,
        "lower_colour": COLOURS,
        "hat": COLOURS,
        "bag": COLOURS,
        "side": ("left", "right") if slots.side in ("left", "right") else (),
        "direction": ("left", "right"),
        "change": ("turns", "stops", "starts"),
        "relation": (_OPPOSITES[slots.relation],) if slots.relation in _OPPOSITES else (),
        "gender": ("man", "woman") if slots.clothing in (None, "shirt") else (),
        "action": tuple(action for action, _ in KINDS[slots.category].actions) if slots.category in KINDS else (),
        "category": CATEGORIES,
    }
    person_only = (slots.gender, slots.clothing, slots.hat, slots.bag, slots.action, slots.change, slots.direction)
    if any(value is not None for value in person_only):
        values["category"] = ()
    if slots.direction is not None:
        values["action"] = ()
    if "any" in (slots.hat, slots.bag):
        values["hat"] = values["bag"] = ()
    options = {
        name: [value for value in choices if value != getattr(slots, name)]
        for name, choices in values.items()
        if getattr(slots, name) is not None
    }
    options = {name: choices for name, choices in options.items() if choices}
    if not options:
        return None
    name = str(rng.choice(sorted(options)))
    exchanged: dict[str, Any] = {name: str(rng.choice(options[name]))}
    return replace(slots, **exchanged)
