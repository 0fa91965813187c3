"""Reading a referring expression: the street world's grammar backwards, tolerant of words that it does not have.

The sentence is cut into the longest phrases that mean something; each says a slot, or waits for the noun or garment
that it belongs to. What nothing is known of is kept and named, never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from rvos_core.language import phrases
from rvos_core.language.slots import ExpressionSlots

# Words beyond the world's grammar that people use for the same things.
_MORE_NOUNS: phrases.Words = {
    "person": ("people", "child", "kid", "baby", "rider", "player", "dancer", "someone", "somebody"),
    "car": ("taxi", "cab", "suv", "jeep", "sedan"),
    "bus": ("minibus",),
    "bicycle": ("cycle", "mountain bike"),
    "motorbike": ("scooter", "moped"),
    "boat": ("sailboat", "yacht"),
    "ball": ("football", "soccer ball", "basketball"),
    "dog": ("hound",),
    "bird": ("duck", "goose", "pigeon"),
}
_MORE_PEOPLE: phrases.Words = {"man": ("boy", "male", "men"), "woman": ("girl", "female", "women")}
_MORE_COLOURS: phrases.Words = {
    "red": ("scarlet", "crimson"),
    "blue": ("navy", "turquoise"),
    "yellow": ("golden", "gold"),
    "grey": ("silver", "silvery"),
    "brown": ("beige", "tan", "chestnut"),
    "purple": ("lilac",),
}
_MORE_SIZES: phrases.Words = {
    "biggest": ("bigger", "larger", "big", "large", "tall", "tallest", "taller", "huge"),
    "smallest": ("smaller", "small", "little", "tiny", "short", "shortest"),
}
_MORE_SIDES: phrases.Words = {
    "left": ("left", "left hand side", "left side"),
    "right": ("right", "right hand side", "right side"),
    "middle": ("middle", "centre", "center", "central"),
    "leftmost": ("leftmost", "far left", "on the far left"),
    "rightmost": ("rightmost", "far right", "on the far right"),
}
_MORE_ACTIONS: phrases.Words = {
    "walking": ("walk", "strolling"),
    "running": ("run", "jogging", "sprinting"),
    "riding": ("biking", "bicycling"),
    "parked": ("at rest", "stationary", "resting"),
    "moving": ("move", "in motion"),
}
_MORE_UPPER = ("t shirt", "tshirt", "blouse", "coat", "hoodie", "jersey", "vest")
_MORE_LOWER = ("jeans", "shorts", "leggings")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "last")
_MOMENTS: phrases.Words = {
    "leave": ("to leave", "that leaves", "to disappear", "to go", "leaving"),
    "enter": ("to enter", "that enters", "to appear", "that appears", "to come in", "to arrive", "entering"),
}
_ROWS: phrases.Words = {"from left": ("from the left",), "from right": ("from the right",)}
_WAYS: phrases.Words = {
    side: (*(way.format(side=side) for way in dict.fromkeys(phrases.WAY)), f"{side}wards", f"toward the {side}")
    for side in ("left", "right")
}
_MOTION = ("moving", "going", "heading", "moves", "goes", "headed", "heads", "driving", "drives", "facing")
_FILLERS = frozenset({
    "the", "a", "an", "that", "who", "which", "what", "is", "are", "was", "one", "ones", "it", "its", "in", "with",
    "on", "of", "to", "at", "and", "there", "has", "have", "wearing", "wears", "dressed", "carrying", "carries",
    "being", "this", "these", "those", "by",
})  # fmt: skip
_HAVING = frozenset({"with", "has", "have", "carrying", "carries", "wearing", "wears"})
_FLOATING = frozenset({"balloon"})


@dataclass(frozen=True)
class Reading:
    """What is understood of an expression.

    Attributes:
        text: as given.
        slots: what it says.
        unknown: words that mean nothing here, in order.
        also: what is named beside the one that is meant: categories ("a man with a *ball*"), a second colour.
        contradictions: pairs of values that one slot was given ("the red blue one").
    """

    text: str
    slots: ExpressionSlots
    unknown: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    contradictions: tuple[tuple[str, str], ...] = ()

    @property
    def said(self) -> dict[str, Any]:
        """The slots that say something, by name; `other` as a dictionary of its own."""
        return _said(self.slots)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "text": self.text,
            "slots": self.said,
            "unknown": list(self.unknown),
            "also": list(self.also),
            "contradictions": [list(pair) for pair in self.contradictions],
        }


def read_expression(text: str) -> Reading:
    """Read any sentence. Case and punctuation do not matter; an empty one says nothing."""
    reader = _Reader()
    for kind, value in _meanings(_words(text)):
        reader.take(kind, value)
    return reader.finish(text)


def _said(slots: ExpressionSlots) -> dict[str, Any]:
    said = {name: value for name, value in vars(slots).items() if value is not None}
    return said | {"other": _said(slots.other)} if slots.other is not None else said


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower().replace("'s ", " "))


def _meanings(words: list[str]) -> Iterator[tuple[str, str]]:
    """The longest phrases of the lexicon, one after the other, as (kind, value). Words between are ("joint", word),
    words that mean nothing here ("unknown", word).
    """
    lexicon, longest = _lexicon()
    index = 0
    while index < len(words):
        for length in range(min(longest, len(words) - index), 0, -1):
            found = lexicon.get(tuple(words[index : index + length]))
            if found is not None:
                yield found
                index += length
                break
        else:
            kind = "joint" if words[index] in _FILLERS else "unknown"
            yield kind, words[index]
            index += 1


@cache
def _lexicon() -> tuple[dict[tuple[str, ...], tuple[str, str]], int]:
    """Phrase -> (kind, value), and the length of the longest. What stands first here goes before what comes later."""
    table: dict[tuple[str, ...], tuple[str, str]] = {}

    def add(kind: str, choices: phrases.Words) -> None:
        """Every way to say each value."""
        for value, texts in choices.items():
            for text in texts:
                words = tuple(_words(text.replace("{who}", "").replace("{way}", "")))
                while len(words) > 1 and words[0] in ("that", "who", "which", "is"):
                    words = words[1:]
                table.setdefault(words, (kind, value))

    for speeds in (phrases.SPEED, phrases.SPEED_OF_TWO, phrases.SPEED_AFTER):
        add("speed", speeds)
    for sizes in (phrases.SIZE, phrases.SIZE_OF_TWO, _MORE_SIZES):
        add("size", sizes)
    add("relation", phrases.RELATION)
    add("action", {value: tuple(t for t in texts if t != "in the air") for value, texts in phrases.ACTION.items()})
    add("airborne", {"": ("in the air",)})
    add("change", phrases.CHANGE)
    add("action", phrases.HEADING_VERB)
    add("motion", {"": _MOTION})
    add("action", _MORE_ACTIONS)
    add("side", phrases.SIDE | {value: (text,) for value, text in phrases.EXTREME_AFTER.items()})
    add("row", _ROWS)
    add("way", _WAYS)
    add("side", _MORE_SIDES)
    add("moment", _MOMENTS)
    add("ordinal", {word: (word,) for word in _ORDINALS})
    add("colour", {word: (word,) for word in phrases.COLOURS} | phrases.COLOUR_SYNONYMS)
    add("colour", _MORE_COLOURS)
    add("garment", {"upper": (*phrases.UPPER, *_MORE_UPPER), "lower": (*phrases.LOWER, *_MORE_LOWER)})
    add("garment", {"skirt": ("skirt", "dress"), "hat": ("hat", "cap", "helmet"), "bag": ("backpack", "bag")})
    for people in (phrases.PERSON_NOUNS, _MORE_PEOPLE):
        add("person", people)
    for nouns in (phrases.NOUNS, _MORE_NOUNS):
        add("noun", nouns)
    add("nothing", {"": (*phrases.TRAILING, "thing", "object", "something")})
    return table, max(map(len, table))


@dataclass
class _Reader:
    """Puts the phrases of a sentence together, from left to right."""

    slots: ExpressionSlots = field(default_factory=ExpressionSlots)
    named: bool = False  # the noun of what is meant has been said
    colour: str | None = None  # said, and waiting for what has it
    second_colour: bool = False  # another colour of the same thing may follow
    ordinal: str | None = None
    moving: bool = False  # the phrase before says a motion, so that a side would be its direction
    related: bool = False  # after a relation: nouns and colours are of the other thing
    unknown: list[str] = field(default_factory=list)
    also: list[str] = field(default_factory=list)
    contradictions: list[tuple[str, str]] = field(default_factory=list)

    def take(self, kind: str, value: str) -> None:
        """One more phrase."""
        if kind == "joint":
            self._join(value)
            return
        moving, self.moving = self.moving, False
        if kind == "colour":
            self._colour(value)
        elif kind in ("noun", "person"):
            self._noun(kind, value)
        elif kind == "garment":
            self._garment(value)
        elif kind == "motion" or (kind == "action" and value in phrases.HEADING_VERB):
            if value:
                self._set("action", value)
            self.moving = True
        elif kind == "action" and value == "moving":
            if self.slots.action is None:  # who runs moves, too
                self._set("action", value)
            self.moving = True
        elif kind == "action":
            self._set("action", value)
        elif kind == "airborne":
            self._set("action", "floating" if self.slots.category in _FLOATING else "flying")
        elif kind == "way":
            self._way(value, moving=moving)
        elif kind == "change" and self.ordinal is not None and value in ("leaves", "enters"):
            self._moment(value.removesuffix("s"))
        elif kind == "moment":
            self._moment(value)
        elif kind == "row":
            self._row(value)
        elif kind == "ordinal":
            self.ordinal = value
        elif kind == "relation":
            self._settle_colour()
            self._set("relation", value)
            self.related = True
        elif kind == "unknown":
            self.unknown.append(value)
        elif kind != "nothing":
            self._set(kind, value)

    def finish(self, text: str) -> Reading:
        """All phrases have been taken."""
        self._settle_colour()
        if self.ordinal is not None:
            self.unknown.append(self.ordinal)
        if self.related and self.slots.other is None:
            self.slots = replace(self.slots, relation=None)  # to what, was not understood
        return Reading(text, self.slots, tuple(self.unknown), tuple(self.also), tuple(self.contradictions))

    def _join(self, word: str) -> None:
        """A word between two phrases: a colour before it is not of what comes after it."""
        if word in _HAVING and self.unknown:  # "a camel with a ball": a noun that is not known has been said
            self.named = True
        if word == "and" and self.colour is not None:
            self.second_colour = True
        elif self.named:
            self._settle_colour()

    def _colour(self, colour: str) -> None:
        if self.second_colour:  # "black and white": the first is the one to look for
            self.second_colour = False
            self.also.append(colour)
            return
        self._settle_colour()
        self.colour = colour

    def _noun(self, kind: str, value: str) -> None:
        category = "person" if kind == "person" else value
        if self.related:
            other = self.slots.other or ExpressionSlots()
            if other.category is None:
                gender = value if value in ("man", "woman") else None
                other = replace(other, category=category, gender=gender, colour=self.colour)
                self.slots, self.colour = replace(self.slots, other=other), None
                return
        if self.named:
            self.also.append(category)
            self.colour = None  # it was of that other thing
            return
        self.named, self.second_colour = True, False
        self._set("category", category)
        if kind == "person" and value in ("man", "woman"):
            self._set("gender", value)
        elif kind == "person":
            self._set("action", value)
            self.moving = False
        self._settle_colour()

    def _garment(self, garment: str) -> None:
        colour, self.colour = self.colour, None
        if garment in ("hat", "bag"):
            self._set(garment, colour or "any")
            return
        both = {"upper": ("trousers", "both"), "lower": ("shirt", "both"), "skirt": ("shirt", "skirt")}[garment]
        alone = {"upper": "shirt", "lower": "trousers", "skirt": "skirt"}[garment]
        if self.slots.clothing != "skirt":
            clothing = both[1] if self.slots.clothing == both[0] else alone
            self.slots = replace(self.slots, clothing=clothing)
        if colour is not None:
            self._set("colour" if garment == "upper" else "lower_colour", colour)

    def _way(self, side: str, *, moving: bool) -> None:
        if not moving:
            self._set("side", side)
            return
        if self.slots.action == "moving":
            self.slots = replace(self.slots, action=None)  # "moving to the left" says no more than the direction
        self._set("direction", side)

    def _row(self, row: str) -> None:
        if self.ordinal in (None, "first"):
            self._set("side", "leftmost" if row == "from left" else "rightmost")
        elif self.ordinal == "last":
            self._set("side", "rightmost" if row == "from left" else "leftmost")
        else:
            self._set("order", f"{self.ordinal} {row}")
        self.ordinal = None

    def _moment(self, moment: str) -> None:
        self._set("order", f"{self.ordinal or 'first'} to {moment}")
        self.ordinal = None

    def _settle_colour(self) -> None:
        """A colour that waited for a noun is that of what is spoken of."""
        colour, self.colour = self.colour, None
        if colour is None:
            return
        if self.related:
            other = self.slots.other or ExpressionSlots()
            self.slots = replace(self.slots, other=replace(other, colour=colour))
        else:
            self._set("colour", colour)

    def _set(self, slot: str, value: str) -> None:
        """Say a slot; the first value stays where another was said."""
        before = getattr(self.slots, slot)
        if before is not None and before != value:
            self.contradictions.append((before, value))
            return
        changed: dict[str, Any] = {slot: value}
        self.slots = replace(self.slots, **changed)
