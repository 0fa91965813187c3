"""How a description is said: synonyms, word order and small words. Lower case, no punctuation.

`phrase` only words what `ExpressionSlots` holds; whether it is true is the business of `predicates`.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from rvos_core.synthetic.colours import COLOURS
from rvos_core.synthetic.facts import CATEGORIES, ExpressionSlots
from rvos_core.synthetic.wording import whole_words

_NOUNS: dict[str, tuple[str, ...]] = {
    "person": ("person", "person", "human", "one"),
    "man": ("man", "man", "man", "guy"),
    "woman": ("woman", "woman", "lady"),
    "riding": ("cyclist", "rider", "biker", "bicyclist"),
    "on foot": ("pedestrian",),
    "running": ("runner", "jogger"),
    "car": ("car", "car", "car", "automobile"),
    "bus": ("bus", "bus", "coach"),
    "vehicle": ("vehicle",),
    "dog": ("dog", "dog", "dog", "puppy", "animal"),
    "ball": ("ball", "ball", "toy"),
}
_COLOUR_SYNONYMS: dict[str, tuple[str, ...]] = {"purple": ("purple", "purple", "violet")}
_UPPER = ("shirt", "shirt", "top", "jacket", "sweater")
_LOWER = ("trousers", "trousers", "pants")
_IN_COLOUR = ("in {colour}", "in {colour}", "dressed in {colour}", "wearing {colour}", "who wears {colour}")
_WEAR = ("in {garment}", "wearing {garment}", "with {garment}", "who wears {garment}", "who is wearing {garment}")
_AFTER_COLOUR = ("that is {colour}", "which is {colour}")
_ACTION: dict[str, tuple[str, ...]] = {
    "walking": ("walking", "walking", "{who} is walking", "{who} walks"),
    "running": ("running", "running", "{who} is running", "{who} runs"),
    "standing": ("standing", "standing still", "{who} is standing", "{who} stands still"),
    "riding": (
        "riding a bike", "riding a bike", "on a bike", "on the bike", "riding a bicycle", "on a bicycle", "cycling",
        "who is riding a bike", "who rides a bike", "who is cycling",
    ),
    "on foot": ("on foot", "who is not on a bike", "without a bike"),
    "sitting": ("sitting", "sitting down", "that is sitting", "that sits"),
    "moving": ("moving", "driving", "that is driving", "that is moving"),
    "parked": ("parked", "that is parked", "standing still", "not moving"),
    "rolling": ("rolling", "that is rolling", "that rolls"),
    "lying": ("lying still", "that is lying still", "not moving"),
}  # fmt: skip
_HEADING = (
    "moving {way}", "going {way}", "heading {way}",
    "{who} is moving {way}", "{who} is going {way}", "{who} moves {way}",
)  # fmt: skip
_HEADING_VERB: dict[str, tuple[str, ...]] = {
    "walking": ("walking {way}", "{who} is walking {way}", "{who} walks {way}"),
    "running": ("running {way}", "{who} is running {way}", "{who} runs {way}"),
    "riding": ("riding a bike {way}", "cycling {way}", "who is riding a bike {way}", "riding {way} on a bike"),
    "moving": ("driving {way}", "that is driving {way}"),
    "rolling": ("rolling {way}", "that is rolling {way}"),
}
_WAY = ("{side}", "to the {side}", "to the {side}", "towards the {side}")
_SIDE: dict[str, tuple[str, ...]] = {
    "left": ("on the left", "on the left", "on the left side", "at the left"),
    "right": ("on the right", "on the right", "on the right side", "at the right"),
    "middle": ("in the middle", "in the centre", "in the center"),
}
_EXTREME_AFTER = {"leftmost": "furthest to the left", "rightmost": "furthest to the right"}
_SIZE = {"biggest": ("biggest", "largest"), "smallest": ("smallest",)}
_SIZE_OF_TWO = {"biggest": ("bigger", "larger"), "smallest": ("smaller",)}
_TRAILING = (
    "in the picture", "in the video", "in the scene", "in the image", "in the clip", "in the frame",
)  # fmt: skip
_ARTICLES = ("the", "a", "an")


def phrase(slots: ExpressionSlots, rng: np.random.Generator, *, rivals: int = 0) -> str:
    """Say what `slots` holds in one of many ways.

    Args:
        slots: the description; its category must be said.
        rng: chooses words and order.
        rivals: how many objects a superlative compares; two allow a comparative ("the bigger dog").
    """
    noun, action = _noun(slots, rng)
    before: list[str] = []
    after: list[str] = []
    if slots.side in _EXTREME_AFTER:
        if rng.random() < 0.8:
            before.append(slots.side)
        else:
            after.append(_EXTREME_AFTER[slots.side])
    if slots.size is not None:
        before.append(_pick((_SIZE_OF_TWO if rivals == 2 else _SIZE)[slots.size], rng))
    person = slots.category == "person"
    if person:
        after += _clothes(slots, rng)
    elif slots.colour is not None:
        colour = _colour(slots.colour, rng)
        if rng.random() < 0.85:
            before.append(colour)
        else:
            after.insert(0, _pick(_AFTER_COLOUR, rng).format(colour=colour))
    doing = _doing(slots, action, rng, who="who" if person else "that")
    if doing == "parked" and rng.random() < 0.6:
        before.insert(len(before) - (1 if slots.colour and before else 0), doing)
    elif doing:
        after.insert(0 if after and rng.random() < 0.25 else len(after), doing)
    if slots.side in _SIDE:
        after.append(_pick(_SIDE[slots.side], rng))
    if rng.random() < 0.08:
        after.append(_pick(_TRAILING, rng))
    words = " ".join([*before, noun, *after])
    only_the = noun == "one" or slots.size is not None or slots.side in _EXTREME_AFTER
    return _with_article(words, rng, definite=only_the)


@cache
def vocabulary(categories: tuple[str, ...] = CATEGORIES) -> tuple[str, ...]:
    """Every word that the sentences of a world can have, sorted.

    Args:
        categories: the five that the bundled weights know (the default); with any other the words of the whole world,
            which hold the words of the five too.
    """
    if not {*categories} <= {*CATEGORIES}:
        return tuple(sorted({*vocabulary(), *whole_words()}))
    tables = (_NOUNS, _COLOUR_SYNONYMS, _ACTION, _HEADING_VERB, _SIDE, _SIZE, _SIZE_OF_TWO)
    texts = [text for table in tables for choices in table.values() for text in choices]
    texts += [
        *COLOURS,
        *_UPPER,
        *_LOWER,
        "skirt and",
        *_IN_COLOUR,
        *_WEAR,
        *_AFTER_COLOUR,
        *_HEADING,
        *_WAY,
        *_TRAILING,
    ]
    texts += [*_EXTREME_AFTER, *_EXTREME_AFTER.values(), *_ARTICLES, "who", "that"]
    words = {word for text in texts for word in text.split() if not word.startswith("{")}
    return tuple(sorted(words))


def _pick(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def _colour(word: str, rng: np.random.Generator) -> str:
    return _pick(_COLOUR_SYNONYMS.get(word, (word,)), rng)


def _noun(slots: ExpressionSlots, rng: np.random.Generator) -> tuple[str, str | None]:
    """The noun, and the action that it leaves to be said."""
    if slots.category != "person":
        return _pick(_NOUNS[slots.category or "vehicle"], rng), slots.action
    if slots.gender is not None:
        return _pick(_NOUNS[slots.gender], rng), slots.action
    if slots.action in {"riding", "on foot", "running"} and rng.random() < 0.5:
        return _pick(_NOUNS[slots.action], rng), None
    return _pick(_NOUNS["person"], rng), slots.action


def _clothes(slots: ExpressionSlots, rng: np.random.Generator) -> list[str]:
    if slots.clothing is None:
        if slots.colour is None:
            return []
        return [_pick(_IN_COLOUR, rng).format(colour=_colour(slots.colour, rng))]
    garments = []
    if slots.colour is not None:
        colour = _colour(slots.colour, rng)
        garments.append(f"{_article(colour)} {colour} {_pick(_UPPER, rng)}")
    if slots.lower_colour is not None:
        colour = _colour(slots.lower_colour, rng)
        skirt = slots.clothing == "skirt"
        garments.append(f"{_article(colour)} {colour} skirt" if skirt else f"{colour} {_pick(_LOWER, rng)}")
    return [_pick(_WEAR, rng).format(garment=" and ".join(garments))]


def _doing(slots: ExpressionSlots, action: str | None, rng: np.random.Generator, *, who: str) -> str | None:
    if slots.direction is not None:
        way = _pick(_WAY, rng).format(side=slots.direction)
        choices = _HEADING if action is None else _HEADING_VERB[action]
        return _pick(choices, rng).format(way=way, who=who)
    return None if action is None else _pick(_ACTION[action], rng).format(who=who)


def _with_article(words: str, rng: np.random.Generator, *, definite: bool) -> str:
    choice = rng.random()
    if choice < 0.1:
        return words
    return f"the {words}" if definite or choice < 0.82 else f"{_article(words)} {words}"


def _article(words: str) -> str:
    return "an" if words[0] in "aeiou" else "a"
