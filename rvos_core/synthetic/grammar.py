"""How descriptions are said: synonyms, paraphrase, word order. Lower case, no punctuation.

`phrase` only words what `ExpressionSlots` holds; whether it is true is the business of `predicates`.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from rvos_core.language.phrases import (
    ACTION,
    BAG,
    CHANGE,
    COLOUR_SYNONYMS,
    COLOURS,
    EXTREME_AFTER,
    HAT,
    HEADING,
    HEADING_VERB,
    IN_COLOUR,
    LOWER,
    NOUNS,
    OF_COLOUR,
    ORDER,
    PERSON_NOUNS,
    RELATION,
    SIDE,
    SIZE,
    SIZE_OF_TWO,
    SPEED,
    SPEED_AFTER,
    SPEED_OF_TWO,
    TRAILING,
    UPPER,
    WAY,
    WEAR,
)
from rvos_core.language.slots import ExpressionSlots

_LEAVING_THE_VERB = {
    "riding", "on foot", "running", "on horseback", "on a motorbike", "skateboarding",
}  # fmt: skip


def phrase(slots: ExpressionSlots, rng: np.random.Generator, *, rivals: int = 0) -> str:
    """Say what `slots` holds in one of many ways.

    Args:
        slots: the description; its category must be said.
        rng: chooses words and order.
        rivals: how many objects a superlative compares; two allow a comparative ("the faster dog").
    """
    noun, action = _noun(slots, rng)
    before, after = _comparison(slots, rng, rivals)
    person = slots.category == "person"
    if person:
        after += _clothes(slots, rng)
    elif slots.colour is not None:
        colour = _colour(slots.colour, rng)
        if rng.random() < 0.85:
            before.append(colour)
        else:
            after.insert(0, _pick(OF_COLOUR, rng).format(colour=colour))
    who = "who" if person else "that"
    doing = _doing(slots, action, rng, who=who)
    if doing == "parked" and rng.random() < 0.5:
        before.insert(len(before) - (1 if slots.colour and before else 0), doing)
    elif doing:
        after.insert(0 if after and rng.random() < 0.25 else len(after), doing)
    if slots.change is not None:
        after.append(_pick(CHANGE[slots.change], rng).format(who=who))
    if slots.side in SIDE:
        after.append(_pick(SIDE[slots.side], rng))
    if slots.relation is not None and slots.other is not None:
        after.append(f"{_pick(RELATION[slots.relation], rng)} the {_reference(slots.other, rng)}")
    elif slots.order is not None:
        first, _, rest = _pick(ORDER[slots.order], rng).partition(" ")
        before.insert(0, first)
        after.insert(0, rest)
    elif rng.random() < 0.06:
        after.append(_pick(TRAILING, rng))
    words = " ".join([*before, noun, *after])
    definite = slots.size is not None or slots.speed is not None or slots.order is not None
    return _with_article(words, rng, definite=definite or slots.side in EXTREME_AFTER)


@cache
def vocabulary() -> tuple[str, ...]:
    """Every word that `phrase` can say, sorted."""
    tables = (
        NOUNS, PERSON_NOUNS, COLOUR_SYNONYMS, ACTION, HEADING_VERB, SIDE, SIZE, SIZE_OF_TWO, SPEED, SPEED_OF_TWO,
        SPEED_AFTER, CHANGE, RELATION, ORDER,
    )  # fmt: skip
    texts = [text for table in tables for choices in table.values() for text in choices]
    texts += [*COLOURS, *UPPER, *LOWER, *IN_COLOUR, *WEAR, *OF_COLOUR, *HEADING, *WAY, *TRAILING, *HAT, *BAG]
    texts += [*EXTREME_AFTER, *EXTREME_AFTER.values(), "the a an who that and skirt"]
    return tuple(sorted({word for text in texts for word in text.split() if not word.startswith("{")}))


def _comparison(slots: ExpressionSlots, rng: np.random.Generator, rivals: int) -> tuple[list[str], list[str]]:
    """What stands before the noun and what after it to say an extreme side, size or speed."""
    before: list[str] = []
    after: list[str] = []
    if slots.side in EXTREME_AFTER:
        if rng.random() < 0.75:
            before.append(slots.side)
        else:
            after.append(EXTREME_AFTER[slots.side])
    if slots.size is not None:
        before.append(_pick((SIZE_OF_TWO if rivals == 2 else SIZE)[slots.size], rng))
    if slots.speed is not None:
        if rng.random() < 0.3:
            after.append(_pick(SPEED_AFTER[slots.speed], rng))
        else:
            before.append(_pick((SPEED_OF_TWO if rivals == 2 else SPEED)[slots.speed], rng))
    return before, after


def _noun(slots: ExpressionSlots, rng: np.random.Generator) -> tuple[str, str | None]:
    """The noun, and the action that it leaves to be said."""
    if slots.category != "person":
        return _pick(NOUNS[slots.category or "vehicle"], rng), slots.action
    if slots.gender is not None:
        return _pick(PERSON_NOUNS[slots.gender], rng), slots.action
    if slots.action in _LEAVING_THE_VERB and rng.random() < 0.5:
        return _pick(PERSON_NOUNS[slots.action], rng), None
    return _pick(NOUNS["person"], rng), slots.action


def _clothes(slots: ExpressionSlots, rng: np.random.Generator) -> list[str]:
    """What a person wears and carries, each as a phrase."""
    said: list[str] = []
    if slots.clothing is None and slots.colour is not None:
        said.append(_pick(IN_COLOUR, rng).format(colour=_colour(slots.colour, rng)))
    elif slots.clothing is not None:
        garments = []
        if slots.colour is not None:
            colour = _colour(slots.colour, rng)
            garments.append(f"{_article(colour)} {colour} {_pick(UPPER, rng)}")
        if slots.lower_colour is not None:
            colour = _colour(slots.lower_colour, rng)
            skirt = slots.clothing == "skirt"
            garments.append(f"{_article(colour)} {colour} skirt" if skirt else f"{colour} {_pick(LOWER, rng)}")
        said.append(_pick(WEAR, rng).format(garment=" and ".join(garments)))
    for value, templates in ((slots.hat, HAT), (slots.bag, BAG)):
        if value is not None:
            thing = _pick(templates, rng)
            colour = "" if value == "any" else f"{_colour(value, rng)} "
            first = colour or thing.rsplit(" ", 1)[-1]
            said.append(thing.format(a=_article(first), colour=colour).replace("  ", " "))
    return said


def _doing(slots: ExpressionSlots, action: str | None, rng: np.random.Generator, *, who: str) -> str | None:
    if slots.direction is not None:
        way = _pick(WAY, rng).format(side=slots.direction)
        choices = HEADING if action is None or action not in HEADING_VERB else HEADING_VERB[action]
        return _pick(choices, rng).format(way=way, who=who)
    return None if action is None else _pick(ACTION[action], rng).format(who=who)


def _reference(slots: ExpressionSlots, rng: np.random.Generator) -> str:
    """The object of a relation: noun and colour only."""
    noun, _ = _noun(slots, rng)
    if slots.colour is None:
        return noun
    colour = _colour(slots.colour, rng)
    return f"{noun} in {colour}" if slots.category == "person" else f"{colour} {noun}"


def _pick(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def _colour(word: str, rng: np.random.Generator) -> str:
    return _pick(COLOUR_SYNONYMS.get(word, (word,)), rng)


def _with_article(words: str, rng: np.random.Generator, *, definite: bool) -> str:
    choice = rng.random()
    if choice < 0.08:
        return words
    return f"the {words}" if definite or choice < 0.85 else f"{_article(words)} {words}"


def _article(words: str) -> str:
    return "an" if words[0] in "aeiou" else "a"
