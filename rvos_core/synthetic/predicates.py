"""Is a description true of an object? Three answers: True, False, or None where a person could argue either way.

A sentence may be used only where it is True of its object and False of every other; None blocks it on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from rvos_core.synthetic.facts import ExpressionSlots, ObjectFacts

Truth = bool | None

MIN_MOTION_FRAMES = 3
_CLEAR_AREA = 0.0025  # share of the frame that the visible part must cover to be spoken of
_CLEAR_WHOLE = 0.4  # share of the silhouette that must be seen
_CLEAR_GENDER = 0.006  # below this size a skirt is a few pixels
_CLEAR_TRAVEL = 0.035  # frame heights over the ground
_SIDE_MARGIN = 0.05
_SIZE_RATIO = 1.3
_VEHICLES = ("car", "bus")


class Witness:
    """Judges descriptions against the facts of one clip.

    Args:
        objects: all objects of the clip.
        frame_px: pixels of one frame.
    """

    def __init__(self, objects: Sequence[ObjectFacts], *, frame_px: int) -> None:
        self._objects = tuple(objects)
        self._frames = len(objects[0].visible) if objects else 0
        self._seen = [bool(o.visible.any()) for o in objects]
        self._mean_area = [
            float(o.area[o.visible].mean()) if s else 0.0 for o, s in zip(objects, self._seen, strict=True)
        ]
        self._clear = [self._is_clear(o, a / frame_px) for o, a in zip(objects, self._mean_area, strict=True)]
        self._columns = [o.centre[o.visible, 0] for o in objects]

    def clear(self, index: int) -> bool:
        """Whether object `index` can be seen well enough to be spoken of."""
        return self._clear[index]

    def judge(self, slots: ExpressionSlots) -> list[Truth]:
        """What the description is of each object."""
        simple = replace(slots, side=None if _is_extreme(slots.side) else slots.side, size=None)
        truths = [self._plain(simple, index) for index in range(len(self._objects))]
        if _is_extreme(slots.side):
            truths = self._extreme(truths, self._further_left if slots.side == "leftmost" else self._further_right)
        if slots.size is not None:
            truths = self._extreme(truths, self._bigger if slots.size == "biggest" else self._smaller)
        return truths

    def target(self, slots: ExpressionSlots) -> int | None:
        """The one object the description means, or None where it means several, none, or it is arguable."""
        truths = self.judge(slots)
        if truths.count(True) != 1 or None in truths:
            return None
        return truths.index(True)

    def fits_nothing(self, slots: ExpressionSlots) -> bool:
        """Whether the description is plainly false of every object."""
        return all(truth is False for truth in self.judge(slots))

    def rivals(self, slots: ExpressionSlots) -> int:
        """How many objects a superlative in the description compares."""
        bare = replace(slots, side=None if _is_extreme(slots.side) else slots.side, size=None)
        return sum(truth is not False for truth in self.judge(bare))

    def _is_clear(self, facts: ObjectFacts, area_share: float) -> bool:
        enough = 2 * int(facts.visible.sum()) >= self._frames and bool(facts.visible.any())
        return enough and area_share >= _CLEAR_AREA and float(facts.whole[facts.visible].mean()) >= _CLEAR_WHOLE

    def _plain(self, slots: ExpressionSlots, index: int) -> Truth:
        if not self._seen[index]:
            return False
        facts = self._objects[index]
        answers = (
            _category(facts, slots.category),
            _gender(facts, slots.gender),
            _clothes(facts, slots),
            _action(facts, slots.action, moving_seen=self._frames >= MIN_MOTION_FRAMES),
            self._side(index, slots.side),
            self._direction(index, slots.direction),
        )
        if False in answers:
            return False
        return None if None in answers or not self._clear[index] else True

    def _side(self, index: int, side: str | None) -> Truth:
        if side is None:
            return True
        columns = self._columns[index]
        if side == "middle":
            off = np.abs(columns - 0.5)
            return _band(bool((off < 0.09).all()), bool((off > 0.16).all()))
        columns = columns if side == "left" else 1.0 - columns
        return _band(bool((columns < 0.42).all()), bool((columns > 0.5).all()))

    def _direction(self, index: int, direction: str | None) -> Truth:
        if direction is None:
            return True
        facts = self._objects[index]
        if self._frames < MIN_MOTION_FRAMES:
            return None
        if facts.direction is None:
            return False
        shown = abs(facts.travel) * float(facts.visible.mean())
        if shown < _CLEAR_TRAVEL:
            return None
        return facts.direction == direction

    def _extreme(self, truths: list[Truth], beats: Callable[[int, int], Truth]) -> list[Truth]:
        """`truths` narrowed to the one that beats all it is compared with; arguable where it has nothing to beat."""
        rivals = [index for index, truth in enumerate(truths) if truth is not False]
        if truths.count(True) < 2:
            return [None if truth else truth for truth in truths]
        out: list[Truth] = [False] * len(truths)
        for index in rivals:
            others = [other for other in rivals if other != index]
            if any(beats(other, index) for other in others):
                continue
            won = all(beats(index, other) for other in others)
            out[index] = True if won and truths[index] else None
        return out

    def _further_left(self, first: int, second: int) -> Truth:
        both = self._objects[first].visible & self._objects[second].visible
        if not both.any():
            return None
        gap = self._objects[second].centre[both, 0] - self._objects[first].centre[both, 0]
        return True if bool((gap > _SIDE_MARGIN).all()) else None

    def _further_right(self, first: int, second: int) -> Truth:
        return self._further_left(second, first)

    def _bigger(self, first: int, second: int) -> Truth:
        whole = self._objects[first].size >= _SIZE_RATIO * self._objects[second].size
        shown = self._mean_area[first] >= 1.15 * self._mean_area[second]
        return True if whole and shown else None

    def _smaller(self, first: int, second: int) -> Truth:
        return self._bigger(second, first)


def _is_extreme(side: str | None) -> bool:
    return side in {"leftmost", "rightmost"}


def _band(yes: bool, no: bool) -> Truth:
    return True if yes else False if no else None


def _category(facts: ObjectFacts, category: str | None) -> Truth:
    if category is None:
        return True
    return facts.category in _VEHICLES if category == "vehicle" else facts.category == category


def _gender(facts: ObjectFacts, gender: str | None) -> Truth:
    if gender is None:
        return True
    if facts.gender is None:
        return False
    if facts.size < _CLEAR_GENDER and (gender == "woman" or facts.gender == "woman"):
        return None
    return facts.gender == gender


def _clothes(facts: ObjectFacts, slots: ExpressionSlots) -> Truth:
    """Colour of the object or of the named garments. "in red" means the shirt; red trousers make it arguable."""
    if slots.clothing is not None and facts.category != "person":
        return False
    if slots.colour is not None and facts.colour != slots.colour:
        return None if slots.clothing is None and facts.lower_colour == slots.colour else False
    if slots.lower_colour is not None and facts.lower_colour != slots.lower_colour:
        return False
    if slots.clothing == "skirt" or (slots.clothing in {"trousers", "both"} and facts.gender == "woman"):
        return (
            True if (slots.clothing == "skirt") == (facts.gender == "woman") and facts.size >= _CLEAR_GENDER else None
        )
    return True


def _action(facts: ObjectFacts, action: str | None, *, moving_seen: bool) -> Truth:
    if action is None:
        return True
    if action == "on foot":
        return facts.category == "person" and facts.action != "riding"
    hidden_in_a_still = {"moving", "parked", "rolling", "lying"}
    if not moving_seen and action in hidden_in_a_still:
        return None if facts.action in hidden_in_a_still else False
    gaits = {"walking", "running"}
    if not moving_seen and facts.action in gaits and action in gaits and facts.action != action:
        return None
    return facts.action == action
