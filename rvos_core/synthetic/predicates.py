"""Is a description true of an object? Three answers: True, False, or None where a person could argue either way.

A sentence may be used only where it is True of its object and False of every other; None blocks it on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from rvos_core.language.slots import ExpressionSlots
from rvos_core.synthetic.changes import judge_change, judge_direction, leave_moment
from rvos_core.synthetic.facts import ObjectFacts
from rvos_core.synthetic.relations import further_left, judge_relation, metres_per_second
from rvos_core.synthetic.words_of_things import judge_action, judge_category, judge_worn

Truth = bool | None

MIN_MOTION_FRAMES = 3
_CLEAR_AREA = 0.0025  # share of the frame that the visible part must cover to be spoken of
_CLEAR_WHOLE = 0.4  # share of the silhouette that must be seen
_CLEAR_GENDER = 0.006  # below this size a skirt is a few pixels
_CLEAR_TRAVEL = 0.035  # frame heights over the ground
_SIDE_MARGIN = 0.05
_SIZE_RATIO = 1.3
_SPEED_RATIO = 1.4


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
        simple = _bare(slots)
        truths = [self._plain(simple, index) for index in range(len(self._objects))]
        if _is_extreme(slots.side):
            truths = self._extreme(truths, self._further_left if slots.side == "leftmost" else self._further_right)
        if slots.size is not None:
            truths = self._extreme(truths, self._bigger if slots.size == "biggest" else self._smaller)
        if slots.speed is not None:
            truths = self._extreme(truths, self._faster if slots.speed == "fastest" else self._slower)
        if slots.order is not None:
            truths = self._ordered(truths, slots.order)
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
        return sum(truth is not False for truth in self.judge(_bare(slots)))

    def _is_clear(self, facts: ObjectFacts, area_share: float) -> bool:
        enough = 2 * int(facts.visible.sum()) >= self._frames and bool(facts.visible.any())
        return enough and area_share >= _CLEAR_AREA and float(facts.whole[facts.visible].mean()) >= _CLEAR_WHOLE

    def _plain(self, slots: ExpressionSlots, index: int) -> Truth:
        if not self._seen[index]:
            return False
        facts = self._objects[index]
        answers = (
            slots.category is None or judge_category(facts, slots.category),
            _gender(facts, slots.gender),
            _clothes(facts, slots),
            slots.action is None or judge_action(facts, slots.action, moving_seen=self._frames >= MIN_MOTION_FRAMES),
            self._side(index, slots.side),
            self._direction(index, slots.direction),
            judge_worn(facts, facts.hat, slots.hat, garment="hat"),
            judge_worn(facts, facts.bag, slots.bag, garment="bag"),
            judge_change(facts, slots.change),
            self._related(index, slots),
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
        if judge_direction(facts) is None:
            return None
        shown = abs(facts.travel) * float(facts.visible.mean())
        if shown < _CLEAR_TRAVEL:
            return None
        return facts.direction == direction

    def _related(self, index: int, slots: ExpressionSlots) -> Truth:
        """The relation to the one object that `other` means; arguable where that is not plainly one."""
        if slots.relation is None:
            return True
        other = None if slots.other is None else self.target(slots.other)
        if other is None:
            return None
        return False if other == index else judge_relation(self._objects[index], self._objects[other], slots.relation)

    def _ordered(self, truths: list[Truth], order: str) -> list[Truth]:
        """`truths` narrowed to the one at a place in a row; arguable for all where the row is."""
        rivals = [index for index, truth in enumerate(truths) if truth is not False]
        unsure: list[Truth] = [None if truth is not False else False for truth in truths]
        if any(truths[index] is None for index in rivals):
            return unsure
        place, _, kind = order.partition(" ")
        if kind in ("to leave", "to enter"):
            moments = {index: leave_moment(self._objects[index], entering=kind == "to enter") for index in rivals}
            if None in moments.values():
                return unsure
            times = sorted(moment for moment in moments.values() if moment is not None and moment > 0)
            if len(times) < 2 or len(set(times)) < len(times):
                return unsure
            wanted = times[0 if place == "first" else -1]
            return [truth if truth is False else moments[index] == wanted for index, truth in enumerate(truths)]
        rank = {"second": 1, "third": 2}[place]
        if len(rivals) < rank + 2:
            return unsure
        before = self._further_left if kind == "from left" else self._further_right
        out: list[Truth] = [False] * len(truths)
        for index in rivals:
            others = [other for other in rivals if other != index]
            ahead = sum(before(other, index) is True for other in others)
            behind = sum(before(index, other) is True for other in others)
            if ahead + behind < len(others):
                return unsure
            out[index] = ahead == rank
        return out

    def _faster(self, first: int, second: int) -> Truth:
        quick, slow = self._objects[first], self._objects[second]
        if quick.track is None or slow.track is None or self._frames < MIN_MOTION_FRAMES:
            return None
        (own, seen), (other, other_seen) = metres_per_second(quick), metres_per_second(slow)
        enough = own >= _SPEED_RATIO * other and seen >= _SPEED_RATIO * other_seen
        return True if enough and seen >= _CLEAR_TRAVEL else None

    def _slower(self, first: int, second: int) -> Truth:
        standing = metres_per_second(self._objects[first])[0] == 0.0
        return None if standing else self._faster(second, first)

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
        return further_left(self._objects[first], self._objects[second], margin=_SIDE_MARGIN)

    def _further_right(self, first: int, second: int) -> Truth:
        return self._further_left(second, first)

    def _bigger(self, first: int, second: int) -> Truth:
        whole = self._objects[first].size >= _SIZE_RATIO * self._objects[second].size
        shown = self._mean_area[first] >= 1.15 * self._mean_area[second]
        return True if whole and shown else None

    def _smaller(self, first: int, second: int) -> Truth:
        return self._bigger(second, first)


def _bare(slots: ExpressionSlots) -> ExpressionSlots:
    """The description without what compares objects."""
    side = None if _is_extreme(slots.side) else slots.side
    return replace(slots, side=side, size=None, speed=None, order=None)


def _is_extreme(side: str | None) -> bool:
    return side in {"leftmost", "rightmost"}


def _band(yes: bool, no: bool) -> Truth:
    return True if yes else False if no else None


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
        if slots.clothing is None and slots.colour in (facts.hat, facts.bag):
            return None
        return None if slots.clothing is None and facts.lower_colour == slots.colour else False
    if slots.lower_colour is not None and facts.lower_colour != slots.lower_colour:
        return False
    if slots.clothing == "skirt" or (slots.clothing in {"trousers", "both"} and facts.gender == "woman"):
        return (
            True if (slots.clothing == "skirt") == (facts.gender == "woman") and facts.size >= _CLEAR_GENDER else None
        )
    return True
