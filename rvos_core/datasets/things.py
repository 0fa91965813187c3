"""Which words of an expression name things, so that two texts can be compared by what they speak of.

Closed lists, no grammar: what is not known to name no thing counts as naming one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_PEOPLE = """
man men woman women boy girl lady guy gentleman kid child children baby people player rider human adult male female
dancer skateboarder surfer biker cyclist skier someone somebody toddler teenager
"""

# Articles, pronouns, prepositions, numbers, places in the picture, colours, sizes, and verbs of what is done or worn.
_NAMELESS = """
a an the this that these those it its his her their he she they him them who which what there here and or but of in
on at to from with without by for as into onto over under up down off out near next beside behind front between
among around across along through towards toward away above below inside outside while when then than is are was
were be being been has have had having do does doing can not no very just only also all any some each every other
another same both one two three four five six first second third last many several few left right middle centre
center top bottom side back background foreground far close closest nearest rear corner edge end beginning start
half part area place position view frame video scene camera screen image time red blue green yellow white black
brown orange purple pink grey gray dark light bright colored coloured color colour golden silver striped spotted
plain big small large little tiny huge tall short long thick thin fat old young new slow fast quick slowly quickly
fully partly partially visible seen hidden moving moves move walking walks walk running runs run standing stands
stand sitting sits sit lying lies laying lay sleeping going goes go coming comes come turning turns turn looking
looks look facing faces face holding holds hold held wearing wears wear carrying carries carry playing plays play
riding rides ride eating eats eat drinking jumping jumps jump flying flies fly swimming swims swim climbing driving
drives driven hanging getting gets get putting taking takes take making trying tries stays stay staying remaining
still swinging bending using used placed slightly mostly almost together alone again forward forwards backward
backwards sideways upward downward everything something anything nothing thing things object objects ones own motion
direction
"""

_NAMELESS_WORDS = frozenset(_NAMELESS.split())
_SAME_THING: Mapping[str, str] = {
    **dict.fromkeys(_PEOPLE.split(), "person"),
    "puppy": "dog",
    "kitten": "cat",
    "bicycle": "bike",
    "motorcycle": "motorbike",
    "aeroplane": "plane",
    "airplane": "plane",
    "automobile": "car",
    "calf": "cow",
    "bull": "cow",
    "duckling": "duck",
    "mice": "mouse",
    "buse": "bus",
}
_WORD = re.compile(r"[a-z]+")


def things(text: str) -> frozenset[str]:
    """Words of a sentence or a category that name things, singular, with words for one thing made equal."""
    words = (_singular(word) for word in _WORD.findall(text.lower()) if word not in _NAMELESS_WORDS and len(word) > 1)
    return frozenset(_SAME_THING.get(word, word) for word in words if word not in _NAMELESS_WORDS)


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
