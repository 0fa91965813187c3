"""Is a word true of an object? Categories and their hypernyms, actions, hats and bags.

Three answers as in `predicates`: True, False, or None where a person could argue either way.
"""

from __future__ import annotations

from rvos_core.synthetic.facts import ObjectFacts
from rvos_core.synthetic.kinds import ARGUABLE, HYPERNYMS, RESTS, RIDES

Truth = bool | None

_CLEAR_WORN = 0.008  # share of the frame below which a hat is a few pixels
_WORN_WHOLE = 0.75  # share of the silhouette that must be seen
_HELMET_COLOURS = ("any", "grey", "white", "black")
_HIDDEN_IN_A_STILL = frozenset({"moving", "parked", "rolling", "lying", "anchored"})
_GAITS = frozenset({"walking", "running", "standing"})


def judge_category(facts: ObjectFacts, word: str) -> Truth:
    """A category or a hypernym. Who rides something makes the words for what is ridden arguable."""
    members = HYPERNYMS.get(word, (word,))
    if facts.category in members:
        return True
    ridden = RIDES.get(facts.action) if facts.category == "person" else None
    arguable = ARGUABLE.get(word, ())
    return None if facts.category in arguable or ridden in members or ridden in arguable else False


def judge_action(facts: ObjectFacts, action: str, *, moving_seen: bool) -> Truth:
    """An action; one who stops or starts within the clip does both, so that either is arguable."""
    if action == "on foot":
        return facts.category == "person" and facts.action not in RIDES
    rest = RESTS.get(facts.category)
    if _pauses(facts) and action in (facts.action, rest):
        return None
    if action == "standing" and facts.action == "grazing":
        return None
    if not moving_seen and facts.action != action:
        if action in _HIDDEN_IN_A_STILL and facts.action in _HIDDEN_IN_A_STILL:
            return None
        if action in _GAITS and facts.action in _GAITS:
            return None
    if not moving_seen and action in _HIDDEN_IN_A_STILL and facts.category != "cat":
        return None if facts.action == action else False
    return facts.action == action


def judge_worn(facts: ObjectFacts, worn: str | None, said: str | None, *, garment: str) -> Truth:
    """A hat or a bag, of a colour or "any"; arguable on people who are small or half hidden, or wear helmets."""
    if said is None:
        return True
    if facts.category != "person":
        return False
    helmet = garment == "hat" and worn is None and facts.action in RIDES
    if helmet and said in _HELMET_COLOURS:
        return None
    if facts.size < _CLEAR_WORN or float(facts.whole[facts.visible].mean()) < _WORN_WHOLE:
        return None
    return worn is not None if said == "any" else worn == said


def _pauses(facts: ObjectFacts) -> bool:
    return facts.track is not None and bool(facts.track.speed.any()) and not bool(facts.track.speed.all())
